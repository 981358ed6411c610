"""Two profiles that turn out to be one person, and what a message at night may answer: on the whole way from the inbox to the stored rows."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from kundenkreis.customers.core.state import CustomerState, decode_state
from kundenkreis.kernel.zones import DAY, HOUR, MINUTE, from_datetime, to_datetime
from kundenkreis.runtime.rebuild import second_store, verify
from tests.engine import company
from tests.runtime.town import Town

pytestmark = pytest.mark.db
COMPLAINT = {"kind": "complaint", "case_id": "c"}


def town_of(folder: Path, *journeys: company.Document, **policy: Any) -> Town:
    town = Town(folder, journeys=False)
    documents = [one for one in msgspec.json.decode(company.canonical(1)) if one["kind"] != "journey"]
    town.publish([{**one, **policy} if one["kind"] == "policy" else one for one in documents] + list(journeys))
    town.run()
    return town


def say(town: Town, event: str, *, after_us: int = MINUTE, **fields: Any) -> None:
    who = {name: fields.pop(name) for name in ("userId", "anonymousId") if name in fields}
    town.clock.advance_to(town.clock.now_us() + after_us)
    town.send("track", event=event, properties=fields, **who)
    town.run()


def join(town: Town, user: str, visitor: str) -> None:
    town.send("identify", userId=user, anonymousId=visitor)
    town.run()
    town.pass_time(MINUTE)


def rows(town: Town, sql: str, *params: Any) -> list[tuple[Any, ...]]:
    with town.installation.store.reading() as tx:
        return tx.rows(sql, params)


def state_of(town: Town, user: str) -> CustomerState:
    found = rows(
        town, "SELECT state FROM states JOIN identifiers USING (profile_id) WHERE kind = 'user_id' AND value = ?", user
    )
    return decode_state(bytes(found[0][0]))


def assert_rebuilt_equal(town: Town) -> None:
    with second_store(None) as second:
        assert not verify(town.installation.store, second, zone=town.installation.zone).differences
    town.close()


def test_a_matter_that_is_over_does_not_begin_again_for_the_winner(tmp_path: Path) -> None:
    town = town_of(tmp_path)
    say(town, "Case Opened", anonymousId="a", **COMPLAINT)
    say(town, "Case Solved", anonymousId="a", case_id="c")
    say(town, "Product Viewed", userId="u")
    join(town, "u", "a")
    assert len(rows(town, "SELECT 1 FROM memberships WHERE kind = 'situation'")) == 1
    assert state_of(town, "u").decisions.situations["complaint"].rests_until_us > town.clock.now_us()
    assert_rebuilt_equal(town)


def test_of_two_rests_the_longer_one_holds(tmp_path: Path) -> None:
    town = town_of(tmp_path)
    for who in ({"userId": "u"}, {"anonymousId": "a"}):
        say(town, "Case Opened", after_us=DAY, **who, **COMPLAINT)
        say(town, "Case Solved", **who, case_id="c")
    solved_us = town.clock.now_us()
    join(town, "u", "a")
    assert state_of(town, "u").decisions.situations["complaint"].rests_until_us == solved_us + 2 * DAY
    assert_rebuilt_equal(town)


def test_a_matter_that_is_open_for_either_stays_open(tmp_path: Path) -> None:
    town = town_of(tmp_path)
    say(town, "Case Opened", userId="u", **COMPLAINT)
    say(town, "Case Solved", userId="u", case_id="c")
    say(town, "Case Opened", anonymousId="a", **COMPLAINT)
    join(town, "u", "a")
    open_now = rows(town, "SELECT profile_id FROM memberships WHERE kind = 'situation' AND until_us > ?", 1 << 61)
    assert open_now == [(state_of(town, "u").profile_id,)]
    assert_rebuilt_equal(town)


@pytest.mark.parametrize("refunded_before", [False, True])
def test_an_order_that_both_report_is_one(tmp_path: Path, refunded_before: bool) -> None:
    town = town_of(tmp_path)
    say(town, "Order Completed", anonymousId="a", order_id="o", total=20, currency="EUR")
    say(town, "Order Completed", userId="u", order_id="o", total=20, currency="EUR")
    if refunded_before:
        say(town, "Order Refunded", anonymousId="a", order_id="o", total=20, currency="EUR")
    join(town, "u", "a")
    commerce = state_of(town, "u").commerce
    assert (commerce.order_count, commerce.sales) == (0 if refunded_before else 1, {"EUR": 2000})
    assert commerce.refunded == ({"EUR": 2000} if refunded_before else {})
    assert len(commerce.open_orders) == commerce.order_count
    statuses = rows(town, "SELECT status FROM orders ORDER BY status")
    assert statuses == [("joined",), ("refunded",)] if refunded_before else [("completed",), ("joined",)]
    say(town, "Order Delivered", userId="u", order_id="o")
    assert state_of(town, "u").commerce.delivered_count == commerce.order_count
    assert_rebuilt_equal(town)


@pytest.mark.parametrize(
    ("event", "counts"), [("Order Refunded", (0, 0)), ("Order Cancelled", (0, 0)), ("Order Delivered", (1, 1))]
)
def test_what_is_said_of_an_order_while_two_become_one_counts(
    tmp_path: Path, event: str, counts: tuple[int, int]
) -> None:
    town = town_of(tmp_path)
    say(town, "Order Completed", anonymousId="a", order_id="o", total=20, currency="EUR")
    say(town, "Product Viewed", userId="u")
    town.send("identify", userId="u", anonymousId="a")
    town.send("track", userId="u", event=event, properties={"order_id": "o"})
    town.run()
    town.pass_time(MINUTE)
    commerce = state_of(town, "u").commerce
    assert (commerce.order_count, commerce.delivered_count) == counts
    assert not commerce.open_orders
    assert_rebuilt_equal(town)


def test_a_run_that_is_only_measured_ends_no_other(tmp_path: Path) -> None:
    cart = company.journey(
        "cart", entry={"event": {"name": "Product Added"}, "key": "cart_id"}, re_entry="always",
        goal={"event": {"name": "Order Completed"}, "within_days": 9}, steps=[{"id": "w", "wait": {"days": 1}}],
    )  # fmt: skip
    town = town_of(tmp_path, cart)
    say(town, "Product Added", userId="u", product_id="p", cart_id="k")
    say(town, "Product Added", anonymousId="a", product_id="p", cart_id="k", after_us=2 * DAY)
    join(town, "u", "a")
    assert [run.step_id for run in state_of(town, "u").runs] == ["", "w"]
    assert not rows(town, "SELECT 1 FROM run_entries WHERE outcome = 'exited:merged'")
    assert_rebuilt_equal(town)


@pytest.mark.parametrize(
    ("event", "is_answered_at_night"),
    [("Product Viewed", True), ("Voucher Expired", False), ("Order Delivered", False)],
)
def test_only_an_act_of_the_person_is_answered_at_night(tmp_path: Path, event: str, is_answered_at_night: bool) -> None:
    told = company.journey("told", entry={"event": {"name": event}}, steps=[company.message("m", "hello")])
    town = town_of(tmp_path, told, global_holdout={"percent": 0, "salt": "x"})
    town.send("identify", userId="u", traits={"email": "u@kunde.example", "country": "DE"})
    proof = {"channel": "email", "purpose": "news", "basis": "express_consent", "wording": "Ja", "proof": "form 7"}
    say(town, "Consent Confirmed", userId="u", **proof)
    night = to_datetime(town.clock.now_us()).replace(hour=22, minute=30)  # 23:30 in Berlin
    say(town, "Page Read", userId="u", after_us=from_datetime(night) - town.clock.now_us())
    say(town, event, userId="u", order_id="o", voucher_code="v", product_id="p")
    decided = rows(town, "SELECT outcome FROM verdicts ORDER BY at_us DESC, sequence DESC LIMIT 1")
    assert decided == [("released",)] if is_answered_at_night else [("planned",)]
    town.pass_time(9 * HOUR)
    assert_rebuilt_equal(town)


def test_a_goal_takes_back_the_last_message_too(tmp_path: Path) -> None:
    steps = [company.message("m", "receipt", purpose="order", message_class="transactional")]
    cart = company.journey(
        "cart", entry={"event": {"name": "Product Added"}}, goal={"event": {"name": "Order Completed"}, "within_days": 9}, steps=steps
    )  # fmt: skip
    town = town_of(tmp_path, cart)
    town.send("identify", userId="u", traits={"email": "u@kunde.example", "country": "DE"})
    say(town, "Product Added", userId="u", product_id="p")
    assert [run.step_id for run in state_of(town, "u").runs] == [""]
    say(town, "Order Completed", userId="u", order_id="o", total=5)
    assert [row[0] for row in rows(town, "SELECT outcome FROM verdicts ORDER BY at_us, sequence")][-1] == "cancelled"
    assert_rebuilt_equal(town)
