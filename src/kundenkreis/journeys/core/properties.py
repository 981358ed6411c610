"""What runs know of events: values at dotted paths, entry keys, and the properties a run remembers."""

from collections.abc import Mapping
from typing import Any

import msgspec

from kundenkreis.segments.core.operators import value_at

MOST_VARIABLE_BYTES = 4096
"""Of the entering event's properties: what does not fit is left out, in the order sent."""
_MOST_KEY_LENGTH = 200


def property_at(properties: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path, None where there is none: a name with the dots comes first."""
    return value_at(properties, path, tuple(path.split(".")))


def key_in(properties: Mapping[str, Any], path: str) -> str:
    """The entry key as text; "" where the journey has none (path ""), or the event does not name one."""
    value = property_at(properties, path) if path else None
    return str(value)[:_MOST_KEY_LENGTH] if isinstance(value, str | int) and not isinstance(value, bool) else ""


def kept_properties(properties: dict[str, Any]) -> dict[str, Any]:
    """The properties a run remembers: at most MOST_VARIABLE_BYTES as JSON, and only what the state's codec can hold."""
    kept, room = {}, MOST_VARIABLE_BYTES
    for name, value in properties.items():
        try:
            size = len(msgspec.json.encode(name)) + len(msgspec.json.encode(value)) + 2
            msgspec.msgpack.encode(value)
        except (OverflowError, TypeError, ValueError, RecursionError):
            continue  # an integer past 64 bits, a text that is no Unicode: templates cannot use it either
        if size <= room:
            kept[name] = value
            room -= size
    return kept
