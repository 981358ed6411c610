"""What the settings say about events coming in is what the tracking API and the worker of an installation do."""

import asyncio
import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from kundenkreis.events.core.inbox_item import InboxItem
from kundenkreis.events.tracking import AsgiApp
from kundenkreis.kernel.zones import MINUTE, iso
from kundenkreis.runtime.installation import Installation
from kundenkreis.runtime.web import tracking_app
from kundenkreis.settings import Settings
from tests.events.asgi import Answer, basic, call
from tests.runtime.town import START_US, Town

pytestmark = pytest.mark.db


def event(size_bytes: int) -> bytes:
    """One event of this many bytes."""
    head = b'{"type":"track","userId":"u","event":"Signed Up","properties":{"x":"'
    return head + b"x" * (size_bytes - len(head) - 3) + b'"}}'


def batch(events: int) -> bytes:
    """That many small events."""
    return b'{"batch":[' + b",".join([b'{"type":"track","userId":"u","event":"E"}'] * events) + b"]}"


def answers(folder: Path, posted: Sequence[tuple[str, bytes]], **settings: Any) -> list[tuple[int, str, str]]:
    """(status, code, message) of each request to an installation with these settings."""
    installation = Installation(Settings(data_dir=folder, **settings))
    try:
        (key,) = installation.ensure_write_keys([("shop", "server")])
        app = tracking_app(installation)

        async def scenario() -> list[Answer | None]:
            await app.startup()
            try:
                return [await call(app, path, body, headers=[basic(key.key)]) for path, body in posted]
            finally:
                await app.shutdown()

        found = asyncio.run(scenario())
    finally:
        installation.close()
    bodies = [(one.status, json.loads(one.body)) for one in found if one is not None]
    return [(status, body.get("code", ""), body.get("message", "")) for status, body in bodies]


def test_event_and_batch_have_the_size_that_the_settings_say(tmp_path: Path) -> None:
    posted = [
        ("/v1/track", event(2048)),
        ("/v1/track", event(2049)),
        ("/v1/batch", batch(90)),
        ("/v1/batch", batch(110)),
    ]
    small = answers(tmp_path / "small", posted, event_limit_bytes=2048, batch_limit_bytes=4096)
    assert small == [
        (200, "", ""),
        (413, "event_too_large", "One event may have 2 KB."),
        (200, "", ""),
        (413, "batch_too_large", "One batch may have 4 KB."),
    ]
    posted = [("/v1/track", event(40_000)), ("/v1/track", event(40_001)), ("/v1/batch", b" " * 600_000 + batch(1))]
    large = answers(tmp_path / "large", posted, event_limit_bytes=40_000, batch_limit_bytes=1024 * 1024)
    assert large == [(200, "", ""), (413, "event_too_large", "One event may have 40000 bytes."), (200, "", "")]


def test_a_key_without_a_rate_of_its_own_has_that_of_the_settings(tmp_path: Path) -> None:
    """A batch may go into debt, which takes a quarter of an hour to pay back here."""
    posted = [("/v1/batch", batch(999)), ("/v1/batch", batch(999)), ("/v1/track", event(100))]
    found = answers(tmp_path / "slow", posted, key_rate_per_second=1)
    assert [status for status, _, _ in found] == [200, 200, 429]
    assert [status for status, _, _ in answers(tmp_path / "free", posted)] == [200, 200, 200]


def test_the_queue_is_as_long_as_the_settings_say(tmp_path: Path) -> None:
    """While the disk takes nothing, a hundred requests wait and the others are told to come back."""
    disk = threading.Event()

    def point(name: str) -> None:
        if name == "inbox.before_commit":
            assert disk.wait(60)

    installation = Installation(Settings(data_dir=tmp_path, queue_limit_events=100), point=point)
    (key,) = installation.ensure_write_keys([("shop", "server")])
    app = tracking_app(installation)

    async def scenario() -> list[int]:
        await app.startup()
        requests = [asyncio.create_task(post(app, key.key)) for _ in range(130)]
        _, waiting = await asyncio.wait(requests, return_when=asyncio.FIRST_COMPLETED)
        while len(waiting) > 100:
            _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        disk.set()
        statuses = await asyncio.gather(*requests)
        await app.shutdown()
        return sorted(statuses)

    try:
        assert asyncio.run(scenario()) == [200] * 100 + [503] * 30
    finally:
        installation.close()


async def post(app: AsgiApp, key: str) -> int:
    """Send one event; the status of the answer."""
    answer = await call(app, "/v1/track", event(100), headers=[basic(key)])
    assert answer is not None
    return answer.status


def test_the_worker_takes_what_the_api_took(tmp_path: Path) -> None:
    """An event larger than usual, and one that claims to be an hour ahead."""
    town = Town(tmp_path)
    for settings, happened_us, refused in (
        (Settings(data_dir=tmp_path), START_US, ["event_too_large"]),
        (Settings(data_dir=tmp_path, event_limit_bytes=64 * 1024, ahead_minutes=60), START_US + 30 * MINUTE, []),
    ):
        town.close()
        town.installation = Installation(settings, clock=town.clock)
        town.inbox, town.worker = town.installation.open_inbox(), town.installation.open_worker()
        ahead = {
            "userId": "u",
            "event": "Ahead",
            "messageId": f"a{happened_us}",
            "timestamp": iso(START_US + 30 * MINUTE),
        }
        town.inbox.append([
            InboxItem(START_US, "shop", False, "track", event(40_000)),
            InboxItem(START_US, "shop", False, "track", json.dumps(ahead).encode()),
        ])  # fmt: skip
        town.run()
        with town.installation.store.reading() as tx:
            assert [row[0] for row in tx.rows("SELECT code FROM quarantined_events WHERE replayed_us = 0")] == refused
            newest = tx.rows("SELECT happened_us FROM log WHERE name = 'Ahead' ORDER BY number DESC LIMIT 1")
        with town.installation.store.transaction("test") as tx:
            tx.run("DELETE FROM quarantined_events")
        assert newest == [(happened_us,)]
    town.close()
