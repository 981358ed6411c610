"""The contact policy as the last pass of the fold: judges, reserves, displaces, releases.

Every message that a journey decides arrives as a candidate. It gets the earliest instant at which the gate says yes,
and holds its place in the caps there; when that instant comes, the gate is asked again, and only then does the message
reach the outbox. Order among messages is (priority, due, id), so chance and batching decide nothing. A message may push
strictly less important ones, not yet handed over, out of the caps; the pushed ones look for a later place or, past
their validity, are withheld. Because only strictly lower priorities move, and never to an earlier instant, nothing can
swing back and forth.

A message withheld for now (if_withheld: wait) holds no place. It is asked again with every later input of this
customer, when the rest after a matter is over, and at once when another one takes or frees a place; so it gets its turn at the instant that makes it
possible, not at whichever instant somebody looks next. It expires with its validity.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from kundenkreis.channels.core.gate import Verdict, budget_refusal, gate
from kundenkreis.channels.core.policy_compiled import CompiledPolicy
from kundenkreis.customers.core.permission import MARKETING
from kundenkreis.customers.core.state import MOST_CONTACTS, Contact, ContactBudget, CustomerState, Planned
from kundenkreis.customers.core.turn import Turn, VerdictEntry
from kundenkreis.kernel.effects import SendMessage
from kundenkreis.kernel.hashing import hash128
from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.kernel.rows import DERIVED, PUBLIC, LogRow
from kundenkreis.kernel.zones import DAY, SECOND
from kundenkreis.segments.core.situations import over_us

MOST_PLANNED = 64
"""Messages planned for one person at once; a further one is withheld."""

MOST_PAUSE = 90 * DAY
"""A pause by hand ends by itself after at most this (product default)."""


class HeldMessage(msgspec.Struct, frozen=True):
    """What a person who releases a held message says of it (properties of `Held Message Released`)."""

    message: str
    """Hexadecimal of the effect id."""
    sequence: int
    """Number of its next verdict."""
    channel: str
    content_id: str
    message_class: str
    purpose: str
    priority: int
    journey_id: str
    run_id: str
    step_id: str
    valid_until_us: int
    variables: dict[str, Any]


def judge(policy: CompiledPolicy, turn: Turn) -> None:
    """Fold what became of messages, then judge candidates, due and waiting messages of this customer.

    Effects in order: `turn.state.contact` follows feedback, pauses, contacts by people and cancellations; each message
    gets its verdict (`turn.records`); released ones become SendMessage (`turn.effects`) and "Message Released", ended
    ones "Message Withheld" or "Message Expired" (`turn.derived`).
    """
    budget = turn.state.contact
    resting: set[bytes] = set()
    row = turn.row
    if row is not None and not row.flags & (DERIVED | PUBLIC):
        handler = _ROWS.get(row.name)
        if handler is not None:
            handler(policy, turn, row, resting)
    cancellations: list[tuple[bytes, str]] = getattr(turn, "cancellations", None) or []
    for effect_id, reason in sorted(cancellations):
        _cancel(turn, effect_id, reason)
    if not budget.planned and not turn.candidates:
        return
    work = _work(turn, resting)
    if not work:
        return
    while work:
        before = _places(budget)
        for planned in work:
            if planned.sequence == 0 or _still_open(budget, planned, turn.at_us):
                _judge_one(policy, turn, planned)
        # A place that was taken or freed a moment ago may be what another one waits for. This ends: whoever gets a place moves
        # strictly less important ones only.
        work = _waiting(budget, resting) if _places(budget) != before else []
    _tidy(policy, budget, turn.at_us)


def next_us(policy: CompiledPolicy, state: CustomerState) -> Micros:
    """When the policy must be asked again without an event: the earliest planned hand-over or end of validity.

    A message that waits is also asked again when nothing is left of a matter.
    """
    earliest, is_waiting = NEVER, False
    for planned in state.contact.planned:
        if not planned.handed_over and planned.due_us < earliest:
            earliest = planned.due_us
        is_waiting |= planned.waiting
    if is_waiting:
        earliest = min(earliest, *(over_us(held) for held in state.decisions.situations.values()), NEVER)
    return earliest


def has_work(budget: ContactBudget, at_us: Micros) -> bool:
    """Whether a message planned earlier must be judged at this instant, apart from anything new."""
    return any(not planned.handed_over and (planned.waiting or planned.due_us <= at_us) for planned in budget.planned)


# One message ----------------------------------------------------------------------------------------------------------


def _work(turn: Turn, resting: set[bytes]) -> list[Planned]:
    """What to judge now, most important first: due and waiting messages, and candidates not seen before."""
    budget, at_us = turn.state.contact, turn.at_us
    work = [
        planned
        for planned in budget.planned
        if not planned.handed_over and planned.effect_id not in resting and (planned.waiting or planned.due_us <= at_us)
    ]
    known = {planned.effect_id for planned in budget.planned}
    for planned in turn.candidates:
        if planned.effect_id not in known:
            known.add(planned.effect_id)
            work.append(planned)
    work.sort(key=_order)
    return work


def _places(budget: ContactBudget) -> tuple[list[Contact], list[bytes]]:
    """(every use of the budget, what can no longer be displaced)."""
    return budget.contacts, [one.effect_id for one in budget.planned if one.handed_over]


def _waiting(budget: ContactBudget, resting: set[bytes]) -> list[Planned]:
    """Waiting messages whose answer hangs on the budget, most important first."""
    waiting = (one for one in budget.planned if one.waiting and one.message_class == MARKETING)
    return sorted((one for one in waiting if one.effect_id not in resting), key=_order)


def _still_open(budget: ContactBudget, planned: Planned, at_us: Micros) -> bool:
    """False when a more important message has moved or ended this one a moment ago."""
    return (planned.waiting or planned.due_us <= at_us) and any(one is planned for one in budget.planned)


def _order(planned: Planned) -> tuple[int, Micros, bytes]:
    return planned.priority, planned.due_us, planned.effect_id


def _judge_one(policy: CompiledPolicy, turn: Turn, planned: Planned) -> None:
    state, at_us = turn.state, turn.at_us
    is_new = planned.sequence == 0
    start_us = max(at_us, planned.due_us) if is_new else at_us
    if at_us > planned.valid_until_us:
        _end(turn, planned, "expired", [["validity", False, planned.valid_until_us]], "")
        return
    if is_new and len(state.contact.planned) >= MOST_PLANNED:
        _end(turn, planned, "withheld", [["too_many_planned", False, MOST_PLANNED]], "")
        return
    verdict = gate(policy, state, planned, start_us)
    lower = _lower(state.contact, planned) if verdict.outcome != "release" else []
    if lower:
        ignoring = frozenset(one.effect_id for one in lower)
        bold = gate(policy, state, planned, start_us, ignoring=ignoring)
        verdict, lower = (bold, lower) if bold.until_us < verdict.until_us else (verdict, [])
    if verdict.outcome == "withhold":
        _withhold(turn, planned, verdict)
        return
    _place(turn, planned, verdict, displacing=bool(lower))
    _displace(policy, turn, lower)


def _lower(budget: ContactBudget, planned: Planned) -> list[Planned]:
    """Reserved messages of strictly lower priority, most important first."""
    if planned.message_class != MARKETING:
        return []
    return sorted(
        (
            one
            for one in budget.planned
            if one.priority > planned.priority
            and one.message_class == MARKETING
            and not one.handed_over
            and not one.waiting
        ),
        key=_order,
    )


def _displace(policy: CompiledPolicy, turn: Turn, lower: list[Planned]) -> None:
    """Let the less important keep their places where they still fit; the others are judged again."""
    state = turn.state
    for i, one in enumerate(lower):
        later = lower[i + 1 :]
        unsettled = frozenset(other.effect_id for other in later)
        if budget_refusal(policy, state, one, one.due_us, ignoring=unsettled) is None:
            continue
        weaker = frozenset(other.effect_id for other in later if other.priority > one.priority)
        verdict = gate(policy, state, one, max(one.due_us, turn.at_us), ignoring=weaker)
        if verdict.outcome == "withhold":
            _withhold(turn, one, verdict)
        else:
            one.due_us = verdict.until_us
            _reserve(state.contact, one, verdict.until_us)
            _record(turn, one, "displaced", verdict.reasons, verdict.basis)


def _place(turn: Turn, planned: Planned, verdict: Verdict, *, displacing: bool) -> None:
    """Give the message its instant: the outbox now, or a reservation."""
    budget, slot_us = turn.state.contact, verdict.until_us
    is_new = planned.sequence == 0
    if is_new:
        budget.planned.append(planned)
    planned.waiting, planned.due_us = False, slot_us
    _reserve(budget, planned, slot_us)
    reasons = [*verdict.reasons, ["displaces", True]] if displacing else verdict.reasons
    if slot_us > turn.at_us:
        _record(turn, planned, "planned" if is_new else "postponed", reasons, verdict.basis)
        return
    planned.handed_over = True
    turn.effects.append(
        SendMessage(
            planned.effect_id, turn.state.profile_id, planned.due_us, planned.channel, planned.content_id,
            planned.message_class, planned.purpose, planned.journey_id, planned.run_id, planned.step_id,
            planned.valid_until_us, planned.variables, planned.priority, verdict.consent_epoch,
        )
    )  # fmt: skip
    _record(turn, planned, "released", reasons, verdict.basis)
    _derive(turn, "Message Released", planned)


def _withhold(turn: Turn, planned: Planned, verdict: Verdict) -> None:
    """Wait for a change if the step says so and the message is still of use; else end it."""
    budget = turn.state.contact
    if planned.if_withheld != "wait":
        _end(turn, planned, "withheld", verdict.reasons, verdict.basis)
        return
    if turn.at_us >= planned.valid_until_us:
        _end(turn, planned, "expired", verdict.reasons, verdict.basis)
        return
    was_waiting = planned.waiting
    if planned.sequence == 0:
        budget.planned.append(planned)
    planned.waiting, planned.handed_over, planned.due_us = True, False, planned.valid_until_us
    _release(budget, planned.effect_id)
    if not was_waiting:
        _record(turn, planned, "withheld", verdict.reasons, verdict.basis)


def _end(turn: Turn, planned: Planned, outcome: str, reasons: list[Any], basis: str) -> None:
    """Give up a message, with the event that tells its journey.

    A step that waits takes "Message Withheld" for "not yet", so it hears "Message Expired".
    """
    _drop(turn.state.contact, planned.effect_id)
    _record(turn, planned, outcome, reasons, basis)
    is_expired = outcome == "expired" or planned.if_withheld == "wait"
    _derive(turn, "Message Expired" if is_expired else "Message Withheld", planned, reason=str(reasons[0][0]))


def _cancel(turn: Turn, effect_id: bytes, reason: str) -> None:
    """A goal or an exit: what is not handed over will not be. One in the outbox stops at the gate of the dispatcher."""
    planned = _find(turn.state.contact, effect_id)
    if planned is not None:
        _drop(turn.state.contact, effect_id)
        _record(turn, planned, "cancelled", [["cancelled", False, reason]], "")


def _record(turn: Turn, planned: Planned, outcome: str, reasons: list[Any], basis: str) -> None:
    turn.records.append(
        VerdictEntry(
            planned.effect_id, planned.sequence, turn.at_us, outcome, reasons, planned.channel, planned.content_id,
            planned.message_class, planned.purpose, basis, planned.due_us, planned.journey_id, planned.run_id,
            planned.step_id, turn.rulebook_version, planned.priority,
        )
    )  # fmt: skip
    planned.sequence += 1
    turn.dirty.add("contact")


def _derive(turn: Turn, name: str, planned: Planned, *, reason: str = "") -> None:
    properties: dict[str, Any] = {
        "key": f"{planned.effect_id.hex()}:{planned.sequence}", "message": planned.effect_id.hex(),
        "channel": planned.channel, "content_id": planned.content_id, "journey_id": planned.journey_id,
        "step_id": planned.step_id,
    }  # fmt: skip
    if reason:
        properties["reason"] = reason
    turn.derive(name, properties)


# The budget -----------------------------------------------------------------------------------------------------------


def _find(budget: ContactBudget, effect_id: bytes) -> Planned | None:
    return next((planned for planned in budget.planned if planned.effect_id == effect_id), None)


def _release(budget: ContactBudget, effect_id: bytes) -> None:
    budget.contacts = [contact for contact in budget.contacts if contact.effect_id != effect_id]


def _drop(budget: ContactBudget, effect_id: bytes) -> None:
    budget.planned = [planned for planned in budget.planned if planned.effect_id != effect_id]
    _release(budget, effect_id)


def _reserve(budget: ContactBudget, planned: Planned, at_us: Micros) -> None:
    """Date the message's one use of the budget. Transactional and service messages use none."""
    if planned.message_class == MARKETING:
        _use(budget, Contact(at_us, planned.channel, MARKETING, planned.effect_id, planned.purpose))


def _use(budget: ContactBudget, contact: Contact) -> None:
    kept = [one for one in budget.contacts if one.effect_id != contact.effect_id]
    kept.append(contact)
    kept.sort(key=lambda one: (one.at_us, one.effect_id))
    budget.contacts = kept


def _tidy(policy: CompiledPolicy, budget: ContactBudget, at_us: Micros) -> None:
    """Forget contacts too old to matter, keep the planned in one order."""
    oldest_us = at_us - policy.keeps_us
    if budget.contacts and budget.contacts[0].at_us < oldest_us:
        budget.contacts = [contact for contact in budget.contacts if contact.at_us >= oldest_us]
    if len(budget.contacts) > MOST_CONTACTS:
        budget.contacts = budget.contacts[-MOST_CONTACTS:]
    budget.planned.sort(key=_order)


# Rows -----------------------------------------------------------------------------------------------------------------


def _message_of(turn: Turn, row: LogRow) -> tuple[bytes, Planned | None]:
    """(effect id, the planned message) that a feedback row of our own sending names; (b"", None) if it names none."""
    named = row.properties.get("message_id") or row.properties.get("message")
    if row.origin != "feedback" or not isinstance(named, str):
        return b"", None
    try:
        effect_id = bytes.fromhex(named)
    except ValueError:
        return b"", None
    return effect_id, _find(turn.state.contact, effect_id)


def _reported(row: LogRow, default: str) -> list[Any]:
    """The reasons a feedback row reports, as a verdict holds them."""
    reported = row.properties.get("reasons")
    if not isinstance(reported, list):
        reported = [row.properties.get("reason")]
    reasons = [one if isinstance(one, list) and one else [one, False] for one in reported if one]
    return reasons or [[default, False]]


def _sent(policy: CompiledPolicy, turn: Turn, row: LogRow, resting: set[bytes]) -> None:
    """Message Sent, Uncertain, Held: the contact happened, or may yet turn out to have; dated to the hand-over."""
    effect_id, planned = _message_of(turn, row)
    budget = turn.state.contact
    if planned is not None:
        budget.planned = [one for one in budget.planned if one.effect_id != effect_id]
        planned.due_us = row.happened_us
        _reserve(budget, planned, row.happened_us)
        _record(turn, planned, "handed_over", [[_ENDS[row.name], True]], "")
    elif effect_id and row.name != "Message Held":
        # cancelled or merged away after it had left, or held for a while: it reached the person, or may have, so it counts
        properties = row.properties
        if properties.get("message_class", MARKETING) == MARKETING:
            channel, purpose = str(properties.get("channel", "email")), str(properties.get("purpose", ""))
            _use(budget, Contact(row.happened_us, channel, MARKETING, effect_id, purpose))
    _tidy(policy, budget, turn.at_us)


def _failed(policy: CompiledPolicy, turn: Turn, row: LogRow, resting: set[bytes]) -> None:
    """Message Failed: it reached nobody; its place in the caps is free."""
    effect_id, planned = _message_of(turn, row)
    if planned is not None:
        _drop(turn.state.contact, effect_id)
        _record(turn, planned, "failed", [["failed", False, str(row.properties.get("reason", ""))[:200]]], "")


def _withheld(policy: CompiledPolicy, turn: Turn, row: LogRow, resting: set[bytes]) -> None:
    """Message Withheld by the gate at hand-over: waits for a change if its step says so, unless it was overdue.

    What was overdue is released by a person, not by the next event. What stopped because its profile was joined into
    this one is judged again at once, under this one, if it is still of use. A refusal at hand-over asks no other waiting
    message again: two of them that only the dispatcher may refuse would wake each other for ever.
    """
    effect_id, planned = _message_of(turn, row)
    if planned is None or not planned.handed_over:
        return
    reasons = _reported(row, "withheld_at_hand_over")
    if reasons[0][0] == "forwarded" and turn.at_us <= planned.valid_until_us:
        planned.handed_over, planned.due_us = False, turn.at_us
    elif planned.if_withheld == "wait" and reasons[0][0] != "overdue" and turn.at_us < planned.valid_until_us:
        resting.update(one.effect_id for one in turn.state.contact.planned if one.waiting or one is planned)
        planned.handed_over, planned.waiting, planned.due_us = False, True, planned.valid_until_us
        _release(turn.state.contact, effect_id)
    else:
        _drop(turn.state.contact, effect_id)
    _record(turn, planned, "withheld", reasons, "")


def _postponed(policy: CompiledPolicy, turn: Turn, row: LogRow, resting: set[bytes]) -> None:
    """Message Postponed by the gate at hand-over: due again at `until_us`, holding its place there."""
    planned = _message_of(turn, row)[1]
    if planned is None or not planned.handed_over:
        return
    until_us = row.properties.get("until_us")
    planned.handed_over = False
    latest_us = max(planned.valid_until_us, turn.at_us)
    planned.due_us = min(max(until_us, turn.at_us), latest_us) if type(until_us) is int else turn.at_us
    _reserve(turn.state.contact, planned, planned.due_us)
    _record(turn, planned, "postponed", _reported(row, "postponed_at_hand_over"), "")


def _by_people(policy: CompiledPolicy, turn: Turn, row: LogRow, resting: set[bytes]) -> None:
    """Call Made, Visit Held, Letter Sent: what people do counts in the same budget."""
    properties = row.properties
    if properties.get("message_class", MARKETING) != MARKETING or row.origin == "feedback":
        return
    channel = _PEOPLE_CHANNELS[row.name]
    purpose = str(properties.get("purpose", ""))
    budget = turn.state.contact
    if channel == "call":
        attempt_id = hash128("attempt", row.event_id)
        _use(budget, Contact(row.happened_us, "call_attempt", MARKETING, attempt_id, purpose))
        if properties.get("outcome", "reached") != "reached":
            channel = ""
    if channel:
        _use(budget, Contact(row.happened_us, channel, MARKETING, row.event_id, purpose))
    _tidy(policy, budget, turn.at_us)


def _paused(policy: CompiledPolicy, turn: Turn, row: LogRow, resting: set[bytes]) -> None:
    """Marketing Paused {until_us or days, reason}, Marketing Resumed: by a person, at most 90 days, ends by itself."""
    budget = turn.state.contact
    if row.name == "Marketing Resumed":
        budget.paused_until_us, budget.pause_reason = -1, ""
        return
    until_us, days = row.properties.get("until_us"), row.properties.get("days")
    length_us = min(days * DAY, MOST_PAUSE) if type(days) is int and days > 0 else MOST_PAUSE
    if type(until_us) is int:
        length_us = min(max(until_us - row.happened_us, 0), MOST_PAUSE)
    budget.paused_until_us = (row.happened_us + length_us) // SECOND * SECOND
    budget.pause_reason = str(row.properties.get("reason", row.reason))[:200]


def _stopped(policy: CompiledPolicy, turn: Turn, row: LogRow, resting: set[bytes]) -> None:
    """Message Cancelled {message, reason}: stopped by a person, for good. Its journey goes on as if it had been withheld.

    One that lies in the outbox already is stopped by the gate of the dispatcher; one that was handed over is no longer planned.
    """
    named = row.properties.get("message")
    if row.origin != "human" or not isinstance(named, str):
        return
    try:
        planned = _find(turn.state.contact, bytes.fromhex(named))
    except ValueError:
        return
    if planned is not None:
        reason = str(row.properties.get("reason", row.reason))[:200]
        _end(turn, planned, "cancelled", [["stopped", False, row.actor[:100], reason]], "")


def _released_by_hand(policy: CompiledPolicy, turn: Turn, row: LogRow, resting: set[bytes]) -> None:
    """Held Message Released {message, sequence, ...}: a person wants it to go out after all. It is judged like a new one that is due now.

    It has left the state when it was put aside, so the row says what the outbox knows of it.
    """
    said = row.properties
    if row.origin != "human":
        return
    try:
        facts = msgspec.convert(said, HeldMessage)
        effect_id, run_id = bytes.fromhex(facts.message), bytes.fromhex(facts.run_id)
    except (msgspec.ValidationError, ValueError):
        return
    budget = turn.state.contact
    if not effect_id or _find(budget, effect_id) is not None:
        return
    planned = Planned(
        effect_id, facts.channel, facts.content_id, facts.message_class, facts.purpose, facts.priority, facts.journey_id, run_id,
        facts.step_id, turn.at_us, turn.at_us, facts.valid_until_us, "skip", facts.variables, cause=row.event_id, sequence=facts.sequence,
    )  # fmt: skip
    budget.planned.append(planned)
    _record(turn, planned, "planned", [["by_hand", True, row.actor[:100], row.reason[:200]]], "")


HEARD = frozenset(
    (
        "Message Sent",
        "Message Uncertain",
        "Message Held",
        "Message Failed",
        "Message Withheld",
        "Message Postponed",
        "Call Made",
        "Visit Held",
        "Letter Sent",
        "Marketing Paused",
        "Marketing Resumed",
        "Message Cancelled",
        "Held Message Released",
    )
)
"""Rows that the contact policy folds itself; with any other, and nothing planned or wanted, it need not be asked."""
_ENDS = {"Message Sent": "sent", "Message Uncertain": "uncertain", "Message Held": "held"}
_PEOPLE_CHANNELS = {"Call Made": "call", "Visit Held": "visit", "Letter Sent": "letter"}
_ROWS: dict[str, Callable[[CompiledPolicy, Turn, LogRow, set[bytes]], None]] = {
    "Message Sent": _sent,
    "Message Uncertain": _sent,
    "Message Held": _sent,
    "Message Failed": _failed,
    "Message Withheld": _withheld,
    "Message Postponed": _postponed,
    "Call Made": _by_people,
    "Visit Held": _by_people,
    "Letter Sent": _by_people,
    "Marketing Paused": _paused,
    "Marketing Resumed": _paused,
    "Message Cancelled": _stopped,
    "Held Message Released": _released_by_hand,
}
