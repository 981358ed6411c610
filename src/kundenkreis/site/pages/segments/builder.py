"""The segment builder: a condition put together as a form, with the people it holds for counted while one edits.

Every button posts the whole form, so nothing that was typed is lost and the page works without a script; htmx only swaps parts.
"""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from kundenkreis.customers.core.consent import BASES
from kundenkreis.definitions.drafts import Draft, DraftMistake, check_drafts
from kundenkreis.definitions.errors import BadDraftError, StaleDraftError
from kundenkreis.definitions.names import CHANNELS, EVENTS
from kundenkreis.definitions.use_cases.edit_drafts import in_force, published
from kundenkreis.definitions.use_cases.publish_drafts import prepare_publishing, publish_drafts
from kundenkreis.segments.conditions.registry import SHIPPED
from kundenkreis.segments.core.traits import BUILT_IN
from kundenkreis.site import formats
from kundenkreis.site.drafting import actor, drop_draft, free_id, keep_draft, open_document, their_draft
from kundenkreis.site.forms.condition_form import acted, chosen, condition_tree, read_condition
from kundenkreis.site.forms.field_words import (
    basis_options,
    channel_options,
    operator_options,
    trait_options,
)
from kundenkreis.site.forms.typed_fields import Options
from kundenkreis.site.mounted import mounted
from kundenkreis.site.pages.customers.words import said
from kundenkreis.site.pages.segments.listing import condition_lines
from kundenkreis.site.ports.segments import Estimate
from kundenkreis.site.profile_words import attribute_word
from kundenkreis.site.toasts import add_toast

QUICK_MS, EXACT_MS = 600, 20_000
"""How long an estimate may take while somebody edits, and how long the exact count behind it."""
_ATTRIBUTES = ("email", "firstName", "lastName", "phone", "birthday", "gender", "language", "address.city", "address.country",
               "address.postalCode", "company.name", "createdAt")  # fmt: skip


@never_cache
def edit_segment(request: HttpRequest, segment_id: str = "") -> HttpResponse:
    """The builder on the draft of a segment, or on what is in force where there is no draft; without an id a new one."""
    document, draft = _begin(segment_id)
    if request.method == "POST":
        return _posted(request, document, draft)
    return _show(request, document, draft, is_new=not segment_id)


def _begin(segment_id: str) -> tuple[dict[str, Any], Draft | None]:
    if not segment_id:
        return {"kind": "segment", "id": "", "name": {}, "when": {"all": [{}]}}, None
    held, draft = open_document("segment", segment_id)
    if held is None:
        raise Http404
    return held, draft


def _posted(request: HttpRequest, document: dict[str, Any], draft: Draft | None) -> HttpResponse:
    is_new = not document["id"]
    document = document | _read(request, document)
    act = request.POST.get("act", "")
    if act != "save":
        document["when"] = acted(document["when"], act)
        return _show(request, document, draft, is_new=is_new)
    if is_new:
        document["id"] = free_id("segment", document["name"])
    if not document["id"]:
        return _show(request, document, draft, is_new=is_new, name_error=_("Give the segment a name."), status=422)
    try:
        keep_draft(request, document)
    except StaleDraftError as error:
        return _show(request, document, draft, is_new=is_new, theirs=their_draft(error), status=409)
    except BadDraftError as error:
        return _show(request, document, draft, is_new=is_new, name_error=str(error), status=422)
    add_toast(request, _("Draft saved"))
    return redirect("segment_edit", document["id"])


def _read(request: HttpRequest, document: dict[str, Any]) -> dict[str, Any]:
    names = {
        language: text.strip()[:200]
        for language in ("de", "en")
        if (text := request.POST.get(f"name_{language}", "")).strip()
    }
    return {"name": names, "when": read_condition(request.POST.dict(), SHIPPED)}


def _show(
    request: HttpRequest, document: dict[str, Any], draft: Draft | None, *, is_new: bool, name_error: str = "",
    theirs: Draft | None = None, status: int = 200,
) -> HttpResponse:  # fmt: skip
    checked = {} if is_new and not request.POST else _mistakes(document)
    tree = condition_tree(document.get("when") or {}, SHIPPED, options=_options(), errors=checked)
    context = {
        "document": document,
        "name": document.get("name") or {},
        "name_error": name_error,
        "tree": tree,
        "kinds": _kind_options(),
        "draft": draft,
        "revision": theirs.revision
        if theirs is not None
        else request.POST.get("revision") or (draft.revision if draft else 0),
        "theirs": theirs,
        "their_lines": condition_lines(theirs.document.get("when")) if theirs is not None and _is_whole(theirs) else (),
        "is_new": is_new,
        "estimate": None,
        "has_mistakes": bool(checked),
    }
    return render(request, "segments/edit.html", context, status=status)


def _is_whole(draft: Draft) -> bool:
    return not _mistakes(draft.document)


def _mistakes(document: dict[str, Any]) -> dict[tuple[str | int, ...], str]:
    """Path in the condition -> what is wrong there, as the checks of publishing say it."""
    named = document | {"id": document["id"] or "new_segment", "name": document.get("name") or {"en": "-"}}
    checked = check_drafts([named], in_force(mounted().sources.publisher))
    return {
        mistake.path[1:]: _said(mistake)
        for mistake in checked.mistakes
        if mistake.key == f"segment:{named['id']}" and mistake.path[:1] == ("when",)
    }


def _said(mistake: DraftMistake) -> str:
    return f"{mistake.what}. {mistake.remedy}".strip()


def _kind_options() -> list[tuple[str, str]]:
    language = formats.language()
    return [
        ("", _("Choose a condition")),
        *((name, kind.label[language]) for name, kind in SHIPPED.items()),
        ("all", _("All of these")),
        ("any", _("At least one of these")),
        ("none", _("None of these")),
        ("not", _("Not")),
    ]


def _options() -> Options:
    """What the fields offer, by what they refer to."""
    choices = mounted().sources.segments.choices()
    found: dict[str, list[tuple[str, str]]] = {
        kind: [(one.id, said(one)) for one in listed] for kind, listed in choices.items()
    }
    found["trait"] = [*trait_options(tuple(BUILT_IN)), *found.get("trait", [])]
    found["event"] = [(name, name) for name in EVENTS]
    found["attribute"] = [(name, attribute_word(name)) for name in _ATTRIBUTES]
    found["operator"] = operator_options()
    found["channel"] = channel_options(CHANNELS)
    found["basis"] = basis_options(tuple(BASES))
    return found.get


@never_cache
def estimate_segment(request: HttpRequest) -> HttpResponse:
    """How many people the condition of the posted form holds for; `exact=1` counts everybody."""
    condition = chosen(read_condition(request.POST.dict(), SHIPPED))
    is_exact = request.POST.get("exact") == "1"
    estimate: Estimate | None = None
    if condition:
        estimate = mounted().sources.segments.estimate(condition, budget_ms=EXACT_MS if is_exact else QUICK_MS)
    return render(request, "segments/estimate.html", {"estimate": estimate, "was_exact": is_exact})


@never_cache
def publish_segment(request: HttpRequest, segment_id: str) -> HttpResponse:
    """What publishing the draft would do to people; posting puts it in force."""
    sources = mounted().sources
    draft = sources.drafts.find("segment", segment_id)
    if draft is None:
        raise Http404
    if request.method == "POST":
        version, prepared = publish_drafts([draft], sources.drafts, sources.publisher, actor=actor())
        if version:
            add_toast(request, _("The segment is in force."))
            return redirect("segment", segment_id)
    else:
        prepared = prepare_publishing([draft], sources.publisher)
    impact = prepared.impact
    moves = [
        (one, impact.estimate(one.entering), impact.estimate(one.leaving)) for one in impact.memberships
    ] if impact is not None else []  # fmt: skip
    own = next((move for move in moves if (move[0].kind, move[0].id) == ("segment", segment_id)), None)
    context = {
        "draft": draft,
        "name": draft.document.get("name") or {},
        "prepared": prepared,
        "mistakes": [_said(mistake) for mistake in prepared.checked.mistakes],
        "own": own,
        "moves": [move for move in moves if move is not own],
        "journeys": impact.journeys if impact is not None else (),
        "is_estimate": impact is not None and impact.sample_percent < 100,
        "lines": condition_lines(draft.document.get("when")) if prepared.checked.definitions is not None else (),
    }
    return render(request, "segments/publish.html", context)


def discard_segment(request: HttpRequest, segment_id: str) -> HttpResponse:
    """Drop the draft."""
    drop_draft(request, "segment", segment_id)
    held = published(mounted().sources.publisher, "segment", segment_id)
    return redirect("segment", segment_id) if held is not None else redirect("segments")
