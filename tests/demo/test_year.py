from collections import Counter
from datetime import date, datetime
from hashlib import blake2b
from itertools import pairwise
from typing import Any

import msgspec

from kundenkreis.demo.calendar import MovedYear
from kundenkreis.demo.figures import recount
from kundenkreis.demo.message import INVENTED, INVENTED_PREFIX, MAX_BYTES, REAL
from kundenkreis.demo.tables import chosen_households
from kundenkreis.demo.year import DemoMessage, messages
from kundenkreis.kernel.money import minor_units
from kundenkreis.kernel.zones import from_datetime


class _Line(msgspec.Struct):
    quantity: int
    price: float
    amount: float | None = None


class _Properties(msgspec.Struct):
    total: float = 0
    products: list[_Line] = msgspec.field(default_factory=list)


class _Message(msgspec.Struct):
    messageId: str
    type: str
    userId: str = ""
    event: str = ""
    properties: _Properties = msgspec.field(default_factory=_Properties)


def _cents(amount: float) -> int:
    found = minor_units(amount, "USD")
    assert found is not None
    return found


def test_whole_year_has_the_known_totals(ends_on: date) -> None:
    """All 155,848 orders, straight through: counts, sums to the cent, order of receipt, sizes, unique ids."""
    decode = msgspec.json.Decoder(_Message).decode
    counts: Counter[tuple[str, str]] = Counter()
    households, ids = set(), set()
    sales = lines = largest = 0
    before = (0, "")
    year = MovedYear(ends_on)
    for message in messages(ends_on=ends_on):
        body = decode(message.body)
        here = (message.received_us, body.messageId)
        assert before < here
        before = here
        ids.add(body.messageId)
        largest = max(largest, len(message.body))
        counts[message.source, body.event or body.type] += 1
        if message.source == REAL and body.event == "Order Completed":
            households.add(body.userId)
            sales += _cents(body.properties.total)
            lines += sum(
                _cents(line.price if line.amount is None else line.amount) for line in body.properties.products
            )
    assert year.starts_us <= before[0] < year.ends_us
    assert largest <= MAX_BYTES
    assert len(ids) == sum(counts.values())
    assert counts[REAL, "Order Completed"] == 155_848
    assert (sales, lines) == (459_603_958, 459_603_958)
    assert len(households) == 2_469
    assert (counts[REAL, "Letter Sent"], counts[REAL, "Voucher Issued"]) == (6_589, 6_589)
    assert counts[REAL, "Voucher Redeemed"] == 2_102
    assert counts[REAL, "identify"] == 801
    assert 50_000 < sum(count for (source, _), count in counts.items() if source == INVENTED) < 65_000


def test_same_bytes_twice(small_year: list[DemoMessage], ends_on: date, household_count: int) -> None:
    def digest(stream: Any) -> str:
        total = blake2b(digest_size=16)
        for message in stream:
            total.update(f"{message.received_us} {message.source} ".encode() + message.body)
        return total.hexdigest()

    assert digest(messages(ends_on=ends_on, households=household_count)) == digest(small_year)


def test_subset_equals_its_recount(
    small_year: list[DemoMessage], decoded: list[dict[str, Any]], household_count: int
) -> None:
    chosen = chosen_households(household_count)
    assert chosen is not None
    figures = recount(set(chosen.tolist()))
    sales: Counter[int] = Counter()
    for message, body in zip(small_year, decoded, strict=True):
        if message.source == REAL and body.get("event") == "Order Completed":
            sales[int(body["userId"].removeprefix("hh-"))] += _cents(body["properties"]["total"])
    assert dict(sales) == figures.sales_cents_by_household
    events = Counter(body.get("event") for body in decoded)
    assert events["Letter Sent"] == figures.memberships
    assert events["Voucher Redeemed"] == figures.redemptions


def test_order_of_receipt(small_year: list[DemoMessage], decoded: list[dict[str, Any]]) -> None:
    keys = [(message.received_us, body["messageId"]) for message, body in zip(small_year, decoded, strict=True)]
    assert [pair for pair in pairwise(keys) if pair[0] >= pair[1]] == []


def test_nothing_is_received_before_it_happens(
    small_year: list[DemoMessage], decoded: list[dict[str, Any]], ends_on: date
) -> None:
    year = MovedYear(ends_on)
    for message, body in zip(small_year, decoded, strict=True):
        happened_us = from_datetime(datetime.fromisoformat(body["timestamp"]))
        assert happened_us <= message.received_us < year.ends_us
        if happened_us < year.starts_us:  # history comes in the first hour
            assert message.received_us < year.starts_us + 3_600_000_000
        else:
            assert message.received_us - happened_us < 3_000_000


def test_a_customer_is_identified_before_anything_else_is_heard_of_them(decoded: list[dict[str, Any]]) -> None:
    known: set[str] = set()
    unknown = []
    for body in decoded:
        if body["type"] == "identify":
            known.add(body["userId"])
        elif "userId" in body and body["userId"] not in known:
            unknown.append(body["messageId"])
    assert unknown == []


def test_everything_invented_is_marked(small_year: list[DemoMessage], decoded: list[dict[str, Any]]) -> None:
    for message, body in zip(small_year, decoded, strict=True):
        marks = {
            message.source == INVENTED,
            body["messageId"].startswith(INVENTED_PREFIX),
            body.get("context", {}).get("invented") is True,
        }
        assert len(marks) == 1
        if message.source == REAL:
            assert body["userId"].startswith("hh-")
            if body["type"] == "identify":
                assert {"firstName", "email", "birthday"} & set(body["traits"]) == set()
        web = body.get("event") == "Order Completed" and body["properties"]["channel"] == "web"
        if message.source == REAL and web:
            assert body["properties"]["invented"] == ["channel"]


def test_orders_and_refunds_of_invented_people_stay_theirs(decoded: list[dict[str, Any]]) -> None:
    owner = {
        body["properties"]["order_id"]: body["userId"] for body in decoded if body.get("event") == "Order Completed"
    }
    refunds = [body for body in decoded if body.get("event") == "Order Refunded"]
    assert len(refunds) >= 1
    assert {body["userId"].startswith(INVENTED_PREFIX) for body in refunds} == {True}
    about = (
        "Order Shipped",
        "Order Delivered",
        "Order Delayed",
        "Return Announced",
        "Order Refunded",
        "Payment Failed",
    )
    strangers = [
        body["messageId"]
        for body in decoded
        if body.get("event") in about and owner[body["properties"]["order_id"]] != body["userId"]
    ]
    assert strangers == []


def test_fuel_is_fills_with_gallons_not_millions_of_units(decoded: list[dict[str, Any]]) -> None:
    lines = [
        line
        for body in decoded
        if body.get("event") == "Order Completed"
        for line in body["properties"]["products"]
        if line["category"] == "Kraftstoff"
    ]
    assert len(lines) > 10
    assert {line["quantity"] for line in lines} == {1}
    gallons = [line["gallons"] for line in lines if "gallons" in line]
    assert 0 < min(gallons) <= max(gallons) < 60


def test_redemptions_name_the_order_of_their_day(decoded: list[dict[str, Any]]) -> None:
    orders = {body["properties"]["order_id"]: body for body in decoded if body.get("event") == "Order Completed"}
    redeemed = [body for body in decoded if body.get("event") == "Voucher Redeemed"]
    assert len(redeemed) > 5
    for body in redeemed:
        order = orders[body["properties"]["order_id"]]
        assert (order["userId"], order["timestamp"]) == (body["userId"], body["timestamp"])
