"""Instants as text: ISO 8601 in all its usual spellings, everything else refused (attack A48)."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kundenkreis.events.core.instants import instant_us
from kundenkreis.kernel.zones import from_datetime

pytestmark = pytest.mark.pure

TEN = from_datetime(datetime(2026, 11, 21, 10, tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-21T10:00:00Z", TEN),
        ("2026-11-21T10:00:00.000Z", TEN),
        ("2026-11-21T11:00:00+01:00", TEN),
        ("2026-11-21T10:00:00", TEN),
        ("2026-11-21 10:00:00", TEN),
        ("2026-11-21T10:00Z", TEN),
        ("2026-11-21T10:00:00.123456789Z", TEN + 123_456),
        ("2026-11-21", TEN - 10 * 3_600_000_000),
        ("2038-01-19T03:14:08Z", 2**31 * 1_000_000),
        ("2016-12-31T23:59:60Z", from_datetime(datetime(2017, 1, 1, tzinfo=UTC))),
        ("9999-12-31T23:59:59Z", from_datetime(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))),
        (
            "9999-12-31T23:59:59-14:00",
            from_datetime(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)) + 14 * 3_600_000_000,
        ),
        ("0001-01-01T00:00:00Z", from_datetime(datetime(1, 1, 1, tzinfo=UTC))),
    ],
)
def test_instant_is_read(text: str, expected: int) -> None:
    assert instant_us(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "", "now", "01.02.03", "21.11.2026", "0000-01-01T00:00:00Z", "2026-13-01", "2026-02-30", "2026-11-21T25:00:00Z",
        "1795255200", "1795255200123", "2012010212345", "20261121", "20261121T100000Z", "2026-11-21T10:00:61Z",
        "+010000-01-01T00:00:00Z", "２０２６-11-21", "1" * 40_000,
    ],
)  # fmt: skip
def test_anything_else_is_none(text: str) -> None:
    assert instant_us(text) is None


@given(
    st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)),  # noqa: DTZ001  # the zone comes next
    st.integers(min_value=-14 * 60, max_value=14 * 60),
)
def test_every_iso_text_is_read_exactly(moment: datetime, offset_minutes: int) -> None:
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=offset_minutes)))
    assert instant_us(aware.isoformat()) == from_datetime(aware)
