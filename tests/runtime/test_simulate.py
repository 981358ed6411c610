"""Simulation: reality again for what was published, a stated world for what was not, and nothing written."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kundenkreis.definitions.errors import DefinitionsRefusedError
from kundenkreis.runtime.simulate import BadSimulationError, Reaction, Simulated, read_draft, simulate
from kundenkreis.runtime.stores.schema import TABLES
from tests.runtime.town import START_US, Town, live_through

pytestmark = pytest.mark.db

_DRAFT = """
kind: journey
id: thanks
name: {de: Danke, en: Thanks}
priority: 1
entry:
  event: {name: Order Completed}
re_entry: {cooldown_days: 7}
goal: {event: {name: Survey Answered}, within_days: 30}
steps:
  - id: hello
    message: {content: winback_news, channel: email, purpose: newsletter, message_class: CLASS, valid_for_hours: 168, if_withheld: skip}
  - id: pause
    wait: {days: 2}
"""


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def town(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    database = request.getfixturevalue("postgres_database_of_module") if request.param == "postgres" else ""
    town = Town(tmp_path_factory.mktemp("town"), database)
    live_through(town)
    yield town
    town.close()


def _days(town: Town) -> dict[str, int]:
    zone = town.installation.zone
    return {"from_day": zone.day_number(START_US) + 2, "to_day": zone.day_number(town.clock.now_us())}


def _draft(town: Town, folder: Path, message_class: str = "marketing") -> list[dict[str, object]]:
    file = folder / "thanks.yaml"
    file.write_text(_DRAFT.replace("CLASS", message_class), encoding="utf-8")
    newest = town.installation.rulebooks.newest_version()
    return [dict(one) for one in read_draft(file, town.installation.rulebooks.stored(newest))]


def test_a_published_journey_gives_what_happened(town: Town) -> None:
    days = _days(town)
    from_us = town.installation.zone.day_start_us(days["from_day"])
    with town.installation.store.reading() as tx:
        journeys = [
            row[0]
            for row in tx.rows("SELECT DISTINCT journey_id FROM run_entries WHERE at_us >= ? ORDER BY 1", (from_us,))
        ]
    assert len(journeys) >= 2
    for journey in journeys:
        with town.installation.store.reading() as tx:
            entered = tx.rows(
                "SELECT count(*) FROM run_entries WHERE journey_id = ? AND outcome = 'entered' AND at_us >= ?",
                (journey, from_us),
            )
            released = tx.rows(
                "SELECT count(*) FROM verdicts v WHERE journey_id = ? AND outcome = 'released' AND EXISTS "
                "(SELECT 1 FROM run_entries r WHERE r.run_id = v.run_id AND r.outcome = 'entered' AND r.at_us >= ?)", (journey, from_us),
            )  # fmt: skip
        draft = [one for one in town.documents() if one["kind"] == "journey" and one["id"] == journey]
        result = simulate(town.installation, draft, **days)
        assert (result.entries, result.messages) == (entered[0][0], released[0][0])
        assert (result.displaced_real, result.failed) == ({}, 0)
        assert sum(result.entries_per_day.values()) == result.entries


def test_a_draft_enters_people_and_writes_nothing(town: Town, tmp_path: Path) -> None:
    def counts() -> list[int]:
        with town.installation.store.reading() as tx:
            return [tx.rows(f"SELECT count(*) FROM {table.name}")[0][0] for table in TABLES]

    before = counts()
    result = simulate(town.installation, _draft(town, tmp_path), **_days(town))
    assert counts() == before
    assert result.entries > 10
    assert result.messages + sum(result.not_sent_by_reason.values()) <= result.entries
    assert sum(result.exits.values()) + result.under_way == result.entries
    assert result.goals == 0  # nobody reacts to what was never sent, unless stated
    assert result.reactions == []


def test_stated_reactions_reach_the_goal_and_are_told(town: Town, tmp_path: Path) -> None:
    draft = _draft(town, tmp_path)
    assumed = [Reaction.parse("Survey Answered=100%@1d")]
    result = simulate(town.installation, draft, **_days(town), reactions=assumed)
    again = simulate(town.installation, draft, **_days(town), reactions=assumed)
    assert result == again
    assert result.reactions == [Reaction("Survey Answered", 100.0, 1)]
    assert 0 < result.goals <= result.messages


def test_a_sample_says_so_and_estimates(town: Town, tmp_path: Path) -> None:
    draft = _draft(town, tmp_path)
    whole = simulate(town.installation, draft, **_days(town))
    half = simulate(town.installation, draft, **_days(town), sample_percent=50)
    assert 0 < half.customers < whole.customers
    assert half.sample_percent == 50
    assert Simulated([], "", "", [], sample_percent=10).estimate(50) == (500, 131)


def test_refused_with_place_and_remedy(town: Town, tmp_path: Path) -> None:
    with pytest.raises(DefinitionsRefusedError, match=r"thanks\.yaml"):
        _draft(town, tmp_path, "shouting")
    with pytest.raises(BadSimulationError, match="cannot be read"):
        read_draft(tmp_path / "none.yaml", b"[]")
    with pytest.raises(BadSimulationError, match="no journey"):
        simulate(town.installation, [], **_days(town))
    with pytest.raises(BadSimulationError, match="NAME=PERCENT"):
        Reaction.parse("Order Completed")


def test_draft_stays_in_force_over_days_from_before_anything_was_published(town: Town, tmp_path: Path) -> None:
    draft = _draft(town, tmp_path)
    never = [{**draft[0], "entry": {"event": {"name": "Never Heard Of"}}}]
    days = {**_days(town), "from_day": town.installation.zone.day_number(START_US)}
    assert simulate(town.installation, draft, **days).entries > 0
    assert simulate(town.installation, never, **days).entries == 0
