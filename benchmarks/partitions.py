"""Inbox to committed state on PostgreSQL: several workers, each a process of its own as in `kreis serve`, after an outage of a minute.

python -m benchmarks.partitions [--workers 2] [--customers 20000] [--events 40000] [--warm 0]
"""

import argparse
import json
import multiprocessing
import time
from collections.abc import Iterator, MutableSequence, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Barrier, Event
from threading import BrokenBarrierError

from benchmarks.events import identities, traffic
from benchmarks.fold import OUTAGE_US, fill
from benchmarks.places import START_US, SteeredClock, installation_at, settings_for
from kundenkreis.events.core.inbox_item import InboxItem
from kundenkreis.kernel.ids import PARTITIONS
from kundenkreis.runtime.clock import SystemClock
from kundenkreis.runtime.collecting import collect_rarely
from kundenkreis.runtime.installation import Installation
from kundenkreis.runtime.stores.session import Store
from kundenkreis.runtime.worker import PartitionWorker
from kundenkreis.settings import Settings

AFTER_US = START_US + 3_600_000_000
STEP_US = 100
WARMED_AT_ONCE = 100_000


def run(workers: int, customers: int, events: int, warm: int) -> dict[str, float]:
    """Events a second that all workers together resolve and fold, behind so many that they have folded before."""
    with settings_for("postgres") as settings, installation_at(settings, SteeredClock()) as installation:
        inbox = installation.open_inbox()
        crew = Crew(settings, workers)
        crew.take_up(installation, inbox, identities(customers, at_us=START_US))
        stream = traffic(warm + events, customers, start_us=AFTER_US, step_us=STEP_US)
        for done in range(0, warm, WARMED_AT_ONCE):
            count = min(WARMED_AT_ONCE, warm - done)
            crew.move_clock(AFTER_US + (done + count) * STEP_US)
            crew.take_up(installation, inbox, islice(stream, count))
        crew.move_clock(AFTER_US + (warm + events) * STEP_US + OUTAGE_US)
        seconds = crew.take_up(installation, inbox, stream)
        cpu_seconds = crew.cpu_seconds()
        crew.end()
        inbox.close()
        return {
            "workers": workers,
            "events": events,
            "per_second": round(events / seconds),
            "workers_cpu_milliseconds_per_1000_events": round(1e6 * cpu_seconds / events, 1),
        }


class Crew:
    """Workers that stand ready with a fair share of the partitions each, and begin together."""

    def __init__(self, settings: Settings, workers: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._gate, self._stop = context.Barrier(workers + 1), context.Event()
        self._idle, self._cpu_seconds = context.Array("b", workers), context.Array("d", workers)
        self._clock_us = context.Value("q", START_US - SystemClock().monotonic_us())
        self._processes = [
            context.Process(
                target=work,
                args=(settings, number, workers, self._clock_us, self._gate, self._stop, self._idle, self._cpu_seconds),
            )
            for number in range(workers)
        ]
        for process in self._processes:
            process.start()

    def move_clock(self, at_us: int) -> None:
        """From now on it is this instant and what follows, for everybody."""
        self._clock_us.value = at_us - SystemClock().monotonic_us()

    def take_up(self, installation: Installation, inbox: object, items: Iterator[InboxItem]) -> float:
        """Fill the inbox while everybody waits; the seconds from when they begin until nothing is left."""
        with self.at_work(inbox, items):
            begun = time.perf_counter()
            while not is_done(installation.store, self._idle):
                time.sleep(0.05)
            return time.perf_counter() - begun

    @contextmanager
    def at_work(self, inbox: object, items: Iterator[InboxItem]) -> Iterator[None]:
        """Fill the inbox while everybody waits, then have them work until this ends."""
        self._gate.wait()
        fill(inbox, items, 5_000)
        self._idle[:] = [False] * len(self._idle)
        self._gate.wait()
        yield
        self._stop.set()
        self._gate.wait()
        self._stop.clear()

    def cpu_seconds(self) -> float:
        """Processor time of all workers between the last begin and now."""
        return sum(self._cpu_seconds)

    def end(self) -> None:
        """Let everybody go home."""
        self._gate.abort()
        for process in self._processes:
            process.join()


def is_done(store: Store, idle: Sequence[int]) -> bool:
    """Whether the inbox is empty and no worker, asked twice, found anything to fold in its partitions.

    The store is asked for the inbox only: a look at every partition would take the processor from those who are measured.
    """
    with store.reading() as tx:
        if tx.rows("SELECT 1 FROM inbox LIMIT 1"):
            return False
    for _ in range(2):
        if not all(idle):
            return False
        time.sleep(0.03)
    return all(idle)


def work(
    settings: Settings, number: int, workers: int, clock_us: "Synchronized[int]", gate: Barrier, stop: Event,
    idle: MutableSequence[int], cpu_seconds: MutableSequence[float],
) -> None:  # fmt: skip
    """One worker: takes its share of the partitions; then, whenever the gate opens, steps until told to stop."""
    clock = RunningClock(clock_us)
    with installation_at(settings, clock) as installation:
        worker = installation.open_worker(f"worker-{number}")
        assert isinstance(worker, PartitionWorker)
        collect_rarely()
        with suppress(BrokenBarrierError):
            while True:
                gate.wait()  # to have the inbox filled
                share_out(worker, workers)  # a clock that was moved has ended all leases
                gate.wait()
                before = time.process_time()
                while not stop.is_set():
                    idle[number] = worker.step().idle
                    if idle[number]:
                        time.sleep(0.005)
                cpu_seconds[number] = time.process_time() - before
                gate.wait()


def share_out(worker: PartitionWorker, workers: int) -> None:
    """Until this worker holds its fair share of the partitions."""
    while True:
        worker.lease()
        if len(worker.owned) == PARTITIONS // workers:
            return
        time.sleep(0.05)


class RunningClock(SteeredClock):
    """Real time from an instant that is set now and then: leases are renewed, and partitions shared out.

    Args:
        ahead_us: how much it is ahead of the machine's monotonic clock, which is the same for every process.
    """

    def __init__(self, ahead_us: "Synchronized[int]") -> None:
        super().__init__()
        self._ahead_us = ahead_us

    def now_us(self) -> int:
        return self._ahead_us.value + self.monotonic_us()


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--events", type=int, default=40_000)
    parser.add_argument("--warm", type=int, default=0, help="events folded before measuring begins")
    arguments = parser.parse_args()
    found = run(arguments.workers, arguments.customers, arguments.events, arguments.warm)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
