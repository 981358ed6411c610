"""The start page: the circle with everybody in it, and the figures of daily work."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from kundenkreis.site import start_words
from kundenkreis.site.access import may
from kundenkreis.site.circle_drawing import SIZE, draw_circle
from kundenkreis.site.mounted import mounted
from kundenkreis.site.ports.events import EventQuery
from kundenkreis.site.ports.start import PERIODS, Circle, PhaseCount, SubStateCount
from kundenkreis.site.start_cards import cards_of, path_to

_DEFAULT_DAYS = 30
_ACTIVITY = 6
"""Events that tell that something is going on."""


@dataclass(frozen=True, kw_only=True)
class _Phase:
    count: PhaseCount
    net: int
    known_href: str
    anonymous_href: str
    sub_states: tuple[tuple[SubStateCount, str], ...]


@require_safe
def show_start(request: HttpRequest) -> HttpResponse:
    """The circle in the chosen period (`days`), and below it what is to know today."""
    figures = mounted().sources.start.read_figures()
    days = _chosen_days(request)
    context = {
        "figures": figures,
        "days": days,
        "periods": [
            {"label": start_words.period_name(each), "href": f"?days={each}", "is_current": each == days}
            for each in PERIODS
        ],
        "cards": cards_of(figures),
        "activity": mounted().sources.events.find_events(EventQuery(limit=_ACTIVITY)).lines
        if may("events.see")
        else (),
        **(_circle(figures.circle, days) if figures.circle else {}),
    }
    return render(request, "start/start.html", context)


def _chosen_days(request: HttpRequest) -> int:
    asked = request.GET.get("days", "")
    return int(asked) if asked in {str(each) for each in PERIODS} else _DEFAULT_DAYS


def _circle(circle: Circle, days: int) -> dict[str, object]:
    period = next(one for one in circle.periods if one.days == days)
    net = {one.phase: one.people for one in period.net}
    known = sum(one.people.known for one in circle.phases)
    anonymous = sum(one.people.anonymous for one in circle.phases)
    return {
        "circle": circle,
        "size": SIZE,
        "centre": SIZE // 2,
        "drawing": draw_circle(circle.phases, period.moves),
        "phases": [_phase(one, net.get(one.phase, 0)) for one in circle.phases],
        "period": period,
        "known": known,
        "anonymous": anonymous,
        "legend": start_words.legend(days),
        "spoken": start_words.circle_in_words(known, anonymous),
        "is_six": len(circle.phases) == 6,
    }


def _phase(count: PhaseCount, net: int) -> _Phase:
    return _Phase(
        count=count,
        net=net,
        known_href=people_path(phase=count.phase, view="known"),
        anonymous_href=people_path(phase=count.phase, view="visitors"),
        sub_states=tuple((sub, people_path(sub_state=sub.sub_state, view="known")) for sub in count.sub_states),
    )


def people_path(**filters: str) -> str:
    """Where the people behind a number are listed; "" where the viewer may not see them."""
    return path_to("customers", f"?{urlencode(filters)}", needs="customers.see")
