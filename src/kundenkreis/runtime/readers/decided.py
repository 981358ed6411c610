"""Decided messages: the list by keyset over the first verdicts, one message with all its verdicts and as it was sent."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from kundenkreis.customers.core.listing import display_name
from kundenkreis.customers.core.state import decode_state
from kundenkreis.runtime.installation import Installation
from kundenkreis.runtime.mailbox_pages import StoredMailbox, read_verdicts
from kundenkreis.runtime.readers.customer_search import find_candidates
from kundenkreis.runtime.readers.fates import DECIDED, FATE
from kundenkreis.runtime.stores.session import Row, Session
from kundenkreis.site.ports.decided import DecidedLine, DecidedMessage, DecidedPage, DecidedQuery, Names
from kundenkreis.site.ports.messages import Reason

WINDOW = 20_000
"""First verdicts that one page looks through: what is rare is searched on request, stretch by stretch, never in one go."""
_PEOPLE = 200
"""People whom a search follows to their messages."""
_LINE = f"""
SELECT f.effect_id, f.at_us, f.profile_id, f.channel, f.content_id, f.message_class, f.journey_id, l.outcome, l.reasons, {FATE} AS fate
"""
_FIRST = "(SELECT effect_id, at_us, profile_id, channel, content_id, message_class, journey_id FROM verdicts WHERE sequence = 0{where}{end})"


class StoredDecidedMessages:
    """Reads the decided messages of one installation."""

    def __init__(self, installation: Installation) -> None:
        self._store = installation.store
        self._rulebooks = installation.rulebooks
        self._mailbox = StoredMailbox(installation.store)
        self._named = (0, Names(journeys={}, contents={}, purposes={}))

    def find_messages(self, query: DecidedQuery) -> DecidedPage:
        """Messages that match, newest decision first."""
        with self._store.reading() as tx:
            people = find_candidates(tx, query.text, at_most=_PEOPLE).profile_ids if query.text else None
            rows, stopped = _find(tx, query, people)
            lines = _lines(tx, rows[: query.limit])
        if len(rows) > query.limit:
            last = rows[query.limit - 1]
            return DecidedPage(lines=lines, next_cursor=_cursor(last[1], last[0]), searched_to_us=None)
        if stopped is None:
            return DecidedPage(lines=lines, next_cursor="", searched_to_us=None)
        return DecidedPage(lines=lines, next_cursor=_cursor(*stopped), searched_to_us=stopped[0])

    def find_message(self, message_id: str) -> DecidedMessage | None:
        """One message with all its verdicts, and as it was sent where the local mailbox keeps it."""
        try:
            key = bytes.fromhex(message_id)
        except ValueError:
            return None
        first = _FIRST.format(where=" AND effect_id = ?", end="")
        with self._store.reading() as tx:
            rows = tx.rows(f"{_LINE} {DECIDED.format(first=first)}", (key,))
            if not rows:
                return None
            (line,) = _lines(tx, rows)
            verdicts = read_verdicts(tx, key)
            replies = tx.rows("SELECT reply FROM outbox WHERE effect_id = ?", (key,))
        return DecidedMessage(
            line=line, verdicts=tuple(verdicts), sent=self._mailbox.find_message(message_id), reply=replies[0][0] if replies else ""
        )  # fmt: skip

    def names(self) -> Names:
        """What journeys, contents and purposes of the newest rulebook are called."""
        version = self._rulebooks.newest_version()
        if version != self._named[0]:
            documents = self._rulebooks.documents(version) if version else ()
            policy = [one for each in documents if each["kind"] == "policy" for one in each.get("purposes") or ()]
            purposes = {str(one["id"]): one.get("name") or {} for one in policy}
            self._named = (
                version,
                Names(journeys=_names(documents, "journey"), contents=_names(documents, "content"), purposes=purposes),
            )
        return self._named[1]


def _names(documents: Sequence[Mapping[str, Any]], kind: str) -> dict[str, Mapping[str, str]]:
    return {str(one["id"]): one.get("name") or {} for one in documents if one["kind"] == kind}


def _find(tx: Session, query: DecidedQuery, people: Sequence[int] | None) -> tuple[list[Row], tuple[int, bytes] | None]:
    """(up to one row more than asked for, where the search stopped without having seen everything)."""
    where, params = _bounds(query)
    if people is not None:
        found: list[Row] = []
        for one in people[:_PEOPLE]:
            first = _FIRST.format(where=f" AND profile_id = ?{where}", end=f" ORDER BY at_us DESC LIMIT {WINDOW}")
            found += _matching(tx, query, first, [one, *params])
        found.sort(key=lambda row: (row[1], bytes(row[0])), reverse=True)
        return found[: query.limit + 1], None
    newest = " ORDER BY at_us DESC, effect_id DESC LIMIT"
    rows = _matching(tx, query, _FIRST.format(where=where, end=f"{newest} {WINDOW}"), params)
    if len(rows) > query.limit:
        return rows, None
    last = tx.rows(
        f"SELECT at_us, effect_id FROM verdicts WHERE sequence = 0{where}{newest} 1 OFFSET {WINDOW - 1}", params
    )
    return rows, (last[0][0], bytes(last[0][1])) if last else None


def _matching(tx: Session, query: DecidedQuery, first: str, params: Sequence[Any]) -> list[Row]:
    also, more = "", list(params)
    for condition, value in (
        ("f.journey_id = ?", query.journey_id), ("f.channel = ?", query.channel), (f"{FATE} = ?", query.fate),
        ("l.outcome = ?", query.outcome), ("f.content_id = ?", query.content_id),
    ):  # fmt: skip
        if value:
            also += f" AND {condition}"
            more.append(value)
    if query.reason:
        also += " AND l.reasons LIKE ? ESCAPE '!'"
        rule = query.reason.replace("!", "!!").replace("%", "!%").replace("_", "!_")
        more.append(f'[["{rule}",false%')
    more.append(query.limit + 1)
    return tx.rows(
        f"{_LINE} {DECIDED.format(first=first)} WHERE 1 = 1{also} ORDER BY f.at_us DESC, f.effect_id DESC LIMIT ?", more
    )


def _bounds(query: DecidedQuery) -> tuple[str, list[Any]]:
    where = ""
    params: list[Any] = []
    if query.since_us:
        where, params = where + " AND at_us >= ?", [*params, query.since_us]
    if query.until_us is not None:
        where, params = where + " AND at_us < ?", [*params, query.until_us]
    at, _, key = query.cursor.partition(".")
    if at.isascii() and at.isdigit() and len(at) <= 18:
        try:
            return where + " AND (at_us, effect_id) < (?, ?)", [*params, int(at), bytes.fromhex(key)]
        except ValueError:
            return where, params
    return where, params


def _cursor(at_us: int, effect_id: bytes) -> str:
    return f"{at_us}.{bytes(effect_id).hex()}"


def _lines(tx: Session, rows: Sequence[Row]) -> tuple[DecidedLine, ...]:
    people = sorted({row[2] for row in rows})
    states = tx.rows_in("SELECT profile_id, state FROM states WHERE profile_id {keys}", people) if people else []
    names = {row[0]: display_name(decode_state(bytes(row[1]))) for row in states}
    return tuple(
        DecidedLine(
            message_id=bytes(row[0]).hex(), decided_us=row[1], profile_id=row[2], name=names.get(row[2], ""), channel=row[3],
            content_id=row[4], message_class=row[5], journey_id=row[6], outcome=row[7], reason=_refusal(row[8]), fate=row[9],
        )
        for row in rows
    )  # fmt: skip


def _refusal(reasons: str) -> Reason | None:
    first = next((one for one in json.loads(reasons) if not one[1]), None)
    return Reason(rule_id=str(first[0]), passed=False, detail=tuple(first[2:])) if first else None
