"""Whether contents can be sent: languages, templates and what their message class forbids; the rules themselves are content's."""

import re
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from kundenkreis.content.core.blocks import Block, Look
from kundenkreis.content.core.source import ContentSource
from kundenkreis.content.core.source import Problem as ContentProblem
from kundenkreis.content.core.source import Variant as VariantSource
from kundenkreis.content.core.templates import DEFAULT_NAMES, KnownNames, check_content, offered_names
from kundenkreis.definitions.definition import Definition, Definitions
from kundenkreis.definitions.errors import DefinitionError, Path, Problem
from kundenkreis.events.core.catalogue import EVENTS
from kundenkreis.events.core.property_names import PROPERTIES
from kundenkreis.kernel.zones import UnknownZoneError, Zone

DEFAULT_BRAND = "default"


def default_brand(definitions: Definitions) -> Definition | None:
    """The brand that contents speak for: the one called default, else the first."""
    brands = definitions.of("brand")
    return brands.get(DEFAULT_BRAND) or next(iter(brands.values()), None)


def source_of(content: Definition, brand: Definition | None) -> ContentSource:
    """A content document as what content/ compiles; its language and form of address are the brand's."""
    return source_of_body(content.id, content.body, brand)


def source_of_body(content_id: str, body: Mapping[str, Any], brand: Definition | None) -> ContentSource:
    """The same of a document's plain body, which has the shape of a content."""
    language = brand.body["language"] if brand is not None else "de"
    form: Literal["sie", "du"] = brand.config.form_of_address if brand is not None else "sie"
    values = body["value"]
    variants = {
        key: VariantSource(
            subject=part["subject"],
            text=part.get("text", ""),
            html=part.get("html", ""),
            mjml=part.get("mjml", ""),
            blocks=tuple(msgspec.convert(block, Block) for block in part.get("blocks", ())),
            preheader=part.get("preheader", ""),
            why=part.get("why", ""),
        )
        for key, part in body["variants"].items()
    }
    return ContentSource(
        id=content_id, message_class=body["message_class"], value=values.get(language) or next(iter(values.values()), ""),
        call_to_action=body["call_to_action"], variants=variants, default_language=language, form_of_address=form,
        look=brand.config.look if brand is not None else Look(),
    )  # fmt: skip


def known_names(definitions: Definitions) -> KnownNames:
    """What templates may name: what every message knows, and attributes that some definition reads or writes."""
    return DEFAULT_NAMES.with_attributes(_declared(definitions))


def _declared(definitions: Definitions) -> set[str]:
    named = (reference.name for each in definitions for reference in each.references if reference.to == "attribute")
    return {name.partition(".")[0] for name in named}


def names_for(definitions: Definitions, content_id: str) -> tuple[str, ...]:
    """Variables to propose to whoever writes this content: what every message knows, what the content names already, and the properties of the
    events by which people get into the journeys that send it; while none does, every property that an event of the catalogue has."""
    senders = [
        journey for journey in definitions.of("journey").values()
        if any(one.to == "content" and one.name == content_id for one in journey.references)
    ]  # fmt: skip
    begins = [
        one.name for journey in senders for one in journey.references if one.to == "event" and one.path[:1] == ("entry",)
    ]  # fmt: skip
    properties = [name for event in begins if event in EVENTS for name in EVENTS[event].properties]
    content = definitions.of("content").get(content_id)
    written = " ".join(_BRACES.findall(str(content.body))) if content is not None else ""
    return offered_names(
        known_names(definitions), declared=_declared(definitions),
        event=[*_OF_EVENT.findall(written), *(properties if senders else PROPERTIES)],
    )  # fmt: skip


_BRACES = re.compile(r"\{[{%].*?[%}]\}")
_OF_EVENT = re.compile(r"\bevent\.(\w+)")


def check_contents(definitions: Definitions) -> list[DefinitionError]:
    """Mistakes of all contents and brands."""
    mistakes = [each.mistake(problem) for each in definitions.of("brand").values() for problem in _brand(each)]
    contents = definitions.of("content")
    brand = default_brand(definitions)
    if contents and brand is None:
        first = next(iter(contents.values()))
        what = "there are contents, but no brand that sends them"
        mistakes.append(
            first.mistake(
                Problem(
                    path=(), code="no_brand", what=what, remedy="Add a document with `kind: brand` and `id: default`"
                )
            )
        )
        return mistakes
    known = known_names(definitions)
    for content in contents.values():
        problems = check_content(source_of(content, brand), known=known)
        mistakes += [content.mistake(_translated(each)) for each in problems]
        mistakes += [content.mistake(each) for each in _languages(content, brand)]
    return mistakes


def _brand(brand: Definition) -> list[Problem]:
    problems = []
    try:
        Zone(brand.body["zone"])
    except UnknownZoneError:
        what = f"`{brand.body['zone']}` is not a time zone"
        problems.append(
            Problem(path=("zone",), code="unknown_zone", what=what, remedy="Use an IANA name such as Europe/Berlin")
        )
    if brand.body["language"] not in brand.body["imprint"]:
        what = f"the imprint is missing in the brand's language {brand.body['language']}"
        problems.append(
            Problem(path=("imprint",), code="language_missing", what=what, remedy=f"Add `{brand.body['language']}:`")
        )
    return problems


def _languages(content: Definition, brand: Definition | None) -> list[Problem]:
    language = brand.body["language"] if brand is not None else "de"
    if language in content.body["value"]:
        return []
    what = f"the value is missing in the brand's language {language}"
    return [Problem(path=("value",), code="language_missing", what=what, remedy=f"Add `{language}:`", at_key=True)]


def check_message_classes(definitions: Definitions) -> list[DefinitionError]:
    """Steps that send a content as another class than it was written for: promotion must never pass as service."""
    mistakes = []
    for journey in definitions.of("journey").values():
        for reference in journey.references:
            content = definitions.of("content").get(reference.name) if reference.to == "content" else None
            if content is None:
                continue
            of_content = content.config.message_class
            of_step = journey.at(reference.path[:-1]).get("message_class", "marketing")
            if of_step != of_content:
                what = f"the step sends `{content.id}` as {of_step}, but that content is {of_content}"
                remedy = f"Write `message_class: {of_content}`, or choose another content"
                path = (*reference.path[:-1], "message_class")
                mistakes.append(journey.mistake(Problem(path=path, code="message_class", what=what, remedy=remedy)))
    return mistakes


def _translated(problem: ContentProblem) -> Problem:
    path: Path = (
        ("variants", problem.variant)
        if problem.variant
        else ("call_to_action",)
        if "asks people to" in problem.what
        else ("variants",)
    )
    if problem.variant and problem.part:
        path = (*path, problem.part)
    return Problem(path=path, code="content", what=_sentence(problem.what), remedy=problem.remedy, line=problem.line)


def _sentence(what: str) -> str:
    return what[:1].lower() + what[1:]
