from datetime import UTC, date, datetime

import numpy as np
import pytest

from kundenkreis.demo.calendar import LAST_DAY, MovedYear, wall_dates, wall_times
from kundenkreis.kernel.zones import day_of, iso

pytestmark = pytest.mark.pure


def _stated(*moment: int) -> np.ndarray:
    return np.array([int(datetime(*moment, tzinfo=UTC).timestamp())], dtype=np.int64)


def test_first_transaction_is_six_fifty_three_in_new_york() -> None:
    stated = _stated(2017, 1, 1, 11, 53, 26)
    assert wall_times(stated) == [(day_of(date(2017, 1, 1)), 6 * 3600 + 53 * 60 + 26)]
    assert [iso(int(at)) for at in MovedYear(date(2026, 11, 21)).instants_us(stated)] == ["2025-11-16T11:53:26.000000Z"]


def test_last_transaction_belongs_to_the_last_day() -> None:
    assert wall_dates(_stated(2018, 1, 1, 4, 1, 20)) == [LAST_DAY]


@pytest.mark.parametrize("day", range(1, 29))
def test_year_ends_on_a_sunday_within_the_last_seven_days(day: int) -> None:
    ends_on = date(2026, 11, day)
    year = MovedYear(ends_on)
    assert (ends_on - year.moved(LAST_DAY)).days in range(1, 8)
    assert year.moved(LAST_DAY).weekday() == LAST_DAY.weekday() == 6
    assert year.shift_days % 7 == 0


def test_wall_time_is_kept_where_daylight_saving_differs() -> None:
    """20 March 2017 was summer time in New York; a year moved by 463 weeks it falls on 2 February, winter time."""
    noon = _stated(2017, 3, 20, 16, 0, 0)
    assert wall_times(noon) == [(day_of(date(2017, 3, 20)), 12 * 3600)]
    assert [iso(int(at)) for at in MovedYear(date(2026, 11, 21)).instants_us(noon)] == ["2026-02-02T17:00:00.000000Z"]


def test_wall_time_in_the_hour_that_is_skipped_moves_to_its_end() -> None:
    """Moved by 463 weeks, 23 April lands on 8 March 2026, when New York's clocks jump from 2 to 3."""
    half_past_two = _stated(2017, 4, 23, 6, 30, 0)
    assert [iso(int(at)) for at in MovedYear(date(2026, 11, 21)).instants_us(half_past_two)] == [
        "2026-03-08T07:00:00.000000Z"
    ]


def test_history_ends_on_the_first_of_march_of_the_data() -> None:
    year = MovedYear(date(2026, 11, 21))
    assert iso(year.history_ends_us) == "2026-01-14T05:00:00.000000Z"
    assert (iso(year.starts_us), iso(year.ends_us)) == ("2025-11-16T05:00:00.000000Z", "2026-11-16T05:00:00.000000Z")
