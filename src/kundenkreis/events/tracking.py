"""The tracking application: takes events in, answers when they are durable, and does nothing else.

Raw ASGI, because it is the hot path: a framework costs three to twenty times as much per request. Speaks the
Segment HTTP API, so that its client libraries work when they are pointed here: the long paths (`/v1/track`) of servers and
apps and the short ones (`/v1/t`) of the library for web pages. The answer is 200 also for events that are
quarantined later; only a body that cannot be kept is refused.

Source: Segment HTTP Tracking API and the sources of its client libraries, read November 2026.
"""

import asyncio
import math
import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any

from kundenkreis.events.core.inbox_item import InboxItem
from kundenkreis.events.core.request_body import (
    USUAL_LIMITS,
    Limits,
    Refusal,
    check_body,
    most_bytes,
    to_utf8,
    too_large,
    unpack,
)
from kundenkreis.events.core.token_bucket import TokenBucket
from kundenkreis.events.errors import InboxFullError, InboxUnavailableError
from kundenkreis.events.inbox import Point, no_point
from kundenkreis.events.write_keys import WriteKey, WriteKeys
from kundenkreis.events.writer import InboxWriter

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

_NAMES = ("identify", "track", "page", "screen", "group", "alias", "batch")
# The web library shortens a call to its first letter; "a" is alias, "b" a batch, "s" a screen, "p" a page.
_ENDPOINTS = {f"/v1/{path}": name for name in _NAMES for path in (name, name[0], name + "/")}

_OURS = "/v1/"
"""Below it a program asks, that mistyped a path: it gets an answer that programs read."""

BODY_SECONDS = 20.0
"""A body must be complete in this time: a sender of one byte a second cannot keep a connection for hours."""

DRAINED_BYTES = 4_000_000
DRAINED_SECONDS = 2.0
"""What is read and thrown away of a body that is refused for its size: a sender who is still writing when the connection closes hears of a
broken pipe and tries again for ever. Whoever sends more than that, or more slowly, is cut off.
"""

MOST_ADDRESSES = 50_000
"""Addresses whose use is remembered, twice (see `_AddressLimits`): a few MB."""

_LEAST_BURST = 1_000.0
"""A key with a small rate must still be able to send a full batch after a pause."""

UNKNOWN_KEY = Refusal(401, "unknown_write_key", "There is no such write key.")
WRONG_ORIGIN = Refusal(403, "origin_not_allowed", "This write key is not meant for this web origin.")
NOT_FOUND = Refusal(
    404,
    "not_found",
    "There is no such path: events go to /v1/track, /v1/identify, /v1/page, /v1/screen, /v1/group, /v1/alias or /v1/batch.",
)
ONLY_POST = Refusal(405, "method_not_allowed", "Events are sent with POST.")
TOO_SLOW = Refusal(408, "body_too_slow", "The body did not arrive in time.")
TOO_FAST = Refusal(429, "rate_limited", "This write key has sent too many events; pause.")
NOT_STORED = Refusal(503, "not_stored", "The events are not stored; send them again.")

_ANY_ORIGIN = (b"access-control-allow-origin", b"*")
# Any origin may hear the answer: it holds nothing, and a write key reads nothing.

_OK_START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"application/json"), (b"content-length", b"16"), _ANY_ORIGIN],
}
_OK_BODY = {"type": "http.response.body", "body": b'{"success":true}'}

_PREFLIGHT_HEADERS = [
    _ANY_ORIGIN,
    (b"access-control-allow-methods", b"POST"),
    (b"access-control-max-age", b"86400"),
    (b"vary", b"access-control-request-headers"),
    (b"content-length", b"0"),
]
_USUAL_HEADERS = [b"authorization", b"content-type", b"content-encoding", b"x-retry-count"]
_HEADER_NAME = re.compile(rb"[a-z0-9-]{1,64}")
_MOST_ASKED_BYTES = 1024


class TrackingApp:
    """The ASGI application of the tracking API.

    Args:
        open_writer: makes the writer; called once on the running event loop.
        keys: the write keys in force.
        now_us: the wall clock in microseconds; stamps what is received.
        monotonic: a clock that only goes forward, in seconds; for limits.
        point: crash points of tests.
        fallback: the application for all other paths; without one they are 404.
        limits: how many bytes an event and a batch may have.
        rate_per_second: of every key that has no rate of its own; 0 for no limit.
    """

    def __init__(
        self,
        open_writer: Callable[[], InboxWriter],
        keys: WriteKeys,
        *,
        now_us: Callable[[], int] = lambda: time.time_ns() // 1000,
        monotonic: Callable[[], float] = time.monotonic,
        point: Point = no_point,
        fallback: AsgiApp | None = None,
        body_seconds: float = BODY_SECONDS,
        limits: Limits = USUAL_LIMITS,
        rate_per_second: float = 0.0,
    ) -> None:
        self._open_writer = open_writer
        self._writer: InboxWriter | None = None
        self._keys = keys
        self._now_us = now_us
        self._monotonic = monotonic
        self._point = point
        self._fallback = fallback
        self._body_seconds = body_seconds
        self._bytes = limits
        self._rate_per_second = rate_per_second
        self._limits: dict[str, TokenBucket] = {}
        self._limits_generation = 0
        self._addresses = _AddressLimits()

    async def startup(self) -> None:
        """Open the inbox. Done by the lifespan protocol, or by the shell that owns it."""
        self._keys.refresh(self._monotonic())
        self._writer = self._open_writer()

    async def shutdown(self) -> None:
        """Store what waits and close the inbox."""
        if self._writer is not None:
            await self._writer.close()
            self._writer = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            endpoint = _ENDPOINTS.get(scope["path"])
            if endpoint is not None:
                await self._answer(endpoint, scope, receive, send)
            elif self._fallback is not None and not scope["path"].startswith(_OURS):
                await self._fallback(scope, receive, send)
            else:
                await _refuse(send, NOT_FOUND)
        elif scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif self._fallback is not None:
            await self._fallback(scope, receive, send)

    async def _answer(self, endpoint: str, scope: Scope, receive: Receive, send: Send) -> None:
        method = scope["method"]
        if method == "POST":
            try:
                await self._take(endpoint, scope, receive)
            except _Refused as refused:
                await _refuse(send, refused.refusal, retry_after=refused.retry_after, close=refused.close)
            except _Gone:
                return
            else:
                self._point("inbox.before_answer")
                await send(_OK_START)
                await send(_OK_BODY)
                self._point("inbox.after_answer")
        elif method == "OPTIONS":
            asked = dict(scope["headers"]).get(b"access-control-request-headers", b"")
            headers = [*_PREFLIGHT_HEADERS, (b"access-control-allow-headers", _allowed_headers(asked))]
            await send({"type": "http.response.start", "status": 204, "headers": headers})
            await send({"type": "http.response.body", "body": b""})
        else:
            await _refuse(send, ONLY_POST)

    async def _take(self, endpoint: str, scope: Scope, receive: Receive) -> None:
        """Read, check and store one request; returns when it is durable."""
        headers = dict(scope["headers"])
        now = self._monotonic()
        self._keys.refresh(now)
        authorization = headers.get(b"authorization")
        key: WriteKey | None = None
        if authorization is not None:
            # Strangers and those who pause are turned away before their body is read.
            key = self._admit(self._keys.by_header(authorization), headers, scope, now)
        body = await self._read(endpoint, headers, receive)
        checked = check_body(endpoint, body, self._bytes)
        if isinstance(checked, Refusal):
            raise _Refused(checked)
        if key is None:
            key = self._admit(self._keys.by_key(checked.write_key), headers, scope, now)
        if not checked.count:
            return
        self._spend(key, checked.count, scope, now)
        kept = body if checked.body is None else checked.body
        await self._store(InboxItem(self._now_us(), key.source, key.kind == "public", endpoint, kept))

    async def _store(self, item: InboxItem) -> None:
        try:
            if self._writer is None:
                raise InboxUnavailableError
            await self._writer.submit(item)
        except (InboxFullError, InboxUnavailableError):
            raise _Refused(NOT_STORED, retry_after=1) from None

    async def _read(self, endpoint: str, headers: dict[bytes, bytes], receive: Receive) -> bytes:
        """The body as UTF-8 JSON text. Reading stops at the limit."""
        most = most_bytes(endpoint, self._bytes)
        announced = _announced(headers.get(b"content-length", b""))
        if announced > most:
            if announced <= DRAINED_BYTES:
                await _drain(receive)
            raise _Refused(too_large(endpoint, self._bytes), close=True)
        try:
            async with asyncio.timeout(self._body_seconds):
                message = await receive()
                body: bytes = message.get("body", b"")
                if message.get("more_body") or message["type"] != "http.request":
                    body = await _read_rest(message, receive, too_large(endpoint, self._bytes), most=most)
        except TimeoutError:
            raise _Refused(TOO_SLOW, close=True) from None
        if len(body) > most:
            raise _Refused(too_large(endpoint, self._bytes), close=True)
        if (encoding := headers.get(b"content-encoding")) is not None:
            body = _or_refuse(
                unpack(body, encoding.decode("latin-1").strip().lower(), endpoint=endpoint, limits=self._bytes)
            )
        return _or_refuse(to_utf8(body, _charset(headers.get(b"content-type", b""))))

    def _admit(self, key: WriteKey | None, headers: dict[bytes, bytes], scope: Scope, now: float) -> WriteKey:
        if key is None:
            raise _Refused(UNKNOWN_KEY)
        if key.allowed_origins:
            origin = headers.get(b"origin")
            if origin is not None and origin.decode("latin-1") not in key.allowed_origins:
                raise _Refused(WRONG_ORIGIN)
        self._spend(key, 0, scope, now)
        return key

    def _spend(self, key: WriteKey, count: int, scope: Scope, now: float) -> None:
        """Count events against the key's limit, and for public keys against the address's."""
        wait = 0.0
        if rate := key.rate_per_second or self._rate_per_second:
            wait = self._limit_of(key, rate, now).take(count, now)
        if not wait and key.kind == "public" and key.rate_per_address > 0:
            client = scope.get("client")
            wait = self._addresses.of(client[0] if client else "", key, now).take(count, now)
        if wait:
            raise _Refused(TOO_FAST, retry_after=math.ceil(wait))

    def _limit_of(self, key: WriteKey, rate: float, now: float) -> TokenBucket:
        if self._limits_generation != self._keys.generation:  # rates may have changed
            self._limits_generation = self._keys.generation
            self._limits = {}
        bucket = self._limits.get(key.key)
        if bucket is None:
            bucket = _bucket(rate, now)
            self._limits[key.key] = bucket
        return bucket

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self.startup()
                await send({"type": "lifespan.startup.complete"})
            else:
                await self.shutdown()
                await send({"type": "lifespan.shutdown.complete"})
                return


class _AddressLimits:
    """Buckets per address and key, bounded: when the young half is full it becomes the old one, and the old is dropped.

    An address that keeps sending moves along; a million addresses that send once cost two halves of memory.
    """

    def __init__(self) -> None:
        self._young: dict[tuple[str, str], TokenBucket] = {}
        self._old: dict[tuple[str, str], TokenBucket] = {}

    def of(self, address: str, key: WriteKey, now: float) -> TokenBucket:
        """The bucket of this address for this key."""
        name = (address, key.key)
        bucket = self._young.get(name)
        if bucket is None:
            if len(self._young) >= MOST_ADDRESSES:
                self._young, self._old = {}, self._young
            bucket = self._old.pop(name, None) or _bucket(key.rate_per_address, now)
            self._young[name] = bucket
        return bucket


def _bucket(rate: float, now: float) -> TokenBucket:
    return TokenBucket(rate, max(2 * rate, _LEAST_BURST), at=now)


class _Refused(Exception):
    """Ends a request with a refusal; never leaves this module."""

    def __init__(self, refusal: Refusal, *, retry_after: int = 0, close: bool = False) -> None:
        self.refusal = refusal
        self.retry_after = retry_after
        self.close = close


class _Gone(Exception):
    """The sender hung up before its body was complete."""


def _or_refuse(value: bytes | Refusal) -> bytes:
    if isinstance(value, Refusal):
        raise _Refused(value)
    return value


def _announced(length: bytes) -> int:
    """The bytes that a Content-Length announces, 0 where it says nothing."""
    return int(length[:20]) if length.isdigit() else 0


async def _drain(receive: Receive) -> None:
    """Read what is left of a body, up to a limit, so that its sender comes to hear the answer."""
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAINED_SECONDS):
            size = 0
            while size <= DRAINED_BYTES:
                message = await receive()
                size += len(message.get("body", b""))
                if not message.get("more_body"):
                    return


async def _read_rest(first: MutableMapping[str, Any], receive: Receive, refusal: Refusal, *, most: int) -> bytes:
    message, chunks, size = first, list[bytes](), 0
    while True:
        if message["type"] != "http.request":
            raise _Gone
        chunk = message.get("body", b"")
        chunks.append(chunk)
        size += len(chunk)
        if size > most:
            if message.get("more_body"):
                await _drain(receive)
            raise _Refused(refusal, close=True)
        if not message.get("more_body"):
            return b"".join(chunks)
        message = await receive()


def _allowed_headers(asked: bytes) -> bytes:
    """The names that a page may send: those of Segment's library, and whatever else it asks for.

    Other libraries bring headers of their own (RudderStack `AnonymousId` and `Rsa-...`); a browser sends no event at all where one of them is
    missing here. None of them is read. A wildcard would not do: not every browser knows it, and it never stands for Authorization.
    """
    others = {
        name for one in asked[:_MOST_ASKED_BYTES].lower().split(b",") if _HEADER_NAME.fullmatch(name := one.strip())
    }
    return b", ".join([*_USUAL_HEADERS, *sorted(others.difference(_USUAL_HEADERS))])


def _charset(content_type: bytes) -> str:
    """The charset parameter of a Content-Type, lower case, "" if it has none."""
    _, found, rest = content_type.lower().partition(b"charset=")
    return rest.partition(b";")[0].strip(b" \"'").decode("latin-1") if found else ""


async def _refuse(send: Send, refusal: Refusal, *, retry_after: int = 0, close: bool = False) -> None:
    """Answer with an error in the shape that the client libraries read: code and message."""
    body = f'{{"success":false,"code":"{refusal.code}","message":"{_escape(refusal.message)}"}}'.encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)), _ANY_ORIGIN]
    if retry_after:
        headers.append((b"retry-after", b"%d" % retry_after))
        headers.append((b"access-control-expose-headers", b"retry-after"))
    if refusal.status == 405:
        headers.append((b"allow", b"POST, OPTIONS"))
    if close:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
