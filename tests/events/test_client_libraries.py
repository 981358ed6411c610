"""Segment's own client libraries, pointed at our host and otherwise as they come: what arrives equals what was sent."""

import base64
import json
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import segment.analytics.request
from segment.analytics.client import Client

from kundenkreis.events.core.inbox_item import InboxItem
from kundenkreis.events.core.messages import Malformed, Message, read_item
from kundenkreis.events.inbox import SqliteInbox
from tests.events.server import PUBLIC_KEY, SERVER_KEY, running

pytestmark = pytest.mark.e2e

NODE = Path(__file__).parents[1] / "node"


@pytest.fixture
def python_client_session() -> Iterator[None]:
    """The Python library keeps one HTTP session for the process; close it, so that no socket outlives its test."""
    yield
    segment.analytics.request._session.close()


def stored(path: Path) -> list[InboxItem]:
    """The requests in the inbox."""
    inbox = SqliteInbox(path)
    found = [item for _, item in inbox.read(0, most_items=10_000, most_bytes=10**9)]
    inbox.close()
    return found


def messages(path: Path) -> list[Message]:
    """The events in the inbox; all are well formed."""
    found: list[Message] = []
    for item in stored(path):
        for one in read_item(item):
            assert type(one) is Message, one
            found.append(one)
    return found


def python_calls(client: Client) -> list[dict[str, Any]]:
    """One call of each kind; what the library says it queued."""
    who = {"user_id": "python-user-1", "anonymous_id": "python-anonymous-1"}
    calls = [
        client.identify(**who, traits={"email": "anna@example.org", "firstName": "Änne", "age": 41, "born": datetime(1985, 5, 1, tzinfo=UTC)}),
        client.track(
            **who, event="Order Completed", timestamp=datetime.now(UTC), context={"locale": "de-DE"},
            properties={"order_id": "P-1", "total": 119.9, "currency": "EUR", "products": [{"product_id": "P-1", "price": 12.5, "quantity": 2}]},
        ),
        client.page(**who, category="Docs", name="Home", properties={"url": "https://shop.example/?q=ä"}),
        client.page(**who),
        client.screen(**who, name="Willkommen ☕", properties={"width": 320}),
        client.group(**who, group_id="company-1", traits={"name": "Beispiel GmbH", "employees": 12}),
        client.alias(previous_id="python-anonymous-1", user_id="python-user-1"),
        client.track(user_id=4711, event="Signed Up", message_id="own-message-id", integrations={"All": True}),
    ]  # fmt: skip
    assert [success for success, _ in calls] == [True] * len(calls)
    return [json.loads(json.dumps(message, cls=segment.analytics.request.DatetimeSerializer)) for _, message in calls]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("sync_mode", [False, True])
@pytest.mark.usefixtures("python_client_session")
def test_python_library(tmp_path: Path, packed: bool, sync_mode: bool) -> None:
    failures: list[Any] = []
    path = tmp_path / "inbox.db"
    with running("--sqlite", str(path)) as (_, port):
        client = Client(
            SERVER_KEY,
            host=f"http://127.0.0.1:{port}",
            gzip=packed,
            sync_mode=sync_mode,
            on_error=lambda error, items: failures.append(error),
        )
        sent = python_calls(client)
        if not sync_mode:
            client.shutdown()
    found = messages(path)
    assert failures == []
    assert [message.body for message in found] == sent
    assert [message.type for message in found] == [
        "identify",
        "track",
        "page",
        "page",
        "screen",
        "group",
        "alias",
        "track",
    ]
    assert [message.message_id for message in found] == [message["messageId"] for message in sent]
    assert found[-1].user_id == "4711"
    assert {item.source for item in stored(path)} == {"server"}


@pytest.mark.usefixtures("python_client_session")
def test_python_library_pauses_when_asked_to_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "inbox.db"
    with running("--sqlite", str(path), "--rate", "1000") as (_, port):
        client = Client(SERVER_KEY, host=f"http://127.0.0.1:{port}", upload_interval=0.05)
        for i in range(2_600):
            client.track(user_id="u-1", event="Feature Used", properties={"feature": "export", "i": i})
        client.shutdown()
    # The library queues a refused batch again behind the others, so only the order may differ.
    assert sorted(message.body["properties"]["i"] for message in messages(path)) == list(range(2_600))


@pytest.fixture(scope="session")
def node_library() -> Path:
    """Segment's library for Node, installed from the lock file."""
    npm = shutil.which("npm")
    assert npm is not None, "this test needs Node 20 or newer with npm"
    if not (NODE / "node_modules" / "@segment" / "analytics-node").exists():
        subprocess.run([npm, "ci", "--no-audit", "--no-fund"], cwd=NODE, check=True, capture_output=True)
    return NODE / "send.mjs"


def test_node_library(tmp_path: Path, node_library: Path) -> None:
    path = tmp_path / "inbox.db"
    with running("--sqlite", str(path)) as (_, port):
        command = ["node", str(node_library), f"http://127.0.0.1:{port}", SERVER_KEY]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    *bodies, last = [json.loads(line) for line in done.stdout.splitlines()]
    assert last == {"errors": []}
    # Requests go out in parallel, so they are compared by the message they begin with.
    assert sorted((json.loads(item.body) for item in stored(path)), key=_first) == sorted(bodies, key=_first)
    sent = {message["messageId"]: message for body in bodies for message in body["batch"]}
    found = messages(path)
    assert {message.message_id: message.body for message in found} == sent
    assert len(found) == len(sent) == 37
    kinds = sorted({message.type for message in found})
    assert kinds == ["alias", "group", "identify", "page", "screen", "track"]
    assert "own-message-id" in sent


def _first(body: dict[str, Any]) -> str:
    return str(body["batch"][0]["messageId"])


def test_library_for_web_pages_as_it_puts_calls_on_the_wire(tmp_path: Path) -> None:
    """Short paths, text/plain, a Basic header, or as a beacon only the key in the body.

    Source: fetch-dispatcher and batched-dispatcher of @segment/analytics-next, read November 2026.
    """
    import http.client

    path = tmp_path / "inbox.db"
    common = {
        "anonymousId": "web-1", "userId": None, "writeKey": PUBLIC_KEY, "integrations": {},
        "context": {"page": {"path": "/", "title": "Start", "url": "https://shop.example/"}, "timezone": "Europe/Berlin"},
        "sentAt": "2026-11-21T10:00:01.000Z", "timestamp": "2026-11-21T10:00:00.000Z",
        "_metadata": {"bundled": [], "unbundled": [], "bundledIds": []},
    }  # fmt: skip
    calls = [
        ("/v1/p", {**common, "type": "page", "properties": {"title": "Start"}, "messageId": "w-1"}),
        ("/v1/t", {**common, "type": "track", "event": "Product Viewed", "properties": {"price": 5}, "messageId": "w-2"}),
        ("/v1/i", {**common, "type": "identify", "traits": {"plan": "pro"}, "messageId": "w-3"}),
        ("/v1/g", {**common, "type": "group", "groupId": "g-1", "messageId": "w-4"}),
        ("/v1/a", {**common, "type": "alias", "userId": "u", "previousId": "web-1", "messageId": "w-5"}),
        ("/v1/b", {"writeKey": PUBLIC_KEY, "sentAt": common["sentAt"], "batch": [
            {**common, "type": "screen", "name": "Start", "messageId": "w-6"},
        ]}),
    ]  # fmt: skip
    with running("--sqlite", str(path)) as (_, port):
        for with_header in (True, False):
            for endpoint, body in calls:
                headers = {"Content-Type": "text/plain", "Origin": "https://shop.example"}
                if with_header:
                    headers["Authorization"] = "Basic " + base64.b64encode(f"{PUBLIC_KEY}:".encode()).decode()
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
                connection.request("POST", endpoint, json.dumps(body), headers)
                answer = connection.getresponse()
                assert (answer.status, answer.headers["Access-Control-Allow-Origin"], answer.read()) == (
                    200,
                    "*",
                    b'{"success":true}',
                )
                connection.close()
    found = [one for item in stored(path) for one in read_item(item)]
    expected = []
    for _, body in calls:
        for message in body.get("batch", [body]):
            expected.append({key: value for key, value in message.items() if key != "writeKey"})
    assert [type(one) for one in found] == [Message, Message, Message, Message, Malformed, Message] * 2
    assert [json.loads(one.raw) for one in found] == expected * 2
    assert [one.code for one in found if type(one) is Malformed] == ["needs_server_key"] * 2
