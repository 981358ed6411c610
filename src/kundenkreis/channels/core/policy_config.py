"""The contact policy as people write it: typed, as in docs/reference/definitions.md, "Contact policy and brand"."""

from typing import Annotated, Literal

import msgspec

from kundenkreis.channels.core.policy_errors import PolicyError
from kundenkreis.kernel.references import ChannelId, JourneyId, PurposeId, SituationId
from kundenkreis.kernel.zones import UnknownZoneError, zone

MessageClass = Literal["transactional", "service", "marketing"]
Basis = Literal[
    "express_consent", "existing_customer", "contract", "requested", "legitimate_interest", "presumed_b2b", "legal_duty"
]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Id = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_]{0,63}$")]
Clock = Annotated[str, msgspec.Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Priority = Annotated[int, msgspec.Meta(ge=1, le=10)]

SELLING = frozenset({"buy", "recommend"})
"""What a content asks for that sells: calls to action."""

WEEKDAYS: tuple[Weekday, ...] = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class Limit(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """At most so many contacts in any window of so many hours. Transactional and service messages are never limited."""

    id: Id
    at_most: Annotated[int, msgspec.Meta(ge=0, le=100)]
    per_hours: Annotated[int, msgspec.Meta(ge=1, le=8760)]
    channel: ChannelId = ""
    """Omitted: over all channels."""
    message_class: Literal["marketing"] = "marketing"
    purposes: list[PurposeId] = []
    """Omitted: whatever the purpose."""


class QuietHours(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When a channel rests, on the clock of the person. Never holds transactional messages."""

    channel: ChannelId
    message_class: Literal["service", "marketing"] | None = None
    """Omitted: both."""
    from_: Clock = msgspec.field(name="from", default="00:00")
    """From this local time ... Equal to `to`: no rest by the clock."""
    to: Clock = "00:00"
    """... until this one; smaller than `from`: over midnight, both parts judged by the day they lie in."""
    weekdays: list[Weekday] = []
    """Omitted: every day."""
    sundays: bool = False
    """All of Sunday is quiet."""
    holidays: bool = False
    """So are public holidays of the person's Land; of every Land where it is not known."""


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A short text in both languages."""

    de: str
    en: str


class SituationHold(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What stops by itself while a situation stands open, and while things rest after it."""

    situation: SituationId
    holds: Literal["marketing", "service"] = "marketing"
    """service: marketing as well."""
    priorities: Annotated[list[Priority], msgspec.Meta(min_length=2, max_length=2)] = msgspec.field(
        default_factory=lambda: [1, 10]
    )
    journeys: list[JourneyId] = []
    purposes: list[PurposeId] = []
    same_subject: bool = False
    """With any of these three: only messages of these journeys or purposes, or about the same order, product, case."""
    except_journeys: list[JourneyId] = []
    except_purposes: list[PurposeId] = []
    channels: list[ChannelId] = []
    """Omitted: all."""
    reason: Words


class PurposeRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What one speaks about, and the legal bases that carry it, best first."""

    id: Id
    name: Words
    bases: list[Basis]
    categories: list[str] = []
    """What goods its messages promote: existing_customer needs a purchase among them. "*" states: all our goods are
    similar. Omitted: the category that the message itself is about (`event.category`), else no ground."""


class AfterConversion(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Continuity: for so many days after the first purchase at most so many more in 7 days than before."""

    days: Annotated[int, msgspec.Meta(ge=0, le=60)] = 14
    extra_per_week: Annotated[int, msgspec.Meta(ge=0, le=50)] = 1


class Holdout(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The share of people who get no marketing, so that its effect can be proven."""

    percent: Annotated[float, msgspec.Meta(ge=0, le=50)] = 5
    salt: str = "global"


class Minors(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Known minors get no marketing (Art. 8 DSGVO; Austria: section 4 IV DSG). Whose year of birth is not known counts as grown up."""

    attribute: str = "birthday"
    """Holds the date of birth."""
    of_age: Annotated[int, msgspec.Meta(ge=0, le=25)] = 16
    """From this birthday on; 0: nobody is asked."""
    countries: dict[str, Annotated[int, msgspec.Meta(ge=0, le=25)]] = msgspec.field(default_factory=lambda: {"AT": 14})
    """Where another age holds: ISO code of the country."""


class PolicyConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Document kind `policy`. A list that is written replaces the shipped one as a whole; one left out keeps it."""

    limits: list[Limit] | None = None
    quiet_hours: list[QuietHours] | None = None
    situations: list[SituationHold] | None = None
    purposes: list[PurposeRule] | None = None
    after_conversion: AfterConversion = AfterConversion()
    global_holdout: Holdout = Holdout()
    default_priority: Priority = 5
    minors: Minors = Minors()
    incentives: list[PurposeId] = msgspec.field(default_factory=lambda: ["incentive"])
    """Purposes that carry an incentive: never the first message that somebody gets."""
    overdue_grace_hours: Annotated[int, msgspec.Meta(ge=0, le=720)] = 6


class BrandPlace(msgspec.Struct, frozen=True, kw_only=True):
    """What of the brand the policy needs: where people live of whom nothing else is known."""

    country: str = "DE"
    zone: str = "Europe/Berlin"


def check_policy(config: PolicyConfig, brand: BrandPlace) -> None:
    """Refuse what cannot be meant.

    Raises:
        PolicyError: an id twice, priorities the wrong way round, an unknown zone; says which entry and what to do.
    """
    for what, ids in (
        ("limits", [limit.id for limit in config.limits or ()]),
        ("purposes", [purpose.id for purpose in config.purposes or ()]),
    ):  # fmt: skip
        twice = sorted({one for one in ids if ids.count(one) > 1})
        if twice:
            raise PolicyError(f"{what}: the id {twice[0]} is used twice; give each entry its own.", entry=twice[0])
    for hold in config.situations or ():
        if hold.priorities[0] > hold.priorities[1]:
            raise PolicyError(
                f"situations: {hold.situation} holds priorities {hold.priorities}; write the smaller number first.",
                entry=hold.situation,
            )
    try:
        zone(brand.zone)
    except UnknownZoneError as error:
        raise PolicyError(f"brand: the zone {brand.zone} is not known; use a name such as Europe/Berlin.") from error
