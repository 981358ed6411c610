"""Settings > Events: which events have come in, how often, since when, and what waits for them."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from kundenkreis.events.core.other_names import known_name
from kundenkreis.site import formats
from kundenkreis.site.access import may
from kundenkreis.site.event_words import event_word
from kundenkreis.site.mounted import mounted
from kundenkreis.site.ports.event_catalogue import EventLine, Waiting

_PAGES = {"journey": ("journey", "journeys.see"), "segment": ("segment", "segments.see")}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One event as the page shows it."""

    line: EventLine
    word: str
    meant: str
    """The event of the catalogue that is probably meant by it; "" if none is."""
    href: str
    """The live events of this name; "" where the viewer may not see them."""
    waiting: tuple[tuple[str, str], ...]
    """(what waits, its address or "")."""


def show_events(request: HttpRequest) -> HttpResponse:
    """Expected events that never came first, then the most frequent."""
    answer = mounted().sources.event_catalogue.read_catalogue()
    rows = [
        Row(
            line=line,
            word=event_word(line.name),
            meant=known_name(line.name),
            href=f"{reverse('events')}?{urlencode({'name': line.name})}" if may("events.see") else "",
            waiting=tuple((_called(one), _address(one)) for one in line.waiting),
        )
        for line in answer.lines
    ]
    context = {
        "answer": answer,
        "missing": [row for row in rows if row.line.seen is None],
        "seen": [row for row in rows if row.line.seen is not None],
        "as_of": _("Data as of %(time)s") % {"time": formats.moment(answer.at_us)} if answer.at_us else "",
    }
    return render(request, "settings/events.html", context)


def _called(one: Waiting) -> str:
    kinds = {
        "journey": _("Journey %(name)s"),
        "segment": _("Segment %(name)s"),
        "situation": _("Situation %(name)s"),
        "score": _("Score %(name)s"),
        "trait": _("Figure %(name)s"),
    }
    if one.kind == "phases":
        return _("Phases")
    return kinds.get(one.kind, "%(name)s") % {"name": formats.name_in(one.names, one.id)}


def _address(one: Waiting) -> str:
    page, needed = _PAGES.get(one.kind, ("", ""))
    return reverse(page, args=[one.id]) if page and may(needed) else ""
