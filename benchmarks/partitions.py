"""Inbox to committed state on PostgreSQL: several workers, each a process of its own as in `kreis serve`, with a full inbox.

python -m benchmarks.partitions [--workers 2] [--customers 20000] [--events 40000]
"""

import argparse
import json
import multiprocessing
import resource
import time
from itertools import count
from multiprocessing.synchronize import Barrier, Event

from benchmarks.events import identities, traffic
from benchmarks.fold import fill
from benchmarks.places import START_US, SteeredClock, installation_at, settings_for
from kundenkreis.runtime.collecting import collect_rarely
from kundenkreis.runtime.installation import Installation
from kundenkreis.runtime.stores.session import Store
from kundenkreis.settings import Settings

AFTER_US = START_US + 3_600_000_000


def run(workers: int, customers: int, events: int) -> dict[str, float]:
    """Events a second that all workers together resolve and fold."""
    with settings_for("postgres") as settings, installation_at(settings, SteeredClock()) as installation:
        inbox = installation.open_inbox()
        fill(inbox, identities(customers, at_us=START_US), 5_000)
        together(settings, workers, installation, at_us=START_US)
        fill(inbox, traffic(events, customers, start_us=AFTER_US, step_us=100), 5_000)
        seconds, cpu_seconds = together(settings, workers, installation, at_us=AFTER_US + events * 100)
        inbox.close()
        return {
            "workers": workers,
            "events": events,
            "per_second": round(events / seconds),
            "workers_cpu_milliseconds_per_1000_events": round(1e6 * cpu_seconds / events, 1),
        }


def together(settings: Settings, workers: int, installation: Installation, *, at_us: int) -> tuple[float, float]:
    """(seconds from when every worker stands ready until nothing waits, processor seconds of the workers)."""
    context = multiprocessing.get_context("spawn")
    ready, stop = context.Barrier(workers + 1), context.Event()
    crew = [
        context.Process(target=work, args=(settings, f"worker-{number}", at_us, ready, stop))
        for number in range(workers)
    ]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for process in crew:
        process.start()
    ready.wait()
    begun = time.perf_counter()
    while not is_done(installation.store):
        time.sleep(0.02)
    seconds = time.perf_counter() - begun
    stop.set()
    for process in crew:
        process.join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def is_done(store: Store) -> bool:
    """Whether the inbox is empty and every partition has folded its log."""
    with store.reading() as tx:
        if tx.rows("SELECT 1 FROM inbox LIMIT 1"):
            return False
        behind = (
            "SELECT 1 FROM partitions p WHERE EXISTS "
            "(SELECT 1 FROM log l WHERE l.partition = p.partition AND l.number > p.folded_to AND (l.flags & 4) = 0) LIMIT 1"
        )
        return not tx.rows(behind)


def work(settings: Settings, name: str, at_us: int, ready: Barrier, stop: Event) -> None:
    """One worker: takes its share of the partitions, waits for the others, then steps until told to stop."""
    with installation_at(settings, SteeredClock(at_us)) as installation:
        worker = installation.open_worker(name)
        collect_rarely()
        ready.wait()
        for _ in count():
            if stop.is_set():
                break
            if worker.step().idle:
                time.sleep(0.01)


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--events", type=int, default=40_000)
    arguments = parser.parse_args()
    print(json.dumps(run(arguments.workers, arguments.customers, arguments.events), indent=2))


if __name__ == "__main__":
    main()
