"""Did you mean ...? One place, so that every remedy sounds alike."""

from collections.abc import Iterable
from difflib import get_close_matches

_MOST_LISTED = 12

SEE_REFERENCE = "Compare with docs/reference/definitions.md"
"""The remedy where none fits better."""


_SAME = {
    "=>": ">=", "=<": "<=", "==": "=", "<>": "!=", "≥": ">=", "≤": "<=", "≠": "!=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "eq": "=",
    "ne": "!=", "is": "equals", "or": "any", "and": "all", "oder": "any", "und": "all",
}  # fmt: skip
"""What other languages call what is meant: nothing to compare letters of."""


def closest(word: str, known: Iterable[str]) -> str:
    """The known word that this one was probably meant to be, "" if none is close."""
    if _SAME.get(word.casefold()) in (known := list(known)):
        return _SAME[word.casefold()]
    by_folded = {each.casefold(): each for each in reversed(known)}
    close = get_close_matches(word.casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[close[0]] if close else ""


def did_you_mean(word: str, known: Iterable[str], *, otherwise: str = "") -> str:
    """The remedy for a word that is not among the known ones: the closest one if one is close, else the list of all.

    `otherwise` is said when nothing at all is known.
    """
    words = list(dict.fromkeys(known))
    if meant := closest(word, words):
        return f"Did you mean `{meant}`?"
    if not words:
        return otherwise
    listed = ", ".join(words[:_MOST_LISTED])
    more = f" and {len(words) - _MOST_LISTED} more" if len(words) > _MOST_LISTED else ""
    return f"Known are: {listed}{more}"
