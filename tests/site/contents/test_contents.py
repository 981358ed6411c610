"""The pages about content on a real installation: list, map, editor, preview, publishing."""

import re
from typing import Any

import pytest

from tests.runtime.town import Town
from tests.site.conftest import Site
from tests.site.editing import form_of

pytestmark = pytest.mark.db


def editor_of(html: str) -> dict[str, str]:
    return form_of(html, "editor")


def test_list_and_map_show_what_there_is(served: Site) -> None:
    browser = served.insider("de")
    page = browser.get("/contents/").content.decode()
    assert "Willkommen: Begrüßung" in page
    assert "Deutsch, Deutsch (Du), Englisch" in page
    html = browser.get("/contents/map/").content.decode()
    assert html.count("Lücke füllen") == 2  # nothing shipped speaks to phases attention and purchase
    assert "?phase=attention" in html


def test_saving_without_a_change_saves_what_is_in_force(served: Site, town: Town) -> None:
    browser = served.insider()
    data = editor_of(browser.get("/contents/welcome_hello/edit/").content.decode())
    assert browser.post("/contents/welcome_hello/edit/", data | {"act": "save"}).status_code == 302
    draft = served_draft(town)
    published = next(one for one in town.documents() if one["kind"] == "content" and one["id"] == "welcome_hello")
    assert {key: value for key, value in draft.items() if value} == published


def served_draft(town: Town, content_id: str = "welcome_hello") -> dict[str, Any]:
    from kundenkreis.runtime.drafts import StoredDrafts

    draft = StoredDrafts(town.installation.store).find("content", content_id)
    assert draft is not None
    return draft.document


def test_editing_and_publishing_puts_the_new_words_in_force(served: Site, town: Town) -> None:
    browser = served.insider()
    data = editor_of(browser.get("/contents/welcome_hello/edit/").content.decode())
    data["v.de.subject"] = "Ganz neu bei {{ brand.name }}"
    browser.post("/contents/welcome_hello/edit/", data | {"act": "save"})
    browser.post("/contents/welcome_hello/publish/")
    published = next(one for one in town.documents() if one["kind"] == "content" and one["id"] == "welcome_hello")
    assert published["variants"]["de"]["subject"] == "Ganz neu bei {{ brand.name }}"


def test_a_mistake_is_said_and_not_published(served: Site, town: Town) -> None:
    browser = served.insider()
    data = editor_of(browser.get("/contents/welcome_hello/edit/").content.decode())
    data["v.de.subject"] = "Hallo {{ customer.frist_name }}"
    page = browser.post("/contents/welcome_hello/edit/", data | {"act": "save"}, follow=True).content.decode()
    assert "customer.frist_name: A variable is not known; correct it, or add a default." in page
    browser.post("/contents/welcome_hello/publish/")
    published = next(one for one in town.documents() if one["kind"] == "content" and one["id"] == "welcome_hello")
    assert published["variants"]["de"]["subject"] == "Willkommen bei {{ brand.name }}"


def test_the_editor_brings_along_what_can_stand_between_braces(served: Site) -> None:
    page = served.insider("de").get("/contents/welcome_hello/edit/").content.decode()
    offered = dict(re.findall(r'data-inserts="([^"]*)"[^>]*><code>[^<]*</code> <span>([^<]*)</span>', page))
    assert offered["customer.first_name"] == "Vorname"
    assert offered["event.purpose"] == "Zweck"
    assert offered["date: &quot;long&quot;"] == "ein Datum, wie man es schreibt"
    assert "event.order_id" not in offered  # the journey that sends it begins with a consent
    everywhere = re.findall(r'<(?:input|textarea)[^>]*name="v\.de\.([^"]*)"[^>]*>', page)
    listening = re.findall(r'<(?:input|textarea)[^>]*name="v\.de\.([^"]*)"[^>]*data-liquid', page)
    assert [name for name in everywhere if not name.endswith((".kind", "body"))] == listening


def test_of_two_editors_the_second_is_told(served: Site) -> None:
    first, second = served.insider(), served.insider(role="marketing")
    data = editor_of(first.get("/contents/welcome_hello/edit/").content.decode())
    assert first.post("/contents/welcome_hello/edit/", data | {"act": "save"}).status_code == 302
    answer = second.post("/contents/welcome_hello/edit/", data | {"v.de.subject": "Meins", "act": "save"})
    assert answer.status_code == 409
    page = answer.content.decode()
    assert "has saved this meanwhile." in page
    assert 'value="Meins"' in page
    again = editor_of(page)
    assert second.post("/contents/welcome_hello/edit/", again | {"act": "save"}).status_code == 302


def test_preview_shows_the_unsaved_form_as_a_person_sees_it(served: Site) -> None:
    browser = served.insider()
    data = editor_of(browser.get("/contents/welcome_hello/edit/").content.decode())
    data["v.de/du.b.0.text"] = "{{ customer.greeting }}, <script>alert(1)</script> **neu**"
    asked = data | {"shown": "de/du", "person": "0", "view": "wide"}
    answer = browser.post("/contents/welcome_hello/preview/", asked)
    html = answer.content.decode()
    assert "Hallo Anna, &lt;script&gt;alert(1)&lt;/script&gt; <strong>neu</strong>" in html
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    nameless = browser.post(
        "/contents/welcome_hello/preview/", asked | {"without_name": "on", "view": "text"}
    ).content.decode()
    assert "Hallo, &lt;script&gt;" in nameless


@pytest.mark.parametrize("path", ["/contents/new/preview/", "/contents/welcome_hello/preview/"])
def test_whoever_may_not_see_people_sees_no_preview_either(served: Site, path: str) -> None:
    assert served.insider(role="external_partner").post(path, {"person": "1"}).status_code == 403
    assert served.insider(role="marketing").post(path, {"person": "1"}).status_code == 200


def test_a_gap_is_filled_with_one_click_and_a_new_content_gets_an_id_of_its_name(served: Site, town: Town) -> None:
    browser = served.insider()
    page = browser.get("/contents/new/?phase=attention").content.decode()
    data = editor_of(page)
    assert "phases:attention" in data
    assert browser.post("/contents/new/", data | {"act": "save"}).status_code == 422
    data |= {"name_de": "Erster Gruß", "value_de": "Ein Gruß", "v.de.subject": "Hallo"}
    assert browser.post("/contents/new/", data | {"act": "save"}).headers["Location"] == "/contents/erster_gruss/edit/"
    assert served_draft(town, "erster_gruss")["phases"] == ["attention"]


def test_a_viewer_reads_and_cannot_write(served: Site) -> None:
    browser = served.insider(role="viewer")
    assert browser.get("/contents/").status_code == 200
    assert browser.post("/contents/welcome_hello/edit/", {"act": "save"}).status_code == 403


def test_a_new_content_says_what_is_missing_in_words_and_shows_what_there_is(served: Site) -> None:
    browser = served.insider("de")
    page = browser.get("/contents/new/").content.decode()
    assert "Expected" not in page
    assert "Sagen Sie, was die Person von dieser Nachricht hat." in page
    data = editor_of(page)
    shown = browser.post(
        "/contents/new/preview/", data | {"shown": "de", "view": "wide", "person": "0"}
    ).content.decode()
    assert "Guten Tag Anna Muster," in shown
    added = browser.post("/contents/new/", data | {"act": "add:button:de"}).content.decode()
    assert ("Das ist leer." in added, "Expected" in added) == (True, False)
    data = editor_of(added)
    shown = browser.post(
        "/contents/new/preview/", data | {"shown": "de", "view": "wide", "person": "0"}
    ).content.decode()
    assert "Guten Tag Anna Muster," in shown
