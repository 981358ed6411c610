"""Where people are in one version of a journey, from counts of the lines of their paths alone.

Nobody appears or vanishes between steps: who arrived at a step and did not leave it stands there. So it is enough to know how often each step said
what, whatever the number of people; no path is read.
"""

from collections import Counter
from collections.abc import Mapping

import msgspec

from kundenkreis.journeys.core.compiled import Node
from kundenkreis.journeys.core.protocol import EXIT

Counts = Mapping[tuple[str, str], int]
"""(step id or "", outcome) -> lines of paths."""

_ONWARD = frozenset({"done", "sent", "withheld", "holdout", "failed"})
"""Outcomes of a step that leads on by its default way."""
_BRANCH, _EXITED = "branch:", "exited:"
ENDINGS = ("exited:exit_when", "exited:stopped", "exited:restarted", "exited:merged", "exited:withheld")
"""Ends by a rule; every other exit is an end that the journey itself states."""


class StepFlow(msgspec.Struct):
    """What happened at one step."""

    arrived: int = 0
    out: Counter[str] = msgspec.field(default_factory=Counter)
    """Way out -> people."""
    ended: int = 0
    failed: int = 0

    @property
    def standing(self) -> int:
        """Here now."""
        return self.arrived - self.out.total() - self.ended


class Flow(msgspec.Struct):
    """Where everybody is who entered one version."""

    entered: int = 0
    control: int = 0
    goal: int = 0
    ended: int = 0
    left: int = 0
    failed: int = 0
    steps: dict[str, StepFlow] = msgspec.field(default_factory=dict)

    @property
    def waiting(self) -> int:
        """Under way."""
        return self.entered - self.goal - self.ended - self.left - self.failed


def flow_of(
    counts: Counts, nodes: Mapping[str, Node], start: str, *, exits_on_goal: bool, failed_ends: Mapping[str, int], early_goals: int
) -> Flow:  # fmt: skip
    """Add up one version.

    Args:
        nodes: its steps.
        failed_ends: step -> paths whose last line is a failure; all other failures led on.
        early_goals: people who had the goal already when they entered.
    """
    flow = Flow(steps={name: StepFlow() for name in nodes})
    before_first = early_goals
    for (step_id, outcome), count in counts.items():
        if not step_id:
            before_first += _outside(flow, outcome, count)
            continue
        step = flow.steps.get(step_id)
        if step is not None:
            _inside(flow, step, nodes[step_id], outcome, count, exits_on_goal, failed_ends.get(step_id, 0))
    flow.goal += early_goals
    if start in flow.steps:
        flow.steps[start].arrived += flow.entered - before_first
    return flow


def _outside(flow: Flow, outcome: str, count: int) -> int:
    """Lines at no step: entries, marks, and what ended before the first step, which is returned."""
    if outcome == "entered":
        flow.entered += count
    elif outcome == "holdout":
        flow.control += count
    elif outcome == "done":
        flow.ended += count
    elif (
        outcome.startswith(_EXITED) and outcome != "exited:merged"
    ):  # a run that is only measured may end once more by a merge
        flow.left += count
        return count
    return 0


def _inside(
    flow: Flow, step: StepFlow, node: Node, outcome: str, count: int, exits_on_goal: bool, failed_ends: int
) -> None:
    way = ""
    if outcome.startswith(_BRANCH):
        way = outcome.removeprefix(_BRANCH)
    elif outcome in _ONWARD:
        way = "next"
        if outcome == "failed":
            step.failed += count
            step.ended += failed_ends
            flow.failed += failed_ends
            count -= failed_ends
    elif outcome == "goal" and exits_on_goal:
        step.ended += count
        flow.goal += count
    elif outcome.startswith(_EXITED):
        step.ended += count
        if outcome in ENDINGS:
            flow.left += count
        else:
            flow.ended += count
    if way and count:
        step.out[way] += count
        target = next((edge.target for edge in node.step.edges if edge.name == way), "") or node.next
        if target != EXIT and target in flow.steps:
            flow.steps[target].arrived += count
