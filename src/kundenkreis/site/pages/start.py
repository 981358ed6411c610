"""The start page: the circle with everybody in it, and the figures of daily work."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from kundenkreis.site import start_words
from kundenkreis.site.access import may
from kundenkreis.site.circle_drawing import SIZE, draw_circle
from kundenkreis.site.formats import name_in
from kundenkreis.site.mounted import mounted
from kundenkreis.site.phase_words import PHASES, phase_word, sub_state_word
from kundenkreis.site.ports.events import EventQuery
from kundenkreis.site.ports.start import PERIODS, Circle, Move, PhaseCount, SubStateCount
from kundenkreis.site.start_cards import cards_of, path_to

_DEFAULT_DAYS = 30
_ACTIVITY = 6
"""Events that tell that something is going on."""


@dataclass(frozen=True, kw_only=True)
class _Phase:
    count: PhaseCount
    name: str
    net: int
    net_href: str
    known_href: str
    anonymous_href: str
    sub_states: tuple[tuple[SubStateCount, str, str], ...]
    """With its name, and where the people are listed."""


@dataclass(frozen=True, kw_only=True)
class _Move:
    move: Move
    before: str
    after: str
    href: str


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
        "cards": cards_of(figures, days),
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
        "phases": [_phase(one, net.get(one.phase, 0), days, circle.names) for one in circle.phases],
        "moves": [
            _Move(
                move=one,
                before=name_of(one.from_phase, circle.names),
                after=name_of(one.to_phase, circle.names),
                href=people_path(figure=f"move.{days}.{one.from_phase}.{one.to_phase}"),
            )
            for one in period.moves
        ],
        "period": period,
        "known": known,
        "is_empty": not known and not anonymous,
        "anonymous": anonymous,
        "legend": start_words.legend(days),
        "spoken": start_words.circle_in_words(known, anonymous),
        "is_six": len(circle.phases) == 6,
    }


def name_of(place: str, names: Mapping[str, Mapping[str, str]]) -> str:
    """A phase or sub-state: the shipped ones in the words of the house, others as their definition calls them."""
    word = phase_word(place) if place in PHASES else sub_state_word(place)
    return word if word != place else name_in(names.get(place, {}), place)


def _phase(count: PhaseCount, net: int, days: int, names: Mapping[str, Mapping[str, str]]) -> _Phase:
    return _Phase(
        count=count,
        name=name_of(count.phase, names),
        net=net,
        net_href=people_path(figure=f"net.{days}.{count.phase}"),
        known_href=people_path(phase=count.phase, view="known"),
        anonymous_href=people_path(phase=count.phase, view="visitors"),
        sub_states=tuple(
            (sub, name_of(sub.sub_state, names), people_path(sub_state=sub.sub_state, view="known"))
            for sub in count.sub_states
        ),
    )


def people_path(**filters: str) -> str:
    """Where the people behind a number are listed; "" where the viewer may not see them."""
    return path_to("customers", f"?{urlencode(filters)}", needs="customers.see")
