"""The start page: the circle in the chosen period, every number a door for whoever may open it."""

import re
from dataclasses import replace

import pytest

from kundenkreis.site.mounted import mounted
from kundenkreis.site.ports.start import People, StartFigures
from kundenkreis.site.testing import SAMPLE_CIRCLE, StartAsGiven
from kundenkreis.site.wsgi import build_application
from tests.site.conftest import Site

pytestmark = pytest.mark.db

_MOVE = re.compile(r'data-figure="circle\.move\.(\d+)\.([a-z]+\.[a-z]+)" data-value="(\d+)"')


def page(site: Site, address: str = "/start/", language: str = "en") -> str:
    html: str = site.insider(language).get(address).content.decode()
    return html


@pytest.mark.parametrize(
    ("asked", "days"),
    [("", 30), ("?days=7", 7), ("?days=90", 90), ("?days=12", 30), ("?days=%00", 30), ("?days=٧", 30)],
)
def test_moves_of_the_chosen_period(site: Site, asked: str, days: int) -> None:
    assert _MOVE.findall(page(site, f"/start/{asked}")) == [
        (str(days), "trust.purchase", str(3 * days)),
        (str(days), "care.loyalty", str(days)),
        (str(days), "loyalty.winback", "1"),
    ]


def test_phases_clockwise_in_the_viewers_language(site: Site) -> None:
    names = re.compile(r"<h3>([^<]+)</h3>")
    assert names.findall(page(site)) == ["Awareness", "Trust", "Purchase", "Care", "Loyalty", "Win-back"]
    assert names.findall(page(site, language="de")) == [
        "Aufmerksamkeit", "Vertrauen", "Kauf", "Nachbetreuung", "Bindung", "Rückgewinnung",
    ]  # fmt: skip


def test_what_was_not_counted_yet_is_not_zero(site: Site) -> None:
    build_application(
        site.settings,
        sources=replace(mounted().sources, start=StartAsGiven(StartFigures())),
        clock_us=lambda: site.now_us,
    )
    html = page(site)
    assert "The circle is being counted" in html
    assert "data-figure" not in html


def test_an_empty_circle_names_the_first_steps(site: Site) -> None:
    steps = re.compile(r'<p class="name"><a href="([^"]+)">')
    assert steps.findall(page(site)) == []
    nobody = tuple(replace(one, people=People(), sub_states=()) for one in SAMPLE_CIRCLE.phases)
    figures = StartFigures(circle=replace(SAMPLE_CIRCLE, phases=nobody))
    build_application(
        site.settings,
        sources=replace(mounted().sources, start=StartAsGiven(figures)),
        clock_us=lambda: site.now_us,
    )
    assert steps.findall(page(site)) == ["/settings/keys/", "/settings/brand/", "/journeys/library/"]
