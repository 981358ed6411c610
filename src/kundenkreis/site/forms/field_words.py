"""What the fields of generated forms are called. A field that nobody named here is called by its own word, so that new kinds need no line."""

from typing import Final

from django.utils.translation import gettext as _

from kundenkreis.site.condition_words import operator_word, trait_word
from kundenkreis.site.verdict_words import basis_word
from kundenkreis.site.words import channel_word

_OPERATORS: Final = (
    "equals", "not_equals", "contains", "not_contains", "starts_with", "ends_with", "in", "not_in", "=", "!=", ">=", ">", "<=", "<",
    "between", "is_true", "is_false", "exists", "not_exists", "includes", "not_includes", "before", "after", "on", "within_last_days",
    "more_than_days_ago", "within_next_days", "anniversary_in_days", "equals_exactly",
)  # fmt: skip
"""In the order in which people look for them."""


def field_word(key: str, refers_to: str = "") -> str:
    """A field of a configuration in words."""
    things = {
        "segment": _("Segment"),
        "score": _("Score"),
        "phase": _("Phase"),
        "sub_state": _("State within the phase"),
        "situation": _("Situation"),
        "trait": _("Figure"),
        "content": _("Content"),
        "purpose": _("Purpose"),
        "channel": _("Channel"),
        "event": _("Event"),
        "attribute": _("Attribute"),
        "operator": _("Comparison"),
        "journey": _("Journey"),
    }
    words = {
        "value": _("Value"),
        "count": _("How often"),
        "at_least": _("At least"),
        "at_most": _("At most"),
        "exactly": _("Exactly"),
        "within_days": _("In the last days"),
        "within_hours": _("In the last hours"),
        "where": _("Only where"),
        "property": _("Property"),
        "which": _("Which of them"),
        "factor": _("Times the usual pause"),
        "percentile": _("Usual pause: percentile"),
        "floor_days": _("At least so many days"),
        "at_most_days": _("At most so many days"),
        "min_purchase_days": _("Needs so many days with a purchase"),
        "message_class": _("Kind of message"),
        "basis": _("Legal basis"),
        "from": _("From (0 to 9,999)"),
        "to": _("Up to (10,000 is everybody)"),
        "salt": _("Name of the draw"),
    }
    return things.get(refers_to) or words.get(key) or key.replace("_", " ").capitalize()


def option_word(key: str, value: str) -> str:
    """One choice of a field with fixed choices in words."""
    known = {
        ("which", "first"): _("the first"),
        ("which", "last"): _("the last"),
        ("message_class", "transactional"): _("Contract"),
        ("message_class", "service"): _("Service"),
        ("message_class", "marketing"): _("Marketing"),
    }
    return known.get((key, value), value)


def operator_options() -> list[tuple[str, str]]:
    """Every comparison with its words."""
    return [(op, operator_word(op)) for op in _OPERATORS]


def trait_options(names: tuple[str, ...]) -> list[tuple[str, str]]:
    """Computed figures with their words."""
    return [(name, trait_word(name)) for name in names]


def channel_options(channels: tuple[str, ...]) -> list[tuple[str, str]]:
    """Channels with their words."""
    return [(channel, channel_word(channel)) for channel in channels]


def basis_options(bases: tuple[str, ...]) -> list[tuple[str, str]]:
    """Legal bases with their words."""
    return [(basis, basis_word(basis)) for basis in bases]
