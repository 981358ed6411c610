"""What a day costs on which nobody does anything: only what time itself brings about.

    python -m benchmarks.quiet [--customers 20000] [--days 60]

Customers sign up, one event each on average follows, then `--days` days pass without measuring so that first weeks are over. Measured is
the processor time of the next day, hour by hour, as the share of a core that a million such customers would take.
"""

import argparse
import json
import time

from benchmarks.events import identities, traffic
from benchmarks.fold import drain, fill
from benchmarks.places import START_US, SteeredClock, installation_at, settings_for
from kundenkreis.kernel.zones import DAY, HOUR
from kundenkreis.runtime.collecting import collect_rarely
from kundenkreis.runtime.worker import EmbeddedWorker, PartitionWorker

A_MILLION = 1_000_000


def run(customers: int, days: int) -> dict[str, float]:
    """Processor seconds and customers woken on one quiet day."""
    clock = SteeredClock()
    with settings_for("sqlite") as settings, installation_at(settings, clock) as installation:
        worker, inbox = installation.open_worker(), installation.open_inbox()
        collect_rarely()
        fill(inbox, identities(customers, at_us=START_US), 5_000)
        fill(inbox, traffic(customers, customers, start_us=START_US + HOUR, step_us=1_000), 5_000)
        drain(worker)
        for _ in range(days):
            pass_time(worker, clock, DAY)
        cpu, woken = time.process_time(), 0
        for _ in range(24):
            woken += pass_time(worker, clock, HOUR)
        cpu_seconds = time.process_time() - cpu
        return {
            "customers": customers,
            "woken": woken,
            "cpu_seconds": round(cpu_seconds, 3),
            "percent_of_a_core_for_a_million": round(100 * cpu_seconds * A_MILLION / customers / 86_400, 3),
        }


def pass_time(worker: EmbeddedWorker | PartitionWorker, clock: SteeredClock, span_us: int) -> int:
    """Let time pass; how many customers it woke."""
    clock.at_us += span_us
    woken = 0
    while True:
        report = worker.step()
        woken += report.fold.counts.due
        if report.idle:
            return woken


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--days", type=int, default=60)
    arguments = parser.parse_args()
    print(json.dumps(run(arguments.customers, arguments.days), indent=2))


if __name__ == "__main__":
    main()
