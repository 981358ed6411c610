"""Trial runs over the API: begun, asked for until they are done, the figures of the page, and ended."""

from typing import Any

import pytest

from kundenkreis.runtime.simulate import simulate
from tests.runtime.town import START_US, Town
from tests.site.api.conftest import ask, finished, make_key
from tests.site.conftest import Site

pytestmark = pytest.mark.db

_DAYS = {"from_on": "2026-01-01", "to_on": "2026-03-01"}


@pytest.fixture
def town(lived_in_town: Town) -> Town:
    return lived_in_town


def _begin(site: Site, key: str, **more: Any) -> Any:
    return ask(site, key, "POST", "journeys/welcome/trials", {**_DAYS, **more.pop("body", {})}, **more)


def _finished(site: Site, key: str, trial: Any) -> Any:
    return finished(site, key, f"journeys/welcome/trials/{trial['trial_id']}")


def test_trial_run_is_begun_once_asked_for_and_ended(served: Site, town: Town) -> None:
    key = make_key("marketing")
    begun = _begin(served, key, idempotency_key="t1").json()
    assert (begun["state"], begun["from_on"], begun["to_on"]) == ("at_work", "2026-01-01", "2026-03-01")
    found = _finished(served, key, begun)
    assert _begin(served, key, idempotency_key="t1").json() == begun
    document = next(one for one in town.documents() if one["kind"] == "journey" and one["id"] == "welcome")
    first = town.installation.zone.day_number(START_US)
    alone = simulate(town.installation, [document], from_day=first, to_day=first + 59)
    assert alone.messages + sum(alone.not_sent_by_reason.values()) > 0
    result = found["result"]
    assert (found["state"], result["entries"], result["messages"], result["collisions"]) == (
        "done",
        alone.entries,
        alone.messages,
        alone.cap_hits,
    )
    for name in ("entries_per_day", "messages_per_day", "exits", "steps"):
        assert result[name] == getattr(alone, name)
    assert result["withheld"] == alone.not_sent_by_reason
    page = served.insider().get("/journeys/welcome/trial/").content.decode()
    assert 'value="2026-01-01"' in page
    assert "Withheld, by reason" in page
    path = f"journeys/welcome/trials/{begun['trial_id']}"
    assert ask(served, key, "DELETE", path).json() == {"is_ended": True}
    for method in ("GET", "DELETE"):
        gone = ask(served, key, method, path)
        assert (gone.status_code, gone["Content-Type"]) == (404, "application/problem+json")
        assert (gone.json()["code"], "Begin it again." in gone.json()["detail"]) == ("trial_gone", True)


def test_draft_is_tried_and_what_is_in_force_where_that_is_asked_for(served: Site, town: Town) -> None:
    key = make_key()
    held = ask(served, key, "GET", "definitions/journey/welcome").json()["document"]
    never = {"event": {"name": "Never Heard Of"}}
    draft = {**held, "entry": never}
    assert ask(served, key, "PUT", "drafts/journey/welcome", {"document": draft}, if_match='"0"').status_code == 200
    tried = _finished(served, key, _begin(served, key).json())
    assert tried["result"]["entries"] == 0
    published = _finished(served, key, _begin(served, key, body={"what": "in_force"}).json())
    assert published["result"]["entries"] > 0
    assert ask(served, key, "GET", f"journeys/welcome/trials/{tried['trial_id']}").json()["code"] == "trial_gone"
    wrong = {**held, "steps": [{"id": "x", "dance": {}}]}
    ask(served, key, "PUT", "drafts/journey/welcome", {"document": wrong}, if_match='"1"')
    refused = _begin(served, key)
    assert (refused.status_code, refused.json()["code"]) == (422, "drafts_refused")
    assert refused.json()["errors"][0]["pointer"].startswith("#/steps/0")


def test_days_that_cannot_be_tried_are_pointed_at(served: Site) -> None:
    key = make_key()
    for days in (
        {"to_on": "2025-12-31"},
        {"from_on": "2024-01-01"},
        {"to_on": "2026-12-01"},
        {"from_on": "1969-12-01", "to_on": "1970-01-05"},
    ):
        refused = _begin(served, key, body=days)
        assert (refused.status_code, [one["pointer"] for one in refused.json()["errors"]]) == (422, ["#/to_on"])
    assert ask(served, key, "POST", "journeys/nosuch/trials", _DAYS).status_code == 404
