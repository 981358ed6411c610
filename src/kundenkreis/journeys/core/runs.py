"""The journeys pass of the fold: what one turn does to all runs of one customer, and who enters.

What starts and what does not (design: Late and early, Publishing):

- A late row starts no journey and moves no `wait_for`; it counts as goal and exit (from when it happened, if that
  was after the entry), because whoever has bought must not be asked to. Fates of messages always count.
- What arises from publishing starts nothing, unless the journey was published with "include those already in".
- Whether somebody entered or left a segment is believed only from the fold's own derived rows; broadcasts and stops
  only from control rows.
- Timers due at a row's instant run before the row. A row that lets a run in is not also seen by that run.

Control rows: "Broadcast Started" {journey, version?} and "Journey Stopped" {journey, version?}.
"""

from kundenkreis.customers.core.state import CustomerState
from kundenkreis.customers.core.turn import Turn
from kundenkreis.journeys.core.compiled import CompiledJourney, CompiledJourneys
from kundenkreis.journeys.core.entries import enter, set_next_entry
from kundenkreis.journeys.core.walk import MEASURED, advance_run, end_run
from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.kernel.rows import DERIVED, LogRow

SEGMENT_ENTERED, SEGMENT_LEFT = "Segment Entered", "Segment Left"
MERGED = "merge"
"""Dirty key of a merge: runs of two profiles came together, so every answer and every date is computed anew."""
BROADCAST_STARTED, JOURNEY_STOPPED = "Broadcast Started", "Journey Stopped"


def run_journeys(journeys: CompiledJourneys, turn: Turn) -> None:
    """Fold one turn: existing runs see it first, then it may start new ones."""
    state, row = turn.state, turn.row
    is_merged = MERGED in turn.dirty
    if state.runs:
        _advance_all(journeys, turn, ask_all=is_merged)
    if row is not None:
        if row.type == "control":
            _control(journeys, turn, row)
        elif turn.starts_journeys:
            _enter_by_row(journeys, turn, row)
    if journeys.timed:
        _enter_by_time(journeys, turn, ask_all=is_merged or (row is not None and row.at_us == state.created_us))


def adopt(journeys: CompiledJourneys, turn: Turn) -> None:
    """Take over a newly published set of journeys: in the turn of the publishing control row, after segments were decided.

    Runs stay on their version; their local times and answers are computed anew, because what they ask about (segments,
    zones) is current. Dates and schedules are set. Journeys published with "include those already in" take in whoever is in
    their segment. (A new customer needs no adoption: run_journeys sets dates and schedules in the turn of the first row.)
    """
    state = turn.state
    if state.runs:
        _advance_all(journeys, turn, ask_all=True)
    for journey_id in [name for name, record in state.journeys.items() if record.next_us != NEVER]:
        _forget_time(journeys, state, journey_id)
    for journey in journeys.timed:
        set_next_entry(journeys, turn, journey)
    for journey in journeys.current.values():
        segment = journey.entry.segment_entered
        if segment and journey.id in journeys.include_existing and segment in state.decisions.inside:
            _enter_existing(journeys, turn, journey)


def next_us(journeys: CompiledJourneys, state: CustomerState) -> Micros:
    """The earliest instant at which time alone moves a run or lets this customer in; NEVER if none does."""
    earliest = NEVER
    for run in state.runs:
        if run.wake_us < earliest:
            earliest = run.wake_us
        if run.recheck_us < earliest:
            earliest = run.recheck_us
    for journey in journeys.timed:
        record = state.journeys.get(journey.id)
        if record is not None and record.next_us < earliest:
            earliest = record.next_us
    return earliest


def _advance_all(journeys: CompiledJourneys, turn: Turn, *, ask_all: bool = False) -> None:
    ended = [run for run in turn.state.runs if not advance_run(journeys, turn, run, ask_all=ask_all)]
    for run in ended:
        turn.state.runs.remove(run)


def _forget_time(journeys: CompiledJourneys, state: CustomerState, journey_id: str) -> None:
    """A journey that no longer has a date or schedule, or is gone, wakes nobody."""
    current = journeys.current.get(journey_id)
    if current is None or current.entry.timed is None:
        record = state.journeys[journey_id]
        record.next_us = NEVER
        if not record.entries and record.last_exit_us < 0:
            del state.journeys[journey_id]


def _enter_by_row(journeys: CompiledJourneys, turn: Turn, row: LogRow) -> None:
    publishing = turn.publishing
    for journey in journeys.by_event.get(row.name, ()):
        trigger = journey.entry.trigger
        if not publishing and trigger is not None and trigger.fires(row):
            enter(journeys, turn, journey, properties=row.properties, reason=["event", row.name, row.event_id.hex()])
    if not row.flags & DERIVED or row.name not in (SEGMENT_ENTERED, SEGMENT_LEFT):
        return
    segment = str(row.properties.get("segment", ""))
    index = journeys.by_segment_entered if row.name == SEGMENT_ENTERED else journeys.by_segment_left
    for journey in index.get(segment, ()):
        reason = [row.name, segment, row.event_id.hex()]
        if not publishing:
            enter(journeys, turn, journey, properties=row.properties, reason=reason)
        elif row.name == SEGMENT_ENTERED and journey.id in journeys.include_existing:
            _enter_existing(journeys, turn, journey)


def _enter_existing(journeys: CompiledJourneys, turn: Turn, journey: CompiledJourney) -> None:
    """Whoever is in the segment when the journey is published: once, whichever of adoption and derived row comes
    first.
    """
    record = turn.state.journeys.get(journey.id)
    if record is None or record.last_entered_us != turn.at_us:
        segment = journey.entry.segment_entered
        enter(
            journeys,
            turn,
            journey,
            properties={"segment": segment},
            reason=["existing", segment, turn.rulebook_version],
        )


def _enter_by_time(journeys: CompiledJourneys, turn: Turn, *, ask_all: bool) -> None:
    """Dates and schedules that are due, and those whose next instant depends on what changed in this turn.

    `ask_all`: compute all anew, because the customer has just come into being or was merged.
    """
    state = turn.state
    touched = ask_all or not journeys.timed_reads.isdisjoint(turn.dirty)
    for journey in journeys.timed:
        record = state.journeys.get(journey.id)
        if record is not None and record.next_us <= turn.at_us:
            timed = journey.entry.timed
            kind = "date" if timed is not None and timed.date is not None else "schedule"
            enter(journeys, turn, journey, properties={}, reason=[kind, record.next_us])
            set_next_entry(journeys, turn, journey)
        elif ask_all or (touched and not journey.timed_reads.isdisjoint(turn.dirty)):
            set_next_entry(journeys, turn, journey)


def _control(journeys: CompiledJourneys, turn: Turn, row: LogRow) -> None:
    properties = row.properties
    journey_id, version = str(properties.get("journey", "")), properties.get("version")
    if row.name == BROADCAST_STARTED:
        current = journeys.current.get(journey_id)
        journey = journeys.versions.get((journey_id, version)) if isinstance(version, int) else current
        if journey is not None and journey.entry.is_broadcast:
            enter(journeys, turn, journey, properties=properties, reason=["broadcast", row.event_id.hex()])
    elif row.name == JOURNEY_STOPPED:
        for run in [run for run in turn.state.runs if run.journey_id == journey_id and version in (None, run.version)]:
            compiled = journeys.versions.get((run.journey_id, run.version))
            if run.waiting_for != MEASURED and not end_run(
                turn, run, compiled, "exited:stopped", ["control", row.event_id.hex()]
            ):
                turn.state.runs.remove(run)
