"""Finding customers by what was typed: beginnings of words in `search_terms`, whole identifiers in `identifiers`."""

from typing import Any, NamedTuple

from kundenkreis.customers.core.listing import after_prefix, wanted
from kundenkreis.runtime.stores.session import Session

MOST_CANDIDATES = 2_000
"""People a search gathers before it sorts them: nobody reads on so far, and a single letter would find half of everybody."""
_KINDS = ("user_id", "email", "phone", "anonymous_id", "card", "claimed_user_id")
_LONGEST_ID = 20


class Candidates(NamedTuple):
    """Who may be meant."""

    profile_ids: list[int]
    is_cut: bool
    """There are more than MOST_CANDIDATES."""


def find_candidates(tx: Session, text: str, *, at_most: int = MOST_CANDIDATES) -> Candidates:
    """Profile ids that a search finds, in no order. As many queries as the text has readings (at most two), and two more."""
    found: dict[int, None] = dict.fromkeys(_by_identifier(tx, text.strip()))
    is_cut = False
    for reading in wanted(text).readings:
        rows = _by_words(tx, reading, at_most + 1)
        is_cut = is_cut or len(rows) > at_most
        found.update(dict.fromkeys(rows[:at_most]))
    return Candidates(list(found), is_cut)


def _by_identifier(tx: Session, text: str) -> list[int]:
    if not text:
        return []
    found = [row[2] for row in tx.identifiers([(kind, text) for kind in _KINDS])]
    if text.isascii() and text.isdigit() and len(text) < _LONGEST_ID and int(text) < 1 << 63:
        found += [row[0] for row in tx.rows("SELECT profile_id FROM customer_list WHERE profile_id = ?", (int(text),))]
    return found


def _by_words(tx: Session, words: tuple[bytes, ...], limit: int) -> list[int]:
    """Customers with a term for each of the words; the longest word leads, as it is likely the rarest."""
    first, *others = sorted(set(words), key=lambda word: (-len(word), word))
    params: list[Any] = [first, after_prefix(first)]
    also = ""
    for number, word in enumerate(others):
        also += (
            f" AND EXISTS (SELECT 1 FROM search_terms t{number} WHERE t{number}.profile_id = t.profile_id "
            f"AND t{number}.term >= ? AND t{number}.term < ?)"
        )
        params += [word, after_prefix(word)]
    sql = f"SELECT DISTINCT t.profile_id FROM search_terms t WHERE t.term >= ? AND t.term < ?{also} LIMIT ?"
    return [row[0] for row in tx.rows(sql, [*params, limit])]
