"""exit: the run ends here, with a reason."""

import msgspec

from kundenkreis.customers.core.state import Run
from kundenkreis.journeys.core.protocol import (
    CompileContext,
    End,
    Moment,
    NameOf,
    Outcome,
    PlainStep,
    StepKind,
    StepSource,
)
from kundenkreis.journeys.steps.telling import readable


class ExitConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why it ends, as the journey's page counts it."""

    reason: str = "finished"


class ExitStep(PlainStep):
    """A compiled exit."""

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def decide(self, run: Run, moment: Moment) -> Outcome:
        """Always ends the run."""
        return End(f"exited:{self.reason}", ["exit_step"])


def compile_exit(source: StepSource, context: CompileContext) -> ExitStep:
    """Nothing to refuse."""
    return ExitStep(source.config.reason)


def tell_exit(config: ExitConfig, name_of: NameOf) -> dict[str, str]:
    """The reason, where it is not the ordinary one."""
    return {} if config.reason == "finished" else readable(config.reason)


EXIT_STEP = StepKind(
    kind="exit",
    config=ExitConfig,
    label={"de": "Ende", "en": "Exit"},
    sample={"reason": "finished"},
    compile=compile_exit,
    icon="flag",
    group="end",
    tell=tell_exit,
)
"""Exit: the journey is over for this person."""
