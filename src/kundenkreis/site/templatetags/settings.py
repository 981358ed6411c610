"""What the settings' forms say of their fields."""

import re
from collections.abc import Mapping
from typing import Any

from django import template

from kundenkreis.site.forms.typed_fields import TypedField, words_of
from kundenkreis.site.settings_words import rule_sentence, setting_help, setting_option, setting_word
from kundenkreis.site.words import channel_word

register = template.Library()
register.filter("channel_name", channel_word)


def _path(field: TypedField) -> str:
    """The way to a field without the form's prefix and the numbers of rows."""
    return re.sub(r"\.\d+(?=\.)", "", field.name).partition(".")[2]


@register.filter
def setting_label(field: TypedField) -> str:
    """A field in words."""
    return setting_word(_path(field))


@register.filter
def setting_hint(field: TypedField) -> str:
    """One sentence below it."""
    return setting_help(_path(field))


@register.filter
def setting_choices(field: TypedField) -> list[tuple[str, str]]:
    """The choices of a field with their words."""
    return [(value, label if label != value else setting_option(field.key, value)) for value, label in field.options]


@register.filter
def ticks(field: TypedField) -> list[tuple[str, str, bool]]:
    """The choices of a field that takes several: (value, word, whether it is chosen); the chosen ones first, in their order."""
    words = dict(setting_choices(field))
    chosen = words_of(str(field.value))
    return [
        *((one, words.get(one, one), True) for one in chosen),
        *((one, word, False) for one, word in words.items() if one not in chosen),
    ]


@register.simple_tag
def rule_words(field: TypedField, document: Mapping[str, Any], number: int) -> str:
    """One row of the contact rules in plain words."""
    rows = document.get(field.key) or ()
    names: dict[str, str] = {}
    for row in field.rows:
        for part in row:
            names |= {value: label for value, label in part.options if part.key in ("situation", "purposes")}
    if field.key == "purposes":
        own = rows[number] if number < len(rows) else {}
        names = {str(own.get("id")): next((_named(row) for row in [field.rows[number]]), "")}
    return rule_sentence(field.key, rows[number], names) if number < len(rows) else ""


def _named(row: Any) -> str:
    """The name of a purpose in the viewer's language, else its short name."""
    from kundenkreis.site import formats  # noqa: PLC0415

    parts = {part.key: part for part in row}
    texts = {part.key: part.value for part in parts["name"].parts}
    return texts.get(formats.language()) or str(parts["id"].value)
