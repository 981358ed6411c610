"""An editor for a definition of which the settings know one: the brand, the contact rules. Its form follows from its configuration.

Every button posts the whole form, so nothing that was typed is lost; what is wrong stands at its field.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from kundenkreis.definitions.definition import key_of
from kundenkreis.definitions.drafts import Draft, check_drafts
from kundenkreis.definitions.errors import BadDraftError, PublishedMeanwhileError, StaleDraftError
from kundenkreis.definitions.installed import installed_plugins
from kundenkreis.definitions.use_cases.edit_drafts import in_force
from kundenkreis.definitions.use_cases.publish_drafts import Prepared, prepare_publishing, publish_drafts
from kundenkreis.site.access import may
from kundenkreis.site.audit import audit
from kundenkreis.site.drafting import actor, drop_draft, keep_draft, open_document, their_draft
from kundenkreis.site.forms.acts import acted
from kundenkreis.site.forms.as_before import as_before
from kundenkreis.site.forms.condition_form import ConditionForms
from kundenkreis.site.forms.offers import condition_forms
from kundenkreis.site.forms.typed_fields import Options, TypedField, fields_of
from kundenkreis.site.forms.typed_reading import read_config
from kundenkreis.site.mistake_words import mistake_word, mistakes_at
from kundenkreis.site.mounted import mounted
from kundenkreis.site.settings_words import changed_sentences
from kundenkreis.site.toasts import add_toast

PREFIX = "f"


@dataclass(frozen=True, kw_only=True)
class Edited:
    """One definition that the settings edit."""

    kind: str
    id: str
    config: type[msgspec.Struct]
    begin: Callable[[], dict[str, Any]]
    """The document where nothing is in force and no draft there."""
    filled: Mapping[str, Any]
    """What holds for parts that a document leaves out."""
    page: str
    """Name of the editor's address; those of publishing and discarding begin with it."""
    template: str
    title: Callable[[], str]
    sections: Callable[[], Sequence[tuple[str, Sequence[str]]]]
    """Headings with the parts of the configuration below them."""
    options: Callable[[Mapping[str, Any]], Options]


@dataclass(frozen=True, kw_only=True)
class Section:
    """A card of the form."""

    title: str
    fields: Sequence[TypedField]


def edit(request: HttpRequest, edited: Edited, more: Mapping[str, Any] | None = None) -> HttpResponse:
    """The form on the draft, or on what is in force where there is no draft."""
    document, draft = begin(edited)
    if request.method != "POST":
        return _show(request, edited, document, draft, more=more)
    read = read_posted(request, edited, document)
    act = request.POST.get("act", "save")
    if act != "save":
        return _show(request, edited, acted(read, act, PREFIX), draft, more=more)
    try:
        keep_draft(request, read)
    except StaleDraftError as error:
        return _show(request, edited, read, draft, theirs=their_draft(error), status=409, more=more)
    except BadDraftError as error:
        return _show(request, edited, read, draft, problem=str(error), status=422, more=more)
    audit(request, "changed", "settings", key_of(edited.kind, edited.id))
    add_toast(request, _("Draft saved"))
    return redirect(edited.page)


def begin(edited: Edited) -> tuple[dict[str, Any], Draft | None]:
    """(the document that the form begins with, its draft)."""
    document, draft = open_document(edited.kind, edited.id)
    return (document if document is not None else edited.begin()), draft


def read_posted(request: HttpRequest, edited: Edited, document: Mapping[str, Any]) -> dict[str, Any]:
    """The document as the posted form says it."""
    data = request.POST.dict()
    kinds = installed_plugins().conditions
    sent = {name: str(value) for name, value in data.items()}
    read = read_config(edited.config, sent, PREFIX, conditions=ConditionForms(kinds))
    for name in edited.filled:
        read.setdefault(name, [])  # a list without any row: nothing of the shipped rules shall hold
    before = {**edited.filled, **document}
    written = as_before(edited.config, read, before, kinds)
    unsaid = [name for name, value in edited.filled.items() if name not in document and written.get(name) == value]
    head = {"kind": edited.kind, **({"id": edited.id} if edited.id else {})}
    return head | {name: value for name, value in written.items() if name not in unsaid and value is not None}


def _show(
    request: HttpRequest, edited: Edited, document: dict[str, Any], draft: Draft | None, *, theirs: Draft | None = None,
    problem: str = "", status: int = 200, more: Mapping[str, Any] | None = None,
) -> HttpResponse:  # fmt: skip
    errors, others = _mistakes(edited, document)
    held = {**edited.filled, **document}
    options = edited.options(held)
    fields = {
        field.key: field
        for field in fields_of(
            edited.config, held, PREFIX, options=options, errors=errors, conditions=condition_forms(options)
        )
    }
    context = {
        "edited": edited,
        "title": edited.title(),
        "document": held,
        "sections": [
            Section(title=title, fields=[fields[name] for name in names]) for title, names in edited.sections()
        ],
        "draft": draft,
        "theirs": theirs,
        "revision": theirs.revision if theirs else request.POST.get("revision") or (draft.revision if draft else 0),
        "problems": [one for one in (problem, *others) if one],
        "has_mistakes": bool(errors or others),
        "may_edit": may("settings.edit"),
        "redraw": "editor",
        "publish": f"{edited.page}_publish",
        "discard": f"{edited.page}_discard",
        **(more or {}),
    }
    return render(request, edited.template, context, status=status)


def _mistakes(edited: Edited, document: dict[str, Any]) -> tuple[dict[tuple[str | int, ...], str], list[str]]:
    """(path -> what is wrong there, what is wrong elsewhere), as the checks of publishing say it."""
    checked = check_drafts([document], in_force(mounted().sources.publisher))
    own = key_of(edited.kind, edited.id)
    inside = mistakes_at((one for one in checked.mistakes if one.key == own and one.path), document)
    return inside, [mistake_word(one) for one in checked.mistakes if one.key != own or not one.path]


def publish(request: HttpRequest, edited: Edited) -> HttpResponse:
    """What publishing the draft would change; posting puts it in force."""
    sources = mounted().sources
    draft = sources.drafts.find(edited.kind, edited.id)
    if draft is None:
        raise Http404
    if request.method == "POST":
        try:
            version, prepared = publish_drafts([draft], sources.drafts, sources.publisher, actor=actor())
        except PublishedMeanwhileError:
            add_toast(request, _("Published meanwhile by somebody else: compare first."), tone="stop")
            return redirect(edited.page)
        if version:
            audit(request, "published", "settings", key_of(edited.kind, edited.id))
            add_toast(request, _("In force from now on."))
            return redirect(edited.page)
    else:
        prepared = prepare_publishing([draft], sources.publisher)
    return render(request, "settings/publish.html", _publishing(edited, prepared))


def _publishing(edited: Edited, prepared: Prepared) -> dict[str, Any]:
    impact = prepared.impact
    return {
        "edited": edited,
        "title": edited.title(),
        "prepared": prepared,
        "mistakes": [mistake_word(one) for one in prepared.checked.mistakes],
        "changed": changed_sentences(prepared.changes),
        "moves": [(one, impact.estimate(one.entering), impact.estimate(one.leaving)) for one in impact.memberships]
        if impact is not None
        else [],
        "journeys": [one for one in impact.journeys if one.starting] if impact is not None else [],
    }


def discard(request: HttpRequest, edited: Edited) -> HttpResponse:
    """Drop the draft."""
    drop_draft(request, edited.kind, edited.id)
    return redirect(edited.page)
