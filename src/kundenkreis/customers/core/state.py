"""Everything that is remembered of one customer between two events: the state of the fold.

One file holds the whole schema, because its bytes are what stores keep, rebuilds compare and upgrades convert.
Rules for every field here (design: semantics):

- codec-stable: encode(decode(bytes)) == bytes. Integers stay integers, no floats where an integer could stand, no sets, no tuples
  (they come back as lists), dicts in insertion order that does not depend on batching.
- O(definitions), not O(history): whatever can grow has a cap, stated beside it.
- nothing points back at what holds it, so the garbage collector need not watch (gc=False).
- instants are int microseconds (`*_us`), money is integer minor units, ids are bytes or int.

A change of this file is a new FOLD_VERSION and needs an upgrader in `customers/core/upgrades.py`.
"""

from typing import Any

import msgspec

from kundenkreis.customers.core.upgrades import is_of_another_version, upgraded, version_of
from kundenkreis.kernel.ids import NEVER

FOLD_VERSION = 5
"""Covers the code of the fold (what it decides, to the byte), this schema and the time zone data."""
TIME_ZONE_DATA = "2026.6"
"""The release of `tzdata` that this version folds with."""

MOST_PURCHASE_DAYS = 64
MOST_OPEN_ORDERS = 50
MOST_CART_LINES = 100
MOST_CONTACTS = 400
MOST_RUNS = 64


class Attribute(msgspec.Struct, array_like=True, gc=False):
    """One value of the profile and where it came from; conflicts are won by (happened_us, event_id)."""

    value: Any
    """JSON value: text, number, boolean, list or object. Never null: null removes the attribute (but keeps its stamp)."""
    happened_us: int
    event_id: bytes
    source: str


class Profile(msgspec.Struct, array_like=True, gc=False):
    """Who this is, as far as anybody said."""

    attributes: dict[str, Attribute] = msgspec.field(default_factory=dict)
    identifiers: list[list[str]] = msgspec.field(default_factory=list)
    """[[kind, value], ...] in order of attachment; kinds: user_id, anonymous_id, email, phone, card, ..."""
    groups: list[str] = msgspec.field(default_factory=list)
    known: bool = False
    """Has an identifier other than anonymous ids."""
    claimed_user_id: str = ""


class Grant(msgspec.Struct, array_like=True, gc=False):
    """The legal ground to speak to this person on one channel for one purpose, or its end."""

    basis: str
    """express_consent, existing_customer, contract, requested, legitimate_interest, presumed_b2b, legal_duty."""
    granted: bool
    """False: withdrawn or objected at happened_us; nothing but a newer proven consent lifts that."""
    happened_us: int
    event_id: bytes
    """The log row that proves it: wording, version, form, confirmation."""
    address: str = ""
    """The proved address (e-mail, number) the consent belongs to; "" = any."""
    expires_us: int = NEVER
    proven: bool = False
    """Wording and proof are on record and it came from a server or a person: the only kind that lifts a withdrawal."""
    epoch: int = 0
    """Its number in the inbox: what was withdrawn before it has a lower one, whatever the clocks say; 0 = came another way."""


class Consent(msgspec.Struct, array_like=True, gc=False):
    """What this person allowed and forbade."""

    grants: dict[str, Grant] = msgspec.field(default_factory=dict)
    """Key "channel|purpose", either may be "*"; keys ascending."""
    objections: dict[str, int] = msgspec.field(default_factory=dict)
    """Scope ("marketing", "channel:email", "purpose:newsletter", "profiling") -> since_us. Absolute."""
    suppressed: dict[str, list[Any]] = msgspec.field(default_factory=dict)
    """Address -> [[reason, since_us, scope, lifted_us], ...], ascending; reasons hard, complaint, manual; scopes all,
    marketing. In force while since_us >= lifted_us (-1 = never lifted)."""
    soft_bounces: dict[str, list[int]] = msgspec.field(default_factory=dict)
    """Address -> [last accepted at or -1, then the instants of soft bounces after it, ascending, the last 10]."""
    tracking: bool = False
    """Consent to individual measuring."""


class OpenOrder(msgspec.Struct, array_like=True, gc=False):
    """An order that is on its way: from completed to delivered, cancelled or refunded in full."""

    ordered_us: int
    promised_us: int = NEVER
    shipped_us: int = NEVER
    late_since_us: int = NEVER


class Cart(msgspec.Struct, array_like=True, gc=False):
    """The open cart; emptied by an order or by removing the last line."""

    cart_id: str
    lines: dict[str, list[int]]
    """product id -> [quantity, price in minor units]; at most MOST_CART_LINES."""
    currency: str
    changed_us: int
    checkout_us: int = NEVER


class Commerce(msgspec.Struct, array_like=True, gc=False):
    """Orders in sums; the orders themselves are rows, read by key when a refund names one."""

    order_count: int = 0
    """Completed, not cancelled, not refunded in full."""
    delivered_count: int = 0
    sales: dict[str, int] = msgspec.field(default_factory=dict)
    """Currency -> minor units of completed orders."""
    refunded: dict[str, int] = msgspec.field(default_factory=dict)
    """Currency -> minor units given back."""
    first_order_us: int = NEVER
    last_order_us: int = -1
    first_delivered_us: int = NEVER
    """When the first order was delivered."""
    purchase_days: list[int] = msgspec.field(default_factory=list)
    """Installation day numbers with at least one order, ascending, the last MOST_PURCHASE_DAYS."""
    open_orders: dict[str, OpenOrder] = msgspec.field(default_factory=dict)
    cart: Cart | None = None
    categories: dict[str, int] = msgspec.field(default_factory=dict)
    """Category -> last instant bought (at most 100): for "own similar goods" (UWG 7 III)."""


class Score(msgspec.Struct, array_like=True, gc=False):
    """One score: milli-points as of the start of `day`, decayed once per installation day by an integer table."""

    milli_points: int
    day: int
    caps: dict[str, list[int]] = msgspec.field(default_factory=dict)
    """Rule id -> [window start day, milli-points already given in it]."""


class Phase(msgspec.Struct, array_like=True, gc=False):
    """Where on the circle; everybody is in exactly one phase at every instant."""

    phase: str
    sub_state: str
    since_us: int
    sub_since_us: int


class Situation(msgspec.Struct, array_like=True, gc=False):
    """What stands beside the phase: an open matter, kept per key (case, order, cart) until it ends."""

    since_us: int
    keys: dict[str, list[Any]]
    """Key -> [since_us, detail...]; the situation ends with its last key."""
    rests_until_us: int = -1
    """After the end: marketing rests until here (product rules)."""
    gentle_until_us: int = -1
    """From there to here the first message does not sell. The record is dropped when both are over."""


class Decisions(msgspec.Struct, array_like=True, gc=False):
    """Answers of segments, scores, phase and situations, with the instant each must be asked again."""

    inside: dict[str, int] = msgspec.field(default_factory=dict)
    """Segment id -> since_us, only those the customer is in."""
    scores: dict[str, Score] = msgspec.field(default_factory=dict)
    phase: Phase | None = None
    situations: dict[str, Situation] = msgspec.field(default_factory=dict)
    recheck_us: dict[str, int] = msgspec.field(default_factory=dict)
    """Definition key ("segment:vip", "phase", "score:activity", "situation:late") -> when its answer may flip without an event."""


class Run(msgspec.Struct, array_like=True, gc=False):
    """One person in one journey, pinned to the version entered."""

    run_id: bytes
    journey_id: str
    version: int
    entry_key: str
    entered_us: int
    step_id: str
    """Where the run stands now."""
    step_since_us: int
    wake_us: int = NEVER
    """When the waiting ends by itself."""
    waiting_for: str = ""
    """"" = nothing; "message:<hex effect id>" = a planned message; "events" = listed events; "budget" = steps of tomorrow; "goal" = the steps are
    over, only the goal is still measured."""
    variables: dict[str, Any] = msgspec.field(default_factory=dict)
    """Properties of the entering event, as templates see them under `event`; at most 4 KB as JSON."""
    counts: dict[str, int] = msgspec.field(default_factory=dict)
    """Step id -> how often it was entered (the occurrence in effect ids)."""
    entered_event: bytes = b""
    goal_reached_us: int = NEVER
    in_holdout: bool = False
    sequence: int = 0
    """Number of the next path entry."""
    recheck_us: int = NEVER
    """When an answer that this run watches (goal, exit_when, wait_for) may flip without an event."""


class JourneyRecord(msgspec.Struct, array_like=True, gc=False):
    """What re-entry policies need to know after the runs are gone."""

    entries: int
    last_entered_us: int
    last_exit_us: int = -1
    keys: list[str] = msgspec.field(default_factory=list)
    """Entry keys seen (the last 50), for once per key."""
    next_us: int = NEVER
    """When a date or schedule lets this customer in next; NEVER for entries by events."""


class Planned(msgspec.Struct, array_like=True, gc=False):
    """A message that passed the gate and waits for its hand-over; holds a place in the caps."""

    effect_id: bytes
    channel: str
    content_id: str
    message_class: str
    purpose: str
    priority: int
    journey_id: str
    run_id: bytes
    step_id: str
    decided_us: int
    due_us: int
    """Planned hand-over."""
    valid_until_us: int
    if_withheld: str
    variables: dict[str, Any]
    handed_over: bool = False
    """True from the moment it reached the outbox until feedback says what became of it."""
    cause: bytes = b""
    waiting: bool = False
    """Withheld for now (if_withheld: wait): holds no place in the caps; due_us is when it is asked again."""
    sequence: int = 0
    """Number of its next verdict."""
    acted_us: int = -1
    """When the person did what it answers; -1: it answers nothing that they did."""


class Contact(msgspec.Struct, array_like=True, gc=False):
    """One use of the contact budget: reserved or handed over."""

    at_us: int
    channel: str
    message_class: str
    effect_id: bytes
    purpose: str = ""


class ContactBudget(msgspec.Struct, array_like=True, gc=False):
    """The one contact budget of this person over all channels."""

    planned: list[Planned] = msgspec.field(default_factory=list)
    contacts: list[Contact] = msgspec.field(default_factory=list)
    """Of the last 60 days (or the longest limit, if longer), at most MOST_CONTACTS, ascending by (at_us, effect_id)."""
    paused_until_us: int = -1
    pause_reason: str = ""


class CustomerState(msgspec.Struct, array_like=True, gc=False):
    """One customer, folded up to log number `folded_to` and instant `clock_us`."""

    profile_id: int
    bucket_key: str
    """Given at first contact, for ever; the older profile's survives a merge."""
    created_us: int
    first_seen_us: int
    last_seen_us: int = -1
    """Last act of the person (not feedback, not control)."""
    fold_version: int = FOLD_VERSION
    folded_to: int = -1
    """Log number (in the own partition) of the last row folded, control rows included."""
    clock_us: int = -1
    """Instant up to which timers have run."""
    rulebook_version: int = 0
    forwarded_to: int = 0
    """Set by a merge: this profile surrendered its state to that one."""
    absorbed: list[int] = msgspec.field(default_factory=list)
    """Profiles whose history belongs to this customer."""
    profile: Profile = msgspec.field(default_factory=Profile)
    consent: Consent = msgspec.field(default_factory=Consent)
    commerce: Commerce = msgspec.field(default_factory=Commerce)
    facts: dict[int, Any] = msgspec.field(default_factory=dict)
    """Fact key (segments/core/facts.py) -> its value: list of instants, [day, amount] buckets, counters."""
    decisions: Decisions = msgspec.field(default_factory=Decisions)
    runs: list[Run] = msgspec.field(default_factory=list)
    journeys: dict[str, JourneyRecord] = msgspec.field(default_factory=dict)
    contact: ContactBudget = msgspec.field(default_factory=ContactBudget)
    steps_today: list[int] = msgspec.field(default_factory=lambda: [0, 0])
    """[installation day, journey steps taken on it]: the guard against loops (A51)."""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(CustomerState)


def encode_state(state: CustomerState) -> bytes:
    """The canonical bytes of a state: what stores keep and rebuilds compare."""
    return _encoder.encode(state)


def decode_state(data: bytes) -> CustomerState:
    """A private copy of a stored state, of whatever version. Raises: see `read_state`."""
    return read_state(data)[0]


def read_state(data: bytes) -> tuple[CustomerState, int]:
    """(a private copy of a stored state as of today's version, the version it is stored in).

    Raises:
        StoreTooNewError: a newer program stored it.
        msgspec.DecodeError: the bytes are not a state.
    """
    try:
        state = _decoder.decode(data)
        if state.fold_version == FOLD_VERSION:
            return state, FOLD_VERSION
    except msgspec.ValidationError:
        if not is_of_another_version(data, FOLD_VERSION):
            raise
    return _decoder.decode(upgraded(data, to=FOLD_VERSION)), version_of(data)
