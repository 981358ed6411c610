"""advance(): one customer, folded. The function that Kundenkreis stands or falls with.

    advance(customer, inputs, rulebook) -> Outcome(customer', effects, wake_at)

Inputs are the customer's new log rows in log order. Instants that fall due at or before a row's `at` run first, each at its own
due instant; after the last row, everything due up to `until_us`. The fold never sees a wall clock, so the outcome of a given
log is the same in any batching, after any crash, on any machine.

Each input is a round: the passes run in order (identity and profile, consent, commerce, facts, decisions, journeys); events they derive
go round again; at the end the contact policy judges all messages wanted in the round together, and what it derives goes
round once more. At depth 10 the earlier rounds stand and the last is reported as a loop.
"""

from collections import deque
from collections.abc import Sequence

import msgspec

from kundenkreis.channels.core.policy import HEARD, has_work, judge
from kundenkreis.channels.core.policy import next_us as policy_next_us
from kundenkreis.customers.core.acts import act_us
from kundenkreis.customers.core.commerce import apply_commerce, commerce_next_us
from kundenkreis.customers.core.consent import apply_consent
from kundenkreis.customers.core.listing import READS as SHOWN_IN_LIST
from kundenkreis.customers.core.listing import Listed
from kundenkreis.customers.core.profile import apply_profile
from kundenkreis.customers.core.state import CustomerState
from kundenkreis.customers.core.turn import Orders, Record, Turn, derived_row
from kundenkreis.engine.controls import apply_control, prune_at_us
from kundenkreis.engine.merging import apply_merge, forward
from kundenkreis.engine.rulebook import Rulebook, RulebookOf
from kundenkreis.journeys.core.runs import next_us as journeys_next_us
from kundenkreis.journeys.core.runs import run_journeys
from kundenkreis.kernel.effects import Effect
from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.kernel.rows import DERIVED, LogRow
from kundenkreis.segments.core.decisions import decide, observe
from kundenkreis.segments.core.decisions import next_us as decisions_next_us

MOST_DEPTH = 10
MOST_DUE_INSTANTS = 100_000
"""Due instants in one advance: a customer asleep for ten years under daily rules needs 3,650; more is a bug in a rule."""


class Loop(msgspec.Struct, gc=False):
    """Events that derived each other to the depth limit: what was dropped, for the quarantine and its alarm."""

    at_us: int
    event_id: bytes
    name: str
    depth: int


class Outcome(msgspec.Struct):
    """What one advance decided. Nothing has been done yet."""

    state: CustomerState
    wake_us: int
    records: list[Record]
    effects: list[Effect]
    derived: list[LogRow]
    """Derived events in the order decided, for the record; numbered by the store."""
    loops: list[Loop]
    is_forgotten: bool = False
    """An anonymous customer whose silence was long enough: the store erases every row of this profile instead of saving it."""
    encoded: bytes = b""
    """The state as bytes, set by whoever stores it: encoding can fail too, and then only this customer stops."""
    is_listed_anew: bool = True
    """False: this customer stands in list and search as before, because only time was folded and it changed nothing that they show."""
    was_listed: Listed | None = None
    """What list and search hold of this customer so far, set by whoever stores it where they are listed anew; None: nothing."""


def new_customer(row: LogRow, *, rulebook_version: int) -> CustomerState:
    """The state of somebody first heard of by this row."""
    occurred = min(row.happened_us, row.at_us)
    return CustomerState(
        profile_id=row.profile_id,
        bucket_key=row.event_id.hex(),
        created_us=row.at_us,
        first_seen_us=occurred,
        rulebook_version=rulebook_version,
        clock_us=row.at_us - 1,
    )


def advance(
    state: CustomerState,
    inputs: Sequence[LogRow],
    rulebook_of: RulebookOf,
    *,
    until_us: Micros,
    orders: Orders | None = None,
    history: Sequence[LogRow] = (),
) -> Outcome:
    """Fold inputs and due instants into a customer.

    Args:
        state: a private copy; it is changed and returned in the outcome.
        inputs: own rows and control rows above `state.folded_to`, ascending by number.
        rulebook_of: compiled rulebook by version.
        until_us: run timers up to this instant, inclusive; at least the last row's `at_us` when rows are given.
        orders: orders that the inputs name; entries that change are put back.
        history: what was folded of this customer and of those it absorbs before these inputs, derived rows included; needed only when
            a control row publishes facts the state lacks, or an absorbed state lacks facts of the rulebook in force.

    Returns:
        The outcome. `state.clock_us` is the last instant at which something was folded, not `until_us`: the bytes of a state must not
        depend on when a batch happened to run.

    Raises:
        Anything raised here is a bug in a rule or in this code; the worker quarantines the customer with it.
    """
    fold = _Fold(state, rulebook_of, orders if orders is not None else {}, history)
    for row in inputs:
        fold.run_due(row.at_us)
        fold.take(row)
    fold.run_due(until_us)
    return Outcome(
        state, fold.next_us(), fold.records, fold.effects, fold.derived, fold.loops, fold.is_forgotten,
        is_listed_anew=bool(inputs) or fold.is_listed_anew,
    )  # fmt: skip


class _Fold:
    """The working side of one advance: state, rulebook in force, and what has been decided so far."""

    def __init__(
        self, state: CustomerState, rulebook_of: RulebookOf, orders: Orders, history: Sequence[LogRow]
    ) -> None:
        self.state = state
        self.rulebook_of = rulebook_of
        self.rulebook: Rulebook = rulebook_of(state.rulebook_version)
        self.orders = orders
        self.history = history
        self.records: list[Record] = []
        self.effects: list[Effect] = []
        self.derived: list[LogRow] = []
        self.loops: list[Loop] = []
        self._taken: list[LogRow] = []
        self._wake_us: Micros = -1
        """Earliest due instant as of the last turn; -1 = must be asked."""
        self.is_forgotten = False
        self.is_listed_anew = False

    def next_us(self) -> Micros:
        """The earliest instant at which something about this customer changes by itself."""
        if self._wake_us < 0:
            state, rulebook = self.state, self.rulebook
            if state.forwarded_to:
                self._wake_us = NEVER
            else:
                self._wake_us = min(
                    decisions_next_us(rulebook.decisions, state),
                    journeys_next_us(rulebook.journeys, state),
                    policy_next_us(rulebook.policy, state),
                    commerce_next_us(state.commerce),
                    prune_at_us(state, rulebook.anonymous_life_us),
                )
        return self._wake_us

    def run_due(self, until_us: Micros) -> None:
        """Run every due instant up to and including `until_us`, each at its own time."""
        for _ in range(MOST_DUE_INSTANTS):
            due_us = self.next_us()
            if due_us > until_us:
                return
            at_us = max(due_us, self.state.clock_us)
            self.state.clock_us = at_us
            if prune_at_us(self.state, self.rulebook.anonymous_life_us) <= at_us:
                # Nothing more happens by itself; a row that has come in after all takes it back.
                self.is_forgotten, self._wake_us = True, NEVER
                return
            self._round(None, at_us)
        raise RuntimeError(f"more than {MOST_DUE_INSTANTS} due instants up to {until_us}: a rule wakes without end")

    def take(self, row: LogRow) -> None:
        """Fold one log row."""
        state = self.state
        state.folded_to = row.number
        state.clock_us = max(state.clock_us, row.at_us)
        if row.flags & DERIVED:
            return
        if self.is_forgotten:
            self.is_forgotten, self._wake_us = False, -1
        if state.forwarded_to:
            if row.type != "control":
                self.effects.extend(forward(state, row))
            return
        self._round(row, row.at_us)
        self._taken.append(row)

    def _folded_so_far(self) -> Sequence[LogRow]:
        """The history of this person up to this turn, whatever part of it is in this very batch."""
        owners = {self.state.profile_id, *self.state.absorbed}
        return [*(row for row in self.history if row.profile_id in owners), *self._taken, *self.derived]

    def _round(self, row: LogRow | None, at_us: Micros) -> None:
        """One input with everything it derives, then the judgement over the messages it wants."""
        self._wake_us = -1
        queue: deque[LogRow | None] = deque([row])
        depth, acted_us = 0, act_us(row) if row is not None else -1
        while True:
            candidates, cancellations = [], []
            while queue:
                turn = self._turn(queue.popleft(), at_us, acted_us)
                self._pass(turn)
                candidates.extend(turn.candidates)
                cancellations.extend(turn.cancellations)
                self._collect(turn, queue)
                depth = max(depth, turn.depth)
                if self.state.forwarded_to:
                    return
            if not (
                candidates
                or cancellations
                or (row is not None and row.name in HEARD)
                or (self.state.contact.planned and has_work(self.state.contact, at_us))
            ):
                return
            turn = self._turn(row, at_us, acted_us, depth=depth)
            taken_back = {effect_id for effect_id, _ in cancellations}
            turn.candidates = [planned for planned in candidates if planned.effect_id not in taken_back]
            turn.cancellations = cancellations
            row = None
            judge(self.rulebook.policy, turn)
            self._collect(turn, queue)
            if not queue:
                return

    def _turn(self, row: LogRow | None, at_us: Micros, acted_us: Micros, *, depth: int = 0) -> Turn:
        return Turn(
            self.state,
            at_us,
            row=row,
            zone=self.rulebook.zone,
            rulebook_version=self.rulebook.version,
            depth=row.depth if row is not None and row.flags & DERIVED else depth,
            orders=self.orders,
            acted_us=acted_us,
        )

    def _pass(self, turn: Turn) -> None:
        row = turn.row
        if row is not None and row.type in ("control", "merge"):
            if row.type == "control":
                self.rulebook = apply_control(turn, self.rulebook, self.rulebook_of, self._folded_so_far())
            else:
                apply_merge(turn, self.rulebook, self.rulebook_of, self.history)
            if self.state.forwarded_to:
                self._take(turn)
                return
        else:
            apply_profile(turn)
            apply_consent(turn)
        apply_commerce(turn)
        rulebook = self.rulebook
        observe(rulebook.decisions, turn)
        decide(rulebook.decisions, turn)
        run_journeys(rulebook.journeys, turn)
        if not SHOWN_IN_LIST.isdisjoint(turn.dirty):
            self.is_listed_anew = True

    def _collect(self, turn: Turn, queue: deque[LogRow | None]) -> None:
        self._take(turn)
        for event in turn.derived:
            if event.depth > MOST_DEPTH:
                self.loops.append(Loop(turn.at_us, event.event_id, event.name, event.depth))
                continue
            derived = derived_row(event, turn=turn)
            self.derived.append(derived)
            if self.rulebook.hears(derived):
                queue.append(derived)
        turn.derived = []

    def _take(self, turn: Turn) -> None:
        self.records.extend(turn.records)
        self.effects.extend(turn.effects)
        turn.records, turn.effects = [], []
