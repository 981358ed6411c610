"""What the settings' forms say of their fields."""

from collections.abc import Mapping
from typing import Any

from django import template

from kundenkreis.site import formats
from kundenkreis.site.forms.typed_fields import TypedField
from kundenkreis.site.settings_words import rule_sentence
from kundenkreis.site.words import channel_word

register = template.Library()
register.filter("channel_name", channel_word)


@register.simple_tag
def rule_words(field: TypedField, document: Mapping[str, Any], number: int) -> str:
    """One row of the contact rules in plain words."""
    rows = document.get(field.key) or ()
    names: dict[str, str] = {}
    for row in field.parts:
        for part in row.parts:
            names |= {value: label for value, label in part.options if part.key in ("situation", "purposes")}
    if field.key == "purposes":
        own = rows[number] if number < len(rows) else {}
        names = {str(own.get("id")): _named(field.parts[number])}
    return rule_sentence(field.key, rows[number], names) if number < len(rows) else ""


def _named(row: TypedField) -> str:
    """The name of a purpose in the viewer's language, else its short name."""
    parts = {part.key: part for part in row.parts}
    texts = {part.key: part.value for part in parts["name"].parts}
    return texts.get(formats.language()) or str(parts["id"].value)
