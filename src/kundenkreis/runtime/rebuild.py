"""Rebuild: every state from the log, and the proof that it is what was stored.

Each customer is folded alone from the own log rows, into an empty second store; then every derived table is compared row by row, byte by
byte. A customer is folded exactly as far as the stored state went: up to the position read, to the control rows that reached it, and to
the timer that is next; so a backlog, a sweep under way or a quarantine is no difference. Effects are compared, never sent: nobody
dispatches from the second store, and a rebuild in place does not write the outbox.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from kundenkreis.customers.core.state import decode_state
from kundenkreis.engine.advance import Outcome
from kundenkreis.kernel.effects import AppendEvent
from kundenkreis.kernel.errors import CallerError
from kundenkreis.kernel.hashing import hash128
from kundenkreis.kernel.ids import PARTITIONS, Micros, partition_of
from kundenkreis.kernel.rows import LogRow
from kundenkreis.kernel.zones import Zone
from kundenkreis.runtime import log
from kundenkreis.runtime.folding import Writes
from kundenkreis.runtime.past import EVERYTHING, Controls, Folded, Past, Stop, load_past, read_controls
from kundenkreis.runtime.rulebooks import Rulebooks
from kundenkreis.runtime.stores import schema
from kundenkreis.runtime.stores.schema import TABLES, Table
from kundenkreis.runtime.stores.session import Row, Session, Store, migrate
from kundenkreis.runtime.stores.sqlite import SqliteStore

CHUNK = 200
"""Customers folded and written together."""
ROWS = 4_000
SHOWN = 20

Progress = Callable[[int, int], None]
"""(customers done, customers in all)."""


def no_progress(done: int, total: int) -> None:
    """Nobody watches."""


_COPIED = (schema.META, schema.LOG, schema.RULEBOOKS, schema.MERGES, schema.QUARANTINED_CUSTOMERS)
_COMPARED: tuple[tuple[Table, tuple[str, ...]], ...] = (
    (schema.STATES, ("partition", "wake_us", "control_to", "state")),
    (schema.MEMBERSHIPS, ("until_us", "cause", "reason", "left_cause", "left_reason", "publishing")),
    (schema.SCORE_ENTRIES, ("milli_points", "balance")),
    (schema.RUN_ENTRIES, ("profile_id", "journey_id", "version", "entry_key", "step_id", "outcome", "at_us", "reason")),
    (schema.VERDICTS, tuple(name for name in schema.VERDICTS.column_names if name not in ("effect_id", "sequence"))),
    (schema.ORDERS, tuple(name for name in schema.ORDERS.column_names if name not in ("order_id", "profile_id"))),
    (schema.IDENTIFIERS, ("profile_id",)),
    (schema.CUSTOMER_LIST, schema.CUSTOMER_LIST.column_names[1:]),
    (schema.SEARCH_TERMS, ()),
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
    """Log rows folded."""
    customers: int = 0
    overdue: int = 0
    """Customers whose stored timer had come but was not folded yet; compared at their own stored point."""
    quarantined: int = 0
    """Customers whose fold had stopped; compared where it stopped."""
    quarantined_ids: list[int] = field(default_factory=list)
    """Profile ids of those."""
    compared: dict[str, int] = field(default_factory=dict)
    """Rows compared per table."""
    differences: list[Difference] = field(default_factory=list)
    differing: int = 0
    """All differences; `differences` holds the first of them."""

    @property
    def is_equal(self) -> bool:
        """Whether everything derived is what the log says."""
        return self.differing == 0


_PARKED = ("wake_us", "control_to")
"""Columns of a state that mean nothing while its customer is in quarantine."""


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
    """Rebuild a store into an empty second one and compare everything derived, within one snapshot of the source.

    Args:
        zone: the installation's zone.

    Effects: reads the source; fills the target.
    """
    with source.reading() as tx:
        copy_log(tx, target)
        report = RebuildReport()
        stops = read_stops(tx, report)
        refold(target, stops, zone=zone, progress=progress, report=report)
        with target.reading() as rebuilt:
            compare(tx, rebuilt, report)
    return report


def copy_log(tx: Session, target: Store) -> None:
    """Copy what a rebuild starts from into an empty store. Derived rows stay behind: the fold writes them again."""
    with target.transaction("rebuild") as out:
        for table in _COPIED:
            where = " WHERE (flags & 4) = 0" if table is schema.LOG else ""
            for rows in _chunks(tx, f"SELECT {', '.join(table.column_names)} FROM {table.name}{where}", table):
                out.insert(table, rows, conflict="ignore")
        # Derived rows are numbered behind everything copied.
        for name, number in tx.rows("SELECT name, next FROM numbers"):
            out.run("UPDATE numbers SET next = ? WHERE name = ?", (number, name))


def rebuild_in_place(store: Store, scratch: Store, *, zone: Zone, progress: Progress = no_progress) -> RebuildReport:
    """Replace every derived table of a store by what its log says; safe while it is being served.

    The long part runs beside the live store, into the empty `scratch`. Then, in one transaction that workers wait for, what came
    in meanwhile is folded too and the tables change over. Outbox, log and internal inbox stay as they are.

    Returns: what was put back, and how it differed from what stood there before the change-over.
    """
    report = RebuildReport()
    with store.reading() as tx:
        copy_log(tx, scratch)
        seen = _last_number(tx)
        stops = read_stops(tx, report)
        stops.evidence = _evidence(tx)
    refold(scratch, stops, zone=zone, progress=progress, report=report)
    with store.transaction("rebuild") as tx:
        _lock(tx)
        final = RebuildReport()
        stops = read_stops(tx, final)
        stops.evidence = _evidence(tx)
        _catch_up(tx, scratch, seen, stops, zone=zone, report=final)
        with scratch.reading() as rebuilt:
            for table, columns in _COMPARED:
                if table.derived:
                    _compare_table(final, table, columns, tx, rebuilt)
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


def _evidence(tx: Session) -> frozenset[bytes]:
    """Ids of all derived rows: what the live fold has decided, even where states are gone."""
    return frozenset(bytes(row[0]) for row in tx.rows("SELECT event_id FROM log WHERE (flags & 4) = 4"))


def _last_number(tx: Session) -> int:
    return int(tx.rows("SELECT next FROM numbers WHERE name = 'log'")[0][0]) - 1


def _catch_up(tx: Session, scratch: Store, seen: int, stops: "Stops", *, zone: Zone, report: RebuildReport) -> None:
    """Bring the rebuilt store to where the live one is now: fold again whoever got rows, control rows or due instants."""
    columns = ", ".join(log.COLUMN_NAMES)
    rows = tx.rows(f"SELECT {columns} FROM log WHERE number > ? AND (flags & 4) = 0 ORDER BY number", (seen,))
    with scratch.transaction("rebuild") as out:
        # Derived rows of the rebuilt store are numbered where the live log has gone on: they have done their part.
        out.run("DELETE FROM log WHERE (flags & 4) = 4")
        out.insert(schema.LOG, rows)
        out.run("UPDATE numbers SET next = ? WHERE name = 'log'", (_last_number(tx) + 1,))
        for table in (schema.RULEBOOKS, schema.MERGES):
            out.insert(table, tx.rows(f"SELECT {', '.join(table.column_names)} FROM {table.name}"), conflict="ignore")
        _replay_identifiers(out, [log.loaded(row) for row in rows])
        touched = {row[3] for row in rows if row[3]}
        for profile_id, wake_us, control_to in out.rows("SELECT profile_id, wake_us, control_to FROM states"):
            stop = stops.of(profile_id)
            if wake_us <= stop.until_us or (profile_id in stops.stored and control_to < stop.control_to):
                touched.add(profile_id)
        rulebooks = Rulebooks(scratch, zone=zone)
        rulebooks.read(out)
        controls = read_controls(out)
        again = sorted(touched)
        for table in TABLES:
            if table.derived and table is not schema.IDENTIFIERS:
                out.run_many(f"DELETE FROM {table.name} WHERE profile_id = ?", [(one,) for one in again])
        done = {row[0] for row in out.rows("SELECT profile_id FROM states")}
        for start in range(0, len(again), CHUNK):
            refold_some(out, rulebooks, controls, again[start : start + CHUNK], stops, done, report)


def _replace(tx: Session, rebuilt: Session, table: Table) -> None:
    """Drop what a derived table holds and put the rebuilt rows there."""
    tx.run(f"DELETE FROM {table.name}")
    rows = rebuilt.rows(f"SELECT {', '.join(table.column_names)} FROM {table.name}")
    for start in range(0, len(rows), ROWS):
        tx.insert(table, rows[start : start + ROWS])


class Stops:
    """How far each customer had been folded in the store that is rebuilt."""

    def __init__(self, folded_to: Mapping[int, int], clocks: Mapping[int, Micros]) -> None:
        self.stored: dict[int, Stop] = {}
        self._folded_to = folded_to
        self._clocks = clocks
        self.evidence: frozenset[bytes] | None = None
        """Ids of everything the live fold is known to have derived: where no state says how far timers ran, they stop before anything
        that is not among these. None: timers run to the clock."""

    def of(self, profile_id: int) -> Stop:
        """The stop of a customer; where nothing is stored: everything read, timers up to the clock."""
        known = self.stored.get(profile_id)
        if known is not None:
            return known
        position = self._folded_to[partition_of(profile_id)]
        return Stop(position, position, self._clocks[partition_of(profile_id)])

    def keep(self, profile_id: int, wake_us: Micros, control_to: int) -> bool:
        """Note a stored state; returns whether its timer is overdue."""
        whole = self.of(profile_id)
        overdue = wake_us <= whole.until_us
        until_us = wake_us - 1 if overdue else whole.until_us
        self.stored[profile_id] = Stop(whole.number, min(control_to, whole.control_to), until_us)
        return overdue


def read_stops(tx: Session, report: RebuildReport) -> Stops:
    """How far a store has folded each of its customers."""
    if tx.dialect == "sqlite":
        # Resolving and folding share one transaction: whatever is on the log is folded.
        folded_to = dict.fromkeys(range(PARTITIONS), EVERYTHING)
        clock_us = int(tx.rows("SELECT clock_us FROM clocks WHERE partition = 0")[0][0])
        clocks = dict.fromkeys(range(PARTITIONS), clock_us)
    else:
        folded_to = {row[0]: row[1] for row in tx.rows("SELECT partition, folded_to FROM partitions")}
        clocks = {row[0]: row[1] for row in tx.rows("SELECT partition, clock_us FROM clocks")}
    stops = Stops(folded_to, clocks)
    for profile_id, wake_us, control_to in tx.rows("SELECT profile_id, wake_us, control_to FROM states"):
        report.overdue += stops.keep(profile_id, wake_us, control_to)
    for (profile_id,) in tx.rows("SELECT profile_id FROM quarantined_customers"):
        report.quarantined += 1
        report.quarantined_ids.append(profile_id)
        stops.stored[profile_id] = _stop_of_quarantined(tx, profile_id)
    return stops


def _stop_of_quarantined(tx: Session, profile_id: int) -> Stop:
    """Up to where a customer had been folded whose next fold failed. Its wake and sweep marks are parked meanwhile."""
    found = tx.rows("SELECT state FROM states WHERE profile_id = ?", (profile_id,))
    if not found:
        return Stop(0, 0, 0)
    try:
        state = decode_state(bytes(found[0][0]))
    except msgspec.DecodeError:
        return Stop(0, 0, 0)
    return Stop(state.folded_to, state.folded_to, state.clock_us)


def refold(target: Store, stops: Stops, *, zone: Zone, progress: Progress, report: RebuildReport) -> None:
    """Fold every customer of a store's log into its empty derived tables, each up to its stop."""
    rulebooks = Rulebooks(target, zone=zone)
    with target.transaction("rebuild") as tx:
        rulebooks.read(tx)
        controls = read_controls(tx)
        _rebuild_identifiers(tx)
        everybody = [row[0] for row in tx.rows("SELECT DISTINCT profile_id FROM log WHERE profile_id <> 0 ORDER BY 1")]
    done: set[int] = set()
    for start in range(0, len(everybody), CHUNK):
        with target.transaction("rebuild") as tx:
            refold_some(tx, rulebooks, controls, everybody[start : start + CHUNK], stops, done, report)
        progress(min(start + CHUNK, len(everybody)), len(everybody))


def refold_some(
    tx: Session,
    rulebooks: Rulebooks,
    controls: Controls,
    profile_ids: Sequence[int],
    stops: Stops,
    done: set[int],
    report: RebuildReport,
) -> None:
    """Fold these customers, those merged into them first, and write what is not in `done` yet."""
    past = load_past(tx, rulebooks, controls, profile_ids, _StopOf(stops))
    writes = Writes()
    for profile_id in past.losers_first(profile_ids):
        if profile_id in done:
            continue
        done.add(profile_id)
        try:
            folded = _within_evidence(past, profile_id, stops)
        except Exception as error:  # a rule's bug: the live worker quarantines the customer with it
            _add(report, Difference("states", str(profile_id), "", "there", f"the fold raised {error!r}"))
            continue
        if folded is not None:
            report.rows += folded.rows
            outcome = Outcome(folded.state, folded.wake_us, folded.records, folded.effects, folded.derived, [])
            writes.add(outcome, folded.control_to)
    writes.flush(tx, outbox=False)
    tx.insert(schema.OUTBOX, writes.outbox, conflict=_RELEASED_ANEW)
    tx.insert(schema.INTERNAL_INBOX, writes.relays)
    number = log.next_numbers(tx, len(writes.derived))
    for offset, row in enumerate(writes.derived):
        row.number = number + offset
    log.append(tx, [log.stored(row, None) for row in writes.derived])


def _within_evidence(past: Past, profile_id: int, stops: Stops) -> Folded | None:
    """A customer folded to its stop; a lost state only as far as the log shows that it was decided live."""
    folded = past.whole(profile_id)
    if folded is None or stops.evidence is None or profile_id in stops.stored:
        return folded
    undecided = min((row.at_us for row in folded.derived if row.event_id not in stops.evidence), default=None)
    if undecided is None:
        return folded
    return past.fold(profile_id, msgspec.structs.replace(stops.of(profile_id), until_us=undecided - 1))


_RELEASED_ANEW = (
    "ON CONFLICT (effect_id) DO UPDATE SET profile_id = excluded.profile_id, due_us = excluded.due_us, "
    "next_try_us = excluded.next_try_us, payload = excluded.payload"
)
"""What the gate sent back at hand-over and the fold released again: its last form is the one that counts."""


class _StopOf(Mapping[int, Stop]):
    """The stops as a mapping over whatever profile is asked for."""

    def __init__(self, stops: Stops) -> None:
        self._stops = stops

    def __getitem__(self, profile_id: int) -> Stop:
        return self._stops.of(profile_id)

    def __iter__(self) -> Iterator[int]:
        return iter(self._stops.stored)

    def __len__(self) -> int:
        return len(self._stops.stored)


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


def compare(mine: Session, theirs: Session, report: RebuildReport) -> None:
    """Compare every derived table of two stores: what is stored, and what was rebuilt."""
    for table, columns in _COMPARED:
        _compare_table(report, table, columns, mine, theirs)
    _compare_appended(report, mine, theirs)
    report.customers = report.compared["states"]


def _compare_table(
    report: RebuildReport, table: Table, columns: tuple[str, ...], mine: Session, theirs: Session
) -> None:
    keys = table.primary_key
    sql = f"SELECT {', '.join((*keys, *columns))} FROM {table.name} ORDER BY {', '.join(keys)}"
    count = 0
    for stored, rebuilt in _paired(_stream(mine, sql), _stream(theirs, sql), len(keys)):
        count += 1
        _note(report, table, columns, stored, rebuilt)
    report.compared[table.name] = count


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


def _stream(tx: Session, sql: str) -> Iterator[Row]:
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
    if table is schema.STATES and (stored or rebuilt or (0,))[0] in report.quarantined_ids:
        marks = [index + keys for index, name in enumerate(columns) if name in _PARKED]
        stored, rebuilt = _without(stored, marks), _without(rebuilt, marks)
        if stored == rebuilt:
            return
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


def _without(row: Row | None, indexes: Sequence[int]) -> Row | None:
    return None if row is None else tuple(None if index in indexes else value for index, value in enumerate(row))


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
    _compare_relays(report, mine, theirs)


def _compare_relays(report: RebuildReport, mine: Session, theirs: Session) -> None:
    """What one customer's fold sent to another's log must wait there, or stand there word for word."""
    relays = {bytes(row[0]): bytes(row[1]) for row in theirs.rows("SELECT effect_id, payload FROM internal_inbox")}
    waiting = {bytes(row[0]): bytes(row[1]) for row in mine.rows("SELECT effect_id, payload FROM internal_inbox")}
    names = ", ".join(log.COLUMN_NAMES)
    appended = {}
    for found in mine.rows(f"SELECT {names} FROM log WHERE cause <> ? AND (flags & 4) = 0", (b"",)):
        row = log.loaded(found)
        appended[row.event_id] = _told(row.profile_id, row.type, row.name, row.body, row.links)
    for effect_id, payload in relays.items():
        effect = msgspec.msgpack.decode(payload, type=AppendEvent)
        body = dict(effect.body)
        links = body.pop("links", None)
        told = _told(effect.profile_id, effect.type, effect.name, body, links)
        stored = told if waiting.get(effect_id) == payload else appended.get(effect_id)
        if stored != told:
            _add(
                report,
                Difference("internal_inbox", effect_id.hex(), "", "missing" if stored is None else "another", "there"),
            )
    report.compared["appended events"] = len(relays)


def _told(profile_id: int, type_: str, name: str, body: object, links: object) -> bytes:
    return hash128(profile_id, type_, name, msgspec.json.encode(body), msgspec.json.encode(links))


def _add(report: RebuildReport, difference: Difference) -> None:
    report.differing += 1
    if len(report.differences) < SHOWN:
        report.differences.append(difference)


def _shown(value: object) -> str:
    text = value.hex() if isinstance(value, bytes) else str(value)
    return text if len(text) <= 120 else text[:117] + "..."
