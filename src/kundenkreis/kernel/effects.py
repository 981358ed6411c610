"""Effects: what a fold decided should happen. Data, not deeds.

Deciding one twice is impossible by its unique id; performing it outside is at least once with that id.
"""

from typing import Any

import msgspec


class SendMessage(msgspec.Struct, array_like=True, tag="message", tag_field="effect", gc=False):
    """Hand this message to a channel, after the hand-over gate says yes once more."""

    effect_id: bytes
    """Also the message id everywhere: verdict, mailbox, Message-ID header, feedback events."""
    profile_id: int
    due_us: int
    channel: str
    content_id: str
    message_class: str
    """transactional, service, marketing."""
    purpose: str
    journey_id: str
    run_id: bytes
    step_id: str
    valid_until_us: int
    variables: dict[str, Any]
    """What the template sees as `event`: properties of the entering event."""
    priority: int = 5
    consent_epoch: int = 0
    """Number in the inbox of the proven confirmation it rests on, 0 if it rests on none (channels/core/fences.py)."""


class AppendEvent(msgspec.Struct, array_like=True, tag="append", tag_field="effect", gc=False):
    """Append an event to another customer's log (or to this one's, as a new cause): goes through the internal inbox."""

    effect_id: bytes
    profile_id: int
    """Whose log: the customer it concerns."""
    type: str
    name: str
    happened_us: int
    origin: str
    body: dict[str, Any]
    cause: bytes
    depth: int
    flags: int = 0
    actor: str = ""
    reason: str = ""


Effect = SendMessage | AppendEvent
