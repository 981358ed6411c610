"""Everything one batch writes, collected per table and written in one go each."""

from typing import Any

import msgspec

from kundenkreis.customers.core.listing import Listed, is_found_otherwise, line_changes, line_of, listed, terms_of
from kundenkreis.customers.core.state import encode_state
from kundenkreis.customers.core.turn import MembershipChange, OrderEntry, RunEntry, ScoreEntry, VerdictEntry
from kundenkreis.engine.advance import Outcome
from kundenkreis.kernel.effects import AppendEvent, SendMessage
from kundenkreis.kernel.ids import NEVER, Micros, partition_of
from kundenkreis.kernel.rows import LogRow
from kundenkreis.runtime import log
from kundenkreis.runtime.stores.schema import (
    CUSTOMER_LIST,
    INTERNAL_INBOX,
    MEMBERSHIPS,
    ORDERS,
    OUTBOX,
    RUN_ENTRIES,
    RUNS,
    SCORE_ENTRIES,
    SEARCH_TERMS,
    STATES,
    VERDICTS,
)
from kundenkreis.runtime.stores.session import Row, Session

_json = msgspec.json.Encoder().encode
_msgpack = msgspec.msgpack.Encoder().encode

_REQUEUE = (
    "ON CONFLICT (effect_id) DO UPDATE SET state = 'queued', profile_id = excluded.profile_id, due_us = excluded.due_us, "
    "next_try_us = excluded.next_try_us, payload = excluded.payload, finished_us = 0, reply = '' "
    "WHERE outbox.state IN ('postponed', 'withheld')"
)
"""A decision repeated is none: only what the gate sent back at hand-over, and the fold released anew, goes out again."""

_OPEN = ("profile_id", "kind || ''", "definition_id", "until_us")
"""How an open membership is found. By the customer: a planner without figures would go through all open members of the definition."""

Marks = tuple[Micros, int]
"""(wake_us, control_to): what the indexes of the states find a customer by."""


class Writes(msgspec.Struct):
    """Rows of one batch. A struct, because a process that folds a share of a batch sends its own back (`runtime/shares.py`)."""

    states: list[Row] = []
    unmarked: list[Row] = []
    """(profile_id, state) of those whose marks are the stored ones: an update that names them touches their indexes even when it changes nothing."""
    rewoken: list[Row] = []
    """(profile_id, state, wake_us) of those that wake at another time, their control mark being the stored one."""
    entered: dict[tuple[int, str, str, int], list[Any]] = {}
    left: list[Row] = []
    scores: list[Row] = []
    lines_of_paths: list[Row] = []
    runs: list[Row] = []
    verdicts: list[Row] = []
    orders: dict[tuple[str, int], Row] = {}
    lines: list[Row] = []
    lines_moved: dict[tuple[str, ...], list[Row]] = {}
    """Columns of the list that changed -> key and new values: only their indexes are touched."""
    unlisted: list[Row] = []
    terms: list[Row] = []
    terms_gone: list[Row] = []
    outbox: list[Row] = []
    relays: list[Row] = []
    derived: list[Row] = []
    """Log rows without their number."""
    bases: list[LogRow] = []
    """States of an older version, as they were before this batch."""
    open: dict[tuple[int, str, str], list[Any]] = {}
    """The memberships of `entered` that have not ended since."""

    @property
    def customers(self) -> int:
        """Whose states are among them."""
        return len(self.states) + len(self.unmarked) + len(self.rewoken)

    def absorb(self, other: "Writes") -> None:
        """Take what another process decided of other customers."""
        for name in _LISTS:
            getattr(self, name).extend(getattr(other, name))
        self.entered.update(other.entered)
        self.orders.update(other.orders)
        for columns, rows in other.lines_moved.items():
            self.lines_moved.setdefault(columns, []).extend(rows)

    def carry(self, base: LogRow) -> None:
        """Take the base of a customer whose stored state was of an older version."""
        self.bases.append(base)

    def add(self, outcome: Outcome, control_to: int, *, marks: Marks | None = None) -> None:
        """Take what one advance decided.

        Args:
            control_to: the last control row applied.
            marks: those that the stored state has now; None: unknown, or there is none.
        """
        state = outcome.state
        profile_id = state.profile_id
        if outcome.is_listed_anew:
            self._list(profile_id, outcome.was_listed, listed(state))
        wake_us = min(outcome.wake_us, NEVER)
        encoded = outcome.encoded or encode_state(state)
        self._state(profile_id, marks, (wake_us, control_to), encoded)
        for record in outcome.records:
            if type(record) is RunEntry:
                self.lines_of_paths.append((
                    record.run_id, record.sequence, profile_id, record.journey_id, record.version, record.entry_key, record.step_id,
                    record.outcome, record.at_us, _json(record.reason).decode(),
                ))  # fmt: skip
                # Who absorbed somebody goes on with runs whose first line is not theirs.
                if record.sequence == 0 or state.absorbed:
                    self.runs.append((profile_id, record.run_id))
            elif type(record) is MembershipChange:
                self._membership(profile_id, record)
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
        self.derived.extend([log.stored(row, None)[1:] for row in outcome.derived])

    def _state(self, profile_id: int, was: Marks | None, now: Marks, encoded: bytes) -> None:
        wake_us, control_to = now
        if was is None or was[1] != control_to:
            self.states.append((profile_id, partition_of(profile_id), wake_us, control_to, encoded))
        elif was[0] != wake_us:
            self.rewoken.append((profile_id, encoded, wake_us))
        else:
            self.unmarked.append((profile_id, encoded))

    def _list(self, profile_id: int, was: Listed | None, now: Listed | None) -> None:
        """What changes in list and search; most folds change neither."""
        if was == now:
            return
        if now is None:
            self.unlisted.append((profile_id,))
        elif was is None:
            self.lines.append((profile_id, *line_of(now)))
        elif moved := line_changes(was, now):
            self.lines_moved.setdefault(tuple(moved), []).append((profile_id, *moved.values()))
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
            self.entered[(*key, change.at_us)] = self.open[key] = row
            return
        held = self.open.pop(key, None)
        if held is not None:
            held[4], held[7], held[8] = change.at_us, change.cause, reason
        else:
            self.left.append((profile_id, change.kind, change.definition_id, NEVER, change.at_us, change.cause, reason))

    def flush(self, tx: Session, *, outbox: bool) -> None:
        """Write everything; log rows last, because numbering them takes the appender's lock. Bases come before what was derived after them."""
        tx.insert(STATES, self.states, conflict="replace")
        tx.update(STATES, ["state", "wake_us"], self.rewoken)
        tx.update(STATES, ["state"], self.unmarked)
        tx.update(MEMBERSHIPS, ["until_us", "left_cause", "left_reason"], sorted(self.left), key=_OPEN)
        entered = [tuple(row) for row in self.entered.values()]
        tx.insert(MEMBERSHIPS, entered, conflict="replace", expects_new=True)
        tx.insert(SCORE_ENTRIES, self.scores, conflict="replace", expects_new=True)
        tx.insert(RUN_ENTRIES, self.lines_of_paths, conflict="replace", expects_new=True)
        tx.insert(RUNS, self.runs, conflict="ignore")
        tx.insert(VERDICTS, self.verdicts, conflict="replace", expects_new=True)
        tx.insert(ORDERS, list(self.orders.values()), conflict="replace")
        self._flush_list(tx)
        if outbox:
            tx.insert(OUTBOX, self.outbox, conflict=_REQUEUE, expects_new=True)
            tx.insert(INTERNAL_INBOX, self.relays)
            self.append_to_log(tx)

    def append_to_log(self, tx: Session) -> None:
        """Number and append bases and what was derived."""
        rows = [*(log.stored(row, None)[1:] for row in self.bases), *self.derived]
        if rows:
            number = log.next_numbers(tx, len(rows))
            log.append(tx, [(number + offset, *row) for offset, row in enumerate(rows)])

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


_LISTS = tuple(name for name in Writes.__struct_fields__ if isinstance(getattr(Writes(), name), list))
