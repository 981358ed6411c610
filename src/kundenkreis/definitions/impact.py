"""What publishing a rulebook would do to the people there are: who enters and leaves, who starts, who goes on as before.

Pure: every customer adopts the new rulebook on a private copy, by the same functions as after publishing; nothing is kept.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from math import sqrt
from typing import Any

import msgspec

from kundenkreis.customers.core.state import CustomerState
from kundenkreis.customers.core.turn import MembershipChange, RunEntry, Turn
from kundenkreis.engine.rulebook import Rulebook
from kundenkreis.journeys.core.impact import StepImpact, compare_versions
from kundenkreis.journeys.core.runs import adopt as adopt_journeys
from kundenkreis.journeys.core.walk import MEASURED
from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.rows import LogRow
from kundenkreis.segments.core.decisions import adopt as adopt_decisions


class MembershipImpact(msgspec.Struct, frozen=True, gc=False):
    """How many people would enter and leave a segment, phase, sub-state or situation."""

    kind: str
    id: str
    entering: int
    leaving: int


class JourneyImpact(msgspec.Struct, frozen=True, gc=False):
    """How many people would start a journey at once, and how many go on in an earlier form of it."""

    id: str
    starting: int
    on_earlier_version: int
    steps: tuple[StepImpact, ...] = ()
    """Steps that differ from the version in force, and how many people stand there now."""


class Impact(msgspec.Struct, frozen=True, gc=False):
    """The sum over everybody."""

    customers: int
    """Of whom it was asked: all but those merged into others."""
    memberships: tuple[MembershipImpact, ...]
    """Only where somebody enters or leaves; by kind and id."""
    journeys: tuple[JourneyImpact, ...]
    """Only where somebody is concerned; by id."""
    sample_percent: float = 100.0
    """Below 100: asked of this share of everybody, chosen by stable hash; the counts are those of the sample."""

    def estimate(self, count: int) -> tuple[int, int]:
        """(estimate for everybody, half the width of its 95 % interval) of a count."""
        share = self.sample_percent / 100
        return round(count / share), round(1.96 * sqrt(count * (1 - share)) / share)


def count_impact(
    people: Iterable[tuple[CustomerState, Sequence[LogRow]]], *, before: Rulebook, after: Rulebook, at_us: Micros
) -> Impact:
    """What changes for these people when `after` replaces `before` at an instant.

    Args:
        people: a private copy of each state, and the customer's own log rows where `after` needs facts that `before` does not keep.
    """
    customers = 0
    moves: Counter[tuple[str, str, bool]] = Counter()
    starts: Counter[str] = Counter()
    earlier: Counter[str] = Counter()
    standing: dict[str, Counter[str]] = {}
    for state, history in people:
        if state.forwarded_to:
            continue
        customers += 1
        for record in _adopted(state, history, before=before, after=after, at_us=at_us):
            if isinstance(record, MembershipChange):
                moves[record.kind, record.definition_id, record.entered] += 1
            elif isinstance(record, RunEntry) and record.outcome == "entered":
                starts[record.journey_id] += 1
        for run in state.runs:
            if run.waiting_for == MEASURED:
                continue  # nobody who has taken the last step finishes anything
            newest = after.journeys.current.get(run.journey_id)
            if newest is None or newest.version != run.version:
                earlier[run.journey_id] += 1
                standing.setdefault(run.journey_id, Counter())[run.step_id] += 1
    keys = sorted({(kind, name) for kind, name, _ in moves})
    memberships = [
        MembershipImpact(kind, name, moves[kind, name, True], moves[kind, name, False]) for kind, name in keys
    ]
    journeys = [
        JourneyImpact(name, starts[name], earlier[name], _steps(name, standing.get(name, Counter()), before, after))
        for name in sorted({*starts, *earlier})
    ]
    return Impact(customers, tuple(memberships), tuple(journeys))


def _steps(name: str, standing: Counter[str], before: Rulebook, after: Rulebook) -> tuple[StepImpact, ...]:
    """What differs between the two versions of a journey, step by step."""
    old, new = before.journeys.current.get(name), after.journeys.current.get(name)
    if old is None or new is None or old.version == new.version:
        return ()
    return tuple(compare_versions(old.definition, new.definition, standing=standing).steps)


def _adopted(
    state: CustomerState, history: Sequence[LogRow], *, before: Rulebook, after: Rulebook, at_us: Micros
) -> list[Any]:
    turn = Turn(state, max(at_us, state.clock_us), row=None, zone=after.zone, rulebook_version=after.version)
    turn.publishing = True
    adopt_decisions(after.decisions, turn, history, previous=before.decisions)
    adopt_journeys(after.journeys, turn)
    return list(turn.records)
