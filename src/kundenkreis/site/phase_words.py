"""The circle in words and colours."""

from django.utils.translation import gettext as _

PHASES = ("attention", "trust", "purchase", "care", "loyalty", "winback")
"""The six phases of the shipped circle, clockwise from the top of the mark; each has a colour of its own."""


def phase_word(phase: str) -> str:
    """A phase in words; a phase of the house's own is called as its definition calls it."""
    known = {
        "attention": _("Awareness"),
        "trust": _("Trust"),
        "purchase": _("Purchase"),
        "care": _("Care"),
        "loyalty": _("Loyalty"),
        "winback": _("Win-back"),
    }
    return known.get(phase, phase)


def phase_class(phase: str) -> str:
    """The CSS class that brings the phase's colours along."""
    return f"phase-{phase}" if phase in PHASES else "phase-other"


def sub_state_word(sub_state: str) -> str:
    """A finer place within a phase in words."""
    known = {
        "fresh": _("fresh"),
        "one_time": _("one-time buyer"),
        "at_risk": _("at risk"),
        "sleeping": _("sleeping"),
        "former": _("former"),
    }
    return known.get(sub_state, sub_state)
