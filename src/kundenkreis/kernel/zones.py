"""Time zones for the fold: day numbers, local clock times and back, from integer instants.

`datetime` with zoneinfo costs microseconds per conversion and adds minutes across a DST gap wrongly; the fold does
thousands of conversions a second. So each zone is unrolled once into its table of offset changes, and all arithmetic is
on integers. Rules (design: Time): a missing local time moves to the next valid minute, an ambiguous one is taken once,
the first time.
"""

from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, reset_tzpath

from kundenkreis.kernel.errors import CallerError
from kundenkreis.kernel.ids import Micros

# The locked package `tzdata` and nothing else: a system's own tables differ from machine to machine, and so would decisions.
reset_tzpath(())

SECOND: Micros = 1_000_000
MINUTE: Micros = 60 * SECOND
HOUR: Micros = 60 * MINUTE
DAY: Micros = 24 * HOUR
DAY_SECONDS = 86_400

MOST_DAYS_KEPT = 4_000
"""Starts of days remembered per zone: eleven years."""
_FAR = 1 << 60
_FIRST_YEAR, _LAST_YEAR = 1900, 2120
"""Outside these years the nearest known offset is used; events are clamped far inside them."""


class UnknownZoneError(CallerError):
    """This time zone is not known; use an IANA name such as Europe/Berlin."""

    code = "unknown_zone"


def from_datetime(moment: datetime) -> Micros:
    """An aware datetime as microseconds since the epoch, exact (no float)."""
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * DAY_SECONDS + delta.seconds) * SECOND + delta.microseconds


def to_datetime(at_us: Micros) -> datetime:
    """An instant as aware UTC datetime."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at_us)


def iso(at_us: Micros) -> str:
    """An instant as 2026-11-21T10:00:00.000000Z."""
    return to_datetime(at_us).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def day_of(on: date) -> int:
    """Day number of a calendar date: days since 1970-01-01."""
    return on.toordinal() - 719_163


def date_of(day: int) -> date:
    """Calendar date of a day number."""
    return date.fromordinal(day + 719_163)


class Zone:
    """One IANA zone as a table of (instant in seconds, offset in seconds)."""

    __slots__ = ("_day_starts", "_from", "_instants", "_offset", "_offsets", "_to", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        try:
            zone = ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise UnknownZoneError(zone=name) from None
        self._instants, self._offsets = _unroll(zone)
        self._from, self._to, self._offset = _FAR, _FAR, 0
        self._day_starts: dict[int, Micros] = {}

    def offset_seconds(self, at_us: Micros) -> int:
        """Seconds that local time is ahead of UTC at this instant."""
        second = at_us // SECOND
        # Neighbouring questions fall between the same two changes nearly always.
        if not self._from <= second < self._to:
            index = max(bisect_right(self._instants, second) - 1, 0)
            self._from = self._instants[index] if index else -_FAR
            self._to = self._instants[index + 1] if index + 1 < len(self._instants) else _FAR
            self._offset = self._offsets[index]
        return self._offset

    def day_number(self, at_us: Micros) -> int:
        """Local calendar day (days since 1970-01-01) of an instant."""
        second = at_us // SECOND
        if self._from <= second < self._to:
            return (second + self._offset) // DAY_SECONDS
        return (second + self.offset_seconds(at_us)) // DAY_SECONDS

    def local_parts(self, at_us: Micros) -> tuple[int, int]:
        """(local day number, second of that local day) of an instant."""
        return divmod(at_us // SECOND + self.offset_seconds(at_us), DAY_SECONDS)

    def day_start_us(self, day: int) -> Micros:
        """First instant of a local day; where midnight is skipped, the first instant after the gap."""
        start_us = self._day_starts.get(day)
        if start_us is None:
            if len(self._day_starts) >= MOST_DAYS_KEPT:
                self._day_starts.clear()
            start_us = self._day_starts[day] = self.instant_us(day, 0)
        return start_us

    def instant_us(self, day: int, second_of_day: int) -> Micros:
        """The instant of a local wall time. Missing: the end of the gap. Ambiguous: the first of the two."""
        local = day * DAY_SECONDS + second_of_day
        # Between the same two changes as the question before, and far enough behind the first that no earlier offset shows this time as well.
        if self._from + 2 * DAY_SECONDS <= local - self._offset < self._to:
            return (local - self._offset) * SECOND
        index = bisect_right(self._instants, local - self._offsets[-1] - 2 * DAY_SECONDS) - 1
        for i in range(max(index, 0), len(self._instants)):
            candidate = local - self._offsets[i]
            begins, ends = self._instants[i], self._instants[i + 1] if i + 1 < len(self._instants) else candidate + 1
            if candidate < begins:
                return begins * SECOND if i > 0 else candidate * SECOND
            if candidate < ends:
                return candidate * SECOND
        return (local - self._offsets[-1]) * SECOND

    def weekday(self, at_us: Micros) -> int:
        """0 = Monday .. 6 = Sunday, local."""
        return (self.day_number(at_us) + 3) % 7

    def date(self, at_us: Micros) -> date:
        """Local calendar date."""
        return date_of(self.day_number(at_us))

    def next_local_us(self, after_us: Micros, second_of_day: int) -> Micros:
        """The first instant strictly after `after_us` at which the local clock shows this second of the day."""
        day = self.day_number(after_us)
        candidate = self.instant_us(day, second_of_day)
        return candidate if candidate > after_us else self.instant_us(day + 1, second_of_day)


def _unroll(zone: ZoneInfo) -> tuple[list[int], list[int]]:
    """Find every offset change between the first and last year: probe days, then bisect to the second."""

    def offset(second: int) -> int:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
        delta = moment.astimezone(zone).utcoffset()
        assert delta is not None  # an aware datetime in a zone always has an offset
        return delta.days * DAY_SECONDS + delta.seconds

    start = from_datetime(datetime(_FIRST_YEAR, 1, 1, tzinfo=UTC)) // SECOND
    end = from_datetime(datetime(_LAST_YEAR, 1, 1, tzinfo=UTC)) // SECOND
    instants, offsets = [start], [offset(start)]
    step = 7 * DAY_SECONDS
    for probe in range(start + step, end, step):
        low = probe - step
        while offset(probe) != offsets[-1]:
            a, b = low, probe
            while b - a > 1:
                middle = (a + b) // 2
                if offset(middle) == offsets[-1]:
                    a = middle
                else:
                    b = middle
            instants.append(b)
            offsets.append(offset(b))
            low = b
    return instants, offsets


@lru_cache(maxsize=700)
def zone(name: str) -> Zone:
    """The zone of this IANA name, unrolled once per process.

    Raises:
        UnknownZoneError: there is no such zone.
    """
    return Zone(name)
