"""`trait`: a computed trait compares so (segments/core/traits.py lists them)."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import msgspec

from kundenkreis.customers.core.state import CustomerState
from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.kernel.references import Operator, TraitName
from kundenkreis.kernel.zones import Zone
from kundenkreis.segments.core.dates import ABSOLUTE, RELATIVE, date_rule
from kundenkreis.segments.core.leaf import Leaf, day_flip_us, day_number
from kundenkreis.segments.core.operators import (
    BOOLEAN_OPS,
    NUMBER_OPS,
    PRESENCE_OPS,
    check_op,
    number_interval,
    ratio_test,
)
from kundenkreis.segments.core.protocol import Condition, Known
from kundenkreis.segments.core.traits import BUILT_IN, Trait, defined_trait
from kundenkreis.segments.errors import DefinitionError


class TraitConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Which trait, an operator that fits its type, and the value."""

    name: TraitName
    op: Operator
    value: Any = None


class _TraitLeaf(Leaf):
    """What all traits share."""

    __slots__ = ("_trait", "_zone")

    def __init__(self, config: TraitConfig, trait: Trait, *, zone: Zone) -> None:
        super().__init__("trait", config, reads=trait.reads, facts=trait.facts)
        self._trait, self._zone = trait, zone

    def found(self, state: CustomerState, at_us: Micros) -> dict[str, Any]:
        """The value by its type: {"value": n} or {"value": n, "of": d} for n / d, {"at_us": ...}, {"days": ...}."""
        trait = self._trait
        match trait.type:
            case "number":
                ratio = trait.number(state)
                if ratio is None:
                    return {}
                return {"value": ratio[0]} if ratio[1] == 1 else {"value": ratio[0], "of": ratio[1]}
            case "yes_no":
                return {"value": trait.yes_no(state)}
            case "instant":
                return {"at_us": trait.instant(state)}
            case _:
                since_us = trait.instant(state)
                if since_us is None:
                    return {}
                return {"days": day_number(self._zone, at_us) - day_number(self._zone, since_us)}


class TraitPresent(_TraitLeaf):
    """exists, not_exists, is_true, is_false."""

    __slots__ = ("_read", "_wanted")

    def __init__(self, config: TraitConfig, trait: Trait, *, zone: Zone) -> None:
        super().__init__(config, trait, zone=zone)
        self._wanted = config.op in ("exists", "is_true")
        self._read: Callable[[CustomerState], bool]
        if config.op in BOOLEAN_OPS:
            self._read = trait.yes_no
        elif trait.type == "yes_no":
            self._read = lambda _state: True  # it is one or the other
        else:
            read: Callable[[CustomerState], Any] = trait.number if trait.type == "number" else trait.instant
            self._read = lambda state: read(state) is not None

    def answer(self, state: CustomerState, at_us: Micros) -> tuple[bool, Micros]:
        """(whether it is there, or true, NEVER)."""
        return self._read(state) is self._wanted, NEVER


class TraitNumber(_TraitLeaf):
    """A number compared without rounding."""

    __slots__ = ("_test",)

    def __init__(self, config: TraitConfig, trait: Trait, *, zone: Zone) -> None:
        super().__init__(config, trait, zone=zone)
        self._test = ratio_test(config.op, config.value)

    def answer(self, state: CustomerState, at_us: Micros) -> tuple[bool, Micros]:
        """(whether it compares so, NEVER)."""
        ratio = self._trait.number(state)
        return ratio is not None and self._test(*ratio), NEVER


class TraitDays(_TraitLeaf):
    """A number of days that grows by one at the start of each day."""

    __slots__ = ("_interval",)

    def __init__(self, config: TraitConfig, trait: Trait, *, zone: Zone) -> None:
        super().__init__(config, trait, zone=zone)
        self._interval = number_interval(config.op, config.value, scale=1)

    def answer(self, state: CustomerState, at_us: Micros) -> tuple[bool, Micros]:
        """(whether it compares so, the start of the day on which that flips)."""
        since_us = self._trait.instant(state)
        if since_us is None:
            return False, NEVER
        zone = self._zone
        since_day = day_number(zone, since_us)
        days = day_number(zone, at_us) - since_day
        change = self._interval.next_change(days)
        return self._interval.holds(days), day_flip_us(None if change is None else since_day + change, zone)


class TraitDate(_TraitLeaf):
    """An instant compared by its installation day."""

    __slots__ = ("_rule",)

    def __init__(self, config: TraitConfig, trait: Trait, *, zone: Zone) -> None:
        super().__init__(config, trait, zone=zone)
        self._rule = date_rule(config.op, config.value)

    def answer(self, state: CustomerState, at_us: Micros) -> tuple[bool, Micros]:
        """(whether its day compares so, the start of the day on which that flips)."""
        moment_us = self._trait.instant(state)
        if moment_us is None:
            return False, NEVER
        day, today = day_number(self._zone, moment_us), day_number(self._zone, at_us)
        return self._rule.holds(day, today), day_flip_us(self._rule.flips_on(day, today), self._zone)


_OPS = {
    "number": NUMBER_OPS | PRESENCE_OPS,
    "days_since": NUMBER_OPS | PRESENCE_OPS,
    "instant": ABSOLUTE | RELATIVE | PRESENCE_OPS,
    "yes_no": BOOLEAN_OPS | PRESENCE_OPS,
}


class TraitKind:
    """The kind `trait`."""

    kind = "trait"
    label: ClassVar[Mapping[str, str]] = {"de": "Kennzahl der Person", "en": "Figure of the person"}
    config = TraitConfig

    def compile(self, config: TraitConfig, *, zone: Zone, known: Known) -> Condition:
        """A comparison that fits the trait's type."""
        trait = BUILT_IN.get(config.name)
        if trait is None:
            if config.name not in known.traits:
                names = ", ".join(sorted([*BUILT_IN, *known.traits]))
                raise DefinitionError(
                    ("name",), f"There is no trait `{config.name}`.", remedy=f"Possible: {names}.", slug="unknown_id"
                )
            trait = defined_trait(known.traits[config.name])
        check_op(config.op, _OPS[trait.type])
        if config.op in PRESENCE_OPS or config.op in BOOLEAN_OPS:
            if config.value is not None:
                raise DefinitionError(("value",), f"`{config.op}` takes no value.", remedy="Leave `value` out.")
            return TraitPresent(config, trait, zone=zone)
        forms: dict[str, type[TraitNumber] | type[TraitDays] | type[TraitDate]] = {
            "number": TraitNumber,
            "days_since": TraitDays,
            "instant": TraitDate,
        }
        return forms[trait.type](config, trait, zone=zone)


KIND = TraitKind()
