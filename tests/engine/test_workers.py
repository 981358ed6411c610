"""What must not happen around the fold: customers out of order, transactions that fail."""

from pathlib import Path

import pytest

from kundenkreis.events.testing import MemoryInbox
from kundenkreis.kernel.ids import NEVER
from kundenkreis.kernel.zones import DAY
from kundenkreis.runtime.clock import VirtualClock
from kundenkreis.runtime.worker import EmbeddedWorker
from tests.engine.stories import STARTS, ZONE, Life, Publish, Send, item_of

pytestmark = pytest.mark.db
NOW = STARTS[0]


class Broken(Exception):
    """The disk said no."""


def worker_on(life: Life, clock: VirtualClock, inbox: MemoryInbox) -> EmbeddedWorker:
    return EmbeddedWorker(life.store, inbox, life.rulebooks, zone=ZONE, clock=clock, late_after_us=DAY)


def view(user: str, number: int) -> Send:
    return Send(NOW, "track", {"messageId": str(number), "userId": user, "event": "Product Viewed", "properties": {}})


def test_a_quarantined_customer_is_not_due_for_ever(tmp_path: Path) -> None:
    life, clock, inbox = Life(tmp_path / "a.db"), VirtualClock(NOW), MemoryInbox()
    life.publish(Publish(NOW, 1))
    inbox.append([item_of(view("a", number)) for number in range(3)])
    worker = worker_on(life, clock, inbox)
    worker.run_until_idle()
    assert worker.next_wake_us() < NEVER
    with life.store.transaction() as tx:
        tx.run("UPDATE states SET state = substr(state, 1, 40)")  # a damaged state: decoding raises
    clock.advance_to(worker.next_wake_us())
    assert worker.run_until_idle().fold.quarantined == 1
    assert life.rows("SELECT code FROM quarantined_customers") == [("DecodeError",)]
    assert worker.next_wake_us() == NEVER
    life.publish(Publish(clock.now_us(), 2))
    assert worker.run_until_idle().fold.counts.customers == 0
    life.close()


def test_a_failed_commit_does_not_end_the_sweep(tmp_path: Path) -> None:
    life, clock, inbox = Life(tmp_path / "a.db"), VirtualClock(NOW), MemoryInbox()
    life.publish(Publish(NOW, 1))
    inbox.append([item_of(view(f"u{number}", number)) for number in range(3)])
    worker = worker_on(life, clock, inbox)
    worker.run_until_idle()
    life.publish(Publish(NOW, 2))
    hits: list[str] = []

    def once(name: str) -> None:
        hits.append(name)
        if len(hits) == 1:
            raise Broken(name)

    life.point = once
    with pytest.raises(Broken):
        worker.step()
    worker.run_until_idle()
    newest = life.rows("SELECT next FROM numbers WHERE name = 'control'")[0][0]
    behind = life.rows("SELECT count(*) FROM states WHERE control_to < ? - 255", newest)
    assert behind == [(0,)]
    life.close()
