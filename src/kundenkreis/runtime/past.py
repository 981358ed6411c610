"""A customer's past: folded from scratch out of the customer's own log rows and control rows, up to any position or instant.

Customers are independent, so one of them can be folded alone: nothing stored is read but log and rulebooks, nothing is written.
Rebuild does it for everybody, explain for one person at a past position, simulate with a draft in the rulebook.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from kundenkreis.customers.core.state import CustomerState
from kundenkreis.customers.core.turn import OrderEntry, Orders, Record
from kundenkreis.engine.advance import Outcome, advance, new_customer
from kundenkreis.engine.controls import RULEBOOK_PUBLISHED, version_at
from kundenkreis.engine.merging import MERGE_REQUESTED, STATE_SURRENDERED, surrendered
from kundenkreis.engine.rulebook import RulebookOf
from kundenkreis.kernel.effects import Effect
from kundenkreis.kernel.ids import NEVER, Micros, partition_of
from kundenkreis.kernel.rows import LogRow
from kundenkreis.runtime import log
from kundenkreis.runtime.stores.session import Session

Controls = Mapping[int, Sequence[LogRow]]
"""Partition -> its control rows, ascending."""

EVERYTHING = NEVER


class Stop(msgspec.Struct, frozen=True, gc=False):
    """How far to fold."""

    number: int = EVERYTHING
    """Last own log row."""
    control_to: int = EVERYTHING
    """Last control row that is applied even if no own row follows it."""
    until_us: Micros = 0
    """Timers run up to this instant, inclusive; those due before the last row run in any case."""
    at_us: Micros = NEVER
    """Rows folded at a later instant are left out."""


class Folded(msgspec.Struct):
    """One customer as the log says, with everything decided on the way."""

    state: CustomerState
    wake_us: int
    control_to: int
    """Number of the last control row applied, 0 if none."""
    rows: int = 0
    records: list[Record] = msgspec.field(default_factory=list)
    effects: list[Effect] = msgspec.field(default_factory=list)
    derived: list[LogRow] = msgspec.field(default_factory=list)
    orders: Orders = msgspec.field(default_factory=dict)

    def take(self, outcome: Outcome) -> None:
        """Add what one advance decided."""
        self.wake_us = outcome.wake_us
        self.records.extend(outcome.records)
        self.effects.extend(outcome.effects)
        self.derived.extend(outcome.derived)


class Past:
    """The log rows of some customers and of those merged into them, ready to be folded.

    Args:
        rows: own rows per profile, ascending by number, without derived ones.
        losers: profile -> the profiles that surrendered to it.
        stops: how far to fold particular losers; default: to the end.
    """

    def __init__(
        self,
        rulebook_of: RulebookOf,
        controls: Controls,
        rows: Mapping[int, Sequence[LogRow]],
        losers: Mapping[int, Sequence[int]],
        stops: Mapping[int, Stop] | None = None,
    ) -> None:
        self.rulebook_of = rulebook_of
        self.rows = rows
        self._controls = controls
        self._losers = losers
        self._stops = stops if stops is not None else {}
        self._whole: dict[int, Folded | None] = {}

    def losers_first(self, profile_ids: Iterable[int]) -> list[int]:
        """These profiles and all that were merged into them, each after its own losers."""
        ordered: dict[int, None] = {}

        def visit(profile_id: int) -> None:
            if profile_id not in ordered:
                for loser in self._losers.get(profile_id, ()):
                    visit(loser)
                ordered[profile_id] = None

        for profile_id in profile_ids:
            visit(profile_id)
        return list(ordered)

    def controls(self, profile_id: int) -> Sequence[LogRow]:
        """The control rows of the customer's partition."""
        return self._controls.get(partition_of(profile_id), ())

    def whole(self, profile_id: int) -> Folded | None:
        """A customer folded over all own rows, remembered: what a winner needs of its losers."""
        if profile_id not in self._whole:
            self._whole[profile_id] = self.fold(profile_id, self._stops.get(profile_id))
        return self._whole[profile_id]

    def inputs(self, profile_id: int, stop: Stop) -> list[LogRow]:
        """Own rows and control rows up to a stop, as a live fold would have taken them; [] if the customer did not exist yet."""
        own = [row for row in self.rows.get(profile_id, ()) if row.number <= stop.number and row.at_us <= stop.at_us]
        if not own:
            return []
        last = own[-1].number
        controls = [
            row
            for row in self.controls(profile_id)
            if own[0].number < row.number and (row.number < last or (row.number <= stop.control_to and row.at_us <= stop.at_us))
        ]  # fmt: skip
        return sorted((*own, *controls), key=lambda row: row.number)

    def begin(self, profile_id: int, first: LogRow) -> Folded:
        """The customer a moment before the first row."""
        version, before = version_at(self.controls(profile_id), first.number)
        state = new_customer(first, rulebook_version=version)
        state.folded_to = before
        folded = Folded(state, NEVER, max(before, 0))
        for loser in self._losers.get(profile_id, ()):
            surrendered = self.whole(loser)
            if surrendered is not None:
                folded.orders.update(surrendered.orders)
        return folded

    def fold(self, profile_id: int, stop: Stop | None = None) -> Folded | None:
        """A customer up to a stop (default: every row, no timers after the last); None if there is no row yet.

        Raises: whatever the fold raises; the live worker would have quarantined the customer.
        """
        inputs = self.inputs(profile_id, stop or Stop())
        if not inputs:
            return None
        folded = self.begin(profile_id, inputs[0])
        for part in _parts(inputs):
            self.step(folded, part)
        if stop is not None and stop.until_us > folded.state.clock_us:
            self.step(folded, (), until_us=stop.until_us)
        return folded

    def step(self, folded: Folded, part: Sequence[LogRow], *, until_us: Micros = 0) -> Outcome:
        """Fold further rows, of which only the first may be a control row or a surrendered state, and timers up to an instant."""
        state = folded.state
        history: Sequence[LogRow] = ()
        if part and part[0].type == "control":
            folded.control_to = part[0].number
        if part:
            history = self._history(folded, part[0])
        outcome = advance(
            state, part, self.rulebook_of, until_us=max(until_us, state.clock_us), orders=folded.orders, history=history
        )
        folded.rows += len(part)
        folded.take(outcome)
        folded.orders.update(
            ((record.owner, record.order_id), record) for record in outcome.records if isinstance(record, OrderEntry)
        )
        return outcome

    def _history(self, folded: Folded, first: LogRow) -> Sequence[LogRow]:
        """What a published rulebook, or a state surrendered under an earlier one, may need to fold facts from that a state lacks."""
        state = folded.state
        held, losers = self.rulebook_of(state.rulebook_version).decisions, list(state.absorbed)
        if first.type == "control" and first.name == RULEBOOK_PUBLISHED:
            lacks = self.rulebook_of(int(first.properties["version"])).decisions.lacking(held)
        elif (theirs := surrendered(first)) is not None:
            lacks = held.lacking(self.rulebook_of(theirs.rulebook_version).decisions)
            losers += [theirs.profile_id, *theirs.absorbed]
        else:
            return ()
        if not lacks:
            return ()
        rows = [row for row in self.rows.get(state.profile_id, ()) if row.number < first.number]
        derived = list(folded.derived)
        for loser in losers:
            whole = self.whole(loser)
            rows += _until_merged(self.rows.get(loser, ()))
            derived += whole.derived if whole is not None else []
        return [*sorted(rows, key=lambda row: row.number), *derived]


def load_past(
    tx: Session,
    rulebook_of: RulebookOf,
    controls: Controls,
    profile_ids: Sequence[int],
    stops: Mapping[int, Stop] | None = None,
) -> Past:
    """Read the past of some customers, with everybody who was merged into them."""
    losers: dict[int, list[int]] = {}
    rows: dict[int, list[LogRow]] = defaultdict(list)
    waiting = list(dict.fromkeys(profile_ids))
    while waiting:
        for row in log.of_customers(tx, waiting):
            rows[row.profile_id].append(row)
        for winner in waiting:
            losers[winner] = [
                int(row.properties["from"])
                for row in rows[winner]
                if row.name == STATE_SURRENDERED and row.type == "merge"
            ]
        found = dict.fromkeys(loser for winner in waiting for loser in losers[winner])
        waiting = [loser for loser in found if loser not in losers]
    return Past(rulebook_of, controls, rows, losers, stops)


def read_controls(tx: Session) -> dict[int, list[LogRow]]:
    """Every control row of a store by partition."""
    controls: dict[int, list[LogRow]] = defaultdict(list)
    for row in log.controls_after(tx, -1):
        controls[row.partition].append(row)
    return controls


def _until_merged(rows: Sequence[LogRow]) -> list[LogRow]:
    """The rows of a loser up to its merge: later ones were forwarded and stand among those of its winner."""
    end = next((row.number for row in rows if row.type == "merge" and row.name == MERGE_REQUESTED), NEVER)
    return [row for row in rows if row.number <= end]


def _parts(inputs: Sequence[LogRow]) -> list[list[LogRow]]:
    """Rows cut before each control row and surrendered state: what a rulebook needs of the history is gathered there."""
    parts: list[list[LogRow]] = [[]]
    for row in inputs:
        if parts[-1] and (row.type == "control" or (row.type == "merge" and row.name == STATE_SURRENDERED)):
            parts.append([])
        parts[-1].append(row)
    return parts
