"""Acts on many customers: chosen in the list, told before, sent once, audited for each, with doors to whom it concerned."""

import re
from collections.abc import Iterable

import pytest

from kundenkreis.site.customers_testing import (
    SAMPLE_CUSTOMER,
    SAMPLE_LINE,
    BulkActsInMemory,
    CustomersInMemory,
    make_line,
)
from kundenkreis.site.mounted import mounted
from kundenkreis.site.ports.bulk_acts import Change
from kundenkreis.site.ports.customer_acts import Actor
from kundenkreis.site.ports.customers import CustomerQuery
from tests.site.conftest import Site

pytestmark = pytest.mark.db


@pytest.fixture
def people(site: Site) -> CustomersInMemory:
    people = CustomersInMemory(
        [
            SAMPLE_LINE,
            make_line(9, "Maria Brandt"),
            make_line(10, "Jonas Weiß"),
            make_line(11, "Nora Lang", is_known=False),
        ],
        customers=[SAMPLE_CUSTOMER],
    )
    site.mount(customers=people)
    return people


def audited() -> list[tuple[str, str, object]]:
    from kundenkreis.site.models import AuditEntry

    entries = AuditEntry.objects.exclude(action="viewed").order_by("pk")
    return [(one.action, one.object_id, one.details.get("until") or one.details.get("fields")) for one in entries]


def token_of(html: str) -> str:
    found = re.search(r'name="token" value="([^"]+)"', html)
    assert found is not None
    return found[1]


def test_those_who_were_chosen_are_paused_once_however_often_the_form_is_sent(
    site: Site, people: CustomersInMemory
) -> None:
    browser = site.insider()
    path = "/customers/together/pause/?pick=7&pick=9"
    html = browser.get(path).content.decode()
    assert ("2 people" in html, "Pause marketing for 2 people" in html) == (True, True)
    form = {"until": "2026-12-01", "reason": "Streik", "token": token_of(html)}
    first, second = browser.post(path, form), browser.post(path, form)
    assert first["Location"] == second["Location"]
    assert [(act[0], act[1], act[-2], act[-1]) for act in people.acts] == [
        ("pause", 7, "the owner", "Streik"),
        ("pause", 9, "the owner", "Streik"),
    ]
    assert audited() == [("paused", "7", "2026-12-01"), ("paused", "9", "2026-12-01")]
    outcome = browser.get(first["Location"]).content.decode()
    bulk_id = first["Location"].split("/")[3]
    assert f'href="/customers/?figure=bulk.{bulk_id}.done" data-figure="bulk.{bulk_id}.done" data-value="2"' in outcome
    assert f"/customers/together/resume/?everybody=1&amp;figure=bulk.{bulk_id}.done" in outcome


def test_same_form_of_somebody_else_is_another_act(site: Site, people: CustomersInMemory) -> None:
    path, form = "/customers/together/resume/?pick=7", {"reason": "x", "token": "the same"}
    first = site.insider().post(path, form)
    second = site.insider(role="sales").post(path, form)
    assert first["Location"] != second["Location"]
    assert [act[:3] for act in people.acts] == [("resume", 7, "the owner"), ("resume", 7, "the sales")]


def test_everybody_who_matches_is_meant_with_the_box_for_it(site: Site, people: CustomersInMemory) -> None:
    answer = site.insider().post("/customers/together/set/?pick=7&everybody=1&q=bra", {
        "name": "city", "value": "Fürth", "reason": "Eingemeindung", "token": "a",
    })  # fmt: skip
    assert answer.status_code == 302
    assert [act[:4] for act in people.acts] == [("correct", 7, "city", "Fürth"), ("correct", 9, "city", "Fürth")]
    assert audited() == [("changed", "7", ["city"]), ("changed", "9", ["city"])]


def test_without_anybody_chosen_nothing_is_asked(site: Site, people: CustomersInMemory) -> None:
    for query in ("", "?phase=loyalty", "?pick=nonsense"):
        answer = site.insider().post(f"/customers/together/resume/{query}", {"reason": "x", "token": "a"})
        assert answer["Location"] == "/customers/"
    assert people.acts == []


def test_form_keeps_what_was_typed_and_says_what_is_wrong(site: Site, people: CustomersInMemory) -> None:
    browser = site.insider()
    answer = browser.post(
        "/customers/together/set/?pick=7", {"name": "+", "new": "email", "value": "<b>", "reason": ""}
    )
    html = answer.content.decode()
    assert (answer.status_code, people.acts) == (422, [])
    assert 'value="&lt;b&gt;"' in html
    assert "This name is taken by a value that belongs to one person" in html
    assert "Say why; it stands in the timeline." in html
    answer = browser.post("/customers/together/pause/?pick=7", {"until": "2027-12-01", "reason": "Streik"})
    assert (answer.status_code, 'value="Streik"' in answer.content.decode()) == (422, True)


@pytest.mark.parametrize("name", ["email", "firstName", "phone", "consent_email", ""])
def test_values_of_one_person_are_never_set_for_many(site: Site, people: CustomersInMemory, name: str) -> None:
    for fields in ({"name": name}, {"name": "+", "new": name}):
        answer = site.insider().post("/customers/together/set/?pick=7", {**fields, "value": "x", "reason": "y"})
        assert (answer.status_code, people.acts) == (422, [])


def test_new_value_is_given_to_everybody(site: Site, people: CustomersInMemory) -> None:
    form = {"name": "+", "new": "fair_2026", "value": "Stand 7", "reason": "Messe", "token": "a"}
    site.insider().post("/customers/together/set/?pick=7&pick=10", form)
    assert [act[1:4] for act in people.acts] == [(7, "fair_2026", "Stand 7"), (10, "fair_2026", "Stand 7")]


def test_numbers_are_looked_at_again_without_doing_anything(site: Site, people: CustomersInMemory) -> None:
    form = {"until": "2026-12-24", "reason": "", "look": "1", "token": "a"}
    answer = site.insider().post("/customers/together/pause/?pick=7", form)
    html = answer.content.decode()
    assert (answer.status_code, people.acts, audited()) == (200, [], [])
    assert "hears nothing promotional until" in html
    assert token_of(html) == "a"


def test_more_than_the_limit_are_refused(site: Site, people: CustomersInMemory) -> None:
    many = CustomersInMemory(make_line(number, f"Person {number}") for number in range(1, 10_002))
    site.mount(customers=many)
    browser = site.insider()
    html = browser.get("/customers/together/resume/?everybody=1").content.decode()
    assert "These are about 10,001 people; at most 10,000 can be changed together." in html
    assert 'class="primary"' not in html
    answer = browser.post("/customers/together/resume/?everybody=1", {"reason": "x", "token": "a"})
    html = browser.get(answer["Location"]).content.decode()
    assert "Nobody was changed: these are more than 10,000 people." in html
    assert (many.acts, audited()) == ([], [])


def test_chosen_people_alone_are_exported(site: Site, people: CustomersInMemory) -> None:
    lines = (
        b"".join(_stream(site.insider().get("/customers/export/?pick=9&pick=11&column=city")))
        .decode("utf-8-sig")
        .split("\r\n")
    )
    assert [line.split(";")[0] for line in lines] == ["Name", "Maria Brandt", "Nora Lang", ""]


def _stream(answer: object) -> Iterable[bytes]:
    return answer.streaming_content  # type: ignore[attr-defined]  # Django types the test client's answer as its common base


def test_what_nobody_works_on_goes_on_by_a_button(site: Site, people: CustomersInMemory) -> None:
    browser = site.insider()
    from kundenkreis.site.models import Account

    bulk = mounted().sources.bulk_acts
    assert isinstance(bulk, BulkActsInMemory)
    owner = Account.objects.get(username="the owner")
    bulk.begin("0a", Change(act="resume"), Actor(name="the owner", reason="x"), account_id=owner.pk)
    bulk.gather("0a", CustomerQuery())
    bulk.rest("0a")
    assert "/customers/together/0a/go-on/" in browser.get("/customers/together/0a/").content.decode()
    browser.post("/customers/together/0a/go-on/")
    assert [act[1] for act in people.acts] == [7, 9, 10]
    html = browser.get("/customers/together/0a/").content.decode()
    assert "Done. Every page shows it." in html


def test_next_process_takes_up_what_the_last_one_left(
    site: Site, people: CustomersInMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kundenkreis.site import bulk_runner
    from kundenkreis.site.models import Account

    bulk = mounted().sources.bulk_acts
    assert isinstance(bulk, BulkActsInMemory)
    site.insider()
    owner = Account.objects.get(username="the owner")
    for bulk_id in ("0a", "0b"):
        bulk.begin(bulk_id, Change(act="resume"), Actor(name="the owner", reason="x"), account_id=owner.pk)
    bulk.gather("0a", CustomerQuery())
    # Whoever died holds them still when the next process looks first.
    monkeypatch.setattr(bulk_runner.time, "sleep", lambda seconds: [bulk.rest("0a"), bulk.rest("0b")])
    bulk_runner._take_up()
    assert [act[1] for act in people.acts] == [7, 9, 10]
    assert [act.state for one in ("0a", "0b") if (act := bulk.find(one))] == ["done", "stopped"]


def test_whoever_may_no_longer_has_their_act_stopped(site: Site, people: CustomersInMemory) -> None:
    browser = site.insider()
    from kundenkreis.site.models import Account

    bulk = mounted().sources.bulk_acts
    assert isinstance(bulk, BulkActsInMemory)
    gone = Account.objects.create(username="gone", role="sales", is_active=False)
    bulk.begin("0a", Change(act="resume"), Actor(name="gone", reason="x"), account_id=gone.pk)
    bulk.gather("0a", CustomerQuery())
    bulk.rest("0a")
    browser.post("/customers/together/0a/go-on/")
    assert people.acts == []
    assert "It ended before everybody was changed." in browser.get("/customers/together/0a/").content.decode()


def test_roles_see_what_they_may_do(site: Site, people: CustomersInMemory) -> None:
    wanted = {
        "owner": ["pause", "resume", "set", "export"],
        "marketing": ["pause", "resume", "set", "export"],
        "sales": ["pause", "resume", "set"],
        "viewer": [],
    }
    for role, acts in wanted.items():
        html = site.insider(role=role).get("/customers/").content.decode()
        form = html.partition('id="selection"')[2].partition("</form>")[0]
        found = re.findall(r'formaction="/customers/(?:together/)?(\w+)/"', form)
        assert (found, 'name="pick"' in html) == (acts, bool(acts))
