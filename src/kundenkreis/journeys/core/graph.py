"""From a journey as written to a checked step graph: every wrong reference is a problem with its place, found before
anything runs.

Checked: step ids and kinds, default and stated targets, unreachable steps, loops without a wait of at least a minute,
references to contents, segments and scores, conditions and filters.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from kundenkreis.customers.core.state import Run
from kundenkreis.journeys.core.compiled import CompiledEntry, CompiledJourney, Node, TimedEntry, Watch, reads_of
from kundenkreis.journeys.core.definitions import Entry, EventTrigger, Goal, JourneyDefinition, trigger_of
from kundenkreis.journeys.core.local_time import clock_seconds
from kundenkreis.journeys.core.protocol import (
    EXIT,
    CompiledStep,
    Edge,
    Matches,
    Moment,
    Outcome,
    Path,
    PlainStep,
    Stay,
    StepKind,
    StepSource,
    compile_trigger,
)
from kundenkreis.journeys.errors import InvalidJourneyError, JourneyProblem
from kundenkreis.journeys.steps.registry import kinds_by_name
from kundenkreis.kernel.errors import KundenkreisError
from kundenkreis.kernel.hashing import BUCKETS
from kundenkreis.kernel.zones import DAY
from kundenkreis.segments.core.facts import facts_of
from kundenkreis.segments.core.protocol import Condition, PropertyFilter
from kundenkreis.segments.core.tree import NEVER_HOLDS

_STEP_ID = re.compile(r"[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True)
class Surroundings:
    """What a journey is compiled in: how conditions and filters compile, and which names the rulebook knows (None: not
    checked).
    """

    compile_condition: Callable[[Any], Condition]
    compile_matches: Callable[[Sequence[PropertyFilter]], Matches]
    reads_below: Callable[[Iterable[str]], frozenset[str]] = frozenset
    """Dirty keys with those of all that the definitions behind them read."""
    contents: Collection[str] | None = None
    segments: Collection[str] | None = None
    scores: Collection[str] | None = None
    default_priority: int = 5
    """Of journeys that state none."""
    kinds: Mapping[str, StepKind] = field(default_factory=kinds_by_name)


class _Unreadable(PlainStep):
    """Stands in for a step that cannot be read, so that the graph around it is checked too; its journey is refused."""

    edges = (Edge("next", "", ("next",)),)

    def decide(self, run: Run, moment: Moment) -> Outcome:
        return Stay()


class _Context:
    """The compile context of one journey: collects problems (journeys/core/protocol.py: CompileContext)."""

    def __init__(self, around: Surroundings) -> None:
        self.around = around
        self.contents, self.segments, self.scores = around.contents, around.segments, around.scores
        self.problems: list[JourneyProblem] = []
        self.conditions: list[Condition] = []

    def condition(self, data: Any, path: Path) -> Condition:
        try:
            condition = self.around.compile_condition(data)
        except KundenkreisError as error:
            self._refused(path, error)
            return NEVER_HOLDS
        for key in sorted(condition.reads):
            kind, _, name = key.partition(":")
            known = {"segment": self.segments, "score": self.scores}.get(kind)
            if known is not None and name not in known:
                self.problem(path, f"unknown_{kind}", f'There is no {kind} "{name}".')
        self.conditions.append(condition)
        return condition

    def matches(self, where: Sequence[PropertyFilter], path: Path) -> Matches:
        try:
            return self.around.compile_matches(where)
        except KundenkreisError as error:
            self._refused(path, error)
            return lambda _properties, _day: False

    def _refused(self, path: Path, error: KundenkreisError) -> None:
        """What conditions and filters say is wrong, with their own place in the data (`error.path`) where they name
        it.
        """
        remedy = str(error.data.get("remedy", ""))
        inner = error.data.get("path")
        place = (*path, *inner) if isinstance(inner, list | tuple) else path
        self.problem(place, getattr(error, "slug", error.code), f"{error} {remedy}".strip())

    def problem(self, path: Path, code: str, message: str) -> None:
        self.problems.append(JourneyProblem(path, code, message))

    def segment(self, name: str | None, path: Path) -> str:
        """The id of a segment that must exist."""
        if name is not None and self.segments is not None and name not in self.segments:
            self.problem(path, "unknown_segment", f'There is no segment "{name}".')
        return name or ""


def compile_journey(
    definition: JourneyDefinition, *, version: int, around: Surroundings, lets_in: bool = True
) -> CompiledJourney:
    """The journey, ready to run.

    Args:
        lets_in: False for a version that nobody enters any more: whoever is under way in it does not depend on what its entry names.

    Raises:
        InvalidJourneyError: with every problem found, each with its path into the definition's data.
    """
    context = _Context(around)
    entry = _entry(definition, context) if lets_in else _closed(definition.entry)
    goal = _goal(definition.goal, context, entry_key=definition.entry.key)
    exit_when = _watch_data(definition.exit_when, context, ("exit_when",), entry_key=definition.entry.key)
    nodes = _nodes(definition, context)
    start = _start(definition, nodes, context)
    _check_graph(definition, nodes, start, context)
    if context.problems:
        raise InvalidJourneyError(definition.id, context.problems)
    watched = [watch.condition for watch in (goal, exit_when) if watch is not None and watch.condition is not None]
    within, holdout = definition.goal.within_days if definition.goal else None, definition.holdout
    return CompiledJourney(
        id=definition.id,
        version=version,
        definition=definition,
        priority=definition.priority or around.default_priority,
        entry=entry,
        re_entry=definition.re_entry,
        nodes=nodes,
        start=start,
        goal=goal,
        goal_within_us=within * DAY if within is not None else None,
        exit_on_goal=definition.goal.exit_on_goal if definition.goal else True,
        exit_when=exit_when,
        holdout_buckets=round(holdout.percent * BUCKETS / 100) if holdout else 0,
        holdout_salt=(holdout.salt if holdout else "") or definition.id,
        watch_reads=reads_of(watched),
        timed_reads=around.reads_below(_timed_reads(entry)),
        facts=facts_of(context.conditions),
    )


def _entry(definition: JourneyDefinition, context: _Context) -> CompiledEntry:
    entry, path = definition.entry, ("entry",)
    ways = ("event", "segment_entered", "segment_left", "date", "schedule", "broadcast")
    if sum(getattr(entry, way) is not None for way in ways) != 1:
        context.problem(path, "entry_unclear", f"State exactly one way in: {', '.join(ways)}.")
    if entry.event is not None and entry.event.key is not None:
        context.problem(("entry", "event", "key"), "key_misplaced", "Name the entry key beside the event: entry.key.")
    conditions = []
    for way, chosen in (("schedule", entry.schedule), ("broadcast", entry.broadcast)):
        if chosen is not None:
            conditions.append(context.condition(chosen.audience, ("entry", way, "audience")))
    if entry.condition is not None:
        conditions.append(context.condition(entry.condition, ("entry", "if")))
    return CompiledEntry(
        trigger=compile_trigger(entry.event, context, ("entry", "event"), entry_key=None)
        if entry.event is not None
        else None,
        segment_entered=context.segment(entry.segment_entered, ("entry", "segment_entered")),
        segment_left=context.segment(entry.segment_left, ("entry", "segment_left")),
        timed=_timed(entry, context),
        is_broadcast=entry.broadcast is not None,
        conditions=tuple(conditions),
        key=entry.key or "",
    )


def _closed(entry: Entry) -> CompiledEntry:
    """An entry through which nobody comes."""
    return CompiledEntry(None, "", "", None, is_broadcast=False, conditions=(), key=entry.key or "")


def _timed(entry: Entry, context: _Context) -> TimedEntry | None:
    if entry.date is not None:
        return TimedEntry(entry.date, None, clock_seconds(entry.date.at))
    schedule = entry.schedule
    if schedule is None:
        return None
    wanted: Mapping[str, Any] = {"day": type(None), "week": str, "month": (int, type(None))}
    if not isinstance(schedule.on, wanted[schedule.every]):
        help_text = {"day": "leave `on` out", "week": "give `on` a weekday", "month": "give `on` a day from 1 to 31"}
        context.problem(
            ("entry", "schedule", "on"), "schedule_unclear", f"For every {schedule.every}: {help_text[schedule.every]}."
        )
    return TimedEntry(None, schedule, clock_seconds(schedule.at))


def _timed_reads(entry: CompiledEntry) -> frozenset[str]:
    if entry.timed is None:
        return frozenset()
    date = entry.timed.date
    own = frozenset({f"attribute:{date.attribute.partition('.')[0]}"}) if date is not None else frozenset()
    return own | reads_of(entry.conditions, is_local=True)


def _goal(goal: Goal | None, context: _Context, *, entry_key: str | None) -> Watch | None:
    if goal is None:
        return None
    if (goal.event is None) == (goal.condition is None):
        context.problem(("goal",), "goal_unclear", "A goal is either an event or a condition.")
    trigger = None
    if goal.event is not None:
        trigger = compile_trigger(goal.event, context, ("goal", "event"), entry_key=entry_key)
    condition = context.condition(goal.condition, ("goal", "condition")) if goal.condition is not None else None
    return Watch(trigger, condition)


def _watch_data(
    data: Mapping[str, Any] | None, context: _Context, path: Path, *, entry_key: str | None
) -> Watch | None:
    """`{event: {name, where, key}}` is the next such event from the entry on; anything else, windows and counts included,
    is a condition.
    """
    if data is None:
        return None
    event = trigger_of(data)
    if event is not None:
        try:
            trigger = msgspec.convert(event, EventTrigger)
        except msgspec.ValidationError as error:
            context.problem((*path, "event", *_path_in(error)), "invalid_event", _text_of(error))
            return None
        return Watch(compile_trigger(trigger, context, (*path, "event"), entry_key=entry_key), None)
    return Watch(None, context.condition(data, path))


def read_nodes(steps: Sequence[Mapping[str, Any]], kinds: Mapping[str, StepKind]) -> dict[str, Node]:
    """The steps of a draft with their ways out, whatever else is wrong with it: what can be drawn. What cannot be read leads on to the next."""
    around = Surroundings(
        compile_condition=lambda _data: NEVER_HOLDS,
        compile_matches=lambda _where: lambda _properties, _day: False,
        kinds=kinds,
    )
    written = [dict(step) for step in steps]
    return _nodes(JourneyDefinition(id="drawn", entry=Entry(), steps=written), _Context(around))


def _nodes(definition: JourneyDefinition, context: _Context) -> dict[str, Node]:
    nodes: dict[str, Node] = {}
    if not definition.steps:
        context.problem(("steps",), "steps_missing", "A journey has at least one step.")
    for index, data in enumerate(definition.steps):
        path: Path = ("steps", index)
        step_id = data.get("id")
        if not isinstance(step_id, str) or not _STEP_ID.fullmatch(step_id) or step_id == EXIT:
            context.problem(
                (*path, "id"), "step_id_wrong", 'Give each step an id of small letters, digits and _; "exit" is taken.'
            )
            continue
        if step_id in nodes:
            context.problem((*path, "id"), "duplicate_step", f'There are two steps "{step_id}".')
            continue
        following = definition.steps[index + 1].get("id") if index + 1 < len(definition.steps) else EXIT
        target = data.get("next", following)
        kind, step = _step(definition, context, data, path)
        reads = reads_of(step.conditions, is_local=step.is_local)
        nodes[step_id] = Node(step_id, kind, step, target if isinstance(target, str) else "", reads)
    return nodes


def _step(
    definition: JourneyDefinition, context: _Context, data: Mapping[str, Any], path: Path
) -> tuple[str, CompiledStep]:
    """(kind, compiled step); where it cannot be read, an empty step stands in so that targets can still be checked."""
    words = [word for word in data if word not in ("id", "next")]
    kinds = context.around.kinds
    if len(words) != 1 or words[0] not in kinds:
        unknown = next((word for word in words if word not in kinds), None)
        place = (*path, unknown) if unknown is not None else path
        context.problem(place, "step_kind_unknown", f"A step has exactly one of: {', '.join(kinds)}.")
        return "", _Unreadable()
    kind = kinds[words[0]]
    try:
        config = msgspec.convert(data[kind.kind], kind.config)
    except msgspec.ValidationError as error:
        context.problem((*path, kind.kind, *_path_in(error)), "invalid_step", _text_of(error))
        return kind.kind, _Unreadable()
    return kind.kind, kind.compile(StepSource(definition, data["id"], config, (*path, kind.kind)), context)


def _start(definition: JourneyDefinition, nodes: Mapping[str, Node], context: _Context) -> str:
    start = definition.start or next(iter(nodes), EXIT)
    if nodes and start not in nodes:
        context.problem(("start",), "unknown_step", f'There is no step "{start}" to start with.')
    return start


def _check_graph(definition: JourneyDefinition, nodes: Mapping[str, Node], start: str, context: _Context) -> None:
    places = {data.get("id"): index for index, data in reversed(list(enumerate(definition.steps)))}
    ways: dict[str, list[tuple[str, Edge]]] = {}
    for step_id, node in nodes.items():
        ways[step_id] = []
        stated = "next" in definition.steps[places[step_id]]
        if stated and node.next not in nodes and node.next != EXIT:
            context.problem(("steps", places[step_id], "next"), "unknown_step", f'There is no step "{node.next}".')
        for edge in node.step.edges:
            target = edge.target or node.next
            if edge.target and target not in nodes and target != EXIT:
                context.problem(("steps", places[step_id], *edge.path), "unknown_step", f'There is no step "{target}".')
            if target in nodes:
                ways[step_id].append((target, edge))
    reached = _reached(start, ways)
    for step_id in nodes:
        if reached and step_id not in reached:
            context.problem(("steps", places[step_id]), "unreachable_step", f'Nothing leads to step "{step_id}".')
    for step_id, edge in _hasty_edges(ways):
        message = f'The loop through "{step_id}" needs a wait of at least one minute.'
        context.problem(("steps", places[step_id], *edge.path), "loop_without_wait", message)


def _reached(start: str, ways: Mapping[str, Sequence[tuple[str, Edge]]]) -> set[str]:
    if start not in ways:
        return set()
    reached, queue = {start}, [start]
    while queue:
        for target, _ in ways[queue.pop()]:
            if target not in reached:
                reached.add(target)
                queue.append(target)
    return reached


def _hasty_edges(ways: Mapping[str, Sequence[tuple[str, Edge]]]) -> list[tuple[str, Edge]]:
    """(step, edge) of one edge in every loop that can be run through without waiting. Depth first over edges without a
    wait, not recursive.
    """
    found: list[tuple[str, Edge]] = []
    done: set[str] = set()
    for root in ways:
        trail: list[tuple[str, int]] = [(root, 0)] if root not in done else []
        on_trail = {root}
        while trail:
            step_id, position = trail.pop()
            hasty = [way for way in ways[step_id] if not way[1].waits]
            if position == len(hasty):
                done.add(step_id)
                on_trail.discard(step_id)
                continue
            trail.append((step_id, position + 1))
            target, edge = hasty[position]
            if target in on_trail:
                found.append((step_id, edge))
            elif target not in done:
                on_trail.add(target)
                trail.append((target, 0))
    return found


def _path_in(error: msgspec.ValidationError) -> Path:
    """The keys in msgspec's "... - at `$.any[0].id`"."""
    _, _, place = str(error).rpartition(" - at `$")
    if not place or place == str(error):
        return ()
    keys = re.findall(r"\.([A-Za-z_][A-Za-z0-9_]*)|\[(\d+)\]", place)
    return tuple(int(number) if number else name for name, number in keys)


def _text_of(error: msgspec.ValidationError) -> str:
    return str(error).partition(" - at `$")[0] + "."
