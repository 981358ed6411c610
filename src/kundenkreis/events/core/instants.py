"""Instants as senders write them: ISO 8601 text, nothing else.

A number is never taken: nobody can see whether it counts seconds or milliseconds, and a guess is wrong silently.
"""

import re
from datetime import UTC, datetime, timedelta

from kundenkreis.kernel.ids import Micros

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_from_iso = datetime.fromisoformat

_LEAP_SECOND = re.compile(r"(T\d\d:\d\d:)60(?=$|[Z+.,-])")


def instant_us(text: str) -> Micros | None:
    """Microseconds since the epoch of an ISO 8601 date or time (year-month-day with hyphens), None if it is none.

    Without an offset it is UTC, a date alone is its first instant, a leap second is the second after it.
    Digits beyond microseconds are cut off.
    """
    if text[4:5] != "-":  # the form without hyphens cannot be told from a count of milliseconds
        return None
    try:
        moment = _from_iso(text)
    except ValueError:
        plain = _LEAP_SECOND.sub(r"\g<1>59", text)
        if plain == text:
            return None
        before = instant_us(plain)
        return None if before is None else before + 1_000_000
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    delta: timedelta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds
