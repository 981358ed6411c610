"""A customer's past: folded from the customer's own log rows and control rows, up to any position or instant; from the newest base
before it (runtime/bases.py), or from scratch where there is none.

Customers are independent, so one of them can be folded alone: nothing stored is read but log and rulebooks, nothing is written.
Rebuild does it for everybody, explain for one person at a past position, simulate with a draft in the rulebook.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import msgspec

from kundenkreis.customers.core.state import CustomerState
from kundenkreis.customers.core.turn import OrderEntry, Orders, Record
from kundenkreis.engine.advance import Outcome, advance, new_customer
from kundenkreis.engine.controls import RULEBOOK_PUBLISHED, version_at
from kundenkreis.engine.merging import MERGE_REQUESTED, STATE_SURRENDERED, surrendered
from kundenkreis.engine.rulebook import RulebookOf
from kundenkreis.kernel.effects import Effect
from kundenkreis.kernel.ids import NEVER, Micros, partition_of
from kundenkreis.kernel.rows import DERIVED, LogRow
from kundenkreis.runtime import log
from kundenkreis.runtime.bases import Base
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


StopOf = Callable[[int], Stop | None]


def no_stop(profile_id: int) -> Stop | None:
    """Everybody to the end."""
    return None


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
    """Derived rows; those from before a base carry their number on the log, the others -1."""
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
        stop_of: how far to fold a loser; None: to the end.
        bases: per profile, ascending.
        derived: of profiles with a base, the derived rows that stand on the log.
    """

    def __init__(
        self,
        rulebook_of: RulebookOf,
        controls: Controls,
        rows: Mapping[int, Sequence[LogRow]],
        losers: Mapping[int, Sequence[int]],
        stop_of: StopOf = no_stop,
        *,
        bases: Mapping[int, Sequence[Base]] | None = None,
        derived: Mapping[int, Sequence[LogRow]] | None = None,
    ) -> None:
        self.rulebook_of = rulebook_of
        self.rows = rows
        self._bases = bases if bases is not None else {}
        self._derived = derived if derived is not None else {}
        self._controls = controls
        self._losers = losers
        self._stop_of = stop_of
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
            self._whole[profile_id] = self.fold(profile_id, self._stop_of(profile_id))
        return self._whole[profile_id]

    def inputs(self, profile_id: int, stop: Stop, base: Base | None = None) -> list[LogRow]:
        """Own rows and control rows after a base and up to a stop, as a live fold would have taken them; [] without a base if the customer
        did not exist yet."""
        own = [row for row in self.rows.get(profile_id, ()) if row.number <= stop.number and row.at_us <= stop.at_us]
        if base is not None:
            first = base.folded_to
            own = [row for row in own if row.number > first]
        elif own:
            first = own[0].number
        else:
            return []
        last = own[-1].number if own else -1
        controls = [
            row
            for row in self.controls(profile_id)
            if first < row.number and (row.number < last or (row.number <= stop.control_to and row.at_us <= stop.at_us))
        ]
        return sorted((*own, *controls), key=lambda row: row.number)

    def begin(self, profile_id: int, first: LogRow) -> Folded:
        """The customer a moment before the first row."""
        version, before = version_at(self.controls(profile_id), first.number)
        state = new_customer(first, rulebook_version=version)
        state.folded_to = before
        folded = Folded(state, NEVER, max(before, 0))
        self._take_orders(folded)
        return folded

    def _resume(self, base: Base) -> Folded:
        """The customer as the base has it, with everything recorded and derived until then."""
        state, carried = base.state(), base.carried()
        _, before = version_at(self.controls(base.profile_id), state.folded_to)
        derived = [row for row in self._derived.get(base.profile_id, ()) if row.number < base.number]
        folded = Folded(state, NEVER, max(before, 0), 0, carried.records, [*carried.messages], derived)
        self._take_orders(folded)
        folded.orders.update(_orders(folded.records))
        return folded

    def _take_orders(self, folded: Folded) -> None:
        """Orders of those who were merged into this customer, as they surrendered them."""
        for loser in self._losers.get(folded.state.profile_id, ()):
            # A base of later than the merge knows what the winner's events have made of them since.
            is_later = any(base.is_forwarder for base in self._bases.get(loser, ()))
            surrendered = self.fold(loser, from_scratch=True) if is_later else self.whole(loser)
            if surrendered is not None:
                folded.orders.update(surrendered.orders)

    def _base(self, profile_id: int, stop: Stop) -> Base | None:
        """The newest base that lies wholly before a stop."""
        bases = self._bases.get(profile_id, ())
        if not bases or (stop.number == EVERYTHING and stop.at_us == NEVER):
            return bases[-1] if bases else None
        rows = [row.at_us for row in self.rows.get(profile_id, ()) if row.number <= stop.number]
        until_us = min(max([stop.until_us, *rows]), stop.at_us)
        return next(
            (base for base in reversed(bases) if base.folded_to <= stop.number and base.clock_us <= until_us), None
        )

    def fold(self, profile_id: int, stop: Stop | None = None, *, from_scratch: bool = False) -> Folded | None:
        """A customer up to a stop (default: every row, no timers after the last); None if there is no row yet.

        Raises: whatever the fold raises; the live worker would have quarantined the customer.
        """
        stop = stop or Stop()
        base = None if from_scratch else self._base(profile_id, stop)
        inputs = self.inputs(profile_id, stop, base)
        if base is None and not inputs:
            return None
        folded = self._resume(base) if base is not None else self.begin(profile_id, inputs[0])
        for part in _parts(inputs):
            self.step(folded, part)
        if stop.until_us > folded.state.clock_us:
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
        folded.orders.update(_orders(outcome.records))
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
    stop_of: StopOf = no_stop,
    *,
    from_scratch: bool = False,
) -> Past:
    """Read the past of some customers, with everybody who was merged into them.

    Args:
        from_scratch: leave bases aside; what they decided is decided anew.
    """
    losers: dict[int, list[int]] = {}
    rows: dict[int, list[LogRow]] = defaultdict(list)
    bases: dict[int, list[Base]] = defaultdict(list)
    waiting = list(dict.fromkeys(profile_ids))
    while waiting:
        for row in log.of_customers(tx, waiting, bases=not from_scratch):
            if row.type == "state":
                bases[row.profile_id].append(Base(row))
            else:
                rows[row.profile_id].append(row)
        for winner in waiting:
            losers[winner] = [
                int(row.properties["from"])
                for row in rows[winner]
                if row.name == STATE_SURRENDERED and row.type == "merge"
            ]
        found = dict.fromkeys(loser for winner in waiting for loser in losers[winner])
        waiting = [loser for loser in found if loser not in losers]
    derived: dict[int, list[LogRow]] = defaultdict(list)
    for row in log.of_customers(tx, list(bases), derived=True) if bases else ():
        if row.flags & DERIVED:
            derived[row.profile_id].append(row)
    return Past(rulebook_of, controls, rows, losers, stop_of, bases=bases, derived=derived)


def read_controls(tx: Session) -> dict[int, list[LogRow]]:
    """Every control row of a store by partition."""
    controls: dict[int, list[LogRow]] = defaultdict(list)
    for row in log.controls_after(tx, -1):
        controls[row.partition].append(row)
    return controls


def _orders(records: Iterable[Record]) -> Iterator[tuple[tuple[int, str], OrderEntry]]:
    return (((record.owner, record.order_id), record) for record in records if isinstance(record, OrderEntry))


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
