"""Local clocks, straight from zoneinfo: which day it is, when a local day or a local time of day begins.

Instants are integer microseconds since 1970-01-01T00:00:00Z; days are counted from 1970-01-01.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, reset_tzpath

# Of the locked package `tzdata`: a machine's own tables may be older than a country's last decision.
reset_tzpath(())
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

ZONE_OF_COUNTRY = {
    "AT": "Europe/Vienna", "CH": "Europe/Zurich", "DE": "Europe/Berlin", "DK": "Europe/Copenhagen", "FR": "Europe/Paris",
    "GB": "Europe/London", "IT": "Europe/Rome", "JP": "Asia/Tokyo", "NL": "Europe/Amsterdam", "PL": "Europe/Warsaw",
}  # fmt: skip
"""Of countries with one zone, those that occur here; a country of several (US) leaves it to the brand."""


def local(at_us, zone):
    """The local date and time of an instant."""
    return (EPOCH + timedelta(microseconds=at_us)).astimezone(ZoneInfo(zone))


@lru_cache(maxsize=500_000)
def day_of(at_us, zone):
    """The local calendar day of an instant."""
    return local(at_us, zone).date().toordinal() - 719_163


def date_of(day):
    """The calendar date of a day number."""
    return date.fromordinal(day + 719_163)


@lru_cache(maxsize=200_000)
def instant(day, minutes, zone, seconds=0, micros=0):
    """The instant at which a local clock shows this time of a day.

    A time that does not exist (the clocks go forward) moves to the end of the gap; one that comes twice counts the
    first time.
    """
    wall = datetime.combine(date_of(day), time(minutes // 60, minutes % 60, seconds, micros))
    first = wall.replace(tzinfo=ZoneInfo(zone), fold=0)
    at_us = (first.astimezone(UTC) - EPOCH) // timedelta(microseconds=1)
    if local(at_us, zone).replace(tzinfo=None) == wall:
        return at_us
    # In a gap: look for the first instant at which the clock shows no earlier time, by halving.
    low, high = at_us - DAY, at_us + DAY
    while high - low > 1:
        middle = (low + high) // 2
        if local(middle, zone).replace(tzinfo=None) >= wall:
            high = middle
        else:
            low = middle
    return high


def day_start(day, zone):
    """The first instant of a local day."""
    return instant(day, 0, zone)


def minutes_of(text):
    """Minutes since midnight of "10:00"."""
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def add_days(at_us, days, zone):
    """The same local time of day so many calendar days later."""
    there = local(at_us, zone)
    return instant(day_of(at_us, zone) + days, there.hour * 60 + there.minute, zone, there.second, there.microsecond)


def next_time(after_us, minutes, zone):
    """The first instant strictly later at which the local clock shows this time."""
    today = day_of(after_us, zone)
    return next(at_us for day in (today, today + 1, today + 2) if (at_us := instant(day, minutes, zone)) > after_us)


@lru_cache(maxsize=1000)
def is_zone(name):
    """Whether there is a zone of this name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
