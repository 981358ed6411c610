"""The list of customers: search, quick filters, conditions, saved filters, columns, export that no spreadsheet runs."""

import json
import re
from collections.abc import Callable
from urllib.parse import urlencode

import pytest

from kundenkreis.site.customers_testing import CustomersInMemory, make_line
from tests.site.conftest import Site

pytestmark = pytest.mark.db

PEOPLE = [make_line(n, name, seen_us=n) for n, name in enumerate(("Anna Muster", "Emre Öz", "Zoë Adler"), 1)]


def names(html: str) -> list[str]:
    return re.findall(r'class="name" href="/customers/\d+/">(.*?)</a>', html)


def get(site: Site, path: str = "/customers/", *, role: str = "owner", language: str = "en") -> str:
    return site.insider(language, role=role).get(path).content.decode()


def test_nobody_at_all_offers_the_first_step(site: Site) -> None:
    html = get(site)
    assert "Nobody here yet" in html
    assert 'href="/settings/keys/"' in html


def test_list_shows_who_acted_last_first_and_how_many(site: Site) -> None:
    site.mount(customers=CustomersInMemory(PEOPLE))
    html = get(site)
    assert names(html) == ["Zoë Adler", "Emre Öz", "Anna Muster"]
    assert "3 people" in html
    assert names(get(site, "/customers/?sort=name")) == ["Anna Muster", "Emre Öz", "Zoë Adler"]


def test_search_finds_and_says_when_it_finds_nobody(site: Site) -> None:
    site.mount(customers=CustomersInMemory(PEOPLE))
    assert names(get(site, "/customers/?q=anna")) == ["Anna Muster"]
    assert "Nobody matches" in get(site, "/customers/?q=nobody")


def test_viewer_who_sees_no_personal_values_cannot_search_by_them(site: Site) -> None:
    site.mount(customers=CustomersInMemory(PEOPLE))
    html = get(site, "/customers/?q=anna", role="viewer")
    assert names(html) == ["Z. A.", "E. Ö.", "A. M."]
    assert "data-search" not in html
    assert "anna.muster" not in html
    assert "data-search" in get(site)


VALUE = {"attribute": {"name": "email", "op": "starts_with", "value": "anna"}}
VIEWED = {"name": "Product Viewed", "where": [{"property": "product_id", "op": "equals", "value": "p1"}]}


@pytest.mark.parametrize(
    ("condition", "is_asked"),
    [
        (VALUE, False), ({"all": [{"not": {"any": [VALUE]}}]}, False), ({"event": VIEWED}, False), ({"own_kind": {}}, False),
        ({"trait": {"name": "order_count", "op": ">=", "value": 1}}, True), ({"event": {"name": "Product Viewed"}}, True),
    ],
)  # fmt: skip
def test_viewer_who_sees_no_personal_values_cannot_narrow_by_them(
    site: Site, condition: dict[str, object], is_asked: bool
) -> None:
    site.mount(customers=CustomersInMemory(PEOPLE))  # of whom no condition holds
    path = "/customers/?" + urlencode({"if": json.dumps(condition)})
    assert (names(get(site, path, role="viewer")) == []) == is_asked
    assert names(get(site, path)) == []


def test_pages_follow_one_another(site: Site) -> None:
    site.mount(customers=CustomersInMemory([make_line(n, f"Person {n}", seen_us=n) for n in range(120)]))
    seen: list[str] = []
    path = ""
    for _ in range(3):
        html = get(site, f"/customers/{path}")
        seen += names(html)
        following = re.search(r'href="(\?[^"]+)" rel="next"', html)
        path = following[1].replace("&amp;", "&") if following else ""
    assert seen == [f"Person {n}" for n in reversed(range(120))]


def test_chosen_columns_are_remembered(site: Site) -> None:
    site.mount(customers=CustomersInMemory([make_line(1, "Anna Muster", city="Köln")]))
    browser = site.insider()
    assert "Köln</td>" not in browser.get("/customers/").content.decode()
    assert "Köln</td>" in browser.get("/customers/?column=%3Dcity&column=phone").content.decode()
    html = browser.get("/customers/").content.decode()
    assert re.findall(r'<th scope="col"[^>]*>(?:<a[^>]*>)?([^<]+)', html) == ["Name", "Telephone", "Town"]


def test_condition_is_added_named_and_taken_away(site: Site) -> None:
    site.mount(customers=CustomersInMemory(PEOPLE))
    browser = site.insider()
    answer = browser.get(
        "/customers/?" + urlencode({"what": "trait:order_count", "op": ">=", "value": "3", "add": "1"})
    )
    assert answer.status_code == 302
    html = browser.get(answer["Location"]).content.decode()
    assert "Number of orders is at least 3" in html
    kept = browser.post("/customers/filters/" + answer["Location"].removeprefix("/customers/"), {"name": "Regulars"})
    html = browser.get(kept["Location"]).content.decode()
    assert re.findall(r'aria-current="page">.*?Regulars', html) != []
    assert "Number of orders is at least 3" in html


def test_filter_without_a_name_is_not_kept(site: Site) -> None:
    people = CustomersInMemory(PEOPLE)
    site.mount(customers=people)
    answer = site.insider().post("/customers/filters/?phase=loyalty", {"name": " "})
    assert (answer.status_code, people.saved_filters()) == (302, ())


def test_quick_filters_are_kept_as_a_condition(site: Site) -> None:
    people = CustomersInMemory(PEOPLE)
    site.mount(customers=people)
    site.insider().post("/customers/filters/?phase=winback&sub_state=at_risk&segment=vip", {"name": "Save them"})
    assert [one.condition for one in people.saved_filters()] == [
        {"all": [{"phase": {"is": "winback", "sub_state": "at_risk"}}, {"segment": {"id": "vip"}}]}
    ]


@pytest.mark.parametrize(
    "text",
    [
        "{", "[]", '{"a": 1, "b": 2}', "[" * 5_000, '"x"', '{"segment": {"id": "\\ud800"}}',
        '{"event": {"name": "Order Completed", "within_days": 1e400}}',
    ],
)  # fmt: skip
def test_broken_condition_in_the_address_is_left_out(site: Site, text: str) -> None:
    site.mount(customers=CustomersInMemory(PEOPLE))
    assert len(names(get(site, "/customers/?" + urlencode({"if": text})))) == 3


def test_export_holds_everybody_found_and_no_formula(site: Site) -> None:
    people = [
        make_line(1, "=HYPERLINK(1)", email="@a", seen_us=3),
        make_line(2, "Anna; Muster", email="anna@example.com", phone="+49 911", seen_us=2),
    ]
    site.mount(customers=CustomersInMemory(people))
    answer = site.insider().get("/customers/export/?column=phone")
    text = b"".join(answer.streaming_content).decode()
    assert text.splitlines() == [
        "\ufeffName;E-mail;Telephone",
        "'=HYPERLINK(1);'@a;'+49 911 1234567",
        '"Anna; Muster";anna@example.com;\'+49 911',
    ]
    assert answer["Content-Type"] == "text/csv; charset=utf-8"


def test_export_is_not_for_everybody(site: Site) -> None:
    site.mount(customers=CustomersInMemory(PEOPLE))
    assert site.insider(role="sales").get("/customers/export/").status_code == 403
    assert "/customers/export/" not in get(site, role="sales")
    assert "/customers/export/" in get(site, role="marketing")


def test_hostile_name_is_text(site: Site) -> None:
    site.mount(customers=CustomersInMemory([make_line(1, "<script>alert(1)</script>")]))
    html = get(site)
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert" in html


def test_list_costs_the_same_number_of_queries(
    site: Site, count_queries: Callable[[Callable[[], object]], int]
) -> None:
    browser = site.insider()
    browser.get("/customers/")
    counts = []
    for many in (1, 30):
        site.mount(customers=CustomersInMemory([make_line(n, f"Person {n}") for n in range(many)]))
        counts.append(count_queries(lambda: browser.get("/customers/")))
    assert counts[0] == counts[1]


def test_link_of_a_condition_survives_another_filter(site: Site) -> None:
    site.mount(customers=CustomersInMemory(PEOPLE))
    condition = json.dumps({"attribute": {"name": "city", "op": "equals", "value": "Köln"}}, separators=(",", ":"))
    html = get(site, "/customers/?" + urlencode({"if": condition}))
    loyalty = re.search(r'href="(\?[^"]*)"[^>]*>Loyalty', html)
    assert loyalty is not None
    assert urlencode({"if": condition}) in loyalty[1].replace("&amp;", "&")
