"""Everybody counted in the background: equal to a recount, in short snapshots, one for each who asks, and only while somebody asks."""

import threading
import time
from typing import Any

import pytest

from kundenkreis.customers.core.state import decode_state
from kundenkreis.runtime.exact_counts import BackgroundCounts
from kundenkreis.runtime.readers.segments import StoredSegments
from kundenkreis.site.ports.counts import ASKED_SECONDS, Count
from kundenkreis.site.ports.segments import Estimate
from tests.runtime.town import Town, ring_bells

pytestmark = pytest.mark.db

_LONG = 30.0
_BELLS = {"event": {"name": "Bell Rung"}}
_BUYERS = {"trait": {"name": "order_count", "op": ">=", "value": 2}}


@pytest.fixture
def town(town: Town) -> Town:
    ring_bells(town)
    return town


class Steps:
    """Rests that last until the test lets the count go on; a clock of its own."""

    def __init__(self) -> None:
        self.now = 0.0
        self.has_come = threading.Semaphore(0)
        self.may_go = threading.Semaphore(0)

    def monotonic(self) -> float:
        return self.now

    def rest(self, seconds: float) -> None:
        self.has_come.release()
        assert self.may_go.acquire(timeout=_LONG)

    def come(self) -> None:
        """Wait until a stretch is done."""
        assert self.has_come.acquire(timeout=_LONG)

    def go(self, steps: int = 1000) -> None:
        self.may_go.release(steps)


def counts_of(town: Town, steps: Steps) -> BackgroundCounts:
    return BackgroundCounts(town.installation, chunk=2, monotonic=steps.monotonic, rest=steps.rest)


def finished(counts: BackgroundCounts, asker: str, count: Count) -> Estimate:
    """The result when it is there."""
    while True:
        found = counts.find(asker, count.count_id)
        assert found is not None
        assert found.state != "failed"
        if found.result is not None:
            assert (found.state, found.done) == ("done", found.total)
            return found.result
        time.sleep(0.01)


def recounted(town: Town) -> int:
    """How many bought twice, from the states alone."""
    with town.installation.store.reading() as tx:
        states = [decode_state(bytes(row[0])) for row in tx.rows("SELECT state FROM states")]
    return sum(not one.forwarded_to and one.commerce.order_count >= 2 for one in states)


def test_counts_equal_members_estimates_and_a_recount(town: Town) -> None:
    counts, segments = BackgroundCounts(town.installation, chunk=3), StoredSegments(town.installation)
    conditions: list[tuple[Any, int | None]] = [
        ({"segment": {"id": line.named.id}}, line.members) for line in segments.list_segments()
    ]
    for condition, people in [*conditions, (_BELLS, 5), (_BUYERS, recounted(town))]:
        found = finished(counts, "me", counts.begin("me", condition))
        at_once = segments.estimate(condition, budget_ms=60_000)
        assert at_once.is_exact
        assert (condition, found.people, found.of) == (condition, people, at_once.of)
        assert (found.is_exact, found.margin, found.sample) == (True, 0, at_once.sample)
        assert found.as_of_us == town.clock.now_us()
    assert recounted(town) > 0


def test_writing_goes_on_between_stretches_and_progress_is_told(town: Town) -> None:
    steps = Steps()
    counts = counts_of(town, steps)
    begun_us = town.clock.now_us()
    count = counts.begin("me", _BUYERS)
    steps.come()
    halfway = counts.find("me", count.count_id)
    assert halfway is not None
    assert (halfway.state, halfway.done, halfway.result) == ("at_work", 2, None)
    assert halfway.total > 2
    if town.installation.store.dialect == "sqlite":  # nobody reads, so the whole WAL can be written back
        with town.installation.store.reading() as tx:
            tx.rows("SELECT 1")
        import sqlite3

        connection = sqlite3.connect(town.settings.data_dir / "kreis.db")
        assert connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
        connection.close()
    town.order("u11", "between", 5.0)
    town.pass_time(1_000_000)
    steps.go()
    assert finished(counts, "me", count).as_of_us == begun_us


def test_newer_count_of_the_same_asker_ends_the_one_before(town: Town) -> None:
    steps = Steps()
    counts = counts_of(town, steps)
    first = counts.begin("me", _BUYERS)
    others = counts.begin("you", _BELLS)
    steps.come()
    steps.come()
    second = counts.begin("me", _BELLS)
    assert counts.find("me", first.count_id) is None
    assert counts.find("you", second.count_id) is None
    waiting = counts.find("me", second.count_id)
    assert waiting is not None
    assert (waiting.done, waiting.total) == (0, 0)  # two at once
    steps.go()
    assert (finished(counts, "me", second).people, finished(counts, "you", others).people) == (5, 5)
    counts.end("me")
    assert counts.find("me", second.count_id) is None


def test_count_of_which_nobody_asks_ends(town: Town) -> None:
    steps = Steps()
    counts = counts_of(town, steps)
    count = counts.begin("me", _BUYERS)
    steps.come()
    steps.now += ASKED_SECONDS
    assert counts.find("me", count.count_id) is not None
    steps.now += ASKED_SECONDS + 1
    before = threading.active_count()
    steps.go(1)
    while threading.active_count() >= before:
        time.sleep(0.01)
    assert counts.find("me", count.count_id) is None


def test_what_is_published_meanwhile_begins_the_count_anew(town: Town) -> None:
    steps = Steps()
    counts = counts_of(town, steps)
    count = counts.begin("me", _BELLS)
    steps.come()
    names = {"de": "Läuter", "en": "Ringers"}
    town.publish([*town.documents(), {"kind": "segment", "id": "ringers", "name": names, "when": _BELLS}])
    town.pass_time(1_000_000)
    steps.go()
    found = finished(counts, "me", count)
    assert (found.people, found.as_of_us) == (5, town.clock.now_us())


def test_condition_that_cannot_be_asked_says_why(town: Town) -> None:
    counts = BackgroundCounts(town.installation)
    found = finished(counts, "me", counts.begin("me", {"segment": {"id": "nobody_knows"}}))
    assert [path for path, _said in found.mistakes] == [("segment", "id")]
