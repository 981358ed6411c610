"""Why somebody is in a segment or a phase: the deciding conditions as sentences, each with what was found."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kundenkreis.definitions.installed import installed_plugins
from kundenkreis.site import formats
from kundenkreis.site.event_words import event_word, property_value, property_word
from kundenkreis.site.phase_words import phase_word, sub_state_word
from kundenkreis.site.profile_words import attribute_word
from kundenkreis.site.verdict_words import basis_word
from kundenkreis.site.words import channel_word

Tree = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class ReasonLine:
    """One condition in words."""

    depth: int
    holds: bool
    text: str
    found: str
    """What was found; "" for groups and where there is nothing to say."""
    attribute: str = ""
    """The value of the profile that was found, for masking; "" where it is none."""


def reason_lines(tree: Tree) -> tuple[ReasonLine, ...]:
    """A reason from the top, its parts below it. A group of one part is left out."""
    return tuple(_lines(tree, 0)) if tree else ()


def _lines(tree: Tree, depth: int) -> Iterator[ReasonLine]:
    kind, parts = str(tree["kind"]), tree.get("parts") or []
    if kind in ("all", "any") and len(parts) == 1:
        yield from _lines(parts[0], depth)
        return
    if "parts" in tree:
        yield ReasonLine(depth=depth, holds=bool(tree["holds"]), text=_groups().get(kind, kind), found="")
        for part in parts:
            yield from _lines(part, depth + 1)
        return
    config, found = tree.get("config") or {}, tree.get("found") or {}
    see = _LEAVES.get(kind, (_plain, _nothing))[1]
    attribute = str(config["name"]) if kind == "attribute" and found.get("value") is not None else ""
    yield ReasonLine(
        depth=depth, holds=bool(tree["holds"]), text=_leaf(kind, config), found=see(found), attribute=attribute
    )


def _groups() -> dict[str, str]:
    return {
        "all": _("All of this holds"),
        "any": _("At least one of this holds"),
        "none": _("None of this holds"),
        "not": _("This does not hold"),
    }


def condition_line(document: Mapping[str, Any]) -> str:
    """A condition as one line, for the name of a filter; "" where nothing is chosen."""
    if len(document) != 1:
        return ""
    ((kind, config),) = document.items()
    if isinstance(config, list):
        joint = {"all": _(" and "), "any": _(" or ")}.get(kind, ", ")
        told = joint.join(text for part in config if (text := condition_line(part)))
        return _("none of: %(parts)s") % {"parts": told} if kind == "none" else told
    if kind == "not":
        return _("not: %(part)s") % {"part": condition_line(config)} if isinstance(config, Mapping) else ""
    return _leaf(kind, config if isinstance(config, Mapping) else {})


def indented_lines(document: Mapping[str, Any]) -> list[str]:
    """A condition written down, one line per node, its parts indented by two blanks; also one that holds mistakes."""
    return list(_indented(document, ""))


def _indented(document: Any, before: str) -> Iterator[str]:
    if not isinstance(document, Mapping) or len(document) != 1:
        yield before + _("nothing chosen yet")
        return
    ((kind, held),) = document.items()
    if kind in _groups():
        yield before + _groups()[kind]
        for part in held if isinstance(held, list) else [held]:
            yield from _indented(part, before + "  ")
    else:
        yield before + _leaf(str(kind), held if isinstance(held, Mapping) else {})


def _leaf(kind: str, config: Mapping[str, Any]) -> str:
    """One condition in words; one that is not filled in yet by its kind."""
    plugin = installed_plugins().conditions.get(kind)
    label = plugin.label[formats.language()] if plugin is not None else kind
    if kind not in _LEAVES:
        told = _plain(config)
        return f"{label}: {told}" if told else label
    try:
        return str(_LEAVES[kind][0](config)) or label
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return label


# Values ---------------------------------------------------------------------------------------------------------------


def _compared(name: str, op: str, value: Any) -> str:
    if value is None:
        return f"{name} {operator_word(op)}"
    return f"{name} {operator_word(op)} {_value(value)}"


def operator_word(op: str) -> str:
    """A comparison in words."""
    known = {
        "equals": _("is"),
        "not_equals": _("is not"),
        "=": _("is exactly"),
        "!=": _("is not"),
        ">=": _("is at least"),
        ">": _("is more than"),
        "<=": _("is at most"),
        "<": _("is less than"),
        "between": _("is between"),
        "contains": _("contains"),
        "not_contains": _("does not contain"),
        "starts_with": _("begins with"),
        "ends_with": _("ends with"),
        "in": _("is one of"),
        "not_in": _("is none of"),
        "includes": _("includes"),
        "not_includes": _("does not include"),
        "exists": _("is known"),
        "not_exists": _("is not known"),
        "is_true": _("is yes"),
        "is_false": _("is no"),
        "before": _("is before"),
        "after": _("is after"),
        "on": _("is on"),
        "less_than_days_ago": _("is fewer days ago than"),
        "more_than_days_ago": _("is more days ago than"),
        "exactly_days_ago": _("is exactly this many days ago:"),
        "within_next_days": _("comes within days:"),
        "anniversary_in_days": _("comes round in days:"),
        "anniversary_within_days": _("comes round within days:"),
    }
    return known.get(op, op.replace("_", " "))


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, int | float):
        return formats.decimal(value)
    if isinstance(value, list):
        return ", ".join(_value(one) for one in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_value(one)}" for key, one in value.items())
    return f"„{value}“" if formats.language() == "de" else f"“{value}”"


def _names(value: Any) -> str:
    names = value if isinstance(value, list) else [value]
    return ", ".join(event_word(str(name)) for name in names)


def event_words(pattern: Mapping[str, Any]) -> str:
    """An event and what its properties must be; "" while no event is named."""
    return _names(pattern["name"]) + _where(pattern) if pattern.get("name") else ""


def _listed(value: Any, word: Any) -> str:
    return ", ".join(word(str(one)) for one in (value if isinstance(value, list) else [value]))


def _where(config: Mapping[str, Any]) -> str:
    parts = [
        _compared(property_word(name := str(one["property"])), str(one["op"]), property_value(name, one.get("value")))
        for one in config.get("where") or ()
    ]
    return f" ({', '.join(parts)})" if parts else ""


def _window(config: Mapping[str, Any]) -> str:
    days, hours = config.get("within_days"), config.get("within_hours")
    if days:
        return " " + ngettext("in the last %(count)s day", "in the last %(count)s days", days) % {
            "count": formats.number(days)
        }
    if hours:
        return " " + ngettext("in the last hour", "in the last %(count)s hours", hours) % {
            "count": formats.number(hours)
        }
    return ""


# Leaves ---------------------------------------------------------------------------------------------------------------


def _plain(config: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {_value(one)}" for key, one in config.items())


def _nothing(found: Mapping[str, Any]) -> str:
    return ""


def trait_word(name: str) -> str:
    """A computed trait in words."""
    known = {
        "order_count": _("Number of orders"),
        "delivered_count": _("Number of delivered orders"),
        "sales": _("Revenue"),
        "refunded": _("Refunds"),
        "average_order": _("Average order"),
        "first_order_at": _("First order"),
        "last_order_at": _("Last order"),
        "first_delivered_at": _("First delivery"),
        "days_since_last_order": _("Days since the last order"),
        "days_since_first_delivery": _("Days since the first delivery"),
        "purchase_day_count": _("Days with a purchase"),
        "average_gap_days": _("Average days between purchases"),
        "open_order_count": _("Orders on their way"),
        "cart_value": _("Value of the cart"),
        "cart_changed_at": _("Last change of the cart"),
        "has_open_cart": _("Open cart"),
        "first_seen_at": _("First contact"),
        "last_seen_at": _("Last act"),
        "is_known": _("Known by name or address"),
    }
    return known.get(name, name.replace("_", " "))


def _trait(config: Mapping[str, Any]) -> str:
    return _compared(trait_word(str(config["name"])), str(config["op"]), config.get("value"))


def _trait_found(found: Mapping[str, Any]) -> str:
    if "days" in found:
        return formats.number(found["days"])
    if found.get("at_us") is not None:
        return formats.day(found["at_us"])
    if "value" not in found:
        return _("not known")
    if "of" in found:
        return formats.decimal(round(Decimal(found["value"]) / Decimal(found["of"]), 2))
    return _value(found["value"])


def _attribute(config: Mapping[str, Any]) -> str:
    return _compared(attribute_word(str(config["name"])), str(config["op"]), config.get("value"))


def _attribute_found(found: Mapping[str, Any]) -> str:
    value = found.get("value")
    return _("not known") if value is None else _value(value)


def _event(config: Mapping[str, Any]) -> str:
    count = config.get("count") or {"at_least": 1}
    least, most = count.get("at_least"), count.get("at_most")
    exactly = count.get("exactly")
    name = _names(config["name"]) + _where(config) + _about_run(config)
    if exactly is not None:
        often = ngettext("exactly once", "exactly %(count)s times", exactly) % {"count": formats.number(exactly)}
    elif most is not None and not least:
        often = ngettext("at most once", "at most %(count)s times", most) % {"count": formats.number(most)}
    elif most is not None and least is not None:
        often = _("%(least)s to %(most)s times") % {"least": formats.number(least), "most": formats.number(most)}
    else:
        often = ngettext("at least once", "at least %(count)s times", least or 1) % {
            "count": formats.number(least or 1)
        }
    return f"{name} {often}{_window(config)}"


def _about_run(config: Mapping[str, Any]) -> str:
    """By which property an event that ends a run names it."""
    if config.get("key") is None:
        return ""
    if not config["key"]:
        return " " + _("(whatever it is about)")
    return " " + _("(the same %(property)s)") % {"property": property_word(str(config["key"]))}


def _event_found(found: Mapping[str, Any]) -> str:
    count = int(found.get("count") or 0)
    text = ngettext("once", "%(count)s times", count) % {"count": formats.number(count)} if count else _("never")
    if found.get("last_us"):
        text += ", " + _("last on %(day)s") % {"day": formats.day(found["last_us"])}
    return text


def _event_sum(config: Mapping[str, Any]) -> str:
    what = _("Sum of %(property)s in %(event)s") % {
        "property": property_word(str(config["property"])),
        "event": _names(config["name"]) + _where(config),
    }
    return _compared(what, str(config["op"]), config.get("value")) + _window(config)


def _event_sum_found(found: Mapping[str, Any]) -> str:
    return formats.decimal(Decimal(int(found.get("sum_thousandths") or 0)) / 1000)


def _event_time(config: Mapping[str, Any]) -> str:
    which = _("First time: %(event)s") if config.get("which") == "first" else _("Last time: %(event)s")
    return _compared(which % {"event": _names(config["name"]) + _where(config)}, str(config["op"]), config.get("value"))


def _instant_found(found: Mapping[str, Any]) -> str:
    return formats.day(found["at_us"]) if found.get("at_us") is not None else _("never")


def _silence(config: Mapping[str, Any]) -> str:
    return _("Silent for longer than is usual for this person (at least %(days)s days)") % {
        "days": formats.number(int(config["floor_days"]))
    }


def _silence_found(found: Mapping[str, Any]) -> str:
    if "silent_days" not in found:
        return _("no purchases")
    silent = found["silent_days"]
    return ngettext(
        "%(silent)s day silent, usual are up to %(usual)s", "%(silent)s days silent, usual are up to %(usual)s", silent
    ) % {
        "silent": formats.number(silent),
        "usual": formats.number(found["usual_days"]),
    }


def _phase(config: Mapping[str, Any]) -> str:
    text = _("In the phase %(phase)s") % {"phase": _listed(config["is"], phase_word)}
    return text + (f" · {_listed(config['sub_state'], sub_state_word)}" if config.get("sub_state") else "")


def _phase_found(found: Mapping[str, Any]) -> str:
    sub = str(found.get("sub_state") or "")
    return phase_word(str(found.get("phase") or "")) + (f" · {sub_state_word(sub)}" if sub else "")


def _segment(config: Mapping[str, Any]) -> str:
    return _("In the segment %(segment)s") % {"segment": _value(config["id"])}


def _since_found(found: Mapping[str, Any]) -> str:
    since_us = found.get("since_us")
    return _("since %(day)s") % {"day": formats.day(since_us)} if since_us is not None else _("no")


def _situation(config: Mapping[str, Any]) -> str:
    return _("An open matter: %(situation)s") % {"situation": _listed(config["is"], str)}


def _score(config: Mapping[str, Any]) -> str:
    name = _("Score %(score)s") % {"score": _value(config["id"])}
    return _compared(name, str(config["op"]), config.get("value"))


def _score_found(found: Mapping[str, Any]) -> str:
    return formats.decimal(round(Decimal(int(found.get("milli_points") or 0)) / 1000, 1))


def _consent(config: Mapping[str, Any]) -> str:
    return _("Allowed: %(channel)s, %(purpose)s") % {
        "channel": channel_word(str(config["channel"])),
        "purpose": config["purpose"],
    }


def _consent_found(found: Mapping[str, Any]) -> str:
    if not found.get("basis"):
        return _("nothing on record")
    on = formats.day(found["happened_us"])
    if not found.get("granted"):
        return _("withdrawn on %(day)s") % {"day": on}
    return _("%(basis)s since %(day)s") % {"basis": basis_word(str(found["basis"])), "day": on}


def _reachable(config: Mapping[str, Any]) -> str:
    return _("Reachable by %(channel)s") % {"channel": channel_word(str(config["channel"]))}


def _reachable_found(found: Mapping[str, Any]) -> str:
    return basis_word(str(found["basis"])) if "basis" in found else str(found.get("refused", ""))


def _bucket(config: Mapping[str, Any]) -> str:
    return _("Drawn by lot")


_LEAVES: Mapping[str, tuple[Any, Any]] = {
    "trait": (_trait, _trait_found),
    "attribute": (_attribute, _attribute_found),
    "event": (_event, _event_found),
    "event_sum": (_event_sum, _event_sum_found),
    "event_time": (_event_time, _instant_found),
    "order_silence": (_silence, _silence_found),
    "phase": (_phase, _phase_found),
    "segment": (_segment, _since_found),
    "situation": (_situation, _nothing),
    "score": (_score, _score_found),
    "consent": (_consent, _consent_found),
    "reachable": (_reachable, _reachable_found),
    "bucket": (_bucket, _nothing),
}
