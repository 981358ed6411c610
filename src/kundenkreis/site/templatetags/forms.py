"""What templates of generated forms say of their fields (templates/forms)."""

import re
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from kundenkreis.site.event_words import event_word
from kundenkreis.site.forms import field_words
from kundenkreis.site.forms.offers import condition_kinds
from kundenkreis.site.forms.typed_fields import OPEN_KINDS, ConditionNode, TypedField
from kundenkreis.site.forms.typed_reading import words_of

register = template.Library()
_SHORT_TEXTS = frozenset({"name"})


def _path(field: TypedField) -> str:
    """The way to a field without the form's prefix and the numbers of rows."""
    return ".".join(step for step in field.name.split(".")[1:] if not step.isdigit())


@register.filter
def field_label(field: TypedField) -> str:
    """A generated field in words; "" for a configuration that is one list."""
    return field_words.field_word(_path(field), field.refers_to) if field.key else ""


@register.filter
def says_it_twice(field: TypedField) -> bool:
    """Whether a group is called like its first field, so that one of the two is enough to see."""
    return bool(field.parts) and field_label(field) == field_label(field.parts[0])


@register.filter
def field_hint(field: TypedField) -> str:
    """One sentence below it."""
    return field_words.field_help(_path(field))


@register.filter
def choices(field: TypedField) -> list[tuple[str, str]]:
    """The choices of a field with their words."""
    return [
        (value, label if label != value else field_words.option_word(field.key, value))
        for value, label in field.options
    ]


@register.filter
def takes_ticks(field: TypedField) -> bool:
    """Whether several of known things may be chosen."""
    return field.widget == "several" and bool(field.options) and field.refers_to not in OPEN_KINDS


@register.filter
def ticks(field: TypedField) -> list[tuple[str, str, bool]]:
    """The choices of a field that takes several: (value, word, whether it is chosen); the chosen ones first, in their order."""
    words = dict(choices(field))
    chosen = words_of(str(field.value))
    return [
        *((one, words.get(one, one), True) for one in chosen),
        *((one, word, False) for one, word in words.items() if one not in chosen),
    ]


@register.filter
def is_long(field: TypedField) -> bool:
    """Whether texts per language are more than a few words."""
    return field.key not in _SHORT_TEXTS


@register.filter
def is_movable(row: TypedField) -> bool:
    """Whether the order of such rows says something: the first that fits counts."""
    return any(part.widget == "condition" or part.key == "next" for part in row.parts)


@register.filter
def holds_errors(field: TypedField) -> bool:
    """Whether something is wrong in it, however deep."""
    return bool(field.errors) or any(map(holds_errors, field.parts)) or _is_wrong(field.condition)


def _is_wrong(node: ConditionNode | None) -> bool:
    return node is not None and (
        bool(node.errors) or any(map(holds_errors, node.fields)) or any(map(_is_wrong, node.parts))
    )


@register.filter
def said_event(field: TypedField) -> str:
    """What the typed event is called, where that is another word."""
    if field.refers_to != "event" or not field.value:
        return ""
    said = ", ".join(event_word(one) for one in words_of(str(field.value)))
    return said if said != field.value else ""


@register.simple_tag
def kinds_for(node: ConditionNode, *, is_optional: bool = False) -> list[tuple[str, str]]:
    """What a node of a condition may be."""
    nothing = _("no condition") if is_optional and not node.depth else _("Choose a condition")
    return [("", nothing), *condition_kinds()]


@register.filter
def node_label(node: ConditionNode) -> str:
    """What a node of the tree is called."""
    return dict(condition_kinds()).get(node.kind, node.kind)


@register.simple_tag(takes_context=True)
def redrawing(context: Any, trigger: str = "") -> SafeString:
    """Attributes with which a button or select draws the form anew (`redraw`: its id), "" where a script or the server does."""
    form = context.get("redraw", "")
    if not re.fullmatch(r"[a-z-]+", form or ""):
        return SafeString("")
    when = format_html(' hx-trigger="{}"', trigger) if trigger else ""
    return format_html(' hx-post="" hx-target="#{}" hx-select="#{}" hx-swap="outerHTML"{}', form, form, when)
