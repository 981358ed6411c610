"""One document of a file as plain data, and where everything in it stands."""

from typing import Any

import msgspec

from kundenkreis.definitions.errors import Path, Place


class Source(msgspec.Struct, frozen=True, gc=False):
    """One YAML document: what it says, and where every value and key of it stands."""

    value: Any
    """Plain data: dict, list, str, int, float, bool, None."""
    places: dict[Path, Place]
    """Where each value begins."""
    keys: dict[Path, Place]
    """Where the key of each value in a mapping begins."""
    literal: dict[Path, int]
    """Texts written as literal blocks (|) -> indentation of their lines: line n of the text is the n-th line below its place."""

    def place(self, path: Path, *, at_key: bool = False) -> Place:
        """Where this stands; for something that is missing, where the value around it stands."""
        if at_key and path in self.keys:
            return self.keys[path]
        while path and path not in self.places:
            path = path[:-1]
        return self.places[path]

    def place_in_text(self, path: Path, line: int, column: int = 0) -> Place:
        """Where line and column (from 1) of a text stand in the file, as exactly as its style allows."""
        start = self.place(path)
        if line < 1 or path not in self.literal:
            return start
        return Place(start.file, start.line + line, self.literal[path] + max(column, 1))
