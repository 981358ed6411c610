"""Brand and contact rules: from the form to what is in force."""

from typing import Any

import pytest

from tests.runtime.town import Town
from tests.site.conftest import Site
from tests.site.editing import form_of

pytestmark = pytest.mark.db

PAGES = {"brand": "/settings/brand/", "policy": "/settings/contact-rules/"}


def in_force(town: Town, kind: str) -> dict[str, Any]:
    return next(one for one in town.documents() if one["kind"] == kind)


def drafted(town: Town, kind: str) -> dict[str, Any]:
    from kundenkreis.runtime.drafts import StoredDrafts

    (draft,) = StoredDrafts(town.installation.store).every(kind)
    return draft.document


@pytest.mark.parametrize("kind", list(PAGES))
def test_saving_without_a_change_saves_what_is_in_force(served: Site, town: Town, kind: str) -> None:
    browser = served.insider()
    data = form_of(browser.get(PAGES[kind]).content.decode(), "editor")
    assert browser.post(PAGES[kind], data | {"act": "save"}).status_code == 302
    assert drafted(town, kind) == in_force(town, kind)
    page = browser.get(f"{PAGES[kind]}publish/").content.decode()
    assert "The draft says what is in force already." in page


def test_a_brand_is_edited_and_published(served: Site, town: Town) -> None:
    from kundenkreis.site.models import AuditEntry

    browser = served.insider("de")
    data = form_of(browser.get(PAGES["brand"]).content.decode(), "editor")
    changed = data | {"f.name": "Lindenhof", "f.look.primary": "#112233", "f.tone.de": "Freundlich", "act": "save"}
    browser.post(PAGES["brand"], changed)
    page = browser.get("/settings/brand/publish/").content.decode()
    assert "Name: Kreisladen → Lindenhof" in page
    assert browser.post("/settings/brand/publish/").status_code == 302
    brand = in_force(town, "brand")
    assert (brand["name"], brand["look"], brand["tone"]) == ("Lindenhof", {"primary": "#112233"}, {"de": "Freundlich"})
    actions = list(AuditEntry.objects.order_by("id").values_list("action", "object_kind", "object_id"))
    assert actions[-2:] == [("changed", "settings", "brand:default"), ("published", "settings", "brand:default")]


def test_a_mistake_stands_at_its_field_and_is_not_published(served: Site, town: Town) -> None:
    browser = served.insider()
    data = form_of(browser.get(PAGES["brand"]).content.decode(), "editor")
    answer = browser.post(
        PAGES["brand"], data | {"f.sender_address": "nobody", "f.look.corners": "900", "act": "save"}, follow=True
    )
    html = answer.content.decode()
    assert 'value="nobody"' in html
    assert 'id="error-f.sender_address"' in html
    assert 'id="error-f.look.corners"' in html
    browser.post("/settings/brand/publish/")
    assert in_force(town, "brand")["sender_address"] == "hallo@kreisladen.example"


def test_the_sample_mail_speaks_as_the_unsaved_form_says(served: Site) -> None:
    browser = served.insider()
    data = form_of(browser.get(PAGES["brand"]).content.decode(), "editor")
    changed = data | {"f.look.primary": "#123456", "f.imprint.de": "Neue Straße 5"}
    answer = browser.post("/settings/brand/preview/", changed)
    html = answer.content.decode()
    assert "#123456" in html
    assert "Neue Straße 5" in html
    assert "sandbox" in answer.headers["Content-Security-Policy"]


def test_of_two_editors_the_second_is_told(served: Site) -> None:
    first, second = served.insider(), served.insider(role="admin")
    data = form_of(first.get(PAGES["brand"]).content.decode(), "editor") | {"act": "save"}
    assert first.post(PAGES["brand"], data).status_code == 302
    answer = second.post(PAGES["brand"], data | {"f.name": "Meins"})
    assert answer.status_code == 409
    page = answer.content.decode()
    assert "has saved this meanwhile." in page
    assert "<td>Kreisladen</td><td>Meins</td>" in page
    assert second.post(PAGES["brand"], form_of(page, "editor") | {"act": "save"}).status_code == 302


def test_contact_rules_read_in_plain_words(served: Site) -> None:
    german = served.insider("de").get(PAGES["policy"]).content.decode()
    assert "E-Mail: höchstens 1 Nachricht in 1 Tag" in german
    assert "Neuigkeiten und Angebote: Einwilligung" in german
    english = served.insider("en").get(PAGES["policy"]).content.decode()
    assert "E-mail (marketing): 21:00 to 07:00" in english


def test_a_limit_is_added_changed_and_taken_away(served: Site, town: Town) -> None:
    browser = served.insider()
    data = form_of(browser.get(PAGES["policy"]).content.decode(), "editor")
    count = len(in_force(town, "policy")["limits"])
    page = browser.post(PAGES["policy"], data | {"act": "row:f.limits"}).content.decode()
    longer = form_of(page, "editor")
    longer |= {
        f"f.limits.{count}.id": "sms_year",
        f"f.limits.{count}.at_most": "20",
        f"f.limits.{count}.per_hours": "8760",
    }
    longer |= {
        f"f.limits.{count}.channel": "sms",
        "f.limits.0.at_most": "2",
        f"f.limits.{count}.purposes:newsletter": "on",
    }
    page = browser.post(PAGES["policy"], longer | {"act": "remove:f.limits.1"}).content.decode()
    browser.post(PAGES["policy"], form_of(page, "editor") | {"act": "save"})
    before = in_force(town, "policy")["limits"]
    assert drafted(town, "policy")["limits"] == [
        before[0] | {"at_most": 2},
        *before[2:],
        {"id": "sms_year", "channel": "sms", "at_most": 20, "per_hours": 8760, "purposes": ["newsletter"]},
    ]
    page = browser.get("/settings/contact-rules/publish/").content.decode()
    assert "Limits · email day · At most: 1 → 2" in page
    browser.post("/settings/contact-rules/publish/")
    assert in_force(town, "policy")["limits"][0]["at_most"] == 2


def test_a_rule_that_cannot_be_meant_is_refused_at_its_field(served: Site) -> None:
    browser = served.insider()
    data = form_of(browser.get(PAGES["policy"]).content.decode(), "editor")
    page = browser.post(
        PAGES["policy"], data | {"f.quiet_hours.0.from": "25:00", "act": "row:f.purposes"}
    ).content.decode()
    assert 'id="error-f.quiet_hours.0.from"' in page
    assert 'value="25:00"' in page


def test_who_may_not_edit_reads(served: Site) -> None:
    browser = served.insider(role="marketing")
    assert "Save draft" not in browser.get(PAGES["policy"]).content.decode()
    assert browser.post(PAGES["policy"], {"act": "save"}).status_code == 403
    assert served.insider(role="viewer").get(PAGES["policy"]).status_code == 403
