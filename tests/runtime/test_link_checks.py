"""Checks of links beside the pages: each link once, bounded in number and time, seen while they run."""

import threading

import pytest

from kundenkreis.content.core.links import MOST_LINKS, Answer, Asking
from kundenkreis.runtime.link_checks import ALL_SECONDS, MOST_AT_ONCE, BackgroundLinkChecks
from kundenkreis.runtime.web_asking import SocketWeb
from kundenkreis.site.ports.links import LinkCheck
from tests.runtime.website import Website, answer

pytestmark = pytest.mark.e2e


class WaitingWeb:
    """Answers nobody before it is told to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.goes_on = threading.Event()

    def ask(self, asking: Asking, *, until: float) -> Answer:
        self.asked.append(asking.url)
        self.goes_on.wait(60)
        return Answer(200)


class BrokenWeb:
    """Has a mistake of its own."""

    def ask(self, asking: Asking, *, until: float) -> Answer:
        raise RuntimeError(asking.url)


def over(checks: BackgroundLinkChecks, begun: LinkCheck | None) -> LinkCheck:
    """The same check once it is over."""
    assert begun is not None
    for _look in range(600):
        found = checks.find(begun.check_id)
        assert found is not None
        if found.is_over:
            return found
        threading.Event().wait(0.05)
    raise AssertionError(begun)


def test_each_link_is_asked_once_and_told() -> None:
    answers = {"/a": answer("200 OK"), "/b": answer("404 No"), "/c": answer("302 Found", "Location: /a")}
    with Website(answers) as site:
        checks = BackgroundLinkChecks(SocketWeb(also=frozenset({site.place})), patience_seconds=30)
        links = [f"{site.url}/{name}" for name in "abcab"] + ["http://169.254.169.254/"]
        check = checks.start(links)
        assert check is not None
        assert (check.is_over, check.left_out, check.links) == (True, 0, (*links[:3], links[-1]))
        assert list(check.findings.items()) == [
            (links[0], "works"), (links[1], "gone"), (links[2], "works"), (links[-1], "not_allowed"),
        ]  # fmt: skip
        assert sorted(site.asked) == ["HEAD /a", "HEAD /a", "HEAD /b", "HEAD /c"]
        assert checks.find(check.check_id) == check


def test_of_very_many_links_the_first_are_asked() -> None:
    web = WaitingWeb()
    web.goes_on.set()
    checks = BackgroundLinkChecks(web, patience_seconds=30)
    links = [f"https://shop.example/{number}" for number in range(MOST_LINKS + 5)]
    check = checks.start(links)
    assert check is not None
    assert (check.left_out, check.links, sorted(web.asked)) == (5, tuple(links[:-5]), sorted(links[:-5]))
    nothing = checks.start(())
    assert nothing is not None
    assert (nothing.is_over, nothing.findings) == (True, {})


def test_a_check_is_seen_while_it_runs_and_too_many_are_refused() -> None:
    web = WaitingWeb()
    checks = BackgroundLinkChecks(web, patience_seconds=0)
    begun = [checks.start(("https://shop.example/",)) for _number in range(MOST_AT_ONCE)]
    assert [(one.is_over, dict(one.findings)) for one in begun if one is not None] == [(False, {})] * MOST_AT_ONCE
    assert checks.start(("https://shop.example/",)) is None
    web.goes_on.set()
    assert [dict(over(checks, one).findings) for one in begun] == [{"https://shop.example/": "works"}] * MOST_AT_ONCE
    assert checks.start(("https://shop.example/",)) is not None
    assert checks.find("no-such-check") is None


def test_what_nobody_answered_in_time_is_silent() -> None:
    web, clock = WaitingWeb(), [100.0]
    checks = BackgroundLinkChecks(web, monotonic=lambda: clock[0], patience_seconds=0)
    begun = checks.start(("https://shop.example/",))
    assert begun is not None
    clock[0] += ALL_SECONDS
    found = checks.find(begun.check_id)
    assert found is not None
    assert (found.is_over, found.findings) == (True, {"https://shop.example/": "silent"})
    web.goes_on.set()


def test_a_mistake_of_ours_costs_one_link(caplog: pytest.LogCaptureFixture) -> None:
    checks = BackgroundLinkChecks(BrokenWeb(), patience_seconds=30)
    check = checks.start(("https://shop.example/", "ftp://shop.example/"))
    assert check is not None
    assert check.findings == {"https://shop.example/": "odd", "ftp://shop.example/": "not_allowed"}
    assert [record.message for record in caplog.records] == ["asking about a link failed"]
