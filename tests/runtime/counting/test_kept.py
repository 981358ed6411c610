"""What the counter keeps for the pages of a large installation equals what the pages of a small one count themselves."""

from dataclasses import replace
from typing import Any

import pytest

from kundenkreis.runtime.counting import kept
from kundenkreis.runtime.counting.counter import COUNTED_WHEN_LARGE, Counter
from kundenkreis.runtime.counting.journeys import FIGURE as JOURNEY
from kundenkreis.runtime.counting.journeys import journeys_with_paths
from kundenkreis.runtime.counting.orders import count_revenue, count_second_orders
from kundenkreis.runtime.readers.contents import StoredContents
from kundenkreis.runtime.readers.customers import StoredCustomers
from kundenkreis.runtime.readers.journeys import StoredJourneys
from kundenkreis.runtime.readers.segments import StoredSegments
from kundenkreis.runtime.status import InstallationStatus
from kundenkreis.site.ports.customers import CustomerQuery
from kundenkreis.site.ports.journeys import JourneyReport
from kundenkreis.site.ports.start import Revenue, SecondOrderRate
from tests.runtime.town import Town

pytestmark = pytest.mark.db


def _pages(town: Town) -> dict[str, Any]:
    """Everything shown that a large installation has counted beforehand."""
    installation = town.installation
    journeys, segments, customers = (
        StoredJourneys(installation),
        StoredSegments(installation),
        StoredCustomers(installation),
    )
    lines = journeys.list_journeys()
    segment_lines = segments.list_segments()
    return {
        "journeys": lines,
        "journey pages": [_without_effects(journeys.read_journey(line.id)) for line in lines],
        "segments": segment_lines,
        "members by day": [segments.members_by_day(line.named.id, 90) for line in segment_lines],
        "choices": customers.read_choices(),
        "customers": replace(customers.find_customers(CustomerQuery()), total_is="exact"),
        "visitors": replace(customers.find_customers(CustomerQuery(view="visitors")), total_is="exact"),
        "contents": StoredContents(installation).list_contents(),
        "sending": InstallationStatus(installation).read_status().sending,
    }


def _without_effects(report: JourneyReport | None) -> JourneyReport | None:
    """What the counter alone counts, whatever the size, is left out."""
    return replace(report, effects=None, cell_names={}) if report is not None else None


def test_pages_show_the_same_numbers_whoever_counted_them(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    counted_by_the_pages = _pages(town)
    assert sum(line.where.entered for line in counted_by_the_pages["journeys"]) > 0
    assert sum(line.members for line in counted_by_the_pages["segments"]) > 0
    monkeypatch.setattr(kept, "LARGE", 0)
    Counter(town.installation).count_all()
    with town.installation.store.reading() as tx:
        names = {row[0] for row in tx.rows("SELECT name FROM figures")}
        wanted = {*COUNTED_WHEN_LARGE, *(JOURNEY + name for name in journeys_with_paths(tx))}
    assert wanted <= names
    assert _pages(town) == counted_by_the_pages


def test_orders_are_counted_alike_in_parts_of_the_people(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    def figures() -> tuple[Revenue, SecondOrderRate]:
        zone, at_us = town.installation.zone, town.installation.clock.now_us()
        with town.installation.store.reading() as tx:
            return count_revenue(tx, zone=zone, at_us=at_us), count_second_orders(tx, zone=zone, at_us=at_us)

    whole = figures()
    monkeypatch.setattr(kept, "LARGE", 0)
    assert figures() == whole
    assert whole[0].orders > 0


def test_a_figure_of_another_version_is_counted_anew(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    before = StoredSegments(town.installation).list_segments()
    monkeypatch.setattr(kept, "LARGE", 0)
    with town.installation.store.transaction("figures") as tx:
        tx.run("INSERT INTO figures VALUES ('segments', 0, 0, ?)", (b'{"number": 1}',))
    assert StoredSegments(town.installation).list_segments() == before
