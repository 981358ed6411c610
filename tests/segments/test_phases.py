"""The circle with the default rules, told as one life."""

import pytest

from kundenkreis.kernel.zones import DAY, iso, zone
from tests.segments.frame import Customer, compiled, plain_row

pytestmark = pytest.mark.pure

BERLIN = zone("Europe/Berlin")
T0 = 1_774_600_000_000_000


def trait(name, op, value=None):
    return {"trait": {"name": name, "op": op} if value is None else {"name": name, "op": op, "value": value}}


SILENT = {"order_silence": {"factor": 2, "percentile": 90, "floor_days": 42}}
CIRCLE = {
    "kind": "phases",
    "phases": [
        {
            "id": "winback",
            "when": {"any": [SILENT, trait("days_since_last_order", ">=", 365)]},
            "sub_states": [
                {"id": "former", "when": trait("days_since_last_order", ">=", 730)},
                {"id": "sleeping", "when": trait("days_since_last_order", ">=", 365)},
                {"id": "at_risk", "when": {"all": []}},
            ],
        },
        {"id": "loyalty", "when": trait("order_count", ">=", 2)},
        {
            "id": "care",
            "when": {"all": [trait("order_count", "=", 1), trait("delivered_count", ">=", 1)]},
            "sub_states": [
                {"id": "fresh", "when": trait("days_since_first_delivery", "<=", 90)},
                {"id": "one_time_buyer", "when": {"all": []}},
            ],
        },
        {"id": "purchase", "when": {"any": [trait("has_open_cart", "is_true"), trait("order_count", ">=", 1)]}},
        {"id": "trust", "when": {"any": [trait("is_known", "is_true"), {"event": {"name": "Form Submitted"}}]}},
        {"id": "attention", "when": {"all": []}},
    ],
}


def test_a_life_around_the_circle():
    customer = Customer(compiled(CIRCLE))
    customer.take(
        plain_row(1, "Product Viewed", T0),
        plain_row(2, "Form Submitted", T0 + DAY),
        plain_row(3, "Product Added", T0 + 2 * DAY, product_id="a", price=5),
        plain_row(4, "Order Completed", T0 + 3 * DAY, order_id="1", total=5),
        plain_row(5, "Order Delivered", T0 + 4 * DAY, order_id="1"),
    )
    customer.wait_until(T0 + 120 * DAY)
    customer.take(plain_row(6, "Order Completed", T0 + 120 * DAY, order_id="2", total=5, channel="till"))
    customer.take(plain_row(7, "Order Completed", T0 + 130 * DAY, order_id="3", total=5, channel="till"))
    customer.wait_until(T0 + 900 * DAY)
    start = BERLIN.day_number(T0)
    longest = 2 * 117  # gaps 10 and 117: the 90th percentile of two is the larger

    def morning(day):
        return BERLIN.day_start_us(start + day)

    assert customer.changes("phase") == sorted(
        [
            (T0, "attention", True),
            (T0 + DAY, "attention", False), (T0 + DAY, "trust", True),
            (T0 + 2 * DAY, "trust", False), (T0 + 2 * DAY, "purchase", True),
            (T0 + 4 * DAY, "purchase", False), (T0 + 4 * DAY, "care", True),
            (T0 + 120 * DAY, "care", False), (T0 + 120 * DAY, "loyalty", True),
            (morning(130 + longest + 1), "loyalty", False), (morning(130 + longest + 1), "winback", True),
        ]
    )  # fmt: skip
    assert customer.changes("sub_state") == sorted(
        [
            (T0 + 4 * DAY, "fresh", True),
            (morning(4 + 91), "fresh", False), (morning(4 + 91), "one_time_buyer", True),
            (T0 + 120 * DAY, "one_time_buyer", False),
            (morning(130 + longest + 1), "at_risk", True),
            (morning(130 + 365), "at_risk", False), (morning(130 + 365), "sleeping", True),
            (morning(130 + 730), "sleeping", False), (morning(130 + 730), "former", True),
        ]
    )  # fmt: skip
    assert [iso(at_us) for at_us, changed in customer.due if not changed] == []
    assert len(customer.due) == 4
    held = customer.state.decisions.phase
    assert (held.phase, held.sub_state, held.since_us) == ("winback", "former", morning(130 + longest + 1))


def test_moves_are_told():
    customer = Customer(compiled(CIRCLE)).take(
        plain_row(1, "Product Viewed", T0), plain_row(2, "Form Submitted", T0 + 1)
    )
    assert customer.derived == [
        (T0, "Phase Changed", {"from": "", "to": "attention", "from_sub_state": "", "sub_state": "", "key": "attention"}),
        (T0 + 1, "Phase Changed", {"from": "attention", "to": "trust", "from_sub_state": "", "sub_state": "", "key": "trust"}),
    ]  # fmt: skip


def test_a_phase_is_kept_until_another_matches():
    phases = {
        "kind": "phases",
        "phases": [
            {"id": "hot", "when": {"event": {"name": "Seen", "within_days": 1}}},
            {"id": "angry", "when": {"event": {"name": "Complained", "within_days": 1}}},
            {"id": "cold", "when": {"any": []}},
        ],
    }
    customer = Customer(compiled(phases)).take(plain_row(1, "Other", T0), plain_row(2, "Seen", T0 + 1))
    customer.wait_until(T0 + 5 * DAY)
    assert customer.due == []
    assert customer.state.decisions.phase.phase == "hot"
    customer.take(plain_row(3, "Complained", T0 + 5 * DAY))
    assert [(name, entered) for _, name, entered in customer.changes("phase")] == [
        ("cold", True), ("cold", False), ("hot", True), ("angry", True), ("hot", False),
    ]  # fmt: skip
