"""Phases: the circle's rules in order, each with its finer states. The first that fits counts."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from kundenkreis.definitions.use_cases.edit_drafts import in_force
from kundenkreis.segments.core.definitions import PhasesDefinition
from kundenkreis.site import formats
from kundenkreis.site.condition_words import condition_line
from kundenkreis.site.forms.offers import offered, options_of
from kundenkreis.site.mounted import mounted
from kundenkreis.site.naming import name_rows
from kundenkreis.site.pages import definition_editor
from kundenkreis.site.pages.definition_editor import Edited
from kundenkreis.site.phase_words import phase_word


def _sentence(_part: str, row: Mapping[str, Any]) -> str:
    """Win-back: days since the last order is at least 365."""
    name = formats.name_in(row.get("name") or {}, phase_word(str(row.get("id") or "")))
    when = row.get("when")
    told = condition_line(when) if isinstance(when, Mapping) else ""
    if not name.strip():
        return ""
    if isinstance(when, Mapping) and when == {"all": []}:
        told = _("everybody else")
    return f"{name}: {told}" if told else name


def _finished(document: dict[str, Any]) -> dict[str, Any]:
    """Phases and states are told apart by their names."""
    phases = [
        {**one, "sub_states": name_rows(one["sub_states"], _called)} if one.get("sub_states") else one
        for one in document.get("phases") or ()
    ]
    return document | {"phases": name_rows(phases, _called)}


def _called(row: Mapping[str, Any]) -> str:
    names = row.get("name") or {}
    return str(names.get("en") or names.get("de") or "")


PHASES = Edited(
    kind="phases",
    id="",
    config=PhasesDefinition,
    begin=lambda: {"kind": "phases", "phases": []},
    filled={},
    page="phases",
    template="segments/phases.html",
    title=lambda _held: _("Phases"),
    sections=lambda: ((_("In this order"), ("phases",)),),
    options=lambda _held: options_of(offered(in_force(mounted().sources.publisher))),
    sentence=lambda _held: _sentence,
    finish=_finished,
    area=(lambda: _("Segments"), "segments"),
    object_kind="phases",
    permission="segments.edit",
)


@never_cache
def edit_phases(request: HttpRequest) -> HttpResponse:
    """The rules of the circle, and the form behind each."""
    return definition_editor.edit(request, PHASES, {"tab": "phases", "names_itself": True})


@never_cache
def publish_phases(request: HttpRequest) -> HttpResponse:
    """What publishing changes; posting does it."""
    return definition_editor.publish(request, PHASES)


def discard_phases(request: HttpRequest) -> HttpResponse:
    """Drop the draft."""
    return definition_editor.discard(request, PHASES)
