"""One turn of the fold: what a pass reads and what it writes.

`advance()` takes inputs one by one (a log row, or a due instant). For each it opens a turn and hands it to the passes in
order. Passes change `turn.state` (a private copy decoded from bytes, so nobody else sees half a turn), name what they changed in
`turn.dirty`, and put what should be known or done into `records`, `effects` and `derived`. Nothing here touches the world.
"""

from typing import Any

import msgspec

from kundenkreis.customers.core.state import CustomerState, Planned
from kundenkreis.kernel.effects import Effect
from kundenkreis.kernel.hashing import hash128
from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.rows import DERIVED, LATE, LogRow
from kundenkreis.kernel.zones import Zone


class MembershipChange(msgspec.Struct, array_like=True, tag="membership", gc=False):
    """Somebody entered or left a segment, a phase ("phase", "trust"), a sub-state or a situation, at this instant."""

    kind: str
    """segment, phase, sub_state, situation."""
    definition_id: str
    entered: bool
    at_us: int
    cause: bytes
    """Event id of the deciding row, b"" for a due instant."""
    reason: list[Any]
    """The deciding leaf as a Reason tree in plain lists (segments/core/conditions.py: Reason)."""
    publishing: bool = False
    """Arose from publishing a rulebook: starts no journey unless the publisher chose so."""


class ScoreEntry(msgspec.Struct, array_like=True, tag="score", gc=False):
    """One line of a score's ledger: which event gave which points."""

    score_id: str
    at_us: int
    milli_points: int
    rule_id: str
    cause: bytes
    balance: int


class RunEntry(msgspec.Struct, array_like=True, tag="run", gc=False):
    """One line of a run's path: entered, moved, waited, branched, ended, with its reason."""

    run_id: bytes
    sequence: int
    journey_id: str
    version: int
    step_id: str
    outcome: str
    """entered, waiting, branch:<name>, sent, withheld, done, exited:<reason>, goal, failed, holdout."""
    at_us: int
    reason: list[Any]
    entry_key: str = ""


class VerdictEntry(msgspec.Struct, array_like=True, tag="verdict", gc=False):
    """The answer of the contact policy about one message, kept for every message ever decided."""

    effect_id: bytes
    sequence: int
    """0 = first judgement; later ones when postponed, displaced, released, withheld at hand-over."""
    at_us: int
    outcome: str
    """planned, released, postponed, withheld, displaced, expired, cancelled, handed_over, failed."""
    reasons: list[Any]
    """[[rule id, passed, detail...], ...] in the order asked; the deciding one first."""
    channel: str
    content_id: str
    message_class: str
    purpose: str
    basis: str
    due_us: int
    journey_id: str
    run_id: bytes
    step_id: str
    rulebook_version: int
    priority: int


class OrderEntry(msgspec.Struct, array_like=True, tag="order", gc=False):
    """An order as a row: written whole whenever something about it changed."""

    order_id: str
    ordered_us: int
    total_minor: int
    refunded_minor: int
    currency: str
    status: str
    """completed, cancelled, refunded; one of OVERTAKEN or JOINED (customers/core/commerce.py)."""
    channel: str
    delivered_us: int
    lines: list[list[Any]]
    """[[product_id, quantity, price_minor, category], ...] at most 200."""
    cause: bytes
    owner: int
    """Profile under which the row is kept; after a merge still the one that ordered."""


Orders = dict[tuple[int, str], OrderEntry]
"""(owner, order id) -> order: those that the rows of a batch name."""


Record = MembershipChange | ScoreEntry | RunEntry | VerdictEntry | OrderEntry


class Derived(msgspec.Struct, gc=False):
    """An event that a pass derived: goes round again within the same advance, and is written to the log for the record."""

    name: str
    properties: dict[str, Any]
    event_id: bytes
    depth: int
    """1 = derived from an input, 2 = derived from a derived event, ..."""
    publishing: bool = False


class Turn:
    """One input being folded. `row` is the log row, or a derived event dressed as a row, or None for a due instant."""

    __slots__ = (
        "acted_us",
        "at_us",
        "cancellations",
        "candidates",
        "cause",
        "day",
        "depth",
        "derived",
        "dirty",
        "effects",
        "orders",
        "publishing",
        "records",
        "row",
        "rulebook_version",
        "state",
        "zone",
    )

    def __init__(
        self,
        state: CustomerState,
        at_us: Micros,
        *,
        row: LogRow | None,
        zone: Zone,
        rulebook_version: int,
        depth: int = 0,
        orders: Orders | None = None,
        acted_us: Micros = -1,
    ) -> None:
        self.state = state
        self.at_us = at_us
        self.row = row
        self.zone = zone
        """The installation's zone: windows and day numbers."""
        self.day = zone.day_number(at_us)
        self.depth = depth
        self.rulebook_version = rulebook_version
        self.orders: Orders = orders if orders is not None else {}
        """Orders named by this row, read by key at load; passes replace entries when they change."""
        self.cause: bytes = row.event_id if row is not None else b""
        self.acted_us = acted_us
        """When the person did what this turn follows from, at whatever depth; -1: it follows from nothing that they did."""
        self.publishing = row is not None and row.flags & DERIVED > 0 and row.properties.get("publishing") is True
        self.dirty: set[str] = set()
        """What changed: "attribute:email", "fact:123", "orders", "deliveries", "cart", "consent", "seen",
        "segment:vip", "phase", "score:fit", "situation:late"."""
        self.derived: list[Derived] = []
        self.effects: list[Effect] = []
        self.records: list[Record] = []
        self.candidates: list[Planned] = []
        """Messages that journeys want to send; the contact policy judges all of one advance together."""
        self.cancellations: list[tuple[bytes, str]] = []
        """(effect id, reason) of messages whose run ended before their hand-over; the contact policy takes them back."""

    @property
    def origin_key(self) -> bytes | int:
        """What deterministic ids hang on: the deciding event, or the due instant."""
        return self.cause or self.at_us

    @property
    def starts_journeys(self) -> bool:
        """False for rows that arrived too late to start anything."""
        return self.row is None or not self.row.flags & LATE

    def derive(self, name: str, properties: dict[str, Any]) -> None:
        """Derive an event; its id depends on its cause, the person's bucket key, name and properties["key"], so a rebuild derives the same."""
        if self.publishing:
            properties = {**properties, "publishing": True}
        event_id = hash128("derived", self.origin_key, self.state.bucket_key, name, str(properties.get("key", "")))
        self.derived.append(Derived(name, properties, event_id, self.depth + 1, self.publishing))


def derived_row(event: Derived, *, turn: Turn) -> LogRow:
    """A derived event dressed as a log row, so that conditions, scores and journeys read it like any other."""
    state, cause = turn.state, turn.row
    return LogRow(
        partition=state.profile_id & 255,
        number=-1,
        event_id=event.event_id,
        profile_id=state.profile_id,
        type="track",
        name=event.name,
        happened_us=turn.at_us,
        received_us=turn.at_us,
        at_us=turn.at_us,
        day=turn.day,
        origin="derived",
        cause=turn.cause,
        depth=event.depth,
        flags=DERIVED | (cause.flags & LATE if cause is not None else 0),
        body={"properties": event.properties},
    )
