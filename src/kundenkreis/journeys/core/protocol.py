"""What a step is: a typed config, the graph edges it opens, and one pure decision.

`journeys/steps/` holds one file per kind and one line each in `journeys/steps/registry.py`. A step never changes the
run: it answers with Stay, Go or End, and `core/runs.py` carries that out, writes the path and keeps the budget.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol

import msgspec

from kundenkreis.customers.core.state import CustomerState, Planned, Run
from kundenkreis.journeys.core.definitions import EventTrigger, JourneyDefinition
from kundenkreis.journeys.core.properties import key_in
from kundenkreis.journeys.errors import JourneyProblem
from kundenkreis.kernel.hashing import effect_id_of
from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.kernel.rows import LogRow
from kundenkreis.kernel.zones import Zone
from kundenkreis.segments.core.protocol import Condition, PropertyFilter

EXIT = "exit"
"""The target that ends a run."""

ENTERED, TIMER, EVENT, CHANGED, MESSAGE = "entered", "timer", "event", "changed", "message"
"""Why a step is asked: the run has just arrived; its time is up; a log row came; something it reads changed; its
message has a fate.
"""

Path = tuple[str | int, ...]
"""Where in the plain data of a definition: ("steps", 2, "branch", 0, "when")."""
Matches = Callable[[dict[str, Any], int], bool]
"""Whether an event's properties match the filters, seen from the day number of the event."""


class Stay(msgspec.Struct, frozen=True, gc=False):
    """The run remains in this step until an instant, or until something it listens to happens."""

    until_us: Micros = NEVER
    waiting_for: str = ""
    reason: Sequence[Any] = ()
    message: Planned | None = None
    """A message to be judged; the run waits for its fate."""


class Go(msgspec.Struct, frozen=True, gc=False):
    """The run moves on."""

    target: str = ""
    """Step id or "exit"; "" = the step's default next."""
    outcome: str = "done"
    """What the path says: done, sent, withheld, holdout, failed, branch:<name>."""
    reason: Sequence[Any] = ()
    event: tuple[str, dict[str, Any]] | None = None
    """(name, properties) of an event to derive."""


class End(msgspec.Struct, frozen=True, gc=False):
    """The run ends here."""

    outcome: str
    """exited:<reason> or failed."""
    reason: Sequence[Any] = ()


Outcome = Stay | Go | End


class Edge(NamedTuple):
    """One way out of a step."""

    name: str
    """"next", a branch's id, "timeout"."""
    target: str
    """Step id, "exit", or "" = the default next."""
    path: Path
    """Where the definition names the target, relative to the step."""
    waits: bool = False
    """Whether whoever takes it has waited for at least a minute; loops must hold one."""


class Moment(NamedTuple):
    """What a step sees when it is asked."""

    signal: str
    at_us: Micros
    state: CustomerState
    zone: Zone
    """The customer's own zone: local times of day are meant there."""
    row: LogRow | None
    journey_priority: int
    cause: bytes
    acted_us: Micros
    """When the person did what this follows from; -1: it follows from nothing that they did."""


def effect_of_visit(run: Run, step_id: str = "", visit: int = 0) -> bytes:
    """Id of what a visit of a step causes: this visit of the step in which the run stands, or another, counted from 1."""
    name = step_id or run.step_id
    return effect_id_of(run.entered_event or run.entered_us, run.run_id, name, visit or run.counts.get(name, 0))


class CompiledStep(Protocol):
    """One step, ready to decide."""

    @property
    def edges(self) -> tuple[Edge, ...]:
        """Every way out, so that the graph can be checked."""

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Conditions it asks: their facts must be kept, their changes wake it."""

    @property
    def listens(self) -> frozenset[str]:
        """Event names at which it wants to be asked."""

    @property
    def is_local(self) -> bool:
        """Whether its waiting hangs on the customer's zone, so that a move computes it anew."""

    def decide(self, run: Run, moment: Moment) -> Outcome: ...


class StepSource(NamedTuple):
    """A step as the graph hands it to its kind."""

    journey: JourneyDefinition
    step_id: str
    config: Any
    path: Path
    """("steps", 3, "wait")."""


class CompileContext(Protocol):
    """What compiling needs from outside: conditions, filters, and what the rulebook knows."""

    contents: Collection[str] | None
    """Known content ids; None: not checked."""
    segments: Collection[str] | None
    scores: Collection[str] | None
    problems: list[JourneyProblem]

    def condition(self, data: Any, path: Path) -> Condition:
        """The compiled condition; a wrong one becomes a problem at this path and answers no."""

    def matches(self, where: Sequence[PropertyFilter], path: Path) -> Matches:
        """Whether an event's properties pass all filters; `path` is that of the event, above `where`."""

    def problem(self, path: Path, code: str, message: str) -> None:
        """Note what is wrong and where."""


StepGroup = Literal["speak", "wait", "decide", "act", "end"]

NameOf = Callable[[str, str, str], str]
"""(kind, id, language) -> what people call a definition: ("content", "welcome_hello", "de")."""


class StepKind(NamedTuple):
    """The plug-in: one file per kind in journeys/steps/, one line in journeys/steps/registry.py."""

    kind: str
    """The word in files: `wait`."""
    config: Any
    """Type of its configuration: a msgspec Struct, or a list of such."""
    label: Mapping[str, str]
    """{de, en}: what the editor's palette says."""
    sample: Any
    """A valid configuration as plain data, shown in the docs and run by the contract tests."""
    compile: Callable[[StepSource, CompileContext], CompiledStep]
    """Notes what is wrong as problems; may then return anything that compiles."""
    icon: str = "circle-dotted"
    """How the drawing shows it: a file of site/icons/."""
    group: StepGroup = "act"
    """What it is about; the palette is ordered and coloured by it."""
    tell: Callable[[Any, NameOf], Mapping[str, str]] = lambda _config, _name_of: {}
    """{de, en}: one configuration in a few words, as the drawing of a journey shows it; {} where the label says it all."""


class PlainStep:
    """What most steps are: nothing to ask, nothing to listen to, not local. Kinds override what differs."""

    edges: tuple[Edge, ...] = ()
    conditions: tuple[Condition, ...] = ()
    listens: frozenset[str] = frozenset()
    is_local: bool = False


class DerivingStep(PlainStep):
    """A step that puts one event on the log and goes on; nothing for the control group."""

    edges = (Edge("next", "", ("next",)),)

    def __init__(self, event: str, properties: Mapping[str, Any], *, subject: str) -> None:
        """
        Args:
            subject: what the control group's reason names: the score, the attribute, the event.
        """
        self._event, self._properties, self._subject = event, properties, subject

    def decide(self, run: Run, moment: Moment) -> Outcome:
        """Derives the event."""
        if run.in_holdout:
            return Go(outcome="holdout", reason=["holdout", self._subject])
        return Go(event=(self._event, dict(self._properties)))


class Trigger(NamedTuple):
    """A compiled event trigger."""

    names: tuple[str, ...]
    matches: Matches | None
    """None: every event of these names."""
    key: str
    """Property that names the entry key of the run it is about; "" = about all runs."""

    def fires(self, row: LogRow) -> bool:
        """Whether this row is such an event."""
        return row.name in self.names and (self.matches is None or self.matches(row.properties, row.day))

    def fires_for(self, run: Run, row: LogRow) -> bool:
        """Whether it is such an event about this run: one that names another entry key (another cart) is not; one that names none is."""
        if not self.fires(row):
            return False
        return not run.entry_key or key_in(row.properties, self.key) in ("", run.entry_key)


def compile_trigger(trigger: EventTrigger, context: CompileContext, path: Path, *, entry_key: str | None) -> Trigger:
    """An event trigger ready to be asked; wrong filters become problems at `path`.

    Args:
        entry_key: property of the entering event that tells runs apart; events name it by the same word unless they say otherwise.
    """
    names = (trigger.name,) if isinstance(trigger.name, str) else tuple(trigger.name)
    if not names or "" in names:
        context.problem((*path, "name"), "event_name_missing", "Name the event, or a list of events.")
    matches = context.matches(trigger.where, path) if trigger.where else None
    return Trigger(names, matches, (entry_key if trigger.key is None else trigger.key) or "")


def check_branch_id(branch_id: str, taken: Collection[str], context: CompileContext, path: Path, *, noun: str) -> None:
    """Notes an id that another way out of the same step has already.

    Args:
        path: of the id.
        noun: what the step calls its ways out: branch, part, alternative.
    """
    if branch_id in taken:
        context.problem(path, "duplicate_branch", f'"{branch_id}" is taken; give each {noun} an id of its own.')
