"""What kinds of definitions are called, and where the page of one is."""

from django.urls import reverse
from django.utils.translation import gettext as _

_PAGES = {"journey": "journey", "segment": "segment", "score": "score", "content": "content_edit"}
_SINGLE = {"phases": "phases", "policy": "contact_rules", "brand": "brand"}


def kind_word(kind: str) -> str:
    """A kind of definition in words."""
    known = {
        "journey": _("Journey"),
        "segment": _("Segment"),
        "phases": _("Phases"),
        "score": _("Score"),
        "policy": _("Contact rules"),
        "content": _("Content"),
        "situation": _("Situation"),
        "brand": _("Brand"),
        "filter": _("Saved filter"),
    }
    return known.get(kind, kind)


def address_of(kind: str, name: str) -> str:
    """The page of a definition, or of a saved filter; "" where it has none."""
    if kind in _PAGES:
        return reverse(_PAGES[kind], args=[name])
    if kind == "filter":
        return f"{reverse('customers')}?filter={name}"
    return reverse(_SINGLE[kind]) if kind in _SINGLE else ""
