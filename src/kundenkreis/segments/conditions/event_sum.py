"""`event_sum`: the sum of a number property compares so. Nothing happened: the sum is 0.

Sums are integer thousandths (segments/core/facts.py); `value` is given in whole units, for money in major units.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from kundenkreis.customers.core.state import CustomerState
from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.kernel.references import EventName, Operator
from kundenkreis.kernel.zones import Zone
from kundenkreis.segments.conditions.event import check_days, check_names
from kundenkreis.segments.core.facts import THOUSANDTHS, fact
from kundenkreis.segments.core.leaf import Leaf, day_number, day_start_us, names_of
from kundenkreis.segments.core.operators import EventFilter, number_interval
from kundenkreis.segments.core.protocol import Condition, Known, PropertyFilter
from kundenkreis.segments.errors import DefinitionError


class EventSumConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Names, the property to sum, and what the sum is compared with."""

    name: EventName | list[EventName]
    property: str
    op: Operator
    value: Any
    within_days: int | None = None
    where: list[PropertyFilter] = []


class EventSum(Leaf):
    """A sum over all time or over a window of days."""

    __slots__ = ("_days", "_interval", "_key", "_zone")

    def __init__(self, config: EventSumConfig, *, zone: Zone) -> None:
        days = config.within_days
        spec = fact(
            "total" if days is None else "buckets",
            names_of(config.name),
            where=config.where,
            property_=config.property,
            size=days or 0,
        )
        super().__init__("event_sum", config, facts=(spec,))
        self._key, self._days, self._zone = spec.key, days, zone
        self._interval = number_interval(config.op, config.value, scale=THOUSANDTHS)

    def answer(self, state: CustomerState, at_us: Micros) -> tuple[bool, Micros]:
        """(whether the sum compares so, when a day leaving the window changes that)."""
        holds_for = self._interval.holds
        value = state.facts.get(self._key)
        if self._days is None or not value:
            return holds_for(value or 0), NEVER
        oldest = day_number(self._zone, at_us) - self._days
        left = [bucket for bucket in value if bucket[0] > oldest]
        total = sum(bucket[1] for bucket in left)
        holds = holds_for(total)
        for day, amount in left:
            total -= amount
            if holds_for(total) is not holds:
                return holds, day_start_us(self._zone, day + self._days)
        return holds, NEVER

    def found(self, state: CustomerState, at_us: Micros) -> dict[str, Any]:
        """The sum in thousandths."""
        value = state.facts.get(self._key)
        if self._days is None or not value:
            return {"sum_thousandths": value or 0}
        oldest = day_number(self._zone, at_us) - self._days
        return {"sum_thousandths": sum(amount for day, amount in value if day > oldest)}


class EventSumKind:
    """The kind `event_sum`."""

    kind = "event_sum"
    label: ClassVar[Mapping[str, str]] = {"de": "Summe über Ereignisse", "en": "Sum over events"}
    config = EventSumConfig

    def compile(self, config: EventSumConfig, *, zone: Zone, known: Known) -> Condition:
        """A sum per day, or over all time."""
        check_names(config.name)
        check_days(config.within_days)
        EventFilter(config.where, zone=zone)
        if not config.property:
            raise DefinitionError(("property",), "Name the property to sum.")
        return EventSum(config, zone=zone)


KIND = EventSumKind()
