"""The events by which people change a customer, as the internal inbox takes them: the same for one customer and for many."""

import math
from typing import NamedTuple

import msgspec

from kundenkreis.customers.core.profile import clean_value
from kundenkreis.kernel.effects import AppendEvent
from kundenkreis.kernel.ids import EffectId, Micros
from kundenkreis.runtime.stores.session import Row
from kundenkreis.site.ports.customer_acts import Actor


class Happening(NamedTuple):
    """What an event says."""

    name: str
    properties: dict[str, object]


def pause(until_us: Micros, reason: str) -> Happening:
    """No marketing until an instant."""
    return Happening("Marketing Paused", {"until_us": until_us, "reason": reason})


def resumption() -> Happening:
    """A pause ends."""
    return Happening("Marketing Resumed", {})


def value_set(name: str, text: str, held: object) -> Happening:
    """A value of the profile, as the kind of value that is held: a number stays a number, yes and no stay so."""
    return Happening("Attribute Set", {"name": name, "value": clean_value(typed(text, held))})


def cancellation(message_id: str, reason: str) -> Happening:
    """A planned message is taken back."""
    return Happening("Message Cancelled", {"message": message_id, "reason": reason})


def inbox_row(event_id: bytes, profile_id: int, happening: Happening, actor: Actor, now_us: Micros) -> Row:
    """A row of the internal inbox. The same event id is taken once, however often it is written."""
    event = AppendEvent(
        effect_id=EffectId(event_id), profile_id=profile_id, type="track", name=happening.name, happened_us=now_us, origin="human",
        body={"type": "track", "event": happening.name, "properties": happening.properties}, cause=b"", depth=0, actor=actor.name,
        reason=actor.reason,
    )  # fmt: skip
    return event_id, profile_id, now_us, msgspec.msgpack.encode(event)


def typed(text: str, held: object) -> object:
    """What was typed as the kind of value that stood there; text where it does not fit, None for nothing."""
    if isinstance(held, bool):
        return {"true": True, "false": False}.get(text.strip().casefold(), text)
    if isinstance(held, int | float):
        try:
            number = float(text.replace(",", "."))
        except ValueError:
            return text
        if not math.isfinite(number):
            return text
        return int(number) if number == int(number) else number
    return text or None
