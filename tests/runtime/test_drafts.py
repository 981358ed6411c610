"""Every keeper of drafts answers alike: in memory, on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from kundenkreis.definitions.drafts import Draft, DraftStore
from kundenkreis.definitions.testing import MemoryDrafts
from kundenkreis.runtime.drafts import StoredDrafts
from kundenkreis.runtime.stores.postgres import PostgresStore
from kundenkreis.runtime.stores.session import Store, migrate
from kundenkreis.runtime.stores.sqlite import SqliteStore

pytestmark = pytest.mark.db

FIRST = Draft(
    kind="journey", id="welcome", document={"kind": "journey", "id": "welcome", "name": {"de": "Grüße"}}, base_version=3, base="ab",
    revision=1, edited_by="anna", edited_us=7,
)  # fmt: skip


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def drafts(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DraftStore]:
    if request.param == "memory":
        yield MemoryDrafts()
        return
    store: Store = (
        SqliteStore(tmp_path / "kreis.db")
        if request.param == "sqlite"
        else PostgresStore(request.getfixturevalue("postgres_database"))
    )
    migrate(store)
    yield StoredDrafts(store)
    store.close()


def test_a_draft_comes_back_as_it_was_saved(drafts: DraftStore) -> None:
    assert (drafts.find("journey", "welcome"), drafts.every()) == (None, ())
    assert drafts.save(FIRST)
    second = msgspec.structs.replace(FIRST, revision=2, edited_by="ben", document={"kind": "journey", "id": "welcome"})
    assert drafts.save(second)
    assert drafts.find("journey", "welcome") == second
    policy = msgspec.structs.replace(FIRST, kind="policy", id="", document={"kind": "policy"})
    assert drafts.save(policy)
    assert drafts.every() == (second, policy)
    assert (drafts.every("policy"), drafts.every("segment")) == ((policy,), ())


def test_only_the_next_revision_is_taken(drafts: DraftStore) -> None:
    assert not drafts.save(msgspec.structs.replace(FIRST, revision=2))
    assert drafts.save(FIRST)
    assert not drafts.save(msgspec.structs.replace(FIRST, edited_by="ben"))
    assert not drafts.save(msgspec.structs.replace(FIRST, revision=3))
    assert drafts.find("journey", "welcome") == FIRST


def test_only_the_revision_seen_is_dropped(drafts: DraftStore) -> None:
    assert not drafts.remove("journey", "welcome", revision=1)
    drafts.save(FIRST)
    assert not drafts.remove("journey", "welcome", revision=2)
    assert drafts.find("journey", "welcome") == FIRST
    assert drafts.remove("journey", "welcome", revision=1)
    assert drafts.find("journey", "welcome") is None
