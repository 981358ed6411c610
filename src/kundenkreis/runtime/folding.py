"""Folding a batch: load the touched customers, advance each, write everything in the caller's transaction.

Crash before the commit: folded again, same outcome. Crash after it: nothing left to repeat. A customer whose fold raises is
quarantined with the reason and never stops the others.
"""

import traceback
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from kundenkreis.customers.core.commerce import orders_named
from kundenkreis.customers.core.state import FOLD_VERSION, CustomerState, read_state
from kundenkreis.customers.core.turn import OrderEntry, Orders
from kundenkreis.customers.core.upgrades import StoreTooNewError
from kundenkreis.engine.advance import Loop, Outcome, new_customer
from kundenkreis.engine.controls import RULEBOOK_PUBLISHED, version_at
from kundenkreis.engine.merging import surrendered
from kundenkreis.kernel.errors import KundenkreisError
from kundenkreis.kernel.hashing import profile_id_of
from kundenkreis.kernel.ids import NEVER, PARTITIONS, Micros, partition_of
from kundenkreis.kernel.rows import LogRow
from kundenkreis.privacy.forgetting import erased_among, forget_silent, remove_rows
from kundenkreis.runtime import log
from kundenkreis.runtime.bases import bases_of
from kundenkreis.runtime.fold_helpers import FoldHelpers
from kundenkreis.runtime.lending import WAITING, WAITING_AT_LAST, WAITING_WHILE_SAVING, Lending
from kundenkreis.runtime.rulebooks import Rulebooks
from kundenkreis.runtime.shares import Counts, Folded, StoredState, fold_customer
from kundenkreis.runtime.stores.schema import QUARANTINED_CUSTOMERS
from kundenkreis.runtime.stores.session import Session
from kundenkreis.runtime.writes import Marks, Writes

SAVED_AT_ONCE = 200
"""Customers whom the worker folds itself before it writes what there is, while helpers fold."""
RELEASED = "released"
"""Code of a quarantined customer whom somebody let out: folded again with the next batch, all skipped rows first."""


class StatesMissingError(KundenkreisError):
    """States of customers are missing from the store; nothing is folded until kreis rebuild --in-place has put them back."""

    code = "states_missing"


class FoldReport(msgspec.Struct):
    """What one batch did."""

    counts: Counts = msgspec.field(default_factory=Counts)
    rows: int = 0
    effects: int = 0
    relays: int = 0
    quarantined: int = 0
    forgotten: int = 0
    """Anonymous customers whose silence was long enough; every row of them is gone."""


class _Decided(NamedTuple):
    """What was decided about one customer, and what has to be known to write it."""

    outcome: Outcome
    control_to: int
    """Number of the last control row applied."""
    marks: Marks | None
    """What the indexes find the stored state by; None: there is none."""
    base: LogRow | None
    """The stored state as a row of the log, where it is of an older version."""


class _Begun:
    """The batch that is being folded: what is lent of it, and what waits for its end."""

    def __init__(self, lending: Lending | None) -> None:
        self.lending = lending
        self.rows: dict[int, list[LogRow]] = defaultdict(list)
        """New rows by profile id, of everybody in the batch so far; of those lent what was lent."""
        self.later: dict[int, list[LogRow]] = defaultdict(list)
        """What came for customers after they had been lent."""
        self.back: list[int] = []
        """Lent, and handed back."""
        self.writes = Writes()
        """What the worker itself has decided since it last wrote: each customer at once, so that their state can go again while it is at hand."""
        self.silent: list[_Decided] = []
        """Who may be forgotten: not among the writes yet."""
        self.report = FoldReport()

    @property
    def lent(self) -> Container[int]:
        """Profile ids of everybody who may be with a helper, or was."""
        return self.lending.customers if self.lending is not None else ()


class Folder:
    """Folds customers of one store; keeps control rows and quarantined ids in memory between batches."""

    def __init__(self, rulebooks: Rulebooks, *, writes_outbox: bool = True, helpers: FoldHelpers | None = None) -> None:
        self._rulebook_of = rulebooks
        self._helpers = helpers
        self._writes_outbox = writes_outbox
        self._controls: list[list[LogRow]] = [[] for _ in range(PARTITIONS)]
        self._controls_read = 0
        self._quarantined: set[int] = set()
        self._released: set[int] = set()
        self._up_to: dict[int, int] | None = None
        self._begun: _Begun | None = None

    @property
    def controls_read(self) -> int:
        """Number of the last control row of all that has been read."""
        return self._controls_read

    def refresh(self, tx: Session) -> None:
        """Read control rows that are new, and who is quarantined. Once per batch."""
        newest = tx.rows("SELECT next FROM numbers WHERE name = 'control'")[0][0]
        controls = log.controls_after(tx, self._controls_read) if newest > self._controls_read else []
        for row in controls:
            self._controls[row.partition].append(row)
            self._controls_read = row.number
        if controls:
            self._rulebook_of.read(tx)
        held = tx.rows("SELECT profile_id, code FROM quarantined_customers")
        self._released = {row[0] for row in held if row[1] == RELEASED}
        self._quarantined = {row[0] for row in held if row[1] != RELEASED}

    def released(self, partitions: Container[int] | None = None) -> list[int]:
        """Customers let out of quarantine whose skipped rows wait to be folded: belong among `due` of the next fold."""
        return [one for one in sorted(self._released) if partitions is None or partition_of(one) in partitions]

    def forget(self) -> None:
        """After a rolled back transaction: read controls anew, and leave what helpers say about it."""
        self._controls = [[] for _ in range(PARTITIONS)]
        self._controls_read = 0
        self._begun = None
        if self._helpers is not None:
            self._helpers.drop()

    def newest_control(self, partition: int, up_to: dict[int, int] | None = None) -> int:
        """Number of the last control row of a partition that has been read (and is not beyond `up_to`), 0 if none."""
        rows = self._controls_of(partition, up_to)
        return rows[-1].number if rows else 0

    def _controls_of(self, partition: int, up_to: dict[int, int] | None) -> list[LogRow]:
        rows = self._controls[partition]
        if up_to is None or not rows or rows[-1].number <= up_to.get(partition, 0):
            return rows
        return [row for row in rows if row.number <= up_to.get(partition, 0)]

    @property
    def part(self) -> int:
        """Messages whose fold can begin while others are still resolved; 0: nobody is there to begin it."""
        return self._helpers.part if self._helpers is not None and self._helpers.are_there else 0

    def begin(self, tx: Session, rows: Sequence[LogRow], *, until_us: Micros) -> None:
        """Let helpers fold what they can of the first rows of a batch, and write what they have done; `fold` does the rest.

        Args:
            until_us: no later row of this batch is older than this; timers of those who are lent run up to it.
        """
        begun = self._begin()
        begun.report.rows += len(rows)
        self._lend(tx, _by_profile(rows), begun, until_us, at_hand=WAITING)
        self._save_returned(tx, begun)

    def fold(
        self,
        tx: Session,
        rows: Sequence[LogRow],
        due: Iterable[int],
        *,
        until_us: Micros,
        up_to: dict[int, int] | None = None,
    ) -> FoldReport:
        """Fold these new rows, and the customers in `due`, with timers up to `until_us`.

        Args:
            rows: own rows of customers in log order, all with at_us <= until_us; control rows may be among them and are ignored here
                (they are read by refresh()).
            up_to: per partition, the log number up to which rows have been read; control rows beyond it wait. None: all have been read.
            due: profile ids whose wake has come or whom a control row has not reached yet.
        """
        self._up_to = up_to
        begun = self._begin()
        begun.report.rows += len(rows)
        by_profile = _by_profile(rows)
        for profile_id in due:
            by_profile.setdefault(profile_id, [])
        released = [one for one in by_profile if one in self._released and one not in self._quarantined]
        if released:
            by_profile.update(self._skipped(tx, released, up_to))
            for profile_id in released:
                begun.rows.pop(profile_id, None)  # among the skipped ones
        self._lend(tx, by_profile, begun, until_us, at_hand=WAITING_AT_LAST)
        self._fold_rest(tx, begun, until_us)
        back_again = [(one,) for one in released if one not in self._quarantined]
        tx.run_many("DELETE FROM quarantined_customers WHERE profile_id = ?", back_again)
        self._released.difference_update(released)
        self._begun = None
        return begun.report

    def _begin(self) -> _Begun:
        if self._begun is None:
            self._begun = _Begun(self._helpers.lend(self._rulebook_of) if self._helpers is not None else None)
        return self._begun

    def _lend(
        self, tx: Session, by_profile: Mapping[int, list[LogRow]], begun: _Begun, until_us: Micros, *, at_hand: int
    ) -> None:
        """Share those about whom nothing else has to be read; the others are kept for the worker."""
        if begun.lending is None or self._helpers is None:
            for profile_id, rows in by_profile.items():
                begun.rows[profile_id].extend(rows)
            return
        fresh: dict[int, list[LogRow]] = {}
        for profile_id, rows in by_profile.items():
            if profile_id in begun.lent:
                begun.later[profile_id].extend(rows)
            elif profile_id in begun.rows:
                begun.rows[profile_id].extend(rows)
            else:
                fresh[profile_id] = rows
        can_be_lent = [one for one in fresh if one not in self._quarantined and one not in self._released]
        stored = _load_states(tx, can_be_lent) if len(can_be_lent) >= self._helpers.fewest_customers else {}
        plain = [
            one
            for profile_id, one in stored.items()
            if one.control_to >= self.newest_control(partition_of(profile_id), self._up_to)
            and all(row.type != "merge" for row in fresh[profile_id])
        ]
        begun.rows.update(fresh)
        if len(plain) >= self._helpers.fewest_customers:
            orders = _load_orders(tx, [row for one in plain for row in fresh[one.profile_id]])
            begun.lending.add(plain, fresh, orders, until_us, at_hand=at_hand)
        else:
            begun.lending.tend(at_hand=at_hand)

    def _fold_rest(self, tx: Session, begun: _Begun, until_us: Micros) -> None:
        """Fold whoever is not lent, and those lent whom no helper has taken; then those who have to be folded once more."""
        own = {one: rows for one, rows in begun.rows.items() if one not in begun.lent}
        self._fold_loaded(tx, own, begun, until_us)
        if begun.lending is None or self._helpers is None:
            self._save(tx, (), begun)
            return
        for piece in begun.lending.own_pieces():
            stored = {one.profile_id: one for one in piece.states}
            self._fold_here(tx, list(stored), stored, piece.rows, piece.orders, piece.until_us, begun)
            if begun.writes.customers >= SAVED_AT_ONCE:
                begun.lending.tend(at_hand=WAITING_WHILE_SAVING)
                self._save_returned(tx, begun)
        if begun.lending.is_with_somebody:
            # Helpers go on folding meanwhile.
            self._save_returned(tx, begun)
        returned = self._helpers.finish(begun.lending)
        self._save(tx, returned.folded, begun)
        again = {one: begun.rows[one] for one in (*begun.back, *returned.back)}
        later, begun.later = begun.later, {}
        for profile_id, rows in later.items():
            again[profile_id] = [*again.get(profile_id, ()), *rows]
        if again:
            self._fold_loaded(tx, again, begun, until_us)
            self._save(tx, (), begun)

    def _fold_loaded(
        self, tx: Session, by_profile: Mapping[int, list[LogRow]], begun: _Begun, until_us: Micros
    ) -> None:
        """Fold these customers in this process, except for those whom rows, time and control rows have nothing new for."""
        wanted = [profile_id for profile_id in by_profile if profile_id not in self._quarantined]
        stored = _load_states(tx, wanted)
        wanted = [one for one in wanted if by_profile[one] or self._is_called_for(stored.get(one), until_us)]
        orders = _load_orders(tx, [row for profile_id in wanted for row in by_profile[profile_id]])
        self._fold_here(tx, wanted, stored, by_profile, orders, until_us, begun)

    def _is_called_for(self, stored: StoredState | None, until_us: Micros) -> bool:
        """Whether time or a control row calls for this customer still: whoever was found due may have been folded since."""
        if stored is None:
            return False
        if stored.wake_us <= until_us or stored.profile_id in self._released:
            return True
        return stored.control_to < self.newest_control(partition_of(stored.profile_id), self._up_to)

    def _fold_here(
        self, tx: Session, wanted: Sequence[int], stored: Mapping[int, StoredState], rows: Mapping[int, Sequence[LogRow]],
        orders: Orders, until_us: Micros, begun: _Begun,
    ) -> None:  # fmt: skip
        """Fold these customers in this process, one after the other from their stored state to what is to be written."""
        new = [profile_id for profile_id in wanted if profile_id not in stored and rows[profile_id]]
        gone = erased_among(tx, new) if new else set[int]()
        if gone:
            # Appended while they were being erased: what came too late must not bring them back.
            remove_rows(tx, sorted(gone))
        old: list[CustomerState] = []
        for profile_id in wanted:
            if profile_id in gone:
                continue
            state, one = None, stored.get(profile_id)
            if one is not None:
                read = self._read_state(tx, one, until_us, begun.report)
                if read is None:
                    continue
                state, version = read
                if version != FOLD_VERSION:
                    old.append(state)
                    continue
            self._fold_one(tx, profile_id, state, one, rows[profile_id], orders, until_us, begun)
        if old:
            bases = bases_of(tx, old, zone=self._rulebook_of.zone)
            for state in old:
                profile_id = state.profile_id
                self._fold_one(
                    tx, profile_id, state, stored[profile_id], rows[profile_id], orders, until_us, begun, base=bases[profile_id]
                )  # fmt: skip

    def _skipped(self, tx: Session, released: Sequence[int], up_to: dict[int, int] | None) -> dict[int, list[LogRow]]:
        """Every own row of these customers up to here; those their states have folded already are left out later."""
        rows: dict[int, list[LogRow]] = {profile_id: [] for profile_id in released}
        for row in log.of_customers(tx, released):
            if up_to is None or row.number <= up_to.get(row.partition, 0):
                rows[row.profile_id].append(row)
        return rows

    def _fold_one(
        self, tx: Session, profile_id: int, state: CustomerState | None, stored: StoredState | None, rows: Sequence[LogRow],
        orders: Orders, until_us: Micros, begun: _Begun, *, base: LogRow | None = None,
    ) -> None:  # fmt: skip
        """Fold one customer, and put what was decided among the writes of the batch.

        Args:
            state: as read from what is stored; None: they are new.
            base: their base, where the stored state is of an older version.
        """
        controls = self._controls_of(partition_of(profile_id), self._up_to)
        outcome = self._advance(
            tx, profile_id, state, stored.data if stored is not None else b"", rows, controls, orders, until_us, begun.report
        )  # fmt: skip
        if outcome is None:
            return
        if outcome.is_forgotten and profile_id in begun.later:
            begun.back.append(profile_id)  # heard of again after all
            return
        decided = _Decided(
            outcome, controls[-1].number if controls else 0, stored.marks if stored is not None else None, base
        )
        if outcome.is_forgotten:
            begun.silent.append(decided)
        else:
            _keep(begun.writes, decided)

    def _advance(
        self, tx: Session, profile_id: int, state: CustomerState | None, stored: bytes, rows: Sequence[LogRow],
        controls: Sequence[LogRow], orders: Orders, until_us: Micros, report: FoldReport,
    ) -> Outcome | None:  # fmt: skip
        if state is None:
            if not rows:
                return None
            self._check_is_new(tx, rows[0])
            version, before = version_at(controls, rows[0].number)
            state = new_customer(rows[0], rulebook_version=version)
            state.folded_to = before
        folded_to = state.folded_to
        pending = (
            [row for row in controls if row.number > folded_to] if controls and controls[-1].number > folded_to else []
        )
        own = [row for row in rows if row.number > folded_to]
        inputs = sorted([*own, *pending], key=lambda row: row.number) if pending else own
        try:
            needs_more = pending or any(row.type == "merge" for row in own)
            history = self._history(tx, state, inputs) if needs_more else ()
            if needs_more:
                _load_shared_orders(tx, state, inputs, orders)
            outcome = fold_customer(
                state, inputs, self._rulebook_of, until_us=until_us, orders=orders, history=history, stored=stored
            )
        except Exception as error:
            self._quarantine(tx, profile_id, inputs, until_us, error)
            report.quarantined += 1
            return None
        report.counts.count(inputs, outcome)
        for loop in outcome.loops:
            self._report_loop(tx, profile_id, loop)
        return outcome

    def _check_is_new(self, tx: Session, row: LogRow) -> None:
        """A customer's id follows from the first event. Without a state, any other row means that the state was lost."""
        if row.profile_id == profile_id_of(row.event_id):
            return
        sql = "SELECT 1 FROM log WHERE profile_id = ? AND number < ? AND (flags & 4) = 0 LIMIT 1"
        if tx.rows(sql, (row.profile_id, row.number)):
            raise StatesMissingError(profile_id=row.profile_id)

    def _read_state(
        self, tx: Session, stored: StoredState, until_us: Micros, report: FoldReport
    ) -> tuple[CustomerState, int] | None:
        """(the state, the version it is stored in); None: it cannot be read, and the customer is quarantined for it."""
        try:
            return read_state(stored.data)
        except StoreTooNewError:
            raise  # this program is too old for the whole store, not for one customer
        except Exception as error:
            self._quarantine(tx, stored.profile_id, (), until_us, error)
            report.quarantined += 1
            return None

    def _history(self, tx: Session, state: CustomerState, inputs: Sequence[LogRow]) -> Sequence[LogRow]:
        """What was folded of this person so far, when a rulebook in these inputs needs facts that a state before it does not keep."""
        held = self._rulebook_of(state.rulebook_version).decisions
        owners, lacks = [state.profile_id, *state.absorbed], False
        for row in inputs:
            if row.type == "control" and row.name == RULEBOOK_PUBLISHED:
                published = self._rulebook_of(int(row.properties["version"])).decisions
                lacks = lacks or bool(published.lacking(held))
                held = published
            elif (loser := surrendered(row)) is not None:
                lacks = lacks or bool(held.lacking(self._rulebook_of(loser.rulebook_version).decisions))
                owners += [loser.profile_id, *loser.absorbed]
        return log.folded_so_far(tx, owners, folded_to=state.folded_to) if lacks else ()

    def _quarantine(
        self, tx: Session, profile_id: int, inputs: Sequence[LogRow], until_us: Micros, error: Exception
    ) -> None:
        detail = "".join(traceback.format_exception(error))[-4000:]
        number = inputs[0].number if inputs else 0
        tx.insert(
            QUARANTINED_CUSTOMERS, [(profile_id, until_us, number, type(error).__name__, detail)], conflict="replace"
        )
        # Nothing about this customer comes due any more, or the worker would find the same ones due for ever.
        tx.run("UPDATE states SET wake_us = ?, control_to = ? WHERE profile_id = ?", (NEVER, NEVER, profile_id))
        self._quarantined.add(profile_id)

    def _report_loop(self, tx: Session, profile_id: int, loop: Loop) -> None:
        tx.run(
            "INSERT INTO quarantined_events (received_us, source, public, code, detail, raw, replayed_us) VALUES (?, ?, 0, 'loop', ?, ?, 0)",
            (
                loop.at_us,
                "derived",
                f"{loop.name} derived itself to depth {loop.depth} for customer {profile_id}",
                loop.event_id,
            ),
        )

    def _save_returned(self, tx: Session, begun: _Begun) -> None:
        """Write what helpers have done so far, and the worker itself."""
        if begun.lending is not None:
            returned = begun.lending.returned()
            begun.back += returned.back
            if returned.folded or begun.writes.customers:
                self._save(tx, returned.folded, begun)

    def _save(self, tx: Session, done: Sequence[Folded], begun: _Begun) -> None:
        writes, begun.writes = begun.writes, Writes()
        silent, begun.silent = begun.silent, []
        report = begun.report
        kept_back = forget_silent(tx, [one.outcome.state.profile_id for one in silent]) if silent else set()
        report.forgotten += len(silent) - len(kept_back)
        for one in silent:
            if one.outcome.state.profile_id in kept_back:
                _keep(writes, one)
        for folded in done:
            writes.absorb(folded.writes)
            report.counts.add(folded.counts)
        writes.flush(tx, outbox=self._writes_outbox)
        report.effects += len(writes.outbox)
        report.relays += len(writes.relays)


def _keep(writes: Writes, decided: _Decided) -> None:
    outcome = decided.outcome
    if decided.base is not None:
        writes.carry(decided.base)
        outcome.is_listed_anew, outcome.was_listed = True, None
    writes.add(outcome, decided.control_to, marks=decided.marks)


def _by_profile(rows: Iterable[LogRow]) -> dict[int, list[LogRow]]:
    """Own rows of customers by profile id; control rows left out."""
    found: dict[int, list[LogRow]] = defaultdict(list)
    for row in rows:
        if row.type != "control":
            found[row.profile_id].append(row)
    return found


def _load_states(tx: Session, wanted: Sequence[int]) -> dict[int, StoredState]:
    sql = "SELECT profile_id, wake_us, control_to, state FROM states WHERE profile_id {keys}"
    return {row[0]: StoredState(row[0], row[1], row[2], bytes(row[3])) for row in tx.rows_in(sql, wanted)}


def _load_orders(tx: Session, rows: Sequence[LogRow]) -> Orders:
    return _orders_called(tx, list({order_id: None for row in rows if (order_id := orders_named(row))}))


def _load_shared_orders(tx: Session, state: CustomerState, inputs: Sequence[LogRow], orders: Orders) -> None:
    """Add the orders that this customer and somebody they absorb now both tell of; those changed in this batch stay as they are."""
    losers = [loser for row in inputs if (loser := surrendered(row)) is not None]
    if not losers:
        return
    owners = [profile_id for one in (state, *losers) for profile_id in (one.profile_id, *one.absorbed)]
    counted = Counter(row[0] for row in tx.rows_in("SELECT order_id FROM orders WHERE profile_id {keys}", owners))
    counted.update(order_id for owner, order_id in orders if owner in owners)
    for key, order in _orders_called(tx, sorted(order_id for order_id, times in counted.items() if times > 1)).items():
        orders.setdefault(key, order)


def _orders_called(tx: Session, order_ids: Sequence[str]) -> Orders:
    found = tx.rows_in(
        "SELECT order_id, ordered_us, total_minor, refunded_minor, currency, status, channel, delivered_us, lines, cause, profile_id "
        "FROM orders WHERE order_id {keys}",
        order_ids,
    )
    return {
        (row[10], row[0]): OrderEntry(
            row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7], msgspec.msgpack.decode(row[8]), bytes(row[9]), row[10]
        )
        for row in found
    }  # fmt: skip
