"""Working on a journey's draft: every change is one small step, checked and saved at once, with or without a script."""

import json
from contextlib import suppress
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from kundenkreis.definitions.definition import Definitions
from kundenkreis.definitions.drafts import CheckedDrafts, Draft, check_drafts, name_of
from kundenkreis.definitions.errors import BadDraftError, StaleDraftError
from kundenkreis.definitions.installed import installed_plugins
from kundenkreis.definitions.use_cases.edit_drafts import discard_draft, in_force, published, save_draft
from kundenkreis.journeys.core.drawing import BOX_HEIGHT, BOX_WIDTH, END_SIZE, Drawing, draw
from kundenkreis.journeys.core.editing import EditError, change_step, connect, insert_step, remove_step
from kundenkreis.site import access, formats, journey_words
from kundenkreis.site.difference_words import change_lines
from kundenkreis.site.drafting import seen_form, their_draft
from kundenkreis.site.formats import language
from kundenkreis.site.journey_outline import Outline, outline_of, read_settings, read_step
from kundenkreis.site.mistake_words import error_word, mistake_word
from kundenkreis.site.mounted import mounted
from kundenkreis.site.special_categories import check_writing
from kundenkreis.site.toasts import add_toast

_CONFLICT, _UNPROCESSABLE = 409, 422


class Desk:
    """One journey on the desk: its draft, or what is in force where there is none yet."""

    def __init__(self, journey_id: str) -> None:
        sources = mounted().sources
        self.journey_id = journey_id
        self.draft: Draft | None = sources.drafts.find("journey", journey_id)
        self.definitions: Definitions = in_force(sources.publisher)
        found = self.draft.document if self.draft is not None else published(sources.publisher, "journey", journey_id)
        self.document: dict[str, Any] = dict(found) if found is not None else {}
        self.revision = self.draft.revision if self.draft is not None else 0
        self.says = name_of(found)
        """Names what the forms are made from."""

    def check(self) -> CheckedDrafts:
        """The checks of publishing."""
        return check_drafts([self.document], self.definitions)

    def draw(self) -> Drawing:
        """The drawing as it is now."""
        return draw(self.document, installed_plugins().steps, self.name_of)

    def name_of(self, kind: str, name: str, spoken: str) -> str:
        """What people call a definition."""
        definition = self.definitions.get(f"{kind}:{name}")
        names = definition.body.get("name", {}) if definition is not None else {}
        return str(names.get(spoken) or next(iter(names.values()), name)) if isinstance(names, dict) else str(names)

    def outline(self, checked: CheckedDrafts, drawing: Drawing) -> Outline:
        """The journey as forms."""
        return outline_of(self.document, drawing, checked.mistakes, self.definitions)

    def save(self, document: dict[str, Any], revision: int) -> None:
        """Keep the document as the next revision. Raises StaleDraftError, BadDraftError."""
        sources, someone = mounted().sources, access.viewer()
        check_writing(document, self.document, published(sources.publisher, "journey", self.journey_id))
        draft = save_draft(
            document, sources.drafts, sources.publisher, revision=revision, actor=someone.name if someone else "", at_us=mounted().clock_us(),
            made_from=self.says,
        )  # fmt: skip
        self.draft, self.document, self.revision, self.says = draft, draft.document, draft.revision, draft.says


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, journey_id: str) -> HttpResponse:
    """GET: the editor. POST: one change; answers with the journey as it is then, or leads back to the editor."""
    desk = Desk(journey_id)
    if not desk.document and _seen(desk, request.POST) is None:
        return render(request, "site/problem.html", _gone(), status=404)
    if request.method == "POST":
        return _change(request, desk)
    checked, drawing = desk.check(), desk.draw()
    outline = desk.outline(checked, drawing)
    context = {
        "name": formats.name_in(desk.document.get("name") or {}, journey_id), "journey_id": journey_id, "desk": desk,
        "outline": outline, "opened": request.GET.get("step", ""), "estimates": access.may("segments.edit"), "state": _state(desk, checked, drawing),
        "is_published": desk.definitions.get(f"journey:{journey_id}") is not None,
    }  # fmt: skip
    return render(request, "journeys/editor.html", context)


def _gone() -> dict[str, Any]:
    return {
        "title": _("There is nothing here"),
        "advice": _("The address may be mistyped, or what it showed is gone."),
        "status": 404,
    }


def _change(request: HttpRequest, desk: Desk) -> HttpResponse:
    sent = request.POST
    wants_json = "application/json" in request.headers.get("Accept", "")
    if _revision(sent) != desk.revision or seen_form(request) not in (None, desk.says):
        return _conflict(request, desk, wants_json=wants_json)
    try:
        document, opened = _changed(desk, sent)
        desk.save(document, _revision(sent))
    except StaleDraftError:  # in this very moment
        return _conflict(request, Desk(desk.journey_id), wants_json=wants_json)
    except (EditError, BadDraftError) as error:
        said = (
            _("This change does not fit the journey as it is now.")
            if isinstance(error, EditError)
            else error_word(error)
        )
        if wants_json:
            return JsonResponse({"problem": said}, status=_UNPROCESSABLE)
        add_toast(request, said, tone="stop")
        return redirect("journey_edit", desk.journey_id)
    if not wants_json:
        response = redirect("journey_edit", desk.journey_id)
        response["Location"] += f"?step={opened}#outline-{opened}" if opened else ""
        return response
    checked, drawing = desk.check(), desk.draw()
    return JsonResponse(
        {
            **_state(desk, checked, drawing),
            "opened": opened,
            "outline": _outline_html(request, desk, checked, drawing, opened),
        }
    )


def _changed(desk: Desk, sent: QueryDict, seen: dict[str, Any] | None = None) -> tuple[dict[str, Any], str]:
    """(document after the change, step to look at); the change is made to `seen`, else to the journey as it is now."""
    kinds, document = installed_plugins().steps, desk.document if seen is None else seen
    what, step = sent.get("change", ""), sent.get("step", "")
    if what == "insert":
        return insert_step(document, kinds, kind=sent.get("kind", ""), source=step, way=sent.get("way", ""))
    if what == "remove":
        return remove_step(document, kinds, step), ""
    if what == "connect":
        return connect(document, kinds, source=step, way=sent.get("way", ""), target=sent.get("target", "")), step
    if what == "configure":
        return _configured(document, step, sent), step
    if what == "settings":
        return read_settings(document, _fields(sent)), "settings"
    if what == "replace":
        return _read_document(desk, sent.get("document", "")), step
    raise EditError


def _fields(sent: QueryDict) -> dict[str, str]:
    """Every field with its last value."""
    return {name: str(value) for name, value in sent.items()}


def _configured(document: dict[str, Any], step_id: str, sent: QueryDict) -> dict[str, Any]:
    kinds = installed_plugins().steps
    step = next((one for one in document.get("steps", []) if one.get("id") == step_id), None)
    kind = next((key for key in step if key in kinds), None) if step is not None else None
    if step is None or kind is None:
        raise EditError
    return change_step(document, kinds, step_id, read_step(kinds[kind].config, _fields(sent), step[kind]))


def _read_document(desk: Desk, text: str) -> dict[str, Any]:
    """An earlier form of the same journey: how an editor takes a change back."""
    try:
        document = json.loads(text)
    except ValueError:
        raise EditError from None
    if not isinstance(document, dict) or document.get("kind") != "journey" or document.get("id") != desk.journey_id:
        raise EditError
    return document


def _revision(sent: QueryDict) -> int:
    text = sent.get("revision", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else -1


def _conflict(request: HttpRequest, desk: Desk, *, wants_json: bool) -> HttpResponse:
    """The second of two people: who was faster, what they changed, and what the change that was not saved would do.

    The canvas sends along what it showed (`seen`), so that both can be told apart; a form without a script shows what its change would do now.
    """
    seen, mine, who = _seen(desk, request.POST), None, desk.draft.edited_by if desk.draft is not None else ""
    with suppress(EditError):  # what it was about is gone
        mine = _changed(desk, request.POST, seen)[0]
    base = seen if seen is not None else desk.document
    context = {
        "journey_id": desk.journey_id,
        "name": formats.name_in(desk.document.get("name") or {}, desk.journey_id),
        "who": who,
        "at_us": desk.draft.edited_us if desk.draft is not None else 0,
        "theirs": change_lines(seen, desk.document) if seen is not None else [],
        "yours": change_lines(base, mine) if mine is not None else [],
        "revision": desk.revision,
        "made_from": desk.says,
        "fields": [(name, value) for name, value in request.POST.items() if name not in _NOT_AGAIN],
        "can_replace": seen is not None and mine is not None,
    }
    if not wants_json:
        return render(request, "journeys/conflict.html", context, status=_CONFLICT)
    told = render_to_string("journeys/conflict_told.html", context, request=request)
    answer = {
        "problem": _told(who),
        "conflict": told,
        "revision": desk.revision,
        "made_from": desk.says,
        "mine": mine if seen else None,
    }
    return JsonResponse(answer, status=_CONFLICT)


_NOT_AGAIN = frozenset({"csrfmiddlewaretoken", "revision", "made_from", "seen"})


def _seen(desk: Desk, sent: QueryDict) -> dict[str, Any] | None:
    """What the canvas showed when the change was made; None without a script."""
    try:
        return _read_document(desk, sent.get("seen", ""))
    except EditError:
        return None


def _told(who: str) -> str:
    if who:
        return _("%(who)s has changed this draft meanwhile. Your last change was not saved.") % {"who": who}
    return _("Somebody has published or discarded this draft meanwhile. Your last change was not saved.")


def _state(desk: Desk, checked: CheckedDrafts, drawing: Drawing) -> dict[str, Any]:
    """What the canvas needs: the drawing, words, mistakes, and the document for taking changes back."""
    spoken = language()
    own = [one.path for one in checked.mistakes if one.key == f"journey:{desk.journey_id}"]
    wrong = [path[1] for path in own if len(path) > 1 and path[0] == "steps"]
    return {
        "revision": desk.revision,
        "made_from": desk.says,
        "document": desk.document,
        "width": drawing.width,
        "height": drawing.height,
        "sizes": {"width": BOX_WIDTH, "height": BOX_HEIGHT, "end": END_SIZE},
        "boxes": [
            {
                "id": box.id, "icon": box.icon, "group": box.group, "label": box.label.get(spoken, box.id), "words": box.words.get(spoken, ""),
                "x": box.x, "y": box.y, "isEnd": box.index < 0, "wrong": wrong.count(box.index),
            }
            for box in drawing.boxes
        ],
        "lines": [
            {
                "id": line.id, "source": line.source, "target": line.target, "way": line.name,
                "label": journey_words.way_word(line.name) if line.label_at else "", "labelAt": line.label_at, "points": line.points,
            }
            for line in drawing.lines
        ],
        "kinds": [{"kind": kind.kind, "label": kind.label[spoken], "icon": kind.icon, "group": kind.group} for kind in installed_plugins().steps.values()],
        "mistakes": [mistake_word(one) for one in checked.mistakes],
    }  # fmt: skip


def _outline_html(request: HttpRequest, desk: Desk, checked: CheckedDrafts, drawing: Drawing, opened: str) -> str:
    context = {
        "outline": desk.outline(checked, drawing), "desk": desk, "journey_id": desk.journey_id, "opened": opened,
        "estimates": access.may("segments.edit"),
    }  # fmt: skip
    return render_to_string("journeys/outline.html", context, request=request)


@require_POST
def discard(request: HttpRequest, journey_id: str) -> HttpResponse:
    """Drop the draft."""
    try:
        discard_draft(
            "journey",
            journey_id,
            mounted().sources.drafts,
            revision=_revision(request.POST),
            made_from=seen_form(request),
        )
    except StaleDraftError as error:
        add_toast(request, _told(current.edited_by if (current := their_draft(error)) else ""), tone="stop")
        return redirect("journey_edit", journey_id)
    add_toast(request, _("The draft is gone."))
    known = mounted().sources.journeys.read_journey(journey_id) is not None
    return redirect("journey", journey_id) if known else redirect("journeys")
