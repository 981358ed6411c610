"""Special categories (Art. 9 GDPR) are hidden wherever they could be read, searched by or counted, not only in a profile's fields."""

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from kundenkreis.runtime.drafts import StoredDrafts
from tests.runtime.town import Town
from tests.site.api.conftest import ask, make_key
from tests.site.conftest import Site
from tests.site.editing import form_of

if TYPE_CHECKING:
    from django.test import Client

pytestmark = pytest.mark.db

CANARIES = ("quaker-canary", "nuts-canary", "asthma-canary", "torn-canary")
BY_RELIGION = {"attribute": {"name": "religion", "op": "equals", "value": "quaker-canary"}}
BY_ALLERGY = {"attribute": {"name": "Health.allergy", "op": "equals", "value": "nuts-canary"}}
BY_PROPERTY = {
    "event": {"name": "Form Sent", "where": [{"property": "health", "op": "equals", "value": "asthma-canary"}]},
}  # fmt: skip
BY_CITY = {"attribute": {"name": "city", "op": "equals", "value": "Bern"}}
MARKETING = "marketing"


@pytest.fixture
def people(served: Site, town: Town) -> Site:
    town.send(
        "identify", userId="u1",
        traits={"email": "u1@example.com", "religion": "quaker-canary", "city": "Bern", "Health": {"allergy": "nuts-canary"}},
    )  # fmt: skip
    town.send("identify", userId="u2", traits={"email": "u2@example.com", "city": "Bern"})
    town.send("track", userId="u1", event="Form Sent", properties={"health": "asthma-canary", "page": "sign-up"})
    town.send("track", userId="u1", properties={"health": "torn-canary"})  # has no name: set aside
    town.run()
    return served


def profile_id(town: Town) -> int:
    with town.installation.store.reading() as tx:
        return int(tx.rows("SELECT profile_id FROM identifiers WHERE value = 'u1'")[0][0])


def listed(page: str) -> int:
    """How many people a list shows."""
    return len(set(re.findall(r'href="/customers/(\d+)/"', page)))


def told(browser: "Client", *paths: str) -> set[str]:
    """The canaries that these pages sing of."""
    html = "".join(browser.get(path).content.decode() for path in paths)
    return {one for one in CANARIES if one in html}


def test_raw_events_hide_them_and_nothing_else(people: Site, town: Town) -> None:
    with town.installation.store.reading() as tx:
        numbers = [row[0] for row in tx.rows("SELECT number FROM log ORDER BY number")]
    pages = [*(f"/events/{number}/" for number in numbers), "/events/quarantine/"]
    assert told(people.insider(), *pages) == set(CANARIES)
    browser = people.insider(role=MARKETING)
    assert told(browser, *pages) == set()
    whole = "".join(browser.get(page).content.decode() for page in pages)
    assert ("sign-up" in whole, "u1@example.com" in whole) == (True, True)


def test_what_lies_inside_one_is_hidden_in_the_profile_too(people: Site, town: Town) -> None:
    pages = [f"/customers/{profile_id(town)}/?tab=profile", "/customers/?columns=Health.allergy&columns=religion"]
    assert told(people.insider(), pages[0]) == {"quaker-canary", "nuts-canary"}
    assert told(people.insider(role=MARKETING), *pages) == set()


@pytest.mark.parametrize("condition", [BY_RELIGION, BY_ALLERGY, {"not": BY_RELIGION}, {"all": [BY_CITY, BY_ALLERGY]}])
def test_the_list_is_not_narrowed_by_them(people: Site, condition: dict[str, Any]) -> None:
    path = f"/customers/?if={json.dumps(condition)}"
    everybody, some = (people.insider().get(one).content.decode() for one in ("/customers/", path))
    assert (listed(everybody), listed(some)) == (2, 1)
    seen = people.insider(role=MARKETING).get(path).content.decode()
    assert listed(seen) == 2


def test_a_filter_that_asks_for_them_is_for_those_who_may(people: Site) -> None:
    owner = people.insider()
    saved = owner.post(
        "/customers/filters/", {"name": "Quakers", "csrf": ""}, QUERY_STRING=f"if={json.dumps(BY_RELIGION)}"
    )
    path = saved["Location"]
    assert "Quakers" in owner.get("/customers/").content.decode()
    browser = people.insider(role=MARKETING)
    assert "Quakers" not in browser.get("/customers/").content.decode()
    assert listed(browser.get(path).content.decode()) == 2


def test_the_builder_counts_nobody_by_them(people: Site) -> None:
    data = {
        "c.kind": "attribute", "c.attribute.name": "religion", "c.attribute.op": "equals", "c.attribute.value": "quaker-canary",
    }  # fmt: skip
    hidden = "it asks for a special category of personal data"
    for extra in ({}, {"exact": "1"}):
        page = people.insider(role=MARKETING).post("/segments/estimate/", data | extra).content.decode()
        assert (hidden in page, "big-figure" in page) == (True, False)
    assert 'class="big-figure">1<' in people.insider().post("/segments/estimate/", data).content.decode()
    city = data | {"c.attribute.name": "city", "c.attribute.value": "Bern"}
    assert 'class="big-figure">2<' in people.insider(role=MARKETING).post("/segments/estimate/", city).content.decode()


def test_who_may_not_see_them_writes_no_condition_that_asks_for_them(people: Site, town: Town) -> None:
    fields = {
        "name_en": "Quakers", "name_de": "Quäker", "c.0.kind": "attribute", "c.0.attribute.name": "religion", "c.0.attribute.op": "equals",
        "c.0.attribute.value": "quaker-canary", "act": "save",
    }  # fmt: skip
    browser, owner = people.insider(role=MARKETING), people.insider()
    form = form_of(browser.get("/segments/new/").content.decode(), "builder") | fields
    answer = browser.post("/segments/new/", form)
    page = answer.content.decode()
    assert (answer.status_code, "special category of personal data (religion)" in page) == (422, True)
    assert ('value="quaker-canary"' in page, StoredDrafts(town.installation.store).every("segment")) == (True, ())
    there = owner.post("/segments/new/", form)["Location"]
    owner.post("/segments/quakers/publish/", {})
    renamed = form_of(browser.get(there).content.decode(), "builder") | {"name_en": "Friends", "act": "save"}
    assert browser.post(there, renamed).status_code == 302, "what somebody else decided on can be gone on with"


def test_files_bring_none_in_either(people: Site, town: Town) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    text = (
        "kind: segment\nid: quakers\nname: {de: Q, en: Q}\nwhen:\n  attribute: {name: religion, op: equals, value: x}\n"
    )
    for role, status in (("admin", 422), ("owner", 200)):
        sent = {"file": SimpleUploadedFile("quakers.yaml", text.encode())}
        answer = people.insider(role=role).post("/settings/definitions/", sent)
        said = "special category of personal data (religion)" in answer.content.decode()
        assert (answer.status_code, said) == (status, status == 422)


def test_api_keys_ask_for_what_they_may_see(people: Site) -> None:
    estimate = "segments/estimate"
    counting = make_key(scopes=["segments.edit"])
    seeing = make_key(scopes=["segments.edit", "customers.see", "personal.see"])
    everything = make_key(scopes=["segments.edit", "customers.see", "personal.see", "personal.sensitive"])

    def status(key: str, condition: dict[str, Any]) -> int:
        return int(ask(people, key, "POST", estimate, {"condition": condition}).status_code)

    phase = {"phase": {"is": "loyalty"}}
    assert [status(counting, one) for one in (phase, BY_CITY, BY_RELIGION)] == [200, 403, 403]
    assert [status(seeing, one) for one in (phase, BY_CITY, BY_RELIGION, BY_ALLERGY)] == [200, 200, 403, 403]
    assert [status(everything, one) for one in (BY_CITY, BY_RELIGION, BY_PROPERTY)] == [200, 200, 200]
    asked = {"condition": BY_RELIGION}
    assert ask(people, seeing, "POST", "customers/query", asked).status_code == 403
    segment = {"document": {"name": {"en": "Q"}, "when": BY_RELIGION}}
    answer = ask(people, seeing, "PUT", "drafts/segment/quakers", segment, if_match='"0"')
    assert (answer.status_code, answer.json()["code"]) == (422, "special_category")


def test_previews_leave_them_out(people: Site, town: Town) -> None:
    for browser, sung in (
        (people.insider(), {"quaker-canary", "nuts-canary"}),
        (people.insider(role=MARKETING), set()),
    ):
        data = form_of(browser.get("/contents/welcome_hello/edit/").content.decode(), "editor")
        data["v.de.b.0.text"] = "{{ customer.city }} {{ customer.religion }} {{ customer.Health.allergy }}"
        asked = data | {"shown": "de", "person": str(profile_id(town)), "view": "text"}
        text = browser.post("/contents/welcome_hello/preview/", asked).content.decode()
        assert ("Bern" in text, {one for one in CANARIES if one in text}) == (True, sung)
