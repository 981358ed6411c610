"""emit_event: puts an event of the company's own on the log, for other journeys, segments and connectors."""

from typing import Any

import msgspec

from kundenkreis.events.core.catalogue import OWN_EVENTS
from kundenkreis.journeys.core.protocol import CompileContext, DerivingStep, NameOf, StepKind, StepSource
from kundenkreis.kernel.references import EventName


class EmitEventConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The event's name and fixed properties."""

    name: EventName
    properties: dict[str, Any] = msgspec.field(default_factory=dict)


RESERVED = frozenset(OWN_EVENTS)
"""Events with a meaning inside the fold: a journey may not forge them, nor what a person has agreed to."""


def compile_emit_event(source: StepSource, context: CompileContext) -> DerivingStep:
    """Refuses an event without a name, and names that only the fold itself may speak."""
    name = source.config.name
    if not name:
        context.problem((*source.path, "name"), "event_name_missing", "Name the event.")
    if name in RESERVED or name.startswith("Consent "):
        context.problem(
            (*source.path, "name"),
            "event_name_reserved",
            f'"{name}" is an event of Kundenkreis itself; choose another name.',
        )
    return DerivingStep(source.config.name, source.config.properties, subject=source.config.name)


def tell_emit_event(config: EmitEventConfig, name_of: NameOf) -> dict[str, str]:
    """The event's name."""
    return {"de": config.name, "en": config.name}


EMIT_EVENT = StepKind(
    kind="emit_event",
    config=EmitEventConfig,
    label={"de": "Ereignis auslösen", "en": "Emit event"},
    sample={"name": "Welcome Finished", "properties": {}},
    compile=compile_emit_event,
    icon="bolt",
    group="act",
    tell=tell_emit_event,
)
"""Emit event: tell the rest of the company."""
