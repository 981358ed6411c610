"""One run on its way: carries out what steps decide, watches goal and exit, writes the path and keeps the step budget.

Words of the path (RunEntry.outcome): `entered`, `holdout` (belongs to the control group), `waiting`, `done`,
`branch:<name>`, `sent`, `withheld`, `failed`, `goal`, `exited:<reason>`. An entry without step id speaks of the run as
a whole: entered, holdout, and `done` when its last step is behind it.

Reasons (RunEntry.reason), by their first word: `event` name, event id · `Segment Entered`/`Segment Left` segment, event id · `date`/`schedule` due
instant · `broadcast`/`control` event id · `existing` segment, rulebook version · `bucket` number, salt · `condition` Reason tree · `remainder` ·
`until` instant, zone · `first_of` branch ids, instant of the timeout · `message` content id · the event of a message's fate, its reason · `holdout`
what was not done · `exit_step` · `step_budget` limit, instant · `date_missing` property · `unanswered` what for · `version_unknown` version.

After its steps a run with a goal window stays in the state as "goal" (waiting_for) until the window is over, so that
people who left early and the control group are measured alike, and for another `LATE_GOALS_US`, in which goals that happened
within the window may still arrive. It receives nothing and blocks no re-entry, and is dropped at the customer's next input
after that: nobody is woken for it.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from kundenkreis.customers.core.state import JourneyRecord, Run
from kundenkreis.customers.core.turn import Derived, RunEntry, Turn
from kundenkreis.customers.core.zone import zone_of
from kundenkreis.journeys.core.compiled import CompiledJourney, CompiledJourneys, Watch
from kundenkreis.journeys.core.protocol import (
    CHANGED,
    ENTERED,
    EVENT,
    EXIT,
    MESSAGE,
    TIMER,
    End,
    Moment,
    Outcome,
    Stay,
    effect_of_visit,
)
from kundenkreis.journeys.steps.message import FATES, WITHHELD, MessageStep
from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.kernel.zones import DAY

STEPS_PER_DAY = 500
"""Steps all runs of one customer may take on one installation day (trust.md A51): a person takes a handful, a loop
takes thousands.
"""

_TRUSTED = ("derived", "feedback", "control")
"""Origins that may speak of a message's fate: no touchpoint can move a run by naming an event like ours."""

BUDGET = "budget"
"""waiting_for: the step budget of the day is used up; the step is entered tomorrow."""
ENDED_FROM_OUTSIDE = frozenset({"goal", "exited:exit_when", "exited:restarted", "exited:stopped"})
"""Outcomes that a run did not come to by its own steps."""
MEASURED = "goal"
"""waiting_for: the steps are over, the goal is still measured."""
LATE_GOALS_US = 7 * DAY
"""How long after its window a run that is over still hears of goals within it: tills and shops report by the night or the week."""


def advance_run(journeys: CompiledJourneys, turn: Turn, run: Run, *, ask_all: bool = False) -> bool:  # noqa: PLR0911 - one per way to end
    """Let one run see this turn. Returns whether it is still kept.

    Order: a timer that was due before the row, then goal, exit, the row itself, a timer due now, and what changed.
    `ask_all`: answer every condition and local time anew (a rulebook was adopted).
    """
    journey = journeys.versions.get((run.journey_id, run.version))
    if journey is None:
        return end_run(turn, run, None, "failed", ["version_unknown", run.version])
    row, at_us, since = turn.row, turn.at_us, run.sequence
    watched_us = _watched_us(run, journey)
    if run.waiting_for == MEASURED and at_us > _goal_ends_us(run, journey) + LATE_GOALS_US:
        return False
    if row is not None and run.wake_us <= at_us and not _wake(journeys, turn, run, journey):
        return False
    asked = ask_all or run.recheck_us <= at_us
    is_watch_touched = asked or not journey.watch_reads.isdisjoint(turn.dirty)
    if not _watch(turn, run, journey, is_watch_touched):
        return False
    if run.waiting_for == MEASURED:
        if is_watch_touched:
            run.recheck_us = _recheck_us(turn, run, journey)
        return True
    if not _tell_step(journeys, turn, run, journey, asked):
        return False
    if is_watch_touched or run.sequence != since or not _reads(run, journey).isdisjoint(turn.dirty):
        run.recheck_us = _recheck_us(turn, run, journey, watched_us=-1 if is_watch_touched else watched_us)
    return True


def _goal_ends_us(run: Run, journey: CompiledJourney) -> Micros:
    """Until when the goal counts; NEVER where it has no window."""
    return NEVER if journey.goal_within_us is None else run.entered_us + journey.goal_within_us


def _watched_us(run: Run, journey: CompiledJourney) -> Micros:
    """When goal and exit are to be asked again, as the run knows it where its step has no conditions of its own; -1 where that is not known."""
    node = journey.nodes.get(run.step_id)
    return run.recheck_us if node is not None and not node.step.conditions else -1


def _reads(run: Run, journey: CompiledJourney) -> frozenset[str]:
    node = journey.nodes.get(run.step_id)
    return node.reads if node is not None else frozenset()


def _tell_step(  # noqa: PLR0911 - one per thing that may concern it
    journeys: CompiledJourneys, turn: Turn, run: Run, journey: CompiledJourney, asked: bool
) -> bool:
    """Hand the turn to the step the run stands in, if it concerns it."""
    row, node = turn.row, journey.nodes[run.step_id]
    if run.wake_us <= turn.at_us:
        return _wake(journeys, turn, run, journey)
    message = (
        row.properties.get("message") if row is not None and row.name in FATES and row.origin in _TRUSTED else None
    )
    if row is not None and message is not None:
        if run.waiting_for == f"message:{message}":
            return walk(journeys, turn, run, journey, signal=MESSAGE)
        if row.name == WITHHELD and message in _messages_that_must_go_out(run, journey):
            return end_run(turn, run, journey, "exited:withheld", [row.name, row.properties.get("reason", "")])
    if run.waiting_for == BUDGET:
        return True
    if row is not None and row.name in node.step.listens and turn.starts_journeys:
        return walk(journeys, turn, run, journey, signal=EVENT)
    if not node.reads.isdisjoint(turn.dirty) or (asked and node.reads):
        return walk(journeys, turn, run, journey, signal=CHANGED)
    return True


def _messages_that_must_go_out(run: Run, journey: CompiledJourney) -> set[str]:
    """Ids of the messages that this run has released and that end it when the hand-over refuses them."""
    ending = (
        name
        for name, node in journey.nodes.items()
        if isinstance(node.step, MessageStep) and node.step.config.if_withheld == "exit"
    )
    return {effect_of_visit(run, name, n + 1).hex() for name in ending for n in range(run.counts.get(name, 0))}


def _wake(journeys: CompiledJourneys, turn: Turn, run: Run, journey: CompiledJourney) -> bool:
    """The waiting of this run is over."""
    if run.waiting_for == BUDGET:
        return arrive(journeys, turn, run, journey, run.step_id)
    return walk(journeys, turn, run, journey, signal=TIMER)


def walk(journeys: CompiledJourneys, turn: Turn, run: Run, journey: CompiledJourney, *, signal: str) -> bool:
    """Ask the step the run stands in and carry out the answer, through as many steps as follow. Returns whether the
    run is kept.
    """
    moment = _moment(journeys, turn, journey, signal)
    while True:
        node = journey.nodes[run.step_id]
        outcome: Outcome = node.step.decide(run, moment)
        if isinstance(outcome, Stay):
            _stay(turn, run, outcome, arrived=moment.signal == ENTERED)
            return True
        if isinstance(outcome, End):
            return end_run(turn, run, journey, outcome.outcome, outcome.reason)
        add_path(turn, run, outcome.outcome, outcome.reason)
        if outcome.event is not None:
            _derive(turn, run, *outcome.event)
        target = outcome.target or node.next
        if target == EXIT:
            return end_run(turn, run, journey, "done", [])
        if not _enter_step(turn, run, target):
            return True
        if moment.signal != ENTERED:
            moment = Moment(ENTERED, *moment[1:])


def arrive(journeys: CompiledJourneys, turn: Turn, run: Run, journey: CompiledJourney, step_id: str) -> bool:
    """Put a run into a step and walk on from there. Returns whether the run is kept."""
    return walk(journeys, turn, run, journey, signal=ENTERED) if _enter_step(turn, run, step_id) else True


def _enter_step(turn: Turn, run: Run, step_id: str) -> bool:
    """Whether the run may take this step today; otherwise it is parked in front of it until tomorrow."""
    run.step_id, run.step_since_us = step_id, turn.at_us
    run.wake_us, run.recheck_us, run.waiting_for = NEVER, NEVER, ""
    used = turn.state.steps_today
    if used[0] != turn.day:
        used[0], used[1] = turn.day, 0
    if used[1] >= STEPS_PER_DAY:
        run.waiting_for, run.wake_us = BUDGET, turn.zone.day_start_us(turn.day + 1)
        add_path(turn, run, "waiting", ["step_budget", STEPS_PER_DAY, run.wake_us])
        return False
    used[1] += 1
    if used[1] == STEPS_PER_DAY:
        turn.derive("Step Budget Reached", {"journey": run.journey_id, "steps": STEPS_PER_DAY})
    run.counts[step_id] = run.counts.get(step_id, 0) + 1
    return True


def _stay(turn: Turn, run: Run, outcome: Stay, *, arrived: bool) -> None:
    run.wake_us, run.waiting_for = outcome.until_us, outcome.waiting_for
    if outcome.message is not None:
        turn.candidates.append(outcome.message)
    if arrived:
        add_path(turn, run, "waiting", outcome.reason)


def _derive(turn: Turn, run: Run, name: str, properties: dict[str, Any]) -> None:
    if turn.publishing:
        properties = {**properties, "publishing": True}
    turn.derived.append(Derived(name, properties, effect_of_visit(run), turn.depth + 1, turn.publishing))


def _moment(journeys: CompiledJourneys, turn: Turn, journey: CompiledJourney, signal: str) -> Moment:
    zone = zone_of(turn.state, journeys.zone)
    return Moment(signal, turn.at_us, turn.state, zone, turn.row, journey.priority, turn.cause, turn.acted_us)


def _watch(turn: Turn, run: Run, journey: CompiledJourney, asked: bool) -> bool:
    """Goal, then exit: what either ends. Conditions are asked only where `asked`. Returns whether the run is kept."""
    if journey.goal is not None and run.goal_reached_us == NEVER:
        found = _happened(turn, run, journey.goal, asked, _goal_ends_us(run, journey))
        if found is not None and not _reach_goal(turn, run, journey, *found):
            return False
    if journey.exit_when is not None and run.waiting_for != MEASURED:
        found = _happened(turn, run, journey.exit_when, asked)
        if found is not None:
            return end_run(turn, run, journey, "exited:exit_when", found[1])
    return True


def _happened(
    turn: Turn, run: Run, watch: Watch, asked: bool, ends_us: Micros = NEVER
) -> tuple[Micros, list[Any]] | None:
    """(when, why) if what is watched for came true in this turn. Late rows, and those that arrive after the watch ends, count from when
    they happened, if that was after the entry.
    """
    row = turn.row
    if watch.trigger is not None:
        if row is None or not watch.trigger.fires_for(run, row):
            return None
        when = turn.at_us if turn.starts_journeys and turn.at_us <= ends_us else row.happened_us
        return (when, ["event", row.name, row.event_id.hex()]) if when >= run.entered_us else None
    condition = watch.condition
    if not asked or condition is None or not condition.answer(turn.state, turn.at_us)[0]:
        return None
    return turn.at_us, ["condition", msgspec.to_builtins(condition.explain(turn.state, turn.at_us))]


def _reach_goal(turn: Turn, run: Run, journey: CompiledJourney, when: Micros, reason: list[Any]) -> bool:
    """Note the goal if its window is open. Returns whether the run is kept."""
    if when > _goal_ends_us(run, journey):
        return True
    run.goal_reached_us = when
    if run.waiting_for == MEASURED or not journey.exit_on_goal:
        add_path(turn, run, "goal", reason)
        if journey.exit_on_goal:
            _take_back_messages(turn, run, "goal")
        return run.waiting_for != MEASURED
    return end_run(turn, run, journey, "goal", reason)


def end_run(
    turn: Turn,
    run: Run,
    journey: CompiledJourney | None,
    outcome: str,
    reason: Sequence[Any],
    *,
    is_measured: bool = True,
) -> bool:
    """End a run: takes back what is not handed over, and keeps it as long as goals within its window may arrive. Returns whether
    it is kept.
    """
    add_path(turn, run, outcome, reason, step_id="" if outcome == "done" else None)
    _take_back_messages(turn, run, outcome)
    record = turn.state.journeys.get(run.journey_id)
    if record is None:
        record = turn.state.journeys[run.journey_id] = JourneyRecord(0, -1)
    record.last_exit_us = turn.at_us
    if not is_measured or journey is None or journey.goal_within_us is None or run.goal_reached_us != NEVER:
        return False
    if turn.at_us > _goal_ends_us(run, journey) + LATE_GOALS_US:
        return False
    run.step_id, run.step_since_us, run.wake_us, run.waiting_for = "", turn.at_us, NEVER, MEASURED
    run.variables, run.counts = {}, {}
    run.recheck_us = _recheck_us(turn, run, journey)
    return True


def _take_back_messages(turn: Turn, run: Run, outcome: str) -> None:
    """Ask the contact policy to cancel what this run has planned.

    What already lies in the outbox is taken back too when something from outside ended the run (goal, exit_when,
    restart, stop), also when the goal is reached after its last step; a run that came to its own end wanted it sent.
    """
    from_outside = outcome in ENDED_FROM_OUTSIDE
    mine = (one for one in turn.state.contact.planned if one.run_id == run.run_id)
    ids = [one.effect_id for one in mine if from_outside or not one.handed_over]
    if run.waiting_for.startswith("message:") and from_outside:
        waiting = bytes.fromhex(run.waiting_for.removeprefix("message:"))
        if waiting not in ids:
            ids.append(waiting)
    turn.cancellations.extend((effect_id, outcome) for effect_id in ids)


def _recheck_us(turn: Turn, run: Run, journey: CompiledJourney, *, watched_us: Micros = -1) -> Micros:
    """When something this run watches may flip without an event.

    Args:
        watched_us: the same for goal and exit alone, where nothing they read has changed; what is not ahead is asked anew.
    """
    still_watches = run.waiting_for != MEASURED and run.goal_reached_us == NEVER
    earliest = watched_us if still_watches and watched_us > turn.at_us else _watch_flips_us(turn, run, journey)
    if run.waiting_for not in (MEASURED, BUDGET):
        for condition in journey.nodes[run.step_id].step.conditions:
            earliest = min(earliest, condition.answer(turn.state, turn.at_us)[1])
    return earliest


def _watch_flips_us(turn: Turn, run: Run, journey: CompiledJourney) -> Micros:
    """When goal or exit may come true without an event."""
    state, at_us = turn.state, turn.at_us
    earliest = NEVER
    goal, leave = journey.goal, journey.exit_when
    if goal is not None and goal.condition is not None and run.goal_reached_us == NEVER:
        flips = goal.condition.answer(state, at_us)[1]
        earliest = flips if flips <= _goal_ends_us(run, journey) else NEVER
    if run.waiting_for != MEASURED and leave is not None and leave.condition is not None:
        earliest = min(earliest, leave.condition.answer(state, at_us)[1])
    return earliest


def begin(journeys: CompiledJourneys, turn: Turn, run: Run, journey: CompiledJourney) -> bool:
    """Walk a run that has just entered. Who already has the goal or should leave, leaves before the first step.
    Returns whether it is kept.
    """
    if not _watch_at_entry(turn, run, journey):
        return run.waiting_for == MEASURED
    if not arrive(journeys, turn, run, journey, journey.start):
        return False
    if run.waiting_for != MEASURED:
        run.recheck_us = _recheck_us(turn, run, journey)
    return True


def _watch_at_entry(turn: Turn, run: Run, journey: CompiledJourney) -> bool:
    """Conditions only: the row that let the run in is not also what ends it. Returns whether the run walks on."""
    for watch, outcome in ((journey.goal, "goal"), (journey.exit_when, "exited:exit_when")):
        condition = watch.condition if watch is not None else None
        if condition is None or not condition.answer(turn.state, turn.at_us)[0]:
            continue
        reason = ["condition", msgspec.to_builtins(condition.explain(turn.state, turn.at_us))]
        if outcome == "goal" and not _reach_goal(turn, run, journey, turn.at_us, reason):
            return False
        if outcome != "goal":
            end_run(turn, run, journey, outcome, reason)
            return False
    return True


def add_path(turn: Turn, run: Run, outcome: str, reason: Sequence[Any], *, step_id: str | None = None) -> None:
    """One line of the run's path."""
    where = run.step_id if step_id is None else step_id
    turn.records.append(
        RunEntry(
            run.run_id,
            run.sequence,
            run.journey_id,
            run.version,
            where,
            outcome,
            turn.at_us,
            list(reason),
            run.entry_key,
        )
    )
    run.sequence += 1
