"""The kinds of definitions, in the order in which they are read, compared and exported."""

import msgspec

from kundenkreis.definitions.documents.decision import Phases, Score, Segment, Situation, Trait
from kundenkreis.definitions.documents.journey import Journey
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
