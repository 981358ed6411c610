"""Group commit: who waits, who is told what, and that nothing waits for ever."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest

from kundenkreis.events import writer as writer_module
from kundenkreis.events.core.inbox_item import InboxItem
from kundenkreis.events.errors import InboxFullError, InboxUnavailableError
from kundenkreis.events.testing import MemoryInbox
from kundenkreis.events.writer import InboxWriter

pytestmark = pytest.mark.pure


class GatedInbox(MemoryInbox):
    """An inbox whose commits wait at a gate, so that a test decides what queues up behind them."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Semaphore(0)
        self.at_gate = threading.Semaphore(0)
        self.commits: list[int] = []

    def append(self, items: Sequence[InboxItem]) -> None:
        """Wait, then append."""
        self.at_gate.release()
        self.gate.acquire()
        self.commits.append(len(items))
        super().append(items)


def item(body: bytes = b"{}") -> InboxItem:
    """Some request."""
    return InboxItem(1, "shop", False, "track", body)


def run(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a scenario on an event loop of its own."""
    asyncio.run(scenario())


async def arrive(gate: threading.Semaphore) -> None:
    """Wait for the writer's thread to stand at the gate."""
    await asyncio.get_running_loop().run_in_executor(None, gate.acquire)


def test_what_waits_goes_into_one_commit() -> None:
    async def scenario() -> None:
        inbox, woken = GatedInbox(), []
        writer = InboxWriter(inbox, notify=lambda: woken.append(inbox.last_position()))
        first = writer.submit(item())
        await arrive(inbox.at_gate)
        others = [writer.submit(item()) for _ in range(50)]
        assert (writer.waiting, first.done()) == (51, False)
        inbox.gate.release(2)
        await asyncio.gather(first, *others)
        assert (inbox.commits, woken, writer.waiting) == ([1, 50], [1, 51], 0)
        await writer.close()

    run(scenario)


def test_commit_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        monkeypatch.setattr(writer_module, "MOST_PER_COMMIT", 3)
        inbox = GatedInbox()
        writer = InboxWriter(inbox)
        first = writer.submit(item())
        await arrive(inbox.at_gate)
        others = [writer.submit(item(b"%d" % i)) for i in range(7)]
        inbox.gate.release(10)
        await asyncio.gather(first, *others)
        assert inbox.commits == [1, 3, 3, 1]
        assert [found.body for _, found in inbox.read(1, most_items=99, most_bytes=99)] == [b"%d" % i for i in range(7)]
        await writer.close()

    run(scenario)


@pytest.mark.parametrize(
    ("bounds", "body", "fits"),
    [({"most_waiting": 5}, b"{}", 5), ({"most_waiting_bytes": 10}, b"1234", 2)],
)
def test_full_queue_refuses_and_takes_again_when_it_drained(bounds: dict[str, int], body: bytes, fits: int) -> None:
    async def scenario() -> None:
        inbox = GatedInbox()
        writer = InboxWriter(inbox, **bounds)
        futures = [writer.submit(item(body)) for _ in range(fits)]
        for _ in range(3):
            with pytest.raises(InboxFullError):
                writer.submit(item(body))
        inbox.gate.release(100)
        await asyncio.gather(*futures)
        await writer.submit(item(body))
        assert inbox.last_position() == fits + 1
        await writer.close()

    run(scenario)


def test_refusing_store_fails_exactly_those_requests() -> None:
    async def scenario() -> None:
        inbox, woken = GatedInbox(), []
        writer = InboxWriter(inbox, notify=lambda: woken.append(1))
        good = writer.submit(item(b"good"))
        await arrive(inbox.at_gate)
        bad = [writer.submit(item(b"bad")) for _ in range(3)]
        inbox.gate.release()
        await good
        await arrive(inbox.at_gate)
        inbox.refuses = True
        inbox.gate.release()
        failures = await asyncio.gather(*bad, return_exceptions=True)
        assert [type(failure) for failure in failures] == [InboxUnavailableError] * 3
        inbox.refuses = False
        inbox.gate.release()
        await writer.submit(item(b"again"))
        bodies = [found.body for _, found in inbox.read(0, most_items=9, most_bytes=99)]
        assert (bodies, woken, writer.waiting) == ([b"good", b"again"], [1, 1], 0)
        await writer.close()

    run(scenario)


@pytest.mark.parametrize("where", ["append", "notify"])
def test_bug_in_the_store_or_in_waking_does_not_silence_the_writer(
    where: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        def fail(*_: object) -> None:
            raise ZeroDivisionError

        inbox = MemoryInbox()
        if where == "append":
            inbox._point = fail
        writer = InboxWriter(inbox, notify=fail if where == "notify" else lambda: None)
        outcome = (await asyncio.gather(writer.submit(item()), return_exceptions=True))[0]
        assert type(outcome) is (InboxUnavailableError if where == "append" else type(None))
        inbox._point = lambda _: None
        await writer.submit(item())
        await writer.close()
        assert len(inbox.read(0, most_items=9, most_bytes=99)) == (1 if where == "append" else 2)

    run(scenario)
    assert "ZeroDivisionError" in caplog.text


def test_sender_that_is_gone_does_not_disturb_the_others() -> None:
    async def scenario() -> None:
        inbox = GatedInbox()
        writer = InboxWriter(inbox)
        gone, there = writer.submit(item(b"gone")), writer.submit(item(b"there"))
        gone.cancel()
        inbox.gate.release(2)
        await there
        await writer.close()
        assert inbox.backlog() == 2

    run(scenario)


def test_closing_stores_what_waits_and_refuses_what_comes() -> None:
    async def scenario() -> None:
        inbox = GatedInbox()
        writer = InboxWriter(inbox)
        first = writer.submit(item())
        await arrive(inbox.at_gate)
        waiting = [writer.submit(item()) for _ in range(10)]
        closing = asyncio.ensure_future(writer.close())
        await asyncio.sleep(0)
        with pytest.raises(InboxFullError):
            writer.submit(item())
        inbox.gate.release(5)
        await closing
        assert [future.done() for future in (first, *waiting)] == [True] * 11
        assert inbox.backlog() == 11

    run(scenario)


def test_idle_writer_closes_at_once() -> None:
    async def scenario() -> None:
        writer = InboxWriter(MemoryInbox())
        await writer.close()
        with pytest.raises(InboxFullError):
            writer.submit(item())

    run(scenario)
