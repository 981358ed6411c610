"""The one judge of whether a message may go out: pure in (policy, state, message, instant).

Asked when a message is decided, again when it is due, and a last time by the dispatcher before hand-over. There is no
second one.
"""

from functools import lru_cache
from typing import Any, Literal

import msgspec

from kundenkreis.channels.core.gate_questions import (
    QUESTIONS,
    Asked,
    Refusal,
    ask_after_conversion,
    ask_limits,
)
from kundenkreis.channels.core.policy_compiled import CompiledPolicy
from kundenkreis.customers.core.state import CustomerState, Planned
from kundenkreis.kernel.effects import SendMessage
from kundenkreis.kernel.ids import NEVER, Micros

MOST_STEPS = 2000
"""Of the search for a slot: a year of nights, Sundays and full windows; past it there is none."""


class Verdict(msgspec.Struct, frozen=True, array_like=True):
    """The answer: release now, postpone to an instant, or withhold, with the reasons."""

    outcome: Literal["release", "postpone", "withhold"]
    until_us: Micros
    """release: the instant asked; postpone: the earliest instant at which everything passes; withhold: NEVER."""
    reasons: list[Any]
    """[[question or rule, passed, detail...], ...]: the deciding one first, then the others in the order asked."""
    basis: str
    """The legal basis, "" if there is none."""
    consent_epoch: int = 0
    """Of the permission it rests on (fences.py)."""


def gate(
    policy: CompiledPolicy, state: CustomerState, planned: Planned, at_us: Micros, *, at_hand_over: bool = False,
    fences: tuple[str, ...] = (), ignoring: frozenset[bytes] = frozenset(),
) -> Verdict:  # fmt: skip
    """Whether this message may go out at this instant, or when.

    Args:
        at_us: the instant of the hand-over asked about: now, the due instant, or the dispatcher's real time.
        at_hand_over: asked by the dispatcher; reservations that lie ahead do not count, being overdue does.
        fences: scopes of the restrict-only rows that this message does not pass by its epoch (fences.py).
        ignoring: effect ids whose place in the caps is up for grabs (lower priorities).
    """
    asked = Asked(policy, state, planned, now_us=at_us, at_hand_over=at_hand_over, fences=fences, ignoring=ignoring)
    answers = [question(asked, at_us) for _name, question in QUESTIONS]
    refusals = [refusal for refusal in answers if refusal is not None]
    permission = asked.permission(at_us)
    basis = permission.basis
    if not refusals:
        return Verdict("release", at_us, _all_passed(basis), basis, permission.epoch)
    reasons = [
        [name, True] if refusal is None else [refusal.rule, False, *refusal.detail]
        for (name, _question), refusal in zip(QUESTIONS, answers, strict=True)
    ]
    final = next((refusal for refusal in refusals if refusal.until_us >= NEVER), None)
    if final is not None:
        return Verdict("withhold", NEVER, _deciding_first(reasons, final.rule), basis)
    slot_us, blocked = _search(asked, max(refusal.until_us for refusal in refusals))
    reasons = _deciding_first(reasons, refusals[0].rule)
    if blocked is None:
        return Verdict("postpone", slot_us, reasons, basis)
    reasons = [entry for entry in reasons if entry[0] != blocked.rule]
    reasons.insert(1, [blocked.rule, False, *blocked.detail])
    return Verdict("withhold", NEVER, reasons, basis)


def hand_over_gate(
    policy: CompiledPolicy, state: CustomerState, message: SendMessage, at_us: Micros, *, fences: tuple[str, ...] = ()
) -> Verdict:
    """The same gate with the real time, for the dispatcher, inside its hand-over transaction.

    A message that the state no longer plans was cancelled (goal, exit, merge) since it was released: withheld.
    """
    for planned in state.contact.planned:
        if planned.effect_id == message.effect_id:
            return gate(policy, state, planned, at_us, at_hand_over=True, fences=fences)
    if "everything" in fences:
        reason: list[Any] = ["fence", False, "everything"]
    elif state.forwarded_to:
        reason = ["forwarded", False, state.forwarded_to]
    else:
        reason = ["cancelled", False]
    return Verdict("withhold", NEVER, [reason], "")


def budget_refusal(
    policy: CompiledPolicy, state: CustomerState, planned: Planned, at_us: Micros, *, ignoring: frozenset[bytes]
) -> Refusal | None:
    """Only the contact budget, for a reservation at this instant; None if it fits."""
    asked = Asked(policy, state, planned, now_us=at_us, at_hand_over=False, fences=(), ignoring=ignoring)
    return ask_after_conversion(asked, at_us) or ask_limits(asked, at_us)


def _search(asked: Asked, from_us: Micros) -> tuple[Micros, Refusal | None]:
    """(earliest instant from here at which every question passes, None), or (NEVER, what no time helps against).

    Exact: each refusal covers everything up to its end, so nothing before the latest end can pass.
    """
    at_us = from_us
    for _ in range(MOST_STEPS):
        until_us = -1
        for _name, question in QUESTIONS:
            refusal = question(asked, at_us)
            if refusal is None:
                continue
            if refusal.until_us >= NEVER:
                return NEVER, refusal
            until_us = max(until_us, refusal.until_us)
        if until_us < 0:
            return at_us, None
        at_us = until_us
    return NEVER, Refusal("no_slot", NEVER, (at_us,))


@lru_cache(maxsize=100)
def _all_passed(basis: str) -> list[Any]:
    """The reasons of a release: nearly every verdict holds these, so they are one list for all."""
    others = [[name, True] for name, _question in QUESTIONS if name != "basis"]
    return [["basis", True, basis], *others]


def _deciding_first(reasons: list[Any], rule: str) -> list[Any]:
    deciding = next(entry for entry in reasons if entry[0] == rule)
    return [deciding, *(entry for entry in reasons if entry is not deciding)]
