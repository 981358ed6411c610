"""wait_for: until the first of several events or conditions, with a timeout."""

from typing import NamedTuple

import msgspec

from kundenkreis.customers.core.state import Run
from kundenkreis.journeys.core.definitions import MOST_DAYS, Duration, EventTrigger, Id
from kundenkreis.journeys.core.local_time import after_duration, clock_seconds
from kundenkreis.journeys.core.protocol import (
    EVENT,
    CompileContext,
    Edge,
    Go,
    Moment,
    NameOf,
    Outcome,
    PlainStep,
    Stay,
    StepKind,
    StepSource,
    Trigger,
    check_branch_id,
    compile_trigger,
)
from kundenkreis.journeys.steps.telling import duration, joined
from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.kernel.references import ConditionData, StepId
from kundenkreis.kernel.zones import Zone
from kundenkreis.segments.core.protocol import Condition


class Alternative(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that ends the waiting: an event from now on, or a condition that holds."""

    id: Id
    event: EventTrigger | None = None
    condition: ConditionData | None = None
    next: StepId | None = None
    """Default: the step's next."""


class WaitForConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The alternatives in order, and what to do when none comes."""

    any: list[Alternative]
    timeout: Duration | None = None
    on_timeout: StepId | None = None


class Watched(NamedTuple):
    """A compiled alternative."""

    name: str
    target: str
    trigger: Trigger | None
    condition: Condition | None


class WaitForStep(PlainStep):
    """A compiled wait_for. A timeout and an answer at the same instant: the timeout was first, as with every timer."""

    def __init__(self, config: WaitForConfig, watched: list[Watched]) -> None:
        timeout = config.timeout
        self.watched = watched
        self.timeout = timeout
        self.at_second = clock_seconds(timeout.at) if timeout is not None and timeout.at is not None else None
        self.on_timeout = config.on_timeout or ""
        edges = [Edge(w.name, w.target, ("wait_for", "any", i, "next")) for i, w in enumerate(watched)]
        if timeout is not None:
            edges.append(Edge("timeout", self.on_timeout, ("wait_for", "on_timeout"), True))
        self.edges = tuple(edges)
        self.conditions = tuple(w.condition for w in watched if w.condition is not None)
        self.listens = frozenset(name for w in watched if w.trigger is not None for name in w.trigger.names)
        self.is_local = timeout is not None and (timeout.at is not None or bool(timeout.calendar_days))

    def timeout_us(self, run: Run, zone: Zone) -> Micros:
        """When the waiting ends without an answer."""
        timeout = self.timeout
        if timeout is None:
            return NEVER
        return after_duration(
            run.step_since_us,
            days=timeout.calendar_days,
            exact_us=timeout.exact_us,
            at_second=self.at_second,
            zone=zone,
        )

    def decide(self, run: Run, moment: Moment) -> Outcome:
        """Timeout, then the event if one came, then the conditions in the order written."""
        due = self.timeout_us(run, moment.zone)
        if due <= moment.at_us:
            return Go(self.on_timeout, "branch:timeout", ["until", due, moment.zone.name])
        row = moment.row
        if moment.signal == EVENT and row is not None:
            for watched in self.watched:
                if watched.trigger is not None and watched.trigger.fires_for(run, row):
                    return Go(watched.target, f"branch:{watched.name}", ["event", row.name, row.event_id.hex()])
        for watched in self.watched:
            if watched.condition is not None and watched.condition.answer(moment.state, moment.at_us)[0]:
                tree = watched.condition.explain(moment.state, moment.at_us)
                return Go(watched.target, f"branch:{watched.name}", ["condition", msgspec.to_builtins(tree)])
        return Stay(due, "events", ["first_of", [w.name for w in self.watched], due])


def compile_wait_for(source: StepSource, context: CompileContext) -> WaitForStep:
    """Refuses alternatives that name no or two things, and timeouts of no length."""
    config: WaitForConfig = source.config
    if not config.any:
        context.problem(
            (*source.path, "any"), "alternatives_missing", "Name at least one event or condition to wait for."
        )
    timeout = config.timeout
    if timeout is not None and not (timeout.has_length or timeout.at):
        context.problem((*source.path, "timeout"), "timeout_empty", "Give the timeout a length of at least a minute.")
    if timeout is not None and timeout.calendar_days > MOST_DAYS:
        context.problem((*source.path, "timeout"), "wait_too_long", "Waits end within ten years.")
    if config.on_timeout is not None and timeout is None:
        context.problem((*source.path, "on_timeout"), "timeout_missing", "on_timeout needs a timeout.")
    return WaitForStep(config, [_watched(source, context, i, one) for i, one in enumerate(config.any)])


def _watched(source: StepSource, context: CompileContext, index: int, one: Alternative) -> Watched:
    path = (*source.path, "any", index)
    if (one.event is None) == (one.condition is None):
        context.problem(path, "alternative_unclear", "An alternative has either an event or a condition.")
    taken = ["timeout", *(other.id for other in source.config.any[:index])]
    check_branch_id(one.id, taken, context, (*path, "id"), noun="alternative")
    trigger = (
        compile_trigger(one.event, context, (*path, "event"), entry_key=source.journey.entry.key) if one.event else None
    )
    condition = context.condition(one.condition, (*path, "condition")) if one.condition is not None else None
    return Watched(one.id, one.next or "", trigger, condition)


def tell_wait_for(config: WaitForConfig, name_of: NameOf) -> dict[str, str]:
    """What is waited for, and how long."""
    names = joined(one.id for one in config.any)
    if config.timeout is None:
        return names
    longest = duration(config.timeout)
    return {"de": f"{names['de']}, höchstens {longest['de']}", "en": f"{names['en']}, at most {longest['en']}"}


WAIT_FOR = StepKind(
    kind="wait_for",
    config=WaitForConfig,
    label={"de": "Warten auf", "en": "Wait for"},
    sample={
        "any": [{"id": "ordered", "event": {"name": "Order Completed"}}],
        "timeout": {"days": 7},
        "on_timeout": "exit",
    },
    compile=compile_wait_for,
    icon="hourglass",
    group="wait",
    tell=tell_wait_for,
)
"""Wait for: the first of several things decides where the run goes on."""
