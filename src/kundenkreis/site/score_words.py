"""A score's rule in words: what gives points, how many, and at most how many."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kundenkreis.segments.core.scores import HISTORY, MERGED
from kundenkreis.site import formats
from kundenkreis.site.condition_words import event_words


def rule_sentence(rule: Mapping[str, Any]) -> str:
    """One rule of a score: Order completed (total is at least 20): 15 points, at most 30 in 7 days; "" while it is not filled in."""
    try:
        what = event_words(rule["event"])
        points = points_words(rule["points"])
        limit = rule.get("at_most")
        if not what or not points:
            return ""
        if not limit:
            return _("%(event)s: %(points)s") % {"event": what, "points": points}
        days = int(limit["per_days"])
        most = formats.decimal(limit["points"])
        within = ngettext("at most %(most)s in %(count)s day", "at most %(most)s in %(count)s days", days)
        return _("%(event)s: %(points)s, %(limit)s") % {
            "event": what, "points": points, "limit": within % {"most": most, "count": formats.number(days)},
        }  # fmt: skip
    except (KeyError, TypeError, ValueError, AttributeError):
        return ""


def points_words(points: Any) -> str:
    """So many points, with their sign; "" for what is no number."""
    if isinstance(points, bool) or not isinstance(points, int | float):
        return ""
    said = ngettext("%(count)s point", "%(count)s points", round(abs(points)) if points == round(points) else 2)
    return said % {"count": f"{'+' if points > 0 else ''}{formats.decimal(points)}"}


def fading_words(half_life_days: Any) -> str:
    """How points fade."""
    if not isinstance(half_life_days, int):
        return _("points stay")
    return ngettext("half is gone after %(count)s day", "half is gone after %(count)s days", half_life_days) % {
        "count": formats.number(half_life_days)
    }


def ledger_rule(rules: Mapping[str, Mapping[str, Any]], rule_id: str, event: str) -> str:
    """Why a line stands in somebody's ledger; a rule that is not in force any more is called as it was.

    Args:
        rules: rule id -> rule as it is in force.
        event: what happened then.
    """
    if rule_id in rules:
        return rule_sentence(rules[rule_id]) or rule_id.replace("_", " ")
    if rule_id == MERGED:
        return _("Taken over from a joined record")
    if rule_id == HISTORY:
        return _("Counted of the past when the score was new")
    if event == "Score Added":
        return _("Given by a journey")
    return _("A rule that is no longer in force (%(name)s)") % {"name": rule_id.replace("_", " ")}
