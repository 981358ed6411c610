"""The kinds of definitions, in the order in which they are read, compared and exported."""

from collections.abc import Mapping
from typing import Any

import msgspec

from kundenkreis.definitions.documents.condition import CONDITIONS
from kundenkreis.definitions.documents.decision import Phases, Score, Segment, Situation, Trait
from kundenkreis.definitions.documents.journey import STEPS, Journey
from kundenkreis.definitions.documents.message import Brand, Content, Policy


class Kind(msgspec.Struct, frozen=True):
    """One kind of definition."""

    kind: str
    """As written behind `kind:`."""
    config: type[msgspec.Struct]
    """What a document of this kind holds besides `kind` and `id`."""
    folder: str
    """Where `kreis export` writes it; "" = at the top."""
    word_de: str
    word_en: str
    is_single: bool = False
    """There is one of it and it has no id."""


KINDS: tuple[Kind, ...] = (
    Kind("brand", Brand, "brands", "Marke", "brand"),
    Kind("trait", Trait, "traits", "Merkmal", "trait"),
    Kind("segment", Segment, "segments", "Segment", "segment"),
    Kind("score", Score, "scores", "Punktestand", "score"),
    Kind("phases", Phases, "", "Phasen", "phases", is_single=True),
    Kind("situation", Situation, "situations", "Lage", "situation"),
    Kind("content", Content, "contents", "Inhalt", "content"),
    Kind("journey", Journey, "journeys", "Journey", "journey"),
    Kind("policy", Policy, "", "Kontaktregeln", "contact policy", is_single=True),
)

BY_KIND: dict[str, Kind] = {each.kind: each for each in KINDS}


class Plugins(msgspec.Struct, frozen=True):
    """The registries that type conditions and steps: word in files -> typed config."""

    conditions: Mapping[str, Any]
    steps: Mapping[str, Any]


SHIPPED = Plugins(CONDITIONS, STEPS)
"""Without those of third parties, which the shell loads and passes on."""
