"""`attribute`: the profile's attribute compares so."""

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from kundenkreis.customers.core.profile import attribute
from kundenkreis.customers.core.state import CustomerState
from kundenkreis.customers.core.zone import ZONE_KEYS, zone_of
from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.kernel.references import AttributeName, Operator
from kundenkreis.kernel.zones import Zone
from kundenkreis.segments.core.dates import (
    ANNIVERSARY,
    DATE_OPS,
    born_on,
    date_rule,
    day_of_value,
    days_ahead,
    is_anniversary,
    next_anniversary,
)
from kundenkreis.segments.core.leaf import Leaf, day_flip_us, day_number, day_start_us
from kundenkreis.segments.core.operators import check_op, value_test
from kundenkreis.segments.core.protocol import Condition, Known
from kundenkreis.segments.errors import DefinitionError


class AttributeConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """A dotted path, an operator and its value."""

    name: AttributeName
    op: Operator
    value: Any = None


def _reads(path: str) -> tuple[str, ...]:
    head = path.partition(".")[0]
    return ("attribute:" + path, "attribute:" + head) if head != path else ("attribute:" + path,)


class AttributeValue(Leaf):
    """An attribute compared without regard to time."""

    __slots__ = ("_name", "_test")

    def __init__(self, config: AttributeConfig) -> None:
        super().__init__("attribute", config, reads=_reads(config.name))
        self._name = config.name
        self._test = value_test(config.op, config.value)

    def answer(self, state: CustomerState, at_us: Micros) -> tuple[bool, Micros]:
        """(whether it compares so, NEVER)."""
        return self._test(attribute(state, self._name)), NEVER

    def found(self, state: CustomerState, at_us: Micros) -> dict[str, Any]:
        """The value."""
        return {"value": attribute(state, self._name)}


class AttributeDate(Leaf):
    """An attribute that holds a date, compared with a date or with today."""

    __slots__ = ("_name", "_rule", "_zone")

    def __init__(self, config: AttributeConfig, *, zone: Zone) -> None:
        super().__init__("attribute", config, reads=_reads(config.name))
        self._name = config.name
        self._zone = zone
        self._rule = date_rule(config.op, config.value)

    def answer(self, state: CustomerState, at_us: Micros) -> tuple[bool, Micros]:
        """(whether the date compares so, the start of the day on which that flips)."""
        zone = self._zone
        day = day_of_value(attribute(state, self._name), zone)
        if day is None:
            return False, NEVER
        today = day_number(zone, at_us)
        return self._rule.holds(day, today), day_flip_us(self._rule.flips_on(day, today), zone)

    def found(self, state: CustomerState, at_us: Micros) -> dict[str, Any]:
        """The value."""
        return {"value": attribute(state, self._name)}


class AttributeAnniversary(Leaf):
    """An attribute that holds a date which comes back every year; the customer's own local day counts."""

    __slots__ = ("_ahead", "_name", "_zone")

    def __init__(self, config: AttributeConfig, *, zone: Zone) -> None:
        super().__init__("attribute", config, reads=(*_reads(config.name), *sorted(ZONE_KEYS)))
        self._name, self._zone = config.name, zone
        self._ahead = days_ahead(config.op, config.value)

    def answer(self, state: CustomerState, at_us: Micros) -> tuple[bool, Micros]:
        """(whether it falls on the day so many days from today, the start of the local day on which that flips)."""
        born = born_on(attribute(state, self._name))
        if born is None:
            return False, NEVER
        zone = zone_of(state, self._zone)
        today = day_number(zone, at_us)
        if is_anniversary(born, today + self._ahead):
            return True, day_start_us(zone, today + 1)
        return False, day_start_us(zone, next_anniversary(born, today + self._ahead) - self._ahead)

    def found(self, state: CustomerState, at_us: Micros) -> dict[str, Any]:
        """The value and the customer's zone."""
        return {"value": attribute(state, self._name), "zone": zone_of(state, self._zone).name}


class AttributeKind:
    """The kind `attribute`."""

    kind = "attribute"
    label: ClassVar[Mapping[str, str]] = {"de": "Merkmal", "en": "Attribute"}
    config = AttributeConfig

    def compile(self, config: AttributeConfig, *, zone: Zone, known: Known) -> Condition:
        """A comparison of values, or of dates for the date operators."""
        if not config.name:
            raise DefinitionError(("name",), "The attribute has no name.")
        check_op(config.op)
        if config.op == ANNIVERSARY:
            return AttributeAnniversary(config, zone=known.home or zone)
        return AttributeDate(config, zone=zone) if config.op in DATE_OPS else AttributeValue(config)


KIND = AttributeKind()
