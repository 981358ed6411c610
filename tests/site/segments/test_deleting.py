"""Deleting segments, scores and content on their pages: refused while something would miss them, with the way to it; taken back."""

from typing import Any

import pytest

from kundenkreis.definitions.drafts import Draft
from kundenkreis.definitions.use_cases.edit_drafts import in_force
from kundenkreis.definitions.use_cases.switch_journey import put_journey
from kundenkreis.kernel.zones import DAY, MINUTE
from kundenkreis.runtime.drafts import StoredDrafts
from kundenkreis.runtime.publishing import StorePublisher
from kundenkreis.runtime.readers.customers import StoredCustomers
from kundenkreis.runtime.readers.segments import StoredSegments
from tests.runtime.town import Town
from tests.site.conftest import Site

pytestmark = pytest.mark.db

BUYERS = {
    "kind": "segment", "id": "buyers", "name": {"de": "Käufer", "en": "Buyers"},
    "when": {"event": {"name": "Order Completed", "count": {"at_least": 1}}},
}  # fmt: skip
USERS = {
    "kind": "segment", "id": "fans", "name": {"de": "Fans", "en": "Fans"},
    "when": {"segment": {"id": "buyers"}},
}  # fmt: skip


def keys(town: Town) -> set[str]:
    return {one.key for one in in_force(StorePublisher(town.installation))}


def add(town: Town, *documents: dict[str, Any]) -> None:
    town.publish([*town.documents(), *documents])
    town.pass_time(MINUTE)


def audited() -> list[tuple[str, str, str]]:
    from kundenkreis.site.models import AuditEntry

    return [
        (one.action, one.object_kind, one.object_id)
        for one in AuditEntry.objects.order_by("pk")
        if one.action != "viewed"
    ]


def test_segment_that_nobody_names_goes_and_comes_back(served: Site, town: Town) -> None:
    add(town, BUYERS)
    browser = served.insider()
    members = next(one for one in StoredSegments(town.installation).list_segments() if one.named.id == "buyers").members
    assert members > 5
    assert "/segments/buyers/delete/" in browser.get("/segments/buyers/").content.decode()
    page = browser.get("/segments/buyers/delete/").content.decode()
    assert f"entering 0, leaving {members}" in page
    assert "segment:buyers" in keys(town)
    answer = browser.post("/segments/buyers/delete/")
    assert answer["Location"] == "/segments/"
    assert "segment:buyers" not in keys(town)
    listed = browser.get("/segments/").content.decode()
    assert 'action="/segments/buyers/restore/"' in listed
    assert "/segments/buyers/edit/" not in listed
    town.pass_time(MINUTE)
    assert browser.post("/segments/buyers/restore/")["Location"] == "/segments/buyers/"
    town.pass_time(MINUTE)
    again = next(one for one in StoredSegments(town.installation).list_segments() if one.named.id == "buyers")
    assert (again.members, again.named.name.de) == (members, "Käufer")
    assert audited() == [("deleted", "segment", "buyers"), ("undone", "segment", "buyers")]


def test_what_names_it_stands_in_the_way_with_a_link(served: Site, town: Town) -> None:
    add(town, BUYERS, USERS)
    browser = served.insider()
    page = browser.get("/segments/buyers/delete/").content.decode()
    assert '<a href="/segments/fans/">Fans</a>' in page
    assert 'class="danger"' not in page
    answer = browser.post("/segments/buyers/delete/")
    assert (answer.status_code, "segment:buyers" in keys(town), audited()) == (409, True, [])
    browser.post("/segments/fans/delete/")
    assert browser.post("/segments/buyers/delete/").status_code == 302
    assert keys(town) & {"segment:buyers", "segment:fans"} == set()


def test_drafts_filters_and_held_journeys_stand_in_the_way(served: Site, town: Town) -> None:
    add(town, BUYERS)
    browser, drafts = served.insider(), StoredDrafts(town.installation.store)
    draft = Draft(
        kind="segment",
        id="fans",
        document=dict(USERS),
        base_version=0,
        base="",
        revision=1,
        edited_by="anna",
        edited_us=0,
    )
    drafts.save(draft)
    page = browser.get("/segments/buyers/delete/").content.decode()
    assert ('<a href="/segments/fans/">Fans</a>' in page, "in a draft" in page) == (True, True)
    drafts.remove("segment", "fans", revision=1)
    customers = StoredCustomers(town.installation)
    kept = customers.save_filter(
        "Mine", {"all": [{"segment": {"id": "buyers"}}, {"phase": {"is": "care"}}]}, actor="anna"
    )
    assert f'<a href="/customers/?filter={kept}">Mine</a>' in browser.get("/segments/buyers/delete/").content.decode()
    customers.delete_filter(kept)
    publisher = StorePublisher(town.installation)
    welcome = next(one for one in town.documents() if one.get("id") == "welcome")
    held = {**welcome, "exit_when": {"segment": {"id": "buyers"}}}
    put_journey("welcome", held, publisher, actor="anna")
    put_journey("welcome", None, publisher, actor="anna")
    page = browser.get("/segments/buyers/delete/").content.decode()
    assert ('<a href="/journeys/welcome/">' in page, "held; it may go on" in page) == (True, True)
    put_journey("welcome", welcome, publisher, actor="anna")
    assert browser.post("/segments/buyers/delete/").status_code == 302


def test_people_under_way_in_an_earlier_form_stand_in_the_way(served: Site, town: Town) -> None:
    add(town, BUYERS)
    publisher = StorePublisher(town.installation)
    welcome = next(one for one in town.documents() if one.get("id") == "welcome")
    put_journey("welcome", {**welcome, "exit_when": {"segment": {"id": "buyers"}}}, publisher, actor="anna")
    town.send("identify", userId="fresh", traits={"email": "fresh@example.com", "country": "DE"})
    consent = {"channel": "email", "purpose": "newsletter", "basis": "express_consent", "wording": "News", "proof": "form 7"}  # fmt: skip
    town.send("track", userId="fresh", event="Consent Confirmed", properties=consent)
    town.run()
    put_journey("welcome", welcome, publisher, actor="anna")
    browser = served.insider()
    assert "people are under way in an earlier form" in browser.get("/segments/buyers/delete/").content.decode()
    town.pass_time(60 * DAY)
    assert browser.post("/segments/buyers/delete/").status_code == 302
    town.order("fresh", "later", 5.0)
    town.run()
    assert StoredCustomers(town.installation).read_choices().known > 5


def test_what_only_let_people_in_may_go_while_they_are_under_way(served: Site, town: Town) -> None:
    add(town, BUYERS)
    publisher = StorePublisher(town.installation)
    welcome = next(one for one in town.documents() if one.get("id") == "welcome")
    entry = {**welcome["entry"], "if": {"not": {"segment": {"id": "buyers"}}}}
    put_journey("welcome", {**welcome, "entry": entry}, publisher, actor="anna")
    town.send("identify", userId="fresh", traits={"email": "fresh@example.com", "country": "DE"})
    consent = {"channel": "email", "purpose": "newsletter", "basis": "express_consent", "wording": "News", "proof": "form 7"}  # fmt: skip
    town.send("track", userId="fresh", event="Consent Confirmed", properties=consent)
    town.run()
    put_journey("welcome", welcome, publisher, actor="anna")
    assert served.insider().post("/segments/buyers/delete/").status_code == 302
    town.run()
    with town.installation.store.reading() as tx:
        path = tx.rows(
            "SELECT outcome FROM run_entries WHERE journey_id = 'welcome' ORDER BY at_us DESC, sequence DESC"
        )
    assert path[0][0] == "waiting"


def test_draft_goes_with_it_and_what_is_gone_longer_stays_gone(served: Site, town: Town) -> None:
    add(town, BUYERS)
    browser, drafts = served.insider(), StoredDrafts(town.installation.store)
    drafts.save(
        Draft(
            kind="segment",
            id="buyers",
            document=dict(BUYERS),
            base_version=0,
            base="",
            revision=1,
            edited_by="",
            edited_us=0,
        )
    )
    assert "Its draft is discarded." in browser.get("/segments/buyers/delete/").content.decode()
    browser.post("/segments/buyers/delete/")
    assert drafts.find("segment", "buyers") is None
    town.pass_time(11 * MINUTE)
    assert browser.post("/segments/buyers/restore/").status_code == 404
    assert browser.get("/segments/buyers/delete/").status_code == 404


def test_score_is_deleted_once_no_segment_asks_for_it(served: Site, town: Town) -> None:
    score = {
        "kind": "score", "id": "looks", "name": {"de": "Blicke", "en": "Looks"},
        "rules": [{"id": "view", "event": {"name": "Product Viewed"}, "points": 5}],
    }  # fmt: skip
    asking = {
        "kind": "segment", "id": "lookers", "name": {"de": "Gucker", "en": "Lookers"},
        "when": {"score": {"id": "looks", "op": ">", "value": 1}},
    }  # fmt: skip
    add(town, score, asking)
    browser = served.insider()
    assert '<a href="/segments/lookers/">Lookers</a>' in browser.get("/scores/looks/delete/").content.decode()
    browser.post("/segments/lookers/delete/")
    assert browser.post("/scores/looks/delete/")["Location"] == "/scores/"
    assert "score:looks" not in keys(town)
    assert browser.post("/scores/looks/restore/")["Location"] == "/scores/looks/"
    assert "score:looks" in keys(town)


def test_content_is_deleted_once_no_journey_sends_it(served: Site, town: Town) -> None:
    browser = served.insider()
    content = next(one for one in town.documents() if one["kind"] == "content")
    named = browser.get(f"/contents/{content['id']}/delete/").content.decode()
    assert '<a href="/journeys/' in named
    add(town, {**content, "id": "spare"})
    assert "/contents/spare/delete/" in browser.get("/contents/spare/edit/").content.decode()
    assert browser.post("/contents/spare/delete/")["Location"] == "/contents/"
    assert "content:spare" not in keys(town)
    assert browser.post("/contents/spare/restore/")["Location"] == "/contents/spare/edit/"


def test_nobody_without_the_right_is_offered_it(served: Site, town: Town) -> None:
    add(town, BUYERS)
    browser = served.insider(role="sales")
    assert "/delete/" not in browser.get("/segments/buyers/").content.decode()
    assert browser.post("/segments/buyers/delete/").status_code == 403
    assert "segment:buyers" in keys(town)
