"""Many customers due at one instant, and what live events wait meanwhile.

    python -m benchmarks.wakeups [--store sqlite|postgres] [--customers 100000] [--rate 100]

Everybody confirms the newsletter at one instant, so the welcome journey's first wait ends for all of them at one instant too. The
clock jumps there; measured is until everybody has been folded, while `--rate` events a second come in besides.
"""

import argparse
import json
import time

from benchmarks.events import identities, traffic
from benchmarks.fold import drain, fill
from benchmarks.places import START_US, SteeredClock, installation_at, settings_for
from kundenkreis.kernel.ids import Micros
from kundenkreis.runtime.collecting import collect_rarely
from kundenkreis.runtime.installation import Installation
from kundenkreis.runtime.stores.session import Store
from kundenkreis.runtime.worker import EmbeddedWorker, PartitionWorker


def run(store: str, customers: int, rate: int) -> dict[str, object]:
    """Seconds until everybody due is folded, and the wait of live events in milliseconds."""
    clock = SteeredClock()
    with settings_for(store) as settings, installation_at(settings, clock) as installation:
        worker = installation.open_worker()
        collect_rarely()
        # One in five gives no permission and enters no journey.
        fill(installation.open_inbox(), identities(customers * 5 // 4, at_us=START_US), 5_000)
        drain(worker)
        at_us, due = busiest_instant(installation.store)
        clock.at_us = at_us
        return {"store": store, "due": due, **measure(installation, worker, clock, due, rate)}


def busiest_instant(store: Store) -> tuple[Micros, int]:
    """(the instant at which most customers wake, how many are due by then)."""
    with store.reading() as tx:
        at_us = tx.rows("SELECT wake_us FROM states GROUP BY wake_us ORDER BY count(*) DESC, wake_us LIMIT 1")[0][0]
        return at_us, tx.rows("SELECT count(*) FROM states WHERE wake_us <= ?", (at_us,))[0][0]


def measure(
    installation: Installation, worker: EmbeddedWorker | PartitionWorker, clock: SteeredClock, due: int, rate: int
) -> dict[str, float]:
    """Step until nobody is due any more; each live event waits from its arrival to the end of the step that took it."""
    inbox, live = installation.open_inbox(), traffic(10_000_000, due, start_us=clock.at_us, step_us=0, seed=2)
    waiting: list[float] = []
    waits: list[float] = []
    begun, cpu, sent = time.perf_counter(), time.process_time(), 0
    while worker.next_wake_us() <= clock.at_us:
        arrived = int((time.perf_counter() - begun) * rate) - sent
        if arrived > 0:
            inbox.append([next(live) for _ in range(arrived)])
            waiting += [begun + (sent + number) / rate for number in range(arrived)]
            sent += arrived
        report = worker.step()
        done = time.perf_counter()
        waits += [done - since for since in waiting[: report.events]]
        del waiting[: report.events]
    seconds = time.perf_counter() - begun
    waits.sort()
    return {
        "seconds": round(seconds, 2),
        "cpu_seconds": round(time.process_time() - cpu, 2),
        "live_p99_ms": round(waits[int(len(waits) * 0.99)] * 1000, 1) if waits else 0.0,
        "live_events": len(waits),
    }


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--customers", type=int, default=100_000, help="how many are to be due")
    parser.add_argument("--rate", type=int, default=100, help="live events a second besides")
    arguments = parser.parse_args()
    print(json.dumps(run(arguments.store, arguments.customers, arguments.rate), indent=2))


if __name__ == "__main__":
    main()
