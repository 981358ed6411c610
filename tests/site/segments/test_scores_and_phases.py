"""Scores and phases on a real installation: rules in words, drafts, impact, publishing, and the ledger that names the rule."""

import re
from typing import Any

import pytest

from kundenkreis.runtime.drafts import StoredDrafts
from tests.runtime.town import Town
from tests.site.conftest import Site
from tests.site.editing import form_of

pytestmark = pytest.mark.db


def in_force(town: Town, kind: str, name: str = "") -> dict[str, Any]:
    return next(one for one in town.documents() if one["kind"] == kind and one.get("id", "") == name)


def drafted(town: Town, kind: str, name: str = "") -> dict[str, Any]:
    draft = StoredDrafts(town.installation.store).find(kind, name)
    assert draft is not None
    return draft.document


def editor_of(page: str) -> dict[str, str]:
    return form_of(page, "editor")


@pytest.mark.parametrize(
    ("path", "kind", "name"), [("/scores/activity/", "score", "activity"), ("/phases/", "phases", "")]
)
def test_saving_without_a_change_saves_what_is_in_force(
    served: Site, town: Town, path: str, kind: str, name: str
) -> None:
    browser = served.insider()
    data = editor_of(browser.get(path).content.decode())
    assert browser.post(path, data | {"act": "save"}).status_code == 302
    assert drafted(town, kind, name) == in_force(town, kind, name)
    assert "The draft says what is in force already." in browser.get(f"{path}publish/").content.decode()


def test_the_list_of_scores_tells_rules_fading_and_use(served: Site) -> None:
    page = " ".join(served.insider("de").get("/scores/").content.decode().split())
    assert re.search(
        r'href="/scores/activity/">Aktivität</a> </td> <td class="figure"[^>]*>(<[^>]*>)?7(</[^>]*>)?</td> <td[^>]*>nach 30 Tagen zur Hälfte',
        page,
    )


def test_rules_of_a_score_read_as_sentences(served: Site) -> None:
    page = served.insider("de").get("/scores/activity/").content.decode()
    assert "Bestellung abgeschlossen (Betrag mindestens 20): +15, höchstens 30 in 7 Tagen" in page
    page = served.insider("en").get("/scores/activity/").content.decode()
    assert "Order completed (amount is at least 20): +15 points, at most 30 in 7 days" in page


def test_a_score_is_made_published_and_counts(served: Site, town: Town) -> None:
    browser = served.insider()
    data = editor_of(browser.get("/scores/new/").content.decode())
    page = browser.post("/scores/new/", data | {"act": "save"}).content.decode()
    assert "Give it a name." in page
    data |= {
        "f.name.de": "Treue",
        "f.name.en": "Faithful",
        "f.rules.0.event.name": "Order Completed",
        "f.rules.0.points": "2,5",
    }
    answer = browser.post("/scores/new/", data | {"act": "save"})
    assert answer["Location"] == "/scores/faithful/"
    assert drafted(town, "score", "faithful")["rules"] == [
        {"id": "order_completed", "event": {"name": "Order Completed"}, "points": 2.5}
    ]
    review = browser.get("/scores/faithful/publish/").content.decode()
    assert "All of it is new." in review
    assert browser.post("/scores/faithful/publish/").status_code == 302
    assert in_force(town, "score", "faithful")["half_life_days"] == 30
    town.order("u0", "o-late", 20.0)
    town.run()
    sample = browser.post(
        "/segments/estimate/", {"c.kind": "score", "c.score.id": "faithful", "c.score.op": ">", "c.score.value": "0"}
    )
    assert 'class="big-figure">0<' not in sample.content.decode()


def test_a_mistake_in_a_rule_stands_at_its_field(served: Site) -> None:
    browser = served.insider("de")
    data = editor_of(browser.get("/scores/activity/").content.decode())
    page = browser.post(
        "/scores/activity/", data | {"f.rules.0.points": "viele", "act": "row:f.rules"}
    ).content.decode()
    assert 'id="error-f.rules.0.points"' in page
    assert 'value="viele"' in page
    assert "Das fehlt noch." in page or "Hier fehlt etwas." in page


def test_the_ledger_names_the_rule_in_words(served: Site, town: Town) -> None:
    browser = served.insider()
    with town.installation.store.reading() as tx:
        ((person, rule),) = tx.rows(
            "SELECT profile_id, rule_id FROM score_entries WHERE score_id = 'activity' AND rule_id = 'ordered' LIMIT 1",
            (),
        )
    page = browser.get(f"/customers/{person}/why/score/activity/").content.decode()
    assert "<td>Order completed (amount is at least 20): +15 points, at most 30 in 7 days</td>" in page
    assert f"<td>{rule}</td>" not in page


def test_phases_read_in_order_and_move(served: Site, town: Town) -> None:
    browser = served.insider("de")
    page = browser.get("/phases/").content.decode()
    told = [one.partition(":")[0] for one in re.findall(r"<summary>([^<]+)</summary>", page)]
    phases = in_force(town, "phases")["phases"]
    assert told == [f"{number}. {one['name']['de']}" for number, one in enumerate(phases, 1)]
    data = editor_of(page)
    page = browser.post("/phases/", data | {"act": "down:f.phases.0"}).content.decode()
    browser.post("/phases/", editor_of(page) | {"act": "save"})
    before = in_force(town, "phases")["phases"]
    assert [one["id"] for one in drafted(town, "phases")["phases"]] == [
        before[1]["id"],
        before[0]["id"],
        *(one["id"] for one in before[2:]),
    ]


def test_a_phase_changes_and_the_impact_is_told_before(served: Site, town: Town) -> None:
    browser = served.insider()
    data = editor_of(browser.get("/phases/").content.decode())
    phases = in_force(town, "phases")["phases"]
    place = next(index for index, one in enumerate(phases) if one["id"] == "loyalty")
    assert data[f"f.phases.{place}.when.trait.value"] == "2"
    page = browser.post("/phases/", data | {f"f.phases.{place}.when.trait.value": "99", "act": "save"}, follow=True)
    assert page.status_code == 200
    review = browser.get("/phases/publish/").content.decode()
    assert "Number of orders is at least 2 → Number of orders is at least 99" in review
    assert "Phase Loyalty" in review
    browser.post("/phases/publish/")
    assert in_force(town, "phases")["phases"][place]["when"]["trait"]["value"] == 99


def test_what_was_published_meanwhile_is_compared_before_it_is_overwritten(served: Site, town: Town) -> None:
    browser = served.insider()
    data = editor_of(browser.get("/scores/activity/").content.decode())
    browser.post("/scores/activity/", data | {"f.maximum": "90", "act": "save"})
    draft = StoredDrafts(town.installation.store).find("score", "activity")
    other = served.insider(role="admin")
    other.post("/scores/activity/discard/")
    data = editor_of(other.get("/scores/activity/").content.decode())
    other.post("/scores/activity/", data | {"f.maximum": "80", "act": "save"})
    other.post("/scores/activity/publish/")
    assert draft is not None
    assert StoredDrafts(town.installation.store).save(draft)
    page = browser.get("/scores/activity/publish/").content.decode()
    assert "Most points a person can have: 80 → 90" in page
    assert browser.post("/scores/activity/publish/").status_code == 302
    assert in_force(town, "score", "activity")["maximum"] == 80
    browser.post("/scores/activity/publish/", {"compared": "1"})
    assert in_force(town, "score", "activity")["maximum"] == 90


def test_who_may_not_edit_reads(served: Site) -> None:
    browser = served.insider(role="viewer")
    for path in ("/scores/", "/scores/activity/", "/phases/"):
        answer = browser.get(path)
        assert (answer.status_code, "Save draft" in answer.content.decode()) == (200, False)
    assert browser.post("/phases/", {"act": "save"}).status_code == 403
