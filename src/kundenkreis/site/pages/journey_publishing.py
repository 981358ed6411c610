"""Before and at the moment of truth: what publishing would do, publishing, and switching."""

from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from kundenkreis.definitions.drafts import Draft, DraftMistake
from kundenkreis.definitions.errors import DefinitionsRefusedError, PublishedMeanwhileError
from kundenkreis.definitions.use_cases.edit_drafts import published
from kundenkreis.definitions.use_cases.publish_drafts import Prepared, prepare_publishing
from kundenkreis.site import formats, journey_words
from kundenkreis.site.audit import audit
from kundenkreis.site.definition_words import address_of
from kundenkreis.site.difference_words import change_lines
from kundenkreis.site.drafting import in_force_name, publish_draft
from kundenkreis.site.journey_switching import switch_journey
from kundenkreis.site.mistake_words import mistake_word
from kundenkreis.site.mounted import mounted
from kundenkreis.site.pages.journeys import read
from kundenkreis.site.toasts import add_toast


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def publish(request: HttpRequest, journey_id: str) -> HttpResponse:
    """GET: what publishing the draft would change, and for whom. POST: publish it."""
    draft = mounted().sources.drafts.find("journey", journey_id)
    if draft is None:
        if mounted().sources.journeys.read_journey(journey_id) is None:
            raise Http404
        add_toast(request, _("Nothing was changed, so there is nothing to publish."), tone="calm")
        return redirect("journey", journey_id)
    if request.method == "POST":
        return _publish(request, draft)
    include = [journey_id] if request.GET.get("include") else []
    prepared = prepare_publishing([draft], mounted().sources.publisher, include_existing=include)
    return render(request, "journeys/publish.html", _context(draft, prepared, include_existing=bool(include)))


def _context(draft: Draft, prepared: Prepared, *, include_existing: bool) -> dict[str, Any]:
    before = published(mounted().sources.publisher, "journey", draft.id)
    return {
        "journey_id": draft.id,
        "draft": draft,
        "name": formats.name_in(draft.document.get("name") or {}, draft.id),
        "mistakes": [(mistake_word(one), _where_to_mend(draft, one)) for one in prepared.checked.mistakes],
        "notes": [mistake_word(one) for one in prepared.checked.notes],
        "changes": change_lines(before, draft.document),
        "impact": journey_words.impact_lines(prepared.impact, draft.id) if prepared.impact is not None else [],
        "overtaken": bool(prepared.overtaken),
        "compared": in_force_name(draft),
        "can_include": bool((draft.document.get("entry") or {}).get("segment_entered")),
        "include_existing": include_existing,
        "control": (draft.document.get("holdout") or {}).get("percent", 0),
    }


def _where_to_mend(draft: Draft, mistake: DraftMistake) -> str:
    """The address at which this mistake of the draft is mended: the step's form, the settings', or the outline; "" where there is none."""
    if mistake.key != draft.key:
        return address_of(*mistake.key.partition(":")[::2])
    editor = reverse("journey_edit", args=[draft.id])
    if mistake.path[:1] != ("steps",):
        return f"{editor}?step=settings#outline-settings"
    steps, place = draft.document.get("steps"), mistake.path[1] if len(mistake.path) > 1 else -1
    step = steps[place] if isinstance(steps, list) and isinstance(place, int) and 0 <= place < len(steps) else None
    name = step.get("id") if isinstance(step, dict) else None
    return f"{editor}?{urlencode({'step': name})}#outline-{name}" if isinstance(name, str) else f"{editor}#outline"


def _publish(request: HttpRequest, draft: Draft) -> HttpResponse:
    journey_id = draft.id
    include = [journey_id] if request.POST.get("include") else []
    version, _prepared = publish_draft(request, draft, include_existing=include)
    if not version:
        return redirect("journey_publish", journey_id)
    audit(request, "published", "journey", journey_id)
    add_toast(request, _("Published. From now on it applies to everybody."))
    return redirect("journey", journey_id)


@require_POST
def switch(request: HttpRequest, journey_id: str) -> HttpResponse:
    """Hold a journey, let it go on, stop it, take the last publishing back, or start a broadcast."""
    report, what = read(journey_id), request.POST.get("switch", "")
    told = {
        "pause": _("Paused. Nobody enters any more; whoever is under way finishes."),
        "resume": _("Live again. New people enter from now on."),
        "stop": _("Stopped. Whoever was under way leaves now."),
        "undo": _("Taken back. What applied before applies again."),
        "start": _("Started. Everybody it is meant for enters now."),
    }
    try:
        is_done = switch_journey(request, report, what)
    except (DefinitionsRefusedError, PublishedMeanwhileError):
        add_toast(request, _("Not possible: something it needs has changed meanwhile."), tone="stop")
        return redirect("journey", journey_id)
    if is_done:
        add_toast(request, told[what])
    else:
        add_toast(request, _("This is not possible any more."), tone="stop")
    return redirect("journey", journey_id)
