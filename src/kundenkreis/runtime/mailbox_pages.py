"""The local mailbox as the pages show it: messages with the verdict that let each of them go."""

import json
from collections.abc import Sequence
from typing import Any

from kundenkreis.channels.mailbox import unpack_body
from kundenkreis.runtime.stores.session import Session, Store
from kundenkreis.site.ports.messages import Message, MessageLine, MessagePage, Reason, Verdict

_LINE = (
    "SELECT m.message_id, m.handed_over_us, m.to_address, m.subject, m.body, v.message_class, v.journey_id, coalesce(o.uncertain, 0) "
    "FROM mailbox m LEFT JOIN verdicts v ON v.effect_id = m.message_id AND v.sequence = 0 "
    "LEFT JOIN outbox o ON o.effect_id = m.message_id"
)


class StoredMailbox:
    """Reads the mailbox of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def search_messages(self, query: str, *, cursor: str, limit: int) -> MessagePage:
        """Messages whose recipient or subject holds every word of the query, newest first."""
        with self._store.reading() as tx:
            where, params = _words(query, tx.dialect)
            total = tx.rows(f"SELECT count(*) FROM mailbox m WHERE {where}", params)[0][0]
            keyset, more = _after(cursor)
            rows = tx.rows(
                f"{_LINE} WHERE {where}{keyset} ORDER BY m.handed_over_us DESC, m.message_id DESC LIMIT ?",
                [*params, *more, limit + 1],
            )
        lines = tuple(_line(row) for row in rows[:limit])
        last = rows[limit - 1] if len(rows) > limit else None
        return MessagePage(lines=lines, total=total, next_cursor=f"{last[1]}.{bytes(last[0]).hex()}" if last else "")

    def find_message(self, message_id: str) -> Message | None:
        """One message with everything that was decided about it."""
        try:
            key = bytes.fromhex(message_id)
        except ValueError:
            return None
        with self._store.reading() as tx:
            rows = tx.rows(f"{_LINE} WHERE m.message_id = ?", (key,))
            if not rows:
                return None
            sender, headers = tx.rows("SELECT from_address, headers FROM mailbox WHERE message_id = ?", (key,))[0]
            verdicts = read_verdicts(tx, key)
        text, html = unpack_body(bytes(rows[0][4]))
        named = tuple((str(name), str(value)) for name, value in json.loads(headers).items())
        source = "\n".join(f"{name}: {value}" for name, value in named) + "\n\n" + (html or text)
        return Message(
            line=_line(rows[0]),
            sender=sender,
            html=html,
            text=text,
            headers=named,
            source=source,
            verdicts=tuple(verdicts),
        )


def _words(query: str, dialect: str) -> tuple[str, list[Any]]:
    words = query.split()[:8]
    if not words:
        return "1 = 1", []
    # Compared byte by byte PostgreSQL knows capitals of ASCII only; "über" must find "ÜBER".
    rules = ' COLLATE "default"' if dialect == "postgres" else ""
    part = f"(lower(m.to_address{rules}) LIKE ? ESCAPE '!' OR lower(m.subject{rules}) LIKE ? ESCAPE '!')"
    params: list[Any] = []
    for word in words:
        like = "%" + word.lower().replace("!", "!!").replace("%", "!%").replace("_", "!_") + "%"
        params += [like, like]
    return " AND ".join([part] * len(words)), params


def _after(cursor: str) -> tuple[str, list[Any]]:
    at, _, key = cursor.partition(".")
    if not (at.isascii() and at.isdigit() and len(at) <= 18):
        return "", []
    try:
        return " AND (m.handed_over_us, m.message_id) < (?, ?)", [int(at), bytes.fromhex(key)]
    except ValueError:
        return "", []


def _line(row: Sequence[Any]) -> MessageLine:
    text, _ = unpack_body(bytes(row[4]))
    return MessageLine(
        message_id=bytes(row[0]).hex(), at_us=row[1], recipient=row[2], subject=row[3], preview=" ".join(text.split())[:140],
        message_class=row[5] or "", journey_id=row[6] or "", is_uncertain=bool(row[7]),
    )  # fmt: skip


def read_verdicts(tx: Session, effect_id: bytes) -> list[Verdict]:
    """Every judgement of one message, oldest first."""
    rows = tx.rows(
        "SELECT at_us, outcome, reasons, basis, message_class, purpose, due_us, journey_id, step_id, rulebook_version "
        "FROM verdicts WHERE effect_id = ? ORDER BY sequence",
        (effect_id,),
    )
    return [
        Verdict(
            at_us=row[0], outcome=row[1], reasons=tuple(_reason(item) for item in json.loads(row[2])), basis=row[3],
            message_class=row[4], purpose=row[5], due_us=row[6], journey_id=row[7], step_id=row[8], rulebook_version=row[9],
        )
        for row in rows
    ]  # fmt: skip


def _reason(item: Sequence[Any]) -> Reason:
    return Reason(rule_id=str(item[0]), passed=bool(item[1]), detail=tuple(item[2:]))
