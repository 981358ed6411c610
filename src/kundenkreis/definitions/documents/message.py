"""Content, contact policy and brand as documents."""

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from kundenkreis.definitions.documents.base import (
    ABSENT,
    Absent,
    Basis,
    CallToAction,
    Clock,
    Config,
    Id,
    Language,
    MessageClass,
    Names,
    NotNegative,
    Percent,
    Positive,
    Priority,
    Text,
    VariantKey,
)
from kundenkreis.kernel.references import ChannelId, JourneyId, SituationId


class Variant(Config, frozen=True, kw_only=True):
    """A content item in one language."""

    subject: str
    preheader: str = ""
    html: str = ""
    text: str = ""


class Content(Config, frozen=True, kw_only=True):
    """A content item: what is said, and what it is worth to the person."""

    remedies: ClassVar[dict[str, str]] = {
        "value": "Say per language what the person gains from this message: `value: {de: ..., en: ...}`",
        "call_to_action": "Say what the message asks for: read, learn, opinion, use, get_help, register, buy, recommend or none",
    }

    name: Names
    message_class: MessageClass
    value: Annotated[Names, Meta(min_length=1)]
    call_to_action: CallToAction
    variants: Annotated[dict[VariantKey, Variant], Meta(min_length=1)]


class Limit(Config, frozen=True, kw_only=True):
    """At most so many messages in so many hours."""

    id: Id
    channel: ChannelId | Absent = ABSENT
    message_class: MessageClass | Absent = ABSENT
    at_most: NotNegative
    per_hours: Positive


class QuietHours(Config, frozen=True, kw_only=True, rename={"from_": "from"}):
    """When nothing is handed over."""

    channel: ChannelId | Absent = ABSENT
    message_class: MessageClass | Absent = ABSENT
    from_: Clock
    to: Clock
    sundays: bool = False
    holidays: bool = False


class SituationRule(Config, frozen=True, kw_only=True):
    """What a situation stops by itself."""

    situation: SituationId
    holds: MessageClass = "marketing"
    priorities: Annotated[list[Priority], Meta(min_length=2, max_length=2)] | Absent = ABSENT
    except_journeys: list[JourneyId] | Absent = ABSENT
    reason: Names


class Purpose(Config, frozen=True, kw_only=True):
    """What people may allow, and on which legal bases."""

    id: Id
    name: Names
    bases: Annotated[list[Basis], Meta(min_length=1)]


class AfterConversion(Config, frozen=True, kw_only=True):
    """No rise of pressure after any conversion."""

    days: NotNegative
    extra_per_week: NotNegative


class GlobalHoldout(Config, frozen=True, kw_only=True):
    """The control group over everything."""

    percent: Percent
    salt: Text


class Policy(Config, frozen=True, kw_only=True):
    """The contact policy: the only judge of every message."""

    limits: list[Limit]
    quiet_hours: list[QuietHours] | Absent = ABSENT
    situations: list[SituationRule] | Absent = ABSENT
    purposes: list[Purpose]
    after_conversion: AfterConversion | Absent = ABSENT
    global_holdout: GlobalHoldout | Absent = ABSENT
    default_priority: Priority = 5
    overdue_grace_hours: NotNegative = 6


class Brand(Config, frozen=True, kw_only=True):
    """A brand: who speaks."""

    name: Text
    sender_name: Text
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
