"""Segments, scores, phases, situations and computed traits as documents."""

from typing import Annotated, ClassVar

from msgspec import Meta

from kundenkreis.definitions.documents.base import (
    ABSENT,
    Absent,
    Config,
    Days,
    Id,
    Names,
    NotNegative,
    Positive,
    Text,
)
from kundenkreis.definitions.documents.condition import PropertyFilter
from kundenkreis.kernel.references import ConditionData, EventName


class EventPattern(Config, frozen=True, kw_only=True):
    """Which events are meant."""

    name: EventName | list[EventName]
    where: list[PropertyFilter] | Absent = ABSENT


class MeasuredEvents(Config, frozen=True, kw_only=True):
    """Which events are counted or summed."""

    name: EventName | list[EventName]
    property: Text | Absent = ABSENT
    where: list[PropertyFilter] | Absent = ABSENT


class Trait(Config, frozen=True, kw_only=True):
    """A computed trait."""

    one_of: ClassVar[tuple[str, ...]] = ("count", "sum", "first", "last", "average_gap")

    name: Names
    count: MeasuredEvents | Absent = ABSENT
    sum: MeasuredEvents | Absent = ABSENT
    first: MeasuredEvents | Absent = ABSENT
    last: MeasuredEvents | Absent = ABSENT
    average_gap: MeasuredEvents | Absent = ABSENT


class Segment(Config, frozen=True, kw_only=True):
    """A segment: everybody for whom a condition holds."""

    name: Names
    when: ConditionData


class AtMost(Config, frozen=True, kw_only=True):
    """How many points a rule gives at most in a window."""

    points: Positive
    per_days: Days


class ScoreRule(Config, frozen=True, kw_only=True):
    """Points for an event."""

    id: Id
    event: EventPattern
    points: int
    at_most: AtMost | Absent = ABSENT


class Score(Config, frozen=True, kw_only=True):
    """A score: points from events, halved every so many days."""

    name: Names
    half_life_days: Days | Absent = ABSENT
    maximum: Positive | Absent = ABSENT
    rules: Annotated[list[ScoreRule], Meta(min_length=1)]


class SubState(Config, frozen=True, kw_only=True):
    """A part of a phase."""

    id: Id
    name: Names
    when: ConditionData


class Phase(Config, frozen=True, kw_only=True):
    """One phase of the circle."""

    id: Id
    name: Names
    when: ConditionData
    sub_states: list[SubState] | Absent = ABSENT


class Phases(Config, frozen=True, kw_only=True):
    """The circle: phases in the order that decides ties."""

    phases: Annotated[list[Phase], Meta(min_length=1)]


class Situation(Config, frozen=True, kw_only=True):
    """An open matter that stands beside the phase."""

    name: Names
    begins: EventPattern | list[EventPattern]
    ends: list[EventPattern]
    key: Text | Absent = ABSENT
    after_days: NotNegative | Absent = ABSENT
    expires_days: Days | Absent = ABSENT
