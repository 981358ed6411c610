"""Looking for a person in every file of an installation: the proof that an erasure left nothing.

Values are looked for as they stand in JSON, in texts and in the store: UTF-8 and with JSON's escapes, in any case of ASCII letters.
"""

import json
from collections.abc import Collection, Iterator
from pathlib import Path

SHORTEST = 6
"""Shorter values stand in any file by chance."""
_CHUNK = 4 << 20


def traces_in(folder: Path, values: Collection[str], *, but: Collection[str] = ()) -> dict[str, int]:
    """File -> in how many places one of the values stands, for every file below the folder in which one does."""
    needles = sorted({needle for value in values if len(value) >= SHORTEST for needle in _spellings(value)})
    found: dict[str, int] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name not in but and (count := _count(path, needles)):
            found[str(path.relative_to(folder))] = count
    return found


def _spellings(value: str) -> Iterator[bytes]:
    for spelling in (value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]):
        yield spelling.encode("utf-8", "surrogatepass").lower()


def _count(path: Path, needles: Collection[bytes]) -> int:
    """Chunks overlap by the longest value, so that none is cut in two; what stands in the overlap alone is counted once."""
    overlap = max((len(needle) for needle in needles), default=1) - 1
    count, tail = 0, b""
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            text = tail + chunk.lower()
            count += sum(text.count(needle) - tail.count(needle) for needle in needles)
            tail = text[-overlap:] if overlap else b""
    return count
