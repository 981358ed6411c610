"""Whether everything that definitions name exists, and that nothing reads itself."""

from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches

from kundenkreis.channels.core.policy_config import PurposeRule
from kundenkreis.channels.core.policy_defaults import DEFAULT_POLICY
from kundenkreis.definitions.definition import Definition, Definitions
from kundenkreis.definitions.errors import DefinitionError, Path, Problem
from kundenkreis.definitions.names import CHANNELS, EVENTS
from kundenkreis.definitions.shape import Reference
from kundenkreis.definitions.suggest import did_you_mean
from kundenkreis.segments.core.operators import ALL_OPS
from kundenkreis.segments.core.traits import BUILT_IN

_WORDS = {
    "segment": "segment", "score": "score", "phase": "phase", "sub_state": "sub-state", "situation": "situation", "trait": "computed trait",
    "content": "content", "journey": "journey", "purpose": "purpose", "step": "step", "channel": "channel", "operator": "operator",
}  # fmt: skip
_WHERE = {
    "segment": "Define it: a document with `kind: segment`",
    "score": "Define it: a document with `kind: score`",
    "phase": "Define it in the document with `kind: phases`",
    "sub_state": "Define it under `sub_states` of a phase",
    "situation": "Define it: a document with `kind: situation`",
    "content": "Define it: a document with `kind: content`",
    "journey": "Define it: a document with `kind: journey`",
    "purpose": "Define it under `purposes` of the document with `kind: policy`",
}
_READS = {
    "segment": "segment",
    "score": "score",
    "situation": "situation",
    "trait": "trait",
    "phase": "phases",
    "sub_state": "phases",
}
"""What a reference makes a definition depend on, when it is answered in the same pass."""
_ANSWERED = frozenset({"segment", "score", "situation", "trait", "phases"})
_TYPING_ERROR = 0.88
"""Closeness from which an unknown event name is probably a typing error: one or two letters in a usual name."""


def check_references(definitions: Definitions, channels: Iterable[str] = ()) -> list[DefinitionError]:
    """Names that name nothing; `channels` are those of third parties."""
    known = _known(definitions, channels)
    return [
        each.mistake(_unknown(reference, names))
        for each in definitions
        for reference in each.references
        if reference.to in _WORDS and reference.name not in (names := _names(known, each, reference))
    ]


def _known(definitions: Definitions, channels: Iterable[str]) -> dict[str, tuple[str, ...]]:
    phases = definitions.single("phases")
    of_phases = phases.config.phases if phases is not None else ()
    return {
        "segment": tuple(definitions.of("segment")),
        "score": tuple(definitions.of("score")),
        "situation": tuple(definitions.of("situation")),
        "content": tuple(definitions.of("content")),
        "journey": tuple(definitions.of("journey")),
        "trait": (*definitions.of("trait"), *BUILT_IN),
        "phase": tuple(phase.id for phase in of_phases),
        "sub_state": tuple(sub.id for phase in of_phases for sub in phase.sub_states),
        "purpose": tuple(purpose.id for purpose in _purposes(definitions)),
        "channel": (*CHANNELS, *channels),
        "operator": tuple(sorted(ALL_OPS)),
    }


def _purposes(definitions: Definitions) -> Sequence[PurposeRule]:
    """Those of the contact policy; a policy that lists none keeps the shipped ones."""
    policy = definitions.single("policy")
    written = policy.config.purposes if policy is not None else None
    return written if written is not None else DEFAULT_POLICY.purposes or ()


def _names(known: dict[str, tuple[str, ...]], definition: Definition, reference: Reference) -> tuple[str, ...]:
    if reference.to == "step":
        return (*(step["id"] for step in definition.body["steps"]), "exit")
    return known[reference.to]


def _unknown(reference: Reference, names: tuple[str, ...]) -> Problem:
    remedy = did_you_mean(reference.name, names, otherwise=_WHERE.get(reference.to, ""))
    what = f"there is no {_WORDS[reference.to]} `{reference.name}`"
    return Problem(path=reference.path, code=f"unknown_{reference.to}", what=what, remedy=remedy)


def check_event_names(definitions: Definitions) -> tuple[list[DefinitionError], list[DefinitionError]]:
    """(mistakes, notes) about event names: another spelling of a known one is a mistake, a close one worth a note."""
    emitted = {
        step["emit_event"]["name"]
        for each in definitions.of("journey").values()
        for step in each.body["steps"]
        if "emit_event" in step
    }
    folded = {name.casefold(): name for name in EVENTS}
    mistakes, notes = [], []
    for each in definitions:
        for reference in each.references:
            name = reference.name
            if reference.to != "event" or name in EVENTS or (name and name in emitted):
                continue
            if not name.strip():
                mistakes.append(_event(each, reference.path, "the event has no name", "Name the event"))
                continue
            if name.casefold() in folded:
                remedy = f"Did you mean `{folded[name.casefold()]}`?"
                mistakes.append(
                    _event(each, reference.path, f"no event is written `{name}`; capital letters count", remedy)
                )
            elif close := get_close_matches(name, EVENTS, n=1, cutoff=_TYPING_ERROR):
                remedy = f"Did you mean `{close[0]}`? Otherwise leave it as it is"
                what = f"the event `{name}` is not in the catalogue"
                notes.append(_event(each, reference.path, what, remedy, code="unlisted_event"))
    return mistakes, notes


def _event(
    definition: Definition, path: Path, what: str, remedy: str, *, code: str = "unknown_event"
) -> DefinitionError:
    return definition.mistake(Problem(path=path, code=code, what=what, remedy=remedy))


def check_cycles(definitions: Definitions) -> list[DefinitionError]:
    """Definitions that read themselves, directly or through others, whatever their kinds: one mistake per cycle."""
    graph = {each.key: dict(_edges(each, definitions)) for each in definitions if each.kind in _ANSWERED}
    mistakes = []
    settled: set[str] = set()
    for start in graph:
        if start in settled:
            continue
        cycle = _shortest_cycle(graph, start)
        if cycle:
            settled.update(cycle)
            mistakes.append(_cycle_mistake(definitions, graph, cycle))
    return mistakes


def _edges(definition: Definition, definitions: Definitions) -> Iterator[tuple[str, Path]]:
    seen: set[str] = set()
    for reference in definition.references:
        kind = _READS.get(reference.to)
        if kind is None:
            continue
        target = kind if kind == "phases" else f"{kind}:{reference.name}"
        if target not in seen and definitions.get(target) is not None:
            seen.add(target)
            yield target, reference.path


def _shortest_cycle(graph: dict[str, dict[str, Path]], start: str) -> list[str]:
    """The shortest way from a definition back to itself, [] if there is none."""
    came_from: dict[str, str] = {}
    queue = [start]
    for node in queue:
        for target in graph[node]:
            if target == start:
                way = [node]
                while way[-1] != start:
                    way.append(came_from[way[-1]])
                return way[::-1]
            if target not in came_from:
                came_from[target] = node
                queue.append(target)
    return []


def _cycle_mistake(definitions: Definitions, graph: dict[str, dict[str, Path]], cycle: list[str]) -> DefinitionError:
    members = [definition for key in cycle if (definition := definitions.get(key)) is not None]
    first = members[0]
    path = graph[cycle[0]][cycle[1] if len(cycle) > 1 else cycle[0]]
    way = " reads ".join(each.words for each in [*members, first])
    remedy = "Take one of these conditions out; what belongs to both can stand in a segment that both read"
    return first.mistake(
        Problem(path=path, code="cycle", what=f"the definitions read each other in a circle: {way}", remedy=remedy)
    )
