"""What every editor of definitions needs: who edits, which revision they saw, and an id for something new."""

import re
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from kundenkreis.definitions.drafts import Document, Draft
from kundenkreis.definitions.errors import StaleDraftError
from kundenkreis.definitions.use_cases.edit_drafts import discard_draft, in_force, published, save_draft
from kundenkreis.site.access import viewer
from kundenkreis.site.mounted import mounted
from kundenkreis.site.toasts import add_toast

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


def open_document(kind: str, name: str) -> tuple[dict[str, Any] | None, Draft | None]:
    """(the document that an editor begins with, its draft): the draft's, else what is in force, None where there is neither."""
    sources = mounted().sources
    draft = sources.drafts.find(kind, name)
    if draft is not None:
        return dict(draft.document), draft
    held = published(sources.publisher, kind, name)
    return (dict(held) if held is not None else None), None


def keep_draft(request: HttpRequest, document: Document) -> Draft:
    """Save what was posted over the revision that its form was made from.

    Raises:
        StaleDraftError, BadDraftError: see save_draft.
    """
    sources = mounted().sources
    return save_draft(
        document,
        sources.drafts,
        sources.publisher,
        revision=seen_revision(request),
        actor=actor(),
        at_us=mounted().clock_us(),
    )


def drop_draft(request: HttpRequest, kind: str, name: str) -> None:
    """Discard a draft and say so; nothing where there is none."""
    drafts = mounted().sources.drafts
    draft = drafts.find(kind, name)
    if draft is not None:
        discard_draft(kind, name, drafts, revision=draft.revision)
        add_toast(request, _("Draft discarded"))


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
