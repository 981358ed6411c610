"""Times and dates that do not exist, exist twice or mean nothing, through the whole fold (A47, A48, A49)."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from kundenkreis.customers.core.state import decode_state
from kundenkreis.kernel.ids import NEVER
from kundenkreis.kernel.rows import CLAMPED, LATE
from kundenkreis.kernel.zones import DAY, MINUTE, from_datetime
from tests.bad_input.echo import CONTENT, rulebook_with
from tests.privacy.company import NOW, Company, us

pytestmark = pytest.mark.db

MakeCompany = Callable[..., Company]

NO_TEXTS: list[Any] = [1781085600, 1781085600000, 1.5, True, [], {}]
TIMESTAMPS = [
    "0000-00-00T00:00:00Z", "0001-01-01T00:00:00Z", "1900-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z", "2016-12-31T23:59:60Z",
    "2026-02-29T00:00:00Z", "2026-02-30T00:00:00Z", "2026-03-29T02:30:00+01:00", "2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00",
    "2038-01-19T03:14:08Z", "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59-12:00", "10000-01-01T00:00:00Z", "01.02.03", "10.06.2026", "1781085600",
    "1781085600000", "2026-06-10", "2026-06-10T25:00:00Z", "2026-06-10T10:00:00+99:99", "2026-W24-3", "", "now", "٢٠٢٦-٠٦-١٠T10:00:00Z",
    "2026-06-10T10:00:00.123456789Z",
]  # fmt: skip
DATES = [
    "2000-02-29", "1900-02-29", "1900-01-01", "0000-00-00", "9999-12-31", "2026-13-01", "01.02.03", "29.02.2000", "1970-01-01", "3000-01-01",
    "2038-01-19T03:14:08Z", 0, -1, 1781085600, 1781085600000, 10**18, 1e300, True, None, "", "gestern", ["2000-01-01"], {"year": 2000},
    "2000-02-29T23:30:00-12:00",
]  # fmt: skip
ZONES = [
    "Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu", "Pacific/Kiritimati", "Etc/GMT+12", "Australia/Lord_Howe", "America/St_Johns", "Mars/Phobos", "",
    "+14:00", "UTC+25", "../../etc/passwd", "Europe/Berlin\x00", "europe/berlin", "posixrules", 7, None, "x" * 10_000,
]  # fmt: skip
WAITING = """
kind: journey
id: half_past_two
name: {de: Halb drei, en: Half past two}
entry: {event: {name: Wait Wanted}}
re_entry: always
steps:
  - id: rest
    wait: {days: 1, at: "02:30"}
  - id: tell
    emit_event: {name: Waited}
"""
BIRTHDAY = """
kind: journey
id: birthday
name: {de: Geburtstag, en: Birthday}
entry:
  date: {attribute: birthday, yearly: true, at: "09:00"}
re_entry: {cooldown_days: 300}
steps:
  - id: tell
    emit_event: {name: Birthday Came}
"""


def test_odd_timestamps_are_stored_clamped_or_refused_and_never_guessed(found: MakeCompany, database: str) -> None:
    company = found(database)
    for number, stamp in enumerate(TIMESTAMPS):
        company.post({"event": "Timed", "userId": f"u-{number}", "timestamp": stamp})
    company.post(*[{"event": "Timed", "userId": "n", "timestamp": stamp} for stamp in NO_TEXTS])
    company.run()
    assert company.rows("SELECT * FROM quarantined_customers") == []
    rows = company.rows("SELECT happened_us, at_us, flags FROM log WHERE name = 'Timed'")
    refused = company.rows("SELECT count(*) FROM quarantined_events WHERE code = 'bad_timestamp'")[0][0]
    assert len(rows) + refused == len(TIMESTAMPS) + 6
    assert refused >= 16
    for happened_us, at_us, flags in rows:
        assert us("1971-01-01T00:00:00Z") <= happened_us <= NOW + 5 * MINUTE
        assert at_us == NOW
        assert bool(flags & LATE) == (NOW - happened_us > DAY)
    assert sum(1 for row in rows if row[2] & CLAMPED) == 5  # 2026-10-25 twice, 2038 and 9999 twice


def test_odd_dates_of_birth_start_at_most_what_they_say(found: MakeCompany, database: str) -> None:
    company = found(database, rulebook=rulebook_with(CONTENT, BIRTHDAY))
    for number, value in enumerate(DATES):
        company.post({"type": "identify", "userId": f"u-{number}", "traits": {"birthday": value}})
    company.run()
    company.live(us("2027-06-10T12:00:00Z"))
    assert company.rows("SELECT * FROM quarantined_customers") == []
    assert all(NOW < row[0] <= NEVER for row in company.rows("SELECT wake_us FROM states"))
    users: dict[int, str] = dict(company.rows("SELECT profile_id, value FROM identifiers WHERE kind = 'user_id'"))
    came: dict[str, list[str]] = {}
    for profile_id, at_us in company.rows(
        "SELECT profile_id, at_us FROM log WHERE name = 'Birthday Came' ORDER BY number"
    ):
        at = datetime.fromtimestamp(at_us // 1_000_000, UTC).astimezone(ZoneInfo("Europe/Berlin"))
        came.setdefault(str(DATES[int(users[profile_id][2:])]), []).append(at.isoformat(timespec="minutes"))
    assert came["2000-02-29"] == ["2027-02-28T09:00+01:00"]  # Berlin's day, once in the year
    assert came["1970-01-01"] == ["2027-01-01T09:00+01:00"]
    for nonsense in (
        "0000-00-00",
        "2026-13-01",
        "01.02.03",
        "gestern",
        "1781085600",
        "1781085600000",
        "True",
        "['2000-01-01']",
    ):
        assert nonsense not in came


def test_a_wait_for_half_past_two_ends_once_in_every_zone_on_days_of_change(found: MakeCompany, database: str) -> None:
    company = found(database, rulebook=rulebook_with(CONTENT, WAITING))
    for number, name in enumerate(ZONES):
        company.post({"type": "identify", "userId": f"u-{number}", "traits": {"timezone": name}})
    company.run()
    for begun in ("2026-10-24T10:00:00Z", "2027-03-27T10:00:00Z"):
        company.live(us(begun))
        company.post(*[{"event": "Wait Wanted", "userId": f"u-{number}"} for number in range(len(ZONES))])
        company.run()
    company.live(us("2027-03-30T10:00:00Z"))
    assert company.rows("SELECT * FROM quarantined_customers") == []
    assert company.rows("SELECT count(*) FROM log WHERE name = 'Waited'") == [(2 * len(ZONES),)]
    berlin = company.rows(
        "SELECT l.at_us FROM log l JOIN identifiers i ON i.profile_id = l.profile_id WHERE l.name = 'Waited' AND i.value = 'u-0' ORDER BY l.number"
    )
    zone = ZoneInfo("Europe/Berlin")
    first = datetime(2026, 10, 25, 2, 30, tzinfo=zone)  # exists twice: the first one
    second = datetime(2027, 3, 28, 3, 0, tzinfo=zone)  # 02:30 does not exist: the next valid minute
    assert [row[0] for row in berlin] == [from_datetime(first), from_datetime(second)]


def test_a_clock_that_is_years_off_moves_nothing(found: MakeCompany, database: str) -> None:
    """Ten years ahead is now; ten years back is stored and starts nothing; out of order the later statement wins."""
    company = found(database, rulebook=rulebook_with(CONTENT, WAITING))
    company.post(
        {"event": "Wait Wanted", "userId": "ahead", "timestamp": "2036-06-10T10:00:00Z"},
        {"event": "Wait Wanted", "userId": "back", "timestamp": "2016-06-10T10:00:00Z"},
        {"type": "identify", "userId": "order", "traits": {"firstName": "New"}, "timestamp": "2026-06-10T09:00:00Z"},
        {"type": "identify", "userId": "order", "traits": {"firstName": "Old"}, "timestamp": "2026-06-10T08:00:00Z"},
    )
    company.run()
    runs = company.rows(
        "SELECT i.value FROM run_entries r JOIN identifiers i ON i.profile_id = r.profile_id WHERE r.outcome = 'entered'"
    )
    assert runs == [("ahead",)]
    query = "SELECT s.state FROM states s JOIN identifiers i ON i.profile_id = s.profile_id WHERE i.value = 'order'"
    state = decode_state(bytes(company.rows(query)[0][0]))
    assert state.profile.attributes["firstName"].value == "New"
