"""Segments: the list, and one segment with its members over time, its condition in words, and who uses it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache

from kundenkreis.site import formats
from kundenkreis.site.access import may
from kundenkreis.site.condition_words import ReasonLine, reason_lines
from kundenkreis.site.definition_words import address_of, kind_word
from kundenkreis.site.mounted import mounted
from kundenkreis.site.pages import deleting
from kundenkreis.site.pages.customers.words import said
from kundenkreis.site.ports.segments import DayCount

DAYS = 90
_WIDTH, _HEIGHT = 720, 140


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Members per day as a line in a box of _WIDTH x _HEIGHT."""

    line: str
    area: str
    width: int
    height: int
    most: int
    least: int
    first: int
    last: int
    first_day: str
    last_day: str
    text: str
    """The same in a sentence, for whoever does not see it."""


@never_cache
def show_list(request: HttpRequest) -> HttpResponse:
    """Every segment with its size and what moved."""
    return render(request, "segments/list.html", {"lines": mounted().sources.segments.list_segments()})


@never_cache
def show_segment(request: HttpRequest, segment_id: str) -> HttpResponse:
    """One segment."""
    source = mounted().sources.segments
    segment = source.find_segment(segment_id)
    if segment is None:
        raise Http404
    days = source.members_by_day(segment_id, DAYS) if segment.line.is_published else ()
    context = {
        "segment": segment,
        "line": segment.line,
        "people_link": f"{reverse('customers')}?segment={segment_id}",
        "lines": condition_lines(segment.document.get("when")),
        "may_delete": segment.line.is_published and may("segments.edit"),
        "chart": _chart(days) if days else None,
        "used_by": [
            (kind_word(one.kind), said(one.named), address_of(one.kind, one.named.id)) for one in segment.used_by
        ],
    }
    return render(request, "segments/segment.html", context)


@never_cache
def delete_segment(request: HttpRequest, segment_id: str) -> HttpResponse:
    """Who would miss it, and what deleting changes; posting does it."""
    return deleting.delete(request, _DELETED, segment_id)


def restore_segment(request: HttpRequest, segment_id: str) -> HttpResponse:
    """Put it back in force, for ten minutes after it was deleted."""
    return deleting.restore(request, _DELETED, segment_id)


_DELETED = deleting.Deletable(kind="segment", page="segment", listed="segments", area=lambda: _("Segments"))


def condition_lines(condition: Any) -> tuple[ReasonLine, ...]:
    """A condition in words, one line each."""
    return reason_lines(_tree(condition)) if condition else ()


def _tree(condition: Mapping[str, Any]) -> dict[str, Any]:
    ((kind, held),) = condition.items()
    if kind == "not":
        return {"kind": kind, "holds": True, "parts": [_tree(held)]}
    if isinstance(held, list):
        return {"kind": kind, "holds": True, "parts": [_tree(part) for part in held]}
    return {"kind": kind, "holds": True, "config": held}


def _chart(days: Sequence[DayCount]) -> Chart:
    counts = [day.members for day in days]
    most, least = max(counts), min(counts)
    span = max(most - least, 1)
    step = _WIDTH / max(len(counts) - 1, 1)
    points = [
        f"{place * step:.1f},{_HEIGHT - 8 - (count - least) / span * (_HEIGHT - 16):.1f}"
        for place, count in enumerate(counts)
    ]
    text = ngettext(
        "From %(first)s to %(last)s person in %(days)s days.",
        "From %(first)s to %(last)s people in %(days)s days.",
        counts[-1],
    ) % {"first": formats.number(counts[0]), "last": formats.number(counts[-1]), "days": formats.number(len(counts))}
    return Chart(
        line=" ".join(points),
        area=f"0,{_HEIGHT} {' '.join(points)} {_WIDTH},{_HEIGHT}",
        width=_WIDTH,
        height=_HEIGHT,
        most=most,
        least=least,
        first=counts[0],
        last=counts[-1],
        first_day=formats.calendar_day(days[0].day),
        last_day=formats.calendar_day(days[-1].day),
        text=text,
    )
