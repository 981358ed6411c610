"""The segment builder: a condition put together as a form, with the people it holds for counted while one edits.

Every button posts the whole form, so nothing that was typed is lost and the page works without a script; htmx only swaps parts.
"""

import re
from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from kundenkreis.definitions.drafts import Draft, check_drafts
from kundenkreis.definitions.errors import BadDraftError, StaleDraftError
from kundenkreis.definitions.installed import installed_plugins
from kundenkreis.definitions.use_cases.edit_drafts import in_force, published
from kundenkreis.definitions.use_cases.publish_drafts import prepare_publishing
from kundenkreis.site import formats
from kundenkreis.site.access import viewer
from kundenkreis.site.difference_words import change_lines
from kundenkreis.site.drafting import (
    drop_draft,
    free_id,
    in_force_name,
    keep_draft,
    made_from,
    open_form,
    opponent_of,
    publish_draft,
)
from kundenkreis.site.forms.acts import acted
from kundenkreis.site.forms.as_before import condition_as_before
from kundenkreis.site.forms.condition_form import ConditionForms, chosen
from kundenkreis.site.forms.offers import condition_forms, offered, options_of
from kundenkreis.site.mistake_words import error_word, mistake_word, mistakes_at
from kundenkreis.site.mounted import mounted
from kundenkreis.site.pages.segments.listing import condition_lines
from kundenkreis.site.ports.counts import Count
from kundenkreis.site.special_categories import may_ask
from kundenkreis.site.toasts import add_toast

QUICK_MS = 600
"""How long an estimate may take while somebody edits."""
ROOT = "c"
_PLACE = re.compile(r"[a-z][A-Za-z0-9_.]{0,200}")


@never_cache
def edit_segment(request: HttpRequest, segment_id: str = "") -> HttpResponse:
    """The builder on the draft of a segment, or on what is in force where there is no draft; without an id a new one."""
    document, draft = _begin(request, segment_id)
    if request.method == "POST":
        return _posted(request, document, draft)
    return _show(request, document, draft, is_new=not segment_id)


def _begin(request: HttpRequest, segment_id: str) -> tuple[dict[str, Any], Draft | None]:
    if not segment_id:
        return {"kind": "segment", "id": "", "name": {}, "when": {"all": [{}]}}, None
    return open_form(request, "segment", segment_id)


def _posted(request: HttpRequest, document: dict[str, Any], draft: Draft | None) -> HttpResponse:
    is_new = not document["id"]
    document = document | _read(request, document)
    act = request.POST.get("act", "")
    if act != "save":
        document["when"] = acted(document["when"], act, ROOT)
        return _show(request, document, draft, is_new=is_new)
    if is_new:
        document["id"] = free_id("segment", document["name"], document)
    if not document["id"]:
        return _show(request, document, draft, is_new=is_new, name_error=_("Give the segment a name."), status=422)
    try:
        keep_draft(request, document)
    except StaleDraftError as error:
        conflict = opponent_of(error, "segment", document["id"], document)
        return _show(request, document, draft, is_new=is_new, conflict=conflict, status=409)
    except BadDraftError as error:
        return _show(request, document, draft, is_new=is_new, name_error=error_word(error), status=422)
    add_toast(request, _("Draft saved"))
    return redirect("segment_edit", document["id"])


def _read(request: HttpRequest, document: dict[str, Any]) -> dict[str, Any]:
    names = {
        language: text.strip()[:200]
        for language in ("de", "en")
        if (text := request.POST.get(f"name_{language}", "")).strip()
    }
    kinds = installed_plugins().conditions
    when = ConditionForms(kinds).read(_sent(request), ROOT)
    return {"name": names, "when": condition_as_before(when, document.get("when"), kinds)}


def _sent(request: HttpRequest) -> dict[str, str]:
    """Every posted field with its last value."""
    return {name: str(value) for name, value in request.POST.items()}


def _show(
    request: HttpRequest, document: dict[str, Any], draft: Draft | None, *, is_new: bool, name_error: str = "",
    conflict: Mapping[str, Any] | None = None, status: int = 200,
) -> HttpResponse:  # fmt: skip
    checked = {} if is_new and not request.POST else _mistakes(document)
    options = options_of(offered(in_force(mounted().sources.publisher)))
    tree = condition_forms(options).tree(document.get("when") or {}, ROOT, checked)
    context = {
        "document": document,
        "name": document.get("name") or {},
        "name_error": name_error,
        "tree": tree,
        "redraw": "builder",
        "draft": draft,
        "revision": request.POST.get("revision") or (draft.revision if draft else 0),
        "made_from": "" if is_new else made_from(request, "segment", document["id"], draft),
        "here": request.path,
        "is_new": is_new,
        "estimate": None,
        "has_mistakes": bool(checked),
        **(conflict or {}),
    }
    return render(request, "segments/edit.html", context, status=status)


def _mistakes(document: dict[str, Any]) -> dict[tuple[str | int, ...], str]:
    """Path in the condition -> what is wrong there, as the checks of publishing say it."""
    named = document | {"id": document["id"] or "new_segment", "name": document.get("name") or {"en": "-"}}
    checked = check_drafts([named], in_force(mounted().sources.publisher))
    own = [one for one in checked.mistakes if one.key == f"segment:{named['id']}" and one.path[:1] == ("when",)]
    return {path[1:]: said for path, said in mistakes_at(own, document).items()}


@never_cache
def estimate_segment(request: HttpRequest) -> HttpResponse:
    """How many people a condition of the posted form holds for; `exact=1` begins to count everybody, `root` names one of several conditions."""
    root = request.POST.get("root", ROOT)
    is_placed = _PLACE.fullmatch(root) is not None
    condition = chosen(ConditionForms(installed_plugins().conditions).read(_sent(request), root)) if is_placed else {}
    sources = mounted().sources
    template = "segments/estimate.html" if root == ROOT else "forms/estimate.html"
    if condition and not may_ask(condition):
        return render(request, template, {"is_hidden": True})
    if condition and request.POST.get("exact") == "1":
        return render(request, "segments/counting.html", _so_far(sources.counts.begin(_asker(), condition)))
    if root == ROOT:
        sources.counts.end(_asker())  # what it counts is edited
    estimate = sources.segments.estimate(condition, budget_ms=QUICK_MS) if condition else None
    return render(request, template, {"estimate": estimate})


@never_cache
def count_segment(request: HttpRequest, count_id: str) -> HttpResponse:
    """How far the exact count is; when it is done, the number in the place of the estimate."""
    count = mounted().sources.counts.find(_asker(), count_id)
    if count is not None and count.result is not None:
        response = render(request, "segments/estimate.html", {"estimate": count.result})
        response["HX-Retarget"], response["HX-Reswap"] = "#estimate", "innerHTML"
        return response
    if count is not None and count.state == "at_work":
        # What asks stays where it is: it says to screen readers that they need not read every step.
        return render(request, "segments/so_far.html", _so_far(count))
    response = render(request, "segments/counting.html", {"count": count})
    response["HX-Reswap"] = "outerHTML"
    return response


def _so_far(count: Count) -> dict[str, Any]:
    return {"count": count, "share": formats.whole_percent(count.done / count.total) if count.total else ""}


def _asker() -> str:
    """One count of the pages for each account."""
    someone = viewer()
    return f"page {someone.account_id}" if someone is not None else ""


@never_cache
def publish_segment(request: HttpRequest, segment_id: str) -> HttpResponse:
    """What publishing the draft would do to people; posting puts it in force."""
    sources = mounted().sources
    draft = sources.drafts.find("segment", segment_id)
    if draft is None:
        raise Http404
    if request.method == "POST":
        version, found = publish_draft(request, draft)
        if found is None:
            return redirect("segment_publish", segment_id)
        prepared = found
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
        "compared": in_force_name(draft),
        "mistakes": [mistake_word(one) for one in prepared.checked.mistakes],
        "changed": change_lines(published(sources.publisher, "segment", segment_id), draft.document),
        "own": own,
        "moves": [move for move in moves if move is not own],
        "journeys": impact.journeys if impact is not None else (),
        "is_estimate": impact is not None and impact.sample_percent < 100,
        "lines": condition_lines(draft.document.get("when")) if prepared.checked.definitions is not None else (),
    }
    return render(request, "segments/publish.html", context)


def discard_segment(request: HttpRequest, segment_id: str) -> HttpResponse:
    """Drop the draft."""
    if not drop_draft(request, "segment", segment_id):
        return redirect("segment_edit", segment_id)
    held = published(mounted().sources.publisher, "segment", segment_id)
    return redirect("segment", segment_id) if held is not None else redirect("segments")
