"""An editor whose form follows from a definition's configuration: brand, contact rules, scores, phases.

Every button posts the whole form, so nothing that was typed is lost; what is wrong stands at its field.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from kundenkreis.definitions.definition import key_of
from kundenkreis.definitions.drafts import Draft, check_drafts
from kundenkreis.definitions.errors import BadDraftError, StaleDraftError
from kundenkreis.definitions.installed import installed_plugins
from kundenkreis.definitions.kinds import BY_KIND
from kundenkreis.definitions.use_cases.apply_definitions import EVERYBODY
from kundenkreis.definitions.use_cases.edit_drafts import in_force, published
from kundenkreis.definitions.use_cases.publish_drafts import Prepared, prepare_publishing
from kundenkreis.site.access import may
from kundenkreis.site.audit import audit
from kundenkreis.site.difference_words import change_lines
from kundenkreis.site.drafting import (
    drop_draft,
    free_id,
    in_force_name,
    keep_draft,
    made_from,
    open_document,
    opponent_of,
    publish_draft,
    was_there,
)
from kundenkreis.site.forms.acts import acted
from kundenkreis.site.forms.as_before import as_before
from kundenkreis.site.forms.condition_form import ConditionForms
from kundenkreis.site.forms.offers import condition_forms
from kundenkreis.site.forms.typed_fields import Errors, Options, Path, TypedField, fields_of
from kundenkreis.site.forms.typed_reading import read_config
from kundenkreis.site.mistake_words import error_word, mistake_word, mistakes_at
from kundenkreis.site.mounted import mounted
from kundenkreis.site.toasts import add_toast

UNNAMED = "not_named_yet"
"""Stands for the id of something that has no name yet, while it is checked."""
PREFIX = "f"


Sentence = Callable[[str, Mapping[str, Any]], str]


@dataclass(frozen=True, kw_only=True)
class Edited:
    """One definition that is edited."""

    kind: str
    id: str
    """"" of a single one, and of one that is only begun."""
    config: type[msgspec.Struct]
    begin: Callable[[], dict[str, Any] | None]
    """The document where nothing is in force and no draft there; None: there is no such thing."""
    filled: Mapping[str, Any]
    """What holds for parts that a document leaves out."""
    page: str
    """Name of the editor's address; those of publishing and discarding begin with it."""
    template: str
    title: Callable[[Mapping[str, Any]], str]
    sections: Callable[[], Sequence[tuple[str, Sequence[str]]]]
    """Headings with the parts of the configuration below them."""
    options: Callable[[Mapping[str, Any]], Options]
    sentence: Callable[[Mapping[str, Any]], Sentence] = lambda _held: lambda _part, _row: ""
    """Of a document: (part, row as written) -> the row in plain words, "" while it is not filled in."""
    finish: Callable[[dict[str, Any]], dict[str, Any]] = lambda document: document
    """What is written for people who post a form, such as short names."""
    area: tuple[Callable[[], str], str] = (lambda: _("Settings"), "settings")
    """The area it belongs to: name, name of its address."""
    object_kind: str = "settings"
    """What the audit log calls it."""
    permission: str = "settings.edit"

    @property
    def is_new(self) -> bool:
        """Whether it has no id yet."""
        return not self.id and not BY_KIND[self.kind].is_single

    def address(self, what: str = "") -> str:
        """The path of the editor, or of one of its acts: publish, discard."""
        return reverse(f"{self.page}_{what}" if what else self.page, args=[self.id] if self.has_several else [])

    @property
    def object_id(self) -> str:
        """What the audit log calls this one."""
        return key_of(self.kind, self.id) if self.object_kind == "settings" else self.id

    @property
    def has_several(self) -> bool:
        """Whether its addresses name which one."""
        return self.kind in _SEVERAL


_SEVERAL = frozenset({"score"})
"""Kinds of which several are edited; of brands the settings edit one."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One field of the form; the rows of a list each with its sentence."""

    field: TypedField
    rows: Sequence[tuple[TypedField, str]] = ()


@dataclass(frozen=True, kw_only=True)
class Section:
    """A card of the form."""

    title: str
    parts: Sequence[Part]


def edit(request: HttpRequest, edited: Edited, more: Mapping[str, Any] | None = None) -> HttpResponse:
    """The form on the draft, or on what is in force where there is no draft."""
    document, draft = begin(edited, was_there=was_there(request))
    if request.method != "POST":
        return _show(request, edited, document, draft, more=more)
    read = read_posted(request, edited, document)
    act = request.POST.get("act", "save")
    if act != "save":
        return _show(request, edited, acted(read, act, PREFIX), draft, more=more)
    if edited.is_new:
        edited = replace(edited, id=free_id(edited.kind, read.get("name") or {}, read))
        read["id"] = edited.id
        if not edited.id:
            return _show(request, edited, read, draft, problem=_("Give it a name."), status=422, more=more)
    try:
        keep_draft(request, read)
    except StaleDraftError as error:
        conflict = opponent_of(error, edited.kind, edited.id, read)
        return _show(request, edited, read, draft, conflict=conflict, status=409, more=more)
    except BadDraftError as error:
        return _show(request, edited, read, draft, problem=error_word(error), status=422, more=more)
    audit(request, "changed", edited.object_kind, edited.object_id)
    add_toast(request, _("Draft saved"))
    return redirect(edited.address())


def begin(edited: Edited, *, was_there: bool = False) -> tuple[dict[str, Any], Draft | None]:
    """(the document that the form begins with, its draft). Raises Http404 where there is none, and was none when the form was made."""
    document, draft = (None, None) if edited.is_new else open_document(edited.kind, edited.id)
    found = document if document is not None else edited.begin()
    if found is None and was_there:
        found = {"kind": edited.kind, "id": edited.id}
    if found is None:
        raise Http404
    return found, draft


def read_posted(request: HttpRequest, edited: Edited, document: Mapping[str, Any]) -> dict[str, Any]:
    """The document as the posted form says it."""
    data = request.POST.dict()
    kinds = installed_plugins().conditions
    sent = {name: str(value) for name, value in data.items()}
    read = read_config(edited.config, sent, PREFIX, conditions=ConditionForms(kinds), only=_names(edited))
    for name in edited.filled:
        read.setdefault(name, [])  # a list without any row: nothing of the shipped rules shall hold
    before = {**edited.filled, **document}
    written = as_before(edited.config, read, before, kinds)
    unsaid = [name for name, value in edited.filled.items() if name not in document and written.get(name) == value]
    head = {"kind": edited.kind, **({"id": edited.id} if edited.id else {})}
    return edited.finish(head | {name: one for name, one in written.items() if name not in unsaid and one is not None})


def _names(edited: Edited) -> list[str]:
    return [name for _title, names in edited.sections() for name in names]


def _show(
    request: HttpRequest, edited: Edited, document: dict[str, Any], draft: Draft | None, *, conflict: Mapping[str, Any] | None = None,
    problem: str = "", status: int = 200, more: Mapping[str, Any] | None = None,
) -> HttpResponse:  # fmt: skip
    errors, others = ({}, []) if edited.is_new and not request.POST else _mistakes(edited, document)
    held = {**edited.filled, **document}
    context = {
        "edited": edited,
        "title": edited.title(held),
        "area": edited.area[0](),
        "sections": _sections(edited, held, errors),
        "draft": draft,
        "revision": request.POST.get("revision") or (draft.revision if draft else 0),
        "made_from": "" if edited.is_new else made_from(request, edited.kind, edited.id, draft),
        "problems": [one for one in (problem, *others) if one],
        "has_mistakes": bool(errors or others),
        "may_edit": may(edited.permission),
        "redraw": "editor",
        "publish": "" if edited.is_new else edited.address("publish"),
        "discard": "" if edited.is_new else edited.address("discard"),
        "here": request.path,
        **(conflict or {}),
        **(more or {}),
    }
    return render(request, edited.template, context, status=status)


def _sections(edited: Edited, held: Mapping[str, Any], errors: Errors) -> list[Section]:
    options, sentence = edited.options(held), edited.sentence(held)
    made = fields_of(
        edited.config,
        held,
        PREFIX,
        options=options,
        errors=errors,
        conditions=condition_forms(options),
        only=_names(edited),
    )
    fields = {field.key: field for field in made}

    def part(name: str) -> Part:
        field = fields[name]
        written = held.get(name) or ()
        rows = zip(field.parts, written, strict=True) if field.widget == "rows" else ()
        return Part(field=field, rows=[(row, sentence(name, one)) for row, one in rows])

    return [Section(title=title, parts=[part(name) for name in names]) for title, names in edited.sections()]


def _mistakes(edited: Edited, document: dict[str, Any]) -> tuple[dict[Path, str], list[str]]:
    """(path -> what is wrong there, what is wrong elsewhere), as the checks of publishing say it."""
    named = document if document.get("id", "-") else document | {"id": UNNAMED}
    checked = check_drafts([named], in_force(mounted().sources.publisher))
    own = key_of(edited.kind, str(named.get("id", "")) if edited.has_several else edited.id)
    inside = mistakes_at((one for one in checked.mistakes if one.key == own and one.path), document)
    return inside, [mistake_word(one) for one in checked.mistakes if one.key != own or not one.path]


def publish(request: HttpRequest, edited: Edited) -> HttpResponse:
    """What publishing the draft would change; posting puts it in force."""
    sources = mounted().sources
    draft = sources.drafts.find(edited.kind, edited.id)
    if draft is None:
        raise Http404
    if request.method == "POST":
        version, prepared = publish_draft(request, draft)
        if prepared is None:
            return redirect(edited.address("publish"))
        if version:
            audit(request, "published", edited.object_kind, edited.object_id)
            add_toast(request, _("In force from now on."))
            return redirect(edited.address())
    else:
        prepared = prepare_publishing([draft], sources.publisher)
    return render(request, "forms/publish.html", _publishing(edited, draft, prepared))


def _publishing(edited: Edited, draft: Draft, prepared: Prepared) -> dict[str, Any]:
    impact = prepared.impact
    return {
        "edited": edited,
        "draft": draft,
        "title": edited.title({**edited.filled, **draft.document}),
        "area": edited.area[0](),
        "back": edited.address(),
        "prepared": prepared,
        "compared": in_force_name(draft),
        "mistakes": [mistake_word(one) for one in prepared.checked.mistakes],
        "changed": change_lines(published(mounted().sources.publisher, edited.kind, edited.id), draft.document),
        "moves": [(one, impact.estimate(one.entering), impact.estimate(one.leaving)) for one in impact.memberships]
        if impact is not None
        else [],
        "journeys": [one for one in impact.journeys if one.starting] if impact is not None else [],
        "is_estimate": impact is not None and impact.sample_percent < EVERYBODY,
    }


def discard(request: HttpRequest, edited: Edited) -> HttpResponse:
    """Drop the draft."""
    if not drop_draft(request, edited.kind, edited.id):
        return redirect(edited.address())
    held = published(mounted().sources.publisher, edited.kind, edited.id)
    return redirect(edited.address()) if held is not None or not edited.has_several else redirect(edited.area[1])
