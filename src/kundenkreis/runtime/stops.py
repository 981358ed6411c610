"""How far each customer had been folded in the store that is rebuilt: kept in the second store, because there may be millions."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from kundenkreis.customers.core.state import decode_state
from kundenkreis.kernel.ids import PARTITIONS, Micros, partition_of
from kundenkreis.kernel.rows import LogRow
from kundenkreis.runtime.comparing import RebuildReport
from kundenkreis.runtime.past import EVERYTHING, Stop, StopOf
from kundenkreis.runtime.stores.session import Row, Session, Store, in_batches

ROWS = 4_000
_TABLES = (
    "CREATE TABLE IF NOT EXISTS stops (profile_id INTEGER PRIMARY KEY, number INTEGER, control_to INTEGER, until_us INTEGER)",
    "CREATE TABLE IF NOT EXISTS evidence (event_id BLOB PRIMARY KEY) WITHOUT ROWID",
    "DELETE FROM stops",
)


class Stops:
    """The stops of one rebuild.

    Args:
        target: the second store, on SQLite.
        folded_to: partition -> number up to which its rows are folded.
        clocks: partition -> instant up to which its timers have run.
    """

    def __init__(self, target: Store, folded_to: Mapping[int, int], clocks: Mapping[int, Micros]) -> None:
        self._target = target
        self._folded_to = folded_to
        self._clocks = clocks
        self._has_evidence = False

    def of(self, tx: Session, profile_id: int) -> Stop:
        """The stop of a customer; where nothing is stored: everything read, timers up to the clock."""
        found = tx.rows("SELECT number, control_to, until_us FROM stops WHERE profile_id = ?", (profile_id,))
        return Stop(*found[0]) if found else self.newest(profile_id)

    def within(self, tx: Session) -> StopOf:
        """The stops as a function, for as long as the transaction on the second store lasts."""
        return lambda profile_id: self.of(tx, profile_id)

    def newest(self, profile_id: int) -> Stop:
        """As far as the customer's partition has been folded."""
        partition = partition_of(profile_id)
        position = self._folded_to[partition]
        return Stop(position, position, self._clocks[partition])

    def is_stored(self, tx: Session, profile_id: int) -> bool:
        """Whether a stored state says how far this customer was folded; True where nobody asks for evidence."""
        if not self._has_evidence:
            return True
        return bool(tx.rows("SELECT 1 FROM stops WHERE profile_id = ?", (profile_id,)))

    def first_undecided(self, tx: Session, derived: Sequence[LogRow]) -> LogRow | None:
        """The earliest of these rows that the live fold is not known to have derived."""
        ids = [row.event_id for row in derived]
        known = {bytes(row[0]) for row in tx.rows_in("SELECT event_id FROM evidence WHERE event_id {keys}", ids)}
        return min((row for row in derived if row.event_id not in known), key=lambda row: row.at_us, default=None)

    def note_evidence(self, source: Session, *, after: int = 0) -> None:
        """Note what the live fold has derived above this number, even where states are gone: where no state says how far timers ran, they
        stop before anything that is not among it. Without it, timers run to the clock."""
        sql = "SELECT event_id FROM log WHERE number > ? AND (flags & 4) = 4"
        with self._target.transaction("rebuild") as tx:
            for some in in_batches(source.stream(sql, (after,)), ROWS):
                tx.run_many("INSERT OR IGNORE INTO evidence (event_id) VALUES (?)", some)
        self._has_evidence = True

    def keep(self, rows: Sequence[Row], report: RebuildReport) -> None:
        """Note stored states, given as (profile, wake, control_to)."""
        kept = []
        for profile_id, wake_us, control_to in rows:
            newest = self.newest(profile_id)
            is_overdue = wake_us <= newest.until_us
            report.overdue += is_overdue
            until_us = wake_us - 1 if is_overdue else newest.until_us
            kept.append((profile_id, newest.number, min(control_to, newest.control_to), until_us))
        self._insert(kept)

    def keep_quarantined(self, source: Session, report: RebuildReport) -> None:
        """Note where the fold of customers in quarantine stopped."""
        held = [row[0] for row in source.rows("SELECT profile_id FROM quarantined_customers")]
        report.quarantined += len(held)
        report.quarantined_ids.extend(held)
        stops = [(profile_id, _stop_of_quarantined(source, profile_id)) for profile_id in held]
        self._insert([(profile_id, stop.number, stop.control_to, stop.until_us) for profile_id, stop in stops])

    def _insert(self, rows: Sequence[Row]) -> None:
        with self._target.transaction("rebuild") as tx:
            tx.run_many(
                "INSERT OR REPLACE INTO stops (profile_id, number, control_to, until_us) VALUES (?, ?, ?, ?)", rows
            )


def read_stops(source: Session, target: Store, report: RebuildReport) -> Stops:
    """How far a store has folded each of its customers, noted in the second store in place of what was noted there before."""
    if source.dialect == "sqlite":
        # Resolving and folding share one transaction: whatever is on the log is folded.
        folded_to = dict.fromkeys(range(PARTITIONS), EVERYTHING)
        clock_us = int(source.rows("SELECT clock_us FROM clocks WHERE partition = 0")[0][0])
        clocks = dict.fromkeys(range(PARTITIONS), clock_us)
    else:
        folded_to = {row[0]: row[1] for row in source.rows("SELECT partition, folded_to FROM partitions")}
        clocks = {row[0]: row[1] for row in source.rows("SELECT partition, clock_us FROM clocks")}
    stops = Stops(target, folded_to, clocks)
    with target.transaction("rebuild") as tx:
        for statement in _TABLES:
            tx.run(statement)
    for some in in_batches(source.stream("SELECT profile_id, wake_us, control_to FROM states"), ROWS):
        stops.keep(some, report)
    stops.keep_quarantined(source, report)
    return stops


def later_than_stored(tx: Session, stops: Stops) -> Iterator[int]:
    """Rebuilt customers whom time or a control row has moved on in the meantime: their stop lies beyond where they stand."""
    yield from (
        row[0]
        for row in tx.stream(
            "SELECT s.profile_id FROM states s JOIN stops t ON t.profile_id = s.profile_id "
            "WHERE s.wake_us <= t.until_us OR s.control_to < t.control_to"
        )
    )
    lost = tx.stream("SELECT profile_id, wake_us FROM states WHERE profile_id NOT IN (SELECT profile_id FROM stops)")
    yield from (profile_id for profile_id, wake_us in lost if wake_us <= stops.newest(profile_id).until_us)


def _stop_of_quarantined(source: Session, profile_id: int) -> Stop:
    """Up to where a customer had been folded whose next fold failed. Its wake and sweep marks are parked meanwhile."""
    found = source.rows("SELECT state FROM states WHERE profile_id = ?", (profile_id,))
    if not found:
        return Stop(0, 0, 0)
    try:
        state = decode_state(bytes(found[0][0]))
    except msgspec.DecodeError:
        return Stop(0, 0, 0)
    return Stop(state.folded_to, state.folded_to, state.clock_us)
