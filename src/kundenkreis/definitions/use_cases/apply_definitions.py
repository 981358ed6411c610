"""Publish what a directory of files defines."""

from collections.abc import Collection
from pathlib import Path

import msgspec

from kundenkreis.definitions.canonical import canonical_json, definitions_from_json, version_hash
from kundenkreis.definitions.diff import Change, SpokenLanguage, compare, in_words
from kundenkreis.definitions.errors import DefinitionError, DefinitionsRefusedError
from kundenkreis.definitions.impact import Impact
from kundenkreis.definitions.kinds import BY_KIND, Plugins
from kundenkreis.definitions.load import load_directory
from kundenkreis.definitions.publisher import Publisher
from kundenkreis.definitions.suggest import did_you_mean
from kundenkreis.kernel.errors import CallerError


class UnknownJourneyError(CallerError):
    """There is no such journey in the directory."""

    code = "unknown_journey"


class Applied(msgspec.Struct, frozen=True, gc=False):
    """What applying a directory changes, would change or has changed."""

    hash: str
    """Of the definitions: equal for equal definitions only."""
    changes: tuple[Change, ...]
    """Against the rulebook in force; () = it says the same already, and nothing is published."""
    notes: tuple[DefinitionError, ...]
    """What is possible but looks like a mistake."""
    impact: Impact | None
    """None where nothing changes."""
    version: int = 0
    """Number of the published rulebook; 0 = nothing was published."""
    position: int = 0
    """Log position from which on it applies."""


def apply_definitions(
    directory: Path,
    publisher: Publisher,
    *,
    actor: str,
    dry_run: bool = False,
    include_existing: Collection[str] = (),
    plugins: Plugins | None = None,
) -> Applied:
    """Check a directory, compare it with the rulebook in force, count what it would do, and publish it as a whole.

    Args:
        actor: who publishes, as the log names them.
        dry_run: everything but publishing.
        include_existing: journeys that also start for people who match at the moment of publishing.

    Raises:
        DefinitionsRefusedError: with every mistake, its file, line, column and remedy.
        UnknownJourneyError: `include_existing` names one that the directory does not define.

    Effects: reads files; publishes one rulebook unless nothing changes or `dry_run`.
    """
    definitions = load_directory(directory, plugins)
    if isinstance(definitions, list):
        raise DefinitionsRefusedError(tuple(definitions))
    journeys = definitions.of("journey")
    for name in sorted(set(include_existing) - set(journeys)):
        raise UnknownJourneyError(
            f"There is no journey `{name}` to start. {did_you_mean(name, journeys)}", journey=name
        )
    canonical = canonical_json(definitions)
    changes = compare(definitions_from_json(publisher.in_force()), definitions)
    told = Applied(version_hash(canonical), changes, definitions.notes, None)
    if not changes:
        return told
    told = msgspec.structs.replace(told, impact=publisher.impact(canonical, include_existing=include_existing))
    if dry_run:
        return told
    version, position = publisher.publish(canonical, actor=actor, include_existing=include_existing)
    return msgspec.structs.replace(told, version=version, position=position)


EVERYBODY = 100.0
_IMPACT_WORDS: dict[SpokenLanguage, dict[str, str]] = {
    "de": {
        "people": "Geprüfte Personen: {customers}.",
        "sample": "Geprüft an einer Stichprobe von {percent} % ({customers} Personen); hochgerechnet, ± im 95-%-Intervall.",
        "step": "  Schritt {step_id} {change}: jetzt dort {standing}",
        "added": "neu",
        "changed": "geändert",
        "removed": "entfernt",
        "moves": "{kind} {id}: hinein {entering}, hinaus {leaving}",
        "starts": "Strecke {id}: beginnt sofort für {starting}",
        "earlier": "Strecke {id}: unterwegs in einer früheren Fassung, die bis zum Ende gilt: {on_earlier_version}",
        "nobody": "Für niemanden ändert sich etwas im Augenblick der Veröffentlichung.",
        "sub_state": "Zustand",
        "phase": "Phase",
    },
    "en": {
        "people": "People asked about: {customers}.",
        "sample": "Asked for a sample of {percent} % ({customers} people); projected to everybody, ± the 95 % interval.",
        "step": "  step {step_id} {change}: there now {standing}",
        "added": "new",
        "changed": "changed",
        "removed": "removed",
        "moves": "{kind} {id}: entering {entering}, leaving {leaving}",
        "starts": "journey {id}: starts at once for {starting}",
        "earlier": "journey {id}: under way in an earlier form, which holds to the end: {on_earlier_version}",
        "nobody": "Nothing changes for anybody at the moment of publishing.",
        "sub_state": "sub-state",
        "phase": "phase",
    },
}


def impact_in_words(impact: Impact, language: SpokenLanguage) -> list[str]:
    """One line for each thing that happens to people."""
    words = _IMPACT_WORDS[language]

    def told(count: int) -> str:
        if impact.sample_percent >= EVERYBODY:
            return str(count)
        estimate, margin = impact.estimate(count)
        return f"{estimate} ± {margin}"

    lines = []
    for move in impact.memberships:
        facts = {"kind": _word_for(move.kind, language), "id": move.id}
        lines.append(words["moves"].format(**facts, entering=told(move.entering), leaving=told(move.leaving)))
    for journey in impact.journeys:
        if journey.starting:
            lines.append(words["starts"].format(id=journey.id, starting=told(journey.starting)))
        if journey.on_earlier_version:
            lines.append(words["earlier"].format(id=journey.id, on_earlier_version=told(journey.on_earlier_version)))
        lines += [
            words["step"].format(step_id=step.step_id, change=words[step.change], standing=told(step.standing))
            for step in journey.steps
            if step.standing
        ]
    asked = "people" if impact.sample_percent >= EVERYBODY else "sample"
    head = words[asked].format(customers=impact.customers, percent=f"{impact.sample_percent:g}")
    return [head, *(lines or [words["nobody"]])]


def _word_for(kind: str, language: SpokenLanguage) -> str:
    known = BY_KIND.get(kind)
    if known is None:
        return _IMPACT_WORDS[language][kind]
    return known.word_de if language == "de" else known.word_en


def applied_in_words(applied: Applied, language: SpokenLanguage) -> list[str]:
    """The whole answer for people, line by line."""
    lines = in_words(applied.changes, language)
    if applied.impact is not None:
        lines += ["", *impact_in_words(applied.impact, language)]
    return lines
