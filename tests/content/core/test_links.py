"""Links of a content: which there are, who may be asked, and what answers say."""

import pytest

from kundenkreis.content.core.links import (
    FINDINGS,
    MOST_REDIRECTS,
    Answer,
    Asking,
    Target,
    first_question,
    is_public,
    judge,
    links_in,
    target_of,
    worst_first,
)

pytestmark = pytest.mark.pure

HERE = Asking("https://shop.example/a/b?c=1", Target("https", "shop.example", 443, "/a/b?c=1"))


def test_links_are_found_once_in_their_order_with_entities_read_and_without_those_of_the_installation() -> None:
    html = (
        '<p>https://not.a.link.example</p><a href="https://one.example/?a=1&amp;b=2">1</a><a href=" http://two.example ">2</a>'
        '<a href="mailto:a@b.example">m</a><a href="#top">t</a><a>no</a><img src="https://picture.example/x.png">'
        '<map><area href="https://area.example/"></map><a href="https://post.example/u/abc">leave</a>'
    )
    text = "Read (https://one.example/?a=1&b=2), https://three.example/a_(b) or <HTTPS://four.example>. Bye: https://five.example/x."
    assert links_in(html, text, without="https://post.example/u/") == (
        "https://one.example/?a=1&b=2", "http://two.example", "https://area.example/", "https://three.example/a_(b)", "HTTPS://four.example",
        "https://five.example/x",
    )  # fmt: skip
    assert links_in("", "", without="") == ()


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://Shop.Example", Target("https", "shop.example", 443, "/")),
        ("http://shop.example:8080/ä b?q=ü#here".replace(" ", "%20"), Target("http", "shop.example", 8080, "/%C3%A4%20b?q=%C3%BC")),
        ("https://käse.example/", Target("https", "xn--kse-qla.example", 443, "/")),
        ("https://a_b.example./x", Target("https", "a_b.example", 443, "/x")),
        ("http://[2001:DB8::1]/", Target("http", "2001:db8::1", 80, "/")),
        ("http://2130706433/", Target("http", "2130706433", 80, "/")),
    ],
)  # fmt: skip
def test_addresses_are_taken_apart(url: str, target: Target) -> None:
    assert target_of(url) == target
    assert first_question(url) == Asking(url, target)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://shop.example/", "file:///etc/passwd", "gopher://shop.example/", "//shop.example", "https://", "https:///path", "https://user:secret@shop.example/",
        "https://user@shop.example/", "https://@shop.example/", "https://shop.example:99999/", "https://shop.example:x/", "https://[::1",
        "https://[fe80::1%25eth0]/", "https://shop.example/\r\nX: y", "https://shop.example/ x", "https://shop.example\\@evil.example/",
        "https://sh\x00op.example/", "https://.shop.example/", "https://-/", f"https://shop.example/{'a' * 2_100}", f"https://{'a' * 70}.example/",
    ],
)  # fmt: skip
def test_nobody_is_asked_about_what_is_no_address_of_the_web(url: str) -> None:
    assert first_question(url) == "not_allowed"


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.215.14", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101", "2002:101:101::1"]
)
def test_the_open_internet_may_be_asked(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "192.0.0.8", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
        "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::a00:1", "64:ff9b::7f00:1", "64:ff9b:1::1",
        "2002:7f00:1::1", "2002:a9fe:a9fe::", "2001::1", "2001:db8::1", "3fff::1", "100::1", "fc00::1", "fd12::1", "fe80::1", "fe80::1%eth0", "fec0::1",
        "ff02::1", "ff0e::1", "5f00::1", "", "shop.example", "2130706433",
    ],
)  # fmt: skip
def test_nothing_else_may_be_asked(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    ("status", "finding"),
    [
        (200, "works"), (204, "works"), (206, "works"), (404, "gone"), (410, "gone"), (401, "refuses"), (403, "refuses"), (429, "refuses"),
        (451, "refuses"), (500, "server_error"), (503, "server_error"), (599, "server_error"), (400, "odd"), (304, "odd"), (302, "odd"), (999, "odd"),
        (0, "odd"),
    ],
)  # fmt: skip
def test_an_answer_says_something_of_the_link(status: int, finding: str) -> None:
    assert judge(HERE, Answer(status)) == finding


def test_whoever_knows_no_head_is_asked_for_the_page() -> None:
    for status in (405, 501):
        asked = judge(HERE, Answer(status))
        assert asked == Asking(HERE.url, HERE.target, "GET")
        assert judge(asked, Answer(status)) == ("odd" if status == 405 else "server_error")


def test_why_there_is_no_answer_is_the_finding() -> None:
    for failure in ("silent", "unknown_name", "not_allowed", "not_secure", "odd"):
        assert judge(HERE, Answer(failure=failure)) == failure  # type: ignore[arg-type]  # a literal of the loop


@pytest.mark.parametrize(
    ("location", "found"),
    [
        ("/z", Asking("https://shop.example/z", Target("https", "shop.example", 443, "/z"), redirects=1)),
        ("d e", Asking("https://shop.example/a/d%20e", Target("https", "shop.example", 443, "/a/d%20e"), redirects=1)),
        ("//b.example", Asking("https://b.example", Target("https", "b.example", 443, "/"), redirects=1)),
        ("http://b.example:81/", Asking("http://b.example:81/", Target("http", "b.example", 81, "/"), redirects=1)),
        ("file:///etc/passwd", "not_allowed"),
        ("https://a:b@c.example/", "not_allowed"),
        ("https://[::1", "odd"),
    ],
)
def test_a_redirect_is_judged_anew(location: str, found: Asking | str) -> None:
    assert judge(HERE, Answer(301, location)) == found


def test_after_five_redirects_it_leads_in_a_circle() -> None:
    step: Asking | str = HERE
    for number in range(MOST_REDIRECTS):
        assert isinstance(step, Asking)
        step = judge(step, Answer(302, f"/{number}"))
    assert isinstance(step, Asking)
    assert (step.redirects, judge(step, Answer(302, "/again")), judge(step, Answer(200))) == (5, "circle", "works")


def test_the_worst_stands_first() -> None:
    found = [("a", "works"), ("b", "refuses"), ("c", "gone"), ("d", "works"), ("e", "silent")]
    assert [link for link, _finding in worst_first(found)] == ["c", "e", "b", "a", "d"]  # type: ignore[arg-type]  # literals
    assert sorted(set(FINDINGS)) == sorted(FINDINGS)
