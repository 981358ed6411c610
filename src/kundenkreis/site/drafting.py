"""What every editor of definitions needs: who edits, which revision they saw, and an id for something new."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _

from kundenkreis.definitions.drafts import Document, Draft, name_of
from kundenkreis.definitions.errors import PublishedMeanwhileError, StaleDraftError
from kundenkreis.definitions.use_cases.edit_drafts import (
    discard_draft,
    in_force,
    published,
    save_draft,
    what_is_edited,
)
from kundenkreis.definitions.use_cases.publish_drafts import Prepared, publish_drafts
from kundenkreis.site.access import viewer
from kundenkreis.site.difference_words import Difference, differences_between
from kundenkreis.site.mounted import mounted
from kundenkreis.site.naming import free_name, slug_of
from kundenkreis.site.special_categories import check_writing
from kundenkreis.site.toasts import add_toast

_LONGEST_NAME = 32
_NOTHING = "nothing"
"""In the place of a name where there is nothing in force."""


def actor() -> str:
    """Who edits, as the audit log calls them."""
    someone = viewer()
    return someone.name if someone is not None else ""


def seen_revision(request: HttpRequest) -> int:
    """The revision of the draft that the posted form was made from; 0 where there was none."""
    text = request.POST.get("revision", "0")
    return int(text) if re.fullmatch(r"\d{1,9}", text) else 0


def seen_form(request: HttpRequest) -> str | None:
    """`name_of` what the posted form was made from; None where it does not say."""
    text = request.POST.get("made_from")
    return text[:_LONGEST_NAME] if text is not None else None


def made_from(request: HttpRequest, kind: str, name: str, draft: Draft | None) -> str:
    """What a form says that it was made from: what was posted while one edits, else what the editor begins with."""
    posted = seen_form(request)
    return posted if posted is not None else what_is_edited(kind, name, draft, mounted().sources.publisher)


def was_there(request: HttpRequest) -> bool:
    """Whether the posted form was made from something that may have been deleted meanwhile: what was typed must not be lost."""
    return request.method == "POST" and seen_form(request) is not None


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


def open_form(request: HttpRequest, kind: str, name: str) -> tuple[dict[str, Any], Draft | None]:
    """`open_document` for a form; what is gone, with nothing but its name where a form of it was posted.

    Raises:
        Http404: there is none, and was none when the form was made.
    """
    held, draft = open_document(kind, name)
    if held is None and not was_there(request):
        raise Http404
    return held if held is not None else {"kind": kind, "id": name}, draft


def _before(document: Document) -> tuple[Document | None, Document | None]:
    """What is in force, and the draft."""
    sources, kind, name = mounted().sources, str(document.get("kind", "")), str(document.get("id", ""))
    draft = sources.drafts.find(kind, name)
    return published(sources.publisher, kind, name), draft.document if draft is not None else None


def keep_draft(request: HttpRequest, document: Document) -> Draft:
    """Save what was posted over the revision that its form was made from.

    Sent twice, as by a double click, it is kept once.

    Raises:
        StaleDraftError, BadDraftError: see save_draft.
        SpecialCategoryError: see check_writing.
    """
    sources = mounted().sources
    check_writing(document, *_before(document))
    try:
        return save_draft(
            document,
            sources.drafts,
            sources.publisher,
            revision=seen_revision(request),
            actor=actor(),
            at_us=mounted().clock_us(),
            made_from=seen_form(request),
        )
    except StaleDraftError as error:
        current = their_draft(error)
        if current is None or current.document != document:
            raise
        return current


def opponent_of(error: StaleDraftError, kind: str, name: str, mine: Document) -> dict[str, Any]:
    """What a page says to the second of two people who edit one thing: who was faster, and where the two differ.

    Their form is that of their draft; where they published or dropped it, what is in force now.
    """
    theirs = their_draft(error)
    document = theirs.document if theirs is not None else published(mounted().sources.publisher, kind, name)
    return {
        "theirs": theirs,
        "is_conflict": True,
        "is_gone": document is None,
        "revision": theirs.revision if theirs is not None else 0,
        "made_from": name_of(document),
        "differences": differences_between(document, mine),
    }


def published_meanwhile(draft: Draft) -> list[Difference]:
    """Where a draft differs from what somebody published since it was begun; nothing where nobody did."""
    current = published(mounted().sources.publisher, draft.kind, draft.id)
    if draft.base == name_of(current) or current == draft.document:
        return []
    return differences_between(current, draft.document)


def in_force_name(draft: Draft) -> str:
    """`name_of` what is in force in the place of this draft."""
    return name_of(published(mounted().sources.publisher, draft.kind, draft.id)) or _NOTHING


def publish_draft(
    request: HttpRequest, draft: Draft, *, include_existing: Collection[str] = ()
) -> tuple[int, Prepared | None]:
    """Put a draft in force: (rulebook version, what changed); version 0: it holds mistakes. None: somebody was faster, which is said.

    A post with `compared` names what was published meanwhile and has been seen, so that it may be published over; 1: whatever it is.
    """
    sources = mounted().sources
    compared = request.POST.get("compared", "")
    try:
        if seen_revision(request) not in (0, draft.revision) or seen_form(request) not in (None, draft.says):
            raise StaleDraftError(current=draft)
        if compared not in ("", "1", in_force_name(draft)):
            raise PublishedMeanwhileError(keys=(draft.key,))
        if compared:
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


def drop_draft(request: HttpRequest, kind: str, name: str) -> bool:
    """Discard a draft and say so; nothing where there is none. False: it stays, because somebody saved it since it was looked at."""
    drafts = mounted().sources.drafts
    draft = drafts.find(kind, name)
    if draft is None:
        return True
    revision = seen_revision(request) or draft.revision
    try:
        discard_draft(kind, name, drafts, revision=revision, made_from=seen_form(request))
    except StaleDraftError as error:
        theirs = their_draft(error) or draft
        said = _("%(who)s has saved this draft meanwhile. It was not discarded; please look at it once more.")
        add_toast(request, said % {"who": theirs.edited_by}, tone="stop")
        return False
    add_toast(request, _("Draft discarded"))
    return True


def free_id(kind: str, names: Mapping[str, str], document: Document) -> str:
    """An id made of the name that nothing of this kind has yet, but for the draft of this very document; "" without a name."""
    slug = slug_of(names.get("en") or names.get("de") or "", kind)
    sources = mounted().sources
    begun = sources.drafts.find(kind, slug) if slug else None
    if begun is not None and begun.document == {**document, "id": slug}:
        return slug  # sent twice
    taken = {*in_force(sources.publisher).of(kind), *(one.id for one in sources.drafts.every(kind))}
    return free_name(slug, taken) if slug else ""
