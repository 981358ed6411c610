"""Both stores keep the same promises about bulk statements."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kundenkreis.runtime.stores.postgres import PostgresStore
from kundenkreis.runtime.stores.schema import MERGES, STATES
from kundenkreis.runtime.stores.session import Store, migrate, updating
from kundenkreis.runtime.stores.sqlite import SqliteStore

pytestmark = pytest.mark.db


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
        tx.insert(MERGES, [(1, 3, b"b"), (4, 5, b"c")], conflict=updating(MERGES, ["winner"]))
    with store.reading() as tx:
        rows = tx.rows("SELECT loser, winner, event_id FROM merges ORDER BY loser")
    assert [(*row[:2], bytes(row[2])) for row in rows] == [(1, 3, b"a"), (4, 5, b"c")]
