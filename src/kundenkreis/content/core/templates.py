"""Content compiled once and rendered per person: subject, preheader, HTML and text in the person's language.

Pure: the same source and variables give the same bytes on every machine. A template that fails or aborts is a value,
never an exception in the sender's loop: one hostile first name costs one message.
"""

import difflib
import re
from collections.abc import Iterable, Mapping, Set
from typing import Any

import msgspec
from liquid.exceptions import LiquidError, ResourceLimitError, UnknownFilterError

from kundenkreis.content.core import liquid
from kundenkreis.content.core.bodies import Body, body_of, expanded
from kundenkreis.content.core.customer_variables import SAID, TRAITS
from kundenkreis.content.core.filters import TooMuchError
from kundenkreis.content.core.lint import lint
from kundenkreis.content.core.source import (
    CallToAction,
    ContentSource,
    FormOfAddress,
    MessageClass,
    Part,
    Problem,
    Variant,
    fallback_keys,
    form_of,
    shape_problems,
    split_key,
    version_of,
)
from kundenkreis.content.errors import ContentRefusedError

_BODY = re.compile(r"<body[^>]*>", re.IGNORECASE)
_HIDDEN = '<div style="display:none;max-height:0;overflow:hidden;mso-hide:all">'
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class KnownNames(msgspec.Struct, frozen=True):
    """What templates may name. None means: anything below this root."""

    customer: frozenset[str] | None = TRAITS | SAID
    event: frozenset[str] | None = None
    brand: frozenset[str] | None = None
    message: frozenset[str] | None = None
    journey: frozenset[str] | None = None

    def with_attributes(self, names: frozenset[str] | set[str]) -> "KnownNames":
        """The same, knowing these attributes of customers as well."""
        return msgspec.structs.replace(self, customer=(self.customer or frozenset()) | names)


DEFAULT_NAMES = KnownNames()
_ROOTS = frozenset({"customer", "event", "brand", "message", "journey"})
_LINKS = frozenset({"unsubscribe_url", "preferences_url"})
ALWAYS: Mapping[str, tuple[str, ...]] = {
    "brand": ("name", "email", "imprint"),
    "message": ("date", "id", "language", "purpose"),
    "journey": ("id",),
}
"""What every message finds below the roots that take anything."""
_ADDRESS = ("city", "country", "postalCode", "state", "street")
"""Parts of an address. Source: Segment's spec of identify, reserved traits."""
_OFTEN = ("greeting", "first_name", "last_name")
"""What letters begin with is offered first."""
_NOT_OFFERED = frozenset({"createdAt", "firstName", "lastName"})
"""Known, but other spellings of a name that is offered."""


class CompiledVariant(msgspec.Struct, frozen=True, gc=False):
    """One language and form of address, parsed."""

    language: str
    form_of_address: FormOfAddress
    subject: liquid.Parsed
    text: liquid.Parsed
    html: liquid.Parsed | None


class CompiledContent(msgspec.Struct, frozen=True, gc=False):
    """A content item that passed every check, ready to render. Immutable and shared between threads."""

    id: str
    version: str
    message_class: MessageClass
    value: str
    call_to_action: CallToAction
    variants: dict[str, CompiledVariant]
    source: ContentSource


class Rendered(msgspec.Struct, frozen=True, gc=False):
    """What one person gets."""

    subject: str
    html: str
    """"" where the variant has no HTML part."""
    text: str
    language: str
    form_of_address: FormOfAddress


class RenderFailed(msgspec.Struct, frozen=True, gc=False):
    """Why there is nothing to send to this person; a value, so that the other persons get theirs."""

    reason: str
    """Slug: aborted, limit, data, empty_subject."""
    detail: str
    aborted: bool = False
    """The template itself decided so (`abort_message`): withheld, not failed."""


def offered_names(known: KnownNames, *, declared: Set[str] = frozenset(), event: Iterable[str] = ()) -> tuple[str, ...]:
    """Every variable worth proposing to whoever writes a template, as it is written: "customer.first_name", "unsubscribe_url".

    None of them would be found unknown by `check_content`.

    Args:
        declared: attributes of customers that definitions name; offered under whatever name they have.
        event: properties of the events that this content answers to, in the order in which to offer them.
    """
    plain = {name for name in known.customer or () if name in declared or name not in _NOT_OFFERED}
    customer = [*(name for name in _OFTEN if name in plain), *sorted(plain.difference(_OFTEN))]
    below = {
        "customer": customer,
        "event": list(dict.fromkeys(event)),
        **{root: list(names) for root, names in ALWAYS.items()},
    }
    paths = [f"{root}.{name}" for root, names in below.items() for name in names]
    address = paths.index("customer.address") if "customer.address" in paths else len(paths)
    paths[address : address + 1] = [f"customer.address.{part}" for part in _ADDRESS]
    return (*paths, *sorted(_LINKS))


def compile_content(source: ContentSource, *, known: KnownNames = DEFAULT_NAMES) -> CompiledContent:
    """The content ready to render.

    Raises:
        ContentRefusedError: with every problem found, each with its variant, part, line and remedy.
    """
    problems = check_content(source, known=known)
    if problems:
        raise ContentRefusedError(source.id, problems)
    bodies, _ = expanded(source)
    variants = {key: _compile_variant(source, key, body) for key, body in bodies.items()}
    return CompiledContent(
        id=source.id,
        version=version_of(source),
        message_class=source.message_class,
        value=source.value,
        call_to_action=source.call_to_action,
        variants=variants,
        source=source,
    )


def compile_draft(source: ContentSource, key: str) -> CompiledContent | Problem:
    """One variant of a content that may hold mistakes, ready to be looked at; the problem that hinders even that."""
    body = body_of(source, key, source.variants[key])
    if isinstance(body, Problem):
        return body
    try:
        variant = _compile_variant(source, key, body)
    except LiquidError as error:
        return Problem(key, "", 0, _what(error), _remedy(error))
    return CompiledContent(
        id=source.id,
        version="",
        message_class=source.message_class,
        value=source.value,
        call_to_action=source.call_to_action,
        variants={key: variant},
        source=source,
    )


def check_content(source: ContentSource, *, known: KnownNames = DEFAULT_NAMES) -> tuple[Problem, ...]:
    """Everything that speaks against publishing this content; () if nothing does."""
    problems = shape_problems(source)
    bodies, unreadable = expanded(source)
    problems += unreadable
    for key, body in bodies.items():
        for part, text, escape in _parts(source.variants[key], body):
            problems += _template_problems(key, part, text, escape, known)
    problems += lint(source, bodies)
    # What stands in a block stands in the HTML and in the text made of it: said once.
    return tuple(dict.fromkeys(_placed(problem) for problem in problems))


def _placed(problem: Problem) -> Problem:
    """A line of made HTML says nothing to whoever wrote blocks or MJML."""
    return msgspec.structs.replace(problem, line=0) if problem.part in ("blocks", "mjml") else problem


def render(
    compiled: CompiledContent,
    variables: Mapping[str, Any],
    language: str = "",
    *,
    form_of_address: str = "",
    zone_name: str = "",
) -> Rendered | RenderFailed:
    """What this person gets, or why there is nothing.

    Args:
        variables: {"customer": {...}, "event": {...}, "brand": {...}, "message": {...}, "unsubscribe_url": "...",
            "preferences_url": "..."}: plain dict, list, text and numbers only.
        language: of the person, such as "de-AT"; falls back to "de", then to the content's default language.
        form_of_address: "sie" or "du" where the person's is known.
        zone_name: IANA zone for the `date` filter; the brand's default where empty.
    """
    variant = choose_variant(compiled, language, form_of_address)
    same = language.partition("-")[0] == variant.language.partition("-")[0]
    shown = language if same else variant.language
    try:
        if problem := liquid.plain_problem(dict(variables)):
            return RenderFailed("data", f"variables may not hold {problem}")
        subject = variant.subject.render(variables, language=shown, zone_name=zone_name)
        subject = " ".join(_CONTROLS.sub(" ", subject).split())
        if not subject:
            return RenderFailed("empty_subject", "the subject came out empty for this person")
        text = variant.text.render(variables, language=shown, zone_name=zone_name)
        html = variant.html.render(variables, language=shown, zone_name=zone_name) if variant.html else ""
    except liquid.AbortMessage as abort:
        return RenderFailed("aborted", str(abort.message), aborted=True)
    except Exception as error:  # the edge to a template written by people, fed with data from anywhere
        return _failed(error)
    return Rendered(subject, html, text, variant.language, variant.form_of_address)


def choose_variant(compiled: CompiledContent, language: str, form_of_address: str = "") -> CompiledVariant:
    """The variant for this language and form of address; publishing made sure that a default exists."""
    for key in fallback_keys(compiled.source, language, form_of_address):
        if key in compiled.variants:
            return compiled.variants[key]
    return next(iter(compiled.variants.values()))


def _failed(error: Exception) -> RenderFailed:
    message = str(error.message) if isinstance(error, LiquidError) else str(error)
    reason = "limit" if isinstance(error, ResourceLimitError | TooMuchError) else "data"
    return RenderFailed(reason, f"{type(error).__name__}: {message}"[:500])


def _parts(variant: Variant, body: Body) -> tuple[tuple[Part, str, liquid.Escape], ...]:
    return (
        ("subject", variant.subject.strip(), "text"),
        ("preheader", variant.preheader.strip(), "html"),
        (body.html_part, body.html, "html"),
        (body.text_part, body.text, "text"),
    )


def _compile_variant(source: ContentSource, key: str, body: Body) -> CompiledVariant:
    variant = source.variants[key]
    # Blocks bring it along as mj-preview.
    html = body.html if variant.blocks else _with_preheader(body.html, variant.preheader.strip())
    return CompiledVariant(
        split_key(key)[0],
        form_of(source, key),
        liquid.parse(variant.subject.strip(), "text"),
        liquid.parse(body.text, "text"),
        liquid.parse(html, "html") if html else None,
    )


def _with_preheader(html: str, preheader: str) -> str:
    if not html or not preheader:
        return html
    body = _BODY.search(html)
    at = body.end() if body else 0
    return f"{html[:at]}{_HIDDEN}{preheader}</div>{html[at:]}"


def _template_problems(key: str, part: Part, text: str, escape: liquid.Escape, known: KnownNames) -> list[Problem]:
    if not text:
        return []
    try:
        parsed = liquid.parse(text, escape)
    except LiquidError as error:
        return [Problem(key, part, _line_of_error(error, text), _what(error), _remedy(error))]
    except RecursionError:
        return [Problem(key, part, 0, "nested too deep", "Simplify the template")]
    found = []
    for name, index in liquid.bindings(parsed):
        if name in _ROOTS or name in _LINKS:
            found.append(Problem(key, part, _line(text, index), f"{name} is bound anew", "Choose another name"))
    for use in liquid.uses(parsed):
        if not use.defaulted and (problem := _name_problem(use, known)):
            found.append(Problem(key, part, _line(text, use.index), *problem))
    return found


def _name_problem(use: liquid.Use, known: KnownNames) -> tuple[str, str] | None:
    """(what, remedy) if this name is not known."""
    root, rest = str(use.segments[0]), use.segments[1:]
    if root in _LINKS:
        return None if not rest else (f"{root} is a text", f"Write {root} alone")
    if root not in _ROOTS:
        names = ", ".join(sorted(_ROOTS | _LINKS))
        return f"unknown variable {root!r}", f"Use one of {names}, or add `| default: ...`"
    below: frozenset[str] | None = getattr(known, root)
    if below is None:
        return None
    if not rest or not isinstance(rest[0], str):
        return f"{root} without a plain attribute name", f"Name the attribute, such as {root}.{min(below)}"
    if rest[0] in below:
        return None
    near = difflib.get_close_matches(rest[0], sorted(below), n=1)
    hint = f"Did you mean {root}.{near[0]}? Otherwise declare" if near else "Declare"
    return f"unknown variable {root}.{rest[0]}", f"{hint} the attribute, or add `| default: ...`"


def _line(text: str, index: int) -> int:
    return text.count("\n", 0, index) + 1 if index >= 0 else 0


def _line_of_error(error: LiquidError, text: str) -> int:
    return _line(text, error.token.start_index) if error.token is not None else 0


def _what(error: LiquidError) -> str:
    return str(error.message).strip().rstrip(".") or type(error).__name__


_MISSING_END = re.compile(r"expected tag (end\w+), found end of expression")
"""How the parser words a block that is never closed."""


def _remedy(error: LiquidError) -> str:
    """What to do about what the parser found."""
    message = str(error.message)
    if isinstance(error, UnknownFilterError):
        name = message.partition("'")[2].rstrip("'")
        near = difflib.get_close_matches(name, liquid.filter_names(), n=1)
        hint = f"Did you mean {near[0]}? " if near else ""
        return f"{hint}Filters that exist: {', '.join(liquid.filter_names())}"
    if missing := _MISSING_END.match(message):
        return f"Close it with {{% {missing[1]} %}}"
    if "tag" in message:
        return f"Tags that exist: {', '.join(liquid.tag_names())}"
    return "Correct the template here; a value stands between {{ and }}, a tag between {% and %}"
