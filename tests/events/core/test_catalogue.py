"""The catalogue: complete, consistent, and strict only where an event would be misunderstood."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kundenkreis.events.core.catalogue import EVENTS, OF_OTHERS, OWN_EVENTS, check, needs_server_key
from kundenkreis.events.core.messages import MOST_NAME_LENGTH
from kundenkreis.events.core.properties import COERCE, CURRENCIES, Kind, Problem, Wrong
from kundenkreis.events.core.property_names import PROPERTIES

pytestmark = pytest.mark.pure

E_COMMERCE = """
Products Searched|Product List Viewed|Product List Filtered|Promotion Viewed|Promotion Clicked|Product Clicked|Product Viewed|
Product Added|Product Removed|Cart Viewed|Checkout Started|Checkout Step Viewed|Checkout Step Completed|Payment Info Entered|
Order Completed|Order Updated|Order Refunded|Order Cancelled|Coupon Entered|Coupon Applied|Coupon Denied|Coupon Removed|
Product Added to Wishlist|Product Removed from Wishlist|Wishlist Product Added to Cart|Product Shared|Cart Shared|
Product Reviewed
"""
BEYOND = """
Order Packed|Order Shipped|Order Out For Delivery|Order Delivered|Order Delayed|Order Ready For Pickup|Order Picked Up|
Return Announced|Return Received|Order Line Refunded|Withdrawal Declared|Payment Failed|Payment Reminded|Payment Settled|
Store Visit|Store Purchase|Form Submitted|Consent Requested|Consent Confirmed|Consent Withdrawn|Consent Objected|
Consent Expired|Case Opened|Case Answered|Case Solved|Case Confirmed|Case Reopened|Promise Made|Promise Kept|Promise Broken|
Call Made|Call Received|Visit Held|Letter Sent|Letter Returned|Lead Handed Over|Lead Accepted|Lead Rejected|Deal Created|
Deal Moved|Deal Won|Deal Lost|Live Event Changed|Registration Created|Registration Cancelled|Registration Waitlisted|
Registration Confirmed|Checked In|Survey Answered|Review Submitted|Review Published|Review Answered|Points Earned|Points Spent|
Points Expired|Points Reversed|Tier Changed|Voucher Issued|Voucher Reserved|Voucher Redeemed|Voucher Expired|Voucher Revoked|
Feature Used|App Installed|App Removed|Back In Stock Requested|Product Recalled|Mass Incident Opened|Mass Incident Closed|
Social Mention Received
"""
RIGHTS = "Rights Request Opened|Rights Request Closed|Bereavement Reported|Suppression Added|Suppression Lifted"
E_MAIL = "Email Delivered|Email Opened|Email Link Clicked|Email Bounced|Email Marked as Spam|Unsubscribed"


def test_catalogue_holds_exactly_the_agreed_events() -> None:
    agreed = [name for text in (E_COMMERCE, BEYOND, E_MAIL, RIGHTS) for name in text.replace("\n", "").split("|")]
    assert sorted(EVENTS) == sorted(agreed)


@pytest.mark.parametrize("name", EVENTS)
def test_event_is_complete_and_its_sample_is_well_formed(name: str) -> None:
    event = EVENTS[name]
    assert event.name == name
    assert event.de.strip() == event.de != ""
    assert event.en.strip() == event.en != ""
    assert len(set(event.properties)) == len(event.properties)
    assert event.properties[: len(event.required)] == event.required
    sample = event.sample
    assert check(name, sample) == (sample, ())
    assert check(name, sample)[0] is sample
    assert len(name) <= MOST_NAME_LENGTH


@pytest.mark.parametrize("name", PROPERTIES)
def test_property_is_complete_and_used(name: str) -> None:
    found = PROPERTIES[name]
    assert found.de and found.en
    assert COERCE[found.kind](found.sample) is found.sample
    assert [event for event in EVENTS.values() if name in event.properties] != []


@pytest.mark.parametrize("name", EVENTS)
def test_each_required_property_is_missed(name: str) -> None:
    event = EVENTS[name]
    for missing in event.required:
        for without in ({**event.sample, missing: None}, {k: v for k, v in event.sample.items() if k != missing}):
            assert check(name, without) == (
                without,
                (Problem(missing, "missing_property", f"{missing} is missing", True),),
            )


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"total": "abc"}, [("total", "bad_property.not_a_number", True)]),
        ({"total": "1.234,50"}, [("total", "bad_property.not_a_number", True)]),
        ({"total": "12,50"}, [("total", "bad_property.not_a_number", True)]),
        ({"total": "1e3"}, [("total", "bad_property.not_a_number", True)]),
        ({"total": " 12"}, [("total", "bad_property.not_a_number", True)]),
        ({"total": "١٢"}, [("total", "bad_property.not_a_number", True)]),
        ({"total": True}, [("total", "bad_property.not_a_number", True)]),
        ({"total": -0.01}, [("total", "bad_property.negative", True)]),
        ({"revenue": 1e14}, [("revenue", "bad_property.out_of_range", True)]),
        ({"total": 10**30}, [("total", "bad_property.out_of_range", True)]),
        ({"currency": "EURO"}, [("currency", "bad_property.bad_currency", True)]),
        ({"currency": "€"}, [("currency", "bad_property.bad_currency", True)]),
        ({"currency": 978}, [("currency", "bad_property.bad_currency", True)]),
        ({"order_id": ""}, [("order_id", "bad_property.empty", True)]),
        ({"order_id": 1.5}, [("order_id", "bad_property.not_text", True)]),
        ({"order_id": ["1"]}, [("order_id", "bad_property.not_text", True)]),
        ({"products": {"a": 1}}, [("products", "bad_property.not_a_list_of_products", True)]),
        ({"products": ["P-1"]}, [("products", "bad_property.not_a_list_of_products", True)]),
        ({"products": [{"price": 1}, {"price": "x"}]}, [("products[1].price", "bad_property.not_a_number", True)]),
        ({"products": [{"quantity": 1.5}]}, [("products[0].quantity", "bad_property.not_an_integer", True)]),
        ({"products": [{"position": "first"}]}, [("products[0].position", "bad_property.not_an_integer", False)]),
        ({"affiliation": 5}, [("affiliation", "bad_property.not_text", False)]),
        ({"is_paid": "yes"}, [("is_paid", "bad_property.not_a_boolean", False)]),
        ({"discount": -5}, []),
        ({"total": None, "currency": None, "products": None}, []),
        ({"what we do not know": {"a": [1]}}, []),
    ],
)
def test_malformed_order_is_told_from_an_odd_one(
    properties: dict[str, Any], expected: list[tuple[str, str, bool]]
) -> None:
    sent = {"order_id": "B-1", **properties}
    checked, problems = check("Order Completed", sent)
    assert checked is sent
    assert [(problem.property, problem.code, problem.is_fatal) for problem in problems] == expected


@pytest.mark.parametrize(
    ("sent", "checked"),
    [
        ({"total": "119.90"}, {"total": 119.9}),
        ({"total": "119"}, {"total": 119}),
        ({"total": "-0"}, {"total": 0}),
        ({"currency": "eur"}, {"currency": "EUR"}),
        ({"order_id": 4711}, {"order_id": "4711"}),
        ({"is_paid": "true"}, {"is_paid": True}),
        ({"products": [{"quantity": "2", "price": "0.1"}, {}]}, {"products": [{"quantity": 2, "price": 0.1}, {}]}),
        ({"products": [{"quantity": 2.0, "product_id": 5}]}, {"products": [{"quantity": 2, "product_id": "5"}]}),
    ],
)
def test_spelling_with_one_meaning_is_taken(sent: dict[str, Any], checked: dict[str, Any]) -> None:
    order = {"order_id": "B-1", "note": "stays"}
    before = repr(sent)
    assert check("Order Completed", {**order, **sent}) == ({**order, **checked}, ())
    assert repr(sent) == before


def test_unknown_event_is_welcome_as_it_is() -> None:
    sent = {"total": "abc", "order_id": None}
    assert check("Order completed", sent) == (sent, ())


@pytest.mark.parametrize("name", EVENTS)
def test_server_only_holds_in_any_spelling(name: str) -> None:
    for spelling in (name, name.upper(), name.lower(), f"  {name.replace(' ', '   ')} "):
        assert needs_server_key(spelling) == EVENTS[name].is_server_only


@pytest.mark.parametrize("name", OWN_EVENTS)
def test_public_key_cannot_pretend_to_be_us(name: str) -> None:
    assert needs_server_key(name)
    assert name not in EVENTS


@given(st.text(max_size=40))
def test_no_name_raises(name: str) -> None:
    assert needs_server_key(name) in (True, False)


@given(st.sampled_from(sorted(Kind)), st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
))  # fmt: skip
def test_coercion_is_total_and_settles(kind: Kind, value: Any) -> None:
    coerced = COERCE[kind](value)
    if type(coerced) is not Wrong:
        again = COERCE[kind](coerced)
        assert again == coerced
        assert type(again) is type(coerced)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=0, max_value=10**12))
def test_amounts_as_text_lose_nothing(amount: Any) -> None:
    from kundenkreis.kernel.money import minor_units

    coerced = COERCE[Kind.MONEY](f"{amount:f}")
    assert minor_units(coerced) == int(amount * 100)


def test_currencies_are_those_of_the_locale_data_and_three_of_the_past() -> None:
    from datetime import date

    from babel.core import get_global
    from babel.numbers import get_territory_currencies

    in_use = {
        code
        for territory in get_global("territory_currencies")
        for code in get_territory_currencies(territory, date(2025, 6, 1))
    }
    assert in_use - CURRENCIES == set()


def test_what_others_do_are_known_events() -> None:
    assert EVENTS.keys() >= OF_OTHERS
