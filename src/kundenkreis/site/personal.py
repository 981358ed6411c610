"""Values of a person's fields as the viewer may see them: whole, or masked so that neither content nor length is told.

Pages pass every such value through here (in templates: `{{ customer.email|personal:"email" }}`), also in exports and in answers to
scripts. Masking happens where a value is shown, so a reader need not know who looks; searching by a personal value asks
`may("personal.see")` first, or a search would tell what the page hides.
"""

from typing import Final, Literal, get_args

from kundenkreis.kernel.errors import BugError
from kundenkreis.site.access import may

Field = Literal["name", "email", "phone", "text", "sensitive"]
"""What sort of value it is. `text`: everything else about a person; `sensitive`: special categories of Art. 9 GDPR."""

_DOTS: Final = "•••"


class UnknownFieldKindError(BugError):
    """A page masks a kind of field that does not exist."""

    code = "unknown_field_kind"


def personal(value: object, field: str = "text") -> str:
    """The value as the viewer may see it; "" stays "", so that an empty field is seen to be empty.

    Raises:
        UnknownFieldKindError: `field` is none of `Field`.
    """
    if field not in get_args(Field):
        raise UnknownFieldKindError(f"There is no kind of personal field {field!r}; see site/personal.py.", field=field)
    text = "" if value is None else str(value)
    return text if not text or sees_whole(field) else masked(text, field)


def sees_whole(field: str) -> bool:
    """Whether the viewer sees values of this kind whole, and so may change them."""
    return may("personal.sensitive" if field == "sensitive" else "personal.see")


def masked(text: str, field: str) -> str:
    """Enough to tell two people of one page apart, not enough to know one: initials of a name, first sign of an address."""
    if field == "name":
        return " ".join(f"{word[0]}." for word in text.split()[:3])
    if field == "email":
        return f"{text[0]}{_DOTS}@{_DOTS}"
    if field == "phone":
        return f"{_DOTS} {text[-2:]}" if len(text) > 6 else _DOTS
    return _DOTS
