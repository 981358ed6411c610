"""A steady stream into `kreis serve` as shipped, on SQLite: how old the oldest event is that is not folded yet.

    python -m benchmarks.steady [--rate 3000] [--seconds 600] [--customers 100000]

Events come in batches of fifty over HTTP from the same machine. The lag is looked at twenty times a second, from the first second on.
"""

import argparse
import http.client
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pysqlite3 as sqlite3

from benchmarks.events import traffic
from benchmarks.latency import free_port, post_bytes, wait_for
from kundenkreis.definitions.canonical import canonical_json
from kundenkreis.playbooks.shipped import shipped_rulebook
from kundenkreis.runtime.installation import INBOX_FILE, STORE_FILE, Installation
from kundenkreis.settings import Settings

PER_REQUEST = 50
LOOK_SECONDS = 0.05


def run(rate: int, seconds: int, customers: int) -> dict[str, float]:
    """Percentiles of the lag in milliseconds, and what was sent."""
    with tempfile.TemporaryDirectory(prefix="kreis-bench-") as folder:
        port = free_port()
        installation = Installation(Settings(data_dir=Path(folder), port=port))
        installation.publish(canonical_json(shipped_rulebook(with_journeys=True)), actor="benchmark")
        key = next(k.key for k in installation.ensure_write_keys([("bench", "server")]) if k.kind == "server")
        installation.close()
        environment = os.environ | {"KREIS_DATA_DIR": folder, "KREIS_PORT": str(port)}
        server = subprocess.Popen(
            [sys.executable, "-m", "kundenkreis.cli.main", "serve"], env=environment, stdout=subprocess.DEVNULL
        )
        try:
            wait_for(port)
            stop, lags = threading.Event(), list[float]()
            watcher = threading.Thread(target=watch, args=(Path(folder), stop, lags))
            watcher.start()
            sent, took = send(port, key, rate, seconds, customers)
            stop.set()
            watcher.join()
        finally:
            server.terminate()
            server.wait(60)
    lags.sort()
    return {
        "sent_per_second": round(sent / took),
        "seconds": round(took),
        "lag_p50_ms": round(lags[len(lags) // 2] * 1000),
        "lag_p99_ms": round(lags[int(len(lags) * 0.99)] * 1000),
        "lag_most_ms": round(lags[-1] * 1000),
        "looks": len(lags),
    }


def send(port: int, key: str, rate: int, seconds: int, customers: int) -> tuple[int, float]:
    """(events sent, seconds it took). The bodies are made on the way, so the sender costs a part of a core as well."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    stream = traffic(rate * seconds, customers, start_us=0, step_us=1, seed=os.getpid())
    begun, sent = time.monotonic(), 0
    while time.monotonic() - begun < seconds:
        time.sleep(max(begun + sent / rate - time.monotonic(), 0))
        bodies = [item.body.decode() for _, item in zip(range(PER_REQUEST), stream, strict=False)]
        if not bodies:
            break
        post_bytes(connection, key, "/v1/batch", f'{{"batch":[{",".join(bodies)}]}}'.encode())
        sent += len(bodies)
    return sent, time.monotonic() - begun


def watch(folder: Path, stop: threading.Event, lags: list[float]) -> None:
    """Look at the oldest request behind the inbox position, again and again."""
    inbox, store = (sqlite3.connect(folder / name, isolation_level=None) for name in (INBOX_FILE, STORE_FILE))
    while not stop.wait(LOOK_SECONDS):
        found = store.execute("SELECT value FROM meta WHERE name = 'inbox_position'").fetchone()
        behind = "SELECT received_us FROM inbox WHERE position > ? ORDER BY position LIMIT 1"
        oldest = inbox.execute(behind, (int(found[0]) if found else 0,)).fetchone()
        lags.append(max(time.time() - oldest[0] / 1e6, 0.0) if oldest else 0.0)
    inbox.close()
    store.close()


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, default=3_000)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--customers", type=int, default=100_000)
    arguments = parser.parse_args()
    print(json.dumps(run(arguments.rate, arguments.seconds, arguments.customers), indent=2))


if __name__ == "__main__":
    main()
