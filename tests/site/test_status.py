"""The status page: figures, what waits, what was set aside, the worst thing first."""

import re
from dataclasses import replace

import pytest

from kundenkreis.site.ports.status import Role, Status
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
