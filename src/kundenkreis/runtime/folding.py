"""Folding a batch: load the touched customers, advance each, write everything in the caller's transaction.

Crash before the commit: folded again, same outcome. Crash after it: nothing left to repeat. A customer whose fold raises is
quarantined with the reason and never stops the others.
"""

import traceback
from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from kundenkreis.customers.core.commerce import orders_named
from kundenkreis.customers.core.listing import Listed, is_found_otherwise, line_changes, line_of, listed, terms_of
from kundenkreis.customers.core.state import FOLD_VERSION, CustomerState, encode_state, read_state
from kundenkreis.customers.core.turn import MembershipChange, OrderEntry, Orders, RunEntry, ScoreEntry, VerdictEntry
from kundenkreis.customers.core.upgrades import StoreTooNewError
from kundenkreis.engine.advance import Loop, Outcome, advance, new_customer
from kundenkreis.engine.controls import RULEBOOK_PUBLISHED, version_at
from kundenkreis.engine.merging import surrendered
from kundenkreis.kernel.effects import AppendEvent, SendMessage
from kundenkreis.kernel.errors import KundenkreisError
from kundenkreis.kernel.hashing import profile_id_of
from kundenkreis.kernel.ids import NEVER, PARTITIONS, Micros, partition_of
from kundenkreis.kernel.rows import LogRow
from kundenkreis.privacy.forgetting import erased_among, forget_silent, remove_rows
from kundenkreis.runtime import log
from kundenkreis.runtime.bases import bases_of
from kundenkreis.runtime.rulebooks import Rulebooks
from kundenkreis.runtime.stores.schema import (
    CUSTOMER_LIST,
    INTERNAL_INBOX,
    MEMBERSHIPS,
    ORDERS,
    OUTBOX,
    QUARANTINED_CUSTOMERS,
    RUN_ENTRIES,
    SCORE_ENTRIES,
    SEARCH_TERMS,
    STATES,
    VERDICTS,
)
from kundenkreis.runtime.stores.session import Row, Session, updating

_json = msgspec.json.Encoder().encode
_msgpack = msgspec.msgpack.Encoder().encode

_REQUEUE = (
    "ON CONFLICT (effect_id) DO UPDATE SET state = 'queued', profile_id = excluded.profile_id, due_us = excluded.due_us, "
    "next_try_us = excluded.next_try_us, payload = excluded.payload, finished_us = 0, reply = '' "
    "WHERE outbox.state IN ('postponed', 'withheld')"
)
"""A decision repeated is none: only what the gate sent back at hand-over, and the fold released anew, goes out again."""

_STATE_ALONE = updating(STATES, ["state"])
"""Where neither wake nor control mark moved: an update that names them touches their indexes even when it changes nothing."""

MOST_STATE_BYTES = 64 * 1024
"""A state is O(definitions); one that grew beyond this is a mistake or an attack."""


class StateTooLargeError(KundenkreisError):
    """The state of this customer has grown beyond 64 KB; look at the attributes that its sources send."""

    code = "state_too_large"


RELEASED = "released"
"""Code of a quarantined customer whom somebody let out: folded again with the next batch, all skipped rows first."""


class StatesMissingError(KundenkreisError):
    """States of customers are missing from the store; nothing is folded until kreis rebuild --in-place has put them back."""

    code = "states_missing"


class FoldReport(msgspec.Struct):
    """What one batch did."""

    customers: int = 0
    rows: int = 0
    due: int = 0
    """Customers folded only because an instant came."""
    changed_by_time: int = 0
    """Of those, the ones for whom something changed (goal: at least 90 %)."""
    effects: int = 0
    relays: int = 0
    quarantined: int = 0
    forgotten: int = 0
    """Anonymous customers whose silence was long enough; every row of them is gone."""


Marks = tuple[Micros, int]
"""(wake_us, control_to): what the indexes of the states find a customer by."""


class Folder:
    """Folds customers of one store; keeps control rows and quarantined ids in memory between batches."""

    def __init__(self, rulebooks: Rulebooks, *, writes_outbox: bool = True) -> None:
        self._rulebook_of = rulebooks
        self._writes_outbox = writes_outbox
        self._controls: list[list[LogRow]] = [[] for _ in range(PARTITIONS)]
        self._controls_read = 0
        self._quarantined: set[int] = set()
        self._released: set[int] = set()
        self._listed: dict[int, Listed | None] = {}
        """What the list held of the customers of this batch before it."""
        self._up_to: dict[int, int] | None = None
        self._marks: dict[int, Marks] = {}

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
        """After a rolled back transaction: read controls anew."""
        self._controls = [[] for _ in range(PARTITIONS)]
        self._controls_read = 0

    def newest_control(self, partition: int, up_to: dict[int, int] | None = None) -> int:
        """Number of the last control row of a partition that has been read (and is not beyond `up_to`), 0 if none."""
        rows = self._controls_of(partition, up_to)
        return rows[-1].number if rows else 0

    def _controls_of(self, partition: int, up_to: dict[int, int] | None) -> list[LogRow]:
        rows = self._controls[partition]
        if up_to is None or not rows or rows[-1].number <= up_to.get(partition, 0):
            return rows
        return [row for row in rows if row.number <= up_to.get(partition, 0)]

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
        self._listed = {}
        by_profile: dict[int, list[LogRow]] = defaultdict(list)
        for row in rows:
            if row.type != "control":
                by_profile[row.profile_id].append(row)
        for profile_id in due:
            by_profile.setdefault(profile_id, [])
        wanted = [profile_id for profile_id in by_profile if profile_id not in self._quarantined]
        released = [profile_id for profile_id in wanted if profile_id in self._released]
        if released:
            by_profile.update(self._skipped(tx, released, up_to))
        report = FoldReport(rows=len(rows))
        states, old, stopped = self._load_states(tx, wanted, until_us)
        report.quarantined += len(stopped)
        new = [profile_id for profile_id in wanted if profile_id not in states and by_profile[profile_id]]
        if new and (gone := erased_among(tx, new)):
            # Appended while they were being erased: what came too late must not bring them back.
            remove_rows(tx, sorted(gone))
            stopped |= gone
        wanted = [profile_id for profile_id in wanted if profile_id not in stopped]
        orders = self._load_orders(tx, [row for p in wanted for row in by_profile[p]])
        bases = bases_of(tx, old, zone=self._rulebook_of.zone) if old else {}
        outcomes: list[Outcome] = []
        for profile_id in wanted:
            outcome = self._advance(
                tx, profile_id, states.get(profile_id), by_profile[profile_id], orders, until_us, report
            )
            if outcome is not None:
                outcomes.append(outcome)
        self._save(tx, outcomes, bases, report)
        back = [(one,) for one in released if one not in self._quarantined]
        tx.run_many("DELETE FROM quarantined_customers WHERE profile_id = ?", back)
        self._released.difference_update(released)
        return report

    def _skipped(self, tx: Session, released: Sequence[int], up_to: dict[int, int] | None) -> dict[int, list[LogRow]]:
        """Every own row of these customers up to here; those their states have folded already are left out later."""
        rows: dict[int, list[LogRow]] = {profile_id: [] for profile_id in released}
        for row in log.of_customers(tx, released):
            if up_to is None or row.number <= up_to.get(row.partition, 0):
                rows[row.profile_id].append(row)
        return rows

    def _advance(
        self, tx: Session, profile_id: int, state: CustomerState | None, rows: list[LogRow], orders: Orders,
        until_us: Micros, report: FoldReport,
    ) -> Outcome | None:  # fmt: skip
        controls = self._controls_of(partition_of(profile_id), self._up_to)
        if state is None:
            if not rows:
                return None
            self._check_is_new(tx, rows[0])
            version, before = version_at(controls, rows[0].number)
            state = new_customer(rows[0], rulebook_version=version)
            state.folded_to = before
        else:
            self._listed[profile_id] = listed(state)
        folded_to = state.folded_to
        pending = (
            [row for row in controls if row.number > folded_to] if controls and controls[-1].number > folded_to else []
        )
        own = [row for row in rows if row.number > folded_to]
        inputs = sorted([*own, *pending], key=lambda row: row.number) if pending else own
        report.customers += 1
        try:
            needs_more = pending or any(row.type == "merge" for row in own)
            history = self._history(tx, state, inputs) if needs_more else ()
            outcome = advance(
                state, inputs, self._rulebook_of, until_us=max(until_us, state.clock_us), orders=orders, history=history
            )
            outcome.encoded = encode_state(outcome.state)
            if len(outcome.encoded) > MOST_STATE_BYTES:
                raise StateTooLargeError(size=len(outcome.encoded))
        except Exception as error:
            self._quarantine(tx, profile_id, inputs, until_us, error)
            report.quarantined += 1
            return None
        if not inputs:
            report.due += 1
            if outcome.records or outcome.effects or outcome.derived:
                report.changed_by_time += 1
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

    def _load_states(
        self, tx: Session, wanted: Sequence[int], until_us: Micros
    ) -> tuple[dict[int, CustomerState], list[CustomerState], set[int]]:
        """(state by profile id, those stored by an older version, customers whose stored state cannot be read: quarantined for it)."""
        states: dict[int, CustomerState] = {}
        old: dict[int, CustomerState] = {}
        unreadable: set[int] = set()
        self._marks = {}
        sql = "SELECT profile_id, wake_us, control_to, state FROM states WHERE profile_id {keys}"
        for profile_id, wake_us, control_to, data in tx.rows_in(sql, wanted):
            self._marks[profile_id] = wake_us, control_to
            try:
                state, version = read_state(data)
                states[profile_id] = state
                if version != FOLD_VERSION:
                    old[profile_id] = state
            except StoreTooNewError:
                raise  # this program is too old for the whole store, not for one customer
            except Exception as error:
                if profile_id not in unreadable:
                    self._quarantine(tx, profile_id, (), until_us, error)
                unreadable.add(profile_id)
        return states, list(old.values()), unreadable

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

    def _load_orders(self, tx: Session, rows: Sequence[LogRow]) -> Orders:
        named = {order_id: None for row in rows if (order_id := orders_named(row))}
        found = tx.rows_in(
            "SELECT order_id, ordered_us, total_minor, refunded_minor, currency, status, channel, delivered_us, lines, cause, profile_id "
            "FROM orders WHERE order_id {keys}",
            list(named),
        )
        return {
            (row[10], row[0]): OrderEntry(
                row[0],
                row[1],
                row[2],
                row[3],
                row[4],
                row[5],
                row[6],
                row[7],
                msgspec.msgpack.decode(row[8]),
                bytes(row[9]),
                row[10],
            )
            for row in found
        }

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

    def _save(self, tx: Session, outcomes: Sequence[Outcome], bases: Mapping[int, LogRow], report: FoldReport) -> None:
        writes = Writes()
        silent = [outcome.state.profile_id for outcome in outcomes if outcome.is_forgotten]
        kept_back = forget_silent(tx, silent) if silent else set()
        report.forgotten += len(silent) - len(kept_back)
        for outcome in outcomes:
            if outcome.is_forgotten and outcome.state.profile_id not in kept_back:
                continue
            profile_id = outcome.state.profile_id
            control_to = self.newest_control(partition_of(profile_id), self._up_to)
            if profile_id in bases:
                writes.carry(bases[profile_id])
                self._listed.pop(profile_id, None)
            writes.add(outcome, control_to, marks=self._marks.get(profile_id), was=self._listed.get(profile_id))
        writes.flush(tx, outbox=self._writes_outbox)
        report.effects += len(writes.outbox)
        report.relays += len(writes.relays)


class Writes:
    """Rows of one batch, collected per table and written in one go each."""

    def __init__(self) -> None:
        self.states: list[Row] = []
        self.unmarked: list[Row] = []
        self.entered: dict[tuple[int, str, str, int], list[Any]] = {}
        self._open: dict[tuple[int, str, str], list[Any]] = {}
        self.left: list[Row] = []
        self.scores: list[Row] = []
        self.runs: list[Row] = []
        self.verdicts: list[Row] = []
        self.orders: dict[tuple[str, int], Row] = {}
        self.lines: list[Row] = []
        self.lines_moved: dict[tuple[str, ...], list[Row]] = defaultdict(list)
        """Columns of the list that changed -> key and new values: only their indexes are touched."""
        self.unlisted: list[Row] = []
        self.terms: list[Row] = []
        self.terms_gone: list[Row] = []
        self.outbox: list[Row] = []
        self.relays: list[Row] = []
        self.derived: list[LogRow] = []
        self.bases: list[LogRow] = []
        """States of an older version, as they were before this batch."""

    def carry(self, base: LogRow) -> None:
        """Take the base of a customer whose stored state was of an older version."""
        self.bases.append(base)

    def add(self, outcome: Outcome, control_to: int, *, marks: Marks | None = None, was: Listed | None = None) -> None:
        """Take what one advance decided.

        Args:
            control_to: the last control row applied.
            marks: those that the stored state has now; None: unknown, or there is none.
            was: what list and search hold of this customer already; None: nothing.
        """
        state = outcome.state
        profile_id = state.profile_id
        self._list(profile_id, was, listed(state))
        wake_us = min(outcome.wake_us, NEVER)
        encoded = outcome.encoded or encode_state(state)
        rows = self.unmarked if marks == (wake_us, control_to) else self.states
        rows.append((profile_id, partition_of(profile_id), wake_us, control_to, encoded))
        for record in outcome.records:
            if type(record) is MembershipChange:
                self._membership(profile_id, record)
            elif type(record) is RunEntry:
                self.runs.append((
                    record.run_id, record.sequence, profile_id, record.journey_id, record.version, record.entry_key, record.step_id,
                    record.outcome, record.at_us, _json(record.reason).decode(),
                ))  # fmt: skip
            elif type(record) is ScoreEntry:
                self.scores.append((
                    profile_id, record.score_id, record.at_us, record.rule_id, record.cause, record.milli_points, record.balance,
                ))  # fmt: skip
            elif type(record) is VerdictEntry:
                self.verdicts.append((
                    record.effect_id, record.sequence, profile_id, record.at_us, record.outcome, _json(record.reasons).decode(),
                    record.channel, record.content_id, record.message_class, record.purpose, record.basis, record.due_us,
                    record.journey_id, record.run_id, record.step_id, record.rulebook_version, record.priority,
                ))  # fmt: skip
            elif type(record) is OrderEntry:
                self.orders[(record.order_id, record.owner)] = (
                    record.order_id, record.owner, record.ordered_us, record.total_minor, record.refunded_minor, record.currency,
                    record.status, record.channel, record.delivered_us, _msgpack(record.lines), record.cause,
                )  # fmt: skip
        for effect in outcome.effects:
            if type(effect) is SendMessage:
                self.outbox.append((
                    effect.effect_id, profile_id, effect.due_us, "queued", "", 0, 0, 0, effect.due_us, _msgpack(effect), 0, "", 0,
                ))  # fmt: skip
            elif type(effect) is AppendEvent:
                self.relays.append((effect.effect_id, effect.profile_id, state.clock_us, _msgpack(effect)))
        self.derived.extend(outcome.derived)

    def _list(self, profile_id: int, was: Listed | None, now: Listed | None) -> None:
        """What changes in list and search; most folds change neither."""
        if was == now:
            return
        if now is None:
            self.unlisted.append((profile_id,))
        elif was is None:
            self.lines.append((profile_id, *line_of(now)))
        elif moved := line_changes(was, now):
            self.lines_moved[tuple(moved)].append((profile_id, *moved.values()))
        if is_found_otherwise(was, now):
            terms_before, terms = terms_of(was), terms_of(now)
            self.terms.extend((term, profile_id) for term in sorted(terms - terms_before))
            self.terms_gone.extend((term, profile_id) for term in sorted(terms_before - terms))

    def _membership(self, profile_id: int, change: MembershipChange) -> None:
        key = (profile_id, change.kind, change.definition_id)
        reason = _json(change.reason).decode()
        if change.entered:
            row = [
                profile_id, change.kind, change.definition_id, change.at_us, NEVER, change.cause, reason, b"", "", int(change.publishing),
            ]  # fmt: skip
            self.entered[(*key, change.at_us)] = self._open[key] = row
            return
        held = self._open.pop(key, None)
        if held is not None:
            held[4], held[7], held[8] = change.at_us, change.cause, reason
        else:
            self.left.append((change.at_us, change.cause, reason, profile_id, change.kind, change.definition_id, NEVER))

    def flush(self, tx: Session, *, outbox: bool) -> None:
        """Write everything; log rows last, because numbering them takes the appender's lock. Bases come before what was derived after them."""
        tx.insert(STATES, self.states, conflict="replace")
        tx.insert(STATES, self.unmarked, conflict=_STATE_ALONE)
        if self.left:
            tx.run_many(
                "UPDATE memberships SET until_us = ?, left_cause = ?, left_reason = ? "
                "WHERE profile_id = ? AND kind = ? AND definition_id = ? AND until_us = ?",
                self.left,
            )
        tx.insert(MEMBERSHIPS, [tuple(row) for row in self.entered.values()], conflict="replace")
        tx.insert(SCORE_ENTRIES, self.scores, conflict="replace")
        tx.insert(RUN_ENTRIES, self.runs, conflict="replace")
        tx.insert(VERDICTS, self.verdicts, conflict="replace")
        tx.insert(ORDERS, list(self.orders.values()), conflict="replace")
        self._flush_list(tx)
        if outbox:
            tx.insert(OUTBOX, self.outbox, conflict=_REQUEUE)
            tx.insert(INTERNAL_INBOX, self.relays)
            if rows := [*self.bases, *self.derived]:
                number = log.next_numbers(tx, len(rows))
                for offset, row in enumerate(rows):
                    row.number = number + offset
                log.append(tx, [log.stored(row, None) for row in rows])

    def _flush_list(self, tx: Session) -> None:
        if self.bases:
            # Their list and search are written anew: an upgrader may have changed what stands there.
            owners = [(row.profile_id,) for row in self.bases]
            tx.run_many("DELETE FROM search_terms WHERE profile_id = ?", owners)
            tx.run_many("DELETE FROM customer_list WHERE profile_id = ?", owners)
        if self.unlisted:
            tx.run_many("DELETE FROM customer_list WHERE profile_id = ?", self.unlisted)
        if self.terms_gone:
            tx.run_many("DELETE FROM search_terms WHERE term = ? AND profile_id = ?", self.terms_gone)
        tx.insert(CUSTOMER_LIST, self.lines, conflict="replace")
        for columns, rows in self.lines_moved.items():
            tx.update(CUSTOMER_LIST, columns, rows)
        tx.insert(SEARCH_TERMS, self.terms, conflict="ignore")
