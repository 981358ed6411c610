"""Orders and carts that are over when they are heard of, and orders that stand no more."""

import pytest

from kundenkreis.customers.core.commerce import CART_LIFE, MOST_PIECES, apply_commerce, commerce_next_us
from kundenkreis.customers.core.state import Commerce, CustomerState, decode_state, encode_state
from kundenkreis.customers.core.turn import Turn
from kundenkreis.kernel.ids import NEVER
from kundenkreis.kernel.money import MOST
from kundenkreis.kernel.rows import DERIVED, LogRow
from kundenkreis.kernel.zones import DAY, zone

pytestmark = pytest.mark.pure

UTC = zone("UTC")
T0 = 1_774_600_000_000_000


class Shopper:
    """One customer of whom only orders and carts are folded."""

    def __init__(self) -> None:
        self.state = CustomerState(1, "b", 0, 0)
        self.orders: dict = {}

    def does(
        self, name: str, at_us: int, *, happened_us: int | None = None, flags: int = 0, **properties: object
    ) -> None:
        happened = at_us if happened_us is None else happened_us
        row = LogRow(
            partition=1, number=1, event_id=b"1", profile_id=1, type="track", name=name, happened_us=happened,
            received_us=at_us, at_us=at_us, day=UTC.day_number(happened), origin="api", flags=flags, body={"properties": properties},
        )  # fmt: skip
        apply_commerce(Turn(self.state, at_us, row=row, zone=UTC, rulebook_version=1, orders=self.orders))

    def waits_until(self, at_us: int) -> None:
        apply_commerce(Turn(self.state, at_us, row=None, zone=UTC, rulebook_version=1, orders=self.orders))

    @property
    def counts(self) -> tuple[int, int]:
        """Orders, and those that are delivered."""
        return self.state.commerce.order_count, self.state.commerce.delivered_count


def test_an_old_order_is_delivered_when_it_is_heard_of() -> None:
    shopper = Shopper()
    shopper.does("Order Completed", T0, happened_us=T0 - 100 * DAY, order_id="a", total=5)
    assert shopper.counts == (1, 1)
    assert shopper.state.commerce.first_delivered_us == T0 - 97 * DAY
    assert commerce_next_us(shopper.state.commerce) == NEVER


def test_a_free_order_gets_its_price_though_another_one_left_its_currency() -> None:
    shopper = Shopper()
    shopper.does("Order Completed", T0, order_id="free", currency="JPY", total=0)
    shopper.does("Order Completed", T0, order_id="b", currency="JPY", total=12)
    shopper.does("Order Updated", T0, order_id="b", currency="EUR", total=50)
    shopper.does("Order Updated", T0, order_id="free", total=700)
    assert shopper.state.commerce.sales == {"EUR": 5000, "JPY": 700}
    shopper.does("Order Cancelled", T0, order_id="free")
    assert shopper.state.commerce.sales == {"EUR": 5000, "JPY": 0}


def test_what_a_journey_says_is_no_purchase() -> None:
    shopper = Shopper()
    for name in ("Order Completed", "Store Purchase", "Product Added"):
        shopper.does(name, T0, flags=DERIVED, order_id="a", total=5, product_id="p")
    assert (shopper.state.commerce, shopper.orders) == (Commerce(), {})
    shopper.does("Order Completed", T0, order_id="a", total=5)
    shopper.does("Order Cancelled", T0, flags=DERIVED, order_id="a")
    shopper.does("Order Delivered", T0, flags=DERIVED, order_id="a")
    assert shopper.counts == (1, 0)


def test_an_old_cart_is_never_open() -> None:
    shopper = Shopper()
    shopper.does("Product Added", T0, happened_us=T0 - CART_LIFE, product_id="p", price=1)
    assert shopper.state.commerce.cart is None


def test_a_refund_takes_back_a_delivery_that_was_assumed() -> None:
    shopper = Shopper()
    shopper.does("Order Completed", T0, order_id="a", total=5)
    shopper.waits_until(T0 + 3 * DAY)
    assert shopper.counts == (1, 1)
    shopper.does("Order Refunded", T0 + 5 * DAY, order_id="a", total=5)
    assert shopper.counts == (0, 0)


def test_of_too_many_open_orders_the_oldest_counts_as_delivered() -> None:
    shopper = Shopper()
    for number in range(51):
        shopper.does("Order Completed", T0 + number, order_id=str(number), total=5)
    assert shopper.counts == (51, 1)
    shopper.does("Order Cancelled", T0 + 60, order_id="0")
    assert shopper.counts == (50, 0)


def test_a_report_corrects_a_delivery_that_was_assumed() -> None:
    shopper = Shopper()
    shopper.does("Order Completed", T0, order_id="a", total=5)
    shopper.waits_until(T0 + 3 * DAY)
    assert (shopper.counts, shopper.state.commerce.first_delivered_us) == ((1, 1), T0 + 3 * DAY)
    shopper.does("Order Delivered", T0 + 6 * DAY, happened_us=T0 + 5 * DAY, order_id="a")
    assert (shopper.counts, shopper.state.commerce.first_delivered_us) == ((1, 1), T0 + 5 * DAY)
    assert shopper.orders[(1, "a")].delivered_us == T0 + 5 * DAY
    shopper.does("Order Delivered", T0 + 9 * DAY, order_id="a")
    assert (shopper.counts, shopper.state.commerce.first_delivered_us) == ((1, 1), T0 + 5 * DAY)
    assert shopper.orders[(1, "a")].delivered_us == T0 + 5 * DAY
    shopper.does("Order Refunded", T0 + 10 * DAY, order_id="a", total=5)
    assert shopper.counts == (0, 0)


def test_beside_other_deliveries_a_report_corrects_the_order_alone() -> None:
    shopper = Shopper()
    shopper.does("Store Purchase", T0, order_id="till", total=5, channel="till")
    shopper.does("Order Completed", T0, order_id="a", total=5)
    shopper.waits_until(T0 + 3 * DAY)
    shopper.does("Order Delivered", T0 + 6 * DAY, order_id="a")
    assert (shopper.counts, shopper.state.commerce.first_delivered_us) == ((2, 2), T0)
    assert shopper.orders[(1, "a")].delivered_us == T0 + 6 * DAY


def test_a_delivery_that_overtakes_its_order_counts_when_the_order_comes() -> None:
    shopper = Shopper()
    shopper.does("Order Delivered", T0 + DAY, order_id="a")
    assert (shopper.counts, shopper.state.commerce.first_delivered_us) == ((0, 0), NEVER)
    shopper.does("Order Completed", T0 + 2 * DAY, happened_us=T0, order_id="a", total=5)
    assert (shopper.counts, shopper.state.commerce.first_delivered_us) == ((1, 1), T0 + DAY)
    assert (shopper.state.commerce.open_orders, shopper.orders[(1, "a")].status) == ({}, "completed")
    shopper.does("Order Cancelled", T0 + 3 * DAY, order_id="a")
    assert shopper.counts == (0, 0)


def test_a_delivery_that_names_no_order_changes_nothing() -> None:
    shopper = Shopper()
    shopper.does("Order Delivered", T0)
    assert (shopper.counts, shopper.orders) == ((0, 0), {})


@pytest.mark.parametrize(
    "reports",
    [
        [("Order Refunded", {"total": 5})],
        [("Order Refunded", {})],
        [("Order Refunded", {"total": 2}), ("Order Refunded", {"total": 3})],
        [("Order Cancelled", {})],
        [("Order Delivered", {}), ("Order Cancelled", {})],
        [("Order Delivered", {}), ("Order Refunded", {"total": 5})],
    ],
)  # fmt: skip
def test_what_overtakes_its_order_comes_to_the_same_as_in_order(reports: list[tuple[str, dict[str, object]]]) -> None:
    late, in_order = Shopper(), Shopper()
    in_order.does("Order Completed", T0, order_id="a", total=5)
    for name, more in reports:
        late.does(name, T0, order_id="a", currency="EUR", **more)
        in_order.does(name, T0, order_id="a", currency="EUR", **more)
    late.does("Order Completed", T0, order_id="a", total=5)
    assert late.counts == (0, 0)
    assert late.state.commerce == in_order.state.commerce
    assert late.orders[(1, "a")].status == in_order.orders[(1, "a")].status


def test_a_refund_without_currency_is_of_the_order_it_overtakes() -> None:
    shopper = Shopper()
    shopper.does("Order Refunded", T0, order_id="a", total=2)
    shopper.does("Order Completed", T0, order_id="a", total=5, currency="USD")
    assert shopper.state.commerce.refunded == {"USD": 200}


def test_a_delivery_that_overtakes_its_order_gives_nothing_back() -> None:
    shopper = Shopper()
    shopper.does("Order Completed", T0, order_id="a", total=5, currency="EUR")
    shopper.does("Order Refunded", T0, order_id="a", total=2)
    shopper.does("Order Delivered", T0, order_id="b")
    shopper.does("Order Completed", T0, order_id="b", total=5, currency="USD")
    assert shopper.state.commerce.refunded == {"EUR": 200}


def test_a_refunded_order_that_is_cancelled_is_no_sale() -> None:
    shopper = Shopper()
    shopper.does("Order Completed", T0, order_id="a", total=5)
    shopper.does("Order Refunded", T0, order_id="a", total=5)
    shopper.does("Order Cancelled", T0, order_id="a")
    assert (shopper.counts, shopper.state.commerce.sales, shopper.state.commerce.refunded) == (
        (0, 0),
        {"EUR": 0},
        {"EUR": 500},
    )


def test_an_order_in_another_currency_than_before_is_in_one() -> None:
    shopper = Shopper()
    shopper.does("Order Completed", T0, order_id="a", total=10, currency="EUR")
    shopper.does("Order Completed", T0, order_id="a", total=1000, currency="JPY")
    assert shopper.state.commerce.sales == {"JPY": 1000}


def test_an_update_changes_only_what_it_names() -> None:
    shopper = Shopper()
    products = [{"product_id": "p", "quantity": 1, "price": 5, "category": "tea"}]
    shopper.does("Order Completed", T0, order_id="a", total=5, currency="USD", channel="app", products=products)
    before = shopper.orders[(1, "a")]
    shopper.does("Order Updated", T0 + 1, order_id="a", shipping_method="bike")
    after = shopper.orders[(1, "a")]
    assert (after.total_minor, after.currency, after.channel, after.lines) == (500, "USD", "app", before.lines)
    assert shopper.state.commerce.sales == {"USD": 500}
    shopper.does("Order Updated", T0 + 2, order_id="a", total=7)
    assert shopper.state.commerce.sales == {"USD": 700}


def test_an_order_that_states_no_amount_is_worth_its_products() -> None:
    shopper = Shopper()
    products = [
        {"product_id": "cup", "quantity": 2, "price": 4.5},
        {"product_id": "pot", "price": "20.00"},
        {"product_id": "gift"},
    ]
    shopper.does("Order Completed", T0, order_id="a", currency="EUR", products=products)
    assert shopper.state.commerce.sales == {"EUR": 2900}
    shopper.does("Order Updated", T0 + DAY, order_id="a", products=products[:1])
    assert (shopper.state.commerce.sales, shopper.orders[(1, "a")].total_minor) == ({"EUR": 900}, 900)
    shopper.does("Order Refunded", T0 + 2 * DAY, order_id="a")
    assert (shopper.counts, shopper.state.commerce.refunded) == ((0, 0), {"EUR": 900})


def test_an_amount_that_is_stated_counts_whatever_the_products_cost() -> None:
    """Also none: vouchers pay for whole orders."""
    shopper = Shopper()
    cup = [{"product_id": "cup", "quantity": 2, "price": 4.5}]
    shopper.does("Order Completed", T0, order_id="a", total=0, products=cup)
    shopper.does("Order Completed", T0, order_id="b", total=8, products=cup)
    shopper.does("Order Updated", T0 + DAY, order_id="b", products=[*cup, *cup])
    assert (shopper.orders[(1, "a")].total_minor, shopper.orders[(1, "b")].total_minor) == (0, 800)


@pytest.mark.parametrize(("quantity", "price"), [(-3, 5), (10**15, 10**9), (1, -5)])
def test_products_without_a_sensible_sum_make_an_order_of_nothing(quantity: int, price: int) -> None:
    shopper = Shopper()
    shopper.does("Order Completed", T0, order_id="a", products=[{"quantity": quantity, "price": price}])
    assert (shopper.counts, shopper.state.commerce.sales) == ((1, 0), {"EUR": 0})


def test_an_order_that_counts_no_more_is_updated_without_a_sale() -> None:
    shopper = Shopper()
    shopper.does("Order Completed", T0, order_id="a", total=100)
    shopper.does("Order Cancelled", T0, order_id="a")
    shopper.does("Order Updated", T0, order_id="a", total=50)
    assert not any(shopper.state.commerce.sales.values())


def test_the_first_delivery_stays_the_first_when_its_order_counts_no_more() -> None:
    shopper = Shopper()
    shopper.does("Order Completed", T0, order_id="a", total=5)
    shopper.does("Order Delivered", T0 + DAY, order_id="a")
    shopper.does("Order Refunded", T0 + 2 * DAY, order_id="a", total=5)
    shopper.does("Order Completed", T0 + 10 * DAY, order_id="b", total=5)
    shopper.waits_until(T0 + 13 * DAY)
    shopper.does("Order Delivered", T0 + 15 * DAY, order_id="b")
    assert shopper.state.commerce.first_delivered_us == T0 + DAY


def test_what_is_removed_from_the_cart_is_counted() -> None:
    shopper = Shopper()
    shopper.does("Product Added", T0, product_id="p", quantity=3, price=1)
    shopper.does("Product Removed", T0, product_id="p", quantity=1)
    cart = shopper.state.commerce.cart
    assert cart is not None
    assert cart.lines == {"p": [2, 100]}
    shopper.does("Product Removed", T0, product_id="p")
    assert shopper.state.commerce.cart is None


def test_no_number_of_pieces_or_orders_makes_a_state_that_cannot_be_stored() -> None:
    """Three events of a public key had stopped a customer's fold for good."""
    shopper = Shopper()
    for _ in range(3):
        shopper.does("Product Added", T0, product_id="p", quantity=2**63 - 1, price=10**12)
    cart = shopper.state.commerce.cart
    assert cart is not None
    assert cart.lines["p"][0] == MOST_PIECES
    for number in range(10_000):
        shopper.does("Order Completed", T0, order_id=str(number), total=10**13)
    assert decode_state(encode_state(shopper.state)).commerce.sales["EUR"] == MOST
