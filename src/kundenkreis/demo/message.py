"""One message of the demo, and how it is written: exactly the JSON a shop's server would post."""

from typing import Any, NamedTuple

import msgspec

from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.zones import to_datetime

REAL, INVENTED = "demo", "erfunden"
"""The two sources: what the data says, and what was invented around it. Each has a server write key of its own."""
INVENTED_PREFIX = "erfunden-"
"""Begins the id of every invented message, and the user id of every invented person."""
MAX_BYTES = 32 * 1024
"""The tracking API's limit for one message."""

_encode = msgspec.json.Encoder().encode


class DemoMessage(msgspec.Struct, frozen=True, gc=False):
    """A message and the instant at which the demo's virtual clock receives it."""

    received_us: int
    source: str
    body: bytes
    """JSON of one message: type, messageId, userId or anonymousId, timestamp, event, properties, traits, context."""


class Draft(NamedTuple):
    """A message on its way into the stream; drafts sort by the instant of receipt, then by id."""

    received_us: Micros
    message_id: str
    source: str
    body: bytes


def utc_text(at_us: Micros) -> str:
    """An instant as 2026-11-21T10:00:00.000Z, as the Segment libraries write it."""
    return to_datetime(at_us).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def draft(
    kind: str,
    message_id: str,
    at_us: Micros,
    *,
    invented: bool,
    user: str = "",
    anonymous: str = "",
    received_us: Micros | None = None,
    **fields: Any,
) -> Draft:
    """A message that happened at `at_us`; received at the same instant unless it is history that arrives later.

    Args:
        message_id: without the prefix that marks invented messages; it is put before it here.
        fields: event, properties, traits, previousId, ... as the message carries them.
    """
    whole_id = INVENTED_PREFIX + message_id if invented else message_id
    body: dict[str, Any] = {"type": kind, "messageId": whole_id}
    if user:
        body["userId"] = user
    if anonymous:
        body["anonymousId"] = anonymous
    body["timestamp"] = utc_text(at_us)
    context = fields.pop("context", {})
    body.update(fields)
    if invented:
        context = {**context, "invented": True}
    if context:
        body["context"] = context
    source = INVENTED if invented else REAL
    return Draft(at_us if received_us is None else received_us, whole_id, source, _encode(body))


def track(event: str, message_id: str, at_us: Micros, properties: dict[str, Any], **rest: Any) -> Draft:
    """A draft of an event; see `draft`."""
    return draft("track", message_id, at_us, event=event, properties=properties, **rest)
