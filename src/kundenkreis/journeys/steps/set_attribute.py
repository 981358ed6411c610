"""set_attribute: writes a fixed value into the profile, by an event on the log like everybody else."""

from typing import Any

import msgspec

from kundenkreis.journeys.core.protocol import CompileContext, DerivingStep, NameOf, StepKind, StepSource
from kundenkreis.journeys.steps.telling import readable
from kundenkreis.kernel.references import AttributeName


class SetAttributeConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which attribute gets which value; null removes it."""

    name: AttributeName
    value: Any


def compile_set_attribute(source: StepSource, context: CompileContext) -> DerivingStep:
    """Refuses an attribute without a name."""
    config = source.config
    if not config.name:
        context.problem((*source.path, "name"), "attribute_name_missing", "Name the attribute.")
    return DerivingStep("Attribute Set", {"name": config.name, "value": config.value}, subject=config.name)


def tell_set_attribute(config: SetAttributeConfig, name_of: NameOf) -> dict[str, str]:
    """Attribute = value."""
    plain = {"None": "–", "True": "yes", "False": "no"}
    name, value = readable(config.name), readable(plain.get(said := str(config.value), said))
    return {"de": f"{name['de']}: {value['de']}", "en": f"{name['en']}: {value['en']}"}


SET_ATTRIBUTE = StepKind(
    kind="set_attribute",
    config=SetAttributeConfig,
    label={"de": "Merkmal setzen", "en": "Set attribute"},
    sample={"name": "welcomed", "value": True},
    compile=compile_set_attribute,
    icon="tag",
    group="act",
    tell=tell_set_attribute,
)
"""Set attribute: remember something about the person."""
