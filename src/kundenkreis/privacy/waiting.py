"""A person's events among what waits unread: requests in the inbox, and events in the quarantine.

They carry no profile id yet, so they are found by the identifiers that stand in them.
"""

from collections.abc import Collection
from typing import Any

import msgspec

Pair = tuple[str, str]

_decode = msgspec.json.Decoder().decode


class Names:
    """The identifiers of a person, as values that may stand anywhere in an event."""

    def __init__(self, pairs: Collection[Pair]) -> None:
        self._exact = {value for _, value in pairs}
        self._folded = {value.casefold() for kind, value in pairs if kind == "email"}
        self._phones = {value for kind, value in pairs if kind == "phone"}

    def are_in(self, body: Any) -> bool:
        """Whether a decoded event names the person in one of the places where identifiers stand."""
        if not isinstance(body, dict):
            return False
        ids = (body.get(field) for field in ("userId", "anonymousId", "previousId", "groupId"))
        if any(isinstance(one, str | int) and str(one).strip() in self._exact for one in ids):
            return True
        for part in ("traits", "properties", "context"):
            if self._contact(body.get(part)):
                return True
        context = body.get("context")
        return isinstance(context, dict) and self._contact(context.get("traits"))

    def are_in_bytes(self, raw: bytes) -> bool:
        """The same of an event that may not even be JSON: then any of the identifiers of six characters and more counts."""
        try:
            return self.are_in(_decode(raw))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            text = raw.decode("utf-8", "replace").casefold()
            return any(len(value) >= 6 and value.casefold() in text for value in self._exact)

    def _contact(self, part: Any) -> bool:
        if not isinstance(part, dict):
            return False
        email, phone = part.get("email"), part.get("phone")
        if isinstance(email, str) and email.strip().casefold() in self._folded:
            return True
        return isinstance(phone, str) and "".join(c for c in phone if c.isdigit() or c == "+") in self._phones


def without(names: Names, endpoint: str, body: bytes) -> tuple[bytes | None, int]:
    """(the request without the person's events, how many were taken out); None when nothing is left of it."""
    if endpoint != "batch":
        return (None, 1) if names.are_in_bytes(body) else (body, 0)
    try:
        document = _decode(body)
        events = document["batch"]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, TypeError, KeyError):
        return (None, 1) if names.are_in_bytes(body) else (body, 0)
    if names.are_in({"context": document.get("context")}):
        return None, len(events)
    kept = [event for event in events if not names.are_in(event)]
    if len(kept) == len(events):
        return body, 0
    return (msgspec.json.encode({**document, "batch": kept}), len(events) - len(kept)) if kept else (None, len(events))
