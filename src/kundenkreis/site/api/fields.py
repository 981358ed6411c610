"""What parameters and bodies are made of: bounds that keep every value within what the store takes."""

from typing import Annotated, Final

from ninja import Schema
from pydantic import AfterValidator, ConfigDict, Field

from kundenkreis.definitions.documents import ID_PATTERN

_GREATEST_ID: Final = 2**63 - 1


def clean(text: str) -> str:
    """Without control characters: they match nothing, and PostgreSQL takes no zero in a text."""
    return "".join(sign if sign.isprintable() else " " for sign in text).strip()


Text = Annotated[str, Field(max_length=200), AfterValidator(clean)]
Name = Annotated[str, Field(max_length=80), AfterValidator(clean)]
Cursor = Annotated[str, Field(max_length=400), AfterValidator(clean)]
Value = Annotated[str, Field(max_length=1024), AfterValidator(clean)]
Reason = Annotated[
    str, Field(min_length=1, max_length=200, pattern=r"\S", description="Why; it stands in the timeline.")
]
RunId = Annotated[str, Field(pattern=r"^[0-9a-f]{1,64}$")]
"""Of what was begun and is asked for until it is done: a count, a trial run, an act on many."""
DefinitionId = Annotated[str, Field(pattern=ID_PATTERN)]
ProfileId = Annotated[int, Field(ge=1, le=_GREATEST_ID)]
MaybeProfileId = Annotated[int, Field(ge=0, le=_GREATEST_ID)]
Limit = Annotated[int, Field(ge=1, le=200)]
Days = Annotated[int, Field(ge=1, le=366)]
Instant = Annotated[int, Field(ge=0, le=_GREATEST_ID, description="Microseconds since 1970-01-01 UTC.")]


class Body(Schema):
    """A body takes what it describes and nothing else, so that a misspelt field is noticed."""

    model_config = ConfigDict(extra="forbid")
