"""Content and brand as documents, and the words that documents share.

The other kinds are typed where they are used: segments/core/definitions.py, journeys/core/definitions.py, channels/core/policy_config.py.
"""

from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from kundenkreis.content.core.blocks import Block, Look
from kundenkreis.kernel.references import ChannelId, PhaseId, SegmentId

ID_PATTERN = "^[a-z][a-z0-9_]{0,63}$"
ID_HINT = "Small letters a-z, digits and _, beginning with a letter, at most 64"
LANGUAGE_PATTERN = "^[a-z]{2,3}(-[A-Z]{2})?$"
VARIANT_PATTERN = "^[a-z]{2,3}(-[A-Z]{2})?(/(sie|du))?$"
"""de, de/du, de-AT, en: a language and, where it knows the distinction, a form of address."""

PATTERN_HINTS = {
    ID_PATTERN: ID_HINT,
    "^([01][0-9]|2[0-3]):[0-5][0-9]$": "Hours and minutes with two digits each, such as 09:30",
}
"""What to do where a text does not fit a pattern that says nothing itself."""

Id = Annotated[str, Meta(pattern=ID_PATTERN, description=ID_HINT)]
Language = Annotated[str, Meta(pattern=LANGUAGE_PATTERN, description="A language such as de, en or de-AT")]
VariantKey = Annotated[
    str,
    Meta(
        pattern=VARIANT_PATTERN,
        description="A language such as de, en or de-AT, or language and form of address such as de/du",
    ),
]
Names = dict[Language, Annotated[str, Meta(min_length=1, max_length=2_000)]]
"""One text per language: {de: Stammkunden, en: Regulars}."""
Text = Annotated[str, Meta(min_length=1, max_length=500)]
Line = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=500,
        pattern="^[^\\x00-\\x1f\\x7f]+$",
        description="One line of text, without line breaks",
    ),
]
MessageClass = Literal["transactional", "service", "marketing"]
CallToAction = Literal["read", "learn", "opinion", "use", "get_help", "register", "buy", "recommend", "none"]


class Variant(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A content item in one language."""

    subject: str
    preheader: str = ""
    html: str = ""
    mjml: str = ""
    blocks: Annotated[list[Block], Meta(max_length=200)] = []
    text: str = ""
    """May be left out with blocks and MJML: it is made of them."""
    why: str = ""
    """With blocks: the sentence below them that says why this mail came."""


class Content(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A content item: what is said, and what it is worth to the person."""

    remedies: ClassVar[dict[str, str]] = {
        "value": "Say per language what the person gains from this message: `value: {de: ..., en: ...}`",
        "call_to_action": "Say what the message asks for: read, learn, opinion, use, get_help, register, buy, recommend or none",
    }
    """What to do when a key is missing, where "Add it" says too little."""

    name: Names
    message_class: MessageClass
    value: Annotated[Names, Meta(min_length=1)]
    call_to_action: CallToAction
    variants: Annotated[dict[VariantKey, Variant], Meta(min_length=1)]
    phases: list[PhaseId] = []
    """For whom it is meant, where the content map shows it; [] = everybody."""
    personas: list[SegmentId] = []
    """Segments that it is written for."""
    channel: ChannelId = "email"
    up_to_date_until: Annotated[
        str, Meta(pattern="^$|^[0-9]{4}-[0-9]{2}-[0-9]{2}$", description="A day such as 2026-12-31")
    ] = ""
    """Afterwards the content map calls it outdated."""


class Brand(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A brand: who speaks."""

    name: Line
    sender_name: Line
    sender_address: Annotated[
        str, Meta(pattern="^[^@\\s]{1,64}@[^@\\s]{1,255}$", description="An e-mail address such as hallo@example.org")
    ]
    imprint: Names
    language: Language
    form_of_address: Literal["sie", "du"] = "sie"
    country: Annotated[
        str, Meta(pattern="^[A-Z]{2}$", description="A country of ISO 3166 in capital letters, such as DE")
    ]
    zone: Text
    look: Look = Look()
    tone: Names = {}
    """How the brand speaks, for whoever writes."""
