"""How each figure of the pages is counted again, straight from log and states. A page's new figures are one function here."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping

from tests.site.recount.past import Past

Recount = Callable[[Past], Mapping[str, int]]
"""What `data-figure` names -> what its `data-value` must be. A figure that is missing here must be 0."""

PERIODS = (7, 30, 90)


def circle(past: Past) -> dict[str, int]:
    """Who is in which phase, by the states."""
    figures: Counter[str] = Counter()
    for state in past.states:
        place = state.decisions.phase
        if place is None:
            continue
        known = "known" if state.profile.known else "anonymous"
        figures[f"circle.{known}.{place.phase}"] += 1
        figures["circle.people"] += state.profile.known
        if place.sub_state and state.profile.known:
            figures[f"circle.sub_state.{place.sub_state}"] += 1
    return figures


def moves(past: Past) -> dict[str, int]:
    """Who moved within a period and is not back, by the log's changes of phase; net change by walking them backwards.

    Several changes at one instant are one move: from where somebody was before it to where they were after it.
    """
    phase_now = {
        state.profile_id: state.decisions.phase.phase for state in past.states if state.decisions.phase is not None
    }
    figures: Counter[str] = Counter()
    for days in PERIODS:
        moved: dict[tuple[str, str], set[int]] = defaultdict(set)
        phase_then = dict(phase_now)
        changes: dict[tuple[int, int], tuple[str, str]] = {}
        for row in past.events("Phase Changed"):
            if row.at_us >= past.since_us(days) and row.profile_id in phase_now:
                key = (row.at_us, row.profile_id)
                first = changes[key][0] if key in changes else str(row.properties["from"])
                changes[key] = (first, str(row.properties["to"]))
        for (_, profile_id), (before, after) in sorted(changes.items(), reverse=True):
            phase_then[profile_id] = before
            if before and phase_now[profile_id] != before:
                moved[before, after].add(profile_id)
        for (before, after), people in moved.items():
            figures[f"circle.move.{days}.{before}.{after}"] = len(people)
        for phase in phase_now.values():
            figures[f"circle.net.{days}.{phase}"] += 1
        for phase in phase_then.values():
            if phase:
                figures[f"circle.net.{days}.{phase}"] -= 1
    return figures


RECOUNTS: tuple[Recount, ...] = (circle, moves)
