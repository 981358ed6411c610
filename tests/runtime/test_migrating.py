"""A store that an older version made gets the columns, tables and rows it lacks, and nothing else changes."""

from pathlib import Path

import pytest

from kundenkreis.channels.core.fences import FOR_EVER
from kundenkreis.runtime.stores.postgres import PostgresStore
from kundenkreis.runtime.stores.schema import BY_RUNS, RUN_ENTRIES
from kundenkreis.runtime.stores.session import Store, migrate
from kundenkreis.runtime.stores.sqlite import SqliteStore

pytestmark = pytest.mark.db

INDEXES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'index'",
    "postgres": "SELECT indexname FROM pg_indexes WHERE schemaname = current_schema()",
}


def made(kind: str, folder: Path, request: pytest.FixtureRequest) -> Store:
    """A store without tables."""
    if kind == "sqlite":
        return SqliteStore(folder / "store.db")
    return PostgresStore(request.getfixturevalue("postgres_database"))


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_fences_without_an_epoch_hold_for_ever(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    store = made(kind, tmp_path, request)
    migrate(store)
    with store.transaction() as tx:
        tx.run("ALTER TABLE fences DROP COLUMN epoch")
        tx.run(
            "INSERT INTO fences (profile_id, scope, since_us, reason) VALUES (1, 'marketing', 5, 'unsubscribe link')"
        )
    migrate(store)
    migrate(store)
    with store.reading() as tx:
        found = tx.rows("SELECT profile_id, scope, since_us, reason, epoch FROM fences")
    store.close()
    assert found == [(1, "marketing", 5, "unsubscribe link", FOR_EVER)]


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_runs_are_taken_from_the_lines_of_an_older_store(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    store = made(kind, tmp_path, request)
    migrate(store)
    lines = [(b"a" * 16, 0, 7), (b"a" * 16, 1, 7), (b"a" * 16, 2, 8), (b"b" * 16, 0, 8)]
    with store.transaction() as tx:
        tx.run("DROP TABLE runs")
        tx.run("CREATE INDEX run_entries_of_customer ON run_entries (profile_id, at_us)")
        tx.insert(RUN_ENTRIES, [(*line, "welcome", 1, "", "hello", "sent", 5, "[]") for line in lines])
    migrate(store)
    migrate(store)
    with store.reading() as tx:
        found = tx.rows("SELECT profile_id, run_id FROM runs ORDER BY profile_id, run_id")
        of_customer = tx.rows_in(f"SELECT sequence FROM run_entries WHERE {BY_RUNS} AND sequence > 0", [7])
        indexes = {row[0] for row in tx.rows(INDEXES[kind])}
    store.close()
    assert found == [(7, b"a" * 16), (8, b"a" * 16), (8, b"b" * 16)]
    assert set(of_customer) == {(1,)}
    assert "run_entries_by_step" in indexes
    assert "run_entries_of_customer" not in indexes
