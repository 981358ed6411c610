"""Short names that nobody has to think of: of definitions and of their rows, made from what people call them."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

LONGEST = 56
_UMLAUTS = (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss"))


def slug_of(text: str, fallback: str) -> str:
    """A short name of small letters, digits and underlines, beginning with a letter; "" of nothing."""
    text = text.lower().strip()
    for letter, plain in _UMLAUTS:
        text = text.replace(letter, plain)
    slug = re.sub(r"[^a-z0-9]+", "_", text).strip("_")[:LONGEST]
    if not text:
        return ""
    return slug if slug[:1].isalpha() else f"{fallback}_{slug}".rstrip("_")


def free_name(slug: str, taken: Collection[str]) -> str:
    """The same, with a number behind it where it is taken."""
    number, name = 2, slug
    while name in taken:
        name, number = f"{slug}_{number}", number + 1
    return name


def name_rows(rows: Sequence[Mapping[str, Any]], called: Callable[[Mapping[str, Any]], str]) -> list[dict[str, Any]]:
    """The rows, each with an id: one that has none gets one from what it is called; one that is not called anything stays without."""
    taken = {str(row["id"]) for row in rows if row.get("id")}
    found: list[dict[str, Any]] = []
    for row in rows:
        slug = "" if row.get("id") else slug_of(called(row), "rule")
        if slug:
            name = free_name(slug, taken)
            taken.add(name)
            row = {**row, "id": name}  # noqa: PLW2901 - the row as it goes on
        found.append(dict(row))
    return found
