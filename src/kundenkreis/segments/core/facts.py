"""Facts: what is kept of a customer's events so that conditions can be answered from the state alone.

| kind | value | keeps |
|---|---|---|
| recent | [occurred_us, ...] ascending | the `size` latest instants; one that arrives late is inserted where it belongs |
| buckets | [[day, amount], ...] ascending by day | sums (or counts) per installation day, the last `size` days |
| total | integer | sum or count over all time |
| first, last | occurred_us | the earliest, the latest |
| days | [day, ...] ascending | the `size` latest distinct days |

An event occurred at min(happened_us, at_us); its day is the installation day of that instant. Amounts are integer thousandths
of the number as sent, rounded half to even; money properties are rounded to the minor unit of the event's currency first. An
event whose property is no number (money: nor numeric text) adds nothing and is not counted.

A fact that never happened is absent from the state.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from hashlib import blake2b
from typing import Any, Protocol

import msgspec

from kundenkreis.customers.core.state import CustomerState
from kundenkreis.customers.core.turn import Turn
from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.money import ZERO_DECIMAL, minor_units, storable
from kundenkreis.kernel.rows import DERIVED, LogRow
from kundenkreis.kernel.zones import Zone
from kundenkreis.segments.core.operators import EventFilter, value_at
from kundenkreis.segments.core.protocol import Condition, FactSpec, PropertyFilter

EVERY_EVENT = ("*",)
EVENT_TYPES = frozenset({"track", "page", "screen"})
THOUSANDTHS = 1000
AMOUNT_LIMIT = 10**15
"""In whole units; larger numbers are a mistake of the sender and add nothing."""
MOST_RECENT = 200
"""Instants kept for one fact: 1.8 KB of state."""
MONEY_PROPERTIES = frozenset(
    {"total", "subtotal", "revenue", "value", "price", "shipping", "tax", "discount", "refund", "amount"}
)
"""Property names (last part of the path) that hold money in the e-commerce events v2."""


def fact(
    kind: str,
    names: Iterable[str],
    *,
    where: Sequence[PropertyFilter] = (),
    property_: str = "",
    size: int = 0,
) -> FactSpec:
    """The specification of a fact; equal needs get the same key whatever their size."""
    listed = tuple(sorted(set(names)))
    filters = tuple(sorted(where, key=lambda one: (one.property, one.op, repr(one.value))))
    canonical = msgspec.json.encode([kind, listed, filters, property_])
    key = int.from_bytes(blake2b(canonical, digest_size=6, person=b"fact").digest(), "big")
    return FactSpec(key, kind, listed, filters, property_, size)


def merge_specs(specs: Iterable[FactSpec]) -> tuple[FactSpec, ...]:
    """One specification per key, with the largest size asked for, in order of keys."""
    merged: dict[int, FactSpec] = {}
    for spec in specs:
        held = merged.get(spec.key)
        if held is None or held.size < spec.size:
            merged[spec.key] = spec
    return tuple(merged[key] for key in sorted(merged))


def facts_of(conditions: Iterable[Condition]) -> tuple[FactSpec, ...]:
    """Everything these conditions need."""
    return merge_specs(spec for condition in conditions for spec in condition.facts)


def occurred_on(row: LogRow, zone: Zone) -> tuple[Micros, int]:
    """When it happened (never after the instant at which it is folded) and on which installation day."""
    if row.happened_us <= row.at_us:
        return row.happened_us, row.day
    return row.at_us, zone.day_number(row.at_us)


def amount_of(properties: dict[str, Any], path: str) -> int | None:
    """A number property in integer thousandths, None if it is none."""
    parts = tuple(path.split("."))
    value = value_at(properties, path, parts)
    if parts[-1] in MONEY_PROPERTIES:
        currency = properties.get("currency")
        code = currency.upper() if type(currency) is str else "EUR"
        minor = minor_units(value, code)
        return None if minor is None else minor * (THOUSANDTHS if code in ZERO_DECIMAL else THOUSANDTHS // 100)
    if type(value) is not int and type(value) is not float:
        return None
    exact = Decimal(str(value))
    if not exact.is_finite() or abs(exact) > AMOUNT_LIMIT:
        return None
    return int((exact * THOUSANDTHS).to_integral_value(ROUND_HALF_EVEN))


class _Listener:
    """One fact with its compiled filter and how it takes an event in."""

    __slots__ = ("dirty", "filter", "spec", "take")

    def __init__(self, spec: FactSpec, zone: Zone) -> None:
        self.spec = spec
        self.filter: EventFilter | None = EventFilter(spec.where, zone=zone) if spec.where else None
        self.dirty = f"fact:{spec.key}"
        self.take = _TAKE[spec.kind]

    def after(self, value: Any, row: LogRow, occurred_us: Micros, day: int, today: int) -> Any:
        """The value after this event; the same object (or an equal value) when nothing changed."""
        spec = self.spec
        properties = row.properties
        if self.filter is not None and not self.filter.passes(properties, day):
            return value
        amount = 1
        if spec.property:
            found = amount_of(properties, spec.property)
            if found is None:
                return value
            amount = found
        return self.take(value, spec.size, occurred_us, day, amount, today)


class FactTable:
    """All facts of a rulebook, indexed by event name."""

    __slots__ = ("_by_name", "_every", "by_key", "specs", "zone")

    def __init__(self, specs: Iterable[FactSpec], *, zone: Zone) -> None:
        self.specs = merge_specs(specs)
        self.zone = zone
        self.by_key = {spec.key: spec for spec in self.specs}
        listeners = [_Listener(spec, zone) for spec in self.specs]
        self._every = tuple(one for one in listeners if one.spec.names == EVERY_EVENT)
        by_name: dict[str, list[_Listener]] = {}
        for one in listeners:
            if one.spec.names != EVERY_EVENT:
                for name in one.spec.names:
                    by_name.setdefault(name, []).append(one)
        self._by_name = {name: tuple(ones) for name, ones in by_name.items()}

    def observe(self, turn: Turn) -> None:
        """Take the turn's event into the facts that listen to it. Marks dirty "fact:<key>" for those that changed."""
        row = turn.row
        if row is None or row.type not in EVENT_TYPES:
            return
        named = self._by_name.get(row.name)
        every = self._every if self._every and not row.flags & DERIVED else ()
        if named is None and not every:
            return
        occurred_us, day = occurred_on(row, self.zone)
        facts, dirty, today = turn.state.facts, turn.dirty, turn.day
        for one in (*(named or ()), *every):
            key = one.spec.key
            before = facts.get(key)
            after = one.after(before, row, occurred_us, day, today)
            if after is not before:
                facts[key] = after
                dirty.add(one.dirty)


def fold_fact(spec: FactSpec, rows: Iterable[LogRow], *, zone: Zone) -> Any:
    """The value that the live fold would have kept over these rows (in log order); None if nothing counted."""
    table = FactTable((spec,), zone=zone)
    return fold_facts(table, rows).get(spec.key)


def fold_facts(table: FactTable, rows: Iterable[LogRow]) -> dict[int, Any]:
    """Fold several facts in one walk over a customer's log rows (derived rows of the record included)."""
    state = CustomerState(0, "", 0, 0)
    for row in rows:
        if row.type in EVENT_TYPES:
            table.observe(Turn(state, row.at_us, row=row, zone=table.zone, rulebook_version=0))
    return state.facts


class HoldsFacts(Protocol):
    """A compiled rulebook part that knows its facts."""

    @property
    def facts(self) -> FactTable: ...


def absorb_facts(decisions: HoldsFacts, winner: CustomerState, loser: CustomerState) -> None:
    """Merge: the winner's facts become those of both."""
    for spec in decisions.facts.specs:
        united = unite(spec, winner.facts.get(spec.key), loser.facts.get(spec.key))
        if united is not None:
            winner.facts[spec.key] = united


def unite(spec: FactSpec, mine: Any, theirs: Any) -> Any:
    """One value for two customers that turn out to be one person: facts add."""
    if mine is None or theirs is None:
        return theirs if mine is None else mine
    return _UNITE[spec.kind](mine, theirs, spec.size)


def shrink(spec: FactSpec, value: Any, today: int) -> Any:
    """A value kept for a larger need, cut to what this specification keeps."""
    if spec.kind in ("recent", "days"):
        return value[-spec.size :]
    if spec.kind == "buckets":
        return [bucket for bucket in value if bucket[0] > today - spec.size]
    return value


# How each kind takes an event in: (value or None, size, occurred_us, day, amount, today) -> value.


def _take_recent(value: Any, size: int, occurred_us: Micros, _day: int, _amount: int, _today: int) -> Any:
    if value is None:
        return [occurred_us]
    if len(value) >= size and occurred_us <= value[0]:
        return value
    value = value.copy()
    insort(value, occurred_us)
    if len(value) > size:
        del value[0]
    return value


def _take_bucket(value: Any, size: int, _occurred_us: Micros, day: int, amount: int, today: int) -> Any:
    oldest = today - size + 1
    if day < oldest:
        return value
    kept = [] if value is None else [bucket for bucket in value if bucket[0] >= oldest]
    at = bisect_left(kept, day, key=lambda bucket: bucket[0])
    if at < len(kept) and kept[at][0] == day:
        kept[at] = [day, storable(kept[at][1] + amount)]
    else:
        kept.insert(at, [day, amount])
    return kept


def _take_total(value: Any, _size: int, _occurred_us: Micros, _day: int, amount: int, _today: int) -> Any:
    if value is None:
        return amount
    return storable(value + amount) if amount else value


def _take_first(value: Any, _size: int, occurred_us: Micros, _day: int, _amount: int, _today: int) -> Any:
    return occurred_us if value is None or occurred_us < value else value


def _take_last(value: Any, _size: int, occurred_us: Micros, _day: int, _amount: int, _today: int) -> Any:
    return occurred_us if value is None or occurred_us > value else value


def _take_day(value: Any, size: int, _occurred_us: Micros, day: int, _amount: int, _today: int) -> Any:
    if value is None:
        return [day]
    at = bisect_left(value, day)
    if (at < len(value) and value[at] == day) or (len(value) >= size and at == 0):
        return value
    value = value.copy()
    value.insert(at, day)
    return value[-size:]


def _unite_buckets(mine: Any, theirs: Any, _size: int) -> Any:
    days = {bucket[0]: bucket[1] for bucket in mine}
    for day, amount in theirs:
        days[day] = storable(days.get(day, 0) + amount)
    return [[day, days[day]] for day in sorted(days)]


_Take = Callable[[Any, int, Micros, int, int, int], Any]
_TAKE: dict[str, _Take] = {
    "recent": _take_recent,
    "buckets": _take_bucket,
    "total": _take_total,
    "first": _take_first,
    "last": _take_last,
    "days": _take_day,
}
_UNITE: dict[str, Callable[[Any, Any, int], Any]] = {
    "recent": lambda mine, theirs, size: sorted([*mine, *theirs])[-size:],
    "buckets": _unite_buckets,
    "total": lambda mine, theirs, _size: storable(mine + theirs),
    "first": lambda mine, theirs, _size: min(mine, theirs),
    "last": lambda mine, theirs, _size: max(mine, theirs),
    "days": lambda mine, theirs, size: sorted({*mine, *theirs})[-size:],
}
