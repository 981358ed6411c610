"""`make bench`: the figures of docs/benchmarks.md, each held against its floor (half of its goal).

    python -m benchmarks [NAME ...]     # some by name; without a name all but the long ones: wakeups wakeups_postgres steady set_up web web_demo

`make bench-web` is `python -m benchmarks web web_demo`: pages while 1,000 events a second come in. BENCH_STORE and BENCH_DEMO name folders that are there
already (benchmarks/large.py, kreis demo --load-only); what is sent to them stays in them. BENCH_CUSTOMERS: how large, if there is none.

Exit code 1 when a figure lies below its floor, or when a benchmark breaks; the others are measured all the same.
How fast the machine was stands beside each figure: a fixed loop of Python, timed right before it.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table


class BrokenBenchmarkError(Exception):
    """A benchmark printed no figures; what it said instead."""


@dataclass(frozen=True)
class Figure:
    """One measured figure with what it should reach."""

    what: str
    measured: float
    goal: float
    is_at_most: bool = False
    """The figure should stay below the goal; the floor is then twice the goal."""

    @property
    def floor(self) -> float:
        """Where `make bench` fails."""
        return self.goal * 2 if self.is_at_most else self.goal / 2

    @property
    def state(self) -> str:
        """reached, above the floor, or below the floor."""
        if self.measured <= self.goal if self.is_at_most else self.measured >= self.goal:
            return "goal reached"
        return (
            "above the floor"
            if (self.measured <= self.floor if self.is_at_most else self.measured >= self.floor)
            else "BELOW THE FLOOR"
        )


def _json_of(*command: str, environment: dict[str, str] | None = None) -> dict[str, float]:
    return _json_and_peak_of(*command, environment=environment)[0]


def _json_and_peak_of(*command: str, environment: dict[str, str] | None = None) -> tuple[dict[str, float], int]:
    """(what a command prints, kibibytes that the largest process of it and of its children had at most)."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        started = subprocess.Popen(
            [sys.executable, *command], stdout=out, stderr=err, env=os.environ | (environment or {})
        )
        # Not RUSAGE_CHILDREN: that is the largest of all benchmarks so far.
        _, status, usage = os.wait4(started.pid, 0)
        started.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        printed = out.read()
        if started.returncode not in (0, 1) or not printed.strip():
            raise BrokenBenchmarkError(f"{' '.join(command)} failed:\n{err.read().decode(errors='replace')[-2000:]}")
    found: dict[str, float] = json.loads(printed)
    return found, usage.ru_maxrss


def ingest() -> list[Figure]:
    """Acknowledged and durable events."""
    results = _json_of("-m", "benchmarks.ingest", "--json", "--seconds", "10")
    by_size = {result["batch"]: result["events_per_second"] for result in results}  # type: ignore[attr-defined,index]
    return [
        Figure("single events acknowledged and durable, per second", by_size[1], 10_000),
        Figure("events in batches of 100, per second", by_size[100], 60_000),
    ]


WARM = ("--customers", "100000", "--warm", "200000")
"""Because the first event of a customer this hour writes more than the others: everybody has had two."""


def fold() -> list[Figure]:
    """Inbox to committed state on SQLite."""
    found = _json_of("-m", "benchmarks.fold", *WARM)
    return [
        Figure("inbox to committed state, SQLite, catching up, per second", found["catching_up_per_second"], 15_000),
        Figure("inbox to committed state, SQLite, live, per second", found["live_per_second"], 7_000),
        Figure("batch commit p99, ms", found["live_batch_p99_ms"], 250, is_at_most=True),
    ]


def fold_postgres() -> list[Figure]:
    """The same on PostgreSQL with two workers."""
    found = _json_of("-m", "benchmarks.partitions", "--workers", "2", "--events", "50000", *WARM)
    return [
        Figure(
            "inbox to committed state, PostgreSQL, two workers, catching up, per second", found["per_second"], 15_000
        )
    ]


def quiet() -> list[Figure]:
    """A day on which nothing but time happens."""
    found = _json_of("-m", "benchmarks.quiet")
    share = found["percent_of_a_core_for_a_million"]
    return [Figure("one quiet virtual day of a million customers, % of a core", share, 1, is_at_most=True)]


def wakeups() -> list[Figure]:
    """A hundred thousand customers due at once, on SQLite."""
    return _wakeups("sqlite", 20)


def wakeups_postgres() -> list[Figure]:
    """The same on PostgreSQL, with two workers."""
    return _wakeups("postgres", 10)


def _wakeups(store: str, goal_seconds: float) -> list[Figure]:
    found = _json_of("-m", "benchmarks.wakeups", "--store", store)
    return [
        Figure(f"100,000 wake-ups due at once, {store}, seconds", found["seconds"], goal_seconds, is_at_most=True),
        Figure(f"live events meanwhile, {store}, p99 ms", found["live_p99_ms"], 1_000, is_at_most=True),
    ]


def steady() -> list[Figure]:
    """3,000 events a second for ten minutes."""
    found = _json_of("-m", "benchmarks.steady", "--rate", "3000", "--seconds", "600")
    return [
        Figure("events sent and acknowledged for ten minutes, per second", found["sent_per_second"], 3_000),
        Figure("fold lag meanwhile, p99 ms", found["lag_p99_ms"], 1_000, is_at_most=True),
    ]


def latency() -> list[Figure]:
    """Request to final dot."""
    found = _json_of("-m", "benchmarks.latency", "--messages", "200")
    return [
        Figure("request to final dot at 10 a second, p50 ms", found["p50_ms"], 50, is_at_most=True),
        Figure("request to final dot at 10 a second, p99 ms", found["p99_ms"], 150, is_at_most=True),
    ]


def latency_busy() -> list[Figure]:
    """The same beside other traffic."""
    found = _json_of("-m", "benchmarks.latency", "--messages", "200", "--background", "1000")
    return [Figure("the same with 1,000 events a second besides, p99 ms", found["p99_ms"], 500, is_at_most=True)]


def smtp() -> list[Figure]:
    """Journey messages to a local sink."""
    found = _json_of("-m", "benchmarks.smtp", "--threads", "8")
    return [Figure("journey sends to a local SMTP sink, DKIM off, per second", found["messages_per_second"], 500)]


def demo() -> list[Figure]:
    """The demo's year: time after set-up, memory of the loader and of what serves it, share of wake-ups that change something."""
    folder = tempfile.mkdtemp(prefix="kreis-bench-")
    try:
        found, peak_kibibytes = _json_and_peak_of(
            "-m",
            "kundenkreis.cli.main",
            "demo",
            "--load-only",
            "--json",
            environment={"KREIS_DATA_DIR": folder + "/demo"},
        )
        serving = _json_of("-m", "benchmarks.memory", folder + "/demo")
    finally:
        shutil.rmtree(folder)
    return [
        Figure("demo year after set-up, seconds", found["seconds"], 60, is_at_most=True),
        Figure("memory of the loader, MB", peak_kibibytes / 1024, 900, is_at_most=True),
        Figure("memory of the process tree serving the demo, MB", serving["pss_mb"], 400, is_at_most=True),
        Figure(
            "wake-ups of the demo that change something, %",
            100 * (found["woken_by_time_changed"] + found["woken_by_time_forgotten"]) / max(found["woken_by_time"], 1),
            90,
        ),
    ]


def set_up() -> list[Figure]:
    """`make setup` in a fresh clone, nothing cached; from the registries, so only as fast as the network."""
    with tempfile.TemporaryDirectory(prefix="kreis-bench-") as folder:
        subprocess.run(["git", "clone", "--quiet", ".", folder + "/clone"], check=True)
        caches = {"UV_CACHE_DIR": "uv", "PIP_CACHE_DIR": "pip", "npm_config_cache": "npm"}
        environment = os.environ | {name: f"{folder}/{cache}" for name, cache in caches.items()}
        begun = time.perf_counter()
        subprocess.run(["make", "setup"], cwd=folder + "/clone", env=environment, check=True, stdout=subprocess.DEVNULL)
        return [Figure("set-up, cold, seconds", time.perf_counter() - begun, 90, is_at_most=True)]


def web() -> list[Figure]:
    """Pages of a large installation."""
    size = os.environ.get("BENCH_CUSTOMERS", "1000000")
    with _folder("BENCH_STORE", "-m", "benchmarks.large", "{}", "--customers", size) as folder:
        found = _json_of("-m", "benchmarks.web", folder)
    return _page_figures(found, "large")


def web_demo() -> list[Figure]:
    """Pages of the demo, their first paint and their weight."""
    with _folder("BENCH_DEMO", "-m", "kundenkreis.cli.main", "demo", "--load-only", "--json") as folder:
        found = _json_of("-m", "benchmarks.web", folder, "--first-paint")
    figures = _page_figures(found, "demo")
    for each in found["paints"]:  # type: ignore[attr-defined]
        figures.append(
            Figure(f"demo, {each['page']}: first contentful paint, ms", each["first_paint_ms"], 1_000, is_at_most=True)
        )
        figures.append(
            Figure(
                f"demo, {each['page']}: transferred without islands, KB",
                each["weight_bytes"] / 1000,
                150,
                is_at_most=True,
            )
        )
    return figures


def _page_figures(found: Any, where: str) -> list[Figure]:
    pages = [page for page in found["pages"] if page["goal_ms"] is not None]
    return [
        Figure(f"{where}, {page['page']}: p95, ms", page["p95_ms"], page["goal_ms"], is_at_most=True) for page in pages
    ]


@contextmanager
def _folder(variable: str, *command: str) -> Iterator[str]:
    """The folder that the environment names, else a new one that this command fills."""
    if named := os.environ.get(variable):
        yield named
        return
    temporary = tempfile.mkdtemp(prefix="kreis-bench-")
    try:
        folder = temporary + "/data"
        _json_of(*(part.format(folder) for part in command), environment={"KREIS_DATA_DIR": folder})
        yield folder
    finally:
        shutil.rmtree(temporary)


BENCHMARKS: dict[str, Callable[[], list[Figure]]] = {
    "ingest": ingest,
    "fold": fold,
    "fold_postgres": fold_postgres,
    "quiet": quiet,
    "latency": latency,
    "latency_busy": latency_busy,
    "smtp": smtp,
    "demo": demo,
}


LONG: dict[str, Callable[[], list[Figure]]] = {
    "wakeups": wakeups,
    "wakeups_postgres": wakeups_postgres,
    "steady": steady,
    "set_up": set_up,
    "web": web,
    "web_demo": web_demo,
}
"""Minutes each, or much disk: only by name."""


def fixed_loop_seconds() -> float:
    """How fast one processor of this machine is at the moment: a million rounds of the same sum, median of seven."""
    found = []
    for _ in range(7):
        begun, total = time.perf_counter(), 0
        for number in range(1_000_000):
            total += number * number % 7
        found.append(time.perf_counter() - begun)
    return statistics.median(found)


def main() -> None:
    """Measure, print, fail below a floor."""
    names = sys.argv[1:] or list(BENCHMARKS)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("figure", "measured", "goal", "floor", "", "fixed loop, s"):
        table.add_column(heading, justify="left" if heading in ("figure", "") else "right")
    failed = False
    for name in names:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        loop = fixed_loop_seconds()
        try:
            figures = (BENCHMARKS | LONG)[name]()
        except BrokenBenchmarkError as broken:
            print(broken, file=sys.stderr, flush=True)
            table.add_row(name, "", "", "", "BROKEN, see above", f"{loop:.2f}")
            failed = True
            continue
        for figure in figures:
            table.add_row(
                figure.what, f"{figure.measured:,.1f}", f"{figure.goal:,.0f}", f"{figure.floor:,.0f}", figure.state, f"{loop:.2f}"
            )  # fmt: skip
            failed = failed or figure.state == "BELOW THE FLOOR"
    Console(width=160).print(table)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
