"""Which restrict-only fences keep which messages back.

A fence is a row (customer, scope, epoch) beside the outbox, written before a withdrawal, objection, complaint, restriction or
erasure is acknowledged, and read in the transaction that commits a hand-over. It is never removed. A newer permission goes past
it, and newer means acknowledged later, not dated later, because wall clocks step:

- The inbox numbers what it acknowledges. A fence's epoch is the last number given when it was written, so whatever had been
  acknowledged before the withdrawal has at most this number.
- A proven confirmation keeps its own number as its epoch (customers/core/consent.py), and a message the epoch of the
  permission under which it was released (policy.py).
- What the tracking API acknowledges writes no fence, because that path only appends: until it is folded, messages to that person wait
  (outbox.py: Unheard), and then the gate is asked again.
- A message passes a fence if its epoch is the higher one. Whatever was decided, queued or claimed under an older permission
  keeps its older epoch, so it never does. A message that rests on anything but a proven confirmation has epoch 0.

That the confirmation is also dated after the withdrawal is the fold's affair; both must hold.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from kundenkreis.kernel.effects import SendMessage
from kundenkreis.kernel.ids import NEVER

EVERYTHING: Final = "everything"
"""Erasure or restriction of processing: nothing goes out, whatever its class."""
MARKETING: Final = "marketing"
"""Objection, complaint, or "everything that promotes" on the unsubscribe page: no marketing on any channel."""
FOR_EVER: Final = NEVER
"""Epoch of a fence that no confirmation passes."""


class Fence(NamedTuple):
    """One fence, as the hand-over transaction reads it."""

    scope: str
    epoch: int


def marketing_on(channel: str) -> str:
    """Scope: no marketing on this channel."""
    return f"{MARKETING}/{channel}"


def purpose_on(purpose: str, channel: str) -> str:
    """Scope: nothing for this purpose on this channel, transactional messages excepted."""
    return f"purpose/{purpose}/{channel}"


def in_force(fences: Iterable[Fence], message: SendMessage) -> tuple[str, ...]:
    """The scopes of the fences that this message does not pass by its epoch, whether or not they are about it."""
    return tuple(fence.scope for fence in fences if message.consent_epoch <= fence.epoch)


def stopped_by(fences: Iterable[Fence], message: SendMessage) -> str:
    """The scope of the fence that keeps this message back, "" if none does."""
    for scope in in_force(fences, message):
        if scope == EVERYTHING:
            return scope
        if message.message_class == "marketing" and scope in (MARKETING, marketing_on(message.channel)):
            return scope
        if message.message_class != "transactional" and scope == purpose_on(message.purpose, message.channel):
            return scope
    return ""
