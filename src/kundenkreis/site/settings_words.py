"""What the settings' generated forms call their fields, and a rule of the contact policy as one sentence."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kundenkreis.definitions.diff import Change, Detail
from kundenkreis.site import formats
from kundenkreis.site.forms.field_words import field_word, option_word
from kundenkreis.site.verdict_words import basis_word, class_word
from kundenkreis.site.words import channel_word

_LONGEST_VALUE = 80
_HOURS_A_DAY, _HOURS_A_WEEK = 24, 168


def setting_word(path: str) -> str:
    """A field in words; `path` is the way to it without the numbers of rows: "limits.at_most"."""
    known = {
        "name": _("Name"),
        "sender_name": _("Sender's name"),
        "sender_address": _("Sender's address"),
        "imprint": _("Imprint"),
        "language": _("Language"),
        "form_of_address": _("Form of address"),
        "country": _("Country"),
        "zone": _("Time zone"),
        "tone": _("Tone of voice"),
        "look": _("Look"),
        "look.primary": _("Buttons and links"),
        "look.on_primary": _("Text on buttons"),
        "look.text": _("Text"),
        "look.muted": _("Secondary text"),
        "look.surface": _("Card"),
        "look.background": _("Background"),
        "look.font": _("Typeface"),
        "look.logo": _("Logo (address of the picture)"),
        "look.logo_width": _("Width of the logo in pixels"),
        "look.corners": _("Round corners in pixels"),
        "limits": _("Limits"),
        "limits.id": _("Short name"),
        "limits.at_most": _("At most"),
        "limits.per_hours": _("within so many hours"),
        "limits.channel": _("Channel (empty: all together)"),
        "limits.message_class": _("Kind of message"),
        "limits.purposes": _("Only these purposes (none: all)"),
        "quiet_hours": _("Quiet hours"),
        "quiet_hours.channel": _("Channel"),
        "quiet_hours.message_class": _("Kind of message (empty: both)"),
        "quiet_hours.from": _("From"),
        "quiet_hours.to": _("Until"),
        "quiet_hours.weekdays": _("Only on these days (none: every day)"),
        "quiet_hours.sundays": _("All of Sunday"),
        "quiet_hours.holidays": _("Public holidays"),
        "situations": _("Situations"),
        "situations.situation": _("Situation"),
        "situations.holds": _("What stops"),
        "situations.priorities": _("Priorities from, to (1 to 10)"),
        "situations.journeys": _("Only these journeys (none: all)"),
        "situations.purposes": _("Only these purposes (none: all)"),
        "situations.same_subject": _("Only messages about the same order, product or case"),
        "situations.except_journeys": _("Except these journeys"),
        "situations.except_purposes": _("Except these purposes"),
        "situations.channels": _("Only on these channels (none: all)"),
        "situations.reason": _("Reason"),
        "purposes": _("Purposes"),
        "purposes.id": _("Short name"),
        "purposes.name": _("What people read where they agree"),
        "purposes.bases": _("Legal bases, best first"),
        "purposes.categories": _("Categories of goods (* = all are similar)"),
        "default_priority": _("Priority of a message that says none (1 to 10)"),
        "after_conversion": _("After the first purchase"),
        "after_conversion.days": _("For so many days"),
        "after_conversion.extra_per_week": _("at most so many more a week than before"),
        "global_holdout": _("Control group"),
        "global_holdout.percent": _("Percent of people who get no marketing"),
        "global_holdout.salt": _("Name of the draw"),
        "minors": _("Minors"),
        "minors.attribute": _("Attribute with the date of birth"),
        "minors.of_age": _("Marketing from the age of (0: nobody is asked)"),
        "minors.countries": _("Other ages by country, such as AT: 14"),
        "incentives": _("Purposes that carry an incentive, never somebody's first message"),
        "overdue_grace_hours": _("Hours of delay after which a person decides about a marketing message"),
        "de": _("German"),
        "en": _("English"),
    }
    last = path.rpartition(".")[2]
    return known.get(path) or (known.get(last) if last in ("de", "en") else None) or field_word(last)


def setting_help(path: str) -> str:
    """One sentence below a field, "" where its name says it all."""
    known = {
        "sender_address": _("Messages come from here unless the installation's settings name another sender."),
        "imprint": _("Stands below every mail; the law asks for it."),
        "language": _("For people whose language is not known: de or en."),
        "country": _("Two capital letters such as DE: for people whose country is not known."),
        "zone": _("Such as Europe/Berlin: for people whose time zone is not known."),
        "tone": _("How the brand speaks, for whoever writes."),
        "look.logo": _("Empty: the brand's name in letters."),
        "situations.same_subject": "",
    }
    return known.get(path, "")


def setting_option(key: str, value: str) -> str:
    """One of a field's fixed choices in words."""
    known = {
        "sie": _("formal (Sie)"),
        "du": _("informal (du)"),
        "sans": _("without serifs"),
        "serif": _("with serifs"),
        "system": _("the device's own"),
        "monday": _("Monday"),
        "tuesday": _("Tuesday"),
        "wednesday": _("Wednesday"),
        "thursday": _("Thursday"),
        "friday": _("Friday"),
        "saturday": _("Saturday"),
        "sunday": _("Sunday"),
    }
    if key == "bases":
        return basis_word(value)
    if key == "holds":
        return _("marketing") if value == "marketing" else _("marketing and service")
    return known.get(value) or option_word(key, value)


def rule_sentence(part: str, row: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """One row of the contact rules in plain words; "" for one that is not filled in yet.

    Args:
        part: limits, quiet_hours, situations or purposes.
        row: as written.
        names: id of a situation or purpose -> its name.
    """
    tell = {"limits": _limit, "quiet_hours": _quiet, "situations": _hold, "purposes": _purpose}[part]
    try:
        return tell(row, names)
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
    parts += [setting_option("weekdays", one) for one in row.get("weekdays") or ()]
    parts += [_("Sundays")] if row.get("sundays") else []
    parts += [_("public holidays")] if row.get("holidays") else []
    return f"{channel}{f' ({class_word(kind)})' if kind else ''}: {', '.join(parts)}"


def _hold(row: Mapping[str, Any], names: Mapping[str, str]) -> str:
    what = setting_option("holds", row.get("holds", "marketing"))
    low, high = row.get("priorities") or (1, 10)
    some = "" if (low, high) == (1, 10) else _(", priorities %(low)s to %(high)s") % {"low": low, "high": high}
    return _("%(situation)s: no %(what)s%(some)s") % {
        "situation": names.get(row["situation"], row["situation"]), "what": what, "some": some,
    }  # fmt: skip


def _purpose(row: Mapping[str, Any], names: Mapping[str, str]) -> str:
    return f"{names.get(row['id'], row['id'])}: {', '.join(basis_word(one) for one in row['bases'])}"


def changed_sentences(changes: Iterable[Change]) -> list[str]:
    """What publishing changes, value by value."""
    return [_detail(detail) for change in changes for detail in change.details]


def _detail(detail: Detail) -> str:
    steps = re.findall(r"([A-Za-z_]+)|\[([^\]]*)\]", detail.path)
    plain = [word for word, _row in steps if word]
    said, done = [], 0
    for word, row in steps:
        done += bool(word)
        said.append(setting_word(".".join(plain[:done])) if word else row)
    where = " · ".join(said)
    if detail.verb == "changed":
        return f"{where}: {_value(detail.before)} → {_value(detail.after)}"
    if detail.verb == "added":
        return _("%(where)s: new, %(value)s") % {"where": where, "value": _value(detail.after)}
    return _("%(where)s: removed, %(value)s") % {"where": where, "value": _value(detail.before)}


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"
