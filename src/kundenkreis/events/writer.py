"""Group commit: everything that waits goes into one transaction, then everybody who waits is told.

Under load the transaction of one commit collects the requests of the next, so an fsync is shared by dozens of
requests without any timer. One thread writes for both stores: the driver lets go of the interpreter while it waits
for the disk or the server, and one code path is one thing to test.
"""

import asyncio
import logging
import threading
from collections.abc import Callable

from kundenkreis.events.core.inbox_item import InboxItem
from kundenkreis.events.errors import InboxFullError, InboxUnavailableError
from kundenkreis.events.inbox import Inbox

MOST_WAITING = 20_000
"""Requests that may wait for the store. More is refused: waiting longer helps nobody, the sender repeats."""

MOST_WAITING_BYTES = 64 * 1024 * 1024
"""The same bound for memory: 20,000 full batches would be 10 GB."""

MOST_PER_COMMIT = 4_000
"""Requests in one transaction, so that a backlog does not make those behind it wait for one huge commit."""

_logger = logging.getLogger(__name__)

_Waiting = tuple[InboxItem, "asyncio.Future[None]"]


class InboxWriter:
    """Stores requests for the tracking application. Created and used on one event loop; owns one thread.

    Args:
        inbox: opened and used by the writer's thread only.
        notify: called in that thread after each commit; wakes the resolver. Must not block.
    """

    def __init__(
        self,
        inbox: Inbox,
        *,
        notify: Callable[[], None] = lambda: None,
        most_waiting: int = MOST_WAITING,
        most_waiting_bytes: int = MOST_WAITING_BYTES,
    ) -> None:
        self._inbox = inbox
        self._notify = notify
        self._most_waiting = most_waiting
        self._most_waiting_bytes = most_waiting_bytes
        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)
        self._waiting: list[_Waiting] = []
        self._count = 0
        self._bytes = 0
        self._idle = False
        self._closing = False
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="inbox-writer", daemon=True)
        self._thread.start()

    def submit(self, item: InboxItem) -> "asyncio.Future[None]":
        """Queue a request; the future is done when it is durable, or fails with InboxUnavailableError.

        Raises:
            InboxFullError: too much waits already, or the writer is closing.
        """
        size = len(item.body)
        # The sender's task may be cancelled meanwhile; the item is written all the same: nobody was promised that it is not.
        future = self._loop.create_future()
        with self._lock:
            if self._closing or self._count >= self._most_waiting or self._bytes + size > self._most_waiting_bytes:
                raise InboxFullError
            self._waiting.append((item, future))
            self._count += 1
            self._bytes += size
            if self._idle:
                self._idle = False
                self._work.notify()
        return future

    @property
    def waiting(self) -> int:
        """Requests taken but not yet durable."""
        return self._count

    async def close(self) -> None:
        """Store what waits, then end the thread and close the inbox. New submissions are refused at once."""
        with self._lock:
            self._closing = True
            self._idle = False
            self._work.notify()
        await self._loop.run_in_executor(None, self._thread.join)
        # The thread's last answers were handed to the loop before it ended; let them be given.
        await asyncio.sleep(0)

    def _run(self) -> None:
        try:
            while taken := self._take():
                self._store(taken)
        finally:
            self._inbox.close()

    def _take(self) -> list[_Waiting]:
        """Everything that waits, at most one commit's worth; blocks while nothing does; empty when closing."""
        with self._lock:
            while not self._waiting and not self._closing:
                self._idle = True
                self._work.wait()
            taken, self._waiting = self._waiting[:MOST_PER_COMMIT], self._waiting[MOST_PER_COMMIT:]
            return taken

    def _store(self, taken: list[_Waiting]) -> None:
        failure: InboxUnavailableError | None = None
        try:
            self._inbox.append([item for item, _ in taken])
        except InboxUnavailableError as error:
            _logger.error("inbox refuses: %s", error.data.get("reason", error.code))
            failure = error
        except Exception as error:  # the edge of the thread: whatever happens, those who wait get an answer
            _logger.exception("inbox failed")
            failure = InboxUnavailableError(reason=type(error).__name__)
        with self._lock:
            self._count -= len(taken)
            self._bytes -= sum(len(item.body) for item, _ in taken)
        if failure is None:
            self._wake()
        futures = [future for _, future in taken]
        try:
            self._loop.call_soon_threadsafe(_answer, futures, failure)
        except RuntimeError:  # the loop is closed: nobody is left to hear it
            _logger.warning("%d answers came after the end of the event loop", len(futures))

    def _wake(self) -> None:
        try:
            self._notify()
        except Exception:  # a resolver that cannot be woken finds the rows later; the senders must get their answer
            _logger.exception("the resolver could not be woken")


def _answer(futures: list["asyncio.Future[None]"], failure: InboxUnavailableError | None) -> None:
    for future in futures:
        if future.done():  # cancelled: its sender is gone
            continue
        if failure is None:
            future.set_result(None)
        else:
            future.set_exception(failure)
