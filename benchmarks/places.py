"""Where a benchmark runs: an empty installation on SQLite or on a PostgreSQL server of its own, with the shipped rulebook."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from kundenkreis.definitions.canonical import canonical_json
from kundenkreis.playbooks.shipped import shipped_rulebook
from kundenkreis.runtime.clock import SystemClock
from kundenkreis.runtime.installation import Installation
from kundenkreis.settings import Settings
from tests.postgres_server import running_server

START_US = 1_790_000_000_000_000
"""When the benchmarks' days begin: a September morning of 2026."""
SERVER = {"shared_buffers": "256MB", "max_wal_size": "4GB"}
"""What anybody sets on a server of four gigabytes; everything about durability is PostgreSQL's default."""


class SteeredClock(SystemClock):
    """Wall time as the events tell it, real time for measuring."""

    def __init__(self, at_us: int = START_US) -> None:
        self.at_us = at_us

    def now_us(self) -> int:
        return self.at_us


@contextmanager
def settings_for(store: str) -> Iterator[Settings]:
    """Settings of an empty installation. store: sqlite or postgres."""
    server = running_server(**SERVER) if store == "postgres" else nullcontext("")
    with tempfile.TemporaryDirectory(prefix="kreis-bench-") as folder, server as dsn:
        yield Settings(data_dir=Path(folder), database=dsn)


@contextmanager
def installation_at(settings: Settings, clock: SteeredClock) -> Iterator[Installation]:
    """The installation with the shipped rulebook, journeys included."""
    installation = Installation(settings, clock=clock)
    try:
        if installation.rulebooks.newest_version() == 0:
            installation.publish(canonical_json(shipped_rulebook(with_journeys=True)), actor="benchmark")
        yield installation
    finally:
        installation.close()
