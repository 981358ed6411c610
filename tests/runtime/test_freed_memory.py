"""What a process freed goes back to the system (Linux with glibc)."""

from pathlib import Path

import pytest

from kundenkreis.runtime.freed_memory import return_freed_memory

pytestmark = pytest.mark.db


def test_freed_memory_goes_back_to_the_system() -> None:
    """Blocks too small to be mapped one by one, with one left behind them so that the heap's end cannot move."""
    blocks = [bytes(4096 + number % 7) for number in range(12_000)]
    left = bytes(4096)
    full = _private_kibibytes()
    del blocks
    return_freed_memory()
    assert full - _private_kibibytes() > 30_000
    assert len(left) == 4096


def _private_kibibytes() -> int:
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()[1:]
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty:"))
