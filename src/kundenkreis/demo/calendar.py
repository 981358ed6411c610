"""The year of the data, put right and moved to the present.

The files state New York wall times as if they had been UTC and were then converted: 11:53 stands for 06:53 in New York.
So the wall time is the stated instant seen in New York. The year is moved by whole weeks, which keeps weekdays; the
wall time is kept, and the instant follows from New York's clock in the year it is moved to, daylight saving included.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from kundenkreis.demo.tables import Ints
from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.zones import DAY_SECONDS, date_of, day_of, zone

NEW_YORK = "America/New_York"
FIRST_DAY = date(2017, 1, 1)
LAST_DAY = date(2017, 12, 31)
HISTORY_ENDS_ON = date(2017, 3, 1)
"""In the data's own calendar: orders before this day count as known history; they start no journey that sends."""


@dataclass(frozen=True)
class MovedYear:
    """The data's year moved to end within the seven days before `ends_on` (today's date in New York)."""

    ends_on: date

    @property
    def shift_days(self) -> int:
        """Whole weeks, in days: the last day becomes the latest Sunday that is over before `ends_on`."""
        return (self.ends_on - timedelta(days=1) - LAST_DAY).days // 7 * 7

    @property
    def starts_us(self) -> Micros:
        """Midnight at which the moved year begins."""
        return self.at_us(FIRST_DAY)

    @property
    def ends_us(self) -> Micros:
        """Midnight at which the moved year is over: no message is received at or after it."""
        return self.at_us(LAST_DAY + timedelta(days=1))

    @property
    def history_ends_us(self) -> Micros:
        """Midnight before which orders count as known history."""
        return self.at_us(HISTORY_ENDS_ON)

    def at_us(self, on: date, second_of_day: int = 0) -> Micros:
        """The instant of a wall time on a day of the data's calendar, after moving."""
        return zone(NEW_YORK).instant_us(day_of(on) + self.shift_days, second_of_day)

    def moved(self, on: date) -> date:
        """Where a day of the data's calendar comes to lie."""
        return on + timedelta(days=self.shift_days)

    def instants_us(self, stated_seconds: Ints) -> Ints:
        """The true, moved instants of timestamps as the files state them."""
        clock = zone(NEW_YORK)
        moved = np.empty(len(stated_seconds), dtype=np.int64)
        for i, (day, second) in enumerate(wall_times(stated_seconds)):
            moved[i] = clock.instant_us(day + self.shift_days, second)
        return moved


def wall_times(stated_seconds: Ints) -> list[tuple[int, int]]:
    """(day number, second of the day) on New York's clock for timestamps as the files state them."""
    clock = zone(NEW_YORK)
    return [divmod(s + clock.offset_seconds(s * 1_000_000), DAY_SECONDS) for s in stated_seconds.tolist()]


def wall_dates(stated_seconds: Ints) -> list[date]:
    """The day of purchase in the data's own calendar."""
    return [date_of(day) for day, _ in wall_times(stated_seconds)]
