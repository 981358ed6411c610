"""Situations: keys, expiry, rest, and those that follow from orders and carts."""

import pytest

from kundenkreis.kernel.ids import NEVER
from kundenkreis.kernel.zones import DAY, HOUR, iso, zone
from kundenkreis.segments.core.decisions import next_us
from tests.segments.frame import Customer, compiled, plain_row

pytestmark = pytest.mark.pure

BERLIN = zone("Europe/Berlin")
T0 = 1_774_600_000_000_000
CASE = {
    "kind": "situation", "id": "case", "key": "case_id", "begins": {"name": "Case Opened"},
    "ends": [{"name": "Case Solved"}, {"name": "Case Dropped"}],
}  # fmt: skip


def case(**more):
    return Customer(compiled({**CASE, **more}))


def test_ends_with_its_last_key():
    customer = case()
    customer.take(
        plain_row(1, "Case Opened", T0, case_id="a"),
        plain_row(2, "Case Opened", T0 + 1, case_id=7),
        plain_row(3, "Case Solved", T0 + 2, case_id="other"),
        plain_row(4, "Case Solved", T0 + 3, case_id="a"),
        plain_row(5, "Case Dropped", T0 + 4, case_id="7"),
    )
    assert customer.changes("situation") == [(T0, "case", True), (T0 + 4, "case", False)]
    assert customer.derived[1][1:] == ("Situation Ended", {"situation": "case", "key": "case"})
    assert customer.state.decisions.situations == {}


def test_a_key_with_dots_is_a_name_before_it_is_a_path():
    customer = case(key="case.id").take(plain_row(1, "Case Opened", T0, **{"case.id": "a", "case": {"id": "b"}}))
    assert list(customer.state.decisions.situations["case"].keys) == ["a"]
    customer = case(key="case.id").take(plain_row(1, "Case Opened", T0, case={"id": "b"}))
    assert list(customer.state.decisions.situations["case"].keys) == ["b"]


def test_keeps_what_it_is_about_and_how_old_it_is():
    customer = case()
    row = plain_row(1, "Case Opened", T0, happened_us=T0 - DAY, case_id="a", order_id=12, category="shoes", kind="x")
    customer.take(row, plain_row(2, "Case Opened", T0 + 1, case_id="a"))
    held = customer.state.decisions.situations["case"]
    assert (held.since_us, held.keys) == (T0, {"a": [T0 - DAY, "12", "a", "shoes"]})


def test_rests_after_the_end_and_then_is_forgotten():
    customer = case(after_days=7).take(
        plain_row(1, "Case Opened", T0, case_id="a"), plain_row(2, "Case Solved", T0 + HOUR, case_id="a")
    )
    held = customer.state.decisions.situations["case"]
    assert (held.keys, held.rests_until_us) == ({}, T0 + HOUR + 7 * DAY)
    customer.take(plain_row(3, "Seen", T0 + HOUR + 7 * DAY - 1))
    assert list(customer.state.decisions.situations) == ["case"]
    customer.take(plain_row(4, "Seen", T0 + HOUR + 7 * DAY))
    assert customer.state.decisions.situations == {}
    assert len(customer.changes("situation")) == 2


def test_nobody_is_woken_for_the_end_of_a_rest():
    customer = case(after_days=7).take(
        plain_row(1, "Case Opened", T0, case_id="a"), plain_row(2, "Case Solved", T0 + HOUR, case_id="a")
    )
    assert next_us(customer.decisions, customer.state) == NEVER


def test_a_matter_after_the_rest_is_one_of_its_own():
    customer = case(after_days=7).take(
        plain_row(1, "Case Opened", T0, case_id="a"),
        plain_row(2, "Case Solved", T0 + HOUR, case_id="a"),
        plain_row(3, "Case Opened", T0 + 30 * DAY, case_id="b"),
    )
    held = customer.state.decisions.situations["case"]
    assert (held.since_us, held.keys, held.rests_until_us) == (T0 + 30 * DAY, {"b": [T0 + 30 * DAY, "b"]}, -1)
    assert [change[2] for change in customer.changes("situation")] == [True, False, True]


def test_after_the_rest_it_is_kept_while_the_first_message_must_not_sell():
    customer = case(after_days=7, gentle_days=30).take(
        plain_row(1, "Case Opened", T0, case_id="a"), plain_row(2, "Case Solved", T0 + HOUR, case_id="a")
    )
    held = customer.state.decisions.situations["case"]
    assert (held.rests_until_us, held.gentle_until_us) == (T0 + HOUR + 7 * DAY, T0 + HOUR + 37 * DAY)
    customer.take(plain_row(3, "Seen", T0 + HOUR + 37 * DAY - 1))
    assert list(customer.state.decisions.situations) == ["case"]
    customer.take(plain_row(4, "Seen", T0 + HOUR + 37 * DAY))
    assert customer.state.decisions.situations == {}
    assert len(customer.changes("situation")) == 2


def test_begins_again_while_the_first_message_must_not_sell():
    customer = case(gentle_days=3).take(
        plain_row(1, "Case Opened", T0, case_id="a"),
        plain_row(2, "Case Solved", T0 + HOUR, case_id="a"),
        plain_row(3, "Case Opened", T0 + DAY, case_id="b"),
    )
    held = customer.state.decisions.situations["case"]
    assert (held.since_us, held.rests_until_us, held.gentle_until_us) == (T0 + DAY, -1, -1)


def test_people_come_out_of_the_rest_one_after_the_other():
    ends = []
    for number in range(40):
        customer = case(after_days=1, resume_hours=24)
        customer.state.bucket_key = f"person-{number}"
        customer.take(plain_row(1, "Case Opened", T0, case_id="a"), plain_row(2, "Case Solved", T0 + HOUR, case_id="a"))
        ends.append(customer.state.decisions.situations["case"].rests_until_us - T0 - HOUR - DAY)
    assert all(0 <= one < DAY for one in ends)
    assert {one // (6 * HOUR) for one in ends} == {0, 1, 2, 3}
    assert len(set(ends)) == len(ends)


def test_begins_again_during_the_rest():
    customer = case(after_days=7).take(
        plain_row(1, "Case Opened", T0, case_id="a"),
        plain_row(2, "Case Solved", T0 + HOUR, case_id="a"),
        plain_row(3, "Case Opened", T0 + DAY, case_id="b"),
    )
    held = customer.state.decisions.situations["case"]
    assert (held.since_us, held.rests_until_us) == (T0 + DAY, -1)
    assert len(customer.changes("situation")) == 3
    assert customer.wait_until(T0 + 30 * DAY).due == []


def test_expires_by_itself_at_the_start_of_a_day():
    customer = (
        case(expires_days=3, after_days=1).take(plain_row(1, "Case Opened", T0, case_id="a")).wait_until(T0 + 30 * DAY)
    )
    ended_us = BERLIN.day_start_us(BERLIN.day_number(T0) + 3)
    assert customer.changes("situation") == [(T0, "case", True), (ended_us, "case", False)]
    assert customer.due == [(ended_us, True)]
    assert (
        case(expires_days=3).take(plain_row(1, "Case Opened", T0 + 9 * DAY, happened_us=T0, case_id="a")).records == []
    )


def test_an_expired_key_can_open_again_while_another_stands():
    customer = case(expires_days=3).take(
        plain_row(1, "Case Opened", T0, case_id="a"),
        plain_row(2, "Case Opened", T0 + 2 * DAY, case_id="b"),
        plain_row(3, "Case Opened", T0 + 4 * DAY, case_id="a"),
    )
    assert customer.state.decisions.situations["case"].keys == {"b": [T0 + 2 * DAY, "b"], "a": [T0 + 4 * DAY, "a"]}
    customer.wait_until(T0 + 30 * DAY)
    assert customer.changes("situation")[-1] == (BERLIN.day_start_us(BERLIN.day_number(T0) + 7), "case", False)


def test_without_a_key_there_is_one():
    plain = {"kind": "situation", "id": "case", "begins": [{"name": "A"}, {"name": "B"}], "ends": [{"name": "C"}]}
    customer = Customer(compiled(plain)).take(
        plain_row(1, "A", T0), plain_row(2, "B", T0 + 1), plain_row(3, "C", T0 + 2)
    )
    assert customer.changes("situation") == [(T0, "case", True), (T0 + 2, "case", False)]


def test_open_matters_are_bounded():
    customer = case().take(*(plain_row(n, "Case Opened", T0 + n, case_id=n) for n in range(1, 61)))
    assert list(customer.state.decisions.situations["case"].keys) == [str(n) for n in range(11, 61)]


BUILT_IN = tuple(
    {"kind": "situation", "id": name, "begins": {"builtin": name}} for name in ("open_cart", "order_in_transit", "late")
)


def test_cart_and_order_on_their_way():
    customer = Customer(compiled(*BUILT_IN)).take(
        plain_row(1, "Product Added", T0, product_id="a", price=5, cart_id="c1"),
        plain_row(2, "Product Added", T0 + HOUR, product_id="b", price=5, cart_id="c1"),
        plain_row(3, "Order Completed", T0 + 2 * HOUR, order_id="o1", total=10, promised_at=iso(T0 + DAY)),
    )
    assert customer.state.decisions.situations["order_in_transit"].keys == {"o1": [T0 + 2 * HOUR]}
    customer.wait_until(T0 + 2 * DAY).take(plain_row(4, "Order Delivered", T0 + 2 * DAY, order_id="o1"))
    assert customer.changes("situation") == [
        (T0, "open_cart", True),
        (T0 + 2 * HOUR, "open_cart", False),
        (T0 + 2 * HOUR, "order_in_transit", True),
        (T0 + DAY, "late", True),
        (T0 + 2 * DAY, "late", False),
        (T0 + 2 * DAY, "order_in_transit", False),
    ]
    assert customer.due == [(T0 + DAY, True)]


def test_a_condition_on_a_situation_flips_with_it():
    documents = (
        {**CASE, "expires_days": 3},
        {"kind": "segment", "id": "calm", "when": {"not": {"situation": {"is": "case"}}}},
    )
    customer = (
        Customer(compiled(*documents)).take(plain_row(1, "Case Opened", T0, case_id="a")).wait_until(T0 + 9 * DAY)
    )
    assert customer.changes("segment") == [(BERLIN.day_start_us(BERLIN.day_number(T0) + 3), "calm", True)]


def test_a_key_that_is_over_may_open_again_while_another_stands():
    customer = case(expires_days=10)
    customer.take(
        plain_row(1, "Case Opened", T0, case_id="a"),
        plain_row(2, "Case Opened", T0 + 5 * DAY, case_id="b"),
        plain_row(3, "Case Opened", T0 + 12 * DAY, case_id="a"),
    )
    customer.wait_until(T0 + 100 * DAY)
    again_until = BERLIN.day_start_us(BERLIN.day_number(T0 + 12 * DAY) + 10)
    assert customer.changes("situation") == [(T0, "case", True), (again_until, "case", False)]
