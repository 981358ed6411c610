"""add_score: gives or takes points of a score, by an event on the log."""

import msgspec

from kundenkreis.journeys.core.protocol import CompileContext, DerivingStep, NameOf, StepKind, StepSource
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


def tell_add_score(config: AddScoreConfig, name_of: NameOf) -> dict[str, str]:
    """+5 for a score."""
    return {each: f"{config.points:+d} {name_of('score', config.score, each)}" for each in ("de", "en")}


ADD_SCORE = StepKind(
    kind="add_score",
    config=AddScoreConfig,
    label={"de": "Score ändern", "en": "Change score"},
    sample={"score": "activity", "points": 5},
    compile=compile_add_score,
    icon="trending-up",
    group="act",
    tell=tell_add_score,
)
"""Add score: points for having come this far."""
