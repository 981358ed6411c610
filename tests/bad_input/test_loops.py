"""Journeys that call each other, and one person who enters ten thousand times a minute (A51)."""

from collections.abc import Callable

import pytest

from kundenkreis.kernel.zones import DAY, MINUTE
from tests.bad_input.echo import CONTENT, JOURNEY, PING_PONG, rulebook_with
from tests.privacy.company import NOW, Company

pytestmark = pytest.mark.db

MakeCompany = Callable[..., Company]


def test_journeys_that_call_each_other_come_to_rest(found: MakeCompany, database: str) -> None:
    company = found(database, rulebook=rulebook_with(CONTENT, PING_PONG))
    company.post({"event": "Ping", "userId": "u-1"}, {"event": "Seen", "userId": "u-2"})
    company.run()
    assert company.rows("SELECT * FROM quarantined_customers") == []
    depths = [row[0] for row in company.rows("SELECT depth FROM log WHERE name IN ('Ping', 'Pong') ORDER BY number")]
    assert depths[0] == 0
    assert max(depths) <= 10
    loops = company.rows("SELECT code, detail FROM quarantined_events")
    assert all(code == "loop" and "depth 11" in detail for code, detail in loops)
    assert max(depths) < 10 or len(loops) == 1
    before = company.rows("SELECT count(*) FROM log")
    company.live(NOW + DAY)
    assert company.rows("SELECT count(*) FROM log WHERE name IN ('Ping', 'Pong')") == [(len(depths),)], before


def test_ten_thousand_entries_a_minute_by_one_person_stop_nobody(found: MakeCompany) -> None:
    company = found(rulebook=rulebook_with(CONTENT, JOURNEY))
    company.post({"type": "identify", "userId": "busy", "traits": {"email": "busy@example.com"}})
    for number in range(100):
        company.post(
            *[{"event": "Echo Wanted", "userId": "busy", "properties": {"title": str(number)}} for _ in range(100)]
        )
        company.clock.advance_to(NOW + number * MINUTE // 100)
    company.post(
        {"type": "identify", "userId": "calm", "traits": {"email": "calm@example.com"}},
        {"event": "Echo Wanted", "userId": "calm"},
    )
    company.run()
    assert company.rows("SELECT count(*) FROM log WHERE name = 'Echo Wanted'") == [(10_001,)]
    assert company.rows("SELECT * FROM quarantined_customers") == []
    sizes = [row[0] for row in company.rows("SELECT length(state) FROM states ORDER BY 1")]
    assert sizes[-1] < 64 * 1024
    people: dict[str, int] = dict(company.rows("SELECT value, profile_id FROM identifiers WHERE kind = 'user_id'"))
    sent: dict[int, int] = dict(company.rows("SELECT profile_id, count(*) FROM outbox GROUP BY profile_id"))
    assert sent[people["calm"]] == 1
    assert sent[people["busy"]] <= 1_000
    reached = company.rows("SELECT count(*) FROM log WHERE name = 'Step Budget Reached'")[0][0]
    assert reached == 1
