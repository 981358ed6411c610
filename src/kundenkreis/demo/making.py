"""The year's messages as requests, made by a process of its own: making, checking and folding them share the work of two cores.

That process also reads each request, with the function and the limits by which the worker would: half of the messages are orders of ten lines,
and the worker is what everybody waits for. What it hands over counts only for a request of exactly these bytes; any other that stands in the
inbox the worker reads itself.
"""

import multiprocessing
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from queue import Empty

import msgspec

from kundenkreis.demo.year import messages
from kundenkreis.events.core.inbox_item import InboxItem
from kundenkreis.events.core.messages import Message, read_item
from kundenkreis.kernel.errors import BugError
from kundenkreis.kernel.ids import Micros
from kundenkreis.runtime.admission import Admission
from kundenkreis.runtime.reading import Reading, read_requests
from kundenkreis.runtime.resolver import Arrival

CHUNK = 1_000
"""Messages handed from one process to the other at a time."""


class Limits(msgspec.Struct, frozen=True):
    """What one installation asks of a request."""

    late_after_us: Micros
    future_tolerance_us: Micros
    event_bytes: int


class Made(msgspec.Struct, array_like=True, gc=False):
    """One message of the year as a request, and how it reads."""

    item: InboxItem
    message: Message | None
    """None: something is wrong with it, and the worker is to say what."""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Made]).decode
_END = b""


def in_process(today: date, households: int | None, limits: Limits) -> Iterator[Made]:
    """Every message of the year in the order of receipt, made by a process that ends with this one."""
    context = multiprocessing.get_context("spawn")
    queue: multiprocessing.Queue[bytes] = context.Queue(maxsize=8)
    maker = context.Process(target=_make, args=(queue, today, households, limits), daemon=True)
    maker.start()
    while True:
        try:
            chunk = queue.get(timeout=5)
        except Empty:
            if not maker.is_alive():
                raise BugError("The process that makes the demo's messages has ended early.") from None
            continue
        if chunk == _END:
            maker.join()
            return
        yield from _decode(chunk)


def made(item: InboxItem, limits: Limits) -> Made:
    """A request of a server's write key with one message in it, read as the worker would."""
    read = read_item(
        item, late_after_us=limits.late_after_us, future_tolerance_us=limits.future_tolerance_us, event_bytes=limits.event_bytes
    )  # fmt: skip
    message = read[0] if len(read) == 1 and isinstance(read[0], Message) and not item.public else None
    return Made(item, message)


def _make(queue: "multiprocessing.Queue[bytes]", today: date, households: int | None, limits: Limits) -> None:
    chunk: list[Made] = []
    for message in messages(ends_on=today, households=households):
        body = b'{"batch":[' + message.body + b"]}"
        chunk.append(made(InboxItem(message.received_us, message.source, False, "batch", body), limits))
        if len(chunk) == CHUNK:
            queue.put(_encode(chunk))
            chunk = []
    queue.put(_encode(chunk))
    queue.put(_END)


class ReadAlready:
    """What the maker has read, for the worker that meets the same requests in its inbox (`runtime.reading.ReadRequests`)."""

    def __init__(self) -> None:
        self._messages: dict[tuple[Micros, str, bytes], Message] = {}

    def expect(self, window: Iterable[Made]) -> None:
        """These stand in the inbox now; what was expected before is forgotten."""
        self._messages = {_key(one.item): one.message for one in window if one.message is not None}

    def __call__(
        self, items: Sequence[tuple[int, InboxItem]], *, late_after_us: Micros, admission: Admission | None = None
    ) -> Reading:
        """See `read_requests`."""
        reading = Reading([], [])
        for position, item in items:
            message = self._messages.pop(_key(item), None)
            if message is not None:
                reading.arrivals.append(Arrival(message, item.received_us, item.source, position=position))
                continue
            own = read_requests([(position, item)], late_after_us=late_after_us, admission=admission)
            reading.arrivals += own.arrivals
            reading.malformed += own.malformed
        return reading


def _key(item: InboxItem) -> tuple[Micros, str, bytes]:
    return item.received_us, item.source, item.body
