"""What compilers refuse, asked part by part so that every mistake is found and not only the first.

The rules are those of segments/, journeys/ and channels/; here they are only asked for each condition, filter, score, situation, trait
and journey by itself, and what they say gets a place in the file.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from kundenkreis.channels.core.policy_compiled import compile_policy
from kundenkreis.channels.core.policy_errors import PolicyError
from kundenkreis.definitions.definition import Definition, Definitions
from kundenkreis.definitions.errors import DefinitionError as Mistake
from kundenkreis.definitions.errors import Path, Problem
from kundenkreis.definitions.installed import installed_plugins
from kundenkreis.definitions.kinds import Plugins
from kundenkreis.definitions.suggest import SEE_REFERENCE
from kundenkreis.journeys.core.graph import Surroundings, compile_journey
from kundenkreis.journeys.errors import InvalidJourneyError, JourneyProblem
from kundenkreis.kernel.zones import Zone
from kundenkreis.segments.core.operators import EventFilter
from kundenkreis.segments.core.protocol import Known, PropertyFilter
from kundenkreis.segments.core.scores import CompiledScore
from kundenkreis.segments.core.situations import CompiledSituation
from kundenkreis.segments.core.traits import defined_trait
from kundenkreis.segments.core.tree import NEVER_HOLDS, compile_condition
from kundenkreis.segments.errors import DefinitionError

_UTC = Zone("UTC")
"""Whether something compiles does not depend on the zone."""


def check_parts(definitions: Definitions, plugins: Plugins | None = None) -> list[Mistake]:
    """Mistakes inside each definition; how they fit together is asked elsewhere."""
    known, plugins = _known(definitions), plugins or installed_plugins()
    return [each.mistake(problem) for each in definitions for problem in _of(each, known, plugins)]


def _known(definitions: Definitions) -> Known:
    """What leaves need to compile: scores and traits. Ids are not checked here; references.py names what is meant."""
    multipliers = {}
    for score in definitions.of("score").values():
        try:
            multipliers[score.id] = CompiledScore(score.config, zone=_UTC, path=()).multiplier
        except DefinitionError:
            multipliers[score.id] = 0
    return Known(multipliers=multipliers, traits={name: each.config for name, each in definitions.of("trait").items()})


def _of(definition: Definition, known: Known, plugins: Plugins) -> Iterator[Problem]:
    for path in definition.findings.leaves:
        yield from _leaf(definition, path, known, plugins)
    for path in definition.findings.filters:
        yield from _filter(definition, path)
    checks = {"score": _score, "situation": _situation, "trait": _trait, "policy": _policy}
    if definition.kind == "journey":
        yield from _journey(definition, plugins)
    elif definition.kind in checks:
        yield from checks[definition.kind](definition)


def _leaf(definition: Definition, path: Path, known: Known, plugins: Plugins) -> Iterator[Problem]:
    try:
        compile_condition(definition.at(path), zone=_UTC, known=known, path=path, kinds=plugins.conditions)
    except DefinitionError as error:
        yield problem_of(error, error.path)


def _filter(definition: Definition, path: Path) -> Iterator[Problem]:
    try:
        EventFilter((msgspec.convert(definition.at(path), PropertyFilter),), zone=_UTC)
    except DefinitionError as error:
        yield problem_of(error, (*path, *error.path[len(("where", 0)) :]))


def _score(definition: Definition) -> Iterator[Problem]:
    try:
        CompiledScore(definition.config, zone=_UTC, path=())
    except DefinitionError as error:
        yield problem_of(error, error.path)


def _situation(definition: Definition) -> Iterator[Problem]:
    try:
        CompiledSituation(definition.config, zone=_UTC, path=())
    except DefinitionError as error:
        yield problem_of(error, error.path)


def _trait(definition: Definition) -> Iterator[Problem]:
    try:
        defined_trait(definition.config)
    except DefinitionError as error:
        yield problem_of(error, error.path)


def _policy(definition: Definition) -> Iterator[Problem]:
    try:
        compile_policy(definition.config)
    except PolicyError as error:
        yield Problem(
            path=_entry_path(definition, error.data.get("entry")),
            code="policy",
            what=_said(str(error)),
            remedy=SEE_REFERENCE,
        )


def _entry_path(definition: Definition, entry: object) -> Path:
    for name, listed in definition.body.items():
        for index, each in enumerate(listed if isinstance(listed, list) else ()):
            if isinstance(each, dict) and entry in (each.get("id"), each.get("situation")):
                return (name, index)
    return ()


def _journey(definition: Definition, plugins: Plugins) -> Iterator[Problem]:
    graph_only = Surroundings(
        compile_condition=lambda _data: NEVER_HOLDS,
        compile_matches=lambda _where: lambda _properties, _day: False,
        kinds=plugins.steps,
    )
    try:
        compile_journey(definition.config, version=0, around=graph_only)
    except InvalidJourneyError as error:
        lost = any(problem.code == "unknown_step" for problem in error.problems)
        for problem in error.problems:
            if not (lost and problem.code == "unreachable_step"):  # a misspelt `next` makes its target unreachable
                yield _journey_problem(problem)


def _journey_problem(problem: JourneyProblem) -> Problem:
    message = _said(problem.message)
    what, remedy = JOURNEY_WORDS.get(problem.code, ("", SEE_REFERENCE))
    return Problem(
        path=problem.path, code=problem.code, what=what or message, remedy=remedy or problem.message.rstrip(".")
    )


JOURNEY_WORDS: dict[str, tuple[str, str]] = {
    "alternative_unclear": ("one of the things waited for names none or two", ""),
    "alternatives_missing": ("there is nothing to wait for", ""),
    "attribute_name_missing": ("the attribute has no name", ""),
    "branches_missing": ("there is no branch", ""),
    "duplicate_branch": ("an id stands here a second time", ""),
    "duplicate_step": ("", "Give it another id"),
    "entry_unclear": ("how somebody gets in is not clear", ""),
    "event_name_missing": ("the event has no name", ""),
    "event_name_reserved": ("", "Choose a name of your own"),
    "goal_unclear": ("the goal is neither an event nor a condition, or both", ""),
    "invalid_event": ("", SEE_REFERENCE),
    "invalid_step": ("", SEE_REFERENCE),
    "loop_without_wait": ("the journey goes in a circle without waiting", ""),
    "parts_not_100": ("the shares of the split do not give 100 %", ""),
    "purpose_missing": ("the message names no purpose", ""),
    "remainder_not_last": ("the branch without `when` is not the last one", ""),
    "schedule_unclear": ("`on` does not fit `every`", ""),
    "step_id_wrong": ("the id of the step cannot be used", ""),
    "step_kind_unknown": ("the step does none or several things", ""),
    "steps_missing": ("there is no step", ""),
    "timeout_empty": ("the timeout has no length", ""),
    "timeout_missing": ("there is no timeout", ""),
    "unknown_content": ("", SEE_REFERENCE),
    "unknown_score": ("", SEE_REFERENCE),
    "unknown_segment": ("", SEE_REFERENCE),
    "unknown_step": ("", "Name one of the steps of this journey, or exit"),
    "unreachable_step": ("", "Name it behind a `next`, or delete it"),
    "wait_date_wrong": ("the date cannot be read", ""),
    "wait_time_missing": ("the wait names no time of day", ""),
    "wait_too_long": ("the wait is too long", ""),
    "wait_unclear": ("the wait states nothing, or several things", ""),
}
"""Code of a journey's problem -> (what is wrong, what to do); "": the problem's own message says it."""


def problem_of(error: DefinitionError, path: Path) -> Problem:
    """What a compiler of segments/ refused, at this path of its document."""
    if error.remedy:
        return Problem(path=path, code=error.slug, what=_said(error.message), remedy=_plain(error.remedy))
    names = [step for step in path if isinstance(step, str)]
    what = f"`{names[-1]}` does not fit" if names else "the document cannot be used as it is written"
    return Problem(path=path, code=error.slug, what=what, remedy=_plain(error.message))


def _said(message: str) -> str:
    text = _plain(message)
    return text[:1].lower() + text[1:]


def _plain(message: Any) -> str:
    return str(message).strip().rstrip(".")
