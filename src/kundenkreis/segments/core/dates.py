"""Calendar comparisons: on day numbers, with the day on which each answer flips.

"Today" is the installation's day, except for anniversaries, which are the customer's own local day.
Seen from a fixed day, time only lets its age (today minus the day) grow, so every operator is an interval of ages.
"""

import re
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
LEAP_YEAR = 2000
FIRST_YEAR, LAST_YEAR = 1800, 2999
"""Dates outside are mistakes, and no anniversary of theirs is near."""
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
        return self.interval.holds(today - day)

    def flips_on(self, day: int, today: int) -> int | None:
        """The first later day on which the answer differs, None if it never does."""
        if self.op in ABSOLUTE:
            return None
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
    value = days_ahead(op, value, path)
    ages = {
        "within_last_days": (0, value - 1),
        "more_than_days_ago": (value + 1, ENDLESS),
        "within_next_days": (1 - value, 0),
    }
    return DateRule(op, Interval(*ages[op]))


def days_ahead(op: str, value: Any, path: Path = ()) -> int:
    """The configured number of days of an operator.

    Raises:
        DefinitionError: it is none.
    """
    least = 1 if op in ("within_last_days", "within_next_days") else 0
    if type(value) is not int or not least <= value <= MOST_DAYS:
        raise DefinitionError(
            (*path, "value"),
            f"`{op}` takes a whole number of days, not {value!r}.",
            remedy=f"Give {least} to {MOST_DAYS}.",
        )
    return int(value)


def parse_date(value: Any) -> int | None:
    """Day number of a calendar date (`2026-12-31`, `31.12.2026`), None if it is none."""
    born = born_on(value) if isinstance(value, str) and len(value.strip()) == 10 else None
    return None if born is None or born.year is None else day_of(date(born.year, born.month, born.day))


def day_of_value(value: Any, zone: Zone) -> int | None:
    """Day number of a date or date-time as sent, None if it is none.

    A date-time with an offset counts on its day in `zone`, one without on the day it states.
    """
    day = parse_date(value)
    if day is not None or not isinstance(value, str) or not 16 <= len(value) <= 40 or born_on(value) is None:
        return day
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    if moment.tzinfo is None:
        return day_of(moment.date())
    return zone.day_number(from_datetime(moment))


class Born(NamedTuple):
    """A day of the year that comes back every year, from its own year on."""

    year: int | None
    month: int
    day: int


def born_on(value: Any) -> Born | None:
    """The date that a text states, None if it is none.

    Taken as they stand: 1990-02-28, 1990-02-28T..., 28.02.1990, --02-28 (vCard: year unknown). Numbers are no dates.
    """
    if not isinstance(value, str):
        return None
    match = _DATE.fullmatch(value.strip())
    if match is None:
        return None
    year, month, day, dotted_day, dotted_month, dotted_year, yearless_month, yearless_day = match.groups()
    stated = year or dotted_year
    born = Born(
        int(stated) if stated else None,
        int(month or dotted_month or yearless_month),
        int(day or dotted_day or yearless_day),
    )
    try:
        date(born.year or LEAP_YEAR, born.month, born.day)
    except ValueError:
        return None
    return born if born.year is None or FIRST_YEAR <= born.year <= LAST_YEAR else None


def is_anniversary(born: Born, day: int) -> bool:
    """Whether a day is the date itself or an anniversary of it; 29 February counts as the 28th in other years."""
    year = date_of(day).year
    return (born.year is None or year >= born.year) and _in_year(born, year) == day


def next_anniversary(born: Born, day: int) -> int:
    """The first such day strictly after a day."""
    year = max(date_of(day).year, born.year or 0)
    here = _in_year(born, year)
    return here if here > day else _in_year(born, year + 1)


def _in_year(born: Born, year: int) -> int:
    in_february = born.month == 2 and born.day == 29
    has_leap_day = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return day_of(date(year, born.month, 28 if in_february and not has_leap_day else born.day))


_DATE = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})(?:[T ].*)?|(\d{2})\.(\d{2})\.(\d{4})|--(\d{2})-(\d{2})", re.ASCII | re.DOTALL
)
