"""What a request's body must be to be taken in at all. Everything beyond this is judged later, event by event.

Refused here is only what no later step could read or keep: broken JSON, too many bytes, unreadable text, and for
single events also NUL and bottomless nesting. An event inside a batch is never the reason to refuse the other ones:
it is quarantined when it is read (`messages.read_item`).
"""

import re
import zlib
from typing import Any

import msgspec

MOST_EVENT_BYTES = 32 * 1024
"""One event. Source: Segment HTTP API limits, read November 2026."""

MOST_BATCH_BYTES = 500 * 1024
"""One batch. Source: the same."""

MOST_SHARED_BYTES = 8 * 1024
"""What a batch says for all of its events (context, integrations), because it is written into each: a client's context has about one."""

MOST_BATCH_EVENTS = 2_500
"""Events in one batch. Source: the same."""

_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
"""A text, also one that is never closed: possessive and matching to the end, so that no body makes the search begin again and again."""
_NO_NUMBER = re.compile(_STRING.pattern + rb"|-?\bInfinity\b|\bNaN\b", re.DOTALL)
_ESCAPE = re.compile(
    rb"\\u[dD][89aAbB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[dD][89a-fA-F][0-9a-fA-F]{2}|\\.", re.DOTALL
)
"""A pair of surrogates, a lone one, any other escape."""
_LONE_SURROGATE = 6
"""Bytes of its escape; a pair has twelve."""
_BEYOND_ANY_RANGE = b"1e999"
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
MOST_DEPTH = 16
"""Objects and lists inside each other, the event itself being the first."""

NUL_ESCAPE = b"\\u0000"

_TO_ZEROS = bytes.maketrans(b"123456789", b"0" * 9)
_MANY_DIGITS = b"0" * 19
"""The least number of digits that a whole number beyond 64 bits has."""


class Refusal(msgspec.Struct, frozen=True):
    """Why a request is answered with an error: HTTP status, stable code, a sentence for the sender."""

    status: int
    code: str
    message: str


class Limits(msgspec.Struct, frozen=True):
    """How many bytes an installation takes (KREIS_EVENT_LIMIT_BYTES, KREIS_BATCH_LIMIT_BYTES)."""

    event_bytes: int = MOST_EVENT_BYTES
    batch_bytes: int = MOST_BATCH_BYTES


USUAL_LIMITS = Limits()
"""Those of Segment."""


class Accepted(msgspec.Struct, frozen=True):
    """A body that may be stored: how many events it holds and the write key named inside, "" if none is."""

    count: int
    write_key: str
    body: bytes | None = None
    """What is stored in its place, where one event would have cost the others; None: the body as it came."""


_NOTHING = msgspec.Raw(b"null")


class _Batch(msgspec.Struct):
    batch: list[msgspec.Raw]
    writeKey: msgspec.Raw = _NOTHING
    context: msgspec.Raw = _NOTHING
    integrations: msgspec.Raw = _NOTHING
    sentAt: msgspec.Raw = _NOTHING


_decode_value = msgspec.json.Decoder().decode
_decode_batch = msgspec.json.Decoder(_Batch).decode
_decode_text = msgspec.json.Decoder(str).decode

_BAD_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""ValidationError is a DecodeError; deep nesting ends in RecursionError."""

BAD_JSON = Refusal(400, "bad_json", "The body is not valid JSON in UTF-8.")
NOT_AN_OBJECT = Refusal(400, "not_an_object", "The body must be a JSON object.")
BAD_BATCH = Refusal(400, "bad_batch", 'A batch is an object with a list of events under "batch".')
HOLDS_NUL = Refusal(400, "nul_character", "The character U+0000 cannot be stored.")
NUMBER_TOO_LARGE = Refusal(400, "number_out_of_range", "Whole numbers may have 64 bits.")
TOO_DEEP = Refusal(400, "too_deep", f"Objects and lists may stand inside each other {MOST_DEPTH} deep.")
SHARED_TOO_LARGE = Refusal(413, "shared_too_large", "What a batch says for all of its events may have 8 KB.")
TOO_MANY_EVENTS = Refusal(413, "too_many_events", f"One batch may hold {MOST_BATCH_EVENTS:,} events.")


def _size(size_bytes: int) -> str:
    return f"{size_bytes // 1024} KB" if size_bytes % 1024 == 0 else f"{size_bytes} bytes"


def event_too_large(limits: Limits) -> Refusal:
    """One event is larger than this installation takes."""
    return Refusal(413, "event_too_large", f"One event may have {_size(limits.event_bytes)}.")


def _event_of_batch_too_large(limits: Limits, number: int) -> Refusal:
    return Refusal(
        413,
        "event_too_large",
        f"One event may have {_size(limits.event_bytes)}; number {number} of this batch is larger. Nothing of it was taken.",
    )


def _batch_too_large(limits: Limits) -> Refusal:
    return Refusal(413, "batch_too_large", f"One batch may have {_size(limits.batch_bytes)}.")


EVENT_TOO_LARGE = event_too_large(USUAL_LIMITS)
BATCH_TOO_LARGE = _batch_too_large(USUAL_LIMITS)
BAD_ENCODING = Refusal(400, "bad_encoding", "The body is not what its Content-Encoding says.")
UNKNOWN_ENCODING = Refusal(415, "unknown_encoding", "Content-Encoding must be gzip, deflate or absent.")
UNKNOWN_CHARSET = Refusal(415, "unknown_charset", "The charset must be UTF-8, UTF-16, ISO-8859-1 or Windows-1252.")

_CHARSETS = {
    "us-ascii": "ascii",
    "iso-8859-1": "latin-1",
    "latin1": "latin-1",
    "windows-1252": "cp1252",
    "utf-16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
}

_WINDOW_BITS = {"gzip": 31, "x-gzip": 31, "deflate": 15}


def most_bytes(endpoint: str, limits: Limits) -> int:
    """How many bytes a body for this endpoint may have, unpacked."""
    return limits.batch_bytes if endpoint == "batch" else limits.event_bytes


def too_large(endpoint: str, limits: Limits) -> Refusal:
    """The refusal of a body beyond `most_bytes`."""
    return _batch_too_large(limits) if endpoint == "batch" else event_too_large(limits)


def unpack(body: bytes, encoding: str, *, endpoint: str, limits: Limits = USUAL_LIMITS) -> bytes | Refusal:
    """The body without its Content-Encoding. Stops unpacking at the limit, so a bomb costs no more than a batch."""
    bits = _WINDOW_BITS.get(encoding)
    if bits is None:
        return body if encoding == "identity" else UNKNOWN_ENCODING
    most = most_bytes(endpoint, limits)
    unpacker = zlib.decompressobj(bits)
    try:
        plain = unpacker.decompress(body, most + 1)
    except zlib.error:
        return BAD_ENCODING
    if len(plain) > most:
        return too_large(endpoint, limits)
    return plain if unpacker.eof and not unpacker.unused_data else BAD_ENCODING


def to_utf8(body: bytes, charset: str) -> bytes | Refusal:
    """The body as UTF-8 without byte order mark. `charset` is what Content-Type says, lower case, "" if nothing."""
    if charset not in ("", "utf-8", "utf8"):
        name = _CHARSETS.get(charset)
        if name is None:
            return UNKNOWN_CHARSET
        try:
            return body.decode(name).removeprefix("\ufeff").encode()
        except UnicodeError:
            return BAD_JSON
    return body[3:] if body.startswith(b"\xef\xbb\xbf") else body


def check_body(endpoint: str, body: bytes, limits: Limits = USUAL_LIMITS) -> Accepted | Refusal:
    """Whether this UTF-8 body may be stored for this endpoint."""
    if not body.isascii():
        try:
            body.decode()
        except UnicodeDecodeError:
            return BAD_JSON
    return _check_batch(body, limits) if endpoint == "batch" else _check_single(body, limits)


def _check_single(body: bytes, limits: Limits) -> Accepted | Refusal:  # noqa: PLR0911  # one return per reason reads best
    if len(body) > limits.event_bytes:
        return event_too_large(limits)
    if body.count(b"{") + body.count(b"[") > MOST_DEPTH and is_too_deep(body):
        return TOO_DEEP
    try:
        value = _decode_value(body)
    except _BAD_JSON:
        return BAD_JSON
    if type(value) is not dict:
        return NOT_AN_OBJECT
    if NUL_ESCAPE in body and holds_nul(value):
        return HOLDS_NUL
    if holds_huge_integer(body, value):
        return NUMBER_TOO_LARGE
    key = value.get("writeKey")
    return Accepted(1, key if type(key) is str else "")


def _check_batch(body: bytes, limits: Limits) -> Accepted | Refusal:  # noqa: PLR0911  # one return per reason reads best
    if len(body) > limits.batch_bytes:
        return _batch_too_large(limits)
    mended: bytes | None = None
    try:
        try:
            found = _decode_batch(body)
        except msgspec.ValidationError:
            raise
        except _BAD_JSON:
            mended = without_what_no_json_holds(body)
            found = _decode_batch(mended)
    except msgspec.ValidationError:
        return BAD_BATCH
    except _BAD_JSON:
        return BAD_JSON
    events = found.batch
    if len(events) > MOST_BATCH_EVENTS:
        return TOO_MANY_EVENTS
    for shared in (found.context, found.integrations, found.sentAt):
        if shared is not _NOTHING and (refusal := _check_shared(bytes(shared))) is not None:
            return refusal
    if len(body) > limits.event_bytes:
        for number, event in enumerate(events, 1):
            if memoryview(event).nbytes > limits.event_bytes:
                return _event_of_batch_too_large(limits, number)
    try:
        return Accepted(len(events), _decode_text(found.writeKey), mended)
    except _BAD_JSON:
        return Accepted(len(events), "", mended)


def _check_shared(text: bytes) -> Refusal | None:
    """Why this cannot stand in every event of the batch; the same questions that each event is asked."""
    if len(text) > MOST_SHARED_BYTES:
        return SHARED_TOO_LARGE
    if text.count(b"{") + text.count(b"[") >= MOST_DEPTH and is_too_deep(b"[" + text + b"]"):
        return TOO_DEEP
    try:
        value = _decode_value(text)
    except _BAD_JSON:
        return BAD_JSON
    if NUL_ESCAPE in text and holds_nul(value):
        return HOLDS_NUL
    return NUMBER_TOO_LARGE if holds_huge_integer(text, value) else None


def without_what_no_json_holds(body: bytes) -> bytes:
    """A batch without the words that some languages write into JSON: a number that is none becomes one beyond any range, so that its event,
    and no other, is quarantined when it is read; half a surrogate pair becomes U+FFFD.
    """
    return _NO_NUMBER.sub(_mended, body)


def _mended(found: re.Match[bytes]) -> bytes:
    text = found[0]
    if not text.startswith(b'"'):
        return _BEYOND_ANY_RANGE
    return _ESCAPE.sub(lambda one: b"\\ufffd" if _is_lone(one[0]) else one[0], text) if b"\\u" in text else text


def _is_lone(escape: bytes) -> bool:
    return len(escape) == _LONE_SURROGATE


def is_too_deep(body: bytes) -> bool:
    """Whether JSON text nests deeper than MOST_DEPTH. Reads brackets outside of strings; needs no valid JSON."""
    brackets = _STRING.sub(b"", body).translate(_ONE_KIND, _NO_BRACKETS)
    # Each round takes one level away, from within, at the speed of bytes.replace: an ordinary order is empty after three.
    for _ in range(MOST_DEPTH):
        brackets = brackets.replace(b"[]", b"")
        if not brackets:
            return False
    return _is_too_deep_by_byte(body)


def _is_too_deep_by_byte(body: bytes) -> bool:
    depth, in_string, escaped = 0, False, False
    for byte in body:
        if in_string:
            if escaped:
                escaped = False
            elif byte == 0x5C:
                escaped = True
            elif byte == 0x22:
                in_string = False
        elif byte == 0x22:
            in_string = True
        elif byte in b"{[":
            depth += 1
            if depth > MOST_DEPTH:
                return True
        elif byte in b"}]":
            depth -= 1
    return False


def holds_nul(value: Any) -> bool:
    """Whether any key or text inside a decoded value holds U+0000. The value must not be too deep."""
    if type(value) is str:
        return "\x00" in value
    if type(value) is dict:
        return any("\x00" in key or holds_nul(inner) for key, inner in value.items())
    if type(value) is list:
        return any(holds_nul(inner) for inner in value)
    return False


def holds_huge_integer(text: bytes, value: Any) -> bool:
    """Whether a decoded value holds a whole number beyond 64 bits, which no store and no other language keeps exactly.

    Looks at the JSON text first, which is ten times as fast, and walks only if enough digits stand side by side.
    """
    return _MANY_DIGITS in text.translate(_TO_ZEROS) and _walk_for_huge_integer(value)


def _walk_for_huge_integer(value: Any) -> bool:
    if type(value) is int:
        return not -(2**63) <= value < 2**63
    if type(value) is dict:
        return any(map(_walk_for_huge_integer, value.values()))
    return type(value) is list and any(map(_walk_for_huge_integer, value))
