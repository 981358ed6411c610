"""Dates as people send them: in attributes, in the properties of events."""

import re
from datetime import date
from typing import Any

_ISO_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)
_DOTTED_DATE = re.compile(r"(\d{2})\.(\d{2})\.(\d{4})", re.ASCII)
_MONTH_AND_DAY = re.compile(r"--(\d{2})-(\d{2})", re.ASCII)
_LEAP_YEAR = 2000
FIRST_YEAR, _LAST_YEAR = 1900, 2119
"""Before it stand years that nobody knows: calendars write 1604, forms 0001."""


def parse_date(value: Any) -> tuple[int | None, int, int] | None:
    """(year or None, month, day) of a date as people send it, None where it is none.

    Taken: 1990-02-28, 1990-02-28T..., 28.02.1990, --02-28 (vCard: year unknown). Numbers are never guessed to be dates.
    """
    if not isinstance(value, str):
        return None
    text = value.strip()
    match = _MONTH_AND_DAY.fullmatch(text)
    if match:
        return _checked(None, int(match[1]), int(match[2]))
    match = _DOTTED_DATE.fullmatch(text)
    if match:
        return _checked(int(match[3]), int(match[2]), int(match[1]))
    match = _ISO_DATE.fullmatch(text[:10])
    if match and (len(text) == 10 or text[10] in "T "):
        return _checked(int(match[1]), int(match[2]), int(match[3]))
    return None


def _checked(year: int | None, month: int, day: int) -> tuple[int | None, int, int] | None:
    try:
        date(year or _LEAP_YEAR, month, day)
    except ValueError:
        return None
    if year is not None and not FIRST_YEAR <= year <= _LAST_YEAR:
        return None
    return year, month, day
