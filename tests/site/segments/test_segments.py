"""The pages about segments on a real installation: list, one segment, builder with its live number, publishing."""

import re
import time

import pytest

from kundenkreis.runtime.drafts import StoredDrafts
from tests.runtime.town import Town
from tests.site.conftest import Site
from tests.site.editing import form_of

pytestmark = pytest.mark.db


def members(town: Town, segment: str) -> int:
    with town.installation.store.reading() as tx:
        sql = "SELECT count(*) FROM memberships WHERE kind = 'segment' AND definition_id = ? AND until_us > ?"
        return int(tx.rows(sql, (segment, town.clock.now_us()))[0][0])


def builder_of(page: str) -> dict[str, str]:
    return form_of(page, "builder")


def test_list_and_page_show_the_members_there_are(served: Site, town: Town) -> None:
    browser = served.insider("de")
    page = browser.get("/segments/").content.decode()
    for document in town.documents():
        if document["kind"] == "segment":
            count = members(town, document["id"])
            assert f'data-figure="segment.{document["id"]}.members" data-value="{count}">{count}</a>' in page
    one = browser.get("/segments/newsletter_express/").content.decode() if members(town, "newsletter_express") else page
    assert "Wer dazugehört" in one or "Segmente" in one


def test_saving_without_a_change_saves_what_is_in_force(served: Site, town: Town) -> None:
    browser = served.insider()
    segments = [document for document in town.documents() if document["kind"] == "segment"]
    assert len(segments) >= 8
    for document in segments:
        path = f"/segments/{document['id']}/edit/"
        data = builder_of(browser.get(path).content.decode())
        assert browser.post(path, data | {"act": "save"}).status_code == 302
        draft = StoredDrafts(town.installation.store).find("segment", document["id"])
        assert draft is not None
        assert {**draft.document, "when": None} == {**document, "when": None}


def test_the_number_follows_the_condition(served: Site, town: Town) -> None:
    browser = served.insider()
    with town.installation.store.reading() as tx:
        everybody = int(tx.rows("SELECT count(*) FROM states")[0][0])
    data = {
        "c.kind": "event", "c.event.name": "Order Completed", "c.event.count.at_least": "1",
    }  # fmt: skip
    some = browser.post("/segments/estimate/", data).content.decode()
    none = browser.post("/segments/estimate/", data | {"c.event.count.at_least": "999"}).content.decode()
    assert 'class="big-figure">0<' in none
    assert 'class="big-figure">0<' not in some
    assert "counted exactly" in some
    assert everybody > 5
    nothing = browser.post("/segments/estimate/", {"c.kind": "all", "c.0.kind": ""}).content.decode()
    assert "Choose a condition" in nothing


def test_everybody_is_counted_in_the_background_and_told_as_of_when(served: Site, town: Town) -> None:
    browser = served.insider()
    data = {
        "c.kind": "event", "c.event.name": "Order Completed", "c.event.count.at_least": "1",
    }  # fmt: skip
    estimate = browser.post("/segments/estimate/", data).content.decode()
    people = re.findall(r'class="big-figure">(\d+)<', estimate)
    path = begun(browser.post("/segments/estimate/", data | {"exact": "1"}).content.decode())
    while not (answer := browser.get(path)).has_header("HX-Retarget"):
        assert 'role="progressbar"' in answer.content.decode()
        time.sleep(0.01)
    assert (answer["HX-Retarget"], answer["HX-Reswap"]) == ("#estimate", "innerHTML")
    page = answer.content.decode()
    assert people[0] != "0"
    assert re.findall(r'class="big-figure">(\d+)<', page) == people
    assert "counted exactly, as of" in page
    assert 'id="counting"' not in page
    assert "No longer counting" in served.insider(role="marketing").get(path).content.decode()
    browser.post("/segments/estimate/", data | {"c.event.count.at_least": "2"})
    edited = browser.get(path)
    assert (edited["HX-Reswap"], "No longer counting" in edited.content.decode()) == ("outerHTML", True)


def begun(counting: str) -> str:
    """Where a count that has begun is asked for."""
    found = re.search(
        r'id="counting" aria-live="off" hx-get="(/segments/counts/[0-9a-f]+/)" hx-trigger="every 1s"', counting
    )
    assert found is not None
    return found[1]


def test_a_segment_is_built_by_buttons_published_and_filled(served: Site, town: Town) -> None:
    browser = served.insider()
    page = browser.get("/segments/new/").content.decode()
    data = builder_of(page)
    assert browser.post("/segments/new/", data | {"act": "save"}).status_code == 422
    data |= {"name_de": "Käufer über 10", "name_en": "Buyers above 10", "c.0.kind": "event"}
    page = browser.post("/segments/new/", data | {"act": "add:c"}).content.decode()
    data = builder_of(page) | {"c.0.event.name": "Order Completed", "c.0.event.count.at_least": "1"}
    assert "c.1.kind" in data
    page = browser.post("/segments/new/", data | {"act": "remove:c.1"}).content.decode()
    page = browser.post("/segments/new/", builder_of(page) | {"act": "row:c.0.event.where"}).content.decode()
    data = builder_of(page) | {
        "c.0.event.where.0.property": "total",
        "c.0.event.where.0.op": ">=",
        "c.0.event.where.0.value": "10",
    }
    answer = browser.post("/segments/new/", data | {"act": "save"})
    assert answer.headers["Location"] == "/segments/buyers_above_10/edit/"
    review = browser.get("/segments/buyers_above_10/publish/").content.decode()
    assert "Publish segment" in review
    browser.post("/segments/buyers_above_10/publish/")
    town.run()
    document = next(one for one in town.documents() if one.get("id") == "buyers_above_10")
    where = [{"property": "total", "op": ">=", "value": 10}]
    assert document["when"] == {"all": [{"event": {"name": "Order Completed", "where": where}}]}
    assert members(town, "buyers_above_10") > 0
    page = browser.get("/segments/buyers_above_10/").content.decode()
    assert f">{members(town, 'buyers_above_10')}</a>" in page
    assert "Members over time" in page


def test_of_two_builders_the_second_is_told(served: Site) -> None:
    first, second = served.insider(), served.insider(role="marketing")
    data = builder_of(first.get("/segments/at_risk/edit/").content.decode())
    assert first.post("/segments/at_risk/edit/", data | {"act": "save"}).status_code == 302
    answer = second.post("/segments/at_risk/edit/", data | {"name_en": "Mine", "act": "save"})
    assert answer.status_code == 409
    page = " ".join(answer.content.decode().split())
    assert "the owner has saved this meanwhile." in page
    assert re.search(r'<th scope="row">Name · English</th><td>[^<]+</td><td>Mine</td>', page)
    again = builder_of(answer.content.decode())
    assert again["name_en"] == "Mine"
    assert second.post("/segments/at_risk/edit/", again | {"act": "save"}).status_code == 302


def test_what_is_wrong_is_said_at_the_field_and_nothing_is_lost(served: Site) -> None:
    browser = served.insider()
    data = {
        "name_en": "Odd",
        "revision": "0",
        "c.kind": "event",
        "c.event.name": "Order Completed",
        "c.event.within_days": "soon",
    }
    page = browser.post("/segments/new/", data | {"act": "show"}).content.decode()
    assert 'value="soon"' in page
    assert 'id="error-c.event.within_days"' in page


def test_hostile_names_stay_text(served: Site) -> None:
    browser = served.insider()
    data = {
        "name_en": "<script>alert(1)</script>",
        "revision": "0",
        "c.kind": "segment",
        "c.segment.id": '"><img src=x>',
    }
    page = browser.post("/segments/new/", data | {"act": "show"}).content.decode()
    assert "<script>alert(1)" not in page
    assert "<img src=x>" not in page


def test_a_viewer_reads_and_cannot_write(served: Site) -> None:
    browser = served.insider(role="viewer")
    assert browser.get("/segments/").status_code == 200
    assert browser.get("/segments/new/").status_code == 403
