"""Every number of the pages equals a recount from log and states.

The pages of a small installation are walked; each element with `data-figure` says in `data-value` what it shows.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from kundenkreis.kernel.zones import DAY
from kundenkreis.runtime.counting.counter import Counter
from kundenkreis.runtime.web import sources_of
from kundenkreis.site.wsgi import build_application
from tests.runtime.town import Town, live_through
from tests.site.conftest import Site
from tests.site.recount.past import read_past
from tests.site.recount.recounts import RECOUNTS

pytestmark = pytest.mark.db

PAGES = ("/start/?days=7", "/start/?days=30", "/start/?days=90")
"""Pages that show figures."""
CONSENT = {
    "channel": "email",
    "purpose": "newsletter",
    "basis": "express_consent",
    "wording": "News, please",
    "proof": "form 7",
}
_FIGURE = re.compile(r'data-figure="([^"]+)" data-value="(-?\d+)"')


@pytest.fixture(params=["sqlite", "postgres"])
def town(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Town]:
    """An installation with a past: orders, refunds, merges, messages, silence."""
    database = "" if request.param == "sqlite" else request.getfixturevalue("postgres_database")
    town = Town(tmp_path, database)
    live_through(town)
    town.pass_time(20 * DAY)
    for number in range(30):
        town.send("track", anonymousId=f"late-{number}", event="Product Viewed", properties={"product_id": "p1"})
        town.send("identify", userId=f"new-{number % 7}", traits={"email": f"new-{number % 7}@example.com"})
    for number in range(4):
        town.order(f"new-{number}", f"first-{number}", 10.0 + number)
        town.send("track", userId=f"new-{number}", event="Consent Confirmed", properties=CONSENT)
    town.run()
    yield town
    town.close()


def walk(site: Site, town: Town, *, role: str = "owner") -> dict[str, int]:
    """Figures of all pages by name. A figure that is shown twice must be the same twice."""
    build_application(
        site.settings, sources=sources_of(town.installation), clock_us=town.installation.clock.now_us
    )  # fmt: skip
    insider = site.insider(role=role)
    figures: dict[str, int] = {}
    for page in PAGES:
        answer = insider.get(page)
        assert answer.status_code == 200
        for name, value in _FIGURE.findall(answer.content.decode()):
            assert figures.setdefault(name, int(value)) == int(value), name
    return figures


def test_every_figure_equals_its_recount(site: Site, town: Town) -> None:
    Counter(town.installation).count_all()
    shown = walk(site, town)
    past = read_past(town.installation)
    counted: dict[str, int] = {}
    for recount in RECOUNTS:
        counted |= recount(past)
    assert {name: value for name, value in shown.items() if value} == {
        name: value for name, value in counted.items() if value
    }
    kinds = {name.partition(".")[0] for name, value in shown.items() if value}
    assert kinds == {
        "circle",
        "today",
        "reach",
        "revenue",
        "second",
        "sending",
    }  # a town where nothing happens would prove nothing
