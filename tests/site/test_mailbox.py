"""The local mailbox: list, search, one message with its verdict on top, HTML that can do nothing."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from kundenkreis.site.ports.messages import Reason
from kundenkreis.site.testing import SAMPLE_VERDICT, make_message
from tests.site.conftest import NOW_US, Site

pytestmark = pytest.mark.db

MINUTE_US = 60_000_000
SITUATION = ("late", 1_794_500_000_000_000, ["4711"], "Lieferung verspätet", "delivery late")


def subjects(html: str) -> list[str]:
    return re.findall(r'<span class="what"><b>(.*?)</b>', html)


def test_empty_mailbox_offers_the_first_step(site: Site) -> None:
    html = site.insider().get("/mailbox/").content.decode()
    assert "No messages yet" in html
    assert 'href="/journeys/library/"' in html


def test_list_shows_newest_first(site: Site) -> None:
    site.mount([make_message(f"{n:02x}", subject=f"Letter {n}", at_us=NOW_US - n * MINUTE_US) for n in (3, 1, 2)])
    html = site.insider().get("/mailbox/").content.decode()
    assert subjects(html) == ["Letter 1", "Letter 2", "Letter 3"]
    assert "3 messages" in html
    assert re.findall(r'title="(.*?)">1 minute ago<', html) == ["18 November 2026, 12:05:40 CET"]


def test_search_needs_every_word(site: Site) -> None:
    site.mount([
        make_message("01", subject="Welcome", recipient="anna@example.com"),
        make_message("02", subject="Welcome", recipient="emre@example.com"),
        make_message("03", subject="Voucher", recipient="anna@example.com"),
    ])  # fmt: skip
    html = site.insider().get("/mailbox/", {"q": "ANNA welc"}).content.decode()
    assert subjects(html) == ["Welcome"]
    assert "1 message matches" in html
    assert "No message matches" in site.insider().get("/mailbox/", {"q": "nobody"}).content.decode()


def test_older_messages_are_reached_by_links(site: Site) -> None:
    site.mount([make_message(f"{n:02x}", subject=f"Letter {n}", at_us=NOW_US - n) for n in range(120)])
    insider, path, seen = site.insider(), "", list[str]()
    for _ in range(3):
        html = insider.get(f"/mailbox/{path}").content.decode()
        seen += subjects(html)
        following = re.search(r'href="(\?[^"]+)" rel="next"', html)
        path = following[1].replace("&amp;", "&") if following else ""
    assert seen == [f"Letter {n}" for n in range(120)]
    assert path == ""


def test_message_opens_with_its_verdict(site: Site) -> None:
    refused = replace(
        SAMPLE_VERDICT,
        outcome="withheld",
        reasons=(Reason(rule_id="situation", passed=False, detail=SITUATION), *SAMPLE_VERDICT.reasons),
    )
    site.mount([make_message("0a", verdicts=(replace(SAMPLE_VERDICT, outcome="planned"), refused))])
    html = site.insider().get("/mailbox/0a/").content.decode()
    verdict, letter = html.index('class="card verdict"'), html.index('class="card letter"')
    assert verdict < letter
    decided = html[verdict:letter]
    words = re.sub(r"<svg.*?</svg>|<[^>]+>", " ", decided.split('<details class="more">')[0])
    assert re.sub(r"\s+", " ", words).strip().split(" ago ")[1] == (
        "This message was not allowed to go out. Held: delivery late, since 12 November 2026 17:13 (4711)."
    )
    facts = dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)(?:<|$)", decided))
    assert (facts["Legal basis"], facts["Class"], facts["Purpose"], facts["Journey"]) == (
        "consent",
        "marketing",
        "newsletter",
        "welcome",
    )
    assert "Earlier decisions about this message" in decided


def test_basis_that_was_found_is_named(site: Site) -> None:
    site.mount([make_message("0a")])
    for language, words in (
        ("en", "There is a legal basis consent"),
        ("de", "Eine Rechtsgrundlage ist da Einwilligung"),
    ):
        html = site.insider(language).get("/mailbox/0a/").content.decode()
        (deciding,) = re.findall(r'<ul class="reasons">(.*?)</ul>', html.split('<details class="more">')[0], re.DOTALL)
        assert re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", deciding)).strip() == words


def test_missing_verdict_is_said(site: Site) -> None:
    site.mount([replace(make_message("0a"), verdicts=())])
    html = site.insider().get("/mailbox/0a/").content.decode()
    assert html.index("No decision is on record for this message.") < html.index('class="card letter"')


def test_control_characters_in_a_search_are_spaces(site: Site) -> None:
    site.mount([make_message("01", subject="Welcome, Anna")])
    assert subjects(site.insider().get("/mailbox/?q=welcome%00anna%0A").content.decode()) == ["Welcome, Anna"]


def test_uncertain_hand_over_is_said(site: Site) -> None:
    site.mount([make_message("0a", is_uncertain=True), make_message("0b")])
    insider = site.insider()
    assert insider.get("/mailbox/").content.decode().count(">uncertain<") == 1
    assert insider.get("/mailbox/0a/").content.decode().count(">uncertain<") == 1
    assert insider.get("/mailbox/0b/").content.decode().count(">uncertain<") == 0


def test_markup_of_senders_stays_text(site: Site) -> None:
    evil = make_message("0a", subject="<script>alert(1)</script>", recipient='"><img src=x>@example.com')
    site.mount([evil])
    insider = site.insider()
    for path in (
        "/mailbox/",
        "/mailbox/?q=<script>",
        "/mailbox/0a/",
        "/mailbox/0a/?view=text",
        "/mailbox/0a/?view=source",
    ):
        html = insider.get(path).content.decode()
        assert "<script>alert" not in html
        assert "<img" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in insider.get("/mailbox/0a/").content.decode()


def test_html_part_runs_nothing_and_loads_nothing(site: Site) -> None:
    site.mount(
        [make_message("0a", html="<HTML><Head lang=de><title>x</title></head><body><script>alert(1)</script></body>")]
    )
    insider = site.insider()
    page = insider.get("/mailbox/0a/").content.decode()
    assert '<iframe src="/mailbox/0a/html/" sandbox="allow-popups allow-popups-to-escape-sandbox"' in page
    framed = insider.get("/mailbox/0a/html/")
    assert framed["Content-Security-Policy"] == (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; "
        "frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
    )
    assert framed.content.startswith(b'<HTML><Head lang=de><base target="_blank"><title>')


def test_message_without_html_shows_its_text(site: Site) -> None:
    site.mount([make_message("0a", html="")])
    insider = site.insider()
    page = insider.get("/mailbox/0a/?view=html").content.decode()
    assert "iframe" not in page
    assert "As seen" not in page
    assert "Sie haben Ihre Anmeldung bestätigt." in page
    assert insider.get("/mailbox/0a/html/").status_code == 404


def test_source_shows_headers(site: Site) -> None:
    site.mount([make_message("0a")])
    html = site.insider().get("/mailbox/0a/?view=source").content.decode()
    assert "<dt>List-Unsubscribe-Post</dt><dd>List-Unsubscribe=One-Click</dd>" in html


def test_unknown_message_is_not_found(site: Site) -> None:
    response = site.insider().get("/mailbox/ff/")
    assert response.status_code == 404
    assert "There is nothing here" in response.content.decode()


def test_list_costs_the_same_queries_at_any_length(
    site: Site, count_queries: Callable[[Callable[[], object]], int]
) -> None:
    insider, costs = site.insider(), []
    insider.get("/mailbox/")  # notes when the session began
    for length in (1, 3):
        site.mount([make_message(f"{n:02x}") for n in range(length)])
        costs.append(count_queries(lambda: insider.get("/mailbox/")))
    assert costs == [2, 2], "the session and the account"


def test_viewer_sees_no_personal_value_and_finds_none(site: Site) -> None:
    site.mount([make_message("0a", recipient="marie.brandt@example.com", subject="An Frau Brandt")])
    assert "marie.brandt@example.com" in site.insider().get("/mailbox/").content.decode()
    for query in ("", "?q=brandt", "?q=nobody"):
        html = site.insider(role="viewer").get(f"/mailbox/{query}").content.decode()
        assert "m•••@•••" in html
        assert "Brandt" not in html
