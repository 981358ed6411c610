"""`event_time`: the first or last such event lies so in time."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import msgspec

from kundenkreis.customers.core.state import CustomerState
from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.kernel.references import EventName, Operator
from kundenkreis.kernel.zones import Zone
from kundenkreis.segments.conditions.event import check_names
from kundenkreis.segments.core.dates import ABSOLUTE, RELATIVE, date_rule
from kundenkreis.segments.core.facts import fact
from kundenkreis.segments.core.leaf import Leaf, day_flip_us, day_number, names_of
from kundenkreis.segments.core.operators import EventFilter, check_op
from kundenkreis.segments.core.protocol import Condition, Known, PropertyFilter


class EventTimeConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Names, first or last, and a date operator."""

    name: EventName | list[EventName]
    which: Literal["first", "last"]
    op: Operator
    value: Any = None
    where: list[PropertyFilter] = []


class EventTime(Leaf):
    """The installation day of the first or last such event, compared with a date or with today."""

    __slots__ = ("_key", "_rule", "_zone")

    def __init__(self, config: EventTimeConfig, *, zone: Zone) -> None:
        spec = fact(config.which, names_of(config.name), where=config.where)
        super().__init__("event_time", config, facts=(spec,))
        self._key, self._zone = spec.key, zone
        self._rule = date_rule(config.op, config.value)

    def answer(self, state: CustomerState, at_us: Micros) -> tuple[bool, Micros]:
        """(whether its day compares so, the start of the day on which that flips); never happened: False."""
        occurred_us = state.facts.get(self._key)
        if occurred_us is None:
            return False, NEVER
        day, today = day_number(self._zone, occurred_us), day_number(self._zone, at_us)
        return self._rule.holds(day, today), day_flip_us(self._rule.flips_on(day, today), self._zone)

    def found(self, state: CustomerState, at_us: Micros) -> dict[str, Any]:
        """When it was."""
        return {"at_us": state.facts.get(self._key)}


class EventTimeKind:
    """The kind `event_time`."""

    kind = "event_time"
    label: ClassVar[Mapping[str, str]] = {"de": "Erstes oder letztes Ereignis", "en": "First or last event"}
    config = EventTimeConfig

    def compile(self, config: EventTimeConfig, *, zone: Zone, known: Known) -> Condition:
        """A comparison of days."""
        check_names(config.name)
        EventFilter(config.where, zone=zone)
        check_op(config.op, ABSOLUTE | RELATIVE)
        return EventTime(config, zone=zone)


KIND = EventTimeKind()
