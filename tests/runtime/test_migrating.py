"""A store that an older version made gets the columns it lacks, and nothing else changes."""

from pathlib import Path

import pytest

from kundenkreis.channels.core.fences import FOR_EVER
from kundenkreis.runtime.stores.postgres import PostgresStore
from kundenkreis.runtime.stores.session import Store, migrate
from kundenkreis.runtime.stores.sqlite import SqliteStore

pytestmark = pytest.mark.db


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_fences_without_an_epoch_hold_for_ever(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    store: Store = (
        SqliteStore(tmp_path / "store.db")
        if kind == "sqlite"
        else PostgresStore(request.getfixturevalue("postgres_database"))
    )
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
