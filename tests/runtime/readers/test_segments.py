"""Estimates equal a recount, also of events that no rulebook counts yet; members by day equal the log, on SQLite and PostgreSQL."""

import pytest

from kundenkreis.kernel.zones import DAY
from kundenkreis.runtime.readers.segments import StoredSegments
from tests.runtime.town import Town, ring_bells

pytestmark = pytest.mark.db


@pytest.fixture
def town(town: Town) -> Town:
    ring_bells(town)
    return town


def test_estimates_equal_memberships_and_what_nobody_counts_is_counted_from_the_log(town: Town) -> None:
    segments = StoredSegments(town.installation)
    for line in segments.list_segments():
        found = segments.estimate({"segment": {"id": line.named.id}}, budget_ms=60_000)
        assert (line.named.id, found.people, found.is_exact) == (line.named.id, line.members, True)
    bells = segments.estimate({"event": {"name": "Bell Rung"}}, budget_ms=60_000)
    assert (bells.people, bells.is_exact, len(bells.sample)) == (5, True, 5)


def test_an_estimate_that_runs_out_of_time_says_so(town: Town) -> None:
    ticks = iter(range(10_000))
    segments = StoredSegments(town.installation, monotonic=lambda: float(next(ticks)), chunk=2)
    found = segments.estimate({"event": {"name": "Bell Rung"}}, budget_ms=3_000)
    assert not found.is_exact
    assert found.margin >= 1
    assert found.asked < found.of


def test_a_condition_that_cannot_be_asked_says_why(town: Town) -> None:
    found = StoredSegments(town.installation).estimate({"segment": {"id": "nobody_knows"}}, budget_ms=1000)
    assert [path for path, _said in found.mistakes] == [("segment", "id")]


def test_members_by_day_end_with_the_members_of_now(town: Town) -> None:
    segments = StoredSegments(town.installation)
    town.pass_time(3 * DAY)
    checked = 0
    for line in segments.list_segments():
        days = segments.members_by_day(line.named.id, 400)
        assert days[-1].members == line.members
        assert sum(day.entered - day.left for day in days) == line.members - (
            days[0].members - days[0].entered + days[0].left
        )
        checked += line.members
    assert checked > 0
