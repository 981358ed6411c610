"""A helper changes when something is decided, never what: with it, without it, and when it dies."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kundenkreis.events.testing import MemoryInbox
from kundenkreis.kernel.zones import DAY
from kundenkreis.runtime.clock import VirtualClock
from kundenkreis.runtime.fold_helpers import RETRY_US, FoldHelpers
from kundenkreis.runtime.worker import REST_US, EmbeddedWorker
from tests.engine.stories import STARTS, ZONE, Life, Publish, Send, Teller, differences, item_of, retell, told

pytestmark = pytest.mark.db
NOW = STARTS[0]
PEOPLE = 60


@contextmanager
def helpers_of(clock: VirtualClock, *, most: int = 1) -> Iterator[FoldHelpers]:
    """Helpers that are there and share every batch, however small, and begin with its first rows."""
    helpers = FoldHelpers(clock, most=most, fewest_customers=1, part=5)
    helpers.call(wait=True)
    try:
        yield helpers
    finally:
        helpers.close()


def worker_on(life: Life, clock: VirtualClock, inbox: MemoryInbox, helpers: FoldHelpers | None) -> EmbeddedWorker:
    return EmbeddedWorker(life.store, inbox, life.rulebooks, zone=ZONE, clock=clock, late_after_us=DAY, helpers=helpers)


def views(begin: int, count: int = PEOPLE) -> list[Send]:
    """Everybody looks at something."""
    return [
        Send(
            NOW,
            "track",
            {"messageId": str(n), "userId": f"u{n % count}", "event": "Product Viewed", "properties": {"n": n}},
        )
        for n in range(begin, begin + count)
    ]


def is_alive(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG) == (0, 0)
    except ChildProcessError:
        return False


@pytest.mark.parametrize(("seed", "most"), [(3, 1), (4, 2)])
def test_whoever_folds_decides_the_same(tmp_path: Path, seed: int, most: int) -> None:
    teller = Teller(seed, tmp_path / "told.db")
    story, life = teller.tell()
    with helpers_of(VirtualClock(NOW), most=most) as helpers:
        other = Life(tmp_path / "shared.db", helpers=helpers)
        retell(story, other, random.Random(seed), joins=0.8, dies=0.06, end_us=teller.end_us)
        assert len(helpers.pids) == most
        assert differences(told(life), told(other)) == []
        other.close()
    life.close()


def test_part_of_a_batch_is_folded_by_the_helper(tmp_path: Path) -> None:
    life, clock, inbox = Life(tmp_path / "a.db"), VirtualClock(NOW), MemoryInbox()
    life.publish(Publish(NOW, 1))
    with helpers_of(clock) as helpers:
        worker = worker_on(life, clock, inbox, helpers)
        for begin in (0, PEOPLE):  # whoever is new has no state that could be lent
            inbox.append([item_of(view) for view in views(begin)])
            report = worker.run_until_idle()
        assert helpers.folded > 0
    assert (report.events, report.fold.counts.customers, report.fold.quarantined) == (PEOPLE, PEOPLE, 0)
    life.close()


@pytest.mark.parametrize("dies", ["before", "asked"])
def test_a_helper_that_dies_costs_nothing_but_time(tmp_path: Path, dies: str, caplog: pytest.LogCaptureFixture) -> None:
    clock = VirtualClock(NOW)
    lives = [Life(tmp_path / "alone.db"), Life(tmp_path / "helped.db")]
    for life in lives:
        life.publish(Publish(NOW, 1))
    with helpers_of(clock) as helpers:
        inboxes = [MemoryInbox(), MemoryInbox()]
        workers = [
            worker_on(lives[0], clock, inboxes[0], None),
            worker_on(lives[1], clock, inboxes[1], helpers),
        ]
        for begin in (0, PEOPLE):
            for inbox, worker in zip(inboxes, workers, strict=True):
                inbox.append([item_of(view) for view in views(begin)])
                if begin and worker is workers[1]:
                    # Stopped it takes the share and never answers; then it is killed while the worker waits.
                    os.kill(helpers.pids[0], signal.SIGKILL if dies == "before" else signal.SIGSTOP)
                    if dies == "asked":
                        threading.Timer(0.3, os.kill, (helpers.pids[0], signal.SIGKILL)).start()
                worker.run_until_idle()
        assert helpers.pids == []
        assert "a fold helper failed" in caplog.text
        helpers.call()
        assert helpers.pids == []  # not at once
        clock.advance_to(NOW + RETRY_US)
        helpers.call()
        assert len(helpers.pids) == 1
    assert differences(told(lives[0]), told(lives[1])) == []
    for life in lives:
        life.close()


def test_whoever_comes_twice_or_out_of_quarantine_is_folded_once_for_each_row(tmp_path: Path) -> None:
    clock = VirtualClock(NOW)
    lives = [Life(tmp_path / "alone.db"), Life(tmp_path / "helped.db")]
    with helpers_of(clock) as helpers:
        for life, its_helpers in zip(lives, (None, helpers), strict=True):
            life.publish(Publish(NOW, 1))
            inbox = MemoryInbox()
            worker = worker_on(life, clock, inbox, its_helpers)
            inbox.append([item_of(view) for view in views(0)])
            worker.run_until_idle()
            with life.store.transaction() as tx:
                tx.run(
                    "INSERT INTO quarantined_customers (profile_id, since_us, number, code, detail) "
                    "SELECT profile_id, 0, 0, 'released', '' FROM states ORDER BY profile_id LIMIT 7"
                )
            # Everybody several times: in the first part of the batch, in the middle and in the last.
            inbox.append([item_of(view) for view in views(PEOPLE, 4 * PEOPLE)])
            worker.run_until_idle()
            inbox.append([item_of(view) for begin in range(10) for view in views(5 * PEOPLE + 12 * begin, 12)])
            worker.run_until_idle()
            assert life.rows("SELECT * FROM quarantined_customers") == []
        assert helpers.folded > 0
    assert differences(told(lives[0]), told(lives[1])) == []
    for life in lives:
        life.close()


def test_what_a_helper_cannot_fold_the_worker_quarantines(tmp_path: Path) -> None:
    life, clock, inbox = Life(tmp_path / "a.db"), VirtualClock(NOW), MemoryInbox()
    life.publish(Publish(NOW, 1))
    with helpers_of(clock) as helpers:
        worker = worker_on(life, clock, inbox, helpers)
        inbox.append([item_of(view) for view in views(0)])
        worker.run_until_idle()
        with life.store.transaction() as tx:
            tx.run("UPDATE states SET state = substr(state, 1, 40)")
        inbox.append([item_of(view) for view in views(PEOPLE)])
        assert worker.run_until_idle().fold.quarantined == PEOPLE
    assert life.rows("SELECT DISTINCT code FROM quarantined_customers") == [("DecodeError",)]
    life.close()


def test_helpers_come_with_a_backlog_and_go_with_it(tmp_path: Path) -> None:
    life, clock, inbox = Life(tmp_path / "a.db"), VirtualClock(NOW), MemoryInbox()
    life.publish(Publish(NOW, 1))
    helpers = FoldHelpers(clock, most=1)
    worker = worker_on(life, clock, inbox, helpers)
    inbox.append([item_of(view) for view in views(0)])
    worker.run_until_idle()
    assert helpers.pids == []  # one small batch is no backlog
    inbox.append([item_of(view) for view in views(PEOPLE, 1_000)])
    worker.step()
    (pid,) = helpers.pids
    worker.run_until_idle()
    assert is_alive(pid)
    clock.advance_to(NOW + REST_US + 1)
    worker.step()
    assert (helpers.pids, is_alive(pid)) == ([], False)
    worker.close()
    life.close()


WORKER = """
import os, signal, sys, time
from kundenkreis.runtime.clock import VirtualClock
from kundenkreis.runtime.fold_helpers import FoldHelpers
helpers = FoldHelpers(VirtualClock(), most=1)
helpers.call(wait=sys.argv[1] == "heard")
if sys.argv[1] == "unheard":
    while not helpers._helpers[0].has_answered():
        time.sleep(0.05)
print(helpers.pids[0], flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("first_word", ["heard", "unheard"])
def test_a_helper_ends_with_its_worker(first_word: str) -> None:
    """However the worker ends: all that the helper sees of it is the end of their line, which is a reset when something was left unread."""
    worker = subprocess.run([sys.executable, "-c", WORKER, first_word], stdout=subprocess.PIPE, text=True, check=False)
    assert worker.returncode == -signal.SIGKILL
    pid = int(worker.stdout)
    deadline = time.monotonic() + 20
    while _exists(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _exists(pid)


def _exists(pid: int) -> bool:
    """Whether this process runs; one that has ended and waits to be noticed does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_large_shares_and_answers_pass_each_other(tmp_path: Path) -> None:
    """More than any socket buffers, in both directions at once."""
    life, clock, inbox = Life(tmp_path / "a.db"), VirtualClock(NOW), MemoryInbox()
    life.publish(Publish(NOW, 1))
    with helpers_of(clock) as helpers:
        worker = worker_on(life, clock, inbox, helpers)
        for begin in (0, PEOPLE):
            sends = views(begin)
            for send in sends:
                send.body["properties"] |= {"text": "x" * 20_000}
            inbox.append([item_of(send) for send in sends])
            assert worker.run_until_idle().fold.quarantined == 0
        assert helpers.pids
        assert helpers.folded > 0
    life.close()
