"""set_attribute: writes a fixed value into the profile, by an event on the log like everybody else."""

from typing import Any

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
from kundenkreis.kernel.references import AttributeName


class SetAttributeConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which attribute gets which value; null removes it."""

    name: AttributeName
    value: Any


class SetAttributeStep(PlainStep):
    """A compiled set_attribute."""

    edges = (Edge("next", "", ("next",)),)

    def __init__(self, config: SetAttributeConfig) -> None:
        self.config = config

    def decide(self, run: Run, moment: Moment) -> Outcome:
        """Derives "Attribute Set" {name, value}; nothing for the control group."""
        if run.in_holdout:
            return Go(outcome="holdout", reason=["holdout", self.config.name])
        return Go(event=("Attribute Set", {"name": self.config.name, "value": self.config.value}))


def compile_set_attribute(source: StepSource, context: CompileContext) -> SetAttributeStep:
    """Refuses an attribute without a name."""
    if not source.config.name:
        context.problem((*source.path, "name"), "attribute_name_missing", "Name the attribute.")
    return SetAttributeStep(source.config)


SET_ATTRIBUTE = StepKind(
    kind="set_attribute",
    config=SetAttributeConfig,
    label={"de": "Merkmal setzen", "en": "Set attribute"},
    sample={"name": "welcomed", "value": True},
    compile=compile_set_attribute,
)
"""Set attribute: remember something about the person."""
