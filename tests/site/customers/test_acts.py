"""Acts on one customer: each asks why, keeps what was typed, says what is wrong at the field, and is audited."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from kundenkreis.kernel.zones import from_datetime
from kundenkreis.site.customers_testing import (
    SAMPLE_CUSTOMER,
    SAMPLE_LINE,
    SAMPLE_PLANNED,
    CustomersInMemory,
    make_line,
)
from kundenkreis.site.mounted import mounted
from kundenkreis.site.ports.customers import CustomerQuery
from tests.runtime.town import Town
from tests.site.conftest import Site

pytestmark = pytest.mark.db

People = Callable[[], CustomersInMemory]


@pytest.fixture
def people(site: Site) -> CustomersInMemory:
    customer = replace(SAMPLE_CUSTOMER, planned=(SAMPLE_PLANNED,))
    people = CustomersInMemory([SAMPLE_LINE, make_line(9, "Maria Brandt")], customers=[customer])
    site.mount(customers=people)
    return people


_before: list[int] = []
"""How many entries the audit log had before this test: it is never emptied."""


def audited() -> list[tuple[str, str, str, dict[str, object]]]:
    return [entry for entry in _entries() if entry[0] != "viewed"]


def _entries() -> list[tuple[str, str, str, dict[str, object]]]:
    from kundenkreis.site.models import AuditEntry

    entries = AuditEntry.objects.order_by("pk")[_before[-1] :]
    return [(one.action, one.object_kind, one.object_id, one.details) for one in entries]


@pytest.fixture(autouse=True)
def _count_entries(site: Site) -> None:
    from kundenkreis.site.models import AuditEntry

    _before[:] = [AuditEntry.objects.count()]


def test_value_is_corrected_with_its_reason(site: Site, people: CustomersInMemory) -> None:
    answer = site.insider().post("/customers/7/correct/", {"name": "firstName", "value": "Maria", "reason": "Anruf"})
    assert answer["Location"] == "/customers/7/?tab=profile"
    assert people.acts == [("correct", 7, "firstName", "Maria", "the owner", "Anruf")]
    assert audited() == [("changed", "customer", "7", {"fields": ["firstName"]})]


def test_correction_without_a_reason_keeps_what_was_typed(site: Site, people: CustomersInMemory) -> None:
    answer = site.insider().post("/customers/7/correct/", {"name": "firstName", "value": "Maria <3", "reason": " "})
    html = answer.content.decode()
    assert (answer.status_code, people.acts, audited()) == (422, [], [])
    assert 'value="Maria &lt;3"' in html
    assert "Say why; it stands in the timeline." in html


@pytest.mark.parametrize(
    ("value", "said"),
    [("nonsense", "This is no e-mail address."), ("marie.brandt@example.com", "That is what stands there already.")],
)
def test_wrong_value_is_refused_at_the_field(site: Site, people: CustomersInMemory, value: str, said: str) -> None:
    answer = site.insider().post("/customers/7/correct/", {"name": "email", "value": value, "reason": "Anruf"})
    assert (answer.status_code, people.acts) == (422, [])
    assert said in answer.content.decode()


@pytest.mark.parametrize("name", ["", "nothing", "__proto__", "consent"])
def test_only_values_of_the_profile_are_corrected(site: Site, people: CustomersInMemory, name: str) -> None:
    answer = site.insider().post("/customers/7/correct/", {"name": name, "value": "x", "reason": "Anruf"})
    assert (answer.status_code, people.acts) == (404, [])


def test_special_category_is_seen_and_corrected_by_those_alone_who_may_see_it(served: Site, town: Town) -> None:
    for user, faith in (("u1", "Quaker"), ("u2", "Shaker")):
        town.send("identify", userId=user, traits={"email": f"{user}@example.com", "religion": faith})
    town.run()
    kept, joined = (
        mounted().sources.customers.find_customers(CustomerQuery(text=user)).lines[0].profile_id
        for user in ("u1", "u2")
    )
    profile, correct = f"/customers/{kept}/?tab=profile", f"/customers/{kept}/correct/?name=religion"
    looks = [profile, correct, f"/customers/{kept}/merge/?with={joined}"]
    told = {}
    for role in ("owner", "service"):
        answers = [served.insider(role=role).get(path) for path in looks]
        html = [answer.content.decode() for answer in answers]
        told[role] = [answer.status_code for answer in answers], ["aker" in page for page in html], correct in html[0]
    assert told == {
        "owner": ([200, 200, 200], [True, True, True], True),
        "service": ([200, 404, 200], [False, False, False], False),
    }
    sent = {"name": "religion", "value": "none", "reason": "asked"}
    assert served.insider(role="service").post(correct, sent).status_code == 404


def test_pause_until_a_day_of_the_installation(site: Site, people: CustomersInMemory) -> None:
    site.insider().post("/customers/7/pause/", {"until": "2026-12-01", "reason": "Trauerfall"})
    start = datetime(2026, 12, 1, tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)
    assert people.acts == [("pause", 7, from_datetime(start), "the owner", "Trauerfall")]
    assert audited() == [("paused", "customer", "7", {"until": "2026-12-01"})]


@pytest.mark.parametrize("until", ["", "yesterday", "2026-11-18", "2026-02-30", "2027-02-17", "9999-99-99"])
def test_pause_has_an_end_within_90_days(site: Site, people: CustomersInMemory, until: str) -> None:
    answer = site.insider().post("/customers/7/pause/", {"until": until, "reason": "Umzug"})
    assert (answer.status_code, people.acts) == (422, [])
    assert 'value="Umzug"' in answer.content.decode()


def test_pause_is_lifted_by_a_button_that_shows_only_then(site: Site, people: CustomersInMemory) -> None:
    assert "/customers/7/resume/" not in site.insider().get("/customers/7/").content.decode()
    site.insider().post("/customers/7/resume/")
    assert people.acts == [("resume", 7, "the owner", "")]
    assert audited() == [("resumed", "customer", "7", {})]
    paused = replace(SAMPLE_CUSTOMER, paused_until_us=site.now_us + 1, pause_reason="Umzug")
    site.mount(customers=CustomersInMemory(customers=[paused]))
    html = site.insider().get("/customers/7/").content.decode()
    assert "/customers/7/resume/" in html
    assert "Umzug" in html


def test_planned_message_is_stopped(site: Site, people: CustomersInMemory) -> None:
    browser = site.insider()
    assert "/customers/7/stop/0a/" in browser.get("/customers/7/").content.decode()
    assert browser.post("/customers/7/stop/0a/", {"reason": ""}).status_code == 422
    browser.post("/customers/7/stop/0a/", {"reason": "hat angerufen"})
    assert people.acts == [("stop", 7, "0a", "the owner", "hat angerufen")]
    assert audited() == [("stopped", "message", "0a", {"customer": 7})]
    assert browser.post("/customers/7/stop/0b/", {"reason": "x"}).status_code == 404


def test_merge_is_looked_at_before_it_is_done(site: Site, people: CustomersInMemory) -> None:
    browser = site.insider()
    html = browser.get("/customers/7/merge/?q=maria").content.decode()
    assert "?with=9" in html
    assert "?with=7" not in html
    html = browser.get("/customers/7/merge/?with=9").content.decode()
    assert "What the two become" in html
    assert people.acts == []
    assert browser.post("/customers/7/merge/", {"with": "9", "reason": ""}).status_code == 422
    browser.post("/customers/7/merge/", {"with": "9", "reason": "dieselbe Adresse"})
    assert people.acts == [("merge", 7, 9, "the owner", "dieselbe Adresse")]
    assert audited() == [("merged", "customer", "7", {"joined": 9})]


@pytest.mark.parametrize("other", ["7", "8", "x", "9" * 40, "-1"])
def test_nobody_is_joined_with_nobody(site: Site, people: CustomersInMemory, other: str) -> None:
    answer = site.insider().post("/customers/7/merge/", {"with": other, "reason": "x"})
    assert (answer.status_code, people.acts) == (422, [])


def test_number_that_no_store_takes_is_nobodys(served: Site, town: Town) -> None:
    town.send("identify", userId="u1", traits={"email": "u1@example.com"})
    town.run()
    found = mounted().sources.customers.find_customers(CustomerQuery(text="u1")).lines[0].profile_id
    browser, beyond = served.insider(), 1 << 63
    statuses = {
        path: browser.get(path).status_code
        for path in (
            f"/customers/{beyond}/", f"/journeys/welcome/people/{beyond}/", f"/customers/{found}/merge/?with={beyond}",
            f"/contents/welcome_hello/preview/?shown=de/du&person={beyond}",
        )
    }  # fmt: skip
    assert list(statuses.values()) == [404, 404, 422, 200]


def test_a_link_changes_nothing(site: Site, people: CustomersInMemory) -> None:
    browser = site.insider()
    for path in (
        "correct/?name=firstName&value=x&reason=y",
        "pause/?until=2026-12-01&reason=y",
        "stop/0a/?reason=y",
        "merge/?with=9&reason=y",
        "resume/",
    ):
        browser.get(f"/customers/7/{path}")
    assert people.acts == []


def test_roles_without_the_right_see_no_buttons(site: Site, people: CustomersInMemory) -> None:
    html = site.insider(role="viewer").get("/customers/7/?tab=profile").content.decode()
    assert [path for path in ("/pause/", "/merge/", "/correct/", "/stop/") if path in html] == []
    html = site.insider(role="marketing").get("/customers/7/?tab=profile").content.decode()
    assert [path for path in ("/pause/", "/merge/", "/correct/", "/stop/") if path in html] == [
        "/pause/",
        "/correct/",
        "/stop/",
    ]


def test_looking_is_audited_once(site: Site, people: CustomersInMemory) -> None:
    browser = site.insider()
    browser.get("/customers/7/")
    browser.get("/customers/7/?tab=profile")
    assert _entries() == [("viewed", "customer", "7", {})]
