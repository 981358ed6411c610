"""The status page: figures, what waits, what was set aside, the worst thing first."""

import re
from dataclasses import replace
from typing import Any

import pytest

from kundenkreis.site.ports.status import PausedSending, Role, ServerAnswer, Status, StoppedSending
from kundenkreis.site.testing import SAMPLE_STATUS
from tests.site.conftest import NOW_US, Site

pytestmark = pytest.mark.db

HEALTHY = replace(SAMPLE_STATUS, quarantine=(), quarantined_total=0)


def page(site: Site, status: Status, language: str = "en") -> str:
    site.mount(status=status)
    html: str = site.insider(language).get("/status/").content.decode()
    return html


def health(html: str) -> tuple[str, str]:
    (found,) = re.findall(r'<div class="notice (\w+)">.*?</svg><div>(.*?)</div></div>', html)
    return found[0], found[1]


def test_figures_in_the_viewers_writing(site: Site) -> None:
    figures = re.compile(r'<dt>(?:<button[^>]*>)?([^<]+)<.*?<dd><span class="number"[^>]*>(.*?)</span>', re.DOTALL)
    assert dict(figures.findall(page(site, HEALTHY, "de"))) == {
        "Rückstand": "38 ms",
        "Gerade angekommen": "0",
        "Noch nicht verarbeitet": "12",
        "Kunden": "2.469",
        "Neuester Eintrag im Log": "1.204.511",
    }
    assert dict(figures.findall(page(site, HEALTHY)))["Customers"] == "2,469"


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (HEALTHY, ("good", "Everything runs and is up to date.")),
        (SAMPLE_STATUS, ("calm", "Running. 1 entry in quarantine waits for you.")),
        (
            replace(SAMPLE_STATUS, lag_us=11_000_000),
            ("calm", "Behind: events wait longer than ten seconds to be processed."),
        ),
        (
            replace(
                SAMPLE_STATUS, lag_us=11_000_000, roles=(Role(name="worker", is_alive=False, since_us=0, restarts=9),)
            ),
            ("stop", "Not running: worker."),
        ),
    ],
)
def test_worst_thing_is_said_first(site: Site, status: Status, told: tuple[str, str]) -> None:
    assert health(page(site, status)) == told


def test_quarantine_shows_its_reason(site: Site) -> None:
    html = page(site, SAMPLE_STATUS)
    assert "event <b>Order Completed</b></td><td>products[0].price is not a number</td>" in html
    assert "products[0]" not in page(site, HEALTHY)


def test_next_wake_up_or_none(site: Site) -> None:
    assert "First: <time" in page(site, replace(HEALTHY, next_wake_us=NOW_US + 60_000_000))
    assert "Nobody waits for anything." in page(site, replace(HEALTHY, next_wake_us=None))


PAUSED = replace(HEALTHY, paused=PausedSending(since_us=NOW_US, found=1234, missing=0))


@pytest.mark.parametrize(
    ("language", "sentences"),
    [
        (
            "en",
            (
                "No message goes out: the database was restored from a backup.",
                "1,234 messages had gone out that the database did not know of. They are not sent again.",
                "Look at what waits</a>",
            ),
        ),
        (
            "de",
            (
                "Es geht keine Nachricht hinaus: Die Datenbank wurde aus einer Sicherung wiederhergestellt.",
                "1.234 Nachrichten waren hinausgegangen, von denen die Datenbank nichts wusste. Sie werden nicht noch einmal gesendet.",
                "Wartende Nachrichten ansehen</a>",
            ),
        ),
    ],
)
def test_paused_sending_is_told_and_why(site: Site, language: str, sentences: tuple[str, ...]) -> None:
    html = page(site, PAUSED, language)
    assert [sentence for sentence in sentences if sentence not in html] == []
    assert [sentence for sentence in sentences if sentence in page(site, HEALTHY, language)] == []


@pytest.mark.parametrize(
    "held",
    [
        {"paused": PausedSending(since_us=NOW_US, found=1, missing=0)},
        {"stopped": StoppedSending(since_us=NOW_US, detail="[Errno 28] No space left on device")},
    ],
)
def test_what_holds_sending_is_told_once_and_since_when(site: Site, held: dict[str, Any]) -> None:
    html = page(site, replace(HEALTHY, **held))
    assert (html.count('class="notice'), "Everything runs" in html) == (1, False)
    assert re.search(r"Since <time [^>]*>[^<]*20\d\d[^<]*</time>\.", html)
    dead = Role(name="worker", is_alive=False, since_us=0, restarts=9)
    assert "Not running: worker." in page(site, replace(HEALTHY, roles=(dead,), **held))


def test_damaged_lines_are_told(site: Site) -> None:
    damaged = replace(HEALTHY, paused=PausedSending(since_us=NOW_US, found=1, missing=2))
    assert "2 lines of the journal of sent messages cannot be read" in page(site, damaged)
    assert "of the journal of sent messages cannot be read" not in page(site, PAUSED)


def test_stopped_sending_is_told_with_the_systems_words(site: Site) -> None:
    stopped = replace(HEALTHY, stopped=StoppedSending(since_us=NOW_US, detail="[Errno 28] No space left on device"))
    html = page(site, stopped)
    assert "The system says: <code>[Errno 28] No space left on device</code>" in html
    assert "No message goes out, because what is sent could not be noted." in html


def test_owner_and_admin_let_messages_go_out_again(site: Site) -> None:
    from kundenkreis.site.models import AuditEntry

    button = "Let messages go out again</button>"
    for role, may in (("marketing", False), ("admin", True), ("owner", True)):
        site.mount(status=PAUSED)
        browser = site.insider(role=role)
        assert (button in browser.get("/status/").content.decode()) is may
        answer = browser.post("/status/", follow=True)
        assert (answer.status_code, button in browser.get("/status/").content.decode()) == (200 if may else 403, False)
        if may:
            assert "Messages go out again." in answer.content.decode()
        else:
            assert "restored from a backup" in browser.get("/status/").content.decode()
    entries = AuditEntry.objects.filter(action="resumed").values_list("object_kind", "object_id")
    assert list(entries) == [("settings", "sending")] * 2
    browser.post("/status/")  # nothing is paused: nothing happens
    assert AuditEntry.objects.filter(action="resumed").count() == 2


def test_what_servers_say_to_what_waits_is_told(site: Site) -> None:
    said = ServerAnswer(text="auth 535 5.7.8 <b>no</b>", messages=1_204, next_try_us=NOW_US + 900_000_000)
    html = page(site, replace(SAMPLE_STATUS, answers=(said,)), "de")
    assert "1.204 Nachrichten werden noch einmal versucht." in html
    assert "<code>auth 535 5.7.8 &lt;b&gt;no&lt;/b&gt;</code>" in html
