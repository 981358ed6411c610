"""What happened to a message, as events for the customer's log."""

from typing import Any, Final

from kundenkreis.kernel.effects import AppendEvent, SendMessage
from kundenkreis.kernel.hashing import hash128
from kundenkreis.kernel.ids import Micros

SENT: Final = "Message Sent"
FAILED: Final = "Message Failed"
WITHHELD: Final = "Message Withheld"
POSTPONED: Final = "Message Postponed"
UNCERTAIN: Final = "Message Uncertain"
HELD: Final = "Message Held"


def feedback_event(message: SendMessage, name: str, *, at_us: Micros, epoch: int, **facts: Any) -> AppendEvent:
    """The event of this name about a message.

    Args:
        epoch: of the claim that ended so. With message and name it makes the event's id: a message that the fold
            releases again after a postponement can be postponed again, and that is another event.
        facts: further properties, such as reason, reply, content_version, suppress.
    """
    properties = {
        "message_id": message.effect_id.hex(),
        "channel": message.channel,
        "content_id": message.content_id,
        "message_class": message.message_class,
        "purpose": message.purpose,
        "journey_id": message.journey_id,
        "run_id": message.run_id.hex(),
        "step_id": message.step_id,
        "due_us": message.due_us,
    }
    return AppendEvent(
        effect_id=hash128("feedback", message.effect_id, name, epoch),
        profile_id=message.profile_id,
        type="track",
        name=name,
        happened_us=at_us,
        origin="feedback",
        body={"type": "track", "event": name, "properties": properties | facts},
        cause=message.effect_id,
        depth=0,
        actor="dispatcher",
        reason=str(facts.get("reason", "")),
    )
