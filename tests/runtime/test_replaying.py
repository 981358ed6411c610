"""What lay in quarantine comes in again, once, with all checks; customers are released with the rows they missed."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from kundenkreis.events.core import messages as messages_module
from kundenkreis.runtime.replaying import quarantined, release_customers, replay_events
from tests.runtime.town import Town

pytestmark = pytest.mark.db


@pytest.fixture(params=["sqlite", "postgres"])
def town(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Town]:
    database = request.getfixturevalue("postgres_database") if request.param == "postgres" else ""
    town = Town(tmp_path / "town", database, journeys=False)
    yield town
    town.close()


def _log(town: Town, name: str) -> list[tuple[object, ...]]:
    with town.installation.store.reading() as tx:
        return tx.rows("SELECT received_us FROM log WHERE name = ?", (name,))


def test_an_event_that_is_fine_now_comes_in_with_its_old_instant(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    received_us = town.clock.now_us()
    with monkeypatch.context() as patch:  # yesterday's stricter check
        patch.setattr(messages_module, "MOST_NAME_LENGTH", 5)
        town.send("track", userId="u1", event="Survey Answered", properties={"survey_id": "s1"})
        town.run()
    assert _log(town, "Survey Answered") == []
    assert len(quarantined(town.installation)["events"]) == 1
    town.clock.advance_to(received_us + 3_600_000_000)
    assert replay_events(town.installation).events == 1
    town.run()
    assert _log(town, "Survey Answered") == [(received_us,)]
    assert quarantined(town.installation)["events"] == []
    assert replay_events(town.installation).events == 0


def test_what_is_still_wrong_goes_back(town: Town) -> None:
    town.send("track", userId="u1", event="Order Completed", properties={"order_id": 7, "total": "much"})
    town.run()
    before = quarantined(town.installation)["events"]
    assert replay_events(town.installation, code="no_such_reason").events == 0
    assert replay_events(town.installation, ids=[before[0]["id"]]).events == 1
    town.run()
    after = quarantined(town.installation)["events"]
    assert [one["code"] for one in after] == [one["code"] for one in before]
    assert after[0]["id"] != before[0]["id"]
    assert json.dumps(after)


def test_releasing_nobody_is_fine(town: Town) -> None:
    assert release_customers(town.installation).customers == 0
    assert release_customers(town.installation, [7]).customers == 0
