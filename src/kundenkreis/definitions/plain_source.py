"""A document that never was a file, dressed as one: each value has a place of its own, and a place leads back to its path.

Everything that checks files so checks what an editor sends, and its mistakes can be shown at the field.
"""

from collections.abc import Iterator
from typing import Any

from kundenkreis.definitions.definition import key_of
from kundenkreis.definitions.errors import Path, Place
from kundenkreis.definitions.source import Source

_LINES = 1_000_000
"""Room between two values, so that a line inside a text does not reach the next one."""


def source_of_document(document: dict[str, Any]) -> Source:
    """A plain document with invented places: its key as the file, one block of lines per value in the order walked."""
    file = key_of(str(document.get("kind", "")), str(document.get("id", "")))
    places: dict[Path, Place] = {}
    keys: dict[Path, Place] = {}
    literal: dict[Path, int] = {}
    for number, (path, value) in enumerate(_values(document, ())):
        places[path] = keys[path] = Place(file, 1 + number * _LINES, 1)
        if isinstance(value, str):
            literal[path] = 0
    return Source(document, places, keys, literal)


def path_at(source: Source, place: Place) -> tuple[Path, int]:
    """(path, line inside the text or 0) of a place that `source_of_document` invented."""
    number, line = divmod(place.line - 1, _LINES)
    paths = list(source.places)
    return (paths[number], line) if 0 <= number < len(paths) else ((), 0)


def _values(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    yield path, value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _values(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _values(item, (*path, index))
