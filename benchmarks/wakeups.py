"""Many customers due at one instant, and what live events wait meanwhile.

    python -m benchmarks.wakeups [--store sqlite|postgres] [--customers 100000] [--rate 100] [--workers 2]

Everybody confirms the newsletter at one instant, so the welcome journey's first wait ends for all of them at one instant too. The
clock jumps there; measured is until everybody has been folded, while `--rate` events a second come in besides. On PostgreSQL several
workers, each a process of its own.
"""

import argparse
import json
import time
from collections import deque
from collections.abc import Iterator

import msgspec
import psycopg

from benchmarks.events import identities, traffic
from benchmarks.fold import drain, fill
from benchmarks.partitions import Crew
from benchmarks.places import START_US, SteeredClock, installation_at, settings_for
from kundenkreis.events.core.inbox_item import InboxItem
from kundenkreis.events.inbox import Inbox
from kundenkreis.kernel.ids import Micros
from kundenkreis.runtime.collecting import collect_rarely
from kundenkreis.runtime.installation import Installation
from kundenkreis.runtime.stores.session import Session, Store
from kundenkreis.runtime.worker import EmbeddedWorker
from kundenkreis.settings import Settings

LOOK_SECONDS, LOOK_FOR_THE_DUE_SECONDS = 0.05, 0.25
"""Looks take processor time from those who are measured: the second one walks over what has just been updated."""
MOST_NEW = 1_000
"""Live events that one look takes in; there are some five."""


class Unfolded:
    """How many live events are not folded yet; asks for what is new only, because looking takes processor time from those who are measured."""

    def __init__(self, tx: Session) -> None:
        self._seen = tx.rows("SELECT max(number) FROM log")[0][0]
        self._logged = 0
        self._left: list[tuple[int, int]] = []

    def count(self, tx: Session, sent: int) -> int:
        """Of so many sent. Numbers of the log become visible in their order."""
        # A limit, or a planner that prepares for any number would rather go through the whole log.
        new = tx.rows(
            "SELECT number, partition FROM log WHERE number > ? AND source = 'bench' ORDER BY number LIMIT ?",
            (self._seen, MOST_NEW),
        )
        self._seen = new[-1][0] if new else self._seen
        self._logged += len(new)
        folded_to = dict(tx.rows("SELECT partition, folded_to FROM partitions"))
        self._left = [(number, at) for number, at in (*self._left, *new) if number > folded_to[at]]
        return sent - self._logged + len(self._left)


def run(customers: int, rate: int) -> dict[str, object]:
    """On SQLite: seconds until everybody due is folded, and the wait of live events in milliseconds."""
    clock = SteeredClock()
    with settings_for("sqlite") as settings, installation_at(settings, clock) as installation:
        worker = installation.open_worker()
        assert isinstance(worker, EmbeddedWorker)
        collect_rarely()
        fill(installation.open_inbox(), people(customers), 5_000)
        drain(worker)
        at_us, due = busiest_instant(installation.store)
        clock.at_us = at_us
        return {"store": "sqlite", "due": due, **measure(installation, worker, clock, due, rate)}


def run_postgres(customers: int, rate: int, workers: int) -> dict[str, object]:
    """The same on PostgreSQL."""
    with settings_for("postgres") as settings, installation_at(settings, SteeredClock()) as installation:
        inbox = installation.open_inbox()
        crew = Crew(settings, workers)
        crew.take_up(installation, inbox, people(customers))
        at_us, due = busiest_instant(installation.store)
        settle(settings)
        crew.move_clock(at_us)
        with crew.at_work(inbox, iter(())):
            found = watch(installation.store, inbox, at_us, due, rate)
        found["cpu_seconds"] = round(crew.cpu_seconds(), 2)
        crew.end()
        inbox.close()
        return {"store": "postgres", "workers": workers, "due": due, **found}


def settle(settings: Settings) -> None:
    """What autovacuum does after a while: else it would look over what was filled in a moment ago while others are measured."""
    with psycopg.connect(settings.database, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")


def people(due: int) -> Iterator[InboxItem]:
    """So many that this number of them will be due: one in five gives no permission and enters no journey."""
    return identities(due * 5 // 4, at_us=START_US)


def busiest_instant(store: Store) -> tuple[Micros, int]:
    """(the instant at which most customers wake, how many are due by then)."""
    with store.reading() as tx:
        at_us = tx.rows("SELECT wake_us FROM states GROUP BY wake_us ORDER BY count(*) DESC, wake_us LIMIT 1")[0][0]
        return at_us, tx.rows("SELECT count(*) FROM states WHERE wake_us <= ?", (at_us,))[0][0]


def measure(
    installation: Installation, worker: EmbeddedWorker, clock: SteeredClock, due: int, rate: int
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
    return told(time.perf_counter() - begun, waits) | {"cpu_seconds": round(time.process_time() - cpu, 2)}


def watch(store: Store, inbox: Inbox, at_us: Micros, due: int, rate: int) -> dict[str, float]:
    """Send, and look again and again until nobody is due any more; of live events the oldest count as the first folded."""
    live = traffic(10_000_000, due, start_us=at_us, step_us=0, seed=2)
    waiting, waits = deque[float](), list[float]()
    with store.reading() as tx:
        unfolded = Unfolded(tx)
    begun, sent, is_due = time.perf_counter(), 0, True
    looked = begun
    while True:
        now = time.perf_counter()
        arrived = int((now - begun) * rate) - sent
        if arrived > 0:
            now_us = at_us + int((now - begun) * 1e6)
            inbox.append([msgspec.structs.replace(next(live), received_us=now_us) for _ in range(arrived)])
            waiting.extend(begun + (sent + number) / rate for number in range(arrived))
            sent += arrived
        with store.reading() as tx:
            left = unfolded.count(tx, sent)
            if now - looked > LOOK_FOR_THE_DUE_SECONDS:
                is_due = bool(tx.rows("SELECT 1 FROM states WHERE wake_us <= ? ORDER BY wake_us LIMIT 1", (at_us,)))
                looked = now
        done = time.perf_counter()
        while len(waiting) > left:
            waits.append(done - waiting.popleft())
        if not is_due:
            return told(done - begun, waits)
        time.sleep(LOOK_SECONDS)


def told(seconds: float, waits: list[float]) -> dict[str, float]:
    """The figures of both stores."""
    waits.sort()
    return {
        "seconds": round(seconds, 2),
        "live_p99_ms": round(waits[int(len(waits) * 0.99)] * 1000, 1) if waits else 0.0,
        "live_events": len(waits),
    }


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--customers", type=int, default=100_000, help="how many are to be due")
    parser.add_argument("--rate", type=int, default=100, help="live events a second besides")
    parser.add_argument("--workers", type=int, default=2, help="on PostgreSQL")
    arguments = parser.parse_args()
    customers, rate = arguments.customers, arguments.rate
    on_postgres = arguments.store == "postgres"
    found = run_postgres(customers, rate, arguments.workers) if on_postgres else run(customers, rate)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
