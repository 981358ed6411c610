"""How a customer gets into a journey: re-entry, control group, the next date or schedule.

There is at most one run under way per entry key (without a key: per journey). What happens when an entering event
meets one is the re-entry policy: `always` starts over (the old run ends as exited:restarted), every other policy keeps
the old run.
"""

from typing import Any

from kundenkreis.customers.core.state import MOST_RUNS, CustomerState, JourneyRecord, Run
from kundenkreis.customers.core.turn import Turn
from kundenkreis.customers.core.zone import zone_of
from kundenkreis.journeys.core.compiled import CompiledJourney, CompiledJourneys, TimedEntry
from kundenkreis.journeys.core.definitions import Cooldown
from kundenkreis.journeys.core.local_time import WEEKDAYS, next_date_us, next_month_day_us, next_weekday_us
from kundenkreis.journeys.core.properties import kept_properties, key_in, property_at
from kundenkreis.journeys.core.walk import MEASURED, STEPS_PER_DAY, add_path, begin, end_run
from kundenkreis.kernel.hashing import bucket_of, hash128
from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.kernel.zones import DAY, Zone

MOST_KEYS = 50
"""Entry keys remembered for `once_per_key`; older ones are forgotten and may enter again."""
_LOOK_AHEAD = 70
"""How many due dates are tried for one at which the audience holds; then the customer is woken once to try again."""


def refusal(journey: CompiledJourney, state: CustomerState, key: str, at_us: Micros) -> str:  # noqa: PLR0911 - one per reason
    """Why this customer may not enter now: "" (may), condition, once, once_per_key, cooldown, running, too_many_runs,
    step_budget.
    """
    for condition in journey.entry.conditions:
        if not condition.answer(state, at_us)[0]:
            return "condition"
    policy, record = journey.re_entry, state.journeys.get(journey.id)
    if record is not None and record.entries:
        if policy == "once":
            return "once"
        if policy == "once_per_key" and key in record.keys:
            return "once_per_key"
        if isinstance(policy, Cooldown) and at_us < record.last_entered_us + policy.cooldown_days * DAY:
            return "cooldown"
    if _run_under_way(state, journey.id, key) is not None:
        if policy != "always":
            return "running"
        if state.steps_today[1] >= STEPS_PER_DAY:
            return "step_budget"
    elif sum(run.waiting_for != MEASURED for run in state.runs) >= MOST_RUNS:
        return "too_many_runs"
    return ""


def _run_under_way(state: CustomerState, journey_id: str, key: str) -> Run | None:
    for run in state.runs:
        if run.journey_id == journey_id and run.entry_key == key and run.waiting_for != MEASURED:
            return run
    return None


def enter(
    journeys: CompiledJourneys, turn: Turn, journey: CompiledJourney, *, properties: dict[str, Any], reason: list[Any]
) -> bool:
    """Let the customer in if nothing speaks against it, and walk the first steps. Returns whether a run began."""
    state, at_us = turn.state, turn.at_us
    key = key_in(properties, journey.entry.key)
    if turn.day != state.steps_today[0]:
        state.steps_today[0], state.steps_today[1] = turn.day, 0
    if refusal(journey, state, key, at_us):
        return False
    old = _run_under_way(state, journey.id, key)
    if old is not None:
        end_run(turn, old, journey, "exited:restarted", reason, is_measured=False)
        state.runs.remove(old)
    record = state.journeys.get(journey.id)
    if record is None:
        record = state.journeys[journey.id] = JourneyRecord(0, -1)
    record.entries += 1
    record.last_entered_us = at_us
    if journey.re_entry == "once_per_key" and key not in record.keys:
        record.keys = [*record.keys, key][-MOST_KEYS:]
    run = _new_run(turn, journey, key, properties)
    _make_room(state)
    state.runs.append(run)
    add_path(turn, run, "entered", reason, step_id="")
    if run.in_holdout:
        add_path(
            turn,
            run,
            "holdout",
            ["bucket", bucket_of(state.bucket_key, journey.holdout_salt), journey.holdout_salt],
            step_id="",
        )
    if not begin(journeys, turn, run, journey):
        state.runs.remove(run)
    return True


def _new_run(turn: Turn, journey: CompiledJourney, key: str, properties: dict[str, Any]) -> Run:
    state = turn.state
    return Run(
        run_id=hash128("run", journey.id, key, turn.origin_key, state.bucket_key),
        journey_id=journey.id,
        version=journey.version,
        entry_key=key,
        entered_us=turn.at_us,
        step_id="",
        step_since_us=turn.at_us,
        variables=kept_properties(properties),
        entered_event=turn.cause,
        in_holdout=journey.holdout_buckets > 0
        and bucket_of(state.bucket_key, journey.holdout_salt) < journey.holdout_buckets,
    )


def _make_room(state: CustomerState) -> None:
    """Runs that are only measured give way, oldest first."""
    while len(state.runs) >= MOST_RUNS:
        oldest = next((run for run in state.runs if run.waiting_for == MEASURED), None)
        if oldest is None:
            return
        state.runs.remove(oldest)


def set_next_entry(journeys: CompiledJourneys, turn: Turn, journey: CompiledJourney) -> None:
    """Compute when a date or schedule lets this customer in next, and remember it."""
    state = turn.state
    due = next_entry_us(journey, state, turn.at_us, zone_of(state, journeys.zone))
    record = state.journeys.get(journey.id)
    if record is not None:
        record.next_us = due
        if due == NEVER and not record.entries and record.last_exit_us < 0:
            del state.journeys[journey.id]
    elif due != NEVER:
        state.journeys[journey.id] = JourneyRecord(0, -1, next_us=due)


def next_entry_us(journey: CompiledJourney, state: CustomerState, after_us: Micros, zone: Zone) -> Micros:
    """The first due date after this instant at which the audience will hold if nothing happens until then; NEVER if
    there is none.

    At most one per local day: whoever moves west past the hour does not get it twice.
    """
    timed = journey.entry.timed
    if timed is None:
        return NEVER
    record = state.journeys.get(journey.id)
    entered_day, earliest = -1, after_us
    if record is not None and record.entries:
        if journey.re_entry == "once":
            return NEVER
        entered_day = zone.day_number(record.last_entered_us)
        if isinstance(journey.re_entry, Cooldown):
            earliest = max(earliest, record.last_entered_us + journey.re_entry.cooldown_days * DAY - 1)
    due = earliest
    for _ in range(_LOOK_AHEAD):
        candidate = _next_due_us(timed, state, earliest, zone)
        if candidate is None:
            return NEVER
        due = candidate
        if zone.day_number(due) <= entered_day:
            earliest = due
            continue
        flips = _holds_again_us(journey, state, due)
        if flips <= due:
            return due
        if flips == NEVER:
            return NEVER
        earliest = flips - 1
    return due


def _holds_again_us(journey: CompiledJourney, state: CustomerState, at_us: Micros) -> Micros:
    """`at_us` if everything asked at entry holds then, else the earliest instant at which it might."""
    earliest = at_us
    for condition in journey.entry.conditions:
        holds, flips = condition.answer(state, at_us)
        if not holds:
            earliest = max(earliest, flips)
    return earliest


def _next_due_us(timed: TimedEntry, state: CustomerState, after_us: Micros, zone: Zone) -> Micros | None:
    """The first instant strictly after at which the date or schedule is due in this customer's zone."""
    date, schedule = timed.date, timed.schedule
    if date is not None:
        name, _, inner = date.attribute.partition(".")
        attribute = state.profile.attributes.get(name)
        value = attribute.value if attribute is not None else None
        if inner:
            value = property_at(value, inner) if isinstance(value, dict) else None
        return next_date_us(
            value, after_us, offset_days=date.offset_days, at_second=timed.at_second, yearly=date.yearly, zone=zone
        )
    if schedule is None:
        return None
    if schedule.every == "day":
        return zone.next_local_us(after_us, timed.at_second)
    if schedule.every == "week":
        return next_weekday_us(after_us, WEEKDAYS.index(str(schedule.on)), timed.at_second, zone)
    return next_month_day_us(after_us, schedule.on if isinstance(schedule.on, int) else 1, timed.at_second, zone)
