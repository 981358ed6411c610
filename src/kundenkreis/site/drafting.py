"""What every editor of definitions needs: who edits, which revision they saw, and an id for something new."""

import re
from collections.abc import Mapping

from django.http import HttpRequest

from kundenkreis.definitions.drafts import Draft
from kundenkreis.definitions.errors import StaleDraftError
from kundenkreis.definitions.use_cases.edit_drafts import in_force
from kundenkreis.site.access import viewer
from kundenkreis.site.mounted import mounted

_LONGEST_SLUG = 56
_UMLAUTS = (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss"))


def actor() -> str:
    """Who edits, as the audit log calls them."""
    someone = viewer()
    return someone.name if someone is not None else ""


def seen_revision(request: HttpRequest) -> int:
    """The revision of the draft that the posted form was made from; 0 where there was none."""
    text = request.POST.get("revision", "0")
    return int(text) if re.fullmatch(r"\d{1,9}", text) else 0


def their_draft(error: StaleDraftError) -> Draft | None:
    """What somebody else saved meanwhile; None if they discarded it."""
    current = error.data.get("current")
    return current if isinstance(current, Draft) else None


def free_id(kind: str, names: Mapping[str, str]) -> str:
    """An id made of the name that nothing of this kind has yet; "" without a name."""
    text = (names.get("en") or names.get("de") or "").lower().strip()
    if not text:
        return ""
    for letter, plain in _UMLAUTS:
        text = text.replace(letter, plain)
    slug = re.sub(r"[^a-z0-9]+", "_", text).strip("_")[:_LONGEST_SLUG]
    slug = slug if slug[:1].isalpha() else f"{kind}_{slug}".rstrip("_")
    sources = mounted().sources
    taken = {*in_force(sources.publisher).of(kind), *(one.id for one in sources.drafts.every(kind))}
    number = 2
    name = slug
    while name in taken:
        name, number = f"{slug}_{number}", number + 1
    return name
