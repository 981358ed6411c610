"""Content: the list, and the map of what there is for whom in which phase, with its gaps."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from kundenkreis.kernel.zones import to_datetime
from kundenkreis.site import content_words, formats, verdict_words
from kundenkreis.site.mounted import mounted
from kundenkreis.site.phase_words import PHASES
from kundenkreis.site.ports.contents import ContentLine

EVERYBODY = "*"
MANY = 4
"""From so many items on a place of the map is called crowded."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A content item with its words."""

    line: ContentLine
    name: str
    class_word: str
    call: str
    variants: str
    is_outdated: bool


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One place of the map: a persona in a phase."""

    rows: tuple[Row, ...]
    is_crowded: bool
    fill_path: str


@never_cache
@require_safe
def show_list(request: HttpRequest) -> HttpResponse:
    """Every content item."""
    return render(request, "contents/list.html", {"rows": rows(mounted().sources.contents.list_contents())})


@never_cache
@require_safe
def show_map(request: HttpRequest) -> HttpResponse:
    """Persona by phase: gaps, crowded places and outdated items."""
    source = mounted().sources.contents
    lines = rows(source.list_contents())
    named = dict(source.personas())
    used = sorted({persona for row in lines for persona in row.line.personas})
    personas = [(EVERYBODY, _("Everybody")), *((one, formats.name_in(named.get(one, {}), one)) for one in used)]
    phases = sorted(
        ((one, formats.name_in(names, one)) for one, names in source.phases()),
        key=lambda phase: PHASES.index(phase[0]) if phase[0] in PHASES else len(PHASES),
    )
    table = [
        (phase, word, [_cell(lines, phase, persona) for persona, _word in personas]) for phase, word in phases
    ]  # fmt: skip
    context = {
        "personas": [word for _persona, word in personas],
        "table": table,
        "gaps": sum(1 for _phase, _word, cells in table for cell in cells if not cell.rows),
        "outdated": [row for row in lines if row.is_outdated],
        "unplaced": [row for row in lines if not row.line.phases],
        "has_personas": bool(used),
    }
    return render(request, "contents/map.html", context)


def _cell(lines: Sequence[Row], phase: str, persona: str) -> Cell:
    here = tuple(
        row
        for row in lines
        if phase in row.line.phases
        and (persona in row.line.personas or (persona == EVERYBODY and not row.line.personas))
    )
    asked = {"phase": phase} | ({"persona": persona} if persona != EVERYBODY else {})
    return Cell(rows=here, is_crowded=len(here) >= MANY, fill_path=f"{reverse('content_new')}?{urlencode(asked)}")


def rows(lines: Sequence[ContentLine]) -> list[Row]:
    """Items with their words, those outdated today marked."""
    today = to_datetime(mounted().clock_us()).date().isoformat()
    return [
        Row(
            line=line,
            name=formats.name_in(line.names, line.id),
            class_word=verdict_words.class_word(line.message_class),
            call=content_words.call_word(line.call_to_action),
            variants=", ".join(content_words.variant_word(key) for key in line.variants),
            is_outdated=bool(line.up_to_date_until) and line.up_to_date_until < today,
        )
        for line in lines
    ]
