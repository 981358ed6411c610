"""Drafts in the store of one installation (definitions/drafts.py: DraftStore)."""

import msgspec

from kundenkreis.definitions.drafts import Draft
from kundenkreis.runtime.stores.schema import DRAFTS
from kundenkreis.runtime.stores.session import Row, Store

_COLUMNS = ", ".join(DRAFTS.column_names)


class StoredDrafts:
    """Keeps drafts of one store. The revision is compared inside the write transaction, so the second of two savers is told."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, kind: str, name: str) -> Draft | None:
        """See DraftStore."""
        with self._store.reading() as tx:
            rows = tx.rows(f"SELECT {_COLUMNS} FROM drafts WHERE kind = ? AND definition_id = ?", (kind, name))
        return _draft(rows[0]) if rows else None

    def every(self, kind: str = "") -> tuple[Draft, ...]:
        """See DraftStore."""
        with self._store.reading() as tx:
            rows = tx.rows(
                f"SELECT {_COLUMNS} FROM drafts WHERE kind = ? OR ? = '' ORDER BY kind, definition_id", (kind, kind)
            )
        return tuple(_draft(row) for row in rows)

    def save(self, draft: Draft) -> bool:
        """See DraftStore."""
        row = (
            draft.kind, draft.id, msgspec.json.encode(draft.document), draft.base_version, draft.base, draft.revision,
            draft.edited_by, draft.edited_us,
        )  # fmt: skip
        with self._store.transaction("draft") as tx:
            if draft.revision > 1:
                values = (*row[2:], draft.kind, draft.id, draft.revision - 1)
                assigned = ", ".join(f"{name} = ?" for name in DRAFTS.column_names[2:])
                return tx.run(
                    f"UPDATE drafts SET {assigned} WHERE kind = ? AND definition_id = ? AND revision = ?", values
                ) == 1  # fmt: skip
            there = tx.rows("SELECT 1 FROM drafts WHERE kind = ? AND definition_id = ?", (draft.kind, draft.id))
            if there:
                return False
            tx.insert(DRAFTS, [row])
            return True

    def remove(self, kind: str, name: str, *, revision: int) -> bool:
        """See DraftStore."""
        with self._store.transaction("draft") as tx:
            return (
                tx.run(
                    "DELETE FROM drafts WHERE kind = ? AND definition_id = ? AND revision = ?", (kind, name, revision)
                )
                == 1
            )


def _draft(row: Row) -> Draft:
    return Draft(
        kind=row[0], id=row[1], document=msgspec.json.decode(bytes(row[2])), base_version=row[3], base=row[4],
        revision=row[5], edited_by=row[6], edited_us=row[7],
    )  # fmt: skip
