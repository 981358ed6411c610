"""A worker that has had nothing to do for a while holds nothing of the store in memory, and goes on as before."""

import os
from pathlib import Path

import pytest

from kundenkreis.events.testing import MemoryInbox
from kundenkreis.kernel.zones import DAY
from kundenkreis.runtime.clock import VirtualClock
from kundenkreis.runtime.worker import REST_US, EmbeddedWorker
from tests.engine.stories import STARTS, ZONE, Life, Publish, Send, item_of

pytestmark = pytest.mark.db
NOW = STARTS[0]


def files_open(path: Path) -> int:
    """How often this process holds a file open (Linux)."""
    links = []
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            links.append(os.readlink(descriptor))
        except FileNotFoundError:  # the one that lists them
            continue
    return links.count(str(path))


def view(number: int) -> Send:
    return Send(NOW, "track", {"messageId": str(number), "userId": "u", "event": "Product Viewed", "properties": {}})


def test_a_worker_at_rest_lets_go_of_the_store(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    life, clock, inbox = Life(path), VirtualClock(NOW), MemoryInbox()
    life.publish(Publish(NOW, 1))
    worker = EmbeddedWorker(life.store, inbox, life.rulebooks, zone=ZONE, clock=clock, late_after_us=DAY)
    inbox.append([item_of(view(1))])
    worker.run_until_idle()
    clock.advance_to(NOW + REST_US)
    worker.step()
    assert (worker.has_rested, files_open(path)) == (False, 1)
    clock.advance_to(NOW + REST_US + 1)
    worker.step()
    assert (worker.has_rested, files_open(path)) == (True, 0)
    inbox.append([item_of(view(2))])
    worker.run_until_idle()
    assert (worker.has_rested, files_open(path)) == (False, 1)
    assert life.rows("SELECT count(*) FROM log WHERE name = 'Product Viewed'") == [(2,)]
    worker.close()
    life.close()


def test_a_worker_that_found_nothing_to_do_lets_go_of_it_too(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    life, clock, inbox = Life(path), VirtualClock(NOW), MemoryInbox()
    worker = EmbeddedWorker(life.store, inbox, life.rulebooks, zone=ZONE, clock=clock, late_after_us=DAY)
    assert worker.step().idle
    assert (worker.has_rested, files_open(path)) == (False, 1)
    clock.advance_to(NOW + REST_US + 1)
    assert worker.step().idle
    assert (worker.has_rested, files_open(path)) == (True, 0)
    worker.close()
    life.close()
