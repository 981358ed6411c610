"""A condition put together in one line: what, how, than what. Values and computed figures; more is what segments are for."""

from collections.abc import Mapping
from typing import Any, Final

from kundenkreis.segments.core.traits import BUILT_IN
from kundenkreis.site.access import may
from kundenkreis.site.condition_words import operator_word, trait_word
from kundenkreis.site.ports.customers import Choices
from kundenkreis.site.profile_words import attribute_word

_NUMBERS: Final = (">=", "<=", "=", ">", "<")
_TEXTS: Final = ("equals", "contains", "starts_with", "not_equals")
_WITHOUT_VALUE: Final = ("exists", "not_exists")
_NUMBER_TRAITS: Final = tuple(name for name, trait in BUILT_IN.items() if trait.type in ("number", "days_since"))
_PARTS: Final = ("city", "country", "postalCode")
_LONGEST: Final = 200


def filter_fields(choices: Choices) -> dict[str, list[tuple[str, str]]]:
    """Options of the two selects: value and label."""
    seen = choices.attributes if may("personal.see") else ()
    attributes = [name for name in seen if name != "address"]
    if "address" in seen:
        attributes += [f"address.{part}" for part in _PARTS]
    return {
        "what": [
            *((f"trait:{name}", trait_word(name)) for name in _NUMBER_TRAITS),
            *((f"attribute:{name}", attribute_word(name)) for name in attributes),
        ],
        "op": [(op, operator_word(op)) for op in (*_NUMBERS, *_TEXTS, *_WITHOUT_VALUE)],
    }


def read_filter(data: Mapping[str, Any]) -> dict[str, Any] | None:
    """The condition that was put together; None when it makes none."""
    kind, _colon, name = str(data.get("what", "")).partition(":")
    op, text = str(data.get("op", "")), str(data.get("value", "")).strip()[:_LONGEST]
    if kind not in ("trait", "attribute") or not name:
        return None
    if op in _WITHOUT_VALUE:
        return {kind: {"name": name, "op": op}}
    value = _number(text)
    if kind == "trait" or op in _NUMBERS:
        if value is None:
            return None
        return {kind: {"name": name, "op": op if op in _NUMBERS else "=", "value": value}}
    return {kind: {"name": name, "op": op, "value": text}} if op in _TEXTS and text else None


def _number(text: str) -> int | float | None:
    plain = text.replace(" ", "").replace(",", ".")
    try:
        value = float(plain)
    except ValueError:
        return None
    if not -1e15 < value < 1e15:
        return None
    return int(value) if value == int(value) else value
