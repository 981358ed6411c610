"""Which numbers a page reads as the counter left them, and which it counts itself.

A small installation is counted while somebody waits, so its pages are up to date to the event. A large one would let that person wait for seconds;
there the counter counts the same things by the same functions, and the page says as of when.
"""

from typing import TypeVar

import msgspec

from kundenkreis.runtime.stores.session import Session

LARGE = 1_000_000
"""Rows of the log from which on the counter keeps what pages would count: about three years of the demo, whose slowest page takes a tenth of a second."""

_T = TypeVar("_T")


def is_large(tx: Session) -> bool:
    """Whether pages read what the counter left them."""
    return int(tx.rows("SELECT next FROM numbers WHERE name = 'log'")[0][0]) > LARGE


def read_kept(tx: Session, name: str, kind: type[_T]) -> _T | None:
    """A figure of a large installation; None where the page should count: it is small, or nothing was counted yet."""
    return read_family(tx, (name,), kind).get(name) if is_large(tx) else None


def read_family(tx: Session, names: tuple[str, ...], kind: type[_T]) -> dict[str, _T]:
    """Of these figures those that have been counted, by this version."""
    found: dict[str, _T] = {}
    for name, body in tx.rows_in("SELECT name, body FROM figures WHERE name {keys}", names) if names else ():
        try:
            found[name] = msgspec.json.decode(bytes(body), type=kind)
        except msgspec.ValidationError:  # counted by an older version that counted something else
            continue
    return found
