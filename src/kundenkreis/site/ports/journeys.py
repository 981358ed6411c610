"""What the journey pages ask: which journeys there are, where people stand in them, and what they achieve."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from kundenkreis.journeys.core.drawing import Drawing
from kundenkreis.journeys.core.figures import Comparison, Quartiles

JourneyState = Literal["draft", "live", "paused", "stopped"]
"""paused: nobody enters, whoever is under way finishes; stopped: everybody has left."""
WAYS_TO_COUNT = ("standing", "arrived", "withheld", "with_goal", "ended", "left", "failed_end", "ended_here")
"""What a number on the page may be made of, besides one outcome of a path and "out:<way>": who is there now; who came there; whose message
was withheld, whatever followed; who left with the goal, at an end without it, by a rule, or failed for good; who ended at a step.

Besides, "near:<journey>" ("*": any) for those who entered another journey at about the same time, and "in:<kind>:<id>:<group>:<what>" for the
cells of Effects: kind phase, segment or all; group treated or control; what goal or all."""
Names = Mapping[str, str]
"""{de, en}: what people call it."""


@dataclass(frozen=True, kw_only=True)
class Whereabouts:
    """Where everybody is who entered: the parts add up to `entered`."""

    entered: int
    waiting: int
    """Under way."""
    goal: int
    """Left because the goal was reached."""
    ended: int
    """Came to the end without it."""
    left: int
    """Left by a rule: exit condition, withheld message, stop, restart, merge."""
    failed: int
    control: int
    """Of those who entered: in the control group."""


@dataclass(frozen=True, kw_only=True)
class JourneyLine:
    """One journey in the list."""

    id: str
    names: Names
    state: JourneyState
    where: Whereabouts
    goals: int
    """People who reached the goal, also those who went on or had left before."""
    sent: int
    withheld: int
    has_draft: bool
    """Somebody works on it; what they have saved is not in force."""
    changed_us: int
    changed_by: str
    version: int
    """Rulebook version of its newest form, 0 for one that was never published."""


@dataclass(frozen=True, kw_only=True)
class StepFigures:
    """What happened at one step, over all versions."""

    step_id: str
    arrived: int
    standing: int
    """Here now."""
    out: Mapping[str, int]
    """Way out ("next", a branch's id, "timeout", "none") -> how many took it."""
    ended: int
    """Ended here: goal, exit, rule."""
    sent: int
    withheld: int
    spared: int
    """In the control group: nothing was done."""
    failed: int


@dataclass(frozen=True, kw_only=True)
class DayFigure:
    """Entries of one day."""

    day: int
    """Installation day number."""
    entries: int
    low: float
    """What such a weekday brings at least, going by the eight before it; -1: too few days to say."""
    high: float


@dataclass(frozen=True, kw_only=True)
class WithheldFigure:
    """Messages that did not go out, by the rule that decided."""

    outcome: str
    reason: str
    count: int


@dataclass(frozen=True, kw_only=True)
class ContentFigure:
    """Messages of one content item."""

    content_id: str
    names: Names
    sent: int
    withheld: int


@dataclass(frozen=True, kw_only=True)
class GroupRevenue:
    """Orders of one group in the days after their entry: people whose days are over, the sum in minor units and the sum of squares per person."""

    people: int
    minor: int
    squares: float


@dataclass(frozen=True, kw_only=True)
class CellCounts:
    """People who were in a phase or persona when they entered: (with the goal, of) per group."""

    kind: str
    id: str
    treated: tuple[int, int]
    control: tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class OtherJourney:
    """A journey that the same people entered at about the same time."""

    journey_id: str
    people: int


@dataclass(frozen=True, kw_only=True)
class ContentFates:
    """What became of the messages of one content, by fate (ports/decided.py)."""

    content_id: str
    fates: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Effects:
    """What a journey brought about, as the counter left it."""

    at_us: int
    goal_days: int
    revenue_days: int
    """Days after the entry whose orders count."""
    currency: str
    treated: GroupRevenue
    control: GroupRevenue
    cells: tuple[CellCounts, ...]
    entered: int
    near: int
    """Of those who entered: another journey within 7 days before or after."""
    others: tuple[OtherJourney, ...]
    """Most people first."""
    handed_over: int
    """Marketing messages of this journey."""
    displaced: int
    """Messages that lost their place to one that mattered more."""
    contents: tuple[ContentFates, ...]


@dataclass(frozen=True, kw_only=True)
class JourneyReport:
    """One journey with everything its page shows."""

    line: JourneyLine
    document: Mapping[str, Any]
    """The newest form as written."""
    drawing: Drawing
    steps: Mapping[str, StepFigures]
    elsewhere: int
    """People who stand in steps that the newest form no longer has."""
    reached: Comparison
    """Goal reached by people whose time for it is over, against the control group."""
    still_open: int
    """Entered, but their time for the goal is not over."""
    days_to_goal: Mapping[int, int]
    """Full days since the entry -> people."""
    quartiles: Quartiles | None
    per_day: tuple[DayFigure, ...]
    """The newest last."""
    withheld: tuple[WithheldFigure, ...]
    """Most frequent first."""
    contents: tuple[ContentFigure, ...]
    goal_days: int
    """Within which the goal counts; 0: as long as somebody is under way."""
    undo_until_us: int
    """Until when the last change can be taken back; 0: not any more."""
    before: Mapping[str, Any] | None
    """The form that taking it back puts in force again; None: none, nobody enters then."""
    as_of_us: int
    versions: tuple[tuple[int, Whereabouts], ...] = ()
    """Where those are who entered each version, the newest first."""
    effects: Effects | None = None
    """None: not counted yet."""
    cell_names: Mapping[str, Names] = field(default_factory=dict)
    """Of the phases, personas and journeys that `effects` names."""


@dataclass(frozen=True, kw_only=True)
class PersonInJourney:
    """Somebody in a list behind a number."""

    profile_id: int
    name: str
    email: str
    at_us: int


@dataclass(frozen=True, kw_only=True)
class PeoplePage:
    """A stretch of a list of people, newest first."""

    people: tuple[PersonInJourney, ...]
    next_cursor: str


@dataclass(frozen=True, kw_only=True)
class PathLine:
    """One line of somebody's way through a journey."""

    step_id: str
    outcome: str
    at_us: int


@dataclass(frozen=True, kw_only=True)
class RunPath:
    """One run of one person, oldest line first."""

    run_id: str
    version: int
    in_control_group: bool
    lines: tuple[PathLine, ...]


@dataclass(frozen=True, kw_only=True)
class Trace:
    """Everything one person went through in a journey."""

    person: PersonInJourney
    runs: tuple[RunPath, ...]
    """The newest first."""


class JourneySource(Protocol):
    """Answers where people are in journeys."""

    def list_journeys(self) -> tuple[JourneyLine, ...]:
        """Every journey: live ones first, then by name."""
        ...

    def read_journey(self, journey_id: str) -> JourneyReport | None:
        """One journey with its figures, None if there is none of this id."""
        ...

    def find_people(self, journey_id: str, *, step_id: str, outcome: str, cursor: str, limit: int) -> PeoplePage:
        """People behind a number: `outcome` as the path says it ("entered", "goal", "done", ...), or what the drawing adds up from
        that (WAYS_TO_COUNT): "standing", "arrived", "out:<way>", ... `step_id` "" for what stands at no step; "*": whatever the step.
        """
        ...

    def trace_person(self, journey_id: str, profile_id: int) -> Trace | None:
        """One person's runs, None if this person was never in this journey."""
        ...
