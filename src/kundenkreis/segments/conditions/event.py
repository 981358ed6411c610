"""`event`: so many such events happened in the window.

"within_days: 30" is today and the 29 days before by installation day numbers; it flips at the start of a day. "within_hours: 24"
counts an event from the instant it occurred until exactly 24 hours later, that instant excluded.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from kundenkreis.customers.core.state import CustomerState
from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.kernel.references import EventName
from kundenkreis.kernel.zones import HOUR, Zone
from kundenkreis.segments.core.dates import ENDLESS
from kundenkreis.segments.core.facts import MOST_RECENT, fact
from kundenkreis.segments.core.leaf import Leaf, day_number, day_start_us, names_of
from kundenkreis.segments.core.operators import EventFilter
from kundenkreis.segments.core.protocol import Condition, Known, PropertyFilter
from kundenkreis.segments.errors import DefinitionError

MOST_HOURS = 168
MOST_DAYS = 3650
FEW = 50
"""Up to so many instants are kept one by one; larger counts of a day window are kept as counts per day."""


class Count(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """How often; `exactly` stands alone."""

    at_least: int | None = None
    at_most: int | None = None
    exactly: int | None = None


class EventConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Names, how often, in which window, with which properties."""

    name: EventName | list[EventName]
    count: Count = Count(at_least=1)
    within_days: int | None = None
    within_hours: int | None = None
    where: list[PropertyFilter] = []


class CountEver(Leaf):
    """Counted over all time."""

    __slots__ = ("_high", "_key", "_low")

    def __init__(self, config: EventConfig, low: int, high: int) -> None:
        spec = fact("total", names_of(config.name), where=config.where)
        super().__init__("event", config, facts=(spec,))
        self._key, self._low, self._high = spec.key, low, high

    def answer(self, state: CustomerState, at_us: Micros) -> tuple[bool, Micros]:
        """(whether so many happened, NEVER)."""
        return self._low <= state.facts.get(self._key, 0) <= self._high, NEVER

    def found(self, state: CustomerState, at_us: Micros) -> dict[str, Any]:
        """How many."""
        return {"count": state.facts.get(self._key, 0)}


class CountRecent(Leaf):
    """Counted among the latest instants, in a window of days or hours."""

    __slots__ = ("_days", "_high", "_hours_us", "_key", "_low", "_zone")

    def __init__(self, config: EventConfig, low: int, high: int, *, zone: Zone) -> None:
        size = low if high == ENDLESS else high + 1
        spec = fact("recent", names_of(config.name), where=config.where, size=max(size, 1))
        super().__init__("event", config, facts=(spec,))
        self._key, self._low, self._high = spec.key, low, high
        self._zone = zone
        self._days = config.within_days
        self._hours_us = (config.within_hours or 0) * HOUR

    def answer(self, state: CustomerState, at_us: Micros) -> tuple[bool, Micros]:
        """(whether so many lie in the window, when one leaving it changes that)."""
        instants = state.facts.get(self._key)
        if not instants:
            return self._low <= 0, NEVER
        count = len(instants) - self._first_inside(instants, at_us)
        low, high = self._low, self._high
        if count < low:
            return False, NEVER
        if count <= high:
            return True, NEVER if low <= 0 else self._leaves_us(instants[-low])
        left, flips_us = count, NEVER
        while left > high:
            flips_us = self._leaves_us(instants[-left])
            left = len(instants) - self._first_inside(instants, flips_us)
        return False, flips_us if left >= low else NEVER

    def found(self, state: CustomerState, at_us: Micros) -> dict[str, Any]:
        """How many (counted no further than needed) and when last."""
        instants = state.facts.get(self._key) or []
        inside = instants[self._first_inside(instants, at_us) :]
        return {"count": len(inside), "last_us": inside[-1]} if inside else {"count": 0}

    def _first_inside(self, instants: list[int], at_us: Micros) -> int:
        if self._days is None:
            return bisect_right(instants, at_us - self._hours_us)
        zone = self._zone
        return bisect_left(instants, day_start_us(zone, day_number(zone, at_us) - self._days + 1))

    def _leaves_us(self, occurred_us: Micros) -> Micros:
        if self._days is None:
            return occurred_us + self._hours_us
        return day_start_us(self._zone, day_number(self._zone, occurred_us) + self._days)


class CountByDay(Leaf):
    """Counted per day: for large counts in a window of days."""

    __slots__ = ("_days", "_high", "_key", "_low", "_zone")

    def __init__(self, config: EventConfig, days: int, low: int, high: int, *, zone: Zone) -> None:
        spec = fact("buckets", names_of(config.name), where=config.where, size=days)
        super().__init__("event", config, facts=(spec,))
        self._key, self._low, self._high, self._days, self._zone = spec.key, low, high, days, zone

    def answer(self, state: CustomerState, at_us: Micros) -> tuple[bool, Micros]:
        """(whether so many lie in the window, when a day leaving it changes that)."""
        today = day_number(self._zone, at_us)
        left = [bucket for bucket in state.facts.get(self._key) or () if bucket[0] > today - self._days]
        count = sum(bucket[1] for bucket in left)
        holds = self._low <= count <= self._high
        for day, amount in left:
            count -= amount
            if (self._low <= count <= self._high) is not holds:
                return holds, day_start_us(self._zone, day + self._days)
        return holds, NEVER

    def found(self, state: CustomerState, at_us: Micros) -> dict[str, Any]:
        """How many."""
        oldest = day_number(self._zone, at_us) - self._days
        return {"count": sum(amount for day, amount in state.facts.get(self._key) or () if day > oldest)}


class EventKind:
    """The kind `event`."""

    kind = "event"
    label: ClassVar[Mapping[str, str]] = {"de": "Ereignis", "en": "Event"}
    config = EventConfig

    def compile(self, config: EventConfig, *, zone: Zone, known: Known) -> Condition:
        """The form that keeps the least state for this count and window."""
        check_names(config.name)
        EventFilter(config.where, zone=zone)
        low, high = _range(config.count)
        if config.within_days is not None and config.within_hours is not None:
            raise DefinitionError(("within_hours",), "Give `within_days` or `within_hours`, not both.")
        if config.within_days is None and config.within_hours is None:
            return CountEver(config, low, high)
        check_days(config.within_days)
        if config.within_hours is not None and not 1 <= config.within_hours <= MOST_HOURS:
            raise DefinitionError(("within_hours",), f"An hour window has 1 to {MOST_HOURS} hours.")
        needed = low if high == ENDLESS else high + 1
        if config.within_days is not None and needed > FEW:
            return CountByDay(config, config.within_days, low, high, zone=zone)
        if needed > MOST_RECENT:
            raise DefinitionError(
                ("count",), f"An hour window counts up to {MOST_RECENT}.", remedy="Use a window of days for more."
            )
        return CountRecent(config, low, high, zone=zone)


def check_names(name: str | list[str]) -> None:
    """Refuse a leaf that names no event."""
    names = names_of(name)
    if not names or not all(names):
        raise DefinitionError(("name",), "Name at least one event.")
    if "*" in names and len(names) > 1:
        raise DefinitionError(("name",), "`*` means every event and stands alone.")


def check_days(days: int | None) -> None:
    """Refuse a window of days that is none."""
    if days is not None and not 1 <= days <= MOST_DAYS:
        raise DefinitionError(("within_days",), f"A day window has 1 to {MOST_DAYS} days.")


def _range(count: Count) -> tuple[int, int]:
    given = [one for one in (count.at_least, count.at_most, count.exactly) if one is not None]
    if not given or (count.exactly is not None and len(given) > 1):
        raise DefinitionError(("count",), "Give `at_least`, `at_most` or both, or `exactly` alone.")
    if any(not 0 <= one <= 1_000_000 for one in given):
        raise DefinitionError(("count",), "A count lies between 0 and 1,000,000.")
    if count.exactly is not None:
        return count.exactly, count.exactly
    low = count.at_least or 0
    high = ENDLESS if count.at_most is None else count.at_most
    if low > high:
        raise DefinitionError(("count",), "`at_least` is larger than `at_most`: that never holds.")
    return low, high


KIND = EventKind()
