"""What the page of one customer asks: the picture that marketing, sales and service share, each value with where it comes from."""

from dataclasses import dataclass
from typing import Any, Literal, Protocol

from kundenkreis.site.ports.customers import Amount, Named, Place
from kundenkreis.site.ports.messages import Reason, Verdict

Kind = Literal["visitor", "prospect", "customer", "former_customer", "partner"]
Tone = Literal["go", "wait", "stop"]
TimelinePart = Literal["all", "messages", "orders", "service", "visits", "consent", "circle", "data"]
TIMELINE_PARTS: tuple[TimelinePart, ...] = (
    "all", "messages", "orders", "service", "visits", "consent", "circle", "data",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """The event that proves a consent or another legal ground, or its end."""

    at_us: int
    event: str
    """Name of the event: Consent Confirmed, Order Completed ..."""
    source: str
    """Which shop, form or person it came from."""
    wording: str
    """What was agreed to, or the version of the text."""
    proof: str
    """Form, token, document: where it was given."""


@dataclass(frozen=True, kw_only=True)
class Light:
    """May we write or call for this purpose now? The contact policy's own answer."""

    channel: str
    purpose: Named
    tone: Tone
    """go; wait: lawful, but not now; stop: not allowed."""
    basis: str
    reasons: tuple[Reason, ...]
    """What refuses, the deciding one first; () for go."""
    until_us: int | None
    """wait: when it would be allowed, if time alone changes that."""
    since_us: int | None
    """Since when the record it rests on exists."""
    evidence: Evidence | None


@dataclass(frozen=True, kw_only=True)
class ChannelLight:
    """A channel as a whole: the best of its purposes."""

    channel: str
    tone: Tone
    lights: tuple[Light, ...]


@dataclass(frozen=True, kw_only=True)
class SituationNow:
    """An open matter, or the rest after it."""

    named: Named
    since_us: int
    keys: tuple[str, ...]
    rests_until_us: int | None
    """Over, but marketing rests until then; None: still open."""


@dataclass(frozen=True, kw_only=True)
class Value:
    """One value of the profile."""

    name: str
    """Dotted for the parts of an object: address.city."""
    text: str
    source: str
    at_us: int
    is_editable: bool
    """False for lists and objects, which are corrected where they come from."""


@dataclass(frozen=True, kw_only=True)
class Identifier:
    """What names this person somewhere."""

    kind: str
    value: str


@dataclass(frozen=True, kw_only=True)
class Cause:
    """The event that decided something."""

    name: str
    at_us: int


@dataclass(frozen=True, kw_only=True)
class Stay:
    """A time spent in a phase, sub-state, segment or situation."""

    kind: str
    named: Named
    from_us: int
    until_us: int | None
    """None: still there."""
    reason: dict[str, Any]
    """Why it began: the deciding conditions (kind, holds, config, found, parts), or {} when nothing is on record."""
    cause: Cause | None
    """None: an instant came, or a rulebook was published."""
    is_published: bool
    """Began because the definition was published or changed."""


@dataclass(frozen=True, kw_only=True)
class ScoreLine:
    """One entry of a score's ledger."""

    at_us: int
    rule: str
    milli_points: int
    balance_milli: int
    event: str


@dataclass(frozen=True, kw_only=True)
class ScoreNow:
    """A score as of today."""

    named: Named
    milli_points: int
    entries: tuple[ScoreLine, ...]
    """The newest."""
    total: int
    """All entries ever."""


@dataclass(frozen=True, kw_only=True)
class OrderLine:
    """One position of an order."""

    product: str
    quantity: int
    price: Amount
    category: str


@dataclass(frozen=True, kw_only=True)
class Order:
    """One order with what became of it."""

    order_id: str
    at_us: int
    total: Amount
    refunded: Amount
    status: str
    """completed, cancelled, refunded; shipped, late: on its way; delivered."""
    channel: str
    delivered_us: int | None
    lines: tuple[OrderLine, ...]


@dataclass(frozen=True, kw_only=True)
class Rhythm:
    """Buying in figures."""

    order_count: int
    sales: tuple[Amount, ...]
    refunded: tuple[Amount, ...]
    average: Amount | None
    """Sales by orders; None with several currencies or none."""
    first_us: int | None
    last_us: int | None
    usual_gap_days: int | None
    """Median of the gaps between purchase days; None below three purchase days."""
    long_gap_days: int | None
    """90th percentile of the gaps."""
    silent_days: int | None
    """Days since the last purchase day."""


@dataclass(frozen=True, kw_only=True)
class ConsentRecord:
    """One record of what this person allowed or forbade."""

    channel: str
    """"*" for every channel."""
    purpose: Named
    basis: str
    is_granted: bool
    at_us: int
    expires_us: int | None
    address: str
    is_proven: bool
    evidence: Evidence | None


@dataclass(frozen=True, kw_only=True)
class Ban:
    """An objection, or an address that may not be used."""

    kind: Literal["objection", "suppression"]
    scope: str
    reason: str
    address: str
    since_us: int


@dataclass(frozen=True, kw_only=True)
class PlannedMessage:
    """A message that is coming, unless somebody or something stops it."""

    message_id: str
    content: Named
    channel: str
    message_class: str
    journey: Named
    due_us: int
    is_waiting: bool
    """Held back for now; asked again when something changes, until `due_us` at the latest."""
    in_hand_over: bool
    """On its way to the channel at this moment."""


@dataclass(frozen=True, kw_only=True)
class RunNow:
    """A journey that is under way."""

    journey: Named
    version: int
    entered_us: int
    step_id: str
    step_since_us: int
    wakes_us: int | None
    is_only_measured: bool
    """The steps are over; the goal is still counted."""
    in_control_group: bool


@dataclass(frozen=True, kw_only=True)
class TimelineMessage:
    """A message in the timeline: as decided, and what became of it."""

    message_id: str
    content: Named
    channel: str
    journey: Named
    subject: str
    """"" if it was never made."""
    verdicts: tuple[Verdict, ...]
    """Oldest first."""
    fate: tuple[Cause, ...]
    """What was heard of it afterwards: delivered, opened, clicked, bounced."""


@dataclass(frozen=True, kw_only=True)
class TimelineEntry:
    """One thing that happened."""

    key: str
    at_us: int
    part: TimelinePart
    name: str
    """Name of the event, of the page, or "identify"; for the circle Phase Changed, Segment Entered ..."""
    facts: dict[str, Any]
    """Properties worth a line: order number, product names, subject, reason ..."""
    amount: Amount | None
    named: Named | None
    """The phase, segment or situation it is about."""
    source: str
    actor: str
    reason: str
    message: TimelineMessage | None


@dataclass(frozen=True, kw_only=True)
class TimelinePage:
    """A stretch of the timeline, newest first."""

    entries: tuple[TimelineEntry, ...]
    next_cursor: str


@dataclass(frozen=True, kw_only=True)
class Customer:
    """Everything about one person but the timeline."""

    profile_id: int
    name: str
    is_known: bool
    number: str
    email: str
    phone: str
    language: str
    city: str
    country: str
    groups: tuple[str, ...]
    kind: Kind
    place: Place | None
    place_reason: dict[str, Any]
    place_cause: Cause | None
    since_us: int
    seen_us: int
    situations: tuple[SituationNow, ...]
    channels: tuple[ChannelLight, ...]
    contact_person: str
    paused_until_us: int | None
    pause_reason: str
    last_contact: TimelineEntry | None
    planned: tuple[PlannedMessage, ...]
    """By due time."""
    runs: tuple[RunNow, ...]
    values: tuple[Value, ...]
    identifiers: tuple[Identifier, ...]
    merged: int
    """Profiles that were joined into this one."""
    phases: tuple[Stay, ...]
    """Newest first, sub-states among them."""
    segments: tuple[Stay, ...]
    left_segments: tuple[Stay, ...]
    scores: tuple[ScoreNow, ...]
    orders: tuple[Order, ...]
    """The newest."""
    rhythm: Rhythm
    consents: tuple[ConsentRecord, ...]
    bans: tuple[Ban, ...]
    tracking: bool


class CustomerSource(Protocol):
    """Reads one customer."""

    def find_customer(self, profile_id: int) -> Customer | None:
        """One person, None if there is none of this id. Somebody who was merged is found as the one that absorbed them."""
        ...

    def read_timeline(self, profile_id: int, part: TimelinePart, *, cursor: str, limit: int) -> TimelinePage:
        """What happened, newest first; over all profiles that were joined."""
        ...

    def explain(self, profile_id: int, kind: str, name: str) -> dict[str, Any] | None:
        """Why somebody is in a segment or phase or has a score (docs/reference/explain.md); None if there is no such thing."""
        ...
