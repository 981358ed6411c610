"""add_score: gives or takes points of a score, by an event on the log."""

import msgspec

from kundenkreis.journeys.core.protocol import CompileContext, DerivingStep, StepKind, StepSource
from kundenkreis.kernel.references import ScoreId


class AddScoreConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which score gets how many points."""

    score: ScoreId
    points: int


def compile_add_score(source: StepSource, context: CompileContext) -> DerivingStep:
    """Refuses unknown scores."""
    config = source.config
    if context.scores is not None and config.score not in context.scores:
        context.problem((*source.path, "score"), "unknown_score", f'There is no score "{config.score}".')
    return DerivingStep("Score Added", {"score": config.score, "points": config.points}, subject=config.score)


ADD_SCORE = StepKind(
    kind="add_score",
    config=AddScoreConfig,
    label={"de": "Punkte geben", "en": "Add score"},
    sample={"score": "activity", "points": 5},
    compile=compile_add_score,
)
"""Add score: points for having come this far."""
