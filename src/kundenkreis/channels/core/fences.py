"""Which restrict-only fences keep which messages back.

A fence is a row (customer, scope) beside the outbox, written before a withdrawal, objection, complaint, restriction or
erasure is acknowledged, and read in the transaction that commits a hand-over. It only ever restricts: lifting one is a
decision of the fold, never of the dispatcher.
"""

from collections.abc import Iterable
from typing import Final

from kundenkreis.kernel.effects import SendMessage

EVERYTHING: Final = "everything"
"""Erasure or restriction of processing: nothing goes out, whatever its class."""
MARKETING: Final = "marketing"
"""Objection, complaint, or "everything that promotes" on the unsubscribe page: no marketing on any channel."""


def marketing_on(channel: str) -> str:
    """Scope: no marketing on this channel."""
    return f"{MARKETING}/{channel}"


def purpose_on(purpose: str, channel: str) -> str:
    """Scope: nothing for this purpose on this channel, transactional messages excepted."""
    return f"purpose/{purpose}/{channel}"


def stopped_by(scopes: Iterable[str], message: SendMessage) -> str:
    """The fence that keeps this message back, "" if none does."""
    for scope in scopes:
        if scope == EVERYTHING:
            return scope
        if message.message_class == "marketing" and scope in (MARKETING, marketing_on(message.channel)):
            return scope
        if message.message_class != "transactional" and scope == purpose_on(message.purpose, message.channel):
            return scope
    return ""
