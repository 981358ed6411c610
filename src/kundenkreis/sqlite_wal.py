"""How SQLite's databases are opened: for their owner only, and in WAL mode also when several connections make one at the same moment.

Source: SQLite's page on `sqlite3_busy_handler`, read November 2026: where waiting could become a deadlock, SQLite answers that the database is
locked at once, whatever the timeout. The change from the first mode to WAL is such a place.
"""

import os
from contextlib import suppress
from typing import Any

import pysqlite3 as sqlite3

_TRIES = 20
"""Each one waits until another connection is done. After the first of them the mode has changed for everybody."""


def make_private(path: str | os.PathLike[str]) -> None:
    """Let a new database be for its owner only, also in a folder that others may enter; SQLite gives its -wal and -shm the same rights.

    One that is there is not even opened: closing it again would take away the locks that SQLite holds on it in this process. Where none can
    be made, SQLite says so itself.
    """
    with suppress(OSError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def use_wal(connection: Any) -> None:
    """Switch a connection in autocommit mode to WAL; at once where the database is in that mode already.

    Raises:
        sqlite3.OperationalError: others held the database for longer than the connection's timeout, or it cannot be read.
    """
    for _ in range(_TRIES - 1):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
        # Unlike the change of mode, beginning a transaction waits for whoever has the database now.
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
    connection.execute("PRAGMA journal_mode=WAL")
