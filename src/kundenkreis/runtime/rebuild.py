"""Rebuild: every state from the log, and the proof that it is what was stored.

First the log itself is looked at, row by row, whether it is what was written (runtime/log_checks.py).

Each customer is folded alone from the own log rows, into an empty second store: from the newest base (runtime/bases.py), or from the first
row; then every derived table is compared row by row, byte by byte. A customer is folded exactly as far as the stored state went: up to the
position read, to the control rows that reached it, and to the timer that is next; so a backlog, a sweep under way or a quarantine is no
difference. Effects are compared, never sent: nobody dispatches from the second store, and a rebuild in place does not write the outbox.

What is needed of each customer lies in the second store, and is read from there a few customers at a time: the memory this takes does not
depend on how many there are.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from kundenkreis.engine.advance import Outcome
from kundenkreis.kernel.errors import CallerError
from kundenkreis.kernel.rows import DERIVED, LogRow
from kundenkreis.kernel.zones import Zone
from kundenkreis.runtime import log
from kundenkreis.runtime.comparing import COMPARED, Comparison, Difference, RebuildReport
from kundenkreis.runtime.log_checks import check_log
from kundenkreis.runtime.past import Controls, Folded, Past, load_past, read_controls
from kundenkreis.runtime.rulebooks import Rulebooks
from kundenkreis.runtime.stops import Stops, later_than_stored, read_stops
from kundenkreis.runtime.stores import schema
from kundenkreis.runtime.stores.schema import Table
from kundenkreis.runtime.stores.session import Row, Session, Store, in_batches, migrate
from kundenkreis.runtime.stores.sqlite import SqliteStore
from kundenkreis.runtime.writes import Writes

CHUNK = 200
"""Customers folded and written together."""
ROWS = 4_000

Progress = Callable[[int, int], None]
"""(customers done, customers in all)."""


def no_progress(done: int, total: int) -> None:
    """Nobody watches."""


_COPIED = (schema.META, schema.RULEBOOKS, schema.MERGES, schema.QUARANTINED_CUSTOMERS)
_FOLD_WRITES = tuple(table for table, _ in COMPARED if table.derived and table is not schema.IDENTIFIERS)
"""Derived tables that the fold fills; identifiers are the resolver's."""
_COLUMNS = ", ".join(log.COLUMN_NAMES)
_FOLDED = (
    "((flags & 4) = 0 OR type = 'state' OR EXISTS "
    "(SELECT 1 FROM log base WHERE base.profile_id = log.profile_id AND base.type = 'state' AND base.number > log.number))"
)
"""Rows of the log from which a rebuild starts: all but the derived ones that it derives again."""


class NotEmptyError(CallerError):
    """This file exists already; a rebuild needs a new one."""

    code = "not_empty"


@contextmanager
def second_store(path: Path | None) -> Iterator[Store]:
    """An empty SQLite store to rebuild into: at a path that does not exist yet, or for a while in a temporary folder.

    Raises:
        NotEmptyError: there is something at the path.
    """
    if path is not None and path.exists():
        raise NotEmptyError(f"{path} exists already; name a new file.", path=str(path))
    with TemporaryDirectory(prefix="kreis-rebuild-") as folder:
        store = SqliteStore(path or Path(folder) / "rebuilt.db")
        try:
            migrate(store)
            yield store
        finally:
            store.close()


def verify(source: Store, target: Store, *, zone: Zone, progress: Progress = no_progress) -> RebuildReport:
    """Check the rows of the log, rebuild a store into an empty second one and compare everything derived, within one snapshot of the source.

    Args:
        zone: the installation's zone.

    Raises:
        UnreadableRowError: a row that has no checksum cannot be read. A damaged row that has one is reported.

    Effects: reads the source; fills the target.
    """
    report = RebuildReport()
    with source.reading() as tx:
        check_log(tx, report)
        try:
            copy_log(tx, target)
            stops = read_stops(tx, target, report)
            refold(target, stops, zone=zone, progress=progress, report=report)
            with target.reading() as rebuilt:
                Comparison(tx, rebuilt, report).everything()
        except Exception as error:  # a damaged row can bring about anything; with a whole log it is a bug
            if not report.damaged:
                raise
            report.not_compared = f"{type(error).__name__}: {error}"
    return report


def copy_log(tx: Session, target: Store) -> None:
    """Copy what a rebuild starts from into an empty store. Most derived rows stay behind: the fold writes them again."""
    with target.transaction("rebuild") as out:
        for table in _COPIED:
            _insert(out, table, tx.stream(f"SELECT {', '.join(table.column_names)} FROM {table.name}"))
        _insert(out, schema.LOG, tx.stream(f"SELECT {_COLUMNS} FROM log WHERE {_FOLDED} ORDER BY number"))
        # Derived rows are numbered behind everything copied.
        for name, number in tx.rows("SELECT name, next FROM numbers"):
            out.run("UPDATE numbers SET next = ? WHERE name = ?", (number, name))


def _insert(out: Session, table: Table, rows: Iterator[Row]) -> None:
    for some in in_batches(rows, ROWS):
        out.insert(table, some, conflict="ignore")


def rebuild_in_place(store: Store, scratch: Store, *, zone: Zone, progress: Progress = no_progress) -> RebuildReport:
    """Replace every derived table of a store by what its log says; safe while it is being served.

    The long part runs beside the live store, into the empty `scratch`. Then, in one transaction that workers wait for, what came
    in meanwhile is folded too and the tables change over. Outbox, log and internal inbox stay as they are, and so does everything of whoever
    is not carried over from an older version yet: folded anew by today's rules, what has happened would be decided again.

    Returns: what was put back, and how it differed from what stood there before the change-over.
    """
    report = RebuildReport()
    with store.reading() as tx:
        copy_log(tx, scratch)
        seen = _last_number(tx)
        stops = read_stops(tx, scratch, report)
        stops.note_evidence(tx)
    refold(scratch, stops, zone=zone, progress=progress, report=report)
    with store.transaction("rebuild") as tx:
        _lock(tx)
        final = RebuildReport()
        stops = read_stops(tx, scratch, final)
        stops.note_evidence(tx, after=seen)
        _catch_up(tx, scratch, seen, stops, zone=zone, report=final)
        with scratch.reading() as rebuilt:
            comparison = Comparison(tx, rebuilt, final)
            for table, columns in COMPARED:
                if table.derived:
                    comparison.table(table, columns)
        _keep(tx, scratch, sorted(comparison.older))
        with scratch.reading() as rebuilt:
            for table, _ in COMPARED:
                if table.derived:
                    _replace(tx, rebuilt, table)
        final.rows += report.rows
        final.customers = final.compared["states"]
    return final


def _lock(tx: Session) -> None:
    """Keep workers and resolvers out until the commit (SQLite: the write transaction does)."""
    if tx.dialect == "postgres":
        tx.run("LOCK TABLE identifiers IN EXCLUSIVE MODE")
        tx.rows("SELECT partition FROM partitions ORDER BY partition FOR UPDATE")
        tx.rows("SELECT next FROM numbers WHERE name = 'log' FOR UPDATE")


def _last_number(tx: Session) -> int:
    return int(tx.rows("SELECT next FROM numbers WHERE name = 'log'")[0][0]) - 1


def _catch_up(tx: Session, scratch: Store, seen: int, stops: Stops, *, zone: Zone, report: RebuildReport) -> None:
    """Bring the rebuilt store to where the live one is now: fold again whoever got rows, control rows or due instants."""
    with scratch.transaction("rebuild") as out:
        # Derived rows of the rebuilt store are numbered where the live log has gone on: they have done their part.
        out.run("DELETE FROM log WHERE number > ?", (seen,))
        touched = _copy_new_rows(tx, out, seen)
        out.run("UPDATE numbers SET next = ? WHERE name = 'log'", (_last_number(tx) + 1,))
        for table in (schema.RULEBOOKS, schema.MERGES):
            _insert(out, table, tx.stream(f"SELECT {', '.join(table.column_names)} FROM {table.name}"))
        touched.update(later_than_stored(out, stops))
        rulebooks = Rulebooks(scratch, zone=zone)
        rulebooks.read(out)
        controls = read_controls(out)
        again = sorted(touched)
        _remove(out, again)
        for some in (again[start : start + CHUNK] for start in range(0, len(again), CHUNK)):
            refold_some(out, rulebooks, controls, some, stops, report)


def _remove(out: Session, profile_ids: Sequence[int]) -> None:
    """Take out of the rebuilt store what was folded of these customers."""
    out.rows_in(f"DELETE FROM run_entries WHERE {schema.BY_RUNS} RETURNING 1", profile_ids)
    for table in _FOLD_WRITES:
        if table is not schema.RUN_ENTRIES:
            out.run_many(f"DELETE FROM {table.name} WHERE profile_id = ?", [(one,) for one in profile_ids])


def _keep(tx: Session, scratch: Store, profile_ids: Sequence[int]) -> None:
    """What is stored of these customers takes the place of what was rebuilt."""
    for some in (profile_ids[start : start + CHUNK] for start in range(0, len(profile_ids), CHUNK)):
        with scratch.transaction("rebuild") as out:
            _remove(out, some)
            for table in _FOLD_WRITES:
                owned = schema.BY_RUNS if table is schema.RUN_ENTRIES else "profile_id {keys}"
                stored = tx.rows_in(f"SELECT {', '.join(table.column_names)} FROM {table.name} WHERE {owned}", some)
                out.insert(table, stored, conflict="ignore")  # padded keys may name somebody twice (stores/sqlite.py)


def _copy_new_rows(tx: Session, out: Session, seen: int) -> set[int]:
    """Copy what the log has gained since; whose rows they are. A new base makes all derived rows before it part of what is started from."""
    touched: set[int] = set()
    rows = tx.stream(f"SELECT {_COLUMNS} FROM log WHERE number > ? AND {_FOLDED} ORDER BY number", (seen,))
    for some in in_batches(rows, ROWS):
        out.insert(schema.LOG, some)
        _replay_identifiers(out, [log.loaded(row) for row in some if not row[15] & DERIVED])
        touched.update(row[3] for row in some if row[3])
        carried = [row[3] for row in some if row[4] == "state"]
        before = tx.rows_in(
            f"SELECT {_COLUMNS} FROM log WHERE profile_id {{keys}} AND number <= {seen} AND {_FOLDED}", carried
        )
        out.insert(schema.LOG, before, conflict="ignore")
    return touched


def _replace(tx: Session, rebuilt: Session, table: Table) -> None:
    """Drop what a derived table holds and put the rebuilt rows there."""
    tx.run(f"DELETE FROM {table.name}")
    for some in in_batches(rebuilt.stream(f"SELECT {', '.join(table.column_names)} FROM {table.name}"), ROWS):
        tx.insert(table, some)


def refold(target: Store, stops: Stops, *, zone: Zone, progress: Progress, report: RebuildReport) -> None:
    """Fold every customer of a store's log into its empty derived tables, each up to its stop."""
    rulebooks = Rulebooks(target, zone=zone)
    with target.transaction("rebuild") as tx:
        rulebooks.read(tx)
        controls = read_controls(tx)
        _rebuild_identifiers(tx)
        total = int(tx.rows("SELECT count(DISTINCT profile_id) FROM log WHERE profile_id <> 0")[0][0])
    done, last = 0, 0
    while done < total:
        with target.transaction("rebuild") as tx:
            some = [
                row[0]
                for row in tx.rows(
                    f"SELECT DISTINCT profile_id FROM log WHERE profile_id > ? ORDER BY profile_id LIMIT {CHUNK}",
                    (last,),
                )
            ]
            refold_some(tx, rulebooks, controls, some, stops, report)
        done, last = done + len(some), some[-1]
        progress(done, total)


def refold_some(
    tx: Session,
    rulebooks: Rulebooks,
    controls: Controls,
    profile_ids: Sequence[int],
    stops: Stops,
    report: RebuildReport,
) -> None:
    """Fold these customers, those merged into them first, and write whoever is not written yet."""
    past = load_past(tx, rulebooks, controls, profile_ids, stops.within(tx))
    writes = Writes()
    everybody = past.losers_first(profile_ids)
    done = {row[0] for row in tx.rows_in("SELECT profile_id FROM states WHERE profile_id {keys}", everybody)}
    for profile_id in everybody:
        if profile_id in done:
            continue
        try:
            folded = _within_evidence(tx, past, profile_id, stops)
        except Exception as error:  # a rule's bug: the live worker quarantines the customer with it
            if profile_id in profile_ids:  # a loser has its own turn
                report.add(Difference("states", str(profile_id), "", "there", f"the fold raised {error!r}"))
            continue
        if folded is not None:
            report.rows += folded.rows
            # What stood before a base is on the log already.
            derived = [row for row in folded.derived if row.number < 0]
            writes.add(
                Outcome(folded.state, folded.wake_us, folded.records, folded.effects, derived, []), folded.control_to
            )
    writes.flush(tx, outbox=False)
    tx.insert(schema.OUTBOX, writes.outbox, conflict=_RELEASED_ANEW)
    tx.insert(schema.INTERNAL_INBOX, writes.relays)
    writes.append_to_log(tx)


def _within_evidence(tx: Session, past: Past, profile_id: int, stops: Stops) -> Folded | None:
    """A customer folded to its stop; a lost state only as far as the log shows that it was decided live."""
    folded = past.whole(profile_id)
    if folded is None or stops.is_stored(tx, profile_id):
        return folded
    undecided = stops.first_undecided(tx, folded.derived)
    if undecided is None:
        return folded
    return past.fold(profile_id, msgspec.structs.replace(stops.of(tx, profile_id), until_us=undecided.at_us - 1))


_RELEASED_ANEW = (
    "ON CONFLICT (effect_id) DO UPDATE SET profile_id = excluded.profile_id, due_us = excluded.due_us, "
    "next_try_us = excluded.next_try_us, payload = excluded.payload"
)
"""What the gate sent back at hand-over and the fold released again: its last form is the one that counts."""


def _rebuild_identifiers(tx: Session) -> None:
    """Identifiers as the resolver left them: attachments and merges in log order."""
    columns = ", ".join(log.COLUMN_NAMES)
    after = 0
    while True:
        found = tx.rows(
            f"SELECT {columns} FROM log WHERE number > ? AND (type = 'merge' OR links <> '') AND (flags & 4) = 0 ORDER BY number LIMIT {ROWS}",
            (after,),
        )
        if not found:
            return
        _replay_identifiers(tx, [log.loaded(row) for row in found])
        after = found[-1][0]


def _replay_identifiers(tx: Session, rows: Sequence[LogRow]) -> None:
    """Identifiers as the resolver left them: attachments and merges in log order."""
    for row in rows:
        if row.type == "merge" and row.name == "Merge Requested":
            tx.run(
                "UPDATE identifiers SET profile_id = ? WHERE profile_id = ?", (row.properties["into"], row.profile_id)
            )
        elif row.links and "attach" in row.links and row.origin in ("api", "import"):
            pairs = [(kind, value, row.profile_id) for kind, value in row.links["attach"]]
            tx.insert(schema.IDENTIFIERS, pairs, conflict="replace")
