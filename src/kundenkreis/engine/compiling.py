"""From published documents to the compiled rulebook: puts the cores of the parts together, and nothing else.

A rulebook is compiled with its whole past, because runs are pinned to the version of a journey that they entered: version n of the
rulebook also holds every earlier graph somebody may still stand in.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from kundenkreis.channels.core.policy_compiled import CompiledPolicy
from kundenkreis.channels.core.policy_config import SELLING, BrandPlace, PolicyConfig
from kundenkreis.engine.rulebook import Rulebook
from kundenkreis.journeys.core.compiled import CompiledJourney, CompiledJourneys
from kundenkreis.journeys.core.definitions import JourneyDefinition
from kundenkreis.journeys.core.graph import Surroundings, compile_journey
from kundenkreis.journeys.core.protocol import StepKind
from kundenkreis.journeys.steps.registry import SHIPPED as SHIPPED_STEPS
from kundenkreis.kernel.errors import KundenkreisError
from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.zones import DAY, Zone
from kundenkreis.kernel.zones import zone as zone_named
from kundenkreis.segments.conditions.registry import SHIPPED
from kundenkreis.segments.core.decisions import CompiledDecisions, compile_decisions
from kundenkreis.segments.core.definitions import (
    PhasesDefinition,
    ScoreDefinition,
    SegmentDefinition,
    SituationDefinition,
    TraitDefinition,
)
from kundenkreis.segments.core.operators import EventFilter
from kundenkreis.segments.core.protocol import ConditionKind, Known, Purpose
from kundenkreis.segments.core.tree import compile_condition

Document = Mapping[str, Any]
"""One definition as plain data, with `kind` and, where there can be several, `id`."""

_DECISIONS: dict[str, type[msgspec.Struct]] = {
    "segment": SegmentDefinition,
    "score": ScoreDefinition,
    "phases": PhasesDefinition,
    "situation": SituationDefinition,
    "trait": TraitDefinition,
}
_json = msgspec.json.Encoder(order="deterministic").encode


def compile_rulebook(
    versions: Sequence[Sequence[Document]],
    *,
    zone: Zone,
    include_existing: Sequence[str] = (),
    anonymous_life_us: Micros = 90 * DAY,
    conditions: Mapping[str, ConditionKind] = SHIPPED,
    steps: Mapping[str, StepKind] = SHIPPED_STEPS,
) -> Rulebook:
    """Compile the last of these versions, with the journeys of the earlier ones for those who are still in them.

    Args:
        versions: the documents of version 1, 2, ... n; the compiled rulebook is version n.
        zone: the installation's zone.
        include_existing: journeys whose publisher chose "include those already in".
        conditions, steps: kinds by name, those of third parties included.
        anonymous_life_us: after how much silence an anonymous customer is forgotten (a setting).

    Raises:
        DefinitionError, InvalidJourneyError, PolicyError: what is wrong and where, see there.
    """
    documents = versions[-1]
    brand = _brand(documents)
    policy = CompiledPolicy(_policy(documents), brand=brand, selling=_selling(documents))
    purposes = {name: Purpose(tuple(rule.bases), tuple(rule.categories)) for name, rule in policy.purposes.items()}
    typed = [_typed(document, _DECISIONS[document["kind"]]) for document in documents if document["kind"] in _DECISIONS]
    home = zone_named(brand.zone)
    decisions = compile_decisions(typed, zone=zone, purposes=purposes, home=home, kinds=conditions)

    def journeys_in(decisions: CompiledDecisions) -> CompiledJourneys:
        def surroundings(known: Known) -> Surroundings:
            return Surroundings(
                compile_condition=lambda data: compile_condition(
                    data, zone=decisions.zone, known=known, kinds=conditions
                ),
                compile_matches=lambda where: EventFilter(list(where), zone=decisions.zone).passes,
                reads_below=decisions.reads_below,
                default_priority=policy.config.default_priority,
                kinds=steps,
            )

        around = replace(
            surroundings(decisions.known),
            contents={document["id"] for document in documents if document["kind"] == "content"},
            segments=decisions.known.segments,
            scores=frozenset(decisions.scores),
        )
        around_earlier = surroundings(decisions.known.for_earlier(_traits(versions)))
        current, earlier = _journeys(versions, around, around_earlier)
        return CompiledJourneys(current, earlier, zone=zone_named(brand.zone), include_existing=include_existing)

    journeys = journeys_in(decisions)
    if journeys.facts:
        decisions = compile_decisions(
            typed, zone=zone, purposes=purposes, more_facts=journeys.facts, home=home, kinds=conditions
        )
        journeys = journeys_in(decisions)
    return Rulebook(
        version=len(versions),
        zone=zone,
        decisions=decisions,
        journeys=journeys,
        policy=policy,
        heard=_heard(decisions, journeys),
        anonymous_life_us=anonymous_life_us,
    )


def journey_versions(versions: Sequence[Sequence[Document]]) -> dict[tuple[str, int], Document]:
    """Every journey as it was first published: (id, rulebook version of its first appearance) -> document.

    A journey that a publish leaves unchanged keeps its version, so nobody is moved by the publishing of something else.
    """
    found: dict[tuple[str, int], Document] = {}
    newest: dict[str, tuple[int, bytes]] = {}
    for number, documents in enumerate(versions, start=1):
        for document in documents:
            if document["kind"] == "journey":
                name, text = document["id"], _json(document)
                if name not in newest or newest[name][1] != text:
                    newest[name] = (number, text)
                    found[(name, number)] = document
    return found


def _journeys(
    versions: Sequence[Sequence[Document]], around: Surroundings, around_earlier: Surroundings
) -> tuple[list[CompiledJourney], list[CompiledJourney]]:
    """(journeys of the last version, forms that were replaced or deleted: whoever is under way in one finishes it)."""
    in_force = {document["id"] for document in versions[-1] if document["kind"] == "journey"}
    every = journey_versions(versions)
    newest = {name: number for name, number in every}
    current: list[CompiledJourney] = []
    earlier: list[CompiledJourney] = []
    for (name, number), document in every.items():
        definition = _typed(document, JourneyDefinition)
        if newest[name] == number and name in in_force:
            current.append(compile_journey(definition, version=number, around=around))
            continue
        try:
            earlier.append(compile_journey(definition, version=number, around=around_earlier, lets_in=False))
        except KundenkreisError:
            # It needs a plug-in that is no longer installed: runs in it end with "version gone" when they next move.
            continue
    return current, earlier


def _traits(versions: Sequence[Sequence[Document]]) -> dict[str, TraitDefinition]:
    """Every trait as it was last defined."""
    listed = [document for documents in versions for document in documents if document["kind"] == "trait"]
    return {document["id"]: _typed(document, TraitDefinition) for document in listed}


def _heard(decisions: CompiledDecisions, journeys: CompiledJourneys) -> frozenset[str]:
    """Event names that anything listens to. Journeys: every text in their definitions, which is more than they listen to."""
    names = {name for spec in decisions.facts.specs for name in spec.names}
    names.update(name for score in decisions.scores.values() for name in score.rules)
    names.update(name for situation in decisions.situations.values() for name in situation.names)
    for journey in journeys.versions.values():
        names.update(_texts(msgspec.to_builtins(journey.definition)))
    names.update(f"Segment Entered:{segment}" for segment in journeys.by_segment_entered)
    names.update(f"Segment Left:{segment}" for segment in journeys.by_segment_left)
    return frozenset(names)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


def _typed(document: Document, config: type[msgspec.Struct]) -> Any:
    body = {key: value for key, value in document.items() if key != "kind"}
    return msgspec.convert(body, config)


def _policy(documents: Sequence[Document]) -> PolicyConfig:
    written = next((document for document in documents if document["kind"] == "policy"), None)
    config: PolicyConfig = _typed(written, PolicyConfig) if written is not None else PolicyConfig()
    return config


def _selling(documents: Sequence[Document]) -> frozenset[str]:
    contents = (document for document in documents if document["kind"] == "content")
    return frozenset(one["id"] for one in contents if one.get("call_to_action") in SELLING)


def _brand(documents: Sequence[Document]) -> BrandPlace:
    brands = [document for document in documents if document["kind"] == "brand"]
    brand = next((one for one in brands if one.get("id") == "default"), brands[0] if brands else None)
    if brand is None:
        return BrandPlace()
    place = BrandPlace()
    return BrandPlace(country=brand.get("country", place.country), zone=brand.get("zone", place.zone))
