"""One timeline of a person over all channels and departments: events of the log and messages with their verdicts.

A page is two steps at any length: the newest instants of both sources in one query, then the rows behind them by key.
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec

from kundenkreis.customers.core.consent import why_idle
from kundenkreis.events.core.catalogue import EVENTS
from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.money import minor_units
from kundenkreis.runtime.readers.definition_names import DefinitionNames
from kundenkreis.runtime.stores.session import Row, Session
from kundenkreis.site.ports.customer import Cause, TimelineEntry, TimelineMessage, TimelinePage, TimelinePart
from kundenkreis.site.ports.customers import Amount
from kundenkreis.site.ports.messages import Reason, Verdict

_PART_OF_GROUP: Mapping[str, TimelinePart] = {
    "shop": "visits", "delivery": "orders", "returns": "orders", "payment": "orders", "store": "orders",
    "consent": "consent", "e-mail": "messages", "rights": "consent", "service": "service", "people": "service",
    "live events": "visits", "reviews": "service", "loyalty": "orders", "forms": "visits", "use": "visits",
}  # fmt: skip
_PART_OF_NAME: Mapping[str, TimelinePart] = {
    "Order Completed": "orders", "Order Updated": "orders", "Order Refunded": "orders", "Order Cancelled": "orders",
    "Survey Answered": "service", "Segment Entered": "circle", "Segment Left": "circle", "Phase Changed": "circle",
    "Sub-State Changed": "circle", "Situation Began": "circle", "Situation Ended": "circle",
    "Attribute Set": "data", "Marketing Paused": "consent", "Marketing Resumed": "consent",
    "Unsubscribed": "consent", "Email Unsubscribed": "consent", "Merge Requested": "data",
}  # fmt: skip
_OF_MESSAGES = ("Email Delivered", "Email Opened", "Email Link Clicked", "Email Bounced", "Email Marked as Spam")
"""Told of a message, and shown with it."""
_HIDDEN = (
    "Message Sent", "Message Uncertain", "Message Held", "Message Failed", "Message Withheld", "Message Postponed",
    "Message Released", "Message Expired", "Message Cancelled", "State Surrendered", "Step Budget Reached", "Score Added",
    "Score Crossed",
)  # fmt: skip
"""Said by the messages themselves, or of no use to people."""
CONTACTS = ("Call Made", "Call Received", "Visit Held", "Letter Sent", "Case Answered", "Case Opened", "Store Purchase")
"""Contacts of people and by letter; messages are contacts when they were handed over."""

_CURSOR = re.compile(r"(\d{1,18})\.([em])\.(\d{1,18}|[0-9a-f]{32})")
_COLUMNS = "number, event_id, type, name, happened_us, origin, actor, reason, source, body"
_SHOWN_FACTS = (
    "order_id", "cart_id", "case_id", "deal_id", "subject", "title", "text", "kind", "reason", "outcome", "status", "stage",
    "channel", "purpose", "basis", "scope", "form_id", "survey_id", "score", "rating", "voucher_code", "booklet_code", "value",
    "branch", "carrier", "name", "product_id", "query", "url", "points", "tier", "person", "days", "until", "severity",
)  # fmt: skip
LONGEST_FACT = 200


def part_of(type_: str, name: str) -> TimelinePart:
    """In which part of the timeline an event stands."""
    if type_ in ("page", "screen"):
        return "visits"
    if type_ in ("identify", "alias", "group", "merge"):
        return "data"
    if name in _PART_OF_NAME:
        return _PART_OF_NAME[name]
    known = EVENTS.get(name)
    return _PART_OF_GROUP.get(known.group, "visits") if known is not None else "visits"


def read_page(
    tx: Session, profile_ids: Sequence[int], part: TimelinePart, names: DefinitionNames, *, cursor: str, limit: int
) -> TimelinePage:
    """The next entries, newest first; four queries at most."""
    keys = _newest(tx, profile_ids, part, cursor, limit + 1)
    shown = keys[:limit]
    events = _events(tx, [int(row[2]) for row in shown if row[1] == "e"], names)
    messages = messages_by_id(tx, [bytes.fromhex(row[2]) for row in shown if row[1] == "m"], profile_ids, names)
    entries = []
    for at_us, source, key in shown:
        if source == "e" and int(key) in events:
            entries.append(events[int(key)])
        elif source == "m" and key in messages:
            entries.append(message_entry(messages[key], at_us))
    last = shown[-1] if len(keys) > limit else None
    return TimelinePage(entries=tuple(entries), next_cursor=f"{last[0]}.{last[1]}.{last[2]}" if last else "")


def read_last_contact(tx: Session, profile_ids: Sequence[int], names: DefinitionNames) -> TimelineEntry | None:
    """The newest contact by anybody: a call, a visit, a letter, an answer, or a message that was handed over."""
    marks, contacts = _marks(profile_ids), _marks(CONTACTS)
    by_people = tx.rows(
        f"SELECT {_COLUMNS} FROM log WHERE profile_id IN ({marks}) AND name IN ({contacts}) ORDER BY happened_us DESC LIMIT 1",
        [*profile_ids, *CONTACTS],
    )
    sent = tx.rows(
        f"SELECT effect_id, at_us FROM verdicts WHERE profile_id IN ({marks}) AND outcome = 'handed_over' ORDER BY at_us DESC LIMIT 1",
        list(profile_ids),
    )
    if sent and (not by_people or sent[0][1] > by_people[0][4]):
        message_id = bytes(sent[0][0])
        found = messages_by_id(tx, [message_id], profile_ids, names)
        return message_entry(found[message_id.hex()], sent[0][1])
    return event_entry(by_people[0], names) if by_people else None


def _newest(tx: Session, profile_ids: Sequence[int], part: TimelinePart, cursor: str, limit: int) -> list[Row]:
    """(instant, "e" or "m", number or hexadecimal id) of the next entries of both sources."""
    marks = _marks(profile_ids)
    wanted, asked = _where(part)
    parts: list[str] = []
    params: list[Any] = []
    if wanted is not None:
        parts.append(
            f"SELECT happened_us AS at_us, 'e' AS source, number, {_EMPTY[tx.dialect]} AS id FROM log "
            f"WHERE profile_id IN ({marks}) AND {wanted}"
        )
        params += [*profile_ids, *asked]
    if part in ("all", "messages"):
        parts.append(
            f"SELECT min(at_us) AS at_us, 'm' AS source, 0 AS number, effect_id AS id FROM verdicts "
            f"WHERE profile_id IN ({marks}) GROUP BY effect_id"
        )
        params += profile_ids
    if not parts:
        return []
    where, after = _after(cursor)
    rows = tx.rows(
        f"SELECT at_us, source, number, id FROM ({' UNION ALL '.join(parts)}) AS both_sources {where} "
        "ORDER BY at_us DESC, source DESC, number DESC, id DESC LIMIT ?",
        [*params, *after, limit],
    )
    return [(row[0], row[1], str(row[2]) if row[1] == "e" else bytes(row[3]).hex()) for row in rows]


_EMPTY = {"sqlite": "x''", "postgres": "''::bytea"}


def _after(cursor: str) -> tuple[str, list[Any]]:
    match = _CURSOR.fullmatch(cursor)
    if match is None:
        return "", []
    is_event = match[2] == "e"
    if is_event is not match[3].isdigit() and len(match[3]) != 32:
        return "", []
    key = [int(match[3]), b""] if is_event and match[3].isdigit() else [0, bytes.fromhex(match[3].rjust(32, "0"))]
    return "WHERE (at_us, source, number, id) < (?, ?, ?, ?)", [int(match[1]), match[2], *key]


def _where(part: TimelinePart) -> tuple[str | None, list[Any]]:
    """Which log rows belong to a part: condition and parameters; None for none."""
    hidden = (*_HIDDEN, *_OF_MESSAGES)
    if part == "all":
        return f"name NOT IN ({_marks(hidden)}) AND type <> 'control'", list(hidden)
    if part == "messages":
        return None, []
    named = [name for name in (*_PART_OF_NAME, *EVENTS) if part_of("track", name) == part and name not in hidden]
    marks = _marks(named)
    if part == "data":
        return f"(type IN ('identify', 'alias', 'group') OR name IN ({marks}))", named
    if part == "visits":
        # Whatever nobody knows by name is an act of the person too.
        others = [name for name in (*_PART_OF_NAME, *EVENTS) if part_of("track", name) != part] + list(hidden)
        return f"type IN ('track', 'page', 'screen') AND name NOT IN ({_marks(others)})", others
    return f"name IN ({marks})" if named else "1 = 0", named


def _events(tx: Session, numbers: Sequence[int], names: DefinitionNames) -> dict[int, TimelineEntry]:
    rows = tx.rows_in(f"SELECT {_COLUMNS} FROM log WHERE number {{keys}}", list(numbers))
    return {row[0]: event_entry(row, names) for row in rows}


def event_entry(row: Row, names: DefinitionNames) -> TimelineEntry:
    """A log row as an entry."""
    number, _event_id, type_, name, happened_us, _origin, actor, reason, source, body = row
    content = _decoded(body)
    facts = content.get("traits" if type_ in ("identify", "group") else "properties")
    facts = facts if isinstance(facts, dict) else {}
    shown = _facts(type_, facts)
    if name == "Consent Confirmed" and (why := why_idle(facts)):
        shown["idle"] = why
    return TimelineEntry(
        key=f"e{number}", at_us=happened_us, part=part_of(type_, name), name=name or type_,
        facts=shown, amount=_amount(facts), named=_named(name, facts, names), source=source,
        actor=actor, reason=reason, message=None,
    )  # fmt: skip


def _facts(type_: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    if type_ == "identify":
        return {name: True for name in list(properties)[:30]}  # which values came; the values stand in the profile
    found: dict[str, Any] = {
        name: str(properties[name])[:LONGEST_FACT]
        for name in _SHOWN_FACTS
        if isinstance(properties.get(name), str | int | float) and properties[name] != ""
    }
    products = properties.get("products")
    if isinstance(products, list):
        listed = [one for one in products if isinstance(one, dict)]
        found["products"] = [str(one.get("name") or one.get("product_id") or "")[:80] for one in listed[:3]]
        found["product_count"] = len(listed)
    return found


def _amount(properties: Mapping[str, Any]) -> Amount | None:
    currency = properties.get("currency")
    for name in ("total", "refund", "revenue", "value", "price"):
        if properties.get(name) is not None and isinstance(currency, str) and currency:
            minor = minor_units(properties[name], currency)
            return Amount(minor=minor, currency=currency) if minor is not None else None
    return None


def _named(name: str, properties: Mapping[str, Any], names: DefinitionNames) -> Any:
    kind = {"Phase": "phase", "Sub-State": "sub_state", "Segment": "segment", "Situation": "situation"}.get(
        name.partition(" ")[0]
    )
    field = "to" if kind in ("phase", "sub_state") and "to" in properties else kind
    value = properties.get(field) if kind is not None and field is not None else None
    return names.named(kind, value) if kind is not None and isinstance(value, str) and value else None


# Messages -------------------------------------------------------------------------------------------------------------


def messages_by_id(
    tx: Session, message_ids: Sequence[bytes], profile_ids: Sequence[int], names: DefinitionNames
) -> dict[str, TimelineMessage]:
    """Messages with all their verdicts, what was heard of them, and whether they were made; three queries."""
    if not message_ids:
        return {}
    verdicts: dict[bytes, list[Row]] = {}
    rows = tx.rows_in(
        "SELECT effect_id, sequence, at_us, outcome, reasons, channel, content_id, message_class, purpose, basis, due_us, journey_id, "
        "step_id, rulebook_version FROM verdicts WHERE effect_id {keys}",
        list(message_ids),
    )
    for row in sorted({(bytes(row[0]), *row[1:]) for row in rows}):
        verdicts.setdefault(row[0], []).append(row)
    subjects = {
        bytes(row[0]): row[1]
        for row in tx.rows_in("SELECT message_id, subject FROM mailbox WHERE message_id {keys}", list(message_ids))
    }
    heard = _heard(tx, profile_ids, {one.hex() for one in message_ids})
    found = {}
    for message_id, judged in verdicts.items():
        last = judged[-1]
        found[message_id.hex()] = TimelineMessage(
            message_id=message_id.hex(), content=names.named("content", last[6]), channel=last[5],
            journey=names.named("journey", last[11]), subject=subjects.get(message_id, ""),
            verdicts=tuple(_verdict(row) for row in judged), fate=tuple(heard.get(message_id.hex(), ())),
        )  # fmt: skip
    return found


def message_entry(message: TimelineMessage, at_us: Micros) -> TimelineEntry:
    """A message as an entry, at the instant it was first decided."""
    return TimelineEntry(
        key=f"m{message.message_id}", at_us=at_us, part="messages", name=message.verdicts[-1].outcome, facts={}, amount=None,
        named=message.content, source="", actor="", reason="", message=message,
    )  # fmt: skip


def _verdict(row: Row) -> Verdict:
    return Verdict(
        at_us=row[2], outcome=row[3], basis=row[9], message_class=row[7], purpose=row[8], due_us=row[10], journey_id=row[11],
        step_id=row[12], rulebook_version=row[13],
        reasons=tuple(Reason(rule_id=str(one[0]), passed=bool(one[1]), detail=tuple(one[2:])) for one in json.loads(row[4])),
    )  # fmt: skip


def _heard(tx: Session, profile_ids: Sequence[int], wanted: Collection[str]) -> dict[str, list[Cause]]:
    rows = tx.rows(
        f"SELECT name, happened_us, body FROM log WHERE profile_id IN ({_marks(profile_ids)}) AND name IN ({_marks(_OF_MESSAGES)}) "
        "ORDER BY happened_us",
        [*profile_ids, *_OF_MESSAGES],
    )
    heard: dict[str, list[Cause]] = {}
    for name, happened_us, body in rows:
        properties = _decoded(body).get("properties")
        if isinstance(properties, dict):
            for key in ("message_id", "message", "email_id"):
                if properties.get(key) in wanted:
                    heard.setdefault(str(properties[key]), []).append(Cause(name=name, at_us=happened_us))
                    break
    return heard


def _decoded(body: Any) -> dict[str, Any]:
    content = msgspec.json.decode(bytes(body))
    return content if isinstance(content, dict) else {}


def _marks(values: Collection[object]) -> str:
    return ", ".join("?" * len(values))
