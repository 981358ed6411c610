"""Sending as a whole: whether a person has to let it go on, and whether something keeps it from going on by itself.

Both stand in the database (`meta`), so that every sender of the installation obeys the one and every page can tell the other.
"""

from typing import Final

import msgspec

from kundenkreis.channels.transactions import Transaction
from kundenkreis.kernel.ids import Micros

PAUSED: Final = "sending_paused"
STOPPED: Final = "sending_stopped"


class Pause(msgspec.Struct, frozen=True):
    """Sending waits for a person since a backup of the database was restored."""

    since_us: Micros
    found: int
    """Messages that the journal of sent messages names and that the database did not know as sent."""
    missing: int = 0
    """Lines of the journal that cannot be read any more: what they named may go out a second time."""


class Stop(msgspec.Struct, frozen=True):
    """Nothing is sent until the journal can be written again; it goes on by itself."""

    since_us: Micros
    detail: str


def read_pause(tx: Transaction) -> Pause | None:
    """Since when and why sending waits for a person; None if it does not."""
    text = _read(tx, PAUSED)
    return msgspec.json.decode(text, type=Pause) if text else None


def read_stop(tx: Transaction) -> Stop | None:
    """What keeps messages from going out; None if nothing does."""
    text = _read(tx, STOPPED)
    return msgspec.json.decode(text, type=Stop) if text else None


def pause(tx: Transaction, *, at_us: Micros, found: int, missing: int) -> None:
    """Hold sending until a person resumes it; what was found adds up."""
    held = read_pause(tx) or Pause(at_us, 0)
    _write(tx, PAUSED, Pause(held.since_us, held.found + found, held.missing + missing))


def stop(tx: Transaction, *, at_us: Micros, detail: str) -> None:
    """Tell what keeps messages from going out."""
    _write(tx, STOPPED, Stop(at_us, detail))


def go_on(tx: Transaction, name: str) -> bool:
    """Take away PAUSED or STOPPED; False if it was not there."""
    return tx.run("DELETE FROM meta WHERE name = ?", (name,)) == 1


def _read(tx: Transaction, name: str) -> str:
    rows = tx.rows("SELECT value FROM meta WHERE name = ?", (name,))
    return str(rows[0][0]) if rows else ""


def _write(tx: Transaction, name: str, value: Pause | Stop) -> None:
    tx.run(
        "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (name, msgspec.json.encode(value).decode()),
    )
