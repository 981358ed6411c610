"""The table `meta`: what holds for the whole installation, one named value each."""

from kundenkreis.runtime.stores.session import Session


def read_meta(tx: Session, name: str) -> str | None:
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
