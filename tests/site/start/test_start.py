"""The start page: the circle in the chosen period, every number a door for whoever may open it."""

import re
from dataclasses import replace
from unittest.mock import Mock

import msgspec
import pytest

from kundenkreis.definitions.canonical import canonical_json
from kundenkreis.playbooks.shipped import shipped_rulebook
from kundenkreis.site.mounted import mount, mounted
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
    names = re.compile(r'class="phase-[a-z]+">\s*<h2>([^<]+)</h2>')
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


def test_mails_in_the_name_of_an_invented_company_are_said_to_be_so(site: Site) -> None:
    """The first steps name it only while nobody is there yet."""
    words = "in the name of an invented company"
    documents = msgspec.json.decode(canonical_json(shipped_rulebook(with_journeys=False)))

    def speak_from(address: str, *, smtp_host: str = "mail.example.com") -> None:
        own = [{**one, "sender_address": address} if one["kind"] == "brand" else one for one in documents]
        publisher = Mock(in_force=lambda: msgspec.json.encode(own))
        sources = replace(mounted().sources, publisher=publisher)
        mount(replace(mounted(), sources=sources, settings=replace(site.settings, smtp_host=smtp_host)))

    speak_from("hallo@kreisladen.example", smtp_host="")
    assert words not in page(site)  # the local mailbox hurts nobody
    speak_from("hallo@kreisladen.example")
    assert words in page(site)
    speak_from("post@lindenhof.de")
    assert words not in page(site)
