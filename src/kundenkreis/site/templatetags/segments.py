"""What the pages about segments say of fields, estimates and moves."""

from collections.abc import Mapping
from typing import Any

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kundenkreis.definitions.impact import JourneyImpact, MembershipImpact
from kundenkreis.site import formats
from kundenkreis.site.mounted import mounted
from kundenkreis.site.pages.customers.words import said
from kundenkreis.site.phase_words import phase_word, sub_state_word
from kundenkreis.site.ports.segments import Estimate

register = template.Library()

Move = tuple[MembershipImpact, tuple[int, int], tuple[int, int]]
"""What publishing does to one membership: (estimate, margin) of those who enter and of those who leave."""


@register.filter
def in_language(names: Mapping[str, str], fallback: str) -> str:
    """A name in the viewer's language, else in another, else the id."""
    return names.get(formats.language()) or next(iter(names.values()), "") or fallback


@register.filter
def estimate_words(estimate: Estimate) -> str:
    """How sure the number is."""
    if estimate.is_exact and estimate.as_of_us:
        return ngettext(
            "of %(all)s person or visitor, counted exactly, as of %(when)s",
            "of %(all)s people and visitors, counted exactly, as of %(when)s",
            estimate.of,
        ) % {"all": formats.number(estimate.of), "when": formats.moment(estimate.as_of_us)}
    if estimate.is_exact:
        return ngettext(
            "of %(all)s person or visitor, counted exactly",
            "of %(all)s people and visitors, counted exactly",
            estimate.of,
        ) % {"all": formats.number(estimate.of)}
    return _("estimated from %(asked)s of %(all)s people and visitors, give or take %(margin)s") % {
        "asked": formats.number(estimate.asked),
        "all": formats.number(estimate.of),
        "margin": formats.number(estimate.margin),
    }


@register.filter
def moves_words(move: Move) -> str:
    """Who enters and who leaves, in a sentence."""
    impact, entering, leaving = move
    return _("%(what)s: entering %(entering)s, leaving %(leaving)s") % {
        "what": _called(impact),
        "entering": _about(*entering),
        "leaving": _about(*leaving),
    }


@register.filter
def starting_words(journey: JourneyImpact) -> str:
    """How many start a journey at once."""
    return ngettext(
        "%(count)s person starts the journey %(name)s at once.",
        "%(count)s people start the journey %(name)s at once.",
        journey.starting,
    ) % {"count": formats.number(journey.starting), "name": journey.id.replace("_", " ")}


def _about(count: int, margin: int) -> str:
    return formats.number(count) if not margin else f"{formats.number(count)} ± {formats.number(margin)}"


def _called(impact: MembershipImpact) -> str:
    if impact.kind == "phase":
        return _("Phase %(name)s") % {"name": phase_word(impact.id)}
    if impact.kind == "sub_state":
        return _("State %(name)s") % {"name": sub_state_word(impact.id)}
    choices: Mapping[str, Any] = mounted().sources.segments.choices()
    named = next((one for one in choices.get(impact.kind, ()) if one.id == impact.id), None)
    name = said(named) if named is not None else impact.id.replace("_", " ")
    return (_("Segment %(name)s") if impact.kind == "segment" else _("Situation %(name)s")) % {"name": name}
