"""Local times that journeys wait for: dates as text, weekdays, anniversaries, "in 3 days at 10:00" (design: Time).

Intent is stored (the definition and the instant the waiting began), instants are computed here, so a customer who
moves to another zone waits for the same local time there. Days and weeks are calendar days: the local time of day
stays across a change of the clocks. Missing local times move to the next valid minute, ambiguous ones are taken once,
the first time.
"""

import re
from datetime import UTC, date, datetime
from typing import Any

from kundenkreis.kernel.date_texts import parse_date
from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.zones import SECOND, Zone, date_of, day_of, from_datetime

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_ISO_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})", re.ASCII)
_LEAP_YEAR = 2000


def clock_seconds(text: str) -> int:
    """Second of the day of "10:00"."""
    hours, minutes = text.split(":")
    return int(hours) * 3600 + int(minutes) * 60


def add_days(at_us: Micros, days: int, zone: Zone) -> Micros:
    """The same local time of day so many calendar days later."""
    day, second = zone.local_parts(at_us)
    moved_us = zone.instant_us(day + days, second)
    # A time that the clocks leave out moves to the first minute after it, without the fraction of a second.
    return moved_us + at_us % SECOND if zone.local_parts(moved_us)[1] == second else moved_us


def after_duration(since_us: Micros, *, days: int, exact_us: Micros, at_second: int | None, zone: Zone) -> Micros:
    """When "days (calendar), then hours and minutes (exact), then until this local time" is over.

    With days alone, `at` is the time on that very day: Saturday 23:58 + 3 days at 10:00 is Tuesday 10:00. With hours
    or minutes, or nothing, it is the first such time at or after. Always later than `since_us` where `at` is given, so
    a loop cannot stand still.
    """
    if days and at_second is not None and not exact_us:
        return zone.instant_us(zone.day_number(since_us) + days, at_second)
    moved = (add_days(since_us, days, zone) if days else since_us) + exact_us
    if at_second is None:
        return moved
    return zone.next_local_us(moved - 1 if exact_us else moved, at_second)


def next_weekday_us(after_us: Micros, weekday: int, at_second: int, zone: Zone) -> Micros:
    """The first instant strictly after at which it is this weekday (0 = Monday) and this time of day, locally."""
    day = zone.day_number(after_us)
    ahead = (weekday - (day + 3)) % 7
    candidate = zone.instant_us(day + ahead, at_second)
    return candidate if candidate > after_us else zone.instant_us(day + ahead + 7, at_second)


def next_month_day_us(after_us: Micros, month_day: int, at_second: int, zone: Zone) -> Micros:
    """The first instant strictly after on this day of a month (its last day where it is shorter), locally."""
    on = zone.date(after_us)
    year, month = on.year, on.month
    while True:
        length = (date(year + month // 12, month % 12 + 1, 1) - date(year, month, 1)).days
        candidate = zone.instant_us(day_of(date(year, month, min(month_day, length))), at_second)
        if candidate > after_us:
            return candidate
        year, month = year + month // 12, month % 12 + 1


def parse_local(value: Any, zone: Zone) -> tuple[int, int, int] | None:
    """(local day number, second of that day, microseconds) of a date or date-time as sent; None where it is none.

    A date-time with an offset is that instant seen in `zone`; without one it is local time of `zone`.
    """
    parsed = parse_date(value)
    if parsed is None or parsed[0] is None:
        return None
    text = str(value).strip()
    if not _ISO_DATE.fullmatch(text[:10]) or len(text) == 10:
        return day_of(date(parsed[0], parsed[1], parsed[2])), 0, 0
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        seconds = moment.hour * 3600 + moment.minute * 60 + moment.second
        return day_of(moment.date()), seconds, moment.microsecond
    at_us = from_datetime(moment.astimezone(UTC))
    day, second = zone.local_parts(at_us)
    return day, second, at_us % SECOND


def anniversary_day(year: int, month: int, day: int) -> int:
    """Day number of a yearly date in this year; 29 February falls on 28 February in other years."""
    if (month, day) == (2, 29) and not (year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)):
        day = 28
    return day_of(date(year, month, day))


def next_date_us(
    value: Any, after_us: Micros, *, offset_days: int, at_second: int, yearly: bool, zone: Zone
) -> Micros | None:
    """The first instant strictly after at which date + offset is reached at this local time; None if there is none any
    more.
    """
    if not yearly:
        local = parse_local(value, zone)
        if local is None:
            return None
        candidate = zone.instant_us(local[0] + offset_days, at_second)
        return candidate if candidate > after_us else None
    parsed = parse_date(value)
    if parsed is None:
        return None
    base_year, month, day = parsed
    today = zone.day_number(after_us)
    first_year = date_of(today).year - 2
    for year in range(max(first_year, base_year or first_year), max(first_year, base_year or first_year) + 6):
        target = anniversary_day(year, month, day) + offset_days
        if target < today:
            continue
        candidate = zone.instant_us(target, at_second)
        if candidate > after_us:
            return candidate
    return None
