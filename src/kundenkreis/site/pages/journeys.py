"""Journeys: the list, one journey with its numbers on the drawing, and the people behind each number."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from kundenkreis.definitions.use_cases.switch_journey import is_broadcast
from kundenkreis.kernel.ids import MOST_PROFILE_ID
from kundenkreis.site import formats, journey_charts, journey_drawing, journey_effects, journey_words
from kundenkreis.site.formats import number
from kundenkreis.site.mounted import mounted
from kundenkreis.site.ports.journeys import JourneyReport

PAGE_SIZE = 50
_MOST_SIGNS = 80
"""Longer step ids and outcomes than any journey has."""


@never_cache
@require_safe
def show_list(request: HttpRequest) -> HttpResponse:
    """Every journey with where people are."""
    lines = mounted().sources.journeys.list_journeys()
    shown = [
        {
            "line": line,
            "name": formats.name_in(line.names, line.id),
            "state": journey_words.state_word(line.state),
        }
        for line in lines
    ]
    return render(request, "journeys/list.html", {"shown": shown, "count": number(len(lines))})


def read(journey_id: str) -> JourneyReport:
    """The journey, or 404."""
    report = mounted().sources.journeys.read_journey(journey_id)
    if report is None:
        raise Http404
    return report


@never_cache
@require_safe
def show_journey(request: HttpRequest, journey_id: str) -> HttpResponse:
    """One journey: the drawing with live numbers, and what it achieves."""
    report = read(journey_id)
    reached = report.reached
    context = {
        "report": report,
        "line": report.line,
        "where": report.line.where,
        "name": formats.name_in(report.line.names, journey_id),
        "state": journey_words.state_word(report.line.state),
        "people": {
            "entered": journey_drawing.people_path(journey_id, "", "entered"),
            "standing": journey_drawing.people_path(journey_id, "*", "standing"),
            "goal": journey_drawing.people_path(journey_id, "*", "with_goal"),
            "ended": journey_drawing.people_path(journey_id, "*", "ended"),
            "left": journey_drawing.people_path(journey_id, "*", "left"),
            "failed": journey_drawing.people_path(journey_id, "*", "failed_end"),
        },
        "is_broadcast": report.line.state == "live" and is_broadcast(report.document),
        "undo_words": journey_words.undo_until(report.undo_until_us),
        "goals_note": journey_words.all_goals(report.line),
        "canvas": journey_drawing.with_numbers(report),
        "effect": journey_words.effect_sentence(reached, report.still_open),
        "groups": journey_charts.groups(reached),
        "entries": journey_charts.entries(report.per_day),
        "to_goal": journey_charts.days_to_goal(report.days_to_goal, report.goal_days),
        "goal_words": _goal_words(report),
        "effects": journey_effects.effects_of(report),
        "steps": journey_effects.steps_of(report),
        "versions": journey_effects.versions_of(report),
        "reached_doors": {
            f"{group}_{what}": journey_drawing.people_path(journey_id, "*", f"in:all:all:{group}:{what}")
            for group in ("treated", "control")
            for what in ("goal", "all")
        },
        "silence": journey_words.no_entries_since(report.per_day) if report.line.state == "live" else "",
        "without_consent": sum(one.count for one in report.withheld if one.reason == "basis"),
        "withheld": [
            {
                "words": journey_words.withheld_word(one.outcome, one.reason),
                "count": one.count,
                "outcome": one.outcome,
                "reason": one.reason,
                "href": journey_drawing.messages_path(journey_id, one),
            }
            for one in report.withheld
        ],
        "withheld_total": sum(one.count for one in report.withheld),
        "contents": [
            {
                "name": formats.name_in(one.names, one.content_id),
                "figure": one,
                "fates": journey_effects.fates_of(report, one.content_id),
            }
            for one in report.contents
        ],
    }
    return render(request, "journeys/journey.html", context)


def _goal_words(report: JourneyReport) -> str:
    quartiles = report.quartiles
    return journey_words.time_to_goal(quartiles) if quartiles is not None else ""


@never_cache
@require_safe
def show_people(request: HttpRequest, journey_id: str) -> HttpResponse:
    """The people behind one number."""
    report = read(journey_id)
    step_id, outcome = (request.GET.get(key, "")[:_MOST_SIGNS] for key in ("step", "outcome"))
    found = mounted().sources.journeys.find_people(
        journey_id, step_id=step_id, outcome=outcome or "entered", cursor=request.GET.get("cursor", ""), limit=PAGE_SIZE
    )
    context = {
        "found": found,
        "journey_id": journey_id,
        "name": formats.name_in(report.line.names, journey_id),
        "title": journey_words.outcome_word(outcome or "entered"),
        "step": journey_drawing.step_name(report, step_id),
    }
    return render(request, "journeys/people.html", context)


@never_cache
@require_safe
def show_trace(request: HttpRequest, journey_id: str, profile_id: int) -> HttpResponse:
    """One person's way through the drawing."""
    report = read(journey_id)
    trace = mounted().sources.journeys.trace_person(journey_id, profile_id) if profile_id <= MOST_PROFILE_ID else None
    if trace is None:
        raise Http404
    chosen = next((run for run in trace.runs if run.run_id == request.GET.get("run")), trace.runs[0])
    context = {
        "trace": trace,
        "chosen": chosen,
        "journey_id": journey_id,
        "name": formats.name_in(report.line.names, journey_id),
        "canvas": journey_drawing.with_path(report, chosen),
        "lines": [
            {
                "line": line,
                "step": journey_drawing.step_name(report, line.step_id),
                "words": journey_words.outcome_word(line.outcome),
            }
            for line in chosen.lines
        ],
    }
    return render(request, "journeys/trace.html", context)
