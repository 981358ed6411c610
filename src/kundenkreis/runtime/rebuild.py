"""Rebuild: every state from the log, and the proof that it is what was stored.

The log and the rulebooks are copied into an empty second store and folded there in log order; then every derived table is compared
row by row, byte by byte. Effects are compared, never sent: nobody dispatches from the second store, and a rebuild in place does not
write the outbox.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from kundenkreis.engine.merging import STATE_SURRENDERED
from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.kernel.rows import LogRow
from kundenkreis.runtime import log
from kundenkreis.runtime.folding import Folder
from kundenkreis.runtime.rulebooks import Rulebooks
from kundenkreis.runtime.stores import schema
from kundenkreis.runtime.stores.schema import Table
from kundenkreis.runtime.stores.session import Row, Session, Store

BATCH = 4_000
SHOWN = 20

Progress = Callable[[int, int], None]
"""(rows done, rows in all)."""

_COPIED = (schema.META, schema.LOG, schema.RULEBOOKS, schema.MERGES, schema.QUARANTINED_CUSTOMERS)
_COMPARED: tuple[tuple[Table, tuple[str, ...]], ...] = (
    (schema.STATES, ("partition", "wake_us", "control_to", "state")),
    (schema.MEMBERSHIPS, ("until_us", "cause", "reason", "left_cause", "left_reason", "publishing")),
    (schema.SCORE_ENTRIES, ("milli_points", "balance")),
    (schema.RUN_ENTRIES, ("profile_id", "journey_id", "version", "entry_key", "step_id", "outcome", "at_us", "reason")),
    (schema.VERDICTS, tuple(name for name in schema.VERDICTS.column_names if name not in ("effect_id", "sequence"))),
    (schema.ORDERS, tuple(name for name in schema.ORDERS.column_names if name not in ("order_id", "profile_id"))),
    (schema.IDENTIFIERS, ("profile_id",)),
    (schema.OUTBOX, ("profile_id", "due_us", "payload")),
)


@dataclass
class Difference:
    """One row that is not what the log says."""

    table: str
    key: str
    column: str
    """"" when the whole row is missing or surplus."""
    stored: str
    rebuilt: str


@dataclass
class RebuildReport:
    """What a rebuild found."""

    rows: int = 0
    customers: int = 0
    compared: dict[str, int] = field(default_factory=dict)
    """Rows compared per table."""
    differences: list[Difference] = field(default_factory=list)
    differing: int = 0
    """All differences; `differences` holds the first of them."""

    @property
    def is_equal(self) -> bool:
        """Whether everything derived is what the log says."""
        return self.differing == 0


def copy_log(source: Store, target: Store) -> None:
    """Copy what a rebuild starts from into an empty store. Derived rows stay behind: the fold writes them again."""
    with source.reading() as tx, target.transaction("rebuild") as out:
        for table in _COPIED:
            where = " WHERE (flags & 4) = 0" if table is schema.LOG else ""
            for rows in _chunks(tx, f"SELECT {', '.join(table.column_names)} FROM {table.name}{where}", table):
                out.insert(table, rows, conflict="ignore")
        # Derived rows are numbered behind everything copied.
        out.run_many("UPDATE numbers SET next = ? WHERE name = ?", tx.rows("SELECT next, name FROM numbers"))


def refold(
    store: Store,
    rulebooks: Rulebooks,
    *,
    folded_to: dict[int, int],
    clocks: dict[int, Micros],
    progress: Progress,
    writes_outbox: bool,
    most_rows: int = BATCH,
) -> int:
    """Fold a store's whole log into its empty derived tables; the number of rows folded.

    Args:
        folded_to: per partition, the last number to fold.
        clocks: per partition, the instant up to which timers have run.
        most_rows: of one transaction; makes no difference to the result.
    """
    folder = Folder(rulebooks, writes_outbox=writes_outbox, is_rebuild=True)
    with store.reading() as tx:
        last = max(folded_to.values(), default=0)
        total = int(tx.rows("SELECT count(*) FROM log WHERE (flags & 4) = 0 AND number <= ?", (last,))[0][0])
    done, after = 0, 0
    while after < last:
        with store.transaction("rebuild") as tx:
            rows = _next_rows(tx, after, last, folded_to, most_rows)
            if rows is None:
                break
            batch, after = rows
            folder.refresh(tx)
            _replay_identifiers(tx, batch)
            folder.fold(tx, batch, (), until_us=0, up_to=dict.fromkeys(range(256), after))
        done += len(batch)
        progress(done, total)
    _run_timers(store, folder, clocks, folded_to)
    return done


def compare(source: Store, target: Store) -> RebuildReport:
    """Compare every derived table of two stores."""
    report = RebuildReport()
    with source.reading() as mine, target.reading() as theirs:
        for table, columns in _COMPARED:
            keys = table.primary_key
            sql = f"SELECT {', '.join((*keys, *columns))} FROM {table.name} ORDER BY {', '.join(keys)}"
            count = 0
            for stored, rebuilt in _paired(_stream(mine, sql, len(keys)), _stream(theirs, sql, len(keys)), len(keys)):
                count += 1
                _note(report, table, columns, stored, rebuilt)
            report.compared[table.name] = count
        _compare_appended(report, mine, theirs)
        report.customers = report.compared["states"]
    return report


def _next_rows(
    tx: Session, after: int, last: int, folded_to: dict[int, int], most_rows: int
) -> tuple[list[LogRow], int] | None:
    """The next rows in log order; a batch ends before a surrendered state, whose orders must have been written first."""
    columns = ", ".join(log.COLUMN_NAMES)
    found = tx.rows(
        f"SELECT {columns} FROM log WHERE number > ? AND number <= ? AND (flags & 4) = 0 ORDER BY number LIMIT ?",
        (after, last, most_rows),
    )
    if not found:
        return None
    rows = [log.loaded(row) for row in found]
    for index, row in enumerate(rows):
        if index and row.name == STATE_SURRENDERED and row.type == "merge":
            rows = rows[:index]
            break
    return [row for row in rows if row.number <= folded_to.get(row.partition, 0)], rows[-1].number


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


def _run_timers(store: Store, folder: Folder, clocks: dict[int, Micros], folded_to: dict[int, int]) -> None:
    while True:
        with store.transaction("rebuild") as tx:
            folder.refresh(tx)
            swept = [
                row[0]
                for row in tx.rows("SELECT profile_id, partition, control_to FROM states")
                if row[2] < folder.newest_control(row[1], folded_to)
            ]
            due: dict[Micros, list[int]] = {}
            for profile_id, partition in tx.rows(f"SELECT profile_id, partition FROM states WHERE wake_us < {NEVER}"):
                due.setdefault(clocks.get(partition, 0), []).append(profile_id)
            folded = 0
            for until_us, profile_ids in due.items():
                wake = f"SELECT profile_id FROM states WHERE wake_us <= {int(until_us)} AND profile_id {{keys}}"
                ripe = [row[0] for row in tx.rows_in(wake, profile_ids)]
                folder.fold(tx, (), ripe, until_us=until_us, up_to=folded_to)
                folded += len(ripe)
            folder.fold(tx, (), swept, until_us=0, up_to=folded_to)
            if not folded and not swept:
                return


def _chunks(tx: Session, sql: str, table: Table) -> Iterator[Sequence[Row]]:
    key = table.primary_key[0]
    if len(table.primary_key) > 1 or dict(table.columns)[key] != "integer":
        yield tx.rows(sql)
        return
    joint = " AND " if " WHERE " in sql else " WHERE "
    at = table.column_names.index(key)
    last = -(1 << 62)
    while rows := tx.rows(f"{sql}{joint}{key} > ? ORDER BY {key} LIMIT 20000", (last,)):
        yield rows
        last = rows[-1][at]


def _stream(tx: Session, sql: str, keys: int) -> Iterator[Row]:
    for row in tx.rows(sql):
        yield tuple(bytes(value) if isinstance(value, memoryview | bytearray) else value for value in row)


def _paired(mine: Iterator[Row], theirs: Iterator[Row], keys: int) -> Iterator[tuple[Row | None, Row | None]]:
    """Rows of two sorted streams, side by side by key."""
    left, right = {row[:keys]: row for row in mine}, {row[:keys]: row for row in theirs}
    for key in dict.fromkeys((*left, *right)):
        yield left.get(key), right.get(key)


def _note(
    report: RebuildReport, table: Table, columns: tuple[str, ...], stored: Row | None, rebuilt: Row | None
) -> None:
    if stored == rebuilt:
        return
    keys = len(table.primary_key)
    key = ", ".join(_shown(value) for value in (stored or rebuilt or ())[:keys])
    if stored is None or rebuilt is None:
        _add(
            report,
            Difference(
                table.name, key, "", "missing" if stored is None else "there", "missing" if rebuilt is None else "there"
            ),
        )
        return
    for column, a, b in zip_longest(columns, stored[keys:], rebuilt[keys:]):
        if a != b:
            _add(report, Difference(table.name, key, column, _shown(a), _shown(b)))


def _compare_appended(report: RebuildReport, mine: Session, theirs: Session) -> None:
    """Derived rows, and events that one customer's fold appended to another's log."""
    sql = "SELECT event_id, profile_id, name, at_us, body FROM log WHERE (flags & 4) = 4"
    stored = {bytes(row[0]): (row[1], row[2], row[3], bytes(row[4])) for row in mine.rows(sql)}
    rebuilt = {bytes(row[0]): (row[1], row[2], row[3], bytes(row[4])) for row in theirs.rows(sql)}
    for event_id in dict.fromkeys((*stored, *rebuilt)):
        if stored.get(event_id) != rebuilt.get(event_id):
            _add(
                report,
                Difference(
                    "log", event_id.hex(), "derived", _shown(stored.get(event_id)), _shown(rebuilt.get(event_id))
                ),
            )
    report.compared["derived events"] = len(stored)
    relays = [bytes(row[0]) for row in theirs.rows("SELECT effect_id FROM internal_inbox")]
    known = {bytes(row[0]) for row in mine.rows_in("SELECT event_id FROM dedupe WHERE event_id {keys}", relays)}
    known |= {bytes(row[0]) for row in mine.rows("SELECT effect_id FROM internal_inbox")}
    for effect_id in relays:
        if effect_id not in known:
            _add(report, Difference("internal_inbox", effect_id.hex(), "", "missing", "there"))
    report.compared["appended events"] = len(relays)


def _add(report: RebuildReport, difference: Difference) -> None:
    report.differing += 1
    if len(report.differences) < SHOWN:
        report.differences.append(difference)


def _shown(value: object) -> str:
    text = value.hex() if isinstance(value, bytes) else str(value)
    return text if len(text) <= 120 else text[:117] + "..."
