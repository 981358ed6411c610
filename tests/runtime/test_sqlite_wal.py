"""Several connections make a database at the same moment."""

import threading
import time
from pathlib import Path

import pysqlite3 as sqlite3
import pytest

from kundenkreis.sqlite_wal import use_wal

pytestmark = pytest.mark.db


def test_the_change_waits_for_another_connection_that_writes(tmp_path: Path) -> None:
    """SQLite's own change of mode does not wait: it answers at once that the database is locked."""
    first, second = (
        sqlite3.connect(tmp_path / "new.db", isolation_level=None, timeout=30, check_same_thread=False)
        for _ in range(2)
    )
    first.execute("BEGIN IMMEDIATE")
    first.execute("CREATE TABLE made (here TEXT)")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        second.execute("PRAGMA journal_mode=WAL")
    changing = threading.Thread(target=use_wal, args=(second,))
    changing.start()
    time.sleep(0.05)
    assert changing.is_alive()
    first.execute("COMMIT")
    changing.join()
    assert second.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    first.close()
    second.close()


def test_what_is_no_database_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("no database " * 100)
    connection = sqlite3.connect(tmp_path / "text.db", isolation_level=None, timeout=30)
    with pytest.raises(sqlite3.DatabaseError, match="not a database"):
        use_wal(connection)
    connection.close()
