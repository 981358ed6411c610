"""What the process tree of `kreis serve` takes on a loaded installation, once somebody has looked at its main pages.

    python -m benchmarks.memory FOLDER

The proportional set size of every process (Linux): a page of memory that several of them share counts once, each of them its part. Resident
sizes, which count it as often as there are processes, are told besides. Serves the folder as shipped (signing in stays in it).
"""

import argparse
import json
import random
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.web import Ask, Browser, Store, main_pages, wait_for_figures
from tests.browser.served import Served

SETTLE_SECONDS = 20


def run(folder: Path) -> dict[str, object]:
    """Megabytes: in all, and of each process."""
    served = Served(folder)
    served.start()
    try:
        browser, store = Browser(served), Store(folder, random.Random(1))
        wait_for_figures(store)
        for _, path in main_pages(store, random.Random(1)):
            browser.ask(Ask(path))
        time.sleep(SETTLE_SECONDS)
        each = {command: sizes(pid) for pid, command in processes(served.pid)}
        return {
            "pss_mb": round(sum(pss for pss, _ in each.values()), 1),
            "rss_mb": round(sum(rss for _, rss in each.values()), 1),
            "pss_of_each_mb": {command: pss for command, (pss, _) in each.items()},
        }
    finally:
        served.stop()


def processes(pid: int) -> Iterator[tuple[int, str]]:
    """A process and everything below it, each with its number and the end of its command line."""
    command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    yield pid, f"{pid} " + b" ".join(command[-3:]).decode(errors="replace").strip()
    for thread in Path(f"/proc/{pid}/task").iterdir():
        for child in (thread / "children").read_text().split():
            yield from processes(int(child))


def sizes(pid: int) -> tuple[float, float]:
    """(proportional, resident) megabytes of one process."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    kibibytes = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
    return round(kibibytes["Pss"] * 1024 / 1e6, 1), round(kibibytes["Rss"] * 1024 / 1e6, 1)


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    print(json.dumps(run(parser.parse_args().folder.resolve()), indent=2))


if __name__ == "__main__":
    main()
