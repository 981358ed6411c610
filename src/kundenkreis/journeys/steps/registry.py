"""Every kind of step: one line each. Third parties add theirs by the entry point group `kundenkreis.steps`.

The shell loads entry points and passes all kinds on; nothing in here reads what is installed.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from kundenkreis.journeys.core.definitions import Id, JourneyDefinition
from kundenkreis.journeys.core.protocol import StepKind
from kundenkreis.journeys.steps.add_score import ADD_SCORE
from kundenkreis.journeys.steps.branch import BRANCH
from kundenkreis.journeys.steps.emit_event import EMIT_EVENT
from kundenkreis.journeys.steps.exit import EXIT_STEP
from kundenkreis.journeys.steps.message import MESSAGE_STEP
from kundenkreis.journeys.steps.set_attribute import SET_ATTRIBUTE
from kundenkreis.journeys.steps.split import SPLIT
from kundenkreis.journeys.steps.wait import WAIT
from kundenkreis.journeys.steps.wait_for import WAIT_FOR

ENTRY_POINT_GROUP = "kundenkreis.steps"

STEPS: tuple[StepKind, ...] = (
    WAIT,
    WAIT_FOR,
    BRANCH,
    SPLIT,
    MESSAGE_STEP,
    SET_ATTRIBUTE,
    ADD_SCORE,
    EMIT_EVENT,
    EXIT_STEP,
)


def kinds_by_name(kinds: Iterable[StepKind] = STEPS) -> Mapping[str, StepKind]:
    """Kind -> plug-in."""
    return {kind.kind: kind for kind in kinds}


SHIPPED: Mapping[str, StepKind] = kinds_by_name()


def step_type(kinds: Iterable[StepKind] = STEPS) -> type[msgspec.Struct]:
    """The type of one step as written: id, next, and one optional field per kind. For the JSON schema and the
    editor.
    """
    fields: list[Any] = [("id", Id), ("next", str | None, None)]
    fields += [(kind.kind, kind.config | None, None) for kind in kinds]
    return msgspec.defstruct("JourneyStep", fields, frozen=True, kw_only=True, forbid_unknown_fields=True)


def journey_type(kinds: Iterable[StepKind] = STEPS) -> type[msgspec.Struct]:
    """JourneyDefinition with its steps typed: what `msgspec.json.schema_components` turns into the JSON schema."""
    step: Any = step_type(kinds)
    return msgspec.defstruct(
        "Journey",
        [("steps", list[step])],
        bases=(JourneyDefinition,),
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
    )
