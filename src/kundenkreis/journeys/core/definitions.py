"""What a journey looks like as written down: typed configs that mirror docs/reference/definitions.md (Journeys).

Step kinds are plug-ins, so a step stays a plain mapping here; `steps/registry.py` types it and derives its JSON schema.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec

from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.references import AttributeName, ConditionData, EventName, ExitData, SegmentId, StepData, StepId
from kundenkreis.kernel.zones import HOUR, MINUTE
from kundenkreis.segments.core.protocol import PropertyFilter

Id = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_]{0,63}$")]
ClockTime = Annotated[str, msgspec.Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$")]
"""Local time of day, "10:00"."""
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Percent = Annotated[float, msgspec.Meta(ge=0, le=100)]
Count = Annotated[int, msgspec.Meta(ge=0, le=600_000)]
"""A number of minutes, hours, days or weeks; 600,000 minutes are more than a year."""
MOST_DAYS = 3660
"""The longest wait: ten years."""


class Duration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long: weeks and days are calendar days of the customer, hours and minutes are exact; `at`: then until this
    local time.
    """

    minutes: Count = 0
    hours: Count = 0
    days: Count = 0
    weeks: Count = 0
    at: ClockTime | None = None

    @property
    def calendar_days(self) -> int:
        """Days and weeks together."""
        return self.days + 7 * self.weeks

    @property
    def exact_us(self) -> Micros:
        """Hours and minutes together."""
        return self.hours * HOUR + self.minutes * MINUTE

    @property
    def has_length(self) -> bool:
        """Whether any time is stated."""
        return bool(self.minutes or self.hours or self.days or self.weeks)


class EventTrigger(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The next event of this name whose properties match."""

    name: EventName | list[EventName]
    where: list[PropertyFilter] = msgspec.field(default_factory=list)
    key: str | None = None
    """Goal, exit_when, wait_for: property of this event that names the run's entry key, where it is not the property that let it in; "" = the
    event is about all runs."""


def trigger_of(data: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The next event that `exit_when` waits for, as plain data; None where it is a condition: windows and counts look back."""
    event = data.get("event")
    is_trigger = len(data) == 1 and isinstance(event, Mapping) and event.keys() <= set(EventTrigger.__struct_fields__)
    return event if is_trigger else None


class DateEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """At a date the profile knows, moved by days, at a local time."""

    attribute: AttributeName
    offset_days: Annotated[int, msgspec.Meta(ge=-366, le=366)] = 0
    at: ClockTime = "09:00"
    yearly: bool = False


class ScheduleEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Again and again at a local time, for everybody of whom the audience condition holds at that instant."""

    every: Literal["day", "week", "month"]
    at: ClockTime
    audience: ConditionData
    on: Weekday | Annotated[int, msgspec.Meta(ge=1, le=31)] | None = None
    """Weekday of `week`; day of `month` (the last day where the month is shorter; default 1)."""


class BroadcastEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Once for everybody of whom the audience condition holds when the broadcast is started by a person."""

    audience: ConditionData


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How somebody gets in: exactly one of event, segment_entered, segment_left, date, schedule, broadcast."""

    event: EventTrigger | None = None
    segment_entered: SegmentId | None = None
    segment_left: SegmentId | None = None
    date: DateEntry | None = None
    schedule: ScheduleEntry | None = None
    broadcast: BroadcastEntry | None = None
    condition: ConditionData | None = msgspec.field(default=None, name="if")
    key: str | None = None
    """Property (dotted path) of the entering event that tells parallel runs apart."""


class Cooldown(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """In again when so many times 24 hours have passed since the last entry, and no run is under way."""

    cooldown_days: Annotated[int, msgspec.Meta(ge=1, le=3650)]


ReEntry = Literal["once", "always", "after_exit", "once_per_key"] | Cooldown


class Goal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the journey is for: an event or a condition, within days of the entry."""

    event: EventTrigger | None = None
    condition: ConditionData | None = None
    within_days: Annotated[int, msgspec.Meta(ge=1, le=3650)] | None = None
    """Times 24 hours from the entry. None: as long as the run is under way."""
    exit_on_goal: bool = True


class Holdout(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The control group: enters, is measured, receives nothing."""

    percent: Percent
    salt: str = ""
    """"" = the journey's id."""


class JourneyDefinition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One journey as a document of kind `journey`."""

    id: Id
    entry: Entry
    steps: list[StepData]
    """[{id, <step kind>: {...}, next?}, ...]; typed by steps/registry.py."""
    kind: Literal["journey"] = "journey"
    name: dict[str, str] = msgspec.field(default_factory=dict)
    description: dict[str, str] = msgspec.field(default_factory=dict)
    priority: Annotated[int, msgspec.Meta(ge=1, le=10)] | None = None
    """Of its messages that name none. None: the contact policy's `default_priority`."""
    re_entry: ReEntry = "once"
    goal: Goal | None = None
    exit_when: ExitData | None = None
    holdout: Holdout | None = None
    start: StepId | None = None
