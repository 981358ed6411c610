"""Holding, stopping and taking back a journey, as the fold carries it out."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kundenkreis.definitions.use_cases.switch_journey import put_journey, stop_journey
from kundenkreis.kernel.zones import DAY, MINUTE
from kundenkreis.runtime.publishing import StorePublisher
from kundenkreis.runtime.readers.journeys import StoredJourneys
from kundenkreis.site.ports.journeys import JourneyReport
from tests.runtime.town import Town

pytestmark = pytest.mark.db


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    town = Town(tmp_path / "town")
    yield town
    town.close()


def join(town: Town, number: int) -> None:
    town.send("identify", userId=f"u{number}", traits={"email": f"u{number}@example.com", "country": "DE"})
    consent = {"channel": "email", "purpose": "newsletter", "basis": "express_consent", "wording": "News", "proof": "form 7"}  # fmt: skip
    town.send("track", userId=f"u{number}", event="Consent Confirmed", properties=consent)
    town.run()


def welcome(town: Town) -> JourneyReport:
    report = StoredJourneys(town.installation).read_journey("welcome")
    assert report is not None
    return report


def test_paused_lets_nobody_in_and_lets_people_finish(town: Town) -> None:
    publisher = StorePublisher(town.installation)
    join(town, 1)
    document = welcome(town).document
    put_journey("welcome", None, publisher, actor="anna")
    join(town, 2)
    report = welcome(town)
    assert (report.line.state, report.line.where.entered, report.line.where.waiting) == ("paused", 1, 1)
    town.pass_time(4 * DAY)
    assert welcome(town).steps["benefits"].sent + welcome(town).steps["benefits"].spared == 1
    put_journey("welcome", document, publisher, actor="anna")
    join(town, 3)
    report = welcome(town)
    assert (report.line.state, report.line.where.entered, report.line.version) == ("live", 2, 1)
    assert put_journey("welcome", document, publisher, actor="anna") == publisher.version_in_force()


def test_stopped_lets_everybody_out_at_once(town: Town) -> None:
    join(town, 1)
    stop_journey("welcome", StorePublisher(town.installation), actor="anna")
    join(town, 2)
    town.pass_time(MINUTE)
    report = welcome(town)
    assert (report.line.state, report.line.where.entered, report.line.where.left) == ("stopped", 1, 1)
    assert (report.line.where.waiting, report.undo_until_us) == (0, 0)
    put_journey("welcome", report.document, StorePublisher(town.installation), actor="anna")
    town.pass_time(MINUTE)
    put_journey("welcome", None, StorePublisher(town.installation), actor="anna")
    assert welcome(town).line.state == "paused"


def test_a_publishing_can_be_taken_back_for_ten_minutes(town: Town) -> None:
    publisher = StorePublisher(town.installation)
    before = dict(welcome(town).document)
    put_journey("welcome", {**before, "priority": 9}, publisher, actor="anna")
    report = welcome(town)
    assert report.before == before
    assert report.undo_until_us == town.clock.now_us() + 10 * MINUTE
    town.pass_time(10 * MINUTE)
    assert welcome(town).undo_until_us == 0
    put_journey("welcome", dict(report.before or {}), publisher, actor="anna")
    assert welcome(town).document == before
