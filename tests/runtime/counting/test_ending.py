"""The counter ends when it is told to, whatever it counts."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kundenkreis.runtime.installation import COUNTER_BELL
from tests.runtime.town import Town

pytestmark = pytest.mark.db

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_counter_at_once(tmp_path: Path, number: signal.Signals) -> None:
    """Not after the figure that it counts: one query can take a minute, and nobody waits a minute for Ctrl-C."""
    Town(tmp_path).close()
    environ = {name: value for name, value in os.environ.items() if not name.startswith("KREIS_")}
    environ |= {"KREIS_DATA_DIR": str(tmp_path), "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-m", "kundenkreis.cli.main", "serve", "--role", "counter"]
    with subprocess.Popen(command, env=environ, stdin=subprocess.PIPE) as counter:
        while not (tmp_path / f"{COUNTER_BELL}.bell").exists():
            assert counter.poll() is None
            time.sleep(0.01)
        time.sleep(0.2)  # into the midst of it
        counter.send_signal(number)
        assert counter.wait(60) == 0
    assert not (tmp_path / f"{COUNTER_BELL}.bell").exists()
