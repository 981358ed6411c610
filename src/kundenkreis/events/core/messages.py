"""From acknowledged requests to messages: the checks that every event passes, wherever it came from.

The tracking API, imports and the demo all go through `read_item`, so nothing reaches the log unchecked. What fails
is not lost: it becomes a `Malformed` with its reason and its bytes, is quarantined, and can be replayed.
"""

import re
from functools import lru_cache
from typing import Any, NamedTuple
from unicodedata import normalize

import msgspec

from kundenkreis.events.core.catalogue import check, needs_server_key
from kundenkreis.events.core.identifiers import BadIdentifierError, identifier
from kundenkreis.events.core.identity_token import is_proved
from kundenkreis.events.core.inbox_item import InboxItem
from kundenkreis.events.core.instants import instant_us
from kundenkreis.events.core.request_body import (
    MOST_DEPTH,
    MOST_EVENT_BYTES,
    MOST_SHARED_BYTES,
    NUL_ESCAPE,
    holds_huge_integer,
    holds_nul,
    is_too_deep,
)
from kundenkreis.kernel.hashing import hash128
from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.rows import CLAIMED, CLAMPED, LATE, PUBLIC
from kundenkreis.kernel.zones import HOUR, MINUTE

TYPES = frozenset(("identify", "track", "page", "screen", "group", "alias"))

LATE_AFTER_US: Micros = 24 * HOUR
"""Default age on arrival beyond which an event starts no journey; a setting, and per import."""

FUTURE_TOLERANCE_US: Micros = 5 * MINUTE
"""Clocks differ; what claims to be further ahead than this is taken as now."""

SAME_ARRIVAL_US: Micros = 10 * MINUTE
"""Equal bytes without id and instant are one event within one such span (on the clock), and two in two of them."""

EARLIEST_US: Micros = 365 * 24 * HOUR
"""1971-01-01: earlier instants are unset clocks and zero values, not events."""

MOST_NAME_LENGTH = 200
MOST_MESSAGE_ID = 255
MOST_KEYS = 300
"""Keys of one `properties`, `traits` or `context`."""

RESERVED_TRAITS = frozenset(
    """
    __proto__ constructor prototype _id profile_id workspace_id bucket_key consent consents unsubscribed suppressed
    suppression legal_basis opt_in opt_out optin optout double_opt_in
    """.split()
)
"""Traits that never become attributes: our own internals, and what only consent events may change."""

RESERVED_FOR_SERVERS = frozenset("role roles permissions lifetime_value ltv created_at createdAt".split())
"""Traits that a public key cannot set: facts about a person that the person does not decide."""

_USABLE_KEY = re.compile(r"[A-Za-z0-9_ \-.$]{1,64}")


class Message(msgspec.Struct, gc=False):
    """One checked event, ready for the resolver."""

    type: str
    """identify, track, page, screen, group, alias."""
    name: str
    """Event name of a track, name of a page or screen ("" if it has none), "" otherwise. NFC, trimmed."""
    message_id: str
    """As sent; without one, a hash of source, bytes and, where they name no instant, the span of arrival: a repeated request is still a repeat."""
    user_id: str | None
    anonymous_id: str | None
    previous_id: str | None
    group_id: str | None
    happened_us: int
    flags: int
    """LATE, CLAMPED, PUBLIC; CLAIMED when a public key names a user id without proof."""
    body: dict[str, Any]
    """The whole message decoded, without write key and identity token."""
    raw: bytes
    """The same as JSON bytes; as received, unless something above had to change."""
    unusable: tuple[str, ...] = ()
    """Keys of `traits` that are kept as data but must not become attributes."""


class Malformed(msgspec.Struct, gc=False):
    """An event that cannot be taken: goes to the quarantine with its reason."""

    code: str
    """Stable: see docs/reference/events.md."""
    detail: str
    """A sentence for people; holds no more of the event than names and ids."""
    raw: bytes
    """The event's bytes, without write key and identity token where they could be read, and with what only its request said of it
    (which call it was, when the batch was sent, ...)."""
    message_id: str = ""
    """As in Message, so that a repeat is quarantined once."""


class _Request(NamedTuple):
    """What the events of one request share."""

    received_us: Micros
    source: str
    public: bool
    late_after_us: Micros
    future_tolerance_us: Micros
    identity_secret: str
    event_bytes: int
    sent_at: Any = None
    context: dict[str, Any] | None = None
    integrations: dict[str, Any] | None = None


class _Batch(msgspec.Struct):
    batch: list[msgspec.Raw]
    sentAt: Any = None
    context: Any = None
    integrations: Any = None


class _Bad(Exception):
    """Ends the reading of one event; never leaves this module."""

    def __init__(self, code: str, detail: str) -> None:
        self.code = code
        self.detail = detail


_decode = msgspec.json.Decoder().decode
_decode_batch = msgspec.json.Decoder(_Batch).decode
_encode = msgspec.json.Encoder().encode

_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def read_item(
    item: InboxItem,
    *,
    late_after_us: Micros = LATE_AFTER_US,
    future_tolerance_us: Micros = FUTURE_TOLERANCE_US,
    identity_secret: str = "",
    event_bytes: int = MOST_EVENT_BYTES,
) -> list[Message | Malformed]:
    """The events of one request, each checked, in the order sent.

    Args:
        item: as it stands in the inbox.
        late_after_us: age on arrival beyond which an event is flagged LATE.
        future_tolerance_us: how far ahead an event may claim to be before it is clamped to its arrival.
        identity_secret: of the item's source; lets a public key prove user ids.
        event_bytes: how large one event may be.
    """
    request = _Request(
        item.received_us, item.source, item.public, late_after_us, future_tolerance_us, identity_secret, event_bytes
    )
    if item.endpoint != "batch":
        return [_read_event(item.body, item.endpoint, request)]
    try:
        found = _decode_batch(item.body)
    except _UNREADABLE:
        return [_malformed("bad_json", "the batch is not valid JSON with a list of events", item.body, None, request)]
    request = request._replace(
        sent_at=found.sentAt,
        context=found.context if type(found.context) is dict and found.context else None,
        integrations=found.integrations if type(found.integrations) is dict and found.integrations else None,
    )
    return [_read_event(bytes(raw), "", request) for raw in found.batch]


def _read_event(raw: bytes, type_: str, request: _Request) -> Message | Malformed:
    body: Any = None
    try:
        if len(raw) > request.event_bytes:
            raise _Bad("event_too_large", f"{len(raw)} bytes; one event may have {request.event_bytes}")
        if raw.count(b"{") + raw.count(b"[") > MOST_DEPTH and is_too_deep(raw):
            raise _Bad("too_deep", f"nested deeper than {MOST_DEPTH}")
        try:
            body = _decode(raw)
        except _UNREADABLE:
            raise _Bad("bad_json", "not valid JSON") from None
        if type(body) is not dict:
            raise _Bad("not_an_object", "an event is a JSON object")
        if NUL_ESCAPE in raw and holds_nul(body):
            raise _Bad("nul_character", "holds the character U+0000")
        if holds_huge_integer(raw, body):
            raise _Bad("number_out_of_range", "holds a whole number beyond 64 bits")
        return _message(body, raw, type_, request)
    except (_Bad, BadIdentifierError) as bad:
        return _malformed(bad.code, bad.detail, raw, body, request, endpoint=type_)


def _message(body: dict[str, Any], raw: bytes, endpoint: str, request: _Request) -> Message:
    get = body.get
    token, is_changed = _take_secrets(body)
    if request.context is not None or request.integrations is not None:
        is_changed |= _merge_shared(body, request)
    # "action" is what early client libraries called it, and what part of Segment's documentation still does.
    type_ = endpoint or get("type") or get("action")
    if type(type_) is not str or type_ not in TYPES:
        raise _Bad("unknown_type", "type must be one of identify, track, page, screen, group, alias")

    is_changed |= type_ == "identify" and _take_traits_of_context(body)
    user_id, anonymous_id, flags = _identity(body, token, request)
    previous_id = group_id = None
    is_plain = raw.isascii() and b"\\u" not in raw  # then nothing needs Unicode normalisation
    is_changed |= _check_parts(body, is_plain=is_plain)

    name = ""
    unusable: tuple[str, ...] = ()
    if type_ == "track":
        name = _name(get("event"), "event")
        if not name:
            raise _Bad("no_name", "a track call needs an event name")
        is_changed |= _check_properties(body, name, public=request.public)
    elif type_ in ("page", "screen"):
        name = _name(get("name"), "name")
    elif type_ == "alias":
        previous_id = _alias_previous(body, user_id, public=request.public)
    else:
        unusable = _unusable(get("traits") or {}, public=bool(flags & PUBLIC))
        if type_ == "group":
            group_id = identifier(get("groupId"), "groupId")
            if group_id is None:
                raise _Bad("no_identity", "a group call needs a groupId")

    happened_us, time_flags = _happened(body, request)
    return Message(
        type_,
        name,
        _message_id(body, raw, endpoint, request),
        user_id,
        anonymous_id,
        previous_id,
        group_id,
        happened_us,
        flags | time_flags,
        body,
        _kept(body, raw, request.event_bytes, is_changed=is_changed),
        unusable,
    )


def _kept(body: dict[str, Any], raw: bytes, event_bytes: int, *, is_changed: bool) -> bytes:
    """The bytes that stand in the log. What all events of a batch share counts for each of them."""
    kept = _encode(body) if is_changed else raw
    if len(kept) > event_bytes + MOST_SHARED_BYTES:
        raise _Bad(
            "event_too_large",
            f"{len(kept)} bytes with what the batch says for all; one event may have {event_bytes}",
        )
    return kept


def _identity(body: dict[str, Any], token: Any, request: _Request) -> tuple[str | None, str | None, int]:
    """(user id, anonymous id, flags that say how far they can be trusted)."""
    user_id = identifier(body.get("userId"), "userId")
    anonymous_id = identifier(body.get("anonymousId"), "anonymousId")
    flags = 0
    if request.public:
        flags = PUBLIC
        if user_id is not None and not is_proved(user_id, token, request.identity_secret):
            flags |= CLAIMED
    if user_id is None and anonymous_id is None:
        raise _Bad("no_identity", "neither userId nor anonymousId is given")
    if flags & CLAIMED and anonymous_id is None:
        raise _Bad("no_identity", "a public key that names a userId without proof must also give an anonymousId")
    return user_id, anonymous_id, flags


def _check_parts(body: dict[str, Any], *, is_plain: bool) -> bool:
    """Hold the objects of an event against their limits; whether a key was brought into NFC."""
    is_changed = False
    for field in ("properties", "traits", "context"):
        part = body.get(field)
        if part is None:
            continue
        if type(part) is not dict:
            raise _Bad(f"bad_{field}", f"{field} must be an object")
        if len(part) > MOST_KEYS:
            raise _Bad("too_many_keys", f"{field} has {len(part)} keys, more than {MOST_KEYS}")
        if not is_plain and field != "context":
            is_changed |= _normalize_keys(body, field, part)
    return is_changed


def _take_secrets(body: dict[str, Any]) -> tuple[Any, bool]:
    """Remove write key and identity token, which must not stand in the log; (the token, whether anything went)."""
    is_changed = "writeKey" in body
    if is_changed:
        del body["writeKey"]
    context = body.get("context")
    if type(context) is dict and "identityToken" in context:
        return context.pop("identityToken"), True
    return None, is_changed


def _merge_shared(body: dict[str, Any], request: _Request) -> bool:
    """Lay the batch's own context and integrations under those of the event."""
    for field, shared in (("context", request.context), ("integrations", request.integrations)):
        own = body.get(field)
        if shared is not None and (own is None or type(own) is dict):
            body[field] = {**shared, **(own or {})}
    return True


def _take_traits_of_context(body: dict[str, Any]) -> bool:
    """RudderStack's libraries put the traits of an identify call into its context; where it has none of its own, they are moved to where
    all others have them. An identify without traits that came through Segment's libraries has none there either.
    """
    context = body.get("context")
    if body.get("traits") is not None or type(context) is not dict or type(context.get("traits")) is not dict:
        return False
    body["traits"] = context["traits"]
    body["context"] = {name: value for name, value in context.items() if name != "traits"}
    return True


def _name(value: Any, field: str) -> str:
    if value is None:
        return ""
    if type(value) is not str:
        raise _Bad("bad_name", f"{field} must be text")
    if not value.isascii():
        value = normalize("NFC", value)
    value = value.strip()
    if len(value) > MOST_NAME_LENGTH:
        raise _Bad("bad_name", f"{field} has more than {MOST_NAME_LENGTH} characters")
    return value  # type: ignore[no-any-return]  # str by the checks above


def _check_properties(body: dict[str, Any], name: str, *, public: bool) -> bool:
    """Hold a track call against the catalogue; whether its properties were brought into their types."""
    if public and needs_server_key(name):
        raise _Bad("needs_server_key", f"{name!r} can only be sent with a server key")
    properties = body.get("properties") or {}
    checked, problems = check(name, properties)
    for problem in problems:
        if problem.is_fatal:
            raise _Bad(problem.code, f"{name!r}: {problem.detail}")
    if checked is properties:
        return False
    body["properties"] = checked
    return True


def _alias_previous(body: dict[str, Any], user_id: str | None, *, public: bool) -> str:
    if public:
        raise _Bad("needs_server_key", "alias can only be sent with a server key")
    previous_id = identifier(body.get("previousId"), "previousId")
    if previous_id is None or user_id is None:
        raise _Bad("no_identity", "an alias call needs previousId and userId")
    return previous_id


def _message_id(body: dict[str, Any], raw: bytes, endpoint: str, request: _Request) -> str:
    message_id = body.get("messageId")
    if message_id is None or message_id == "":
        return _own_id(body, raw, endpoint, request)
    if type(message_id) is int:
        return str(message_id)
    if type(message_id) is not str or len(message_id) > MOST_MESSAGE_ID:
        raise _Bad("bad_message_id", f"messageId must be text of at most {MOST_MESSAGE_ID} characters")
    return message_id


def _own_id(body: Any, raw: bytes, endpoint: str, request: _Request) -> str:
    """The id of an event that brings none: its bytes, and which call it is where only the address says that.

    One that brings no instant either happened on arrival, so the same bytes tomorrow are another event: of somebody who logs in every day only
    the first login would ever count. A sender that tries again does so within minutes.
    """
    parts: list[object] = ["message", request.source, raw]
    if type(body) is dict and body.get("timestamp") is None and body.get("originalTimestamp") is None:
        parts += [endpoint, request.received_us // SAME_ARRIVAL_US]
    elif endpoint:
        parts.append(endpoint)
    return "auto-" + hash128(*parts).hex()


def _happened(body: dict[str, Any], request: _Request) -> tuple[Micros, int]:
    """(happened_us, time flags): corrected for the sender's wrong clock where the sender says when it sent."""
    received_us = request.received_us
    get = body.get
    original = get("originalTimestamp")
    stamp = get("timestamp")
    if stamp is not None and get("receivedAt") is not None:
        original, sent = stamp, None  # went through another collector, which has corrected it already
    else:
        sent = get("sentAt") or request.sent_at
        if stamp is not None:  # beside it, RudderStack's libraries note under originalTimestamp when they were called
            original = stamp
    if original is None:
        return received_us, 0
    happened_us = instant_us(original) if type(original) is str else None
    if happened_us is None:
        raise _Bad("bad_timestamp", "timestamps are ISO 8601 text, such as 2026-11-21T10:00:00Z")
    if type(sent) is str and (sent_us := instant_us(sent)) is not None:
        happened_us = received_us - (sent_us - happened_us)
    if happened_us < EARLIEST_US:
        raise _Bad("bad_timestamp", "the timestamp lies before 1971")
    if happened_us > received_us + request.future_tolerance_us:
        return received_us, CLAMPED
    return happened_us, LATE if received_us - happened_us > request.late_after_us else 0


def _normalize_keys(body: dict[str, Any], field: str, part: dict[str, Any]) -> bool:
    """Bring the keys of `properties` or `traits` into NFC, so that one word typed on two systems is one key."""
    normal = {normalize("NFC", key): value for key, value in part.items()}
    if normal.keys() == part.keys():
        return False
    body[field] = normal
    return True


def _unusable(traits: dict[str, Any], *, public: bool) -> tuple[str, ...]:
    return tuple(key for key in traits if not is_usable_key(key) or (public and key in RESERVED_FOR_SERVERS))


@lru_cache(maxsize=4096)
def is_usable_key(key: str) -> bool:
    """Whether a trait of this name may become an attribute."""
    return (
        _USABLE_KEY.fullmatch(key) is not None
        and key not in RESERVED_TRAITS
        and not key.startswith(("consent_", "consent."))
    )


def _malformed(code: str, detail: str, raw: bytes, body: Any, request: _Request, *, endpoint: str = "") -> Malformed:
    if type(body) is not dict:
        return Malformed(code, detail, raw, _own_id(body, raw, endpoint, request))
    if b"writeKey" in raw or b"identityToken" in raw:
        _take_secrets(body)
        raw = _encode(body)
    declared = body.get("messageId")
    message_id = declared if type(declared) is str and 0 < len(declared) <= MOST_MESSAGE_ID else ""
    message_id = message_id or _own_id(body, raw, endpoint, request)
    return Malformed(code, detail, _by_itself(body, raw, message_id, endpoint, request), message_id)


def _by_itself(body: dict[str, Any], raw: bytes, message_id: str, endpoint: str, request: _Request) -> bytes:
    """The bytes of a malformed event with what only its request said of it, so that it can be sent in again without that."""
    said: dict[str, Any] = {}
    if endpoint and body.get("type") != endpoint:
        said["type"] = endpoint
    if body.get("messageId") in (None, ""):
        said["messageId"] = message_id
    if request.sent_at is not None and not body.get("sentAt"):
        said["sentAt"] = request.sent_at
    if request.context is not None or request.integrations is not None:
        _merge_shared(body, request)
        said |= {field: body[field] for field in ("context", "integrations") if field in body}
    return _encode({**body, **said}) if said else raw
