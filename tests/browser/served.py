"""An installation as shipped, loaded with a small demo and served by its own processes."""

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
    """`kreis serve` on a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("KREIS_")}
        self._environ = inherited | {
            "PYTHONPATH": str(ROOT / "src"),
            "KREIS_DATA_DIR": str(folder),
            "KREIS_PORT": str(self.port),
            "KREIS_ZONE": "America/New_York",  # the demo's
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
        """One of each thing that pages are about, the richest there is."""
        [(message, customer)] = self.rows(
            "SELECT lower(hex(m.message_id)), v.profile_id FROM mailbox m JOIN verdicts v ON v.effect_id = m.message_id "
            "ORDER BY m.handed_over_us DESC, m.message_id LIMIT 1"
        )
        [(journey, person)] = self.rows(
            "SELECT journey_id, profile_id FROM verdicts WHERE journey_id <> '' ORDER BY at_us DESC LIMIT 1"
        )
        return {
            "message": message, "customer": str(customer), "journey": journey, "person_in_journey": str(person),
            "account": "1",
        }  # fmt: skip
