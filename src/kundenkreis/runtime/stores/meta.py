"""The table `meta`: what holds for the whole installation, one named value each."""

from collections.abc import Sequence
from typing import Any, Protocol

from kundenkreis.runtime.stores.session import Session

INBOX_POSITION = "inbox_position"
"""Up to where the inbox is in the log (SQLite)."""


class Readable(Protocol):
    """The part of a transaction that reading takes."""

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]: ...


def inbox_position(tx: Readable) -> int:
    """Up to where the inbox is in the log (SQLite)."""
    return int(read_meta(tx, INBOX_POSITION) or 0)


def read_meta(tx: Readable, name: str) -> str | None:
    """The value of this name, None if there is none."""
    rows = tx.rows("SELECT value FROM meta WHERE name = ?", (name,))
    return str(rows[0][0]) if rows else None


def write_meta(tx: Session, name: str, value: str) -> None:
    """Set the value of this name."""
    tx.run(
        "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (name, value),
    )


def claim_meta(tx: Session, name: str, value: str) -> str:
    """Set the value of this name unless it has one. Returns the one that it has from now on."""
    tx.run("INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING", (name, value))
    held = read_meta(tx, name)
    return value if held is None else held
