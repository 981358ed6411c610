"""Calendar comparisons: on day numbers, with the day on which each answer flips.

"Today" is the installation's day, except for anniversaries, which are the customer's own local day.
Seen from a fixed day, time only lets its age (today minus the day) grow, so every operator is an interval of ages.
"""

from datetime import date, datetime
from typing import Any, NamedTuple

from kundenkreis.kernel.zones import Zone, date_of, day_of, from_datetime
from kundenkreis.segments.errors import DefinitionError, Path

ENDLESS = 1 << 80
"""Beyond every number compared here; stands for an open end of an interval."""

ABSOLUTE = frozenset({"before", "after", "on"})
RELATIVE = frozenset({"within_last_days", "more_than_days_ago", "within_next_days"})
ANNIVERSARY = "anniversary_in_days"
DATE_OPS = ABSOLUTE | RELATIVE | {ANNIVERSARY}
MOST_DAYS = 36_525
"""A hundred years: more is a typing mistake."""


class Interval(NamedTuple):
    """The integers from `low` to `high`, both included, or (negated) all others."""

    low: int
    high: int
    negated: bool = False

    def holds(self, value: int) -> bool:
        """Whether the value lies in it."""
        return (self.low <= value <= self.high) != self.negated

    def next_change(self, value: int) -> int | None:
        """The smallest larger value whose answer differs, None if there is none."""
        if self.low > self.high or value > self.high:
            return None
        if value < self.low:
            return self.low
        return self.high + 1 if self.high < ENDLESS else None


class DateRule(NamedTuple):
    """One date operator: an interval of days (absolute) or of ages in days (relative)."""

    op: str
    interval: Interval

    def holds(self, day: int, today: int) -> bool:
        """Whether a day compares so, seen from today."""
        if self.op in ABSOLUTE:
            return self.interval.holds(day)
        if self.op == ANNIVERSARY:
            return is_anniversary(day, today + self.interval.low)
        return self.interval.holds(today - day)

    def flips_on(self, day: int, today: int) -> int | None:
        """The first later day on which the answer differs, None if it never does."""
        if self.op in ABSOLUTE:
            return None
        if self.op == ANNIVERSARY:
            ahead = self.interval.low
            if is_anniversary(day, today + ahead):
                return today + 1
            return next_anniversary(day, today + ahead) - ahead
        age = self.interval.next_change(today - day)
        return None if age is None else day + age


def date_rule(op: str, value: Any, path: Path = ()) -> DateRule:
    """The rule of a date operator and its configured value.

    Raises:
        DefinitionError: the value does not fit the operator.
    """
    if op in ABSOLUTE:
        day = parse_date(value)
        if day is None:
            raise DefinitionError(
                (*path, "value"), f"`{op}` compares with a date, not with {value!r}.", remedy="Write it as 2026-12-31."
            )
        bounds = {"before": (-ENDLESS, day - 1), "after": (day + 1, ENDLESS), "on": (day, day)}
        return DateRule(op, Interval(*bounds[op]))
    least = 1 if op in ("within_last_days", "within_next_days") else 0
    if type(value) is not int or not least <= value <= MOST_DAYS:
        raise DefinitionError(
            (*path, "value"),
            f"`{op}` takes a whole number of days, not {value!r}.",
            remedy=f"Give {least} to {MOST_DAYS}.",
        )
    ages = {
        "within_last_days": (0, value - 1),
        "more_than_days_ago": (value + 1, ENDLESS),
        "within_next_days": (1 - value, 0),
        ANNIVERSARY: (value, value),
    }
    return DateRule(op, Interval(*ages[op]))


def parse_date(value: Any) -> int | None:
    """Day number of a calendar date (`2026-12-31`), None if it is none."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return day_of(value)
    if not isinstance(value, str) or len(value) != 10 or value[4] != "-" or value[7] != "-":
        return None
    try:
        return day_of(date.fromisoformat(value))
    except ValueError:
        return None


def day_of_value(value: Any, zone: Zone) -> int | None:
    """Day number of a value as sent: a calendar date as it stands, an instant with offset on its day in `zone`; else None."""
    day = parse_date(value)
    if day is not None or not isinstance(value, str) or not 16 <= len(value) <= 40:
        return day
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return day_of(moment.date())
    return zone.day_number(from_datetime(moment))


def is_anniversary(born: int, day: int) -> bool:
    """Whether a day is an anniversary of another, year ignored; 29 February counts as the 28th in other years."""
    origin, on = date_of(born), date_of(day)
    return _in_year(origin, on.year) == on


def next_anniversary(born: int, day: int) -> int:
    """The first anniversary strictly after a day."""
    origin, after = date_of(born), date_of(day)
    here = day_of(_in_year(origin, after.year))
    return here if here > day else day_of(_in_year(origin, after.year + 1))


def _in_year(origin: date, year: int) -> date:
    if origin.month == 2 and origin.day == 29 and (year % 4 or (year % 100 == 0 and year % 400)):
        return date(year, 2, 28)
    return date(year, origin.month, origin.day)
