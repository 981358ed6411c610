"""The WAL is written back beside the writer, and begins anew."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pysqlite3 as sqlite3
import pytest

from kundenkreis.runtime.stores.checkpoints import ENOUGH_PAGES, pages, write_back
from kundenkreis.runtime.stores.sqlite import SqliteStore

pytestmark = pytest.mark.db
PAGE = b"x" * 4_096


def connect(path: Path) -> Any:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("PRAGMA wal_autocheckpoint=0")
    return connection


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Any]:
    connection = connect(tmp_path / "store.db")
    connection.execute("CREATE TABLE filled (page BLOB)")
    yield connection
    connection.close()


@pytest.fixture
def beside(tmp_path: Path, writer: Any) -> Iterator[Any]:
    connection = connect(tmp_path / "store.db")
    yield connection
    connection.close()


def fill(connection: Any, count: int) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany("INSERT INTO filled VALUES (?)", [(PAGE,)] * count)
    connection.execute("COMMIT")


def test_a_short_wal_is_left_alone(writer: Any, beside: Any) -> None:
    fill(writer, ENOUGH_PAGES // 2)
    before = pages(beside)
    write_back(beside)
    assert pages(beside) == before
    assert before[1] == 0


def test_a_long_wal_is_written_back_and_begins_anew(writer: Any, beside: Any) -> None:
    fill(writer, ENOUGH_PAGES)
    write_back(beside)
    assert pages(beside)[0] == 0
    fill(writer, 1)
    assert sum(pages(beside)) < 10


def test_what_a_reader_still_needs_stays(writer: Any, beside: Any, tmp_path: Path) -> None:
    fill(writer, 1)
    reader = connect(tmp_path / "store.db")
    reader.execute("BEGIN")
    seen = reader.execute("SELECT count(*) FROM filled").fetchone()
    fill(writer, ENOUGH_PAGES)
    write_back(beside)
    assert pages(beside)[0] >= ENOUGH_PAGES
    assert reader.execute("SELECT count(*) FROM filled").fetchone() == seen == (1,)
    reader.close()
    write_back(beside)
    assert pages(beside)[0] == 0


def test_the_thread_ends_with_the_store(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.db")
    store.checkpoint_beside()
    with store.transaction() as tx:
        tx.run("CREATE TABLE filled (page BLOB)")
    store.close()
    with connect(tmp_path / "store.db") as connection:
        assert connection.execute("SELECT count(*) FROM filled").fetchone() == (0,)


def test_the_thread_writes_back_what_is_committed(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "store.db")
    store.checkpoint_beside()
    with store.transaction() as tx:
        tx.run("CREATE TABLE filled (page BLOB)")
    with store.transaction() as tx:
        tx.run_many("INSERT INTO filled VALUES (?)", [(PAGE,)] * ENOUGH_PAGES)
    beside = connect(tmp_path / "store.db")
    deadline = time.monotonic() + 30
    while pages(beside)[0]:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    beside.close()
    store.close()
