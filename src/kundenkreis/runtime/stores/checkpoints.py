"""Writing the pages of SQLite's WAL back into the database beside the writer, on a thread of its own.

Left to itself, SQLite does that inside the commit that makes the WAL too long: tens of megabytes are written and synced while everybody
waits for that one batch. Beside the writer it costs nobody's time, because SQLite lets go of Python's lock while it writes. The WAL begins
anew when a transaction begins and nothing of it is left. Where commits follow each other so fast that something always is, it grows to its
longest; the commit that makes it so writes back the little that is left.

The same thread sees to it that what a transaction did not wait for (ADR 0006) is on the disk soon.

Source: SQLite's page on write-ahead logging, section 3.3, and `PRAGMA wal_checkpoint` (NOOP: since 3.51).
"""

import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

_logger = logging.getLogger(__name__)

ENOUGH_PAGES = 8_000
"""32 MB: from here on pages are written back. Fewer would write the same page more often."""
ENOUGH_IN_A_HURRY = 128_000
"""512 MB: while much is written at once, most pages are written again before that."""
PAUSE_SECONDS = 0.05
"""Between two looks at the length of the WAL while commits go on."""


class Checkpoints:
    """Writes back what one writer commits.

    Args:
        connect: opens a connection of the same database, for use in another thread.
        wal: the file of the WAL, None where nothing has to be on the disk.
    """

    def __init__(self, connect: Callable[[], Any], wal: Path | None = None) -> None:
        # Opened here, so that the caller learns of it when that fails.
        self._connection = connect()
        self._wal = wal
        self._committed = threading.Event()
        self._stopped = threading.Event()
        self._enough = ENOUGH_PAGES
        self._thread = threading.Thread(target=self._run, name="checkpoints", daemon=True)
        self._thread.start()

    def after_commit(self) -> None:
        """Told by the writer."""
        self._committed.set()

    def hurry(self, is_wanted: bool) -> None:
        """Whether the WAL may be longer from now on."""
        self._enough = ENOUGH_IN_A_HURRY if is_wanted else ENOUGH_PAGES

    def stop(self) -> None:
        """End the thread; what is not written back stays in the WAL, as safe as before."""
        self._stopped.set()
        self._committed.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._stopped.wait(PAUSE_SECONDS):
                self._committed.wait()
                self._committed.clear()
                if self._wal is not None:
                    _put_on_disk(self._wal)
                if not self._stopped.is_set():
                    self._write_back()
        finally:
            self._connection.close()

    def _write_back(self) -> None:
        try:
            write_back(self._connection, enough=self._enough)
        except Exception:  # the edge of a thread: a disk that is full now may have room at the next look
            _logger.exception("the WAL was not written back; trying again")


def _put_on_disk(file: Path) -> None:
    """Sooner than the system would, and not all at once. What goes wrong here is told again to whoever waits for the disk: each opening of a file
    learns of every failed write.
    """
    try:
        opened = os.open(file, os.O_RDONLY)
        try:
            os.fdatasync(opened)
        finally:
            os.close(opened)
    except OSError as error:
        _logger.warning("%s is not on the disk yet: %s", file, error)


def write_back(connection: Any, *, enough: int = ENOUGH_PAGES) -> None:
    """Write a long WAL back, as far as no reader needs it as it was."""
    if sum(pages(connection)) >= enough:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()


def pages(connection: Any) -> tuple[int, int]:
    """(not written back, written back): how many pages stand in the WAL."""
    _, length, done = connection.execute("PRAGMA wal_checkpoint(NOOP)").fetchone()
    return length - done, done
