"""The operators: how one value compares with a configured one.

Types never mix: `true` is not `1`, `"5"` is not `5`. A missing value (null counts as missing) holds only for `not_exists` and
for the `not_` forms, which are the exact opposites of their positive forms. `!=` is a statement about a number: a
missing value or a text is not "a number other than 5". Text compares case-insensitively (str.casefold), `equals_exactly` does not.
"""

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from kundenkreis.kernel.zones import Zone
from kundenkreis.segments.core.dates import ANNIVERSARY, DATE_OPS, ENDLESS, RELATIVE, Interval, date_rule, day_of_value
from kundenkreis.segments.core.protocol import PropertyFilter
from kundenkreis.segments.errors import DefinitionError, Path

Test = Callable[[Any], bool]

TEXT_OPS = frozenset({"equals", "equals_exactly", "contains", "starts_with", "ends_with", "in"})
NUMBER_OPS = frozenset({"=", "!=", "<", "<=", ">", ">=", "between"})
BOOLEAN_OPS = frozenset({"is_true", "is_false"})
LIST_OPS = frozenset({"includes"})
PRESENCE_OPS = frozenset({"exists", "not_exists"})
NEGATED = {"not_equals": "equals", "not_contains": "contains", "not_in": "in", "not_includes": "includes"}
ALL_OPS = TEXT_OPS | NUMBER_OPS | BOOLEAN_OPS | LIST_OPS | PRESENCE_OPS | DATE_OPS | frozenset(NEGATED)
MOST_LISTED = 1000
"""Values of one `in`: longer lists belong into an attribute."""


def check_op(op: str, allowed: frozenset[str] = ALL_OPS, path: Path = ()) -> None:
    """Refuse an operator that does not exist or does not fit what is compared.

    Raises:
        DefinitionError: with the path of `op`.
    """
    if op not in ALL_OPS:
        raise DefinitionError(
            (*path, "op"), f"There is no operator `{op}`.", remedy=_listed(allowed), slug="unknown_operator"
        )
    if op not in allowed:
        raise DefinitionError((*path, "op"), f"`{op}` does not fit what is compared here.", remedy=_listed(allowed))


def value_test(op: str, value: Any, path: Path = ()) -> Test:
    """The test of one operator other than the date operators.

    Raises:
        DefinitionError: unknown operator, or a value that does not fit it.
    """
    check_op(op, ALL_OPS, path)
    if op in NEGATED:
        positive = value_test(NEGATED[op], value, path)
        return lambda found: not positive(found)
    if op in NUMBER_OPS:
        return _number_test(op, value, path)
    if op in PRESENCE_OPS or op in BOOLEAN_OPS:
        if value is not None:
            raise DefinitionError((*path, "value"), f"`{op}` takes no value.", remedy="Leave `value` out.")
        return _PLAIN[op]
    if op == "includes":
        return _includes_test(value, path)
    return _text_test(op, value, path)


def number_interval(op: str, value: Any, *, scale: int, path: Path = ()) -> Interval:
    """The integers m for which m / scale compares so: exact for every configured number.

    Raises:
        DefinitionError: the value is no number (or no [low, high] for `between`).
    """
    check_op(op, NUMBER_OPS, path)
    low, high = _bounds(op, value, path)
    if op == "between":
        return Interval(math.ceil(low * scale), math.floor(high * scale))
    target = low * scale
    whole = target.denominator == 1
    match op:
        case "<":
            return Interval(-ENDLESS, math.ceil(target) - 1)
        case "<=":
            return Interval(-ENDLESS, math.floor(target))
        case ">":
            return Interval(math.floor(target) + 1, ENDLESS)
        case ">=":
            return Interval(math.ceil(target), ENDLESS)
        case _:
            bounds = (int(target), int(target)) if whole else (1, 0)
            return Interval(*bounds, negated=op == "!=")


def ratio_test(op: str, value: Any, path: Path = ()) -> Callable[[int, int], bool]:
    """A test of numerator / denominator (denominator > 0) without rounding."""
    check_op(op, NUMBER_OPS, path)
    low, high = _bounds(op, value, path)
    above, per = low.numerator, low.denominator
    tests: dict[str, Callable[[int, int], bool]] = {
        "<": lambda n, d: n * per < above * d,
        "<=": lambda n, d: n * per <= above * d,
        ">": lambda n, d: n * per > above * d,
        ">=": lambda n, d: n * per >= above * d,
        "=": lambda n, d: n * per == above * d,
        "!=": lambda n, d: n * per != above * d,
        "between": lambda n, d: above * d <= n * per and n * high.denominator <= high.numerator * d,
    }
    return tests[op]


class EventFilter:
    """Whether an event's properties are as configured; date operators are seen from the day of the event."""

    __slots__ = ("_tests", "_zone")

    def __init__(
        self, where: tuple[PropertyFilter, ...] | list[PropertyFilter], *, zone: Zone, path: Path = ()
    ) -> None:
        self._zone = zone
        self._tests: list[tuple[str, tuple[str, ...], Callable[[Any, int | None], bool]]] = []
        for index, one in enumerate(where):
            here = (*path, "where", index)
            if not one.property:
                raise DefinitionError((*here, "property"), "The property has no name.")
            parts = tuple(one.property.split("."))
            self._tests.append((one.property, parts if len(parts) > 1 else (), _dated_test(one, zone, here)))

    def passes(self, properties: Mapping[str, Any], day: int | None = None) -> bool:
        """Whether all filters hold for the properties of an event of this installation day.

        Without a day the operators that look from it (within_last_days, more_than_days_ago, within_next_days) never hold.
        """
        for name, parts, test in self._tests:
            value = value_at(properties, name, parts) if parts else properties.get(name)
            if not test(value, day):
                return False
        return True

    def __bool__(self) -> bool:
        return bool(self._tests)


def value_at(properties: Mapping[str, Any], path: str, parts: tuple[str, ...]) -> Any:
    """What stands at a dotted path, `parts` being its keys; a name with the dots comes first. None if nothing does."""
    value = properties.get(path)
    return dig(properties, parts) if value is None else value


def dig(value: Any, parts: tuple[str, ...]) -> Any:
    """What stands at a path of keys in nested objects, None if nothing does."""
    for part in parts:
        if type(value) is not dict:
            return None
        value = value.get(part)
    return value


def _dated_test(one: PropertyFilter, zone: Zone, path: Path) -> Callable[[Any, int | None], bool]:
    if one.op in DATE_OPS:
        if one.op == ANNIVERSARY:
            raise DefinitionError(
                (*path, "op"), "`anniversary_in_days` compares an attribute with today, not an event."
            )
        rule = date_rule(one.op, one.value, path)

        def dated(value: Any, day: int | None) -> bool:
            found = day_of_value(value, zone)
            if found is None or (day is None and rule.op in RELATIVE):
                return False
            return rule.holds(found, day or 0)

        return dated
    test = value_test(one.op, one.value, path)
    return lambda value, _day: test(value)


def is_number(value: Any) -> bool:
    """Whether a value is a finite number: yes/no is none, a text that looks like one is none."""
    return type(value) is int or (type(value) is float and math.isfinite(value))


def _bounds(op: str, value: Any, path: Path) -> tuple[Fraction, Fraction]:
    if op == "between":
        if (
            type(value) is not list
            or len(value) != 2
            or not all(is_number(one) for one in value)
            or value[0] > value[1]
        ):
            raise DefinitionError(
                (*path, "value"), f"`between` takes two numbers [low, high], not {value!r}.", remedy="Write [10, 20]."
            )
        return Fraction(str(value[0])), Fraction(str(value[1]))
    if not is_number(value):
        _check_given(op, value, path)
        raise DefinitionError(
            (*path, "value"), f"`{op}` compares with a number, not with {value!r}.",
            remedy="Write a number without quotes, with a point before decimals, such as 12.5.",
        )  # fmt: skip
    exact = Fraction(str(value))
    return exact, exact


def _check_given(op: str, value: Any, path: Path) -> None:
    """Refuse an operator that stands alone where it needs something to compare with."""
    if value is None:
        raise DefinitionError(path, f"`{op}` needs a `value` to compare with.", remedy="Add `value:`.")


def _number_test(op: str, value: Any, path: Path) -> Test:
    _bounds(op, value, path)
    if op == "between":
        low, high = value
        return lambda found: is_number(found) and bool(low <= found <= high)
    tests: dict[str, Test] = {
        "=": lambda found: is_number(found) and bool(found == value),
        "!=": lambda found: is_number(found) and bool(found != value),
        "<": lambda found: is_number(found) and bool(found < value),
        "<=": lambda found: is_number(found) and bool(found <= value),
        ">": lambda found: is_number(found) and bool(found > value),
        ">=": lambda found: is_number(found) and bool(found >= value),
    }
    return tests[op]


def _text_test(op: str, value: Any, path: Path) -> Test:
    if op == "in":
        if type(value) is not list or not 1 <= len(value) <= MOST_LISTED or not all(type(one) is str for one in value):
            raise DefinitionError(
                (*path, "value"), "`in` and `not_in` take a list of texts.", remedy=f"Give 1 to {MOST_LISTED} texts."
            )
        listed = frozenset(one.casefold() for one in value)
        return lambda found: type(found) is str and found.casefold() in listed
    if type(value) is not str:
        _check_given(op, value, path)
        raise DefinitionError(
            (*path, "value"),
            f"`{op}` compares with a text, not with {value!r}.",
            remedy='Put texts that look like numbers in quotes; compare numbers with "=" and yes/no with is_true.',
        )
    if op == "equals_exactly":
        return lambda found: type(found) is str and found == value
    text = value.casefold()
    tests: dict[str, Test] = {
        "equals": lambda found: type(found) is str and found.casefold() == text,
        "contains": lambda found: type(found) is str and text in found.casefold(),
        "starts_with": lambda found: type(found) is str and found.casefold().startswith(text),
        "ends_with": lambda found: type(found) is str and found.casefold().endswith(text),
    }
    return tests[op]


def _includes_test(value: Any, path: Path) -> Test:
    if type(value) is str:
        text = value.casefold()
        return lambda found: type(found) is list and any(type(one) is str and one.casefold() == text for one in found)
    if type(value) is bool:
        return lambda found: type(found) is list and any(one is value for one in found)
    if is_number(value):
        return lambda found: type(found) is list and any(is_number(one) and one == value for one in found)
    raise DefinitionError((*path, "value"), f"`includes` looks for a text, number or yes/no, not for {value!r}.")


def _listed(allowed: frozenset[str]) -> str:
    return "Possible here: " + ", ".join(sorted(allowed)) + "."


_PLAIN: dict[str, Test] = {
    "exists": lambda found: found is not None,
    "not_exists": lambda found: found is None,
    "is_true": lambda found: found is True,
    "is_false": lambda found: found is False,
}
