"""Journeys as documents."""

from typing import Annotated, Any, ClassVar, Literal

from msgspec import Meta

from kundenkreis.definitions.documents.base import (
    ABSENT,
    Absent,
    Clock,
    Config,
    Days,
    Id,
    MessageClass,
    Names,
    Percent,
    Plain,
    Positive,
    Priority,
    Text,
    Weekday,
)
from kundenkreis.definitions.documents.decision import EventPattern
from kundenkreis.kernel.references import (
    AttributeName,
    ChannelId,
    ConditionData,
    ContentId,
    EventName,
    PurposeId,
    ScoreId,
    SegmentId,
    StepData,
    StepId,
)


class DateEntry(Config, frozen=True, kw_only=True):
    """On a date of the profile."""

    attribute: AttributeName
    offset_days: int = 0
    at: Clock = "10:00"
    yearly: bool = False


class Schedule(Config, frozen=True, kw_only=True):
    """At a regular time."""

    every: Literal["day", "week", "month"]
    on: Weekday | Annotated[int, Meta(ge=1, le=31)] | Absent = ABSENT
    at: Clock = "10:00"
    audience: ConditionData | Absent = ABSENT


class Broadcast(Config, frozen=True, kw_only=True):
    """Started once for an audience."""

    audience: ConditionData


class Entry(Config, frozen=True, kw_only=True, rename={"if_": "if"}):
    """What lets somebody in."""

    one_of: ClassVar[tuple[str, ...]] = ("event", "segment_entered", "segment_left", "date", "schedule", "broadcast")

    event: EventPattern | Absent = ABSENT
    segment_entered: SegmentId | Absent = ABSENT
    segment_left: SegmentId | Absent = ABSENT
    date: DateEntry | Absent = ABSENT
    schedule: Schedule | Absent = ABSENT
    broadcast: Broadcast | Absent = ABSENT
    if_: ConditionData | Absent = ABSENT
    key: Text | Absent = ABSENT


class Cooldown(Config, frozen=True, kw_only=True):
    """Again after so many days."""

    cooldown_days: Days


class Goal(Config, frozen=True, kw_only=True):
    """What the journey is for."""

    event: EventPattern
    within_days: Days | Absent = ABSENT
    exit_on_goal: bool = True


class Holdout(Config, frozen=True, kw_only=True):
    """The control group."""

    percent: Percent
    salt: Text


class Message(Config, frozen=True, kw_only=True):
    """Send a content item."""

    content: ContentId
    channel: ChannelId
    purpose: PurposeId
    message_class: MessageClass
    valid_for_hours: Positive | Absent = ABSENT
    if_withheld: Literal["skip", "wait", "exit"] = "skip"


class Wait(Config, frozen=True, kw_only=True):
    """Wait for a time, or until one."""

    minutes: Positive | Absent = ABSENT
    hours: Positive | Absent = ABSENT
    days: Positive | Absent = ABSENT
    weeks: Positive | Absent = ABSENT
    until: Text | Absent = ABSENT
    until_weekday: Weekday | Absent = ABSENT
    until_property: Text | Absent = ABSENT
    offset_days: int | Absent = ABSENT
    at: Clock | Absent = ABSENT


class AwaitedPattern(Config, frozen=True, kw_only=True):
    """One of the things waited for."""

    one_of: ClassVar[tuple[str, ...]] = ("event", "condition")

    id: Id
    event: EventPattern | Absent = ABSENT
    condition: ConditionData | Absent = ABSENT
    next: StepId | Absent = ABSENT


class WaitFor(Config, frozen=True, kw_only=True):
    """Wait until any of several things happens."""

    any: Annotated[list[AwaitedPattern], Meta(min_length=1)]
    timeout: Wait
    on_timeout: StepId | Absent = ABSENT


class BranchPart(Config, frozen=True, kw_only=True):
    """One way on, with its condition."""

    id: Id
    when: ConditionData | Absent = ABSENT
    next: StepId


class SplitPart(Config, frozen=True, kw_only=True):
    """One share of the people."""

    id: Id
    percent: Percent
    next: StepId


class Split(Config, frozen=True, kw_only=True):
    """Divide people by chance, each always the same way."""

    salt: Text
    parts: Annotated[list[SplitPart], Meta(min_length=1)]


class SetAttribute(Config, frozen=True, kw_only=True):
    """Write an attribute of the profile."""

    name: AttributeName
    value: Plain


class AddScore(Config, frozen=True, kw_only=True):
    """Give points."""

    score: ScoreId
    points: int


class EmitEvent(Config, frozen=True, kw_only=True):
    """Let an event happen."""

    name: EventName
    properties: dict[str, Plain] | Absent = ABSENT


class Exit(Config, frozen=True, kw_only=True):
    """Leave the journey."""

    reason: Text = "exit"


STEPS: dict[str, Any] = {
    "message": Message,
    "wait": Wait,
    "wait_for": WaitFor,
    "branch": Annotated[list[BranchPart], Meta(min_length=1)],
    "split": Split,
    "set_attribute": SetAttribute,
    "add_score": AddScore,
    "emit_event": EmitEvent,
    "exit": Exit,
}


class Journey(Config, frozen=True, kw_only=True):
    """A journey."""

    name: Names
    priority: Priority = 5
    entry: Entry
    re_entry: Literal["once", "always", "after_exit", "once_per_key"] | Cooldown = "once"
    goal: Goal | Absent = ABSENT
    exit_when: ConditionData | Absent = ABSENT
    holdout: Holdout | Absent = ABSENT
    start: StepId | Absent = ABSENT
    steps: Annotated[list[StepData], Meta(min_length=1)]
