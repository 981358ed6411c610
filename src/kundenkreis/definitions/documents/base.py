"""The words every kind of document is built from: ids, names per language, numbers with their bounds."""

from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

ID_PATTERN = "^[a-z][a-z0-9_]{0,63}$"
LANGUAGE_PATTERN = "^[a-z]{2,3}(-[A-Z]{2})?$"
"""de, en, de-AT."""
VARIANT_PATTERN = "^[a-z]{2,3}(-[A-Z]{2})?(/(sie|du))?$"
"""de, de/du, de-AT, en: a language and, where it knows the distinction, a form of address."""
CLOCK_PATTERN = "^([01][0-9]|2[0-3]):[0-5][0-9]$"

ID_HINT = "Small letters a-z, digits and _, beginning with a letter, at most 64"
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
Clock = Annotated[str, Meta(pattern=CLOCK_PATTERN, description="Hours and minutes with two digits each, such as 09:30")]
Text = Annotated[str, Meta(min_length=1, max_length=500)]

Positive = Annotated[int, Meta(ge=1)]
NotNegative = Annotated[int, Meta(ge=0)]
Days = Annotated[int, Meta(ge=1, le=3_660)]
"""Up to ten years."""
Percent = Annotated[float, Meta(ge=0, le=100)]
Priority = Annotated[int, Meta(ge=1, le=10)]
MessageClass = Literal["transactional", "service", "marketing"]
Basis = Literal[
    "express_consent", "existing_customer", "contract", "requested", "legitimate_interest", "presumed_b2b", "legal_duty"
]
CallToAction = Literal["read", "learn", "opinion", "use", "get_help", "register", "buy", "recommend", "none"]
Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]

Plain = str | int | float | bool | None | list[str | int | float]
"""What a value is compared with."""


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every part of a document."""

    one_of: ClassVar[tuple[str, ...]] = ()
    """Keys of which exactly one must be there."""
    remedies: ClassVar[dict[str, str]] = {}
    """What to do when a key is missing, where "Add it" says too little."""


Absent = UnsetType
ABSENT = UNSET
