"""`attribute`: the profile's attribute compares so."""

from typing import Any

import msgspec

from kundenkreis.customers.core.profile import attribute
from kundenkreis.customers.core.state import CustomerState
from kundenkreis.customers.core.zone import ZONE_KEYS, zone_of
from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.kernel.references import AttributeName, Operator
from kundenkreis.kernel.zones import Zone
from kundenkreis.segments.core.dates import ANNIVERSARY, DATE_OPS, date_rule, day_of_value
from kundenkreis.segments.core.leaf import Leaf, day_flip_us
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

    __slots__ = ("_home", "_name", "_rule", "_zone")

    def __init__(self, config: AttributeConfig, *, zone: Zone, home: Zone) -> None:
        own = sorted(ZONE_KEYS) if config.op == ANNIVERSARY else ()
        super().__init__("attribute", config, reads=(*_reads(config.name), *own))
        self._name = config.name
        self._zone, self._home = zone, home
        self._rule = date_rule(config.op, config.value)

    def answer(self, state: CustomerState, at_us: Micros) -> tuple[bool, Micros]:
        """(whether the date compares so, the start of the day on which that flips)."""
        zone = self._zone
        day = day_of_value(attribute(state, self._name), zone)
        if day is None:
            return False, NEVER
        if self._rule.op == ANNIVERSARY:
            zone = zone_of(state, self._home)
        today = zone.day_number(at_us)
        return self._rule.holds(day, today), day_flip_us(self._rule.flips_on(day, today), zone)

    def found(self, state: CustomerState, at_us: Micros) -> dict[str, Any]:
        """The value."""
        return {"value": attribute(state, self._name)}


class AttributeKind:
    """The kind `attribute`."""

    kind = "attribute"
    config = AttributeConfig

    def compile(self, config: AttributeConfig, *, zone: Zone, known: Known) -> Condition:
        """A comparison of values, or of dates for the date operators."""
        if not config.name:
            raise DefinitionError(("name",), "The attribute has no name.")
        check_op(config.op)
        return (
            AttributeDate(config, zone=zone, home=known.home or zone)
            if config.op in DATE_OPS
            else AttributeValue(config)
        )


KIND = AttributeKind()
