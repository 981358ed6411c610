"""From requests in the inbox to messages on their way to the log; ahead of the worker where it waits for the disk."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

import msgspec

from kundenkreis.events.core.inbox_item import InboxItem
from kundenkreis.events.core.messages import Malformed, Message, read_item
from kundenkreis.kernel.ids import Micros
from kundenkreis.runtime.admission import Admission
from kundenkreis.runtime.resolver import Arrival, quarantine
from kundenkreis.runtime.stores.session import Session

MOST_BYTES = 8_000_000
"""Of the requests of one batch."""


class ReadableInbox(Protocol):
    """The reading side of the SQLite inbox."""

    def read(self, after: int, *, most_items: int, most_bytes: int) -> list[tuple[int, InboxItem]]: ...
    def prune(self, up_to: int) -> int: ...
    def close(self) -> None: ...


class Reading(msgspec.Struct):
    """Requests, read and checked."""

    arrivals: list[Arrival]
    malformed: list[tuple[Malformed, int, str, bool]]
    """(what, received_us, source, whether by a public key)."""
    first_after: int = 0
    """The position behind which they stand."""
    last: int = 0
    """Position of the last one, `first_after` if there is none."""
    is_all: bool = True
    """Nothing more stood in the inbox."""


def read_requests(
    items: Sequence[tuple[int, InboxItem]], *, late_after_us: Micros, admission: Admission | None = None
) -> Reading:
    """Read requests into messages; nothing is written."""
    rules = admission if admission is not None else Admission()
    arrivals: list[Arrival] = []
    malformed: list[tuple[Malformed, int, str, bool]] = []
    for position, item in items:
        secret = rules.identity_secret(item.source) if item.public else ""
        read = read_item(
            item, late_after_us=late_after_us, future_tolerance_us=rules.future_tolerance_us, event_bytes=rules.event_bytes,
            identity_secret=secret,
        )  # fmt: skip
        for message in read:
            if isinstance(message, Message):
                arrivals.append(Arrival(message, item.received_us, item.source, position=position))
            else:
                malformed.append((message, item.received_us, item.source, item.public))
    return Reading(arrivals, malformed)


def read_arrivals(
    tx: Session, items: Sequence[tuple[int, InboxItem]], *, late_after_us: Micros, admission: Admission | None = None
) -> list[Arrival]:
    """Read requests into messages; what cannot be read is quarantined with its reason."""
    reading = read_requests(items, late_after_us=late_after_us, admission=admission)
    quarantine(tx, reading.malformed)
    return reading.arrivals


class ReadRequests(Protocol):
    """`read_requests`, or what answers the same for requests that it knows."""

    def __call__(
        self, items: Sequence[tuple[int, InboxItem]], *, late_after_us: Micros, admission: Admission | None = None
    ) -> Reading: ...


class Reader:
    """Reads the inbox of one worker, in its thread or ahead of it.

    Args:
        inbox: for the worker's own thread.
        open_another: another reading end of the same inbox, for the thread that reads ahead; None: nothing is read ahead.
    """

    def __init__(
        self, inbox: ReadableInbox, *, late_after_us: Micros, admission: Admission,
        open_another: Callable[[], ReadableInbox] | None = None, read_requests: ReadRequests = read_requests,
    ) -> None:  # fmt: skip
        self._inbox = inbox
        self._read_requests = read_requests
        self._late_after_us = late_after_us
        self._admission = admission
        self._open_another = open_another
        self._other: ReadableInbox | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._ahead: Future[Reading] | None = None

    def read(self, after: int, *, most_items: int) -> Reading:
        """The requests behind this position: what was read ahead, if it begins there, or else what stands there now."""
        if self._ahead is not None:
            begun, self._ahead = self._ahead, None
            ahead = begun.result()
            if ahead.first_after == after and ahead.last > after:
                # What came since may be older than now: this is not the end of the inbox.
                ahead.is_all = False
                return ahead
        return self._read(self._inbox, after, most_items)

    def read_ahead(self, after: int, *, most_items: int) -> None:
        """Begin to read what the next batch will ask for, in another thread: while a commit waits for the disk, nobody else computes."""
        if self._open_another is None or self._ahead is not None:
            return
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="reads-ahead")
        self._ahead = self._thread.submit(self._read_in_thread, after, most_items)

    def close(self) -> None:
        """End the thread."""
        if self._thread is not None:
            self._thread.submit(self._close_other)
            self._thread.shutdown()
            self._thread = None

    def _close_other(self) -> None:
        if self._other is not None:
            self._other.close()
            self._other = None

    def _read_in_thread(self, after: int, most_items: int) -> Reading:
        if self._other is None:
            assert self._open_another is not None
            self._other = self._open_another()
        return self._read(self._other, after, most_items)

    def _read(self, inbox: ReadableInbox, after: int, most_items: int) -> Reading:
        items = inbox.read(after, most_items=most_items, most_bytes=MOST_BYTES)
        reading = self._read_requests(items, late_after_us=self._late_after_us, admission=self._admission)
        reading.first_after, reading.last = after, items[-1][0] if items else after
        reading.is_all = len(items) < most_items
        return reading
