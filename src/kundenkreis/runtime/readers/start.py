"""The start page's figures as the counter left them."""

from typing import TypeVar

import msgspec

from kundenkreis.runtime.stores.session import Row, Store
from kundenkreis.site.ports.start import Circle, Reach, Revenue, SecondOrderRate, Sending, StartFigures, Today

_T = TypeVar("_T")


class StoredStart:
    """Reads the figures of one store: one query, whatever there is to count."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def read_figures(self) -> StartFigures:
        """The figures as last counted."""
        with self._store.reading() as tx:
            held = {row[0]: row for row in tx.rows("SELECT name, body FROM figures")}
        return StartFigures(
            circle=_read(held.get("circle"), Circle),
            reach=_read(held.get("reach"), Reach),
            revenue=_read(held.get("revenue"), Revenue),
            second_orders=_read(held.get("second_orders"), SecondOrderRate),
            sending=_read(held.get("sending"), Sending),
            today=_read(held.get("today"), Today),
        )


def _read(row: Row | None, kind: type[_T]) -> _T | None:
    """A figure, None if it was not counted yet or by an older version that counted something else."""
    if row is None:
        return None
    try:
        return msgspec.json.decode(bytes(row[1]), type=kind)
    except msgspec.ValidationError:
        return None
