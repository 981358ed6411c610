"""Identifiers as senders give them: what may name a person, and what must never."""

from typing import Any
from unicodedata import normalize

MOST_ID_LENGTH = 255

BLOCKED_IDS = frozenset(
    """
    null undefined nil none nan n/a na unknown anonymous guest visitor user test true false 0 -1 id email distinct_id distinctid
    not_authenticated notauthenticated 00000000-0000-0000-0000-000000000000
    """.split()
) | {"[object object]", "{}", "[]", "''", '""', "(null)", "<null>", "not set", "(not set)"}
"""Lower case. What programs send when they have no id: taken at its word it would join all strangers into one person.

Source: the lists that analytics products publish of ids they refuse to merge, read November 2026; extended.
"""


class BadIdentifierError(ValueError):
    """This is not an identifier; `code` says why. Never leaves the core."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


def identifier(value: Any, field: str) -> str | None:
    """The identifier as text: trimmed, NFC, whole numbers as digits; None if there is none.

    Raises:
        BadIdentifierError: `bad_id` (wrong type, too long, invisible characters) or `blocked_id`.
    """
    if type(value) is not str:
        if value is None:
            return None
        if type(value) is not int:
            raise BadIdentifierError("bad_id", f"{field} must be text")
        value = str(value)
    if not value.isascii():
        value = normalize("NFC", value)
    value = value.strip()
    if not value:
        return None
    if len(value) > MOST_ID_LENGTH:
        raise BadIdentifierError("bad_id", f"{field} has more than {MOST_ID_LENGTH} characters")
    if not value.isprintable():  # two ids that look alike and differ are a trap for people and for matching
        raise BadIdentifierError("bad_id", f"{field} holds control or invisible characters")
    if value.lower() in BLOCKED_IDS:
        raise BadIdentifierError("blocked_id", f"{field} {value!r} names nobody")
    return value  # type: ignore[no-any-return]  # str by the checks above
