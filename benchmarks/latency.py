"""From the request to the final dot: `kreis serve` as shipped, a real SMTP sink, optional background traffic.

    python -m benchmarks.latency [--messages 100] [--rate 10] [--background 0]

Each message is caused by one event of a person of its own: a journey without a wait answers it. Measured is the time from sending
the HTTP request to the instant at which the sink had the final dot.
"""

import argparse
import base64
import http.client
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from kundenkreis.channels.testing import SmtpSink
from kundenkreis.definitions.canonical import canonical_json
from kundenkreis.definitions.load import load_directory
from kundenkreis.playbooks.shipped import FOLDER
from kundenkreis.runtime.installation import Installation
from kundenkreis.settings import Settings

DEFINITIONS = """
kind: journey
id: answer
name: {de: Antwort, en: Answer}
priority: 1
entry: {event: {name: Answer Wanted}}
re_entry: always
steps:
  - id: send
    message: {content: answer, channel: email, purpose: order, message_class: transactional, valid_for_hours: 24, if_withheld: skip}
---
kind: content
id: answer
name: {de: Antwort, en: Answer}
message_class: transactional
value: {de: "Die Antwort auf Ihre Frage", en: "The answer to your question"}
call_to_action: none
variants:
  de: {subject: "Ihre Antwort {{ event.number }}", html: "<p>{{ customer.greeting }}, hier ist sie.</p>", text: "{{ customer.greeting }}, hier ist sie."}
  en: {subject: "Your answer {{ event.number }}", html: "<p>{{ customer.greeting }}, here it is.</p>", text: "{{ customer.greeting }}, here it is."}
"""


def definitions() -> bytes:
    """The shipped rulebook without its journeys, and a journey that answers at once."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("brand", "phases", "policy", "scores", "segments", "situations"):
            shutil.copy(FOLDER / "base" / f"{name}.yaml", folder)
        (Path(folder) / "answer.yaml").write_text(DEFINITIONS)
        loaded = load_directory(Path(folder))
    if isinstance(loaded, list):
        raise SystemExit("\n".join(map(str, loaded)))
    return canonical_json(loaded)


def free_port() -> int:
    """A TCP port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def measure(messages: int, rate: float, background: int) -> dict[str, float]:
    """Milliseconds from request to dot, by percentile."""
    with tempfile.TemporaryDirectory(prefix="kreis-bench-") as folder, SmtpSink() as sink:
        port = free_port()
        settings = Settings(data_dir=Path(folder), port=port)
        installation = Installation(settings)
        installation.publish(definitions(), actor="benchmark")
        key = next(k.key for k in installation.ensure_write_keys([("bench", "server")]) if k.kind == "server")
        installation.close()
        environment = os.environ | {
            "KREIS_DATA_DIR": folder, "KREIS_PORT": str(port), "KREIS_SMTP_HOST": "127.0.0.1", "KREIS_SMTP_PORT": str(sink.port),
            "KREIS_SMTP_TLS": "none", "KREIS_MAIL_FROM": "hallo@kreisladen.example",
        }  # fmt: skip
        server = subprocess.Popen(
            [sys.executable, "-m", "kundenkreis.cli.main", "serve"], env=environment, stdout=subprocess.DEVNULL
        )
        try:
            wait_for(port)
            watcher = Watcher(sink)
            stop = threading.Event()
            noise = threading.Thread(target=make_noise, args=(port, key, background, stop))
            noise.start()
            sent = send(port, key, messages, rate)
            deadline = time.monotonic() + 60
            while len(sink.committed) < messages and time.monotonic() < deadline:
                time.sleep(0.05)
            stop.set()
            noise.join()
            watcher.close()
        finally:
            server.terminate()
            server.wait(30)
        return figures(sent, sink, watcher.stamps, messages)


class Watcher:
    """Stamps each message when the sink has it; looks every millisecond."""

    def __init__(self, sink: SmtpSink) -> None:
        self._sink = sink
        self.stamps: list[float] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._stop.wait(0.001):
            self.stamps.extend([time.time()] * (len(self._sink.committed) - len(self.stamps)))

    def close(self) -> None:
        """Stop looking."""
        self._stop.set()
        self._thread.join()


def figures(sent: dict[str, float], sink: SmtpSink, stamps: list[float], messages: int) -> dict[str, float]:
    """Percentiles of what arrived; raises when something did not."""
    waits = []
    for message, at in zip(sink.committed, stamps, strict=False):
        text = message.data.decode("utf-8", "replace")
        number = next(line for line in text.splitlines() if line.startswith("Subject:")).rsplit(" ", 1)[1].strip()
        waits.append((at - sent[number]) * 1000)
    if len(waits) != messages:
        raise SystemExit(f"{messages} messages wanted, {len(waits)} arrived")
    waits.sort()
    return {
        "p50_ms": round(statistics.median(waits), 1),
        "p99_ms": round(waits[int(len(waits) * 0.99) - 1], 1),
        "messages": messages,
    }


def wait_for(port: int) -> None:
    """Until the server answers."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server did not start")


def post(connection: http.client.HTTPConnection, key: str, path: str, body: object) -> None:
    """One request to the tracking API."""
    post_bytes(connection, key, path, json.dumps(body).encode())


def post_bytes(connection: http.client.HTTPConnection, key: str, path: str, body: bytes) -> None:
    """The same with a body that is JSON already."""
    token = base64.b64encode(f"{key}:".encode()).decode()
    connection.request("POST", path, body, {"Authorization": f"Basic {token}", "Content-Type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    if answer.status != 200:
        raise SystemExit(f"the tracking API answered {answer.status}")


def send(port: int, key: str, messages: int, rate: float) -> dict[str, float]:
    """Cause the messages at a steady rate; when each request was sent."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    people = [
        {
            "type": "identify",
            "messageId": f"i{n}",
            "userId": f"u{n}",
            "traits": {"email": f"u{n}@example.com", "language": "de"},
        }
        for n in range(messages)
    ]
    for start in range(0, messages, 100):
        post(connection, key, "/v1/batch", {"batch": people[start : start + 100]})
    time.sleep(2)
    sent = {}
    begun = time.monotonic()
    for number in range(messages):
        time.sleep(max(begun + number / rate - time.monotonic(), 0))
        sent[str(number)] = time.time()
        event = {
            "messageId": f"a{number}",
            "userId": f"u{number}",
            "event": "Answer Wanted",
            "properties": {"number": number},
        }
        post(connection, key, "/v1/track", event)
    return sent


def make_noise(port: int, key: str, rate: int, stop: threading.Event) -> None:
    """Other people's events, `rate` a second in batches of 50."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    begun, count = time.monotonic(), 0
    while rate and not stop.is_set():
        time.sleep(max(begun + count / rate - time.monotonic(), 0))
        batch = [
            {
                "type": "track",
                "messageId": f"n{count + k}",
                "userId": f"x{(count + k) % 5000}",
                "event": "Product Viewed",
                "properties": {"product_id": "p"},
            }
            for k in range(50)
        ]
        post(connection, key, "/v1/batch", {"batch": batch})
        count += 50


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=100)
    parser.add_argument("--rate", type=float, default=10)
    parser.add_argument("--background", type=int, default=0)
    arguments = parser.parse_args()
    print(json.dumps(measure(arguments.messages, arguments.rate, arguments.background)))


if __name__ == "__main__":
    main()
