"""A trial run: a draft over the past, what it would have done, drawn where it would have happened."""

from datetime import date
from typing import Any, Final, Literal

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from kundenkreis.kernel.zones import date_of, day_of, zone
from kundenkreis.site import formats, journey_charts, journey_drawing, journey_words
from kundenkreis.site.mounted import mounted
from kundenkreis.site.pages.journey_editor import Desk
from kundenkreis.site.ports.trials import Trial

MOST_DAYS: Final = 366
_PAST_DAYS: Final = 90
Objection = Literal["", "backwards", "too_long", "not_past"]


def objection_to(first_day: int, last_day: int) -> Objection:
    """What speaks against a trial run over these days; "" where nothing does."""
    if last_day < first_day:
        return "backwards"
    if last_day - first_day > MOST_DAYS:
        return "too_long"
    return "" if first_day >= 0 and last_day <= _today() else "not_past"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def simulate(request: HttpRequest, journey_id: str) -> HttpResponse:
    """GET: the trial run and how far it is. POST: begin one over the chosen days, or end the one that is there (`end`)."""
    desk, trials = Desk(journey_id), mounted().sources.trials
    if not desk.document:
        raise Http404
    first, error = max(trials.first_day(), _today() - _PAST_DAYS), ""
    last = max(_today() - 1, first)  # on its first day an installation has no other
    if "end" in request.POST:
        trials.end(journey_id, request.POST["end"])
        return redirect("journey_simulate", journey_id)
    if request.method == "POST":
        first, last, error = _days(request, first, last)
        if not error and desk.check().definitions is None:
            error = _("The draft still has mistakes. Put them right first.")
        if not error:
            trials.start(desk.document, from_day=first, to_day=last)
            return redirect("journey_simulate", journey_id)
    trial = trials.find(journey_id)
    if trial is not None and not error:
        first, last = trial.from_day, trial.to_day
    context: dict[str, Any] = {
        "journey_id": journey_id, "name": formats.name_in(desk.document.get("name") or {}, journey_id), "trial": trial,
        "error": error,
        "from_date": date_of(first).isoformat(),
        "to_date": date_of(last).isoformat(),
        "is_published": desk.definitions.get(f"journey:{journey_id}") is not None,
        **(_shown(trial, desk) if trial is not None else {}),
    }  # fmt: skip
    status = 422 if error else 200
    return render(request, "journeys/trial.html", context, status=status)


def _shown(trial: Trial, desk: Desk) -> dict[str, Any]:
    result = trial.result
    if result is None or trial.document is None:
        return {}
    messages = {day: sum(channels.values()) for day, channels in result.messages_per_day.items()}
    return {
        "result": result, "canvas": journey_drawing.of_trial(trial.document, result, desk.name_of),
        "per_day": journey_charts.per_day(result.entries_per_day, trial.from_day, trial.to_day, _("%(count)s entries in %(days)s")),
        "messages_per_day": journey_charts.per_day(messages, trial.from_day, trial.to_day, _("%(count)s messages in %(days)s")),
        "withheld": [
            {"words": journey_words.withheld_word("withheld", reason), "count": count}
            for reason, count in sorted(result.withheld.items(), key=lambda one: -one[1])
        ],
        "sample": journey_words.sample(result.sample_percent),
    }  # fmt: skip


def _days(request: HttpRequest, first: int, last: int) -> tuple[int, int, str]:
    """(first day, last day, what is wrong with them)."""
    try:
        begin, end = (day_of(date.fromisoformat(request.POST.get(key, ""))) for key in ("from", "to"))
    except ValueError:
        return first, last, _("Choose two days.")
    said = {
        "backwards": _("The last day lies before the first."),
        "too_long": _("Choose at most a year."),
        "not_past": _("Choose days that have been."),
    }
    objection = objection_to(begin, end)
    return begin, end, said[objection] if objection else ""


def _today() -> int:
    return zone(mounted().settings.zone).day_number(mounted().clock_us())
