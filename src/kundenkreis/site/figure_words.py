"""What the people behind a figure of the start page have in common, for the list of customers."""

from collections.abc import Mapping

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kundenkreis.site.formats import number, short_day
from kundenkreis.site.phase_words import PHASES, phase_word
from kundenkreis.site.start_words import period_name
from kundenkreis.site.words import channel_word


def figure_words(figure: str, phases: Mapping[str, str]) -> str:
    """The figure in words; "" for no figure.

    Args:
        phases: phase -> what it is called, for phases of the house's own.
    """
    kind, _dot, rest = figure.partition(".")
    parts = rest.split(".")

    def phase(id_: str) -> str:
        return phase_word(id_) if id_ in PHASES else phases.get(id_, id_)

    if kind == "move" and len(parts) == 3:
        said = {"days": _days(parts[0]), "before": phase(parts[1]), "after": phase(parts[2])}
        return _("moved from %(before)s to %(after)s within %(days)s, not back") % said
    if kind == "net" and len(parts) == 2:
        return _("came into %(phase)s or left it within %(days)s") % {"days": _days(parts[0]), "phase": phase(parts[1])}
    if kind == "rights" and len(parts) == 2:
        return _rights(parts[1]) % {"days": _days(parts[0])}
    if kind == "pressure" and rest.isdigit():
        count = int(rest)
        return ngettext(
            "reachable, %(count)s marketing contact in 7 days",
            "reachable, %(count)s marketing contacts in 7 days",
            count,
        ) % {"count": number(count)}
    if kind == "bulk" and len(parts) == 2:
        return _of_many(parts[1])
    return _of_orders(kind, parts) or _plain(figure)


def _of_many(fate: str) -> str:
    """What became of them when many were changed together."""
    known = {
        "pending": _("still to be changed together"),
        "done": _("changed together"),
        "as_is": _("stayed as they were when others were changed together"),
        "several": _("left out when others were changed together"),
    }
    return known.get(fate, fate)


def _of_orders(kind: str, parts: list[str]) -> str:
    """Figures of orders and of channels; "" for others."""
    if kind == "second" and len(parts) == 2 and parts[0].isdigit():
        return _second(parts[1]) % {"day": short_day(int(parts[0]))}
    if kind == "revenue":
        return _revenue(parts)
    if kind == "reach" and parts[0] == "channel" and len(parts) > 1:
        return _on_channel(parts[2] if len(parts) > 2 else "") % {"channel": channel_word(parts[1])}
    return ""


def _plain(figure: str) -> str:
    known = {
        "reach.people": _("from the phase purchase on"),
        "reach.reachable": _("may be promoted to electronically"),
        "reach.letter": _("may be promoted to by letter only"),
        "pressure.limit": _("reachable, but the contact budget is used up"),
        "pressure.converted": _("first order 14 to 45 days ago, known 14 days before"),
    }
    return known.get(figure, figure)


def _days(days: str) -> str:
    return period_name(int(days)) if days.isdigit() else days


def _rights(what: str) -> str:
    known = {
        "granted": _("new right to promote within %(days)s"),
        "withdrawn": _("consent withdrawn within %(days)s"),
        "objected": _("objected to marketing within %(days)s"),
        "bounced": _("address undeliverable for good within %(days)s"),
    }
    return known.get(what, what)


def _second(part: str) -> str:
    if part == "again":
        return _("first order in the 30 days up to %(day)s, and another within 90 days")
    return _("first order in the 30 days up to %(day)s")


def _on_channel(ground: str) -> str:
    if ground == "consent":
        return _("may be promoted to by %(channel)s with consent")
    if ground == "customer":
        return _("may be promoted to by %(channel)s as existing customers")
    return _("may be promoted to by %(channel)s")


def _revenue(parts: list[str]) -> str:
    known = {
        "all": _("ordered"),
        "first": _("ordered for the first time"),
        "repeat": _("ordered again"),
        "won_back": _("ordered after win-back began"),
    }
    what = known.get(parts[0], parts[0])
    if len(parts) > 1 and parts[1].isdigit():
        return _("%(what)s in the week from %(day)s") % {"what": what, "day": short_day(int(parts[1]))}
    return _("%(what)s in the last 26 weeks") % {"what": what}
