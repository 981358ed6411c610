"""What the start page asks: the circle with the people in it, and the figures of daily work, each counted at one instant."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

SPANS_HOURS = (24, 168)
"""Hours that sending is counted over."""
PERIODS = (7, 30, 90)
"""Days that the circle's moves can be asked for: today and the days before."""


@dataclass(frozen=True, kw_only=True)
class People:
    """How many people, those somebody knows apart from anonymous visitors."""

    known: int = 0
    anonymous: int = 0


@dataclass(frozen=True, kw_only=True)
class SubStateCount:
    """A sub-state of a phase and who is in it."""

    sub_state: str
    people: People


@dataclass(frozen=True, kw_only=True)
class PhaseCount:
    """A phase and who is in it now."""

    phase: str
    people: People
    sub_states: tuple[SubStateCount, ...]
    """In the order of the rulebook; without those who are in none."""


@dataclass(frozen=True, kw_only=True)
class Move:
    """People who went from one phase to another within the period and are not back at its end."""

    from_phase: str
    to_phase: str
    people: int


@dataclass(frozen=True, kw_only=True)
class NetChange:
    """How many more people are in a phase now than at the begin of the period."""

    phase: str
    people: int


@dataclass(frozen=True, kw_only=True)
class PeriodMoves:
    """What moved on the circle in a period."""

    days: int
    since_us: int
    moves: tuple[Move, ...]
    """Most people first."""
    net: tuple[NetChange, ...]


@dataclass(frozen=True, kw_only=True)
class Circle:
    """Everybody on the circle at one instant."""

    at_us: int
    phases: tuple[PhaseCount, ...]
    """Clockwise from the top: from first attention on."""
    names: Mapping[str, Mapping[str, str]]
    """Phase or sub-state -> language -> what it is called."""
    periods: tuple[PeriodMoves, ...]


@dataclass(frozen=True, kw_only=True)
class ChannelReach:
    """How many of the people may be promoted to on one channel, and on which ground."""

    channel: str
    by_consent: int
    as_customer: int
    """As existing customers, section 7 (3) UWG; those with a consent are not among them."""


@dataclass(frozen=True, kw_only=True)
class RightsChanged:
    """People whose rights to be promoted to electronically changed within a period, as it stands on record now."""

    days: int
    granted: int
    """A consent confirmed, or a first order that makes an existing customer."""
    withdrawn: int
    objected: int
    bounced: int
    """An address that is undeliverable for good."""


@dataclass(frozen=True, kw_only=True)
class Conversion:
    """Marketing contacts around the first order of people who were known 14 days before it, and whose order is 14 to 45 days old."""

    people: int
    before: int
    """In the 14 days before, of all of them."""
    after: int
    """In the 14 days after."""


@dataclass(frozen=True, kw_only=True)
class Reach:
    """Of the people from the phase purchase on: who may lawfully be promoted to, and how much they were."""

    at_us: int
    people: int
    reachable: int
    """On at least one electronic channel."""
    by_letter_only: int
    channels: tuple[ChannelReach, ...]
    contacts: tuple[tuple[int, int], ...]
    """(marketing contacts in 7 days, reachable people with so many), ascending."""
    at_limit: int
    """Reachable people whose contact budget is used up on every channel."""
    rights: tuple[RightsChanged, ...]
    """One per period."""
    conversion: Conversion


@dataclass(frozen=True, kw_only=True)
class RevenueWeek:
    """Sales less refunds of one week, by what the order was to the person. Minor units."""

    day: int
    """Its Monday."""
    first: int
    repeat: int
    won_back: int
    """The first order after win-back began."""
    year_before: int
    """All of the same week 52 weeks before."""


@dataclass(frozen=True, kw_only=True)
class Revenue:
    """Sales of the last weeks in the currency with the most."""

    at_us: int
    currency: str
    weeks: tuple[RevenueWeek, ...]
    orders: int
    """In these weeks."""


@dataclass(frozen=True, kw_only=True)
class SecondOrders:
    """Of the people whose first order was 90 to 119 days ago on a day: who ordered again within 90 days."""

    until_day: int
    people: int
    again: int


@dataclass(frozen=True, kw_only=True)
class SecondOrderRate:
    """The rate of second orders, one value for each 30 days, oldest first."""

    at_us: int
    months: tuple[SecondOrders, ...]


@dataclass(frozen=True, kw_only=True)
class SendingFlow:
    """What became of the messages that were decided about on one channel within some hours."""

    channel: str
    hours: int
    fates: Mapping[str, int]
    """Fate (ports/decided.py) -> messages."""


@dataclass(frozen=True, kw_only=True)
class DomainSending:
    """Messages of the last 7 days to one receiving domain."""

    domain: str
    handed_over: int
    complaints: int


@dataclass(frozen=True, kw_only=True)
class Sending:
    """Sending by channel and by receiving domain."""

    at_us: int
    flows: tuple[SendingFlow, ...]
    domains: tuple[DomainSending, ...]
    """Those with the most messages."""


@dataclass(frozen=True, kw_only=True)
class ToDo:
    """Something that waits for people."""

    kind: str
    """situation:<id>, quarantined_events, quarantined_customers, messages_held."""
    count: int
    since_us: int
    """Of the oldest."""


@dataclass(frozen=True, kw_only=True)
class Today:
    """What waits, the oldest first."""

    at_us: int
    items: tuple[ToDo, ...]


@dataclass(frozen=True, kw_only=True)
class StartFigures:
    """What has been counted; None: not yet."""

    circle: Circle | None = None
    reach: Reach | None = None
    revenue: Revenue | None = None
    second_orders: SecondOrderRate | None = None
    sending: Sending | None = None
    today: Today | None = None


class StartSource(Protocol):
    """Reads what the start page shows. Nothing is counted while somebody waits."""

    def read_figures(self) -> StartFigures:
        """The figures as last counted."""
        ...
