"""The worker: takes acknowledged messages to committed decisions, batch by batch.

Two shapes of one loop. `EmbeddedWorker` (SQLite) is the only writer, so it resolves, appends and folds in one transaction: the rows
are folded from memory and one commit makes everything durable, inbox position included. `PartitionWorker` (PostgreSQL) is
one of N: any of them resolves, each folds the partitions it holds a lease on.
"""

from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec

from kundenkreis.events.core.inbox_item import InboxItem
from kundenkreis.kernel import advisory_locks
from kundenkreis.kernel.effects import AppendEvent
from kundenkreis.kernel.ids import NEVER, PARTITIONS, Micros, partition_of
from kundenkreis.kernel.rows import LogRow
from kundenkreis.kernel.zones import Zone
from kundenkreis.privacy.pruning import Pruner
from kundenkreis.runtime import log
from kundenkreis.runtime.admission import Admission
from kundenkreis.runtime.bases import refuse_newer_fold
from kundenkreis.runtime.clock import Clock
from kundenkreis.runtime.fold_helpers import FoldHelpers
from kundenkreis.runtime.folding import Folder, FoldReport
from kundenkreis.runtime.freed_memory import return_freed_memory
from kundenkreis.runtime.pace import Haste, Pace
from kundenkreis.runtime.partition_clocks import move_clocks, write_clocks
from kundenkreis.runtime.reading import MOST_BYTES, ReadableInbox, Reader, ReadRequests, read_arrivals, read_requests
from kundenkreis.runtime.resolver import Arrival, Relay, Resolver, quarantine
from kundenkreis.runtime.rulebooks import Rulebooks
from kundenkreis.runtime.stores.meta import INBOX_POSITION, inbox_position, write_meta
from kundenkreis.runtime.stores.session import Point, Session, Store, no_point

INBOX_SETTLED = "inbox_settled"
"""Up to where the inbox has been folded for good: no power failure takes that back (SQLite)."""
REST_US: Micros = 10_000_000
"""How long after a backlog helpers and mapped memory are kept, and after the last work the pages read: taking them again costs more than holding
them for so long."""
PRUNE_EVERY = 16
"""Batches between two prunings while there is work: a delete costs a commit of its own. A worker at rest prunes at once."""

_CAN_BE_FOLDED = "profile_id NOT IN (SELECT profile_id FROM quarantined_customers)"
"""Neither time nor a control row calls for somebody in quarantine: the worker would call in vain for ever."""

_decode_relay = msgspec.msgpack.Decoder(AppendEvent).decode


class StepReport(msgspec.Struct):
    """What one step did; `idle` means there was nothing to do."""

    events: int = 0
    idle: bool = True
    settled: bool = True
    """Nothing is left to do at this instant; another step would find nothing."""
    drained: bool = True
    """No backlog is left: of messages, or of customers whose time has come."""
    fold: FoldReport = msgspec.field(default_factory=FoldReport)
    took_us: int = 0
    waited_us: Micros = 0
    """How long the oldest message had waited."""


class EmbeddedWorker:
    """Resolver and fold of one SQLite store, in one transaction per batch.

    Args:
        late_after_us: age on arrival beyond which an event starts no journey.
        admission: what the write keys allow their events.
        tombstone_key: see `Resolver`.
        pruner: removes at rest, and now and then under load, what nobody may keep any longer; None: nothing does.
        helpers: fold with this worker while there is a backlog; None: nobody does.
        open_another: another reading end of the inbox, to read ahead with (`Reader`).
        read_requests: how requests become messages.
        hurry: told after each batch how far the worker is behind.
    """

    def __init__(
        self, store: Store, inbox: ReadableInbox, rulebooks: Rulebooks, *, zone: Zone, clock: Clock, late_after_us: Micros,
        point: Point = no_point, writes_outbox: bool = True, admission: Admission | None = None, tombstone_key: bytes = b"",
        pruner: Pruner | None = None, helpers: FoldHelpers | None = None,
        open_another: Callable[[], ReadableInbox] | None = None, read_requests: ReadRequests = read_requests,
        hurry: Callable[[Haste], None] = lambda haste: None,
    ) -> None:  # fmt: skip
        self._store = store
        self._hurry = hurry
        self._helpers = helpers
        self._inbox = inbox
        self._admission = admission if admission is not None else Admission()
        self._reader = Reader(
            inbox, late_after_us=late_after_us, admission=self._admission, open_another=open_another, read_requests=read_requests
        )  # fmt: skip
        self._pruner = pruner
        self._clock = clock
        self._point = point
        self._resolver = Resolver(zone, remembers=True, admission=self._admission, tombstone_key=tombstone_key)
        self._folder = Folder(rulebooks, writes_outbox=writes_outbox, helpers=helpers)
        self._pace = Pace()
        self._behind_us: Micros = NEVER
        """When there last was a backlog; NEVER: nothing is held that was taken for one."""
        self._busy_us: Micros = clock.monotonic_us()
        """When there last was anything to do. Starting counts: it reads and compiles, and leaves much that nobody needs any more."""
        self.has_rested = False
        """Nothing is held that was taken for work; else a step some time after it gives that back."""
        self._batches = 0
        self._position = 0
        self._pruned_to = 0
        self._swept: dict[int, int] = {}
        self._all_swept_to = 0

    def step(self) -> StepReport:
        """One batch. Raises what the store raises (disk full); then nothing of the batch has happened."""
        begun_us = self._clock.monotonic_us()
        now_us = self._clock.now_us()
        self._admission.refresh(begun_us)
        try:
            with self._store.transaction("fold", awaits_disk=False) as tx:
                report = self._batch(tx, now_us)
                # The commit is not counted: a slow disk costs the same for ten events as for a thousand.
                held_us = self._clock.monotonic_us() - begun_us
        except BaseException:
            self._resolver.forget()
            self._folder.forget()
            self._swept, self._all_swept_to = {}, 0
            raise
        report.took_us = self._clock.monotonic_us() - begun_us
        self._pace.adapt(held_us, drained=report.drained, waited_us=report.waited_us, is_idle=report.idle)
        self._prune(report, now_us)
        if not report.idle:
            self._busy_us, self.has_rested = begun_us, False
        if not report.drained:
            self._behind_us = begun_us
            self._hurry(self._pace.haste)
            if self._helpers is not None:
                self._helpers.call()
        elif not self.has_rested:
            self._rest(begun_us)
        return report

    def _rest(self, now_us: Micros) -> None:
        """Give back what was taken for a backlog, once there has been none for a while; then what was read, once there has been nothing to do."""
        if self._behind_us != NEVER:
            is_over = now_us - self._behind_us > REST_US
            self._hurry(Haste.NONE if is_over else Haste.BEHIND)
            if not is_over:
                return
            self._behind_us = NEVER
            if self._helpers is not None:
                self._helpers.close()
        self.has_rested = now_us - self._busy_us > REST_US
        if self.has_rested:
            self._store.close_here()
            return_freed_memory()

    def call_helpers(self) -> None:
        """Much is about to come: whoever helps starts now, and this waits for it."""
        if self._helpers is not None:
            self._behind_us = self._busy_us = self._clock.monotonic_us()
            self.has_rested = False
            self._helpers.call(wait=True)

    def close(self) -> None:
        """End what works for this worker."""
        self._reader.close()
        if self._helpers is not None:
            self._helpers.close()

    def run_until_idle(self) -> StepReport:
        """Steps until nothing is left to do now; their sum."""
        total = StepReport()
        while True:
            report = self.step()
            total.events += report.events
            total.fold.counts.add(report.fold.counts)
            total.fold.effects += report.fold.effects
            total.fold.quarantined += report.fold.quarantined
            total.idle = total.idle and report.idle
            if report.settled:
                return total

    def next_wake_us(self) -> Micros:
        """When the next customer wakes by itself; NEVER if none."""
        with self._store.reading() as tx:
            return _next_wake_us(tx)

    def _batch(self, tx: Session, now_us: Micros) -> StepReport:
        position, size = inbox_position(tx), self._pace.size
        reading = self._reader.read(position, most_items=size)
        arrivals = reading.arrivals
        relays = _take_relays(tx, size)
        drained = reading.is_all and len(relays) < size
        quarantine(tx, reading.malformed)
        self._folder.refresh(tx)
        self._point("resolver.before_append")
        rows, count, latest_us = self._resolve(tx, arrivals, relays, part=self._folder.part)
        self._point("resolver.after_append")
        # With a backlog timers run as far as the rows came, so that they stay in time with what happened.
        until_us = max(now_us, latest_us) if drained or not count else latest_us
        most_due = max(size - count, size // 4)
        due = _due(tx, until_us, most_due)
        is_more_due = len(due) == most_due
        due += self._sweep(tx, size // 2)
        due += self._folder.released()
        fold = self._folder.fold(tx, rows, due, until_us=until_us)
        self._point("fold.after_save")
        has_read = reading.last > position
        if has_read:
            self._position = reading.last
            write_meta(tx, INBOX_POSITION, str(self._position))
        if count or due:
            write_clocks(tx, {0: until_us})
        # Who was folded with the first rows may come due between those and now.
        has_begun_early = count > len(rows)
        more = (
            is_more_due
            or not drained
            or has_begun_early
            or fold.relays
            or self._all_swept_to != self._folder.controls_read
        )
        idle = not (has_read or relays or due)
        if not drained:
            self._reader.read_ahead(self._position, most_items=size)
        return StepReport(
            events=len(arrivals), idle=idle, settled=idle or not more, drained=drained and not is_more_due, fold=fold,
            waited_us=now_us - arrivals[0].received_us if arrivals else 0,
        )  # fmt: skip

    def _resolve(
        self, tx: Session, arrivals: Sequence[Arrival], relays: Sequence[Relay], *, part: int
    ) -> tuple[list[LogRow], int, Micros]:
        """Resolve messages; helpers begin to fold the first ones meanwhile.

        Args:
            part: messages at a time; 0: all at once. Each part is appended behind the clock that the one before has moved, so none is older.

        Returns:
            (the rows of the last part, how many rows there are in all, instant of the latest of all; 0 if there are none).
        """
        rows = self._resolver.resolve(tx, arrivals[: part or None], relays)
        count, latest_us, begin = len(rows), _latest_us(rows), part or len(arrivals)
        while begin < len(arrivals):
            if rows:
                self._folder.begin(tx, rows, until_us=latest_us)
            rows = self._resolver.resolve(tx, arrivals[begin : begin + part])
            count, latest_us = count + len(rows), max(latest_us, _latest_us(rows))
            begin += part
        return rows, count, latest_us

    def _sweep(self, tx: Session, limit: int) -> list[int]:
        """Customers whom a control row has not reached yet: at most half of a batch."""
        newest = self._folder.controls_read
        if self._all_swept_to == newest:
            return []
        controls = {partition: self._folder.newest_control(partition) for partition in range(PARTITIONS)}
        found = _unreached(tx, controls, self._swept, limit)
        if len(found) < limit:
            self._all_swept_to = newest
        return found

    def _prune(self, report: StepReport, now_us: Micros) -> None:
        self._batches += 1
        if not report.idle and self._batches % PRUNE_EVERY:
            return
        if self._position > self._pruned_to:
            with self._store.transaction("settle") as tx:  # only what is on the disk may leave the inbox
                write_meta(tx, INBOX_SETTLED, str(self._position))
            self._inbox.prune(self._position)
            self._pruned_to = self._position
        _prune_if_due(self._store, self._pruner, report, now_us)


def _latest_us(rows: Sequence[LogRow]) -> Micros:
    return max((row.at_us for row in rows), default=0)


def _prune_if_due(store: Store, pruner: Pruner | None, report: StepReport, now_us: Micros) -> None:
    """Remove what nobody may keep any longer; a report that said idle says so no more while there is more to remove."""
    if pruner is not None and pruner.is_due(now_us):
        with store.transaction("prune") as tx:
            report.idle &= not pruner.prune(tx, now_us)


def _unreached(tx: Session, controls: Mapping[int, int], swept: dict[int, int], limit: int) -> list[int]:
    """Customers whom the newest control row of their partition has not reached yet, partition by partition, up to a limit.

    Args:
        controls: partition -> number of its newest control row, 0 if it has none.
        swept: partition -> the control row that has reached everybody there; kept up to date.
    """
    found: list[int] = []
    for partition, control in controls.items():
        if not control or swept.get(partition) == control:
            continue
        rows = tx.rows(
            f"SELECT profile_id FROM states WHERE partition = ? AND control_to < ? AND {_CAN_BE_FOLDED} LIMIT ?",
            (partition, control, limit - len(found)),
        )
        found.extend(row[0] for row in rows)
        if len(found) >= limit:
            return found
        swept[partition] = control
    return found


def _take_relays(tx: Session, limit: int) -> list[Relay]:
    rows = tx.rows("SELECT position, received_us, payload FROM internal_inbox ORDER BY position LIMIT ?", (limit,))
    if rows:
        tx.run("DELETE FROM internal_inbox WHERE position <= ?", (rows[-1][0],))
    return [Relay(_decode_relay(row[2]), row[1]) for row in rows]


def _due(tx: Session, until_us: Micros, limit: int) -> list[int]:
    # The second bound lets the planner use the partial index.
    rows = tx.rows(
        f"SELECT profile_id FROM states WHERE wake_us <= ? AND wake_us < {NEVER} AND {_CAN_BE_FOLDED} ORDER BY wake_us LIMIT ?",
        (until_us, limit),
    )
    return [row[0] for row in rows]


def _next_wake_us(tx: Session) -> Micros:
    rows = tx.rows(f"SELECT wake_us FROM states WHERE wake_us < {NEVER} AND {_CAN_BE_FOLDED} ORDER BY wake_us LIMIT 1")
    return int(rows[0][0]) if rows else NEVER


TakeInbox = Callable[[Session, int, int, int], list[tuple[int, InboxItem]]]
"""(transaction, most items, most bytes, position) -> requests behind that position, deleted from the inbox inside that transaction."""

LEASE_US: Micros = 10_000_000
"""A worker that does not renew for this long has lost its partitions."""


MOST_ROWS = 3_000
"""Of one batch on PostgreSQL: other workers wait for the log numbers and clocks of what is resolved."""
MOST_NUMBERS = 10_000
"""How far along the log a worker on PostgreSQL looks at once: its own rows among those of others, and derived ones."""
MOST_DUE = 500
"""Customers of one batch on PostgreSQL whose time has come: each may walk many steps, and new events wait meanwhile."""
MOST_DUE_KNOWN = 20_000
"""Customers whose time has come that are looked for at once. The index keeps the places of all who were folded since, and every look goes
through them and through those of other workers: one for each batch took a third of the server's time."""
LOOK_AGAIN_US: Micros = 1_000_000
"""How long a request may be overlooked whose position was given before that of one already taken, and which came to be seen after it."""
MOST_READ_AGAIN = 5_000
"""Rows of others that a quiet worker passes over at every look, before it notes that there is nothing for it among them."""


class PartitionWorker:
    """One of N workers on PostgreSQL.

    A partition has one owner at a time: `owner` and `epoch` are written together, every fold commits only where its epoch still stands.
    """

    def __init__(
        self, store: Store, take_inbox: TakeInbox, rulebooks: Rulebooks, *, name: str, zone: Zone, clock: Clock, late_after_us: Micros,
        point: Point = no_point, share: int = PARTITIONS, admission: Admission | None = None, tombstone_key: bytes = b"",
        pruner: Pruner | None = None,
    ) -> None:  # fmt: skip
        self._admission = admission if admission is not None else Admission()
        self._pruner = pruner
        self._store = store
        self._take_inbox = take_inbox
        self._name = name
        self._clock = clock
        self._late_after_us = late_after_us
        self._point = point
        self._share = share
        self._resolver = Resolver(zone, remembers=False, admission=self._admission, tombstone_key=tombstone_key)
        self._folder = Folder(rulebooks)
        self._epochs: dict[int, int] = {}
        self._renewed_us: Micros = -LEASE_US
        self._pace = Pace(MOST_ROWS)
        self._leaves_rows = False
        """Rows were left unread by the last batch."""
        self._batches = 0
        self._swept: dict[int, int] = {}
        self._taken_to = 0
        """The position of the last request that this worker has taken from the inbox."""
        self._looked_us: Micros = -LOOK_AGAIN_US
        self._known_due: list[int] = []
        """Of a backlog of customers whose time has come those who were found and not folded yet, the next one last."""
        self._due_from_us: Micros = 0
        """Of that backlog: everybody before this instant was looked for; 0: none is known."""

    @property
    def owned(self) -> list[int]:
        """The partitions this worker folds."""
        return sorted(self._epochs)

    def step(self) -> StepReport:
        """Renew leases, resolve a batch, fold a batch."""
        begun_us = self._clock.monotonic_us()
        self._admission.refresh(begun_us)
        self.lease()
        resolved = self._resolve()
        resolved_us = self._clock.monotonic_us()
        report = self._fold()
        folded_us = self._clock.monotonic_us()
        report.events = resolved.events
        report.idle = report.idle and resolved.events == 0
        now_us = self._clock.now_us()
        self._pace.adapt(
            max(folded_us - resolved_us, resolved_us - begun_us),
            drained=report.drained and resolved.drained, waited_us=resolved.waited_us,
        )  # fmt: skip
        self._batches += 1
        if report.idle or self._batches % PRUNE_EVERY == 0:
            _prune_if_due(self._store, self._pruner, report, now_us)
        report.took_us = self._clock.monotonic_us() - begun_us
        return report

    def release(self) -> None:
        """Give the partitions back on a clean stop, so that others need not wait for the lease to end."""
        with self._store.transaction("lease") as tx:
            tx.run("UPDATE partitions SET owner = '', lease_until_us = 0 WHERE owner = ?", (self._name,))
        self._epochs.clear()

    def next_wake_us(self) -> Micros:
        """When the next customer wakes by itself; NEVER if none."""
        with self._store.reading() as tx:
            return _next_wake_us(tx)

    def lease(self) -> None:
        """Renew what is held, take what nobody holds up to a fair share, give back what is beyond it; nothing where that was done just now.

        Raises:
            StoreTooNewError: a newer program works here; what this one holds is its to take when the lease ends.
        """
        now_us = self._clock.now_us()
        if now_us - self._renewed_us < LEASE_US // 4:
            return
        with self._store.transaction("lease") as tx:
            tx.run("SELECT pg_advisory_xact_lock(?)", (advisory_locks.WORKER_LEASES,))
            refuse_newer_fold(tx)
            rows = tx.rows("SELECT partition, owner, epoch, lease_until_us FROM partitions ORDER BY partition")
            alive = {row[1] for row in rows if row[1] and row[3] > now_us} | {self._name} | self._waiting(tx, now_us)
            fair = min(-(-PARTITIONS // len(alive)), self._share)
            held = [row[0] for row in rows if row[1] == self._name and self._epochs.get(row[0]) == row[2]]
            keep, give = held[:fair], held[fair:]
            free = [
                row for row in rows if row[0] not in keep and row[1] != self._name and (not row[1] or row[3] <= now_us)
            ]
            stale = [row for row in rows if row[1] == self._name and row[0] not in held]
            take = [*stale, *free][: fair - len(keep)]
            tx.run_many(
                "UPDATE partitions SET owner = ?, epoch = ?, lease_until_us = ? WHERE partition = ?",
                [(self._name, row[2] + 1, now_us + LEASE_US, row[0]) for row in take],
            )
            tx.run_many(
                "UPDATE partitions SET lease_until_us = ? WHERE partition = ?", [(now_us + LEASE_US, p) for p in keep]
            )
            tx.run_many(
                "UPDATE partitions SET owner = '', lease_until_us = 0 WHERE partition = ?", [(p,) for p in give]
            )
            write_meta(tx, f"worker:{self._name}", str(now_us + LEASE_US))
        self._epochs = {p: self._epochs[p] for p in keep} | {row[0]: row[2] + 1 for row in take}
        self._renewed_us = now_us

    def _waiting(self, tx: Session, now_us: Micros) -> set[str]:
        """Workers that said they are here, with or without partitions: the fair share counts them."""
        rows = tx.rows("SELECT name, value FROM meta WHERE name LIKE 'worker:%'")
        return {row[0].removeprefix("worker:") for row in rows if int(row[1]) > now_us}

    def _resolve(self) -> StepReport:
        size = self._pace.size
        with self._store.transaction("resolve", awaits_disk=False) as tx:
            items = self._take(tx, size)
            relays = _take_relays_skipping(tx, size)
            if not items and not relays:
                return StepReport()
            arrivals = read_arrivals(tx, items, late_after_us=self._late_after_us, admission=self._admission)
            self._point("resolver.before_append")
            self._resolver.resolve(tx, arrivals, relays)
            self._point("resolver.after_append")
        if items:
            self._taken_to = items[-1][0]
        return StepReport(
            events=len(arrivals) + len(relays), drained=max(len(items), len(relays)) < size,
            waited_us=self._clock.now_us() - items[0][1].received_us if items else 0,
        )  # fmt: skip

    def _take(self, tx: Session, size: int) -> list[tuple[int, InboxItem]]:
        """The next requests: behind the last one taken, from the beginning where there are none and now and then anyway."""
        begun_us = self._clock.monotonic_us()
        if begun_us - self._looked_us < LOOK_AGAIN_US and (
            items := self._take_inbox(tx, size, MOST_BYTES, self._taken_to)
        ):
            return items
        self._looked_us = begun_us
        return self._take_inbox(tx, size, MOST_BYTES, 0)

    def _fold(self) -> StepReport:
        now_us = self._clock.now_us()
        if not self._epochs:
            return StepReport()
        owned = self.owned
        # First the clocks, alone and committed: whatever is appended afterwards carries an instant at or behind now, so timers up to
        # now may run once everything committed before has been read. With a backlog they will not, and whoever resolves has the clocks.
        runs_timers = not self._leaves_rows
        if runs_timers:
            with self._store.transaction("clock", awaits_disk=False) as tx:
                move_clocks(tx, owned, now_us)
        try:
            with self._store.transaction("fold", awaits_disk=False) as tx:
                report = self._fold_batch(tx, owned, now_us if runs_timers else 0)
        except BaseException:
            self._folder.forget()
            self._swept, self._known_due, self._due_from_us = {}, [], 0
            raise
        report.idle &= runs_timers
        return report

    def _fold_batch(self, tx: Session, owned: list[int], timers_us: Micros) -> StepReport:
        """Fold the next rows, and what comes due up to `timers_us`, where no rows are left unread; 0: the clocks stand before now."""
        held = self._fenced(tx, owned)
        if not held:
            return StepReport()
        rows, read_to, complete = self._next_rows(tx, held)
        self._folder.refresh(tx)
        folded = {partition: max(to, read_to) for partition, to in held.items()}
        # With rows still unread, timers run only up to each customer's own last row: 0 never lies behind one.
        until_us = timers_us if complete else 0
        due, is_more_due = list[int](), False
        if until_us:
            due, is_more_due = self._due(tx, held, until_us)
            due += self._sweep(tx, folded, self._pace.size // 2)
            due += self._folder.released(held)
        self._leaves_rows = not complete
        fold = self._folder.fold(tx, rows, due, until_us=until_us, up_to=folded)
        self._point("fold.after_save")
        if rows or not complete or read_to - min(held.values()) > MOST_READ_AGAIN:
            tx.run(
                "UPDATE partitions SET folded_to = ? WHERE partition = ANY(?) AND folded_to < ?",
                (read_to, list(held), read_to),
            )
        drained = complete and not is_more_due
        return StepReport(idle=drained and not rows and not due, drained=drained, fold=fold)

    def _due(self, tx: Session, held: Collection[int], until_us: Micros) -> tuple[list[int], bool]:
        """(whose time has come, whether there may be more).

        Of many, the next ones are looked for from where the last ones stood. Whoever woke before that place meanwhile is found after them.
        """
        began_us = 0
        if not self._known_due:
            began_us = self._due_from_us
            rows = tx.rows(
                "SELECT profile_id, wake_us FROM states WHERE wake_us >= ? AND wake_us <= ? "
                f"AND wake_us < {NEVER} AND partition = ANY(?) AND {_CAN_BE_FOLDED} ORDER BY wake_us LIMIT ?",
                (began_us, until_us, sorted(held), MOST_DUE_KNOWN),
            )
            self._due_from_us = rows[-1][1] if len(rows) == MOST_DUE_KNOWN else 0
            self._known_due = [row[0] for row in reversed(rows)]
        most = min(self._pace.size, MOST_DUE)
        due, self._known_due = self._known_due[-most:], self._known_due[:-most]
        is_more = bool(self._known_due) or self._due_from_us > 0 or began_us > 0
        return [one for one in reversed(due) if partition_of(one) in held], is_more

    def _fenced(self, tx: Session, owned: list[int]) -> dict[int, int]:
        """Partition -> folded_to of those whose lease still stands, locked against a thief until the commit."""
        rows = tx.rows(
            "SELECT partition, folded_to, epoch FROM partitions WHERE partition = ANY(?) AND owner = ? ORDER BY partition FOR NO KEY UPDATE",
            (owned, self._name),
        )
        return {row[0]: row[1] for row in rows if self._epochs.get(row[0]) == row[2]}

    def _next_rows(self, tx: Session, held: dict[int, int]) -> tuple[list[LogRow], int, bool]:
        """(the next rows of these partitions, the number up to which there are no others, whether these are all)."""
        lowest = min(held.values())
        # Numbers become visible in their order, so at this moment everything up to the newest can be read. A stretch at a time, and by
        # the numbers alone ("+ 0"), whatever a planner believes of a log that grows by thousands of rows a second.
        newest = int(tx.rows("SELECT next - 1 FROM numbers WHERE name = 'log'")[0][0])
        end = min(newest, lowest + MOST_NUMBERS)
        columns = ", ".join(log.COLUMN_NAMES)
        found = tx.rows(
            f"SELECT {columns} FROM log WHERE number > ? AND number <= ? AND partition + 0 = ANY(?) AND (flags & 4) = 0 "
            "ORDER BY number LIMIT ?",
            (lowest, end, sorted(held), self._pace.size),
        )
        read_to = end if len(found) < self._pace.size else int(found[-1][0])
        # A partition that came from another worker may be further.
        rows = [row for row in map(log.loaded, found) if row.number > held[row.partition]]
        return rows, read_to, read_to == newest

    def _sweep(self, tx: Session, folded: dict[int, int], limit: int) -> list[int]:
        newest = {partition: self._folder.newest_control(partition) for partition in sorted(folded)}
        # One that is not folded yet comes with the rows before it.
        controls = {partition: control for partition, control in newest.items() if control <= folded[partition]}
        return _unreached(tx, controls, self._swept, limit)


def _take_relays_skipping(tx: Session, limit: int) -> list[Relay]:
    rows = tx.rows(
        "DELETE FROM internal_inbox WHERE position IN "
        "(SELECT position FROM internal_inbox ORDER BY position LIMIT ? FOR UPDATE SKIP LOCKED) RETURNING position, received_us, payload",
        (limit,),
    )
    return [Relay(_decode_relay(bytes(row[2])), row[1]) for row in sorted(rows)]
