"""What lay in quarantine comes in again, once, with all checks; customers are released with the rows they missed."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from kundenkreis.events.core import messages as messages_module
from kundenkreis.events.core.inbox_item import InboxItem
from kundenkreis.kernel.zones import MINUTE, iso
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


def test_what_only_the_request_said_comes_in_again_with_the_event(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which call it was, when the batch was sent, and what its context said for all; and the sender's own repeat of it is still a repeat."""
    received_us = town.clock.now_us()
    alone = InboxItem(received_us, "shop", False, "page", b'{"userId":"u1","name":"Kasse"}')
    ten_fast = {"userId": "u1", "type": "track", "event": "Survey Answered", "timestamp": iso(received_us + 9 * MINUTE)}
    batch = {
        "sentAt": iso(received_us + 10 * MINUTE), "context": {"locale": "de-DE", "app": {"name": "shop"}},
        "integrations": {"All": False}, "batch": [{**ten_fast, "properties": {"survey_id": "s1"}, "context": {"locale": "de-AT"}}],
    }  # fmt: skip
    requests = [alone, InboxItem(received_us, "shop", False, "batch", json.dumps(batch).encode())]
    with monkeypatch.context() as patch:
        patch.setattr(messages_module, "MOST_NAME_LENGTH", 4)
        town.inbox.append(requests)
        town.run()
    assert [one["code"] for one in quarantined(town.installation)["events"]] == ["bad_name", "bad_name"]
    assert replay_events(town.installation).events == 2
    town.inbox.append(requests)
    town.run()
    assert quarantined(town.installation)["events"] == []
    with town.installation.store.reading() as tx:
        rows = tx.rows("SELECT type, name, happened_us, body FROM log WHERE source = 'shop' ORDER BY number")
    assert [row[:3] for row in rows] == [
        ("page", "Kasse", received_us),
        ("track", "Survey Answered", received_us - MINUTE),
    ]
    body = json.loads(rows[1][3])
    assert (body["context"], body["integrations"]) == (
        {"locale": "de-AT", "app": {"name": "shop"}},
        {"All": False},
    )


@pytest.mark.parametrize("field", ["type", "action"])
def test_what_is_no_kind_of_call_becomes_none_by_being_sent_in_again(town: Town, field: str) -> None:
    event = {field: "purchase", "userId": "u1", "event": "Survey Answered", "messageId": "m-1"}
    batch = json.dumps({"batch": [event]}).encode()
    town.inbox.append([InboxItem(town.clock.now_us(), "shop", False, "batch", batch)])
    town.run()
    assert replay_events(town.installation).events == 1
    town.run()
    assert [one["code"] for one in quarantined(town.installation)["events"]] == ["unknown_type"]
    assert _log(town, "Survey Answered") == []
