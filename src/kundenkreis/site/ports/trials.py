"""What the pages of trial runs and of the library ask: simulating a draft over the past, and which events have been seen."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from kundenkreis.journeys.core.flow import Counts


@dataclass(frozen=True, kw_only=True)
class TrialResult:
    """What a draft would have done."""

    sample_percent: float
    """Of everybody; all counts are those of the sample."""
    entries: int
    control: int
    messages: int
    goals: int
    under_way: int
    collisions: int
    """Messages that met a limit of the contact budget."""
    displaced: int
    """Real messages of other journeys that would not have gone out."""
    entries_per_day: Mapping[str, int]
    """ISO day -> people."""
    messages_per_day: Mapping[str, Mapping[str, int]]
    """ISO day -> channel -> messages."""
    withheld: Mapping[str, int]
    """Deciding rule -> messages."""
    exits: Mapping[str, int]
    """How a way ended -> people."""
    steps: Mapping[str, Mapping[str, int]]
    """Step ("" for what happens at none) -> outcome -> lines of paths."""

    @property
    def counts(self) -> Counts:
        """(step, outcome) -> lines of paths, for the drawing."""
        return Counter({(step, outcome): n for step, outcomes in self.steps.items() for outcome, n in outcomes.items()})


TrialState = Literal["at_work", "done", "failed"]


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One trial run: under way, done, or failed."""

    trial_id: str
    from_day: int
    to_day: int
    done: int
    total: int
    result: TrialResult | None = None
    problem: str = ""
    document: Mapping[str, Any] | None = None
    """The draft as it was when the run began."""

    @property
    def state(self) -> TrialState:
        """How far it is."""
        if self.problem:
            return "failed"
        return "at_work" if self.result is None else "done"


@dataclass(frozen=True, kw_only=True)
class SeenEvent:
    """How often an event came lately."""

    name: str
    count: int
    first_us: int
    last_us: int


class Trials(Protocol):
    """Runs drafts over the recorded past, one at a time per journey."""

    def start(self, document: Mapping[str, Any], *, from_day: int, to_day: int) -> Trial:
        """Begin a run in the background; takes the place of an earlier one of the same journey."""
        ...

    def find(self, journey_id: str) -> Trial | None:
        """The newest run of this journey, None if there was none."""
        ...

    def end(self, journey_id: str, trial_id: str) -> bool:
        """End this run and forget its result; False if it is not there."""
        ...

    def first_day(self) -> int:
        """The first day that the log knows, as an installation day number."""
        ...

    def seen_events(self, names: Sequence[str]) -> tuple[SeenEvent, ...]:
        """How often these events came among the newest of the log, in the order asked."""
        ...
