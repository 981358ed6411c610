"""The pages of journeys: what they show, where their numbers lead, and what they hide from whom."""

from dataclasses import replace

import pytest

from kundenkreis.site.testing import SAMPLE_JOURNEY, JourneysAsGiven
from tests.site.conftest import Site

pytestmark = pytest.mark.db


def text(site: Site, path: str, language: str = "en", role: str = "owner") -> str:
    answer = site.insider(language, role=role).get(path)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_list_shows_state_and_figures(site: Site) -> None:
    site.mount(journeys=JourneysAsGiven([SAMPLE_JOURNEY]))
    page = text(site, "/journeys/")
    assert '<a class="row" href="/journeys/welcome/">Welcome series</a>' in page
    assert '<span class="badge good dot">live</span>' in page
    assert '<span data-figure="journey.welcome.entered" data-value="2651">2,651</span>' in page
    assert "Willkommen" in text(site, "/journeys/", "de")


def test_empty_list_says_what_a_journey_is(site: Site) -> None:
    site.mount(journeys=JourneysAsGiven([]))
    assert "No journey yet" in text(site, "/journeys/")


def test_numbers_on_the_drawing_lead_to_people(site: Site) -> None:
    site.mount(journeys=JourneysAsGiven([SAMPLE_JOURNEY]))
    page = text(site, "/journeys/welcome/")
    assert (
        'href="/journeys/welcome/people/?step=pause&amp;outcome=standing" data-figure="journey.welcome.step.pause.standing" data-value="33">33 here now</a>'
        in page
    )
    assert "3 days, then until 10:00" in page
    assert "3 Tage, dann bis 10:00 Uhr" in text(site, "/journeys/welcome/", "de")


def test_who_may_not_see_people_gets_numbers_without_doors(site: Site) -> None:
    site.mount(journeys=JourneysAsGiven([SAMPLE_JOURNEY]))
    page = text(site, "/journeys/welcome/", role="external_partner")
    assert "33 here now" in page
    assert "/people/" not in page


@pytest.mark.parametrize(
    ("effect", "lower", "upper", "sentence"),
    [
        ("too_early", -0.2, 0.2, "Too early: from 100 people"),
        ("no_proof", -0.01, 0.02, "No proof: the difference lies between −1.0 and +2.0 percentage points."),
        ("proven", 0.01, 0.02, "Proven: +1.0 percentage points more reach the goal (between +1.0 and +2.0)."),
        ("harmful", -0.02, -0.01, "Harmful: +1.0 percentage points fewer"),
    ],
)
def test_the_effect_is_told_with_its_interval(
    site: Site, effect: str, lower: float, upper: float, sentence: str
) -> None:
    reached = SAMPLE_JOURNEY.reached._replace(effect=effect, lower=lower, upper=upper, difference=0.01)  # type: ignore[arg-type]
    site.mount(journeys=JourneysAsGiven([replace(SAMPLE_JOURNEY, reached=reached)]))
    assert sentence in text(site, "/journeys/welcome/")


def test_people_are_masked_for_viewers(site: Site) -> None:
    site.mount(journeys=JourneysAsGiven([SAMPLE_JOURNEY]))
    path = "/journeys/welcome/people/?step=pause&outcome=standing"
    assert "marie.brandt@example.com" in text(site, path)
    assert "marie.brandt@example.com" not in text(site, path, role="viewer")
    assert "M. B." in text(site, path, role="viewer")


def test_trace_marks_the_way_and_where_somebody_is(site: Site) -> None:
    site.mount(journeys=JourneysAsGiven([SAMPLE_JOURNEY]))
    page = text(site, "/journeys/welcome/people/7/")
    assert '<div class="step wait here" id="step-pause">' in page
    assert '<div class="step speak" id="step-hello">' in page
    assert 'class="taken"' in page
    assert site.insider().get("/journeys/welcome/people/8/").status_code == 404
    assert site.insider().get("/journeys/nosuch/").status_code == 404
