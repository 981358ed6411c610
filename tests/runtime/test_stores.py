"""Both stores keep the same promises, about bulk statements and about the disk."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from kundenkreis.runtime.installation import Installation
from kundenkreis.runtime.pace import Haste
from kundenkreis.runtime.stores.postgres import (
    DatabaseEncodingError,
    ForgetfulServerError,
    PooledDatabaseError,
    PostgresStore,
)
from kundenkreis.runtime.stores.schema import MERGES, STATES
from kundenkreis.runtime.stores.session import Session, Store, migrate
from kundenkreis.runtime.stores.sqlite import SqliteStore
from kundenkreis.settings import Settings
from tests.runtime.pooler import pooler_before

pytestmark = pytest.mark.db
_OTHERS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    made: dict[str, Callable[[], Store]] = {
        "sqlite": lambda: SqliteStore(tmp_path / "store.db", is_durable=False),
        "postgres": lambda: PostgresStore(request.getfixturevalue("postgres_database")),
    }
    opened = made[request.param]()
    migrate(opened)
    yield opened
    opened.close()


def test_update_sets_the_columns_of_rows_that_are_there(store: Store) -> None:
    with store.transaction() as tx:
        tx.insert(STATES, [(1, 10, 100, 1_000, b"one"), (2, 20, 200, 2_000, b"two")])
        tx.update(STATES, ["state", "wake_us"], [(2, b"new", 7), (3, b"nobody", 8)])
        tx.update(STATES, ["state"], [])
    with store.reading() as tx:
        rows = tx.rows("SELECT * FROM states ORDER BY profile_id")
    assert [(*row[:4], bytes(row[4])) for row in rows] == [(1, 10, 100, 1_000, b"one"), (2, 20, 7, 2_000, b"new")]


def test_an_insert_can_set_some_columns_of_what_is_there(store: Store) -> None:
    with store.transaction() as tx:
        tx.insert(MERGES, [(1, 2, b"a")])
        tx.insert(
            MERGES, [(1, 3, b"b"), (4, 5, b"c")], conflict="ON CONFLICT (loser) DO UPDATE SET winner = excluded.winner"
        )
    with store.reading() as tx:
        rows = tx.rows("SELECT loser, winner, event_id FROM merges ORDER BY loser")
    assert [(*row[:2], bytes(row[2])) for row in rows] == [(1, 3, b"a"), (4, 5, b"c")]


@pytest.mark.parametrize("count", [3, 200])
def test_rows_that_are_expected_to_be_new_need_not_be(store: Store, count: int) -> None:
    with store.transaction() as tx:
        tx.insert(MERGES, [(7, 1, b"before")])
        for round_ in (b"first", b"second"):
            rows = [(loser, loser + 1, round_) for loser in range(7, 7 + count)]
            tx.insert(MERGES, rows, conflict="replace", expects_new=True)
    with store.reading() as tx:
        found = tx.rows("SELECT loser, winner, event_id FROM merges ORDER BY loser")
    assert [(*row[:2], bytes(row[2])) for row in found] == [(n, n + 1, b"second") for n in range(7, 7 + count)]


def _synchronous(tx: Session) -> str:
    statement = "PRAGMA synchronous" if tx.dialect == "sqlite" else "SHOW synchronous_commit"
    return {1: "normal", 2: "full"}.get(value := tx.rows(statement)[0][0], value)


@pytest.mark.parametrize("make", ["sqlite", "postgres"])
def test_a_transaction_awaits_the_disk_unless_told_otherwise(
    make: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    dsn = request.getfixturevalue("postgres_database") if make == "postgres" else ""
    durable: Store = PostgresStore(dsn) if dsn else SqliteStore(tmp_path / "durable.db")
    migrate(durable)
    found = []
    for awaits_disk in (True, False, True):
        with durable.transaction(awaits_disk=awaits_disk) as tx:
            found.append(_synchronous(tx))
    with pytest.raises(ZeroDivisionError), durable.transaction(awaits_disk=False):
        raise ZeroDivisionError
    with durable.transaction() as tx:
        found.append(_synchronous(tx))
    durable.close()
    assert found == (["full", "normal", "full", "full"] if make == "sqlite" else ["on", "off", "on", "on"])


@pytest.mark.parametrize("haste", Haste)
def test_a_writer_that_is_behind_keeps_the_pages_of_a_whole_batch_to_its_commit(tmp_path: Path, haste: Haste) -> None:
    store, wal = SqliteStore(tmp_path / "store.db", cache_mebibytes=1), tmp_path / "store.db-wal"
    with store.transaction() as tx:
        tx.run("CREATE TABLE filled (page BLOB)")
    store.hurry(Haste.BEHIND)
    store.hurry(haste)
    before = wal.stat().st_size
    with store.transaction() as tx:
        tx.run_many("INSERT INTO filled VALUES (?)", [(b"x" * 4_000,)] * 5_000)
        assert (wal.stat().st_size == before) == (haste is not Haste.NONE)
    assert wal.stat().st_size > before + 20_000_000
    store.close()


def test_a_store_that_need_not_last_never_awaits_the_disk(tmp_path: Path) -> None:
    fleeting = SqliteStore(tmp_path / "fleeting.db", is_durable=False)
    for awaits_disk in (True, False, True):
        with fleeting.transaction(awaits_disk=awaits_disk) as tx:
            assert tx.rows("PRAGMA synchronous") == [(0,)]
    fleeting.close()


def test_a_server_that_forgets_is_refused(postgres_database: str, tmp_path: Path) -> None:
    database = postgres_database.rpartition("/")[2].partition("?")[0]
    with psycopg.connect(postgres_database, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {database} SET synchronous_commit = off".encode())
    with pytest.raises(ForgetfulServerError, match="synchronous_commit=off"):
        Installation(Settings(data_dir=tmp_path, database=postgres_database))
    deadline = time.monotonic() + 10
    with psycopg.connect(postgres_database) as connection:  # nothing is left open behind it
        while connection.execute(_OTHERS).fetchone() != (0,):
            assert time.monotonic() < deadline
            time.sleep(0.01)
            connection.rollback()


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_that_cannot_hold_every_letter_is_refused(
    postgres_database: str, tmp_path: Path, encoding: str
) -> None:
    name = postgres_database.rpartition("/")[2].partition("?")[0]
    other = f"{name}_{encoding.lower()}"
    with psycopg.connect(postgres_database, autocommit=True) as connection:
        made = f"CREATE DATABASE {other} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"
        connection.execute(made.encode())
        try:
            with pytest.raises(
                DatabaseEncodingError, match=f"has the encoding {encoding} and cannot hold every letter"
            ):
                Installation(Settings(data_dir=tmp_path, database=postgres_database.replace(f"/{name}?", f"/{other}?")))
        finally:
            connection.execute(f"DROP DATABASE {other} WITH (FORCE)".encode())


def test_a_pooler_that_swallows_bells_is_refused(postgres_database: str, tmp_path: Path) -> None:
    """With one the dispatcher slept for an hour on what was due, and nothing said so."""
    with (
        pooler_before(postgres_database, swallows=True) as database,
        pytest.raises(PooledDatabaseError, match="pool_mode=transaction"),
    ):
        Installation(Settings(data_dir=tmp_path, database=database))


def test_a_pooler_that_lends_connections_for_a_session_does_no_harm(postgres_database: str, tmp_path: Path) -> None:
    with pooler_before(postgres_database, swallows=False) as database:
        installation = Installation(Settings(data_dir=tmp_path, database=database))
        assert installation.rulebooks.newest_version() == 0
        installation.close()


def test_the_files_are_for_their_owner_only(tmp_path: Path) -> None:
    """Also in a folder that others may enter, such as one that an administrator has made; they hold who the customers are."""
    tmp_path.chmod(0o755)
    before = os.umask(0)
    try:
        installation = Installation(Settings(data_dir=tmp_path))
        inbox = installation.open_inbox()
        inbox.last_position()
        found = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.glob("*.db*")}
        inbox.close()
        installation.close()
    finally:
        os.umask(before)
    names = [f"{name}.db{tail}" for name in ("inbox", "kreis") for tail in ("", "-shm", "-wal")]
    assert found == dict.fromkeys(names, 0o600)
