"""A condition and a step of a third party: their forms are there without a line of the site's."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kundenkreis.definitions.installed import installed_plugins
from tests.runtime.test_installed_plugins import install
from tests.site.conftest import Site
from tests.site.editing import form_of
from tests.site.journeys.test_editing import Shop

pytestmark = pytest.mark.db


@pytest.fixture
def moon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A distribution with a condition and a step is installed."""
    folder = tmp_path / "site-packages"
    install(folder)
    monkeypatch.syspath_prepend(str(folder))
    installed_plugins.cache_clear()
    yield
    installed_plugins.cache_clear()
    for module in [name for name in sys.modules if name.startswith("kreis_moon_")]:
        del sys.modules[module]


@pytest.mark.usefixtures("moon")
def test_the_builder_of_segments_offers_the_condition_and_its_fields(site: Site) -> None:
    shop = Shop(site, with_journeys=True)
    data = form_of(shop.page("/segments/new/"), "builder") | {"c.0.kind": "odd_orders", "name_en": "Odd ones"}
    page = shop.browser.post("/segments/new/", data).content.decode()
    assert '<option value="odd_orders" selected>Odd number of orders</option>' in page
    data = form_of(page, "builder") | {"c.0.odd_orders.at_least": "3", "act": "save"}
    assert shop.browser.post("/segments/new/", data).status_code == 302
    draft = shop.drafts.find("segment", "odd_ones")
    assert draft is not None
    assert draft.document["when"] == {"all": [{"odd_orders": {"at_least": 3}}]}


@pytest.mark.usefixtures("moon")
def test_a_journey_takes_the_step_and_the_condition(site: Site) -> None:
    shop = Shop(site, with_journeys=True)
    answer = shop.change(change="insert", step="benefits", way="next", kind="howl")
    data = form_of(answer["outline"], "outline-howl_1")
    assert data["config.loud"] == "on"
    del data["config.loud"]
    answer = shop.change(**data)
    step = next(one for one in answer["document"]["steps"] if one["id"] == "howl_1")
    assert step["howl"] == {"loud": False}
    data = form_of(answer["outline"], "outline-settings") | {
        "j.goal.event.name": "",
        "j.goal.condition.kind": "odd_orders",
    }
    answer = shop.change(**data)
    assert answer["document"]["goal"]["condition"] == {"odd_orders": {}}
    assert answer["mistakes"] == []
