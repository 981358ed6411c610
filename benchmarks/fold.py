"""Inbox to committed state: the demo rulebook, traces on, SQLite with synchronous=FULL, the worker as `kreis serve` runs it.

    python -m benchmarks.fold [--customers 100000] [--events 50000] [--live 150000] [--warm 0]

Catching up: after an outage of a minute the inbox is full of `--events`, the worker takes what its batch size lets it. Live: `--rate` events arrive
every second, `--live` in all, and the time from a batch's begin to its commit is what others wait for the database. Some 150 batches
are the fewest whose 99th percentile is not the longest of them.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterator
from itertools import islice

from benchmarks.events import identities, traffic
from benchmarks.places import START_US, SteeredClock, installation_at, settings_for
from kundenkreis.events.core.inbox_item import InboxItem
from kundenkreis.runtime.collecting import collect_rarely
from kundenkreis.runtime.worker import EmbeddedWorker, PartitionWorker

OUTAGE_US = 60_000_000


def run(customers: int, events: int, live_events: int, warm: int, rate: int) -> dict[str, object]:
    """Load customers, warm up, measure catching up and live; figures by name."""
    clock = SteeredClock()
    with settings_for("sqlite") as settings, installation_at(settings, clock) as installation:
        worker = installation.open_worker()
        assert isinstance(worker, EmbeddedWorker)
        inbox = installation.open_inbox()
        collect_rarely()
        fill(inbox, identities(customers, at_us=START_US), 5_000)
        drain(worker)
        step_us = 1_000_000 // rate
        stream = traffic(warm + events + live_events, customers, start_us=START_US + 3_600_000_000, step_us=step_us)
        if warm:
            for chunk in chunks(stream, 20_000, stop=warm):
                inbox.append(chunk)
                clock.at_us = chunk[-1].received_us
                drain(worker)
        figures = {
            **catch_up(worker, inbox, clock, stream, events),
            **live(worker, inbox, clock, stream, live_events, rate),
        }
        with installation.store.reading() as tx:
            states = tx.rows("SELECT count(*), avg(length(state)), max(length(state)) FROM states")[0]
            rows = tx.rows("SELECT count(*) FROM log")[0][0]
        size = sum(file.stat().st_size for file in settings.data_dir.glob("kreis.db*"))
        return figures | {
            "customers": states[0],
            "state_bytes_mean": round(states[1]),
            "state_bytes_max": states[2],
            "log_rows": rows,
            "store_bytes_per_log_row": round(size / rows),
        }


def catch_up(
    worker: EmbeddedWorker, inbox: object, clock: SteeredClock, stream: Iterator[InboxItem], count: int
) -> dict[str, float]:
    """Events a second with a full inbox."""
    items = list(islice(stream, count))
    fill(inbox, items, 5_000)
    clock.at_us = items[-1].received_us + OUTAGE_US
    begun, cpu, done = time.perf_counter(), time.process_time(), 0
    while done < count:
        done += worker.step().events
    seconds, cpu_seconds = time.perf_counter() - begun, time.process_time() - cpu
    return {
        "catching_up_per_second": round(done / seconds),
        "catching_up_per_cpu_second": round(done / cpu_seconds),
        "cpu_milliseconds_per_1000_events": round(1e6 * cpu_seconds / done, 1),
    }


def live(
    worker: EmbeddedWorker, inbox: object, clock: SteeredClock, stream: Iterator[InboxItem], count: int, rate: int
) -> dict[str, float]:
    """Events a second, and the time of a batch to its commit, while `rate` events arrive every second."""
    waits: list[float] = []
    begun, sent, done = time.perf_counter(), 0, 0
    while done < count:
        due = min(int((time.perf_counter() - begun) * rate) + 1, count)
        if due > sent:
            chunk = list(islice(stream, due - sent))
            inbox.append(chunk)  # type: ignore[attr-defined]  # the writing end of either inbox
            clock.at_us = chunk[-1].received_us
            sent = due
        before = time.perf_counter()
        report = worker.step()
        waits.append(time.perf_counter() - before)
        done += report.events
    seconds = time.perf_counter() - begun
    waits.sort()
    return {
        "live_per_second": round(done / seconds),
        "live_batch_p50_ms": round(statistics.median(waits) * 1000, 1),
        "live_batch_p99_ms": round(waits[int(len(waits) * 0.99)] * 1000, 1),
    }


def fill(inbox: object, items: Iterator[InboxItem] | list[InboxItem], size: int) -> None:
    """Append in chunks."""
    for chunk in chunks(iter(items), size):
        inbox.append(chunk)  # type: ignore[attr-defined]


def chunks(items: Iterator[InboxItem], size: int, stop: int | None = None) -> Iterator[list[InboxItem]]:
    """Lists of at most `size`, `stop` in all."""
    left = stop if stop is not None else sys.maxsize
    while left and (chunk := list(islice(items, min(size, left)))):
        left -= len(chunk)
        yield chunk


def drain(worker: EmbeddedWorker | PartitionWorker) -> None:
    """Fold what waits."""
    while not worker.step().idle:
        pass


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--events", type=int, default=50_000)
    parser.add_argument("--live", type=int, default=150_000)
    parser.add_argument("--warm", type=int, default=0, help="events folded before measuring begins")
    parser.add_argument("--rate", type=int, default=7_000)
    arguments = parser.parse_args()
    print(
        json.dumps(run(arguments.customers, arguments.events, arguments.live, arguments.warm, arguments.rate), indent=2)
    )


if __name__ == "__main__":
    main()
