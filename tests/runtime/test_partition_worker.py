"""A worker on PostgreSQL goes along the log in stretches: nothing of its own is passed over, and what is passed is not read again."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from kundenkreis.customers.core.state import FOLD_VERSION
from kundenkreis.customers.core.upgrades import StoreTooNewError
from kundenkreis.events.core.inbox_item import InboxItem
from kundenkreis.events.inbox import Inbox
from kundenkreis.kernel.ids import PARTITIONS
from kundenkreis.runtime import worker as workers
from kundenkreis.runtime.clock import VirtualClock
from kundenkreis.runtime.installation import Installation
from kundenkreis.runtime.stores.meta import write_meta
from kundenkreis.runtime.worker import LEASE_US, PartitionWorker
from kundenkreis.settings import Settings

pytestmark = pytest.mark.db
NOW = 1_790_000_000_000_000
PEOPLE = 60


def seen(user: str, number: int) -> InboxItem:
    body = {"messageId": f"{user} {number}", "userId": user, "event": "Product Viewed", "properties": {}}
    return InboxItem(NOW, "shop", False, "track", json.dumps(body).encode())


@dataclass(frozen=True)
class Shop:
    """An installation on PostgreSQL, at an instant that only the test moves."""

    installation: Installation
    clock: VirtualClock
    inbox: Inbox

    def worker(self, name: str = "worker-1") -> PartitionWorker:
        worker = self.installation.open_worker(name)
        assert isinstance(worker, PartitionWorker)
        return worker


@pytest.fixture
def shop(tmp_path: Path, postgres_database: str) -> Iterator[Shop]:
    clock = VirtualClock(NOW)
    installation = Installation(Settings(data_dir=tmp_path, database=postgres_database), clock=clock)
    installation.ensure_rulebook()
    inbox = installation.open_inbox()
    yield Shop(installation, clock, inbox)
    inbox.close()
    installation.close()


def run(worker: PartitionWorker) -> None:
    while not worker.step().idle:
        pass


@pytest.mark.parametrize("stretch", [3, 7, 1_000])
def test_everybody_is_folded_however_short_the_stretches(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, stretch: int
) -> None:
    monkeypatch.setattr(workers, "MOST_NUMBERS", stretch)
    monkeypatch.setattr(workers, "MOST_READ_AGAIN", 2)
    worker = shop.worker()
    shop.inbox.append([seen(f"u{number}", 1) for number in range(PEOPLE)])
    run(worker)
    # One customer goes on alone: the partitions of all others have nothing new, and are not left behind.
    shop.inbox.append([seen("u0", number) for number in range(2, 12)])
    run(worker)
    with shop.installation.store.reading() as tx:
        assert tx.rows("SELECT count(*), count(DISTINCT partition) > 1 FROM states") == [(PEOPLE, True)]
        assert tx.rows(
            "SELECT count(*) FROM log l JOIN partitions p ON p.partition = l.partition WHERE (l.flags & 4) = 0 AND l.number > p.folded_to"
        ) == [(0,)]
        newest = tx.rows("SELECT next - 1 FROM numbers WHERE name = 'log'")[0][0]
        assert tx.rows("SELECT count(*) FROM partitions WHERE folded_to < ?", (newest - 2,)) == [(0,)]


def test_two_workers_share_the_partitions_and_nobody_is_folded_twice(shop: Shop) -> None:
    crew = [shop.worker(name) for name in ("one", "two")]
    for _ in range(3):
        for worker in crew:
            worker.step()
        shop.clock.advance_to(shop.clock.now_us() + LEASE_US // 2)
    assert [len(worker.owned) for worker in crew] == [PARTITIONS // 2] * 2
    shop.inbox.append([seen(f"u{number}", 1) for number in range(PEOPLE)])
    folded = 0
    while reports := [report for worker in crew if not (report := worker.step()).idle]:
        folded += sum(report.fold.counts.customers for report in reports)
    with shop.installation.store.reading() as tx:
        assert tx.rows("SELECT count(*) FROM states") == [(PEOPLE,)]
    assert folded == PEOPLE


@pytest.mark.parametrize(("known", "batches"), [(20_000, [7] * 8 + [4, 1]), (9, [7, 2] * 6 + [6, 1])])
def test_everybody_whose_time_has_come_is_found(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, known: int, batches: list[int]
) -> None:
    """Also who comes to wake before the place from which the next ones are looked for."""
    monkeypatch.setattr(workers, "MOST_DUE", 7)
    monkeypatch.setattr(workers, "MOST_DUE_KNOWN", known)
    worker = shop.worker()
    shop.inbox.append([seen(f"u{number}", 1) for number in range(PEOPLE)])
    run(worker)
    with shop.installation.store.transaction() as tx:
        people = [row[0] for row in tx.rows("SELECT profile_id FROM states ORDER BY profile_id")]
        tx.run_many(
            "UPDATE states SET wake_us = ? WHERE profile_id = ?", [(NOW - 90 + n, p) for n, p in enumerate(people)]
        )
    folded = [report.fold.counts.customers for report in (worker.step(), worker.step())]
    with shop.installation.store.transaction() as tx:
        tx.run("UPDATE states SET wake_us = ? WHERE profile_id = ?", (NOW - 1_000, people[0]))
    while not (report := worker.step()).idle:
        folded.append(report.fold.counts.customers)
    assert [one for one in folded if one] == batches
    assert worker.next_wake_us() > NOW


def test_whoever_was_folded_before_their_turn_is_not_folded_again(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "MOST_DUE", 7)
    worker = shop.worker()
    shop.inbox.append([seen(f"u{number}", 1) for number in range(PEOPLE)])
    run(worker)
    with shop.installation.store.transaction() as tx:
        tx.run("UPDATE states SET wake_us = ?", (NOW - 90,))
    assert worker.step().fold.counts.customers == 7
    shop.inbox.append([seen(f"u{number}", 2) for number in range(PEOPLE)])
    folded = 0
    while not (report := worker.step()).idle:
        folded += report.fold.counts.customers
    assert folded == PEOPLE
    assert worker.next_wake_us() > NOW


@pytest.mark.parametrize("goes_on", [False, True])
def test_a_request_that_is_seen_late_is_taken(shop: Shop, postgres_database: str, goes_on: bool) -> None:
    """Its position was given before that of one already taken; whether others come meanwhile or not."""
    worker = shop.worker()
    shop.inbox.append([seen("first", 1)])
    run(worker)
    with psycopg.connect(postgres_database, autocommit=True) as connection:
        row = connection.execute("SELECT position FROM inbox").fetchone()
        assert row is None
        # Position 1 was that of the first, and is taken already.
        late = seen("late", 1)
        connection.execute(
            "INSERT INTO inbox (position, received_us, source, public, endpoint, body) OVERRIDING SYSTEM VALUE VALUES (1, %s, %s, false, 'track', %s)",
            (late.received_us, late.source, late.body),
        )
    for number in range(2, 5):
        if goes_on:
            shop.inbox.append([seen("first", number)])
        shop.clock.advance_to(shop.clock.now_us() + workers.LOOK_AGAIN_US // 2)
        worker.step()
    with shop.installation.store.reading() as tx:
        assert tx.rows("SELECT count(*) FROM states") == [(2,)]


def test_a_worker_ends_when_a_newer_program_has_begun_to_fold(shop: Shop) -> None:
    worker = shop.worker("old")
    worker.step()
    held = worker.owned
    with shop.installation.store.transaction("test") as tx:
        write_meta(tx, "fold_version", str(FOLD_VERSION + 1))
    worker.step()  # it has looked a moment ago
    shop.clock.advance_to(shop.clock.now_us() + LEASE_US // 4)
    with pytest.raises(StoreTooNewError):
        worker.step()
    assert held
