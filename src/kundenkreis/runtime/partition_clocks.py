"""The clock of each partition: no row is ever folded at an instant before it, because timers up to it have run.

SQLite has one appender and one folder, which go through all partitions together: one row (partition 0) is the clock of all. PostgreSQL
keeps one row each, locked by whoever appends, apart from `partitions`, which a worker holds for the length of a fold.
"""

from collections.abc import Iterable

from kundenkreis.kernel.ids import Micros
from kundenkreis.runtime.stores.schema import CLOCKS
from kundenkreis.runtime.stores.session import Session


def read_clocks(tx: Session, partitions: Iterable[int]) -> dict[int, Micros]:
    """The clocks of these partitions, locked against others until the end of the transaction."""
    if tx.dialect == "sqlite":
        clock_us = int(tx.rows("SELECT clock_us FROM clocks WHERE partition = 0")[0][0])
        return dict.fromkeys(partitions, clock_us)
    rows = tx.rows_in(
        "SELECT partition, clock_us FROM clocks WHERE partition {keys} ORDER BY partition FOR UPDATE",
        sorted(partitions),
    )
    return {row[0]: row[1] for row in rows}


def move_clocks(tx: Session, partitions: list[int], at_us: Micros) -> None:
    """Move the clocks of these partitions to an instant where they are behind it (PostgreSQL). Locked in the same order as everywhere."""
    tx.run(
        "WITH behind AS (SELECT partition FROM clocks WHERE partition = ANY(?) AND clock_us < ? ORDER BY partition FOR UPDATE) "
        "UPDATE clocks SET clock_us = ? FROM behind WHERE clocks.partition = behind.partition",
        (partitions, at_us, at_us),
    )


def write_clocks(tx: Session, clocks: dict[int, Micros]) -> None:
    """Move clocks forward; never back."""
    if not clocks:
        return
    if tx.dialect == "sqlite":
        latest = max(clocks.values())
        tx.run("UPDATE clocks SET clock_us = ? WHERE partition = 0 AND clock_us < ?", (latest, latest))
    else:
        tx.update(CLOCKS, ["clock_us"], list(clocks.items()))
