"""What people write: one content item with its variants, before anything is compiled.

A content item states its value to the person and its kind of call to action (design: every message earns its contact).
Variants are keyed by language and, where the language knows the distinction, by form of address: "de" (the item's own
form, normally Sie), "de/du", "de-AT", "en".
"""

import re
from typing import Literal

import msgspec

from kundenkreis.content.core.blocks import Block, Look
from kundenkreis.kernel.hashing import hash128

MessageClass = Literal["transactional", "service", "marketing"]
CallToAction = Literal["read", "learn", "opinion", "use", "get_help", "register", "buy", "recommend", "none"]
FormOfAddress = Literal["sie", "du", ""]
Part = Literal["subject", "preheader", "html", "mjml", "blocks", "text", ""]

SOURCE_LIMIT_CHARACTERS = 256 * 1024
"""Per part. Gmail clips mails past 102 KB, so a longer source is a mistake or an attack."""
SUBJECT_LIMIT_CHARACTERS = 500
BODIES: tuple[Part, ...] = ("blocks", "mjml", "html")
"""Ways to write a body; each variant has at most one."""
FORMAL_LANGUAGES = frozenset({"de", "fr", "es", "it", "nl", "pl", "pt", "cs", "ru", "tr", "da", "sv", "hu", "ro"})
"""Languages in which a plain variant carries the item's form of address; elsewhere there is none to state."""

_KEY = re.compile(r"[a-z]{2,3}(-[A-Z]{2})?(/(sie|du))?")


class Variant(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The Liquid sources of one language and form of address. Its body is written in one of three ways: blocks, MJML or HTML."""

    subject: str
    text: str = ""
    """"" with blocks or MJML: made from them."""
    html: str = ""
    mjml: str = ""
    blocks: tuple[Block, ...] = ()
    preheader: str = ""
    why: str = ""
    """With blocks: the sentence below them that says why this mail came; "" = a general one."""


class ContentSource(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One content item as written in a file or an editor."""

    id: str
    message_class: MessageClass
    value: str
    """What the person gains from this message, in a sentence; required."""
    call_to_action: CallToAction
    variants: dict[str, Variant]
    default_language: str = "de"
    form_of_address: Literal["sie", "du"] = "sie"
    """The form that plain variants of languages with a distinction are written in."""
    look: Look = Look()
    """The brand's, for blocks."""


class Problem(msgspec.Struct, frozen=True):
    """One reason why content is refused: where, what, and what to do."""

    variant: str
    """Variant key, or "" for the item itself."""
    part: Part
    line: int
    """1-based line within the part; 0 where no line applies."""
    what: str
    remedy: str

    def sentence(self) -> str:
        """One readable line."""
        place = ", ".join(
            word
            for word in (
                f"variant {self.variant}" if self.variant else "",
                self.part,
                f"line {self.line}" if self.line else "",
            )
            if word
        )
        return f"{place or 'content'}: {self.what}. {self.remedy}"


def version_of(source: ContentSource) -> str:
    """The content's version: 32 hex digits over the canonical source. Equal sources share it, any change alters it."""
    canonical = msgspec.json.encode(source, order="sorted")
    return hash128("content", canonical).hex()


def split_key(key: str) -> tuple[str, str]:
    """("de-AT", "du") of "de-AT/du"; the form is "" where the key names none."""
    language, _, form = key.partition("/")
    return language, form


def form_of(source: ContentSource, key: str) -> FormOfAddress:
    """Which form of address a variant speaks in; "" for languages that make no difference."""
    language, form = split_key(key)
    if form == "du":
        return "du"
    if form == "sie":
        return "sie"
    return source.form_of_address if language.split("-")[0] in FORMAL_LANGUAGES else ""


def fallback_keys(source: ContentSource, language: str, form: str = "") -> list[str]:
    """Variant keys in the order they are tried: region before language before default; the wanted form before a region.

    Mixing Du and Sie hurts more than a missing regional spelling, so de/du is tried before de-AT for a Du reader. Of whom no form
    is known gets the brand's.
    """
    form = form or source.form_of_address
    languages = []
    for candidate in (language, language.partition("-")[0], source.default_language):
        if candidate and candidate not in languages:
            languages.append(candidate)
    keys: list[str] = []
    for base in dict.fromkeys(item.split("-")[0] for item in languages):
        family = [item for item in languages if item.split("-")[0] == base]
        keys += [f"{item}/{form}" for item in family]
        if form == source.form_of_address:
            keys += family
        keys += [key for key in family if key not in keys]
        keys += [f"{item}/{other}" for item in family for other in ("sie", "du") if f"{item}/{other}" not in keys]
    return keys


def shape_problems(source: ContentSource) -> list[Problem]:
    """What is wrong with the item apart from its templates."""
    found: list[Problem] = []
    if not source.value.strip():
        found.append(Problem("", "", 0, "no stated value", "Say in `value` what the person gains from this message"))
    if not source.variants:
        found.append(Problem("", "", 0, "no variants", f"Write a variant {source.default_language!r}"))
    elif all(split_key(key)[0].split("-")[0] != source.default_language.split("-")[0] for key in source.variants):
        remedy = f"Write a variant {source.default_language!r} or change `default_language`"
        found.append(Problem("", "", 0, f"no variant in the default language {source.default_language!r}", remedy))
    for key, variant in source.variants.items():
        found += _variant_shape(key, variant)
    return found


def _variant_shape(key: str, variant: Variant) -> list[Problem]:
    found: list[Problem] = []
    if _KEY.fullmatch(key) is None:
        found.append(
            Problem(key, "", 0, f"unknown variant key {key!r}", "Use a language such as de, de-AT, en or de/du")
        )
    if not variant.subject.strip():
        found.append(Problem(key, "subject", 0, "no subject", "Write a subject"))
    bodies: tuple[Part, ...] = tuple(name for name in BODIES if getattr(variant, name))
    if len(bodies) > 1:
        what = f"{' and '.join(bodies)} at the same time"
        found.append(Problem(key, bodies[1], 0, what, "Keep one of them"))
    if not variant.text.strip() and not (variant.blocks or variant.mjml):
        found.append(Problem(key, "text", 0, "no text part", "Write the plain text; some people read nothing else"))
    if "\n" in variant.subject.strip():
        found.append(Problem(key, "subject", 2, "a subject of several lines", "Keep the subject on one line"))
    parts: tuple[tuple[Part, str, int], ...] = (
        ("subject", variant.subject, SUBJECT_LIMIT_CHARACTERS),
        ("preheader", variant.preheader, SUBJECT_LIMIT_CHARACTERS),
        ("html", variant.html, SOURCE_LIMIT_CHARACTERS),
        ("mjml", variant.mjml, SOURCE_LIMIT_CHARACTERS),
        ("text", variant.text, SOURCE_LIMIT_CHARACTERS),
    )
    found += [
        Problem(key, part, 0, f"{len(text)} characters", f"Shorten it to at most {limit}")
        for part, text, limit in parts
        if len(text) > limit
    ]
    return found
