"""A journey ready to run, and all of them with the indexes that make an untouched journey cost nothing."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

import msgspec

from kundenkreis.customers.core.zone import ZONE_KEYS
from kundenkreis.journeys.core.definitions import DateEntry, JourneyDefinition, ReEntry, ScheduleEntry
from kundenkreis.journeys.core.protocol import CompiledStep, Trigger
from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.zones import Zone
from kundenkreis.segments.core.facts import merge_specs
from kundenkreis.segments.core.protocol import Condition, FactSpec

_NO_KEYS: frozenset[str] = frozenset()


class Node(NamedTuple):
    """One step in the graph."""

    step_id: str
    kind: str
    step: CompiledStep
    next: str
    """Where the step leads when nothing else is said: a step id or "exit"."""
    reads: frozenset[str]
    """Dirty keys after which a run that stands here is asked again."""


class Watch(NamedTuple):
    """What ends or crowns a run from outside its steps: an event or a condition."""

    trigger: Trigger | None
    condition: Condition | None


class TimedEntry(NamedTuple):
    """An entry by date or by schedule, in the customer's zone."""

    date: DateEntry | None
    schedule: ScheduleEntry | None
    at_second: int


class CompiledEntry(NamedTuple):
    """How somebody gets in."""

    trigger: Trigger | None
    segment_entered: str
    segment_left: str
    timed: TimedEntry | None
    is_broadcast: bool
    conditions: tuple[Condition, ...]
    """Audience and `if`: all must hold at the instant of entry."""
    key: str


class CompiledJourney(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One version of a journey."""

    id: str
    version: int
    definition: JourneyDefinition
    priority: int
    entry: CompiledEntry
    re_entry: ReEntry
    nodes: dict[str, Node]
    start: str
    goal: Watch | None
    goal_within_us: Micros | None
    exit_on_goal: bool
    exit_when: Watch | None
    holdout_buckets: int
    """How many of the 10,000 buckets are the control group."""
    holdout_salt: str
    watch_reads: frozenset[str]
    """Dirty keys of the conditions of goal and exit_when."""
    timed_reads: frozenset[str]
    """Dirty keys after which the next date or schedule is computed anew."""
    facts: tuple[FactSpec, ...]


class CompiledJourneys:
    """All journeys of a rulebook, and every earlier version that runs may still stand in.

    Args:
        current: the published versions, which let people in.
        earlier: versions replaced or deleted since; runs in them go on as they began.
        zone: of the brand or the installation, for customers whose zone is unknown.
        include_existing: ids of journeys whose publisher chose "include those already in" at this publish.
    """

    def __init__(
        self,
        current: Iterable[CompiledJourney],
        earlier: Iterable[CompiledJourney] = (),
        *,
        zone: Zone,
        include_existing: Collection[str] = (),
    ) -> None:
        self.zone = zone
        self.current = {journey.id: journey for journey in current}
        self.versions = {(journey.id, journey.version): journey for journey in (*earlier, *self.current.values())}
        self.include_existing = frozenset(include_existing)
        self.by_event: dict[str, list[CompiledJourney]] = {}
        self.by_segment_entered: dict[str, list[CompiledJourney]] = {}
        self.by_segment_left: dict[str, list[CompiledJourney]] = {}
        self.timed: list[CompiledJourney] = []
        for journey in self.current.values():
            self._index(journey)
        self.timed_reads = _NO_KEYS.union(*(journey.timed_reads for journey in self.timed))
        self.facts = merge_specs(fact for journey in self.versions.values() for fact in journey.facts)
        """What the state must keep so that every condition in here can be answered."""

    def _index(self, journey: CompiledJourney) -> None:
        entry = journey.entry
        if entry.trigger is not None:
            for name in entry.trigger.names:
                self.by_event.setdefault(name, []).append(journey)
        if entry.segment_entered:
            self.by_segment_entered.setdefault(entry.segment_entered, []).append(journey)
        if entry.segment_left:
            self.by_segment_left.setdefault(entry.segment_left, []).append(journey)
        if entry.timed is not None:
            self.timed.append(journey)


def reads_of(conditions: Iterable[Condition], *, is_local: bool = False) -> frozenset[str]:
    """Dirty keys of these conditions; with those of the customer's zone where local times hang on it."""
    keys = _NO_KEYS.union(*(condition.reads for condition in conditions))
    return keys | ZONE_KEYS if is_local else keys
