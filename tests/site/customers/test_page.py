"""The page of one customer: the head, permission with its proof, why a message did not come, masking, "Why?"."""

import re
from dataclasses import replace

import pytest

from kundenkreis.site.customers_testing import SAMPLE_CUSTOMER, SAMPLE_LINE, CustomersInMemory
from kundenkreis.site.ports.customer import (
    PlannedMessage,
    SituationNow,
    Stay,
    TimelineEntry,
    TimelineMessage,
)
from kundenkreis.site.ports.customers import Amount, Named, Words
from kundenkreis.site.ports.messages import Reason
from kundenkreis.site.testing import SAMPLE_VERDICT
from tests.site.conftest import NOW_US, Site

pytestmark = pytest.mark.db

HOUR_US = 3_600_000_000
WELCOME = Named(id="welcome", name=Words(de="Willkommen", en="Welcome"))


def event(name: str, **fields: object) -> TimelineEntry:
    entry = TimelineEntry(
        key="e1", at_us=NOW_US - HOUR_US, part="orders", name=name, facts={}, amount=None, named=None, source="shop",
        actor="", reason="", message=None,
    )  # fmt: skip
    return replace(entry, **fields)  # type: ignore[arg-type]  # fields by name


def message(outcome: str, *reasons: Reason) -> TimelineEntry:
    verdict = replace(
        SAMPLE_VERDICT, outcome=outcome, reasons=reasons or SAMPLE_VERDICT.reasons, at_us=NOW_US - HOUR_US
    )
    told = TimelineMessage(
        message_id="0a", content=WELCOME, channel="email", journey=WELCOME, subject="Hello" if not reasons else "",
        verdicts=(verdict,), fate=(),
    )  # fmt: skip
    return event(outcome, part="messages", message=told, named=WELCOME)


def show(
    site: Site,
    *entries: TimelineEntry,
    path: str = "/customers/7/",
    role: str = "owner",
    language: str = "en",
    **changes: object,
) -> str:
    person = replace(SAMPLE_CUSTOMER, **changes)  # type: ignore[arg-type]  # fields by name
    site.mount(customers=CustomersInMemory([SAMPLE_LINE], customers=[person], entries=entries))
    return site.insider(language, role=role).get(path).content.decode()


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_head_says_who_may_and_what_comes(site: Site) -> None:
    late = Named(id="late", name=Words(de="Lieferung verspätet", en="delivery late"))
    planned = PlannedMessage(
        message_id="0a", content=WELCOME, channel="email", message_class="marketing", journey=WELCOME,
        due_us=NOW_US + 24 * HOUR_US, is_waiting=False, in_hand_over=False,
    )  # fmt: skip
    situation = SituationNow(named=late, since_us=NOW_US - 72 * HOUR_US, keys=("4711",), rests_until_us=None)
    text = words(show(site, planned=(planned,), situations=(situation,), contact_person="Ida Beispiel"))
    assert (
        "Marie Brandt Customer Loyalty No. hh-7 marie.brandt@example.com +49 911 1234567 Nürnberg, Germany German since"
        in text
    )
    assert "Situation delivery late 3 days ago · 4711" in text
    assert "E-mail yes consent since" in text
    assert "Newsletter : consent since" in text
    assert "Consent confirmed · " in text
    assert "Call no Newsletter : No legal basis for call: no consent." in text
    assert "Contact person Ida Beispiel" in text
    assert "Coming next Welcome in 1 day · e-mail" in text


def test_withheld_message_is_explained_in_a_sentence(site: Site) -> None:
    reason = Reason(
        rule_id="situation", passed=False, detail=("complaint", NOW_US, ["4711"], "Reklamation", "open complaint")
    )
    text = words(show(site, message("withheld", reason)))
    assert "Marie Brandt did not get this message: Held: open complaint, since 18 November 2026 12:06 (4711)." in text
    text = words(show(site, message("withheld", reason), language="de"))
    assert "Marie Brandt hat diese Nachricht nicht bekommen: Zurückgehalten: Reklamation" in text


def test_message_leads_to_its_decision(site: Site) -> None:
    html = show(site, message("handed_over"))
    assert '<a href="/messages/0a/">Welcome</a>' in html
    assert "did not get this message" not in words(html)


def test_amounts_are_exact_and_in_the_currency_of_the_data(site: Site) -> None:
    order = event("Order Completed", facts={"order_id": "4711"}, amount=Amount(minor=123456789, currency="EUR"))
    assert "€1,234,567.89" in show(site, order)
    assert "1.234.567,89\xa0€" in show(site, order, language="de")
    assert "¥500" in show(site, event("Order Completed", amount=Amount(minor=500, currency="JPY")))


def test_viewer_sees_masked_values(site: Site) -> None:
    for tab in ("", "?tab=profile", "?tab=consent", "?tab=orders", "?tab=circle"):
        html = show(
            site,
            event("Case Opened", part="service", facts={"subject": "Secret"}),
            path=f"/customers/7/{tab}",
            role="viewer",
        )
        assert [
            word for word in ("Marie", "Brandt", "marie.brandt", "1234567", "Nürnberg", "Secret") if word in html
        ] == []
        assert "M. B." in html


def test_every_tab_is_reached_and_says_what_it_is_when_empty(site: Site) -> None:
    bare = {
        "values": (),
        "orders": (),
        "rhythm": replace(SAMPLE_CUSTOMER.rhythm, order_count=0, sales=(), average=None),
    }
    assert "No values yet" in show(site, path="/customers/7/?tab=profile", **bare)
    assert "No orders yet" in show(site, path="/customers/7/?tab=orders", **bare)
    assert "No consent on record" in show(site, path="/customers/7/?tab=consent")
    assert "In no phase yet." in show(site, path="/customers/7/?tab=circle")
    assert "Nothing here" in show(site)


def test_value_stands_with_its_source(site: Site) -> None:
    text = words(show(site, path="/customers/7/?tab=profile"))
    assert "First name Marie shop" in text


def test_phase_history_tells_its_reason(site: Site) -> None:
    tree = {
        "kind": "all", "holds": True, "parts": [
            {"kind": "trait", "holds": True, "config": {"name": "order_count", "op": ">=", "value": 2}, "found": {"value": 5}},
        ],
    }  # fmt: skip
    stay = Stay(
        kind="phase", named=Named(id="loyalty", name=Words(de="Bindung", en="Loyalty")), from_us=NOW_US, until_us=None,
        reason=tree, cause=None, is_published=False,
    )  # fmt: skip
    text = words(show(site, path="/customers/7/?tab=circle", phases=(stay,)))
    assert "18 Nov 2026 – today because time passed Why? holds Number of orders is at least 2 here: 5" in text


def test_a_consent_that_grants_nothing_says_so(site: Site) -> None:
    idle = event("Consent Confirmed", facts={"channel": "email", "idle": "evidence"})
    assert "Grants nothing: the wording or the proof is missing." in words(show(site, idle))
    assert "Erlaubt nichts: Der Wortlaut oder der Nachweis fehlt." in words(show(site, idle, language="de"))


def test_timeline_goes_on_without_a_new_page(site: Site) -> None:
    entries = [event("Order Completed", key=f"e{n}", facts={"order_id": str(n)}) for n in range(60)]
    html = show(site, *entries)
    following = re.search(r'hx-get="([^"]+)"', html)
    assert following is not None
    path = following[1].replace("&amp;", "&")
    browser = site.insider()
    part = browser.get(path, headers={"HX-Request": "true"}).content.decode()
    assert re.findall(r"#(\d+)", words(part)) == [str(n) for n in range(25, 50)]
    assert "<html" not in part
    assert browser.get(path)["Location"] == "/customers/7/?part=all&cursor=25"


def test_why_page_answers_with_reasons(site: Site) -> None:
    answer = {
        "answer": True, "history": [],
        "reason": {"kind": "event", "holds": True, "config": {"name": "Order Completed", "count": {"at_least": 12}, "within_days": 90},
                   "found": {"count": 14, "last_us": NOW_US}},
    }  # fmt: skip
    people = CustomersInMemory(customers=[SAMPLE_CUSTOMER], answers={(7, "segment", "regulars"): answer})
    site.mount(customers=people)
    text = words(site.insider().get("/customers/7/why/segment/regulars/").content.decode())
    assert "Marie Brandt is in the segment regulars" in text
    assert "Order completed at least 12 times in the last 90 days here: 14 times, last on 18 Nov 2026" in text
    assert site.insider().get("/customers/7/why/segment/nothing/").status_code == 404
    assert site.insider().get("/customers/7/why/secret/regulars/").status_code == 404


@pytest.mark.parametrize(
    ("role", "name", "shown"),
    [
        ("owner", "religion", "“Quaker”"), ("service", "religion", "•••"), ("service", "hobby", "“Quaker”"),
        ("viewer", "hobby", "•••"),
    ],
)  # fmt: skip
def test_value_that_a_condition_found_is_masked_as_on_the_profile(site: Site, role: str, name: str, shown: str) -> None:
    reason = {
        "kind": "attribute", "holds": True, "config": {"name": name, "op": "exists"}, "found": {"value": "Quaker"},
    }  # fmt: skip
    stay = Stay(kind="segment", named=WELCOME, from_us=0, until_us=None, cause=None, reason=reason, is_published=False)
    told = words(show(site, role=role, path="/customers/7/?tab=circle", phases=(replace(stay, kind="phase"),)))
    assert f"here: {shown}" in told


@pytest.mark.parametrize("huge", [1e300, 10**300])
def test_huge_value_in_a_reason_is_told_by_its_magnitude(site: Site, huge: float) -> None:
    condition = {"name": "points", "op": ">=", "value": huge}
    reason = {"kind": "attribute", "holds": True, "config": condition, "found": {"value": huge}}
    stay = Stay(kind="phase", named=WELCOME, from_us=0, until_us=None, cause=None, reason=reason, is_published=False)
    told = words(show(site, path="/customers/7/?tab=circle", phases=(stay,)))
    assert "points is at least 1.00E300 here: 1.00E300" in told


@pytest.mark.parametrize(("role", "shown"), [("owner", "Quaker"), ("service", "•••")])
def test_corrected_special_category_is_masked_in_the_timeline(site: Site, role: str, shown: str) -> None:
    corrected = event("Attribute Set", part="data", facts={"name": "religion", "value": "Quaker"})
    assert f"religion corrected {shown}" in words(show(site, corrected, role=role))


def test_nobody_of_this_number_is_a_page_of_ours(site: Site) -> None:
    assert site.insider().get("/customers/9/").status_code == 404


@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", "{{ 7*7 }}", '"><img src=x onerror=alert(1)>'])
def test_hostile_values_stay_text(site: Site, hostile: str) -> None:
    html = show(
        site, event("Case Opened", part="service", facts={"subject": hostile}, source=hostile), name=hostile, city=hostile,
        contact_person=hostile, pause_reason=hostile, paused_until_us=NOW_US + HOUR_US,
    )  # fmt: skip
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert ">49<" not in html
