"""Removing every row of customers inside the caller's transaction: what pruning and erasing have in common.

A customer who is gone leaves a fence "everything" behind. It keeps messages back that were on their way, and answers about them from
being folded into a customer who would then exist again.
"""

from collections.abc import Collection, Sequence

from kundenkreis.channels.core.fences import EVERYTHING, FOR_EVER
from kundenkreis.kernel.ids import Micros, partition_of
from kundenkreis.kernel.rows import DERIVED
from kundenkreis.privacy.registry import tables_found_by
from kundenkreis.runtime.partition_clocks import read_clocks
from kundenkreis.runtime.stores.schema import BY_RUNS
from kundenkreis.runtime.stores.session import Session

ERASED, SILENT = "erased", "silent"
"""Reasons on the fence of somebody who is gone."""

_LATER = frozenset({"internal_inbox"})
"""Has no index by customer, because it is nearly empty: what is left in it is dropped by the resolver."""


def forget_silent(tx: Session, profile_ids: Collection[int]) -> set[int]:
    """Forget anonymous customers whose silence was long enough; those who cannot go yet are returned.

    Somebody for whom a row has come in that is not folded yet stays: that row may be the end of the silence.
    """
    waiting = {
        row[0]
        for row in tx.rows_in(
            "SELECT DISTINCT l.profile_id FROM log l JOIN partitions p ON p.partition = l.partition "
            f"WHERE l.profile_id {{keys}} AND l.number > p.folded_to AND (l.flags & {DERIVED}) = 0",
            list(profile_ids),
        )
    } if tx.dialect == "postgres" else set()  # fmt: skip
    going = sorted(set(profile_ids) - waiting)
    if not going:
        return waiting
    at_us = max(read_clocks(tx, {partition_of(profile_id) for profile_id in going}).values())
    everybody = whole_people(tx, going)
    fence(tx, everybody, reason=SILENT, at_us=at_us)
    remove_rows(tx, everybody, leave=_LATER)
    return waiting


def whole_people(tx: Session, profile_ids: Collection[int]) -> list[int]:
    """These profiles with all that were ever merged into them or that they were merged into, ascending."""
    found = set(profile_ids)
    new = list(found)
    while new:
        rows = [
            *tx.rows_in("SELECT loser, winner FROM merges WHERE loser {keys}", new),
            *tx.rows_in("SELECT loser, winner FROM merges WHERE winner {keys}", new),
        ]
        new = sorted({profile_id for row in rows for profile_id in row} - found)
        found.update(new)
    return sorted(found)


def fence(tx: Session, profile_ids: Sequence[int], *, reason: str, at_us: Micros) -> None:
    """Nothing goes out to these customers any more, and nothing about them comes in."""
    tx.run_many(
        "INSERT INTO fences (profile_id, scope, since_us, reason, epoch) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (profile_id, scope) DO UPDATE SET reason = excluded.reason, since_us = excluded.since_us",
        [(profile_id, EVERYTHING, at_us, reason, FOR_EVER) for profile_id in profile_ids],
    )


def forgotten_among(tx: Session, profile_ids: Collection[int]) -> set[int]:
    """Those of these customers who were erased or forgotten."""
    rows = tx.rows_in(
        f"SELECT profile_id FROM fences WHERE scope = '{EVERYTHING}' AND reason IN ('{ERASED}', '{SILENT}') AND profile_id {{keys}}",
        list(profile_ids),
    )
    return {row[0] for row in rows}


def erased_among(tx: Session, profile_ids: Collection[int]) -> set[int]:
    """Those of these customers who were erased."""
    sql = f"SELECT profile_id FROM fences WHERE scope = '{EVERYTHING}' AND reason = '{ERASED}' AND profile_id {{keys}}"
    return {row[0] for row in tx.rows_in(sql, list(profile_ids))}


def remove_rows(tx: Session, profile_ids: Sequence[int], *, leave: Collection[str] = ()) -> dict[str, int]:
    """Delete every row of these customers; how many per table of the registry.

    The event ids that recognise repeats go with the log rows, so this comes before them. Fences other than "everything" go too.
    """
    removed: dict[str, int] = {}
    for table in tables_found_by("events"):
        removed[table] = _delete(
            tx, f"{table} WHERE event_id IN (SELECT event_id FROM log WHERE profile_id {{keys}})", profile_ids
        )
    for table in tables_found_by("merges"):
        removed[table] = sum(_delete(tx, f"{table} WHERE {side} {{keys}}", profile_ids) for side in ("loser", "winner"))
    for table in tables_found_by("runs"):
        removed[table] = _delete(tx, f"{table} WHERE {BY_RUNS}", profile_ids)
    for table in tables_found_by("profile"):
        if table not in leave:
            removed[table] = _delete(tx, f"{table} WHERE profile_id {{keys}}", profile_ids)
    removed["fences"] = _delete(tx, f"fences WHERE scope <> '{EVERYTHING}' AND profile_id {{keys}}", profile_ids)
    # Whoever keeps identifiers in memory looks them up anew.
    tx.run("UPDATE numbers SET next = next + 1 WHERE name = 'erasures'")
    return removed


def remaining_rows(tx: Session, profile_ids: Sequence[int]) -> dict[str, int]:
    """How many rows of these customers are left, per table: zero everywhere after an erasure. Reads all lines of paths, because it trusts no way to them."""
    left = {
        table: int(sum(row[0] for row in _counts(tx, f"{table} WHERE profile_id {{keys}}", profile_ids)))
        for table in (*tables_found_by("profile"), *tables_found_by("runs"))
    }
    for table in tables_found_by("merges"):
        left[table] = sum(
            int(row[0])
            for side in ("loser", "winner")
            for row in _counts(tx, f"{table} WHERE {side} {{keys}}", profile_ids)
        )
    return left


def _delete(tx: Session, what: str, keys: Sequence[int]) -> int:
    return len(tx.rows_in(f"DELETE FROM {what} RETURNING 1", list(keys)))


def _counts(tx: Session, what: str, keys: Sequence[int]) -> list[tuple[int]]:
    return tx.rows_in(f"SELECT count(*) FROM {what}", list(keys))
