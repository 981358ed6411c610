"""What every editor of definitions needs: who edits, which revision they saw, and an id for something new."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from kundenkreis.definitions.drafts import Document, Draft, name_of
from kundenkreis.definitions.errors import PublishedMeanwhileError, StaleDraftError
from kundenkreis.definitions.use_cases.edit_drafts import discard_draft, in_force, published, save_draft
from kundenkreis.definitions.use_cases.publish_drafts import Prepared, publish_drafts
from kundenkreis.site.access import viewer
from kundenkreis.site.difference_words import Difference, differences_between
from kundenkreis.site.mounted import mounted
from kundenkreis.site.naming import free_name, slug_of
from kundenkreis.site.toasts import add_toast


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


def opponent_of(error: StaleDraftError, kind: str, name: str, mine: Document) -> dict[str, Any]:
    """What a page says to the second of two people who edit one thing: who was faster, and where the two differ.

    Their form is that of their draft; where they published or dropped it, what is in force now.
    """
    theirs = their_draft(error)
    document = theirs.document if theirs is not None else published(mounted().sources.publisher, kind, name)
    return {
        "theirs": theirs,
        "is_conflict": True,
        "revision": theirs.revision if theirs is not None else 0,
        "differences": differences_between(document, mine),
    }


def published_meanwhile(draft: Draft) -> list[Difference]:
    """Where a draft differs from what somebody published since it was begun; nothing where nobody did."""
    current = published(mounted().sources.publisher, draft.kind, draft.id)
    if draft.base == name_of(current) or current == draft.document:
        return []
    return differences_between(current, draft.document)


def publish_draft(
    request: HttpRequest, draft: Draft, *, include_existing: Collection[str] = ()
) -> tuple[int, Prepared | None]:
    """Put a draft in force: (rulebook version, what changed); version 0: it holds mistakes. None: somebody was faster, which is said.

    A post with `compared` says that what was published meanwhile has been seen, so that it may be published over.
    """
    sources = mounted().sources
    try:
        if seen_revision(request) not in (0, draft.revision):
            raise StaleDraftError(current=draft)
        if request.POST.get("compared"):
            draft = save_draft(
                draft.document, sources.drafts, sources.publisher, revision=draft.revision, actor=actor(), at_us=mounted().clock_us(),
                rebase=True,
            )  # fmt: skip
        return publish_drafts(
            [draft], sources.drafts, sources.publisher, actor=actor(), include_existing=include_existing
        )
    except (PublishedMeanwhileError, StaleDraftError):
        add_toast(request, _("Somebody else was faster. Please look at the changes once more."), tone="stop")
        return 0, None


def drop_draft(request: HttpRequest, kind: str, name: str) -> None:
    """Discard a draft and say so; nothing where there is none."""
    drafts = mounted().sources.drafts
    draft = drafts.find(kind, name)
    if draft is not None:
        discard_draft(kind, name, drafts, revision=draft.revision)
        add_toast(request, _("Draft discarded"))


def free_id(kind: str, names: Mapping[str, str]) -> str:
    """An id made of the name that nothing of this kind has yet; "" without a name."""
    slug = slug_of(names.get("en") or names.get("de") or "", kind)
    sources = mounted().sources
    taken = {*in_force(sources.publisher).of(kind), *(one.id for one in sources.drafts.every(kind))}
    return free_name(slug, taken) if slug else ""
