"""The kinds of definitions, in the order in which they are read, compared and exported, and the registries that type their parts."""

from collections.abc import Mapping

import msgspec

from kundenkreis.channels.core.channel import Channel
from kundenkreis.channels.core.policy_config import PolicyConfig
from kundenkreis.content.core.blocks import KINDS as BLOCK_KINDS
from kundenkreis.content.core.blocks import Block
from kundenkreis.definitions.documents import Brand, Content
from kundenkreis.journeys.core.definitions import Entry, JourneyDefinition
from kundenkreis.journeys.core.protocol import StepKind
from kundenkreis.journeys.steps.registry import kinds_by_name as steps_by_name
from kundenkreis.segments.conditions.registry import SHIPPED as SHIPPED_CONDITIONS
from kundenkreis.segments.core.definitions import (
    PhasesDefinition,
    ScoreDefinition,
    SegmentDefinition,
    SituationDefinition,
    TraitDefinition,
)
from kundenkreis.segments.core.protocol import ConditionKind


class Kind(msgspec.Struct, frozen=True):
    """One kind of definition."""

    kind: str
    """As written behind `kind:`."""
    config: type[msgspec.Struct]
    """What a document of this kind holds; `kind` and `id` may be among its fields."""
    folder: str
    """Where `kreis export` writes it; "" = at the top."""
    word_de: str
    word_en: str
    is_single: bool = False
    """There is one of it and it has no id."""


KINDS: tuple[Kind, ...] = (
    Kind("brand", Brand, "brands", "Marke", "brand"),
    Kind("trait", TraitDefinition, "traits", "Kennzahl", "trait"),
    Kind("segment", SegmentDefinition, "segments", "Segment", "segment"),
    Kind("score", ScoreDefinition, "scores", "Score", "score"),
    Kind("phases", PhasesDefinition, "", "Phasen", "phases", is_single=True),
    Kind("situation", SituationDefinition, "situations", "Lage", "situation"),
    Kind("content", Content, "contents", "Inhalt", "content"),
    Kind("journey", JourneyDefinition, "journeys", "Strecke", "journey"),
    Kind("policy", PolicyConfig, "", "Kontaktregeln", "contact policy", is_single=True),
)

BY_KIND: dict[str, Kind] = {each.kind: each for each in KINDS}

ONE_OF: dict[type[msgspec.Struct], tuple[str, ...]] = {
    Entry: ("event", "segment_entered", "segment_left", "date", "schedule", "broadcast"),
    Block: BLOCK_KINDS,
    TraitDefinition: ("count", "sum", "first", "last", "average_gap"),
}
"""Keys of which exactly one must be there."""


class Plugins(msgspec.Struct, frozen=True):
    """The registries that type conditions and steps: word in files -> plug-in; and who reaches people beyond the shipped channels."""

    conditions: Mapping[str, ConditionKind]
    steps: Mapping[str, StepKind]
    channels: Mapping[str, type[Channel]] = {}
    """What journeys call it -> the channel."""


SHIPPED = Plugins(SHIPPED_CONDITIONS, steps_by_name())
