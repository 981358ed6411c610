"""Folding a share of a batch: states and rows in, rows of every table out, without a store.

The worker folds with these functions in its own process; a fold helper (`runtime/fold_helpers.py`) does with what it is sent. It
answers for customers about whom nothing has to be asked; everybody else is handed back.
"""

from collections.abc import Sequence

import msgspec

from kundenkreis.customers.core.listing import listed
from kundenkreis.customers.core.state import FOLD_VERSION, CustomerState, encode_state, read_state
from kundenkreis.customers.core.turn import OrderEntry, Orders
from kundenkreis.engine.advance import Outcome, advance
from kundenkreis.engine.rulebook import RulebookOf
from kundenkreis.kernel.errors import KundenkreisError
from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.rows import LogRow
from kundenkreis.runtime.writes import Marks, Writes

MOST_STATE_BYTES = 64 * 1024
"""A state is O(definitions); one that grew beyond this is a mistake or an attack."""


class StateTooLargeError(KundenkreisError):
    """The state of this customer has grown beyond 64 KB; look at the attributes that its sources send."""

    code = "state_too_large"


class StoredState(msgspec.Struct, array_like=True, gc=False):
    """A state as the store keeps it, with its marks."""

    profile_id: int
    wake_us: Micros
    control_to: int
    data: bytes

    @property
    def marks(self) -> Marks:
        """What the indexes find it by."""
        return self.wake_us, self.control_to


class Share(msgspec.Struct, array_like=True):
    """Customers for somebody else to fold: no control row, no merge and no release waits for any of them."""

    until_us: Micros
    states: list[StoredState]
    rows: list[LogRow]
    """Their new rows in log order."""
    orders: list[OrderEntry]
    """Orders that the rows name."""


class Counts(msgspec.Struct, array_like=True):
    """What folding was about."""

    customers: int = 0
    due: int = 0
    """Customers folded only because an instant came."""
    changed_by_time: int = 0
    """Of those, the ones about whom something was decided (goal: at least 90 %)."""
    forgotten_by_time: int = 0
    """Of the others, silent visitors who are forgotten, with all of their rows."""

    def count(self, inputs: Sequence[LogRow], outcome: Outcome) -> None:
        """Add one customer."""
        self.customers += 1
        if not inputs:
            self.due += 1
            if outcome.records or outcome.effects or outcome.derived:
                self.changed_by_time += 1
            elif outcome.is_forgotten:
                self.forgotten_by_time += 1

    def add(self, other: "Counts") -> None:
        """Add what somebody else counted."""
        self.customers += other.customers
        self.due += other.due
        self.changed_by_time += other.changed_by_time
        self.forgotten_by_time += other.forgotten_by_time


class Folded(msgspec.Struct, array_like=True):
    """What became of a share."""

    writes: Writes
    counts: Counts
    handed_back: list[int]
    """Profile ids of those whom only the worker can fold; nothing of them is in the writes."""


def fold_customer(
    state: CustomerState, inputs: Sequence[LogRow], rulebook_of: RulebookOf, *, until_us: Micros, orders: Orders,
    history: Sequence[LogRow] = (), stored: bytes = b"",
) -> Outcome:  # fmt: skip
    """`advance` to `until_us`, or to the state's own clock if that is later; with the bytes of the new state.

    Args:
        stored: the state as the store keeps it; b"": it keeps none.

    Raises:
        StateTooLargeError: more than 64 KB.
        Exception: whatever else goes wrong in a rule.
    """
    was_listed = listed(state) if inputs and stored else None
    outcome = advance(
        state, inputs, rulebook_of, until_us=max(until_us, state.clock_us), orders=orders, history=history
    )
    if outcome.is_listed_anew and not inputs:
        # Time alone seldom does: read once more is cheaper than looked at each time.
        was_listed = listed(read_state(stored)[0])
    outcome.was_listed = was_listed
    outcome.encoded = encode_state(outcome.state)
    if len(outcome.encoded) > MOST_STATE_BYTES:
        raise StateTooLargeError(size=len(outcome.encoded))
    return outcome


def fold_share(share: Share, rulebook_of: RulebookOf) -> Folded:
    """Fold everybody in it who can be folded from this alone."""
    by_profile: dict[int, list[LogRow]] = {stored.profile_id: [] for stored in share.states}
    for row in share.rows:
        by_profile[row.profile_id].append(row)
    orders = {(order.owner, order.order_id): order for order in share.orders}
    folded = Folded(Writes(), Counts(), [])
    for stored in share.states:
        if not _fold_stored(stored, by_profile[stored.profile_id], rulebook_of, orders, share.until_us, folded):
            folded.handed_back.append(stored.profile_id)
    folded.writes.open = {}
    return folded


def _fold_stored(
    stored: StoredState, rows: Sequence[LogRow], rulebook_of: RulebookOf, orders: Orders, until_us: Micros, folded: Folded
) -> bool:  # fmt: skip
    """Whether this customer could be folded here: in doubt not, then the worker does it again and says what is wrong."""
    try:
        state, version = read_state(stored.data)
        if version != FOLD_VERSION or state.forwarded_to:
            return False
        inputs = [row for row in rows if row.number > state.folded_to]
        outcome = fold_customer(state, inputs, rulebook_of, until_us=until_us, orders=orders, stored=stored.data)
    except Exception:  # the edge: whatever it is, the worker meets it again, with the store at hand to quarantine it
        return False
    if outcome.is_forgotten or outcome.loops:
        return False
    folded.counts.count(inputs, outcome)
    folded.writes.add(outcome, stored.control_to, marks=stored.marks)
    return True
