"""Local times: changes of the clocks, zones of half hours, leap years, odd dates."""

from datetime import date

import pytest

from kundenkreis.journeys.core.local_time import (
    add_days,
    after_duration,
    next_date_us,
    next_month_day_us,
    next_weekday_us,
    parse_date,
    parse_local,
)
from kundenkreis.journeys.core.properties import property_at
from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.zones import HOUR, day_of, iso, zone
from tests.journeys.driver import BERLIN, us

pytestmark = pytest.mark.pure

TEN = 36_000


def duration(
    since: str, days: int, exact_us: int = 0, at_second: int | None = None, name: str = "Europe/Berlin"
) -> str:
    where = zone(name)
    return iso(after_duration(us(since, where), days=days, exact_us=exact_us, at_second=at_second, zone=where))[:16]


def test_days_with_a_time_mean_that_calendar_day() -> None:
    assert duration("2026-11-14 23:58", 3, at_second=TEN) == "2026-11-17T09:00"


def test_days_keep_the_local_time_when_the_clocks_change() -> None:
    assert duration("2026-03-28 12:00", 1) == "2026-03-29T10:00"
    assert duration("2026-10-24 12:00", 1) == "2026-10-25T11:00"


def test_hours_are_exact_when_the_clocks_change() -> None:
    assert duration("2026-03-28 12:00", 0, 24 * HOUR) == "2026-03-29T11:00"


def test_a_missing_local_time_moves_to_the_next_valid_minute() -> None:
    assert duration("2026-03-28 02:30", 1) == "2026-03-29T01:00"
    assert duration("2026-03-28 12:00", 1, at_second=2 * 3600 + 1800) == "2026-03-29T01:00"


def test_an_ambiguous_local_time_is_taken_once() -> None:
    half_past_two = 2 * 3600 + 1800
    first = after_duration(us("2026-10-24 12:00"), days=0, exact_us=0, at_second=half_past_two, zone=BERLIN)
    second = after_duration(first, days=0, exact_us=0, at_second=half_past_two, zone=BERLIN)
    assert (iso(first)[:16], iso(second)[:16]) == ("2026-10-25T00:30", "2026-10-26T01:30")


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Pacific/Kiritimati", "2026-06-01T20:00"), ("Etc/GMT+12", "2026-06-02T22:00"), ("Asia/Kolkata", "2026-06-02T04:30"),
     ("Asia/Kathmandu", "2026-06-02T04:15"), ("Australia/Lord_Howe", "2026-06-01T23:30")],
)  # fmt: skip
def test_extreme_and_half_hour_zones(name: str, expected: str) -> None:
    assert duration("2026-06-01 12:00", 1, at_second=TEN, name=name) == expected


def test_a_time_alone_is_the_next_one_and_never_now() -> None:
    assert duration("2026-06-01 10:00", 0, at_second=TEN) == "2026-06-02T08:00"
    assert duration("2026-06-01 09:59", 0, at_second=TEN) == "2026-06-01T08:00"


def test_hours_then_a_time_is_the_first_at_or_after() -> None:
    assert duration("2026-06-01 09:00", 0, HOUR, at_second=TEN) == "2026-06-01T08:00"
    assert duration("2026-06-01 09:30", 0, HOUR, at_second=TEN) == "2026-06-02T08:00"


def test_microseconds_are_kept() -> None:
    assert add_days(us("2026-06-01 12:00") + 7, 2, BERLIN) == us("2026-06-03 12:00") + 7


def test_a_time_that_the_clocks_leave_out_moves_to_the_minute_after_it() -> None:
    assert add_days(us("2026-03-27 02:05") + 15_681_546, 2, BERLIN) == us("2026-03-29 03:00")


def test_the_next_weekday_is_strictly_later() -> None:
    thursday = us("2026-11-19 10:00")
    assert next_weekday_us(thursday - 1, 3, TEN, BERLIN) == thursday
    assert next_weekday_us(thursday, 3, TEN, BERLIN) == us("2026-11-26 10:00")
    assert next_weekday_us(us("2026-11-20 10:00"), 0, TEN, BERLIN) == us("2026-11-23 10:00")


def test_a_day_of_the_month_falls_on_the_last_where_it_is_short() -> None:
    at = us("2026-01-31 10:00")
    found = []
    for _ in range(4):
        at = next_month_day_us(at, 31, TEN, BERLIN)
        found.append(BERLIN.date(at).isoformat())
    assert found == ["2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1990-02-28", (1990, 2, 28)), ("28.02.1990", (1990, 2, 28)), ("--02-29", (None, 2, 29)), ("1990-02-28T10:00:00Z", (1990, 2, 28)),
     (" 1990-02-28 ", (1990, 2, 28)), ("01.02.03", None), ("0000-01-01", None), ("9999-12-31", None), ("1990-02-30", None), ("1990-2-3", None),
     ("2038-01-19", (2038, 1, 19)), (631152000, None), (True, None), (None, None), ("", None), ("1990-02-28x", None), ("02/28/1990", None)],
)  # fmt: skip
def test_dates_as_people_send_them(text: object, expected: object) -> None:
    assert parse_date(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2026-12-01", ("2026-12-01", 0)), ("2026-12-01T10:00", ("2026-12-01", TEN)), ("2026-12-01T10:00:00Z", ("2026-12-01", TEN + 3600)),
     ("2026-12-01T23:30:00+00:00", ("2026-12-02", 1800)), ("01.12.2026", ("2026-12-01", 0))],
)  # fmt: skip
def test_local_date_times(text: str, expected: tuple[str, int]) -> None:
    assert parse_local(text, BERLIN) == (day_of(date.fromisoformat(expected[0])), expected[1], 0)


@pytest.mark.parametrize("text", ["--02-28", "2026-12-01T25:00", "soon", 5, None, [], "2026-12-01Tsoon"])
def test_what_is_no_local_date_time(text: object) -> None:
    assert parse_local(text, BERLIN) is None


def yearly(value: object, after: Micros, offset_days: int = 0) -> str | None:
    found = next_date_us(value, after, offset_days=offset_days, at_second=TEN, yearly=True, zone=BERLIN)
    return BERLIN.date(found).isoformat() if found is not None else None


def test_who_was_born_on_29_february_has_it_on_the_28th() -> None:
    new_year = us("2027-01-01 00:00")
    assert yearly("1996-02-29", new_year) == "2027-02-28"
    assert yearly("1996-02-29", new_year, -7) == "2027-02-21"
    assert yearly("1996-02-29", new_year, 10) == "2027-03-10"
    assert yearly("1996-02-29", us("2028-01-01 00:00")) == "2028-02-29"


def test_offsets_reach_over_the_turn_of_the_year() -> None:
    assert yearly("1990-01-03", us("2026-12-01 00:00"), -7) == "2026-12-27"
    assert yearly("1990-12-30", us("2027-01-01 00:00"), 10) == "2027-01-09"
    assert yearly("--12-30", us("2027-01-01 00:00"), 366) == "2027-12-31"


def test_a_yearly_date_in_the_future_begins_there() -> None:
    assert yearly("2030-05-01", us("2026-12-01 00:00")) == "2030-05-01"


def test_a_single_date_that_is_over_never_comes() -> None:
    assert (
        next_date_us("2026-05-01", us("2026-05-01 10:00"), offset_days=0, at_second=TEN, yearly=False, zone=BERLIN)
        is None
    )
    assert next_date_us(
        "2026-05-01", us("2026-05-01 09:59"), offset_days=0, at_second=TEN, yearly=False, zone=BERLIN
    ) == us("2026-05-01 10:00")


def test_property_paths() -> None:
    assert property_at({"a": {"b": 1}}, "a.b") == 1
    assert property_at({"a": 1}, "a.b") is None
