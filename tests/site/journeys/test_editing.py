"""From the library to publishing: six decisions, a draft, one change after the other, a trial run, the impact, and in force."""

import json
import re
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from kundenkreis.definitions.canonical import canonical_json
from kundenkreis.definitions.drafts import name_of
from kundenkreis.definitions.testing import MemoryDrafts, MemoryPublisher
from kundenkreis.definitions.use_cases.edit_drafts import in_force, published
from kundenkreis.playbooks.shipped import shipped_rulebook
from kundenkreis.site.difference_words import change_lines
from kundenkreis.site.ports.trials import TrialResult
from kundenkreis.site.testing import SAMPLE_JOURNEY, JourneysAsGiven
from kundenkreis.site.trials_testing import TrialsAsGiven
from tests.site.conftest import Site
from tests.site.editing import form_of

pytestmark = pytest.mark.db

RESULT = TrialResult(
    sample_percent=20.0, entries=12, control=1, messages=9, goals=4, under_way=2, collisions=3, displaced=1,
    entries_per_day={"2026-03-01": 12}, messages_per_day={"2026-03-02": {"email": 9}}, withheld={"basis": 2},
    exits={"done": 10}, steps={"": {"entered": 12, "holdout": 1}, "who": {"branch:newcomer": 12}, "hello": {"sent": 9, "withheld": 2}},
)  # fmt: skip


@cache
def shipped(*, with_journeys: bool) -> bytes:
    """What comes along, read from its files once."""
    return canonical_json(shipped_rulebook(with_journeys=with_journeys))


class Shop:
    """A site with the shipped definitions in force, journeys or not, and a browser."""

    def __init__(self, site: Site, *, with_journeys: bool) -> None:
        self.drafts, self.publisher = MemoryDrafts(), MemoryPublisher()
        self.publisher.publish(shipped(with_journeys=with_journeys), actor="files")
        document = shipped_rulebook(with_journeys=True).of("journey")["welcome"].document
        self.trials = TrialsAsGiven(RESULT, seen=["Consent Confirmed"])
        site.mount(
            drafts=self.drafts,
            publisher=self.publisher,
            trials=self.trials,
            journeys=JourneysAsGiven([replace(SAMPLE_JOURNEY, document=document)]),
        )
        self.browser = site.insider()

    def page(self, path: str, status: int = 200) -> str:
        answer = self.browser.get(path)
        assert answer.status_code == status
        return " ".join(answer.content.decode().split())

    def change(self, **fields: Any) -> dict[str, Any]:
        """One change as the canvas sends it."""
        fields = {**fields, **self.stand()}
        answer = self.browser.post("/journeys/welcome/edit/", fields, headers={"Accept": "application/json"})
        assert answer.status_code == 200, answer.content
        found: dict[str, Any] = answer.json()
        return found

    def stand(self) -> dict[str, Any]:
        """What every form says that it was made from."""
        draft = self.drafts.find("journey", "welcome")
        says = name_of(published(self.publisher, "journey", "welcome"))
        return {"revision": draft.revision if draft else 0, "made_from": draft.says if draft else says}

    def document(self) -> dict[str, Any]:
        draft = self.drafts.find("journey", "welcome")
        assert draft is not None
        return draft.document


@pytest.fixture
def shop(site: Site) -> Shop:
    return Shop(site, with_journeys=True)


def test_library_offers_what_is_not_in_use(site: Site) -> None:
    page = Shop(site, with_journeys=False).page("/journeys/library/")
    assert page.count(">Start journey<") == 5
    assert 'href="/journeys/library/welcome/"' in page
    page = Shop(site, with_journeys=True).page("/journeys/library/")
    assert page.count(">To the journey<") == 5


def test_six_decisions_make_a_draft(site: Site) -> None:
    shop = Shop(site, with_journeys=False)
    page = shop.page("/journeys/library/welcome/")
    assert [f"{number}. " in page for number in range(1, 7)] == [True] * 6
    assert (page.count("not seen yet"), page.count('<span class="badge good dot">7</span>')) == (1, 1)
    answer = shop.browser.post("/journeys/library/welcome/", {"goal_days": "x", "control_percent": "5"})
    assert (answer.status_code, b"A whole number from 1 to 365." in answer.content) == (422, True)
    assert b'value="x"' in answer.content
    answer = shop.browser.post("/journeys/library/welcome/", {"goal_days": "14", "control_percent": "5"})
    assert (answer.status_code, answer["Location"]) == (302, "/journeys/welcome/edit/")
    assert (shop.document()["goal"]["within_days"], shop.document()["holdout"]["percent"]) == (14, 5)
    answer = shop.browser.post(
        "/journeys/library/welcome/", {"goal_days": "20", "control_percent": "5", "then": "simulate"}
    )
    assert answer["Location"] == "/journeys/welcome/simulate/".replace("simulate", "trial")
    assert shop.document()["goal"]["within_days"] == 14  # the draft that was there stays


def test_an_empty_journey_begins_with_a_name(shop: Shop) -> None:
    for name, error in (("  ", "Give the journey a name."), ("Welcome", "There is a journey of this name already.")):
        answer = shop.browser.post("/journeys/library/empty/", {"name": name})
        assert (answer.status_code, error in answer.content.decode()) == (422, True)
    answer = shop.browser.post("/journeys/library/empty/", {"name": "Herbst-Aktion für Gäste"})
    assert answer["Location"] == "/journeys/herbst_aktion_fuer_gaeste/edit/"
    assert "First step" in shop.page("/journeys/herbst_aktion_fuer_gaeste/edit/")


def test_every_change_is_saved_checked_and_can_be_taken_back(shop: Shop) -> None:
    first = shop.change(change="insert", step="pause_benefits", way="next", kind="message")
    assert (first["opened"], first["revision"]) == ("message_1", 1)
    assert [box["id"] for box in first["boxes"] if box["wrong"]] == []
    assert 'id="outline-message_1"' in first["outline"]
    wrong = shop.change(
        change="configure", step="message_1", **{"config.content": "nosuch", "config.purpose": "newsletter"}
    )
    assert [box["id"] for box in wrong["boxes"] if box["wrong"]] == ["message_1"]
    assert wrong["mistakes"] == ["There is no such content."]
    assert "There is no such content." in wrong["outline"]
    back = shop.change(change="replace", document=json.dumps(first["document"]))
    assert (back["revision"], back["mistakes"], back["document"]) == (3, [], first["document"])
    gone = shop.change(change="remove", step="message_1")
    assert len(gone["boxes"]) == len(first["boxes"]) - 1
    moved = shop.change(change="connect", step="benefits", way="next", target="exit")
    assert {"source": "benefits", "way": "next"}.items() <= next(
        line for line in moved["lines"] if line["source"] == "benefits"
    ).items()
    assert set(moved["mistakes"]) == {"Nothing leads to this step."}


def test_forms_work_without_a_script(shop: Shop) -> None:
    page = shop.page("/journeys/welcome/edit/")
    assert page.count('<details class="outline-step"') == 11
    answer = shop.browser.post(
        "/journeys/welcome/edit/",
        {"revision": "0", "change": "configure", "step": "pause_benefits", "config.days": "5", "config.at": "11:00"},
    )
    assert (answer.status_code, answer["Location"]) == (
        302,
        "/journeys/welcome/edit/?step=pause_benefits#outline-pause_benefits",
    )
    assert shop.document()["steps"][3]["wait"] == {"days": 5, "at": "11:00"}
    assert "5 days, then until 11:00" in shop.page("/journeys/welcome/edit/")


def test_settings_of_the_whole_journey(shop: Shop) -> None:
    fields = form_of(shop.page("/journeys/welcome/edit/"), "outline-settings") | {
        "j.name.de": "Hallo", "j.name.en": "Hello", "re_entry": "cooldown", "j.re_entry.cooldown_days": "90",
        "j.goal.event.name": "Order Completed, Lead Accepted", "j.goal.within_days": "21", "j.entry.if.kind": "segment",
        "j.entry.if.segment.id": "regulars", "j.holdout.percent": "7,5", "j.priority": "2",
    }  # fmt: skip
    before = dict(in_force(shop.publisher).of("journey")["welcome"].document)
    answer = shop.change(**fields)
    assert answer["mistakes"] == []
    changed = shop.document()
    assert changed["name"] == {"de": "Hallo", "en": "Hello"}
    assert changed["goal"] == {"event": {"name": ["Order Completed", "Lead Accepted"]}, "within_days": 21}
    assert changed["entry"]["if"] == {"segment": {"id": "regulars"}}
    assert changed["entry"]["event"] == before["entry"]["event"]
    assert (changed["re_entry"], changed["holdout"]["percent"], changed["priority"]) == ({"cooldown_days": 90}, 7.5, 2)
    assert (changed["exit_when"], changed["steps"]) == (before["exit_when"], before["steps"])
    other = shop.change(**{**fields, "entry_way": "segment_entered"})
    assert other["document"]["entry"]["segment_entered"] == ""
    assert other["mistakes"] == ["There is no such segment."]
    assert "This is still missing." in other["outline"]


def test_forms_that_nobody_touched_change_nothing(site: Site) -> None:
    shop = Shop(site, with_journeys=True)
    journeys = in_force(shop.publisher).of("journey")
    assert len(journeys) >= 5
    for name, journey in journeys.items():
        path = f"/journeys/{name}/edit/"
        page = shop.page(path)
        for form in re.findall(r'<details class="outline-step" id="(outline-[a-z0-9_]+)"', page):
            draft = shop.drafts.find("journey", name)
            data = form_of(page, form) | {"revision": draft.revision if draft else 0}
            assert shop.browser.post(path, data, headers={"Accept": "application/json"}).status_code == 200
            saved = shop.drafts.find("journey", name)
            assert saved is not None
            assert (form, saved.document) == (form, journey.document)


def test_conditions_are_built_where_a_journey_takes_them(shop: Shop) -> None:
    data = form_of(shop.page("/journeys/welcome/edit/"), "outline-settings")
    answer = shop.change(**data | {"j.exit_when.kind": ""})
    assert "exit_when" not in answer["document"]
    data = form_of(answer["outline"], "outline-settings")
    answer = shop.change(**data | {"j.exit_when.kind": "any"})
    assert answer["document"]["exit_when"] == {"any": []}
    data = form_of(answer["outline"], "outline-settings")
    answer = shop.change(**data, act="add:j.exit_when")
    data = form_of(answer["outline"], "outline-settings") | {"j.exit_when.0.kind": "event"}
    answer = shop.change(**data)
    data = form_of(answer["outline"], "outline-settings")
    answer = shop.change(**data, act="row:j.exit_when.0.event.where")
    data = form_of(answer["outline"], "outline-settings") | {
        "j.exit_when.0.event.name": "Order Completed", "j.exit_when.0.event.where.0.property": "total",
        "j.exit_when.0.event.where.0.op": ">=", "j.exit_when.0.event.where.0.value": "50",
    }  # fmt: skip
    answer = shop.change(**data)
    where = [{"property": "total", "op": ">=", "value": 50}]
    assert answer["document"]["exit_when"] == {"any": [{"event": {"name": "Order Completed", "where": where}}]}
    assert answer["mistakes"] == []


def test_what_ends_a_run_may_name_it_by_a_key(shop: Shop) -> None:
    data = form_of(shop.page("/journeys/welcome/edit/"), "outline-settings")
    answer = shop.change(**data | {"j.exit_when.kind": "event"})
    data = form_of(answer["outline"], "outline-settings") | {
        "j.exit_when.event.name": "Case Opened", "j.exit_when.event.key": "order_id",
    }  # fmt: skip
    answer = shop.change(**data)
    named = {"exit_when": {"event": {"name": "Case Opened", "key": "order_id"}}}
    assert answer["document"]["exit_when"] == named["exit_when"]
    assert answer["mistakes"] == []
    about_all = {"exit_when": {"event": {"name": "Case Opened", "key": ""}}}
    assert change_lines(about_all, named) == [
        "Leave when: Case opened (whatever it is about) at least once → Case opened (the same order) at least once"
    ]
    data = form_of(answer["outline"], "outline-settings") | {"j.exit_when.event.within_days": "3"}
    answer = shop.change(**data)
    assert answer["document"]["exit_when"]["event"]["within_days"] == 3
    assert answer["mistakes"] == ["A key goes with the next event: leave out how often and how long ago, or the key."]
    assert 'id="error-settings-j.exit_when.event.key"' in answer["outline"]


def test_a_branch_takes_any_condition_and_its_mistakes_stand_at_their_field(shop: Shop) -> None:
    first = shop.change(change="insert", step="benefits", way="next", kind="branch")
    data = form_of(first["outline"], "outline-branch_1") | {"config.0.when.kind": "trait"}
    answer = shop.change(**data)
    data = form_of(answer["outline"], "outline-branch_1") | {
        "config.0.when.trait.name": "order_count", "config.0.when.trait.op": ">=", "config.0.when.trait.value": "many",
    }  # fmt: skip
    answer = shop.change(**data)
    assert 'id="error-branch_1-config.0.when' in answer["outline"]
    assert 'value="many"' in answer["outline"]
    answer = shop.change(**data | {"config.0.when.trait.value": "3"})
    step = next(one for one in answer["document"]["steps"] if one["id"] == "branch_1")
    assert step["branch"][0]["when"] == {"trait": {"name": "order_count", "op": ">=", "value": 3}}
    rows = len(step["branch"])
    answer = shop.change(**form_of(answer["outline"], "outline-branch_1"), act="row:config")
    step = next(one for one in answer["document"]["steps"] if one["id"] == "branch_1")
    assert (len(step["branch"]), step["branch"][-1]) == (rows + 1, {})
    answer = shop.change(**form_of(answer["outline"], "outline-branch_1"), act=f"remove:config.{rows}")
    step = next(one for one in answer["document"]["steps"] if one["id"] == "branch_1")
    assert len(step["branch"]) == rows


def test_the_second_of_two_editors_is_shown_both_changes(shop: Shop) -> None:
    seen = dict(in_force(shop.publisher).of("journey")["welcome"].document)
    shop.change(change="configure", step="pause_benefits", **{"config.days": "5", "config.at": "10:00"})
    mine = {"revision": "0", "change": "remove", "step": "hello", "seen": json.dumps(seen)}
    answer = shop.browser.post("/journeys/welcome/edit/", mine, headers={"Accept": "application/json"})
    told = answer.json()
    assert (answer.status_code, told["problem"], told["revision"]) == (
        409, "the owner has changed this draft meanwhile. Your last change was not saved.", 1,
    )  # fmt: skip
    assert "<li>Step “pause benefits” · Days: 3 → 5</li>" in told["conflict"]
    assert "<li>Step “hello”: removed" in told["conflict"]
    assert "hello" in [step["id"] for step in shop.document()["steps"]]
    assert "hello" not in [step["id"] for step in told["mine"]["steps"]]
    shop.change(change="remove", step="hello")  # the same change in theirs
    assert shop.document()["steps"][2]["wait"]["days"] == 5


def test_without_a_script_the_second_sees_what_their_change_would_do(shop: Shop) -> None:
    shop.change(change="configure", step="pause_benefits", **{"config.days": "5", "config.at": "10:00"})
    mine = {"revision": "0", "change": "configure", "step": "pause_benefits", "config.days": "9", "config.at": "10:00"}
    answer = shop.browser.post("/journeys/welcome/edit/", mine)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Step “pause benefits” · Days: 5 → 9" in page
    again = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page[page.index("<main") :]))
    assert shop.browser.post("/journeys/welcome/edit/", again).status_code == 302
    assert shop.document()["steps"][3]["wait"]["days"] == 9


@pytest.mark.parametrize("accept", ["application/json", "text/html"])
def test_what_was_published_since_it_was_opened_is_not_undone_by_a_change(shop: Shop, accept: str) -> None:
    opened = form_of(shop.page("/journeys/welcome/edit/"), "outline-pause_benefits")
    days = {"change": "configure", "step": "pause_benefits", "config.at": "10:00"}
    shop.change(**days, **{"config.days": "5"})
    shop.browser.post("/journeys/welcome/publish/", {"revision": "1"})
    mine = {**opened, **days, "config.days": "9"}
    answer = shop.browser.post("/journeys/welcome/edit/", mine, headers={"Accept": accept})
    assert (answer.status_code, shop.drafts.every()) == (409, ())
    shop.change(**days, **{"config.days": "6"})  # their next draft has the revision that a tab of before may know
    answer = shop.browser.post("/journeys/welcome/edit/", mine | {"revision": "1"}, headers={"Accept": accept})
    assert (answer.status_code, shop.document()["steps"][3]["wait"]["days"]) == (409, 6)
    old = {"revision": "1", "made_from": opened["made_from"]}
    assert shop.browser.post("/journeys/welcome/discard/", old)["Location"] == "/journeys/welcome/edit/"
    shop.browser.post("/journeys/welcome/publish/", old)
    assert shop.document()["steps"][3]["wait"]["days"] == 6


def test_a_change_to_a_draft_that_is_gone_can_begin_it_anew(site: Site) -> None:
    shop = Shop(site, with_journeys=False)
    shop.browser.post("/journeys/library/welcome/", {"goal_days": "14", "control_percent": "5"})
    seen = shop.document()
    stand = shop.stand()
    shop.browser.post("/journeys/welcome/discard/", {"revision": "1"})
    mine = {**stand, "change": "remove", "step": "hello", "seen": json.dumps(seen)}
    answer = shop.browser.post("/journeys/welcome/edit/", mine, headers={"Accept": "application/json"})
    told = answer.json()
    assert (answer.status_code, told["revision"], told["made_from"]) == (409, 0, "")
    again = {"revision": "0", "made_from": "", "change": "replace", "document": json.dumps(told["mine"])}
    again["seen"] = json.dumps(seen)
    assert (
        shop.browser.post("/journeys/welcome/edit/", again, headers={"Accept": "application/json"}).status_code == 200
    )
    assert "hello" not in [step["id"] for step in shop.document()["steps"]]


@pytest.mark.parametrize(
    "fields",
    [
        {"change": "teleport"}, {"change": "remove", "step": "nosuch"}, {"change": "insert", "kind": "nosuch", "step": "hello", "way": "next"},
        {"change": "replace", "document": "{"}, {"change": "replace", "document": '{"kind": "journey", "id": "other"}'},
    ],
)  # fmt: skip
def test_what_does_not_fit_changes_nothing(shop: Shop, fields: dict[str, str]) -> None:
    answer = shop.browser.post(
        "/journeys/welcome/edit/", {"revision": "0", **fields}, headers={"Accept": "application/json"}
    )
    assert answer.status_code == 422
    assert shop.browser.post("/journeys/welcome/edit/", {"revision": "0", **fields}).status_code == 302
    assert shop.drafts.every() == ()


def test_publishing_shows_changes_and_puts_them_in_force(shop: Shop) -> None:
    shop.change(change="configure", step="pause_benefits", **{"config.days": "5", "config.at": "10:00"})
    page = shop.page("/journeys/welcome/publish/")
    assert "Step “pause benefits” · Days: 3 → 5" in page
    answer = shop.browser.post("/journeys/welcome/publish/", {"revision": "1"})
    assert (answer.status_code, answer["Location"]) == (302, "/journeys/welcome/")
    assert in_force(shop.publisher).of("journey")["welcome"].body["steps"][3]["wait"]["days"] == 5
    assert (shop.drafts.every(), shop.publisher.published[-1][1]) == ((), "the owner")


def test_a_draft_with_mistakes_is_not_published(shop: Shop) -> None:
    shop.change(change="configure", step="hello", **{"config.content": "nosuch"})
    page = shop.page("/journeys/welcome/publish/")
    assert "This cannot be published yet." in page
    assert "Publish now" not in page
    assert (
        shop.browser.post("/journeys/welcome/publish/", {"revision": "1"})["Location"] == "/journeys/welcome/publish/"
    )
    assert len(shop.publisher.published) == 1


def test_what_hinders_publishing_leads_to_where_it_is_mended(shop: Shop) -> None:
    shop.browser.post("/journeys/library/empty/", {"name": "Autumn"})
    page = shop.page("/journeys/autumn/publish/")
    assert re.search(r'<a href="/journeys/autumn/edit/#outline">[^<]*There is no step yet\.</a>', page)
    assert '<a href="/journeys/autumn/edit/?step=settings#outline-settings">' in page
    shop.change(change="configure", step="hello", **{"config.content": "nosuch"})
    assert '<a href="/journeys/welcome/edit/?step=hello#outline-hello">' in shop.page("/journeys/welcome/publish/")
    editor = shop.page("/journeys/welcome/edit/?step=hello")
    assert ('id="outline-hello"' in editor, 'id="outline-settings"' in editor, 'id="outline"' in editor) == (
        True,
        True,
        True,
    )


def test_what_was_published_meanwhile_is_compared_first(shop: Shop) -> None:
    shop.change(change="configure", step="pause_benefits", **{"config.days": "5", "config.at": "10:00"})
    theirs = [one.document for one in shipped_rulebook(with_journeys=True)]
    for one in theirs:
        if one["kind"] == "journey" and one["id"] == "welcome":
            one["priority"] = 9
    shop.publisher.publish(json.dumps(theirs).encode(), actor="ben")
    assert "Publish over it" in shop.page("/journeys/welcome/publish/")
    assert (
        shop.browser.post("/journeys/welcome/publish/", {"revision": "1"})["Location"] == "/journeys/welcome/publish/"
    )
    assert len(shop.publisher.published) == 2
    shop.browser.post("/journeys/welcome/publish/", {"revision": "1", "compared": "1"})
    assert len(shop.publisher.published) == 3


def test_discarding_leaves_what_is_in_force(shop: Shop) -> None:
    shop.change(change="remove", step="benefits")
    assert shop.browser.post("/journeys/welcome/discard/", {"revision": "1"})["Location"] == "/journeys/welcome/"
    assert shop.drafts.every() == ()


def test_a_trial_run_flows_through_the_drawing(shop: Shop) -> None:
    answer = shop.browser.post("/journeys/welcome/trial/", {"from": "2026-03-31", "to": "2026-03-01"})
    assert (answer.status_code, b"The last day lies before the first." in answer.content) == (422, True)
    answer = shop.browser.post("/journeys/welcome/trial/", {"from": "2026-03-01", "to": "2026-03-31"})
    assert (answer.status_code, answer["Location"]) == (302, "/journeys/welcome/trial/")
    trial = shop.trials.started["welcome"]
    assert (trial.from_day, trial.to_day) == (20_513, 20_543)
    page = shop.page("/journeys/welcome/trial/")
    assert "9 sent" in page
    assert "2 withheld" in page
    assert "No permission" in page
    assert "20.0%" in page
    assert 'value="2026-03-01"' in page
    answer = shop.browser.post("/journeys/welcome/trial/", {"from": "2026-11-01", "to": "2026-11-19"})
    assert (answer.status_code, b"Choose days that have been." in answer.content) == (422, True)


def test_a_trial_run_that_goes_on_is_shown_and_stopped(shop: Shop) -> None:
    shop.trials.result = None
    shop.browser.post("/journeys/welcome/trial/", {"from": "2026-03-01", "to": "2026-03-31"})
    page = shop.page("/journeys/welcome/trial/")
    assert 'hx-trigger="every 1s"' in page
    shop.browser.post("/journeys/welcome/trial/", {"end": "other"})
    assert list(shop.trials.started) == ["welcome"]
    answer = shop.browser.post("/journeys/welcome/trial/", {"end": shop.trials.started["welcome"].trial_id})
    assert (answer.status_code, answer["Location"], shop.trials.started) == (302, "/journeys/welcome/trial/", {})
    assert 'hx-trigger="every 1s"' not in shop.page("/journeys/welcome/trial/")


def test_a_journey_is_paused_continued_and_stopped(shop: Shop) -> None:
    for what, said, is_live in (
        ("pause", "Paused.", False),
        ("resume", "Live again.", True),
        ("undo", "This is not possible any more.", True),
        ("stop", "Stopped.", False),
    ):
        answer = shop.browser.post("/journeys/welcome/switch/", {"switch": what})
        assert (answer.status_code, answer["Location"]) == (302, "/journeys/welcome/")
        assert said in shop.page("/journeys/welcome/")
        assert ("welcome" in in_force(shop.publisher).of("journey")) is is_live
    assert shop.publisher.ended == [("welcome", "the owner")]
