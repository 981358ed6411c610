"""An installation as shipped, loaded with a small demo and served by its own processes."""

import base64
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
HOUSEHOLDS = 40
START_SECONDS = 60


def _free_port() -> int:
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


class Served:
    """`kreis serve` on a folder of its own.

    Args:
        more: further environment variables.
    """

    def __init__(self, folder: Path, **more: str) -> None:
        self.folder = folder
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("KREIS_")}
        self._environ = inherited | {
            "PYTHONPATH": str(ROOT / "src"),
            "KREIS_DATA_DIR": str(folder),
            "KREIS_PORT": str(self.port),
            "KREIS_ZONE": "America/New_York",  # the demo's
            **more,
        }
        self._process: subprocess.Popen[bytes] | None = None

    def command(self, *arguments: str) -> Any:
        """What `kreis <arguments> --json` answers."""
        done = subprocess.run(
            [sys.executable, "-m", "kundenkreis.cli.main", *arguments, "--json"],
            env=self._environ, cwd=self.folder, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def load_demo(self, households: int = HOUSEHOLDS) -> None:
        """The year of a few households, and of everybody whom the demo's story invents."""
        self.command("demo", "--households", str(households), "--load-only")

    def start(self) -> None:
        """Serve; returns when pages answer."""
        with (self.folder / "serve.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "kundenkreis.cli.main", "serve"],
                cwd=self.folder, env=self._environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        deadline = time.monotonic() + START_SECONDS
        while not self.is_alive():
            assert time.monotonic() < deadline and self._process.poll() is None, self.log()
            time.sleep(0.1)

    @property
    def pid(self) -> int:
        """Of the first process."""
        assert self._process is not None
        return self._process.pid

    def stop(self) -> None:
        """End it in order."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(30)
            self._process = None

    def is_alive(self) -> bool:
        """Whether pages answer."""
        try:
            with urllib.request.urlopen(f"{self.url}/alive/", timeout=5) as answer:
                return bool(answer.status == 204)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def log(self) -> str:
        """What the processes said."""
        return (self.folder / "serve.log").read_text()

    def rows(self, query: str, *parameters: object) -> list[Any]:
        """Rows of the store, read beside the running installation."""
        with closing(sqlite3.connect(f"file:{self.folder / 'kreis.db'}?mode=ro", uri=True)) as connection:
            return connection.execute(query, parameters).fetchall()

    def examples(self) -> dict[str, str]:
        """One of each thing that pages are about: of whom the last message went to."""
        [(message, customer, content)] = self.rows(
            "SELECT lower(hex(message_id)), profile_id, content_id FROM mailbox ORDER BY handed_over_us DESC, message_id LIMIT 1"
        )
        [(journey, person)] = self.rows(
            "SELECT journey_id, profile_id FROM verdicts WHERE journey_id <> '' ORDER BY at_us DESC, effect_id LIMIT 1"
        )
        return {
            "message": message, "customer": str(customer), "phase": self.phase_of(customer), "journey": journey,
            "person_in_journey": str(person), "account": "1", "content": content,
            "event": str(self.rows("SELECT max(number) FROM log WHERE profile_id = ?", customer)[0][0]),
            "segment": str(self.rows("SELECT min(definition_id) FROM memberships WHERE kind = 'segment'")[0][0]),
        }  # fmt: skip

    def phase_of(self, profile_id: int) -> str:
        """The phase that a customer is in."""
        [(phase,)] = self.rows(
            "SELECT definition_id FROM memberships WHERE profile_id = ? AND kind = 'phase' ORDER BY from_us DESC LIMIT 1",
            profile_id,
        )
        return str(phase)

    def send(self, *messages: dict[str, Any]) -> None:
        """Take these messages in through the tracking API, as a server of the company sends them."""
        key = self.command("keys", "create", "--source", "tests", "--kind", "server")["created"]
        sign = base64.b64encode(f"{key}:".encode()).decode()
        body = json.dumps({"batch": messages}).encode()
        headers = {"content-type": "application/json", "authorization": f"Basic {sign}"}
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                request = urllib.request.Request(f"{self.url}/v1/batch", body, headers)
                with urllib.request.urlopen(request, timeout=30) as answer:
                    assert answer.status == 200
                    return
            except urllib.error.HTTPError as error:
                # The server looks for new keys now and then.
                assert error.code == 401, error
                assert time.monotonic() < deadline, self.log()
                time.sleep(0.2)

    def customer_with(self, kind: str, value: str) -> int:
        """The number of the customer who has this identifier, once everything that was sent is processed."""
        deadline = time.monotonic() + START_SECONDS
        while (status := self.command("status"))["inbox_rows"] or status["unfolded_rows"]:
            assert time.monotonic() < deadline, self.log()
        [(profile_id,)] = self.rows("SELECT profile_id FROM identifiers WHERE kind = ? AND value = ?", kind, value)
        return int(profile_id)
