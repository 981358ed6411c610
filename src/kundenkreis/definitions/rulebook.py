"""From definitions to the compiled rulebook that advance() reads: from stored JSON as well as from files, without YAML."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from kundenkreis.channels.core.policy_compiled import CompiledPolicy, compile_policy
from kundenkreis.channels.core.policy_config import BrandPlace
from kundenkreis.content.core.templates import CompiledContent, compile_content
from kundenkreis.definitions.content_checks import default_brand, known_names, source_of
from kundenkreis.definitions.definition import Definition, Definitions
from kundenkreis.engine.rulebook import Rulebook
from kundenkreis.journeys.core.compiled import CompiledJourney, CompiledJourneys
from kundenkreis.journeys.core.graph import Surroundings, compile_journey
from kundenkreis.journeys.core.protocol import Matches
from kundenkreis.kernel.zones import Zone
from kundenkreis.segments.core.decisions import CompiledDecisions, compile_decisions
from kundenkreis.segments.core.operators import EventFilter
from kundenkreis.segments.core.protocol import Condition, FactSpec, Known, PropertyFilter
from kundenkreis.segments.core.tree import compile_condition

_DECIDED = ("trait", "segment", "score", "phases", "situation")


class Published(NamedTuple):
    """A rulebook as it was published once."""

    version: int
    definitions: Definitions


def compile_rulebook(
    definitions: Definitions,
    *,
    version: int,
    zone: Zone,
    earlier: Iterable[Published] = (),
    include_existing: Collection[str] = (),
) -> Rulebook:
    """The definitions, compiled.

    Args:
        version: number of this rulebook.
        zone: the installation's zone: windows and day numbers.
        earlier: every rulebook published before, ascending; runs may still stand in the journeys of any of them. Rulebooks are
            never changed nor deleted, so the outcome depends on the version alone.
        include_existing: journeys whose publisher chose "include those already in".

    Raises:
        segments.errors.DefinitionError, InvalidJourneyError, PolicyError: the definitions were not checked (load.check).
    """
    policy = compile_contact_policy(definitions)
    decisions = _decisions(definitions, policy, zone)
    journeys = _journeys(definitions, version, decisions, tuple(earlier), include_existing)
    decisions = _decisions(definitions, policy, zone, more_facts=journeys.facts)
    return Rulebook(version=version, zone=zone, decisions=decisions, journeys=journeys, policy=policy)


def compile_contact_policy(definitions: Definitions) -> CompiledPolicy:
    """The contact policy as written, or the shipped one."""
    policy, brand = definitions.single("policy"), default_brand(definitions)
    place = BrandPlace(country=brand.config.country, zone=brand.config.zone) if brand is not None else BrandPlace()
    return compile_policy(policy.config if policy is not None else None, brand=place)


def compile_contents(definitions: Definitions) -> dict[str, CompiledContent]:
    """Every content item by id, ready to render.

    Raises:
        ContentRefusedError: the definitions were not checked (load.check).
    """
    brand, known = default_brand(definitions), known_names(definitions)
    return {
        name: compile_content(source_of(each, brand), known=known) for name, each in definitions.of("content").items()
    }


def journey_versions(published: Sequence[Published]) -> dict[str, dict[int, Definition]]:
    """Journey -> version -> how it was written then. A journey's version is the number of the rulebook that brought it in this form."""
    versions: dict[str, dict[int, Definition]] = {}
    in_force: dict[str, Any] = {}
    for each in published:
        journeys = each.definitions.of("journey")
        for name, journey in journeys.items():
            if in_force.get(name) != journey.body:
                versions.setdefault(name, {})[each.version] = journey
        in_force = {name: journey.body for name, journey in journeys.items()}
    return versions


def _decisions(
    definitions: Definitions, policy: CompiledPolicy, zone: Zone, more_facts: Iterable[FactSpec] = ()
) -> CompiledDecisions:
    documents = [each.config for kind in _DECIDED for each in definitions.of(kind).values()]
    purposes = {name: tuple(rule.bases) for name, rule in policy.purposes.items()}
    return compile_decisions(documents, zone=zone, purposes=purposes, more_facts=more_facts)


def _journeys(
    definitions: Definitions,
    version: int,
    decisions: CompiledDecisions,
    earlier: tuple[Published, ...],
    include_existing: Collection[str],
) -> CompiledJourneys:
    strict = _surroundings(definitions, decisions.zone, decisions.known)
    lenient = _surroundings(None, decisions.zone, _without_checks(decisions, earlier))
    current, older = [], []
    for name, versions in sorted(journey_versions([*earlier, Published(version, definitions)]).items()):
        newest = max(versions)
        for number, journey in sorted(versions.items()):
            if number == newest and name in definitions.of("journey"):
                current.append(compile_journey(journey.config, version=number, around=strict))
            else:
                older.append(_older(journey, number, lenient))
    brand = default_brand(definitions)
    zone = Zone(brand.config.zone) if brand is not None else decisions.zone
    return CompiledJourneys(current, older, zone=zone, include_existing=include_existing)


def _older(journey: Definition, version: int, around: Surroundings) -> CompiledJourney:
    return compile_journey(journey.config, version=version, around=around)


def _without_checks(decisions: CompiledDecisions, earlier: Iterable[Published]) -> Known:
    """What earlier versions may refer to: everything that ever was. What is gone since answers no."""
    multipliers, traits = dict(decisions.known.multipliers), dict(decisions.known.traits)
    for each in earlier:
        for name in each.definitions.of("score"):
            multipliers.setdefault(name, 0)
        for name, trait in each.definitions.of("trait").items():
            traits.setdefault(name, trait.config)
    known = Known(multipliers=multipliers, traits=traits)
    known.compiled, known.walk = decisions.known.compiled, decisions.known.walk
    return known


def _surroundings(definitions: Definitions | None, zone: Zone, known: Known) -> Surroundings:
    def condition(data: Any) -> Condition:
        return compile_condition(data, zone=zone, known=known)

    def matches(where: Sequence[PropertyFilter]) -> Matches:
        return EventFilter(tuple(where), zone=zone).passes

    names = definitions.of if definitions is not None else None
    return Surroundings(
        compile_condition=condition,
        compile_matches=matches,
        contents=frozenset(names("content")) if names else None,
        segments=frozenset(names("segment")) if names else None,
        scores=frozenset(names("score")) if names else None,
    )
