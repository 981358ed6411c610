"""Deleting a definition from its page: refused while something would miss it, asked once, taken back within ten minutes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from kundenkreis.definitions.errors import DefinitionsRefusedError, PublishedMeanwhileError
from kundenkreis.definitions.use_cases.apply_definitions import EVERYBODY
from kundenkreis.definitions.use_cases.edit_drafts import published
from kundenkreis.definitions.use_cases.put_definition import delete_definition, impact_without, put_definition
from kundenkreis.site import formats
from kundenkreis.site.audit import audit
from kundenkreis.site.definition_words import address_of, kind_word
from kundenkreis.site.drafting import actor, seen_form
from kundenkreis.site.mounted import mounted
from kundenkreis.site.ports.uses import Use
from kundenkreis.site.toasts import add_toast


@dataclass(frozen=True, kw_only=True)
class Deletable:
    """A kind of definition that is deleted on its page."""

    kind: str
    page: str
    """Name of the address of one; those of deleting and restoring begin with `kind`."""
    listed: str
    """Name of the address of all."""
    area: Callable[[], str]


def delete(request: HttpRequest, what: Deletable, name: str) -> HttpResponse:
    """Who would miss it and what deleting would do; posting deletes it where nothing would."""
    sources = mounted().sources
    held = published(sources.publisher, what.kind, name)
    if held is None:
        raise Http404
    title = formats.name_in(held.get("name") or {}, name)
    uses = sources.uses.find_uses(what.kind, name)
    draft = sources.drafts.find(what.kind, name)
    drafted = draft.says if draft is not None else ""
    is_news = draft is not None and seen_form(request) not in (None, drafted)
    if request.method == "POST" and not uses and not is_news:
        return _delete(request, what, name, title)
    context = {
        "what": what,
        "title": title,
        "kind": kind_word(what.kind),
        "area": what.area(),
        "back": reverse(what.page, args=[name]),
        "uses": [use_line(one) for one in uses],
        "draft": draft,
        "drafted": drafted,
        "is_news": is_news,
        **({} if uses else _impact(what, name)),
    }
    return render(request, "forms/delete.html", context, status=409 if request.method == "POST" else 200)


def restore(request: HttpRequest, what: Deletable, name: str) -> HttpResponse:
    """Put back in force what was deleted a moment ago."""
    sources = mounted().sources
    deleted = sources.uses.find_deleted(what.kind, name)
    if deleted is None:
        raise Http404
    try:
        put_definition(what.kind, name, deleted.document, sources.publisher, actor=actor())
    except (DefinitionsRefusedError, PublishedMeanwhileError):
        add_toast(request, _("Not possible: something it needs has changed meanwhile."), tone="stop")
        return redirect(what.listed)
    audit(request, "undone", what.kind, name)
    add_toast(request, _("Taken back. What applied before applies again."))
    return redirect(what.page, name)


@dataclass(frozen=True, kw_only=True)
class UseLine:
    """Something that would miss it, as the page says it."""

    name: str
    kind: str
    how: str
    address: str


def use_line(use: Use) -> UseLine:
    """One use in words, with its page."""
    how = {
        "in_force": "",
        "draft": _("in a draft"),
        "held": _("held; it may go on"),
        "under_way": _("people are under way in an earlier form"),
        "filter": "",
    }
    return UseLine(
        name=formats.in_words(use.name) or kind_word(use.kind),
        kind=kind_word(use.kind),
        how=how[use.how],
        address=address_of(use.kind, use.id),
    )


def _delete(request: HttpRequest, what: Deletable, name: str, title: str) -> HttpResponse:
    sources = mounted().sources
    try:
        delete_definition(what.kind, name, sources.publisher, sources.drafts, actor=actor())
    except (DefinitionsRefusedError, PublishedMeanwhileError):
        add_toast(request, _("Somebody else was faster. Please look at the changes once more."), tone="stop")
        return redirect(f"{what.kind}_delete", name)
    audit(request, "deleted", what.kind, name)
    undo = reverse(f"{what.kind}_restore", args=[name])
    add_toast(request, _("%(name)s is deleted.") % {"name": title}, undo_path=undo)
    return redirect(what.listed)


def _impact(what: Deletable, name: str) -> dict[str, Any]:
    sources = mounted().sources
    impact = impact_without(what.kind, name, sources.publisher)
    if impact is None:
        return {}
    return {
        "moves": [(one, impact.estimate(one.entering), impact.estimate(one.leaving)) for one in impact.memberships],
        "is_estimate": impact.sample_percent < EVERYBODY,
    }
