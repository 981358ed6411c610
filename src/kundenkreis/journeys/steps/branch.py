"""branch: the first branch whose condition holds, else the remainder."""

from typing import NamedTuple

import msgspec

from kundenkreis.customers.core.state import Run
from kundenkreis.journeys.core.definitions import Id
from kundenkreis.journeys.core.protocol import (
    CompileContext,
    Edge,
    Go,
    Moment,
    NameOf,
    Outcome,
    PlainStep,
    StepKind,
    StepSource,
    check_branch_id,
)
from kundenkreis.journeys.steps.telling import joined
from kundenkreis.kernel.references import ConditionData, StepId
from kundenkreis.segments.core.protocol import Condition


class BranchConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One way to go."""

    id: Id
    when: ConditionData | None = None
    """None: the remainder, written last."""
    next: StepId | None = None
    """Default: the step's next."""


class Way(NamedTuple):
    """A compiled branch."""

    name: str
    target: str
    condition: Condition | None


class BranchStep(PlainStep):
    """A compiled branch."""

    def __init__(self, ways: list[Way]) -> None:
        self.ways = ways
        edges = [Edge(way.name, way.target, ("branch", i, "next")) for i, way in enumerate(ways)]
        if not ways or ways[-1].condition is not None:
            edges.append(Edge("none", "", ("next",)))
        self.edges = tuple(edges)
        self.conditions = tuple(way.condition for way in ways if way.condition is not None)

    def decide(self, run: Run, moment: Moment) -> Outcome:
        """The first that holds; without a remainder, whoever fits none goes to the step's next."""
        for way in self.ways:
            if way.condition is None:
                return Go(way.target, f"branch:{way.name}", ["remainder"])
            if way.condition.answer(moment.state, moment.at_us)[0]:
                tree = way.condition.explain(moment.state, moment.at_us)
                return Go(way.target, f"branch:{way.name}", ["condition", msgspec.to_builtins(tree)])
        return Go("", "branch:none", ["remainder"])


def compile_branch(source: StepSource, context: CompileContext) -> BranchStep:
    """Refuses no branch at all, equal ids, and a remainder that is not last."""
    branches: list[BranchConfig] = source.config
    if not branches:
        context.problem(source.path, "branches_missing", "List at least one branch.")
    ways = []
    for i, branch in enumerate(branches):
        if branch.when is None and i < len(branches) - 1:
            context.problem(
                (*source.path, i), "remainder_not_last", "The branch without `when` takes everybody: write it last."
            )
        taken = [other.id for other in branches[:i]]
        check_branch_id(branch.id, taken, context, (*source.path, i, "id"), noun="branch")
        condition = context.condition(branch.when, (*source.path, i, "when")) if branch.when is not None else None
        ways.append(Way(branch.id, branch.next or "", condition))
    return BranchStep(ways)


def tell_branch(config: list[BranchConfig], name_of: NameOf) -> dict[str, str]:
    """The ways to go."""
    return joined(branch.id for branch in config)


BRANCH = StepKind(
    kind="branch",
    config=list[BranchConfig],
    label={"de": "Verzweigung", "en": "Branch"},
    sample=[
        {"id": "known", "when": {"trait": {"name": "is_known", "op": "is_true"}}, "next": "exit"},
        {"id": "rest"},
    ],
    compile=compile_branch,
    icon="arrow-fork",
    group="decide",
    tell=tell_branch,
)
"""Branch: ordered conditions with a remainder."""
