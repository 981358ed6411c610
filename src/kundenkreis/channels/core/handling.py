"""What to record for each end of a hand-over: pure, so that every ending is a test without a network.

Restart rules (trust 1.2): a claim without intent is simply made again. An intent without an answer is uncertain: a
transactional message goes out once more under the same Message-ID, everything else is held for a person to decide
(runtime/held_messages.py), as is what came too late.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from kundenkreis.channels.core import feedback
from kundenkreis.channels.core.claims import Claim, Completion, State
from kundenkreis.channels.core.journal_lines import Receipt
from kundenkreis.channels.core.outcomes import Outcome, Rejected, Retry, Sent, Uncertain
from kundenkreis.channels.core.smtp_replies import RETRY_STEPS, THROTTLE_REST, next_try_us, step_us
from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.zones import MINUTE, SECOND

POISON_LAPSES = 3
"""Claims in a row without any recorded progress after which a message is put aside (trust 1.3.7)."""
UNCERTAIN_RESENDS = 1
OVERDUE = "overdue"
"""The question of the gate (gate_questions.py) whose no is not the last word; stands as the reply of what was put aside for it."""
HOST_REST: Micros = 15 * SECOND
"""After the first broken connection; doubles with each further one (`Rests`)."""
FOLD_REST: Micros = 2 * SECOND
"""Until a message is looked at again whose person has forbidden something that is not folded yet."""
SENDER_REST: Micros = 15 * MINUTE
"""A fault of ours needs a person; trying four times an hour costs nothing and heals by itself once it is repaired."""


def ended(
    claim: Claim,
    state: State,
    name: str,
    *,
    at_us: Micros,
    reply: str = "",
    happened_us: Micros | None = None,
    **facts: Any,
) -> Completion:
    """A final record with its event, which happened now unless another instant is given."""
    message = claim.message
    if claim.uncertain:
        facts["uncertain"] = True
    return Completion(
        effect_id=message.effect_id,
        profile_id=message.profile_id,
        epoch=claim.epoch,
        state=state,
        at_us=at_us,
        reply=reply or str(facts.get("reason", "")),
        attempts=claim.attempts,
        uncertain=claim.uncertain,
        events=(
            feedback.feedback_event(
                message, name, at_us=at_us if happened_us is None else happened_us, epoch=claim.epoch, **facts
            ),
        ),
    )


_ABOUT_ONE = frozenset({"rcpt", "data", "dot"})
"""Stages at which a server answers about one message; before them it knows of none."""


def withheld(claim: Claim, reason: str, *, at_us: Micros, **facts: Any) -> Completion:
    """Not handed over, on purpose."""
    return ended(claim, "withheld", feedback.WITHHELD, at_us=at_us, reason=reason, **facts)


def refused(claim: Claim, reasons: Sequence[Sequence[Any]], *, at_us: Micros) -> Completion:
    """Not handed over because the gate said no, the deciding reason first; what only came too late is put aside for a person to decide."""
    state: State = "held" if reasons[0][0] == OVERDUE else "withheld"
    return ended(
        claim,
        state,
        feedback.WITHHELD,
        at_us=at_us,
        reply=str(reasons[0][0]),
        reason=rules_of(reasons),
        reasons=reasons,
    )


def rules_of(reasons: Sequence[Sequence[Any]]) -> str:
    """The rules that refused, by name."""
    return ",".join(str(reason[0]) for reason in reasons)


def failed(claim: Claim, reason: str, detail: str, *, at_us: Micros) -> Completion:
    """Could not be handed over."""
    return ended(claim, "failed", feedback.FAILED, at_us=at_us, reason=reason, detail=detail[:500])


def postponed(claim: Claim, until_us: Micros, reason: str, *, at_us: Micros, **facts: Any) -> Completion:
    """The gate said later; the fold plans it anew."""
    return ended(claim, "postponed", feedback.POSTPONED, at_us=at_us, reason=reason, until_us=until_us, **facts)


def again(claim: Claim, *, at_us: Micros, try_us: Micros, reply: str, attempts: int, uncertain: int) -> Completion:
    """Back into the queue."""
    return Completion(
        effect_id=claim.message.effect_id,
        profile_id=claim.message.profile_id,
        epoch=claim.epoch,
        state="queued",
        at_us=at_us,
        reply=reply,
        attempts=attempts,
        next_try_us=try_us,
        uncertain=uncertain,
    )


def rested(claim: Claim, until_us: Micros, reply: str, *, at_us: Micros) -> Completion:
    """Back into the queue because something else rests; costs no attempt."""
    return again(claim, at_us=at_us, try_us=until_us, reply=reply, attempts=claim.attempts, uncertain=claim.uncertain)


def awaiting_fold(claim: Claim, *, at_us: Micros) -> Completion:
    """Back into the queue because something that may forbid the message was acknowledged and is not folded yet."""
    return rested(claim, at_us + FOLD_REST, "awaiting a withdrawal", at_us=at_us)


def before_anything(claim: Claim, *, at_us: Micros) -> Completion | None:
    """What a claim is, before it is even looked at: sent before, poison, uncertain or expired; None to go on."""
    message = claim.message
    if claim.sent is not None:
        return sent_before(claim, claim.sent, at_us=at_us)
    if claim.lapses >= POISON_LAPSES:
        return ended(claim, "held", feedback.HELD, at_us=at_us, reason="poison", lapses=claim.lapses)
    if claim.after_intent and not may_resend(claim):
        return ended(claim, "held", feedback.UNCERTAIN, at_us=at_us, reason="no_answer_after_dot")
    if at_us > message.valid_until_us:
        return withheld(claim, "expired", at_us=at_us)
    return None


def sent_before(claim: Claim, receipt: Receipt, *, at_us: Micros) -> Completion:
    """The journal names the message: it was handed over then, whatever the database thought of it. Nothing is in doubt any more."""
    if claim.after_intent:
        claim = msgspec.structs.replace(claim, uncertain=max(claim.uncertain - 1, 0))
    facts: dict[str, Any] = {"reason": "in_sent_journal", "happened_us": receipt.at_us}
    return ended(claim, "accepted", feedback.SENT, at_us=at_us, reply=f"dot {receipt.reply}", **facts)


def may_resend(claim: Claim) -> bool:
    """Whether a message of unknown fate goes out again: transactional, and only once."""
    return claim.message.message_class == "transactional" and claim.uncertain <= UNCERTAIN_RESENDS


def completion_of(claim: Claim, outcome: Outcome, *, at_us: Micros, address: str = "", **facts: Any) -> Completion:
    """The record of a hand-over that was tried. `Fenced` is the dispatcher's own, because it knows by what.

    Args:
        address: where it was to go. Named in a failure, because the person may have another one by now.
        facts: further properties of the event Message Sent.

    Raises:
        TypeError: the outcome is none of a try.
    """
    if isinstance(outcome, Sent):
        reply = outcome.reply.line() if outcome.reply else ""
        return ended(claim, "accepted", feedback.SENT, at_us=at_us, reply=reply, queue_id=outcome.queue_id, **facts)
    if isinstance(outcome, Uncertain):
        return uncertain(claim, outcome.reply.line(), at_us=at_us)
    if isinstance(outcome, Rejected):
        kind, line = outcome.answer.kind, outcome.reply.line()
        said: dict[str, Any] = {"reason": kind, "detail": line, "suppress": outcome.answer.suppress, "address": address}
        return ended(claim, "failed", feedback.FAILED, at_us=at_us, reply=line, **said)
    if isinstance(outcome, Retry):
        return _retry(claim, outcome, at_us=at_us)
    raise TypeError(f"no outcome of a try: {outcome!r}")


def uncertain(claim: Claim, line: str, *, at_us: Micros) -> Completion:
    """The answer to the dot never came, and we live to tell: the same rules as after a crash."""
    once_more = msgspec.structs.replace(claim, uncertain=claim.uncertain + 1)
    if may_resend(once_more):
        return again(
            claim,
            at_us=at_us,
            try_us=at_us + RETRY_STEPS[0],
            reply=line,
            attempts=claim.attempts + 1,
            uncertain=once_more.uncertain,
        )
    return ended(once_more, "held", feedback.UNCERTAIN, at_us=at_us, reply=line, reason="no_answer_after_dot")


def _retry(claim: Claim, outcome: Retry, *, at_us: Micros) -> Completion:
    answer, line, message = outcome.answer, outcome.reply.line(), claim.message
    if not answer.costs_attempt:
        until, attempts = at_us + rest_of(outcome), claim.attempts
        if answer.kind == "policy_rejected" and outcome.reply.stage in _ABOUT_ONE:
            # It may be meant for this message alone: the others of its domain go first, so that one never holds up all until it expires.
            attempts += 1
            until += step_us(attempts)
        if until > message.valid_until_us:
            return ended(claim, "failed", feedback.FAILED, at_us=at_us, reply=line, reason="expired_while_waiting")
        return again(claim, at_us=at_us, try_us=until, reply=line, attempts=attempts, uncertain=claim.uncertain)
    following = next_try_us(
        claim.attempts + 1,
        at_us=at_us,
        first_us=message.due_us,
        message_class=message.message_class,
        valid_until_us=message.valid_until_us,
    )
    if following is None:
        return ended(claim, "failed", feedback.FAILED, at_us=at_us, reply=line, reason="tried_too_long", detail=line)
    return again(
        claim, at_us=at_us, try_us=following, reply=line, attempts=claim.attempts + 1, uncertain=claim.uncertain
    )


def rest_of(outcome: Retry | Rejected) -> Micros:
    """How long whatever the answer names should rest."""
    return {"host": HOST_REST, "domain": THROTTLE_REST, "sender": SENDER_REST}.get(outcome.answer.pause, HOST_REST)
