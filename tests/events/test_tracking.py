"""The tracking application: who may send, what is refused and how, what is stored."""

import asyncio
import gzip
import json
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

from kundenkreis.events.core.inbox_item import InboxItem
from kundenkreis.events.core.request_body import MOST_BATCH_BYTES, MOST_EVENT_BYTES, MOST_SHARED_BYTES
from kundenkreis.events.testing import MemoryInbox
from kundenkreis.events.tracking import TrackingApp
from kundenkreis.events.write_keys import WriteKey, WriteKeys
from kundenkreis.events.writer import InboxWriter
from tests.events.asgi import Answer, basic, call


def packed(data: bytes) -> bytes:
    """gzip without the time of day in its head: parallel workers must collect the same test ids."""
    return gzip.compress(data, mtime=0)


pytestmark = pytest.mark.pure

SERVER = WriteKey(key="kk_server_canary", source="till", kind="server")
PUBLIC = WriteKey(key="kk_public_canary", source="shop", kind="public")
EVENT = {"type": "track", "event": "Signed Up", "userId": "u-1", "anonymousId": "a-1"}
OK = b'{"success":true}'


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def monotonic(self) -> float:
        """Seconds."""
        return self.seconds

    def now_us(self) -> int:
        """The wall clock that goes with them."""
        return int(self.seconds * 1_000_000)


class World:
    """An application with everything it stands on."""

    def __init__(self, keys: list[WriteKey], **options: Any) -> None:
        self.clock = Clock()
        self.inbox = MemoryInbox()
        self.keys = keys
        self.version = 1
        self.app = TrackingApp(
            lambda: InboxWriter(self.inbox, **options.pop("bounds", {})),
            WriteKeys(lambda: self.keys, lambda: self.version),
            now_us=self.clock.now_us,
            monotonic=self.clock.monotonic,
            **{name: value for name, value in options.items() if name != "bounds"},
        )

    async def post(self, path: str, body: Any, **options: Any) -> Answer:
        """Send a request and get its answer."""
        answer = await call(self.app, path, body, **options)
        assert answer is not None
        return answer

    @property
    def stored(self) -> list[InboxItem]:
        """What the inbox holds."""
        return [item for _, item in self.inbox.read(0, most_items=10_000, most_bytes=10**9)]


@asynccontextmanager
async def world(*keys: WriteKey, **options: Any) -> AsyncIterator[World]:
    """A running application with these keys, by default one of each kind."""
    here = World(list(keys) or [SERVER, PUBLIC], **options)
    await here.app.startup()
    yield here
    await here.app.shutdown()


def run(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a scenario on an event loop of its own."""
    asyncio.run(scenario())


NAMES = ["identify", "track", "page", "screen", "group", "alias", "batch"]


@pytest.mark.parametrize(
    ("path", "endpoint"),
    [(f"/v1/{spelling}", name) for name in NAMES for spelling in (name, name[0], f"{name}/")],
)
def test_each_endpoint_stores_the_request_as_it_came(path: str, endpoint: str) -> None:
    async def scenario() -> None:
        async with world() as here:
            body = json.dumps({"batch": [EVENT]} if endpoint == "batch" else EVENT, indent=2).encode()
            answer = await here.post(path, body, key=SERVER.key)
            assert (answer.status, answer.body) == (200, OK)
            assert here.stored == [InboxItem(here.clock.now_us(), "till", False, endpoint, body)]

    run(scenario)


def test_body_in_many_chunks_is_one_body() -> None:
    async def scenario() -> None:
        async with world() as here:
            body = json.dumps(EVENT).encode()
            answer = await here.post("/v1/track", [body[i : i + 7] for i in range(0, len(body), 7)], key=SERVER.key)
            assert (answer.status, [item.body for item in here.stored]) == (200, [body])

    run(scenario)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ([(b"authorization", b"Basic a2tfcHVibGljX2NhbmFyeTo=")], EVENT),
        ([(b"authorization", b"basic  a2tfcHVibGljX2NhbmFyeTo=")], EVENT),
        ([(b"authorization", b"Basic a2tfcHVibGljX2NhbmFyeQ==")], EVENT),
        ([(b"authorization", b"Basic a2tfcHVibGljX2NhbmFyeTpwdw==")], EVENT),
        ([(b"content-type", b"text/plain")], {**EVENT, "writeKey": PUBLIC.key}),
        ([(b"content-type", b"text/plain;charset=UTF-8")], {**EVENT, "writeKey": PUBLIC.key}),
        ([], {**EVENT, "writeKey": PUBLIC.key}),
    ],
)
def test_write_key_is_found_in_header_or_body(headers: list[tuple[bytes, bytes]], body: Any) -> None:
    async def scenario() -> None:
        async with world() as here:
            answer = await here.post("/v1/t", body, headers=headers)
            assert answer.status == 200
            assert [(item.source, item.public) for item in here.stored] == [("shop", True)]

    run(scenario)


def test_beacon_batch_names_its_key_in_the_envelope() -> None:
    async def scenario() -> None:
        async with world() as here:
            answer = await here.post(
                "/v1/b", {"batch": [EVENT], "writeKey": PUBLIC.key, "sentAt": "2026-11-21T10:00:00Z"}
            )
            assert (answer.status, len(here.stored)) == (200, 1)

    run(scenario)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ([], EVENT),
        ([], {**EVENT, "writeKey": "kk_public_canar"}),
        ([], {**EVENT, "writeKey": ""}),
        ([], {**EVENT, "writeKey": ["kk_public_canary"]}),
        ([basic("kk_public_canaryy")], EVENT),
        ([basic("")], EVENT),
        ([(b"authorization", b"Bearer kk_public_canary")], EVENT),
        ([(b"authorization", b"Basic !!!")], EVENT),
        ([(b"authorization", b"Basic \xff\xfe")], EVENT),
        ([(b"authorization", b"")], EVENT),
        # A header decides: nobody tries a second key in the body.
        ([basic("wrong")], {**EVENT, "writeKey": PUBLIC.key}),
    ],
)
def test_unknown_key_is_401_and_nothing_is_stored(headers: list[tuple[bytes, bytes]], body: Any) -> None:
    async def scenario() -> None:
        async with world() as here:
            answer = await here.post("/v1/track", body, headers=headers)
            assert (answer.status, answer.code, here.stored) == (401, "unknown_write_key", [])

    run(scenario)


def test_events_rejected_later_are_answered_like_all() -> None:
    async def scenario() -> None:
        async with world() as here:
            for body in ({}, {"type": "nonsense"}, {"userId": "null"}, {"event": "Order Completed", "userId": "u"}):
                assert (await here.post("/v1/track", body, key=SERVER.key)).body == OK
            assert len(here.stored) == 4

    run(scenario)


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/v1/track", b"", 400, "bad_json"),
        ("/v1/track", b"{", 400, "bad_json"),
        ("/v1/track", b"[]", 400, "not_an_object"),
        ("/v1/track", b'{"a":NaN}', 400, "bad_json"),
        ("/v1/track", b'{"a":1e400}', 400, "bad_json"),
        ("/v1/track", b'{"a":"\\u0000"}', 400, "nul_character"),
        ("/v1/track", b"[" * 10_000, 400, "too_deep"),
        ("/v1/track", b" " * (MOST_EVENT_BYTES + 1), 413, "event_too_large"),
        ("/v1/track", [b" " * 1000] * 40, 413, "event_too_large"),
        ("/v1/batch", b"{}", 400, "bad_batch"),
        ("/v1/batch", b" " * (MOST_BATCH_BYTES + 1), 413, "batch_too_large"),
        ("/v1/batch", [b" " * 100_000] * 1_000, 413, "batch_too_large"),
        ("/v1/batch", b'{"batch":[],"context":{"a":"%s"}}' % (b"x" * MOST_SHARED_BYTES), 413, "shared_too_large"),
        ("/v1/batch", b'{"batch":[],"context":{"a":"\\u0000"}}', 400, "nul_character"),
        ("/v1/batch", b'{"batch":[],"context":%s}' % (b"[" * 16 + b"]" * 16), 400, "too_deep"),
        ("/v1/batch", b'{"batch":[],"integrations":{"a":%s}}' % (b"9" * 60), 400, "number_out_of_range"),
        ("/v1/batch", b'{"batch":[],"context":{"a":NaN}}', 400, "bad_json"),
        ("/v1/batch", b'{"batch":[],"sentAt":1e400}', 400, "bad_json"),
    ],
)
def test_body_that_cannot_be_kept_is_refused(path: str, body: Any, status: int, code: str) -> None:
    async def scenario() -> None:
        async with world() as here:
            answer = await here.post(path, body, key=SERVER.key)
            assert (answer.status, answer.code, here.stored) == (status, code, [])

    run(scenario)


def test_announced_length_is_refused_before_the_body_is_read() -> None:
    async def scenario() -> None:
        async with world() as here:
            headers = [(b"content-length", b"100000000")]
            answer = await call(here.app, "/v1/batch", b"", headers=headers, key=SERVER.key, stall=True)
            assert answer is not None
            assert (answer.status, answer.headers["connection"]) == (413, "close")

    run(scenario)


@pytest.mark.parametrize("length", [b"-1", b"abc", b"\xb2", b"1e9", b"9" * 5000])
def test_odd_content_length_is_no_error_of_ours(length: bytes) -> None:
    async def scenario() -> None:
        async with world() as here:
            answer = await here.post("/v1/track", EVENT, headers=[(b"content-length", length)], key=SERVER.key)
            assert answer.status == (413 if length == b"9" * 5000 else 200)

    run(scenario)


def test_slow_body_is_cut_off() -> None:
    async def scenario() -> None:
        async with world(body_seconds=0.01) as here:
            answer = await call(here.app, "/v1/track", b"{", key=SERVER.key, stall=True)
            assert answer is not None
            assert (answer.status, answer.code, answer.headers["connection"]) == (408, "body_too_slow", "close")

    run(scenario)


def test_sender_that_hangs_up_gets_no_answer_and_stores_nothing() -> None:
    async def scenario() -> None:
        async with world() as here:
            assert await call(here.app, "/v1/track", b"{}", key=SERVER.key, hang_up=True) is None
            assert here.stored == []

    run(scenario)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ([(b"content-encoding", b"gzip")], packed(json.dumps(EVENT).encode())),
        ([(b"content-encoding", b"GZIP")], packed(json.dumps(EVENT).encode())),
        ([(b"content-type", b"application/json; charset=utf-16")], json.dumps(EVENT).encode("utf-16")),
        ([(b"content-type", b'application/json; charset="ISO-8859-1"; x=y')], json.dumps(EVENT).encode("latin-1")),
        ([(b"content-type", b"application/json")], json.dumps(EVENT).encode("utf-8-sig")),
        (
            [(b"content-encoding", b"gzip"), (b"content-type", b"text/plain; Charset=utf-16le")],
            packed(json.dumps(EVENT).encode("utf-16-le")),
        ),
    ],
)
def test_packed_and_differently_encoded_bodies_are_stored_as_utf8(
    headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    async def scenario() -> None:
        async with world() as here:
            answer = await here.post("/v1/track", body, headers=headers, key=SERVER.key)
            assert (answer.status, [item.body for item in here.stored]) == (200, [json.dumps(EVENT).encode()])

    run(scenario)


def test_gzip_bomb_is_413() -> None:
    async def scenario() -> None:
        async with world() as here:
            body = packed(b" " * 200_000_000)
            answer = await here.post("/v1/batch", body, headers=[(b"content-encoding", b"gzip")], key=SERVER.key)
            assert (answer.status, answer.code, here.stored) == (413, "batch_too_large", [])

    run(scenario)


def test_empty_batch_is_fine_and_stores_nothing() -> None:
    async def scenario() -> None:
        async with world() as here:
            answer = await here.post("/v1/batch", {"batch": []}, key=SERVER.key)
            assert (answer.status, here.stored) == (200, [])

    run(scenario)


# --- limits (attack A44) ---


def test_key_over_its_rate_is_429_until_it_paused() -> None:
    async def scenario() -> None:
        slow = WriteKey(key="slow", source="slow", kind="server", rate_per_second=100)
        async with world(slow, SERVER) as here:
            batch = {"batch": [EVENT] * 600}
            assert [(await here.post("/v1/batch", batch, key="slow")).status for _ in range(2)] == [200, 200]
            answer = await here.post("/v1/track", EVENT, key="slow")
            assert (answer.status, answer.code, answer.headers["retry-after"]) == (429, "rate_limited", "3")
            assert (await here.post("/v1/track", EVENT, key=SERVER.key)).status == 200
            here.clock.seconds += 2.5
            assert (await here.post("/v1/track", EVENT, key="slow")).status == 200
            assert [item.source for item in here.stored] == ["slow", "slow", "till", "slow"]

    run(scenario)


def test_one_address_cannot_use_up_a_public_key() -> None:
    async def scenario() -> None:
        key = WriteKey(key="pub", source="shop", kind="public", rate_per_address=1)
        async with world(key) as here:
            batch = {"batch": [EVENT] * 1_000}
            statuses = [
                (await here.post("/v1/batch", batch, key="pub", client=client)).status
                for client in ("192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.1")
            ]
            assert statuses == [200, 429, 200, 429]

    run(scenario)


def test_addresses_are_remembered_in_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    from kundenkreis.events import tracking

    async def scenario() -> None:
        monkeypatch.setattr(tracking, "MOST_ADDRESSES", 10)
        key = WriteKey(key="pub", source="shop", kind="public", rate_per_address=1)
        async with world(key) as here:
            batch = {"batch": [EVENT] * 1_001}
            statuses = []
            for i in range(100):
                await here.post("/v1/track", EVENT, key="pub", client=f"198.51.100.{i}")
                if i % 5 == 0:
                    statuses.append((await here.post("/v1/batch", batch, key="pub", client="192.0.2.1")).status)
            assert statuses == [200] + [429] * 19
            limits = here.app._addresses
            assert (len(limits._young) <= 10, len(limits._old) <= 10) == (True, True)

    run(scenario)


@pytest.mark.parametrize("status", ["full", "refuses", "not started"])
def test_events_that_cannot_be_stored_are_503_with_a_pause(status: str) -> None:
    async def scenario() -> None:
        async with world(bounds={"most_waiting": 0} if status == "full" else {}) as here:
            here.inbox.refuses = status == "refuses"
            if status == "not started":
                await here.app.shutdown()
            answer = await here.post("/v1/track", EVENT, key=SERVER.key)
            assert (answer.status, answer.code, answer.headers["retry-after"]) == (503, "not_stored", "1")
            here.inbox.refuses = False
            if status == "refuses":
                assert (await here.post("/v1/track", EVENT, key=SERVER.key)).status == 200

    run(scenario)


# --- browsers ---


def test_preflight_lets_any_page_ask_but_names_no_key() -> None:
    async def scenario() -> None:
        async with world() as here:
            headers = [(b"origin", b"https://shop.example"), (b"access-control-request-method", b"POST")]
            answer = await here.post("/v1/t", b"", method="OPTIONS", headers=headers)
            assert (answer.status, answer.body) == (204, b"")
            assert answer.headers["access-control-allow-origin"] == "*"
            assert answer.headers["access-control-allow-methods"] == "POST"
            allowed = answer.headers["access-control-allow-headers"].split(", ")
            assert allowed == ["authorization", "content-type", "content-encoding", "x-retry-count"]
            assert "access-control-allow-credentials" not in answer.headers

    run(scenario)


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (b"https://shop.example", 200),
        (b"https://evil.example", 403),
        (b"null", 403),
        (b"https://shop.example.evil", 403),
        (None, 200),
    ],
)
def test_key_may_be_tied_to_origins(origin: bytes | None, status: int) -> None:
    async def scenario() -> None:
        key = WriteKey(key="pub", source="shop", kind="public", allowed_origins=("https://shop.example",))
        async with world(key) as here:
            headers = [(b"origin", origin)] if origin else []
            for answer in (
                await here.post("/v1/t", EVENT, headers=headers, key="pub"),
                await here.post("/v1/t", {**EVENT, "writeKey": "pub"}, headers=headers),
            ):
                assert answer.status == status
                assert answer.headers["access-control-allow-origin"] == "*"

    run(scenario)


# --- nothing else ---


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH"])
def test_only_post_is_served(method: str) -> None:
    async def scenario() -> None:
        async with world() as here:
            answer = await here.post("/v1/track", EVENT, method=method, key=SERVER.key)
            assert (answer.status, answer.headers["allow"], here.stored) == (405, "POST, OPTIONS", [])

    run(scenario)


@pytest.mark.parametrize(
    ("path", "is_ours"),
    [
        ("/", False), ("/v1", False), ("/v1/", True), ("/v1/tracks", True), ("/v1/track//", True), ("/v1/../v1/track", True), 
        ("/V1/track", False), ("/v1/m", True)],
)  # fmt: skip
def test_unknown_path_is_404_or_the_fallbacks(path: str, *, is_ours: bool) -> None:
    """A mistyped path of the tracking API gets an answer for programs, whatever pages lie behind it."""

    async def fallback(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 299, "headers": []})
        await send({"type": "http.response.body", "body": scope["path"].encode()})

    async def scenario() -> None:
        async with world() as here:
            refused = await here.post(path, EVENT, key=SERVER.key)
            assert (refused.status, json.loads(refused.body)["code"]) == (404, "not_found")
        async with world(fallback=fallback) as here:
            answer = await here.post(path, EVENT, key=SERVER.key)
            assert (answer.status, answer.body) == ((404, refused.body) if is_ours else (299, path.encode()))
            assert (await here.post("/v1/track", EVENT, key=SERVER.key)).status == 200

    run(scenario)


@pytest.mark.parametrize(
    ("asked", "others"),
    [
        (b"anonymousid,authorization,content-type", ["anonymousid"]),
        (b"Content-Type, RSA-Since-Last-Attempt ,rsa-retry-attempt", ["rsa-retry-attempt", "rsa-since-last-attempt"]),
        (b"", []),
        (b"*, a b, x:y, \xe4, " + b"x" * 65, []),
        (b",".join(b"x-%d" % i for i in range(100, 400)), [f"x-{i}" for i in range(100, 270)] + ["x-27"]),
    ],
    ids=["rudderstack", "its-retry", "none", "no-names", "too-many"],
)
def test_preflight_allows_the_headers_that_other_libraries_bring(asked: bytes, others: list[str]) -> None:
    async def scenario() -> None:
        async with world() as here:
            headers = [(b"origin", b"https://shop.example"), (b"access-control-request-headers", asked)]
            answer = await here.post("/v1/track", b"", method="OPTIONS", headers=headers)
            usual = ["authorization", "content-type", "content-encoding", "x-retry-count"]
            assert answer.headers["access-control-allow-headers"].split(", ") == usual + others
            assert answer.headers["vary"] == "access-control-request-headers"

    run(scenario)


def test_keys_are_loaded_again_when_they_changed() -> None:
    async def scenario() -> None:
        async with world(SERVER) as here:
            assert (await here.post("/v1/track", EVENT, key="new")).status == 401
            here.keys, here.version = [WriteKey(key="new", source="new", kind="server")], 2
            here.clock.seconds += 1.1
            assert (await here.post("/v1/track", EVENT, key="new")).status == 200
            assert (await here.post("/v1/track", EVENT, key=SERVER.key)).status == 401

    run(scenario)


def test_answer_comes_after_commit_and_points_say_where(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        passed: list[str] = []
        async with world(point=passed.append) as here:
            here.inbox._point = passed.append
            await here.post("/v1/track", EVENT, key=SERVER.key)
        assert passed == ["inbox.before_commit", "inbox.after_commit", "inbox.before_answer", "inbox.after_answer"]

    run(scenario)


def test_keys_are_in_no_log_and_no_answer(caplog: pytest.LogCaptureFixture) -> None:
    """Attack A42, and A43: nothing that a sender wrote is in a log line either."""
    caplog.set_level(logging.DEBUG)
    hostile = "\r\nERROR forged line \x1b[31m"

    async def scenario() -> None:
        answers = []
        async with world(bounds={"most_waiting": 5}) as here:
            for body in (EVENT, {**EVENT, "writeKey": PUBLIC.key, "event": hostile}, b"{" + PUBLIC.key.encode()):
                for headers in ([], [basic(SERVER.key)], [basic("canary_unknown" + hostile)]):
                    answers.append(await here.post("/v1/track", body, headers=headers))
            here.inbox.refuses = True
            answers.append(await here.post("/v1/track", {**EVENT, "event": hostile}, key=SERVER.key))
            here.inbox._point = lambda _: 1 / 0  # type: ignore[assignment,return-value]  # a bug in the store
            here.inbox.refuses = False
            answers.append(await here.post("/v1/track", {**EVENT, "event": hostile}, key=SERVER.key))
        assert sorted({answer.status for answer in answers}) == [200, 400, 401, 503]
        assert [answer for answer in answers if b"canary" in answer.body or b"forged" in answer.body] == []

    run(scenario)
    assert "inbox refuses" in caplog.text
    assert "canary" not in caplog.text
    assert "forged" not in caplog.text


def test_lifespan_opens_and_closes_the_inbox() -> None:
    async def scenario() -> None:
        here = World([SERVER])
        messages = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
        sent: list[Any] = []

        async def receive() -> Any:
            if len(messages) == 1:
                sent.append((await here.post("/v1/track", EVENT, key=SERVER.key)).status)
            return messages.pop(0)

        async def send(message: Any) -> None:
            sent.append(message["type"])

        await here.app({"type": "lifespan"}, receive, send)
        assert sent == ["lifespan.startup.complete", 200, "lifespan.shutdown.complete"]
        assert (await here.post("/v1/track", EVENT, key=SERVER.key)).status == 503

    run(scenario)
