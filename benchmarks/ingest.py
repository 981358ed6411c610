"""How many events a second the tracking API takes in durably: single ones and batches of 100, over loopback.

    python benchmarks/ingest.py [--seconds 3] [--connections 64] [--postgres DSN] [--json]

Starts the application as shipped under uvicorn in a process of its own and loads it with `wrk` (Debian package wrk)
from this machine, so both share the cores: read the figures as lower bounds. Every event has a message id of its own.
After each run the rows in the inbox are counted: an answer without a row is a failure, not a figure.
"""

import argparse
import base64
import json
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import uvicorn

from kundenkreis.events.http_protocol import GuardedHttpProtocol
from kundenkreis.events.inbox import Inbox, PostgresInbox, SqliteInbox
from kundenkreis.events.tracking import TrackingApp
from kundenkreis.events.write_keys import WriteKey, WriteKeys
from kundenkreis.events.writer import InboxWriter

KEY = "kk_server_benchmark"

EVENT = {
    "type": "track",
    "event": "Order Completed",
    "userId": "u-12345",
    "anonymousId": "f1e2-33-aa",
    "messageId": "%ID%",
    "timestamp": "2026-11-21T10:00:00.123Z",
    "context": {
        "library": {"name": "analytics-python", "version": "2.4.0"},
        "locale": "de-DE",
        "page": {"url": "https://shop.example/checkout", "path": "/checkout", "title": "Kasse"},
    },
    "properties": {
        "order_id": "O-1",
        "total": 119.9,
        "currency": "EUR",
        "products": [{"product_id": "p1", "name": "Espresso", "price": 12.5, "quantity": 2}],
    },
    "integrations": {},
}

LUA = """
local n, prefix = 0, nil
function setup(thread) threads = (threads or 0) + 1; thread:set("number", threads) end
local event = [[%(event)s]]
local head, tail = event:match("^(.-)%%%%ID%%%%(.*)$")
local function one() n = n + 1; return head .. number .. "-" .. n .. tail end
request = function()
  local body
  if %(batch)d > 1 then
    local parts = {}
    for i = 1, %(batch)d do parts[i] = one() end
    body = '{"batch":[' .. table.concat(parts, ",") .. '],"sentAt":"2026-11-21T10:00:01Z"}'
  else
    body = one()
  end
  return wrk.format("POST", "%(path)s", {["Authorization"] = "%(auth)s", ["Content-Type"] = "application/json"}, body)
end
"""


def serve(port: int, directory: str, dsn: str) -> None:
    """Run the application until the process is ended."""
    keys = WriteKeys(lambda: [WriteKey(key=KEY, source="benchmark", kind="server")], lambda: 1)
    app = TrackingApp(lambda: InboxWriter(open_inbox(directory, dsn)), keys)
    uvicorn.run(app, host="127.0.0.1", port=port, http=GuardedHttpProtocol, access_log=False, log_level="warning")


def open_inbox(directory: str, dsn: str) -> Inbox:
    """The inbox of this run."""
    return PostgresInbox(dsn) if dsn else SqliteInbox(Path(directory) / "inbox.db")


def load(port: int, *, batch: int, connections: int, seconds: int) -> dict[str, Any]:
    """Run wrk once; requests a second, percentiles in milliseconds, answers that were no 200."""
    script = LUA % {
        "event": json.dumps(EVENT),
        "batch": batch,
        "path": "/v1/batch" if batch > 1 else "/v1/track",
        "auth": "Basic " + base64.b64encode(f"{KEY}:".encode()).decode(),
    }
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", file.name]
        out = subprocess.run([*command, f"http://127.0.0.1:{port}"], capture_output=True, text=True, check=True).stdout
    percent = {name: _milliseconds(value) for name, value in re.findall(r"^\s+(50|99)%\s+(\S+)$", out, re.MULTILINE)}
    errors = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    requests = int(re.findall(r"(\d+) requests in", out)[0])
    rate = float(re.findall(r"Requests/sec:\s+(\S+)", out)[0])
    return {
        "events_per_second": round(rate * batch),
        "requests": requests,
        "p50_ms": percent["50"],
        "p99_ms": percent["99"],
        "refused": int(errors[1]) if errors else 0,
    }


def run(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Both shapes, each with its own server and inbox."""
    results = []
    for batch, connections in ((1, arguments.connections), (100, 16)):
        with tempfile.TemporaryDirectory() as directory:
            port = _free_port()
            command = [sys.executable, __file__, "--serve", str(port), "--directory", directory]
            server = subprocess.Popen([*command, "--postgres", arguments.postgres])
            try:
                _wait_for(port)
                inbox = open_inbox(directory, arguments.postgres)
                before = inbox.backlog()
                result = load(port, batch=batch, connections=connections, seconds=arguments.seconds)
                # What wrk cut off at its end was stored without being counted, never the other way round.
                missing = max(result["requests"] - result["refused"] - (inbox.backlog() - before), 0)
                inbox.close()
            finally:
                server.terminate()
                server.wait()
        results.append({"batch": batch, "connections": connections, **result, "acknowledged_but_missing": missing})
    return results


def _milliseconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()  # type: ignore[union-attr]  # wrk's own format
    return round(float(number) * {"us": 0.001, "ms": 1, "s": 1000, "m": 60_000}[unit], 2)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit("the server did not start")


def main() -> None:
    """Parse the command line and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--postgres", default="", metavar="DSN")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--serve", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--directory", default="", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve, arguments.directory, arguments.postgres)
        return
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is not installed (Debian package wrk)")
    results = run(arguments)
    if arguments.json:
        print(json.dumps(results))
        return
    for r in results:
        print(
            f"batch of {r['batch']:>3}: {r['events_per_second']:>9,} events/s  p50 {r['p50_ms']} ms  p99 {r['p99_ms']} ms"
            f"  refused {r['refused']}  acknowledged but missing {r['acknowledged_but_missing']}"
        )


if __name__ == "__main__":
    main()
