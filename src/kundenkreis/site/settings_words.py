"""A rule of the contact policy as one sentence."""

from collections.abc import Mapping
from typing import Any

from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kundenkreis.site import formats
from kundenkreis.site.forms.field_words import option_word
from kundenkreis.site.verdict_words import basis_word, class_word
from kundenkreis.site.words import channel_word

_HOURS_A_DAY, _HOURS_A_WEEK = 24, 168


def rule_sentence(part: str, row: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """One row of the contact rules in plain words; "" for one that is not filled in yet.

    Args:
        part: limits, quiet_hours, situations or purposes.
        row: as written.
        names: id of a situation or purpose -> its name.
    """
    tell = {"limits": _limit, "quiet_hours": _quiet, "situations": _hold, "purposes": _purpose}[part]
    try:
        return capfirst(tell(row, names))
    except (KeyError, TypeError, ValueError, IndexError):
        return ""


def _limit(row: Mapping[str, Any], names: Mapping[str, str]) -> str:
    purposes = ", ".join(names.get(one, one) for one in row.get("purposes") or ())
    count = int(row["at_most"])
    said = ngettext("at most %(count)s message %(span)s", "at most %(count)s messages %(span)s", count)
    channel = channel_word(row["channel"]) if row.get("channel") else _("all channels together")
    return f"{channel}{f' ({purposes})' if purposes else ''}: " + said % {
        "count": formats.number(count), "span": _span(int(row["per_hours"])),
    }  # fmt: skip


def _span(hours: int) -> str:
    if hours % _HOURS_A_WEEK == 0:
        weeks = hours // _HOURS_A_WEEK
        return ngettext("in %(count)s week", "in %(count)s weeks", weeks) % {"count": weeks}
    if hours % _HOURS_A_DAY == 0:
        days = hours // _HOURS_A_DAY
        return ngettext("in %(count)s day", "in %(count)s days", days) % {"count": days}
    return ngettext("in %(count)s hour", "in %(count)s hours", hours) % {"count": hours}


def _quiet(row: Mapping[str, Any], names: Mapping[str, str]) -> str:
    channel, kind = channel_word(row["channel"]), row.get("message_class")
    start, end = row.get("from", "00:00"), row.get("to", "00:00")
    parts = [] if start == end else [_("%(start)s to %(end)s") % {"start": start, "end": end}]
    parts += [option_word("weekdays", one) for one in row.get("weekdays") or ()]
    parts += [_("Sundays")] if row.get("sundays") else []
    parts += [_("public holidays")] if row.get("holidays") else []
    return f"{channel}{f' ({class_word(kind)})' if kind else ''}: {', '.join(parts)}"


def _hold(row: Mapping[str, Any], names: Mapping[str, str]) -> str:
    what = option_word("holds", row.get("holds", "marketing"))
    low, high = row.get("priorities") or (1, 10)
    some = _(", priorities %(low)s to %(high)s") % {"low": low, "high": high}
    if low == high:
        some = _(", priority %(low)s") % {"low": low}
    elif (low, high) == (1, 10):
        some = ""
    return _("%(situation)s: no %(what)s%(some)s") % {
        "situation": names.get(row["situation"], row["situation"]), "what": what, "some": some,
    }  # fmt: skip


def _purpose(row: Mapping[str, Any], names: Mapping[str, str]) -> str:
    return f"{names.get(row['id'], row['id'])}: {', '.join(basis_word(one) for one in row['bases'])}"
