"""add_score: gives or takes points of a score, by an event on the log."""

import msgspec

from kundenkreis.customers.core.state import Run
from kundenkreis.journeys.core.protocol import (
    CompileContext,
    Edge,
    Go,
    Moment,
    Outcome,
    PlainStep,
    StepKind,
    StepSource,
)
from kundenkreis.kernel.references import ScoreId


class AddScoreConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which score gets how many points."""

    score: ScoreId
    points: int


class AddScoreStep(PlainStep):
    """A compiled add_score."""

    edges = (Edge("next", "", ("next",)),)

    def __init__(self, config: AddScoreConfig) -> None:
        self.config = config

    def decide(self, run: Run, moment: Moment) -> Outcome:
        """Derives "Score Added" {score, points}; nothing for the control group."""
        if run.in_holdout:
            return Go(outcome="holdout", reason=["holdout", self.config.score])
        return Go(event=("Score Added", {"score": self.config.score, "points": self.config.points}))


def compile_add_score(source: StepSource, context: CompileContext) -> AddScoreStep:
    """Refuses unknown scores."""
    if context.scores is not None and source.config.score not in context.scores:
        context.problem((*source.path, "score"), "unknown_score", f'There is no score "{source.config.score}".')
    return AddScoreStep(source.config)


ADD_SCORE = StepKind(
    kind="add_score",
    config=AddScoreConfig,
    label={"de": "Punkte geben", "en": "Add score"},
    sample={"score": "activity", "points": 5},
    compile=compile_add_score,
)
"""Add score: points for having come this far."""
