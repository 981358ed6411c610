"""Reading ahead gives what reading would have given, or nothing."""

import json
import threading

import pytest

from kundenkreis.events.core.inbox_item import InboxItem
from kundenkreis.events.testing import MemoryInbox
from kundenkreis.kernel.zones import DAY
from kundenkreis.runtime.admission import Admission
from kundenkreis.runtime.reading import ReadableInbox, Reader
from tests.engine.stories import STARTS

pytestmark = pytest.mark.pure
NOW = STARTS[0]


def item(number: int) -> InboxItem:
    body = {"messageId": str(number), "userId": "anna", "event": "Product Viewed"}
    return InboxItem(NOW + number, "shop", False, "track", json.dumps(body).encode())


def reader(inbox: MemoryInbox, threads: list[str]) -> Reader:
    def open_another() -> ReadableInbox:
        threads.append(threading.current_thread().name)
        return inbox

    return Reader(inbox, late_after_us=DAY, admission=Admission(), open_another=open_another)


def test_what_was_read_ahead_is_what_stands_there(opened: list[str]) -> None:
    inbox = MemoryInbox()
    inbox.append([item(number) for number in range(5)])
    reads, alone = reader(inbox, opened), Reader(inbox, late_after_us=DAY, admission=Admission())
    first = reads.read(0, most_items=2)
    reads.read_ahead(first.last, most_items=2)
    ahead, same = reads.read(first.last, most_items=2), alone.read(first.last, most_items=2)
    assert (ahead.arrivals, ahead.last) == (same.arrivals, same.last)
    assert not ahead.is_all
    assert opened == ["reads-ahead_0"]
    reads.close()


def test_what_came_meanwhile_keeps_it_from_being_all(opened: list[str]) -> None:
    inbox = MemoryInbox()
    inbox.append([item(0)])
    reads = reader(inbox, opened)
    reads.read_ahead(0, most_items=10)
    reading = reads.read(0, most_items=10)
    assert (len(reading.arrivals), reading.is_all) == (1, False)
    assert reads.read(reading.last, most_items=10).is_all
    reads.close()


def test_a_position_that_went_back_is_read_anew(opened: list[str]) -> None:
    """The batch before was rolled back."""
    inbox = MemoryInbox()
    inbox.append([item(number) for number in range(4)])
    reads = reader(inbox, opened)
    reads.read_ahead(reads.read(0, most_items=2).last, most_items=2)
    assert reads.read(0, most_items=2).first_after == 0
    reads.close()


def test_a_failure_of_the_thread_is_told_once(opened: list[str]) -> None:
    inbox = MemoryInbox()
    inbox.append([item(0)])

    def refuse() -> ReadableInbox:
        raise OSError("no more files")

    reads = Reader(inbox, late_after_us=DAY, admission=Admission(), open_another=refuse)
    reads.read_ahead(0, most_items=2)
    with pytest.raises(OSError, match="no more files"):
        reads.read(0, most_items=2)
    assert len(reads.read(0, most_items=2).arrivals) == 1
    reads.close()


@pytest.fixture
def opened() -> list[str]:
    """Names of the threads that opened an inbox."""
    return []
