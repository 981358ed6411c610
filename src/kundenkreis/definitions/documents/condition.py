"""Conditions as documents: a mapping with exactly one key."""

from typing import Annotated, Literal

from msgspec import Meta

from kundenkreis.definitions.documents.base import (
    ABSENT,
    Absent,
    Basis,
    Config,
    Days,
    MessageClass,
    NotNegative,
    Plain,
    Text,
)
from kundenkreis.kernel.references import (
    AttributeName,
    ChannelId,
    EventName,
    PhaseId,
    PurposeId,
    ScoreId,
    SegmentId,
    SituationId,
    SubStateId,
    TraitName,
)

Op = Literal[
    "exists", "not_exists",
    "equals", "not_equals", "equals_exactly", "contains", "not_contains", "starts_with", "ends_with", "in", "not_in",
    "=", "!=", "<", "<=", ">", ">=", "between",
    "is_true", "is_false",
    "before", "after", "on", "within_last_days", "more_than_days_ago", "within_next_days", "anniversary_in_days",
    "includes", "not_includes",
]  # fmt: skip
NumberOp = Literal["=", "!=", "<", "<=", ">", ">=", "between"]
DateOp = Literal[
    "before", "after", "on", "within_last_days", "more_than_days_ago", "within_next_days", "anniversary_in_days"
]
Number = int | float | list[int | float]
WithinHours = Annotated[int, Meta(ge=1, le=168)]
BucketNumber = Annotated[int, Meta(ge=0, le=10_000)]


class PropertyFilter(Config, frozen=True, kw_only=True):
    """Which events count: a property compared with a value."""

    property: Text
    op: Op
    value: Plain = None


class Count(Config, frozen=True, kw_only=True):
    """How often."""

    at_least: NotNegative | Absent = ABSENT
    at_most: NotNegative | Absent = ABSENT
    exactly: NotNegative | Absent = ABSENT


class AttributeLeaf(Config, frozen=True, kw_only=True):
    """The profile's attribute compares so."""

    name: AttributeName
    op: Op
    value: Plain = None


class EventLeaf(Config, frozen=True, kw_only=True):
    """So many such events happened in the window."""

    name: EventName | list[EventName]
    count: Count | Absent = ABSENT
    within_days: Days | Absent = ABSENT
    within_hours: WithinHours | Absent = ABSENT
    where: list[PropertyFilter] | Absent = ABSENT


class EventSumLeaf(Config, frozen=True, kw_only=True):
    """The sum of a number property compares so."""

    name: EventName | list[EventName]
    property: Text
    op: NumberOp
    value: Number
    within_days: Days | Absent = ABSENT
    where: list[PropertyFilter] | Absent = ABSENT


class EventTimeLeaf(Config, frozen=True, kw_only=True):
    """The first or last such event lies so in time."""

    name: EventName | list[EventName]
    which: Literal["first", "last"]
    op: DateOp
    value: str | int
    where: list[PropertyFilter] | Absent = ABSENT


class TraitLeaf(Config, frozen=True, kw_only=True):
    """A computed trait compares so."""

    name: TraitName
    op: Op
    value: Plain = None


class SegmentLeaf(Config, frozen=True, kw_only=True):
    """The customer is in that segment."""

    id: SegmentId


class PhaseLeaf(Config, frozen=True, kw_only=True, rename={"is_": "is"}):
    """The customer is in that phase."""

    is_: PhaseId | list[PhaseId]
    sub_state: SubStateId | list[SubStateId] | Absent = ABSENT


class ScoreLeaf(Config, frozen=True, kw_only=True):
    """The decayed score compares so."""

    id: ScoreId
    op: NumberOp
    value: Number


class SituationLeaf(Config, frozen=True, kw_only=True, rename={"is_": "is"}):
    """That situation stands open."""

    is_: SituationId | list[SituationId]


class ConsentLeaf(Config, frozen=True, kw_only=True):
    """A granted legal basis stands for this channel and purpose."""

    channel: ChannelId
    purpose: PurposeId
    basis: list[Basis] | Absent = ABSENT


class ReachableLeaf(Config, frozen=True, kw_only=True):
    """The contact policy would not refuse for basis, objection or suppression."""

    channel: ChannelId
    message_class: MessageClass = "marketing"
    purpose: PurposeId | Absent = ABSENT


class BucketLeaf(Config, frozen=True, kw_only=True, rename={"from_": "from"}):
    """The stable hash of the person falls in [from, to)."""

    from_: BucketNumber
    to: BucketNumber
    salt: str = ""


class OrderSilenceLeaf(Config, frozen=True, kw_only=True):
    """Silent for longer than the person's own rhythm explains."""

    factor: int | float
    percentile: Annotated[int, Meta(ge=1, le=100)]
    floor_days: NotNegative
    at_most_days: Days | Absent = ABSENT
    min_purchase_days: NotNegative = 3


CONDITIONS: dict[str, type[Config]] = {
    "attribute": AttributeLeaf,
    "event": EventLeaf,
    "event_sum": EventSumLeaf,
    "event_time": EventTimeLeaf,
    "trait": TraitLeaf,
    "segment": SegmentLeaf,
    "phase": PhaseLeaf,
    "score": ScoreLeaf,
    "situation": SituationLeaf,
    "consent": ConsentLeaf,
    "reachable": ReachableLeaf,
    "bucket": BucketLeaf,
    "order_silence": OrderSilenceLeaf,
}
