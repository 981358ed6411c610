"""What the process that makes the year has read is what the worker would have read, and counts for nothing else."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from kundenkreis.demo.making import Limits, Made, ReadAlready, made
from kundenkreis.demo.year import DemoMessage
from kundenkreis.events.core.inbox_item import InboxItem
from kundenkreis.events.core.messages import FUTURE_TOLERANCE_US
from kundenkreis.events.core.request_body import MOST_EVENT_BYTES
from kundenkreis.kernel.zones import DAY
from kundenkreis.runtime.reading import Reading, read_requests

LIMITS = Limits(late_after_us=30 * DAY, future_tolerance_us=FUTURE_TOLERANCE_US, event_bytes=MOST_EVENT_BYTES)
GOOD = b'{"type":"track","messageId":"m1","userId":"u1","event":"Product Viewed","properties":{"price":"19.90"}}'
_encode, _decode = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(list[Made]).decode


def item(*events: bytes, received_us: int = 1_790_000_000_000_000) -> InboxItem:
    return InboxItem(received_us, "demo", False, "batch", b'{"batch":[' + b",".join(events) + b"]}")


def sent(items: Sequence[InboxItem]) -> list[Made]:
    """As they arrive in the other process."""
    return _decode(_encode([made(one, LIMITS) for one in items]))


def directly(items: Sequence[InboxItem]) -> Reading:
    return read_requests(list(enumerate(items)), late_after_us=LIMITS.late_after_us)


def with_help(items: Sequence[InboxItem], expected: Sequence[Made]) -> Reading:
    known = ReadAlready()
    known.expect(expected)
    return known(list(enumerate(items)), late_after_us=LIMITS.late_after_us)


def typed(value: Any) -> Any:
    """A value with the type of everything in it: 1, 1.0 and True are the same only without."""
    if isinstance(value, msgspec.Struct):
        return type(value), [typed(one) for one in msgspec.structs.astuple(value)]
    if isinstance(value, dict):
        return [(key, typed(one)) for key, one in value.items()]
    if isinstance(value, list | tuple):
        return type(value), [typed(one) for one in value]
    return type(value), value


def test_the_year_is_read_alike(small_year: list[DemoMessage]) -> None:
    items = [item(message.body, received_us=message.received_us) for message in small_year]
    there = sent(items)
    assert all(one.message is not None for one in there)
    assert typed(with_help(items, there)) == typed(directly(items))


def test_what_was_read_is_taken_from_there() -> None:
    (one,) = sent([item(GOOD)])
    assert one.message is not None
    one.message.name = "Marked"
    reading = with_help([one.item], [one])
    assert [arrival.message.name for arrival in reading.arrivals] == ["Marked"]


@pytest.mark.parametrize(
    "other",
    [item(GOOD.replace(b"m1", b"m2")), item(GOOD, received_us=5), InboxItem(item().received_us, "erfunden", False, "batch", item(GOOD).body)],
    ids=["other bytes", "another instant", "another source"],
)  # fmt: skip
def test_another_request_is_read_by_the_worker(other: InboxItem) -> None:
    (one,) = sent([item(GOOD)])
    assert one.message is not None
    one.message.name = "Marked"
    assert typed(with_help([other], [one])) == typed(directly([other]))


@pytest.mark.parametrize(
    "bad",
    [item(b'{"type":"track"}'), item(GOOD, GOOD.replace(b"m1", b"m2")), item(b"{"), InboxItem(5, "demo", False, "track", b"[]")],
    ids=["malformed", "two in one", "no JSON", "not an object"],
)  # fmt: skip
def test_what_is_wrong_is_said_by_the_worker(bad: InboxItem) -> None:
    there = sent([bad, item(GOOD)])
    assert there[0].message is None
    assert typed(with_help([bad, item(GOOD)], there)) == typed(directly([bad, item(GOOD)]))


def test_the_same_request_twice_is_read_twice() -> None:
    items = [item(GOOD), item(GOOD)]
    assert typed(with_help(items, sent(items))) == typed(directly(items))
