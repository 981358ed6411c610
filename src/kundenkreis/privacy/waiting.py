"""A person's events among what waits unread: requests in the inbox, and events in the quarantine.

They carry no profile id yet, so they are found by the identifiers that stand in them.
"""

from collections.abc import Collection
from typing import Any

import msgspec

Pair = tuple[str, str]

_decode = msgspec.json.Decoder().decode
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, TypeError, KeyError)


_ID, _EMAIL, _PHONE = "id", "email", "phone"


def names_of(pairs: Collection[Pair]) -> set[Pair]:
    """How events may name somebody who has these identifiers: as `named_in` finds it."""
    names = {(_ID, value) for _, value in pairs}
    names |= {(_EMAIL, value.casefold()) for kind, value in pairs if kind == "email"}
    return names | {(_PHONE, value) for kind, value in pairs if kind == "phone"}


def named_in(body: Any) -> set[Pair]:
    """Who is named in a decoded event, in the places where identifiers stand."""
    if not isinstance(body, dict):
        return set()
    ids = (body.get(field) for field in ("userId", "anonymousId", "previousId", "groupId"))
    names = {(_ID, str(one).strip()) for one in ids if isinstance(one, str | int)}
    context = body.get("context")
    for part in (
        body.get("traits"),
        body.get("properties"),
        context,
        context.get("traits") if isinstance(context, dict) else None,
    ):
        names |= _contacts(part)
    return names


def events_in(endpoint: str, body: bytes) -> list[Any]:
    """The decoded events of a request; what a batch says for all of them is one more. Nothing of what is no JSON."""
    try:
        document = _decode(body)
        return [*document["batch"], {"context": document.get("context")}] if endpoint == "batch" else [document]
    except _UNREADABLE:
        return []


class Names:
    """The identifiers of a person, as values that may stand anywhere in an event."""

    def __init__(self, pairs: Collection[Pair]) -> None:
        self._exact = {value for _, value in pairs}
        self._names = names_of(pairs)

    def are_in(self, body: Any) -> bool:
        """Whether a decoded event names the person in one of the places where identifiers stand."""
        return not self._names.isdisjoint(named_in(body))

    def are_in_bytes(self, raw: bytes) -> bool:
        """The same of an event that may not even be JSON: then any of the identifiers of six characters and more counts."""
        try:
            return self.are_in(_decode(raw))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            text = raw.decode("utf-8", "replace").casefold()
            return any(len(value) >= 6 and value.casefold() in text for value in self._exact)


def _contacts(part: Any) -> set[Pair]:
    if not isinstance(part, dict):
        return set()
    email, phone = part.get("email"), part.get("phone")
    names = {(_EMAIL, email.strip().casefold())} if isinstance(email, str) else set()
    return names | (
        {(_PHONE, "".join(c for c in phone if c.isdigit() or c == "+"))} if isinstance(phone, str) else set()
    )


def without(names: Names, endpoint: str, body: bytes) -> tuple[bytes | None, int]:
    """(the request without the person's events, how many were taken out); None when nothing is left of it."""
    if endpoint != "batch":
        return (None, 1) if names.are_in_bytes(body) else (body, 0)
    try:
        document = _decode(body)
        events = document["batch"]
    except _UNREADABLE:
        return (None, 1) if names.are_in_bytes(body) else (body, 0)
    if names.are_in({"context": document.get("context")}):
        return None, len(events)
    kept = [event for event in events if not names.are_in(event)]
    if len(kept) == len(events):
        return body, 0
    return (msgspec.json.encode({**document, "batch": kept}), len(events) - len(kept)) if kept else (None, len(events))
