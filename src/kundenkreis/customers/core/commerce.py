"""Orders, deliveries, refunds and carts as first-class facts (the commerce pass).

Reads the e-commerce events (docs/reference/events.md) and keeps the sums of `Commerce`; each order is also a row of its own
(`OrderEntry`), read by key at load when an event names it and written whole when something about it changed. So a refund
that names an order of last year costs one lookup, and the state stays O(1).

Delivery: `Order Delivered` or `Order Picked Up`; an order at the till is delivered at once; where a shop sends no delivery
events, an order counts as delivered three days after it was completed, a shipped one thirty days after it was shipped. A report
that comes after that corrects the order; one that overtakes its order waits for it in the order's row.
"""

from bisect import bisect_left, insort
from collections.abc import Callable
from operator import itemgetter
from typing import Any

from kundenkreis.customers.core.state import (
    MOST_CART_LINES,
    MOST_OPEN_ORDERS,
    MOST_PURCHASE_DAYS,
    Cart,
    Commerce,
    CustomerState,
    OpenOrder,
)
from kundenkreis.customers.core.turn import OrderEntry, Turn
from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.kernel.money import minor_units
from kundenkreis.kernel.rows import LogRow
from kundenkreis.kernel.zones import DAY

ASSUMED_DELIVERY: Micros = 3 * DAY
"""Without any delivery event (design: lifecycle phases, care)."""
ASSUMED_ARRIVAL: Micros = 30 * DAY
"""Shipped but never reported as delivered: a carrier's inquiry period is over by then."""
CART_LIFE: Micros = 30 * DAY
"""An untouched cart is no longer open; shops empty theirs about then."""
MOST_ORDER_LINES = 200
MOST_CATEGORIES = 100
DEFAULT_CURRENCY = "EUR"


def apply_commerce(turn: Turn) -> None:
    """Fold an e-commerce row, or at a due instant what time alone does to orders and carts.

    Marks dirty "orders" (their number and sums), "deliveries" (what is on its way, what has arrived) and "cart", only where the state
    changed; adds an OrderEntry for every order that changed.
    """
    if turn.row is None:
        _let_time_pass(turn)
        return
    handler = _HANDLERS.get(turn.row.name)
    if handler is not None and turn.row.type == "track":
        handler(turn, turn.row)
        # What a late row tells may be over already (an old order is long delivered): nobody is in a phase for no time at all.
        _let_time_pass(turn)


def commerce_next_us(commerce: Commerce) -> Micros:
    """The earliest instant at which time alone changes something: assumed delivery, broken promise, cart given up."""
    earliest = NEVER
    for order in commerce.open_orders.values():
        delivered_us = _assumed_delivery_us(order)
        if delivered_us < earliest:
            earliest = delivered_us
        if order.late_since_us == NEVER and order.promised_us < earliest:
            earliest = order.promised_us
    if commerce.cart is not None:
        earliest = min(earliest, commerce.cart.changed_us + CART_LIFE)
    return earliest


def orders_named(row: LogRow) -> str:
    """The order this row is about, "" if none: the store reads it by key before the fold."""
    if row.name not in _ORDER_EVENTS or row.type != "track":
        return ""
    value = row.properties.get("order_id")
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def occurred_us(row: LogRow) -> Micros:
    """When it happened, never after the instant at which it is folded."""
    return min(row.happened_us, row.at_us)


def _assumed_delivery_us(order: OpenOrder) -> Micros:
    return order.ordered_us + ASSUMED_DELIVERY if order.shipped_us == NEVER else order.shipped_us + ASSUMED_ARRIVAL


def _let_time_pass(turn: Turn) -> None:
    commerce = turn.state.commerce
    for order_id, order in list(commerce.open_orders.items()):
        if _assumed_delivery_us(order) <= turn.at_us:
            # The order's row is not at hand at a due instant (only rows that name it load it), so its sum changes, not the row.
            _count_delivery(commerce, _assumed_delivery_us(order))
            del commerce.open_orders[order_id]
            turn.dirty.add("deliveries")
        elif order.promised_us <= turn.at_us and order.late_since_us == NEVER:
            order.late_since_us = order.promised_us
            turn.dirty.add("deliveries")
    if commerce.cart is not None and commerce.cart.changed_us + CART_LIFE <= turn.at_us:
        commerce.cart = None
        turn.dirty.add("cart")


def _completed(turn: Turn, row: LogRow) -> None:
    order_id = orders_named(row)
    if not order_id:
        return
    commerce, properties = turn.state.commerce, row.properties
    currency = _currency(properties)
    total = _amount(properties, currency, "total", "revenue", "value", "subtotal")
    ordered_us = occurred_us(row)
    before = _order(turn, order_id)
    known = before is not None and before.status != "unknown"
    if known:
        assert before is not None
        commerce.sales[before.currency] = commerce.sales.get(before.currency, 0) - before.total_minor
        ordered_us = before.ordered_us
    entry = OrderEntry(
        order_id=order_id,
        ordered_us=ordered_us,
        total_minor=total,
        refunded_minor=before.refunded_minor if before else 0,
        currency=currency,
        status=before.status if known and before else "completed",
        channel=_text(properties.get("channel")) or "web",
        delivered_us=before.delivered_us if before else NEVER,
        lines=_lines(properties, currency),
        cause=row.event_id,
        owner=before.owner if before else turn.state.profile_id,
    )
    commerce.sales[currency] = commerce.sales.get(currency, 0) + total
    turn.dirty.add("orders")
    _remember_categories(commerce, entry)
    if not known:
        _count_new_order(turn, entry, promised_us=_promise(turn, properties))
        turn.dirty.add("deliveries")
    _write(turn, entry)
    if commerce.cart is not None and not known:
        commerce.cart = None
        turn.dirty.add("cart")


def _count_new_order(turn: Turn, entry: OrderEntry, *, promised_us: Micros) -> None:
    commerce = turn.state.commerce
    commerce.order_count += 1
    commerce.first_order_us = min(commerce.first_order_us, entry.ordered_us)
    commerce.last_order_us = max(commerce.last_order_us, entry.ordered_us)
    day = turn.zone.day_number(entry.ordered_us)
    days = commerce.purchase_days
    at = bisect_left(days, day)
    if at == len(days) or days[at] != day:
        days.insert(at, day)
        del days[:-MOST_PURCHASE_DAYS]
    if entry.delivered_us != NEVER:
        _count_delivery(commerce, entry.delivered_us)
    elif entry.channel == "till":
        entry.delivered_us = entry.ordered_us
        _count_delivery(commerce, entry.ordered_us)
    else:
        commerce.open_orders[entry.order_id] = OpenOrder(entry.ordered_us, promised_us)
        while len(commerce.open_orders) > MOST_OPEN_ORDERS:
            oldest = min(commerce.open_orders, key=lambda key: (commerce.open_orders[key].ordered_us, key))
            del commerce.open_orders[oldest]
            _count_delivery(commerce, turn.at_us)  # not open any more means delivered, here as everywhere


def _count_delivery(commerce: Commerce, delivered_us: Micros) -> None:
    commerce.delivered_count += 1
    commerce.first_delivered_us = min(commerce.first_delivered_us, delivered_us)


def _delivered(turn: Turn, row: LogRow) -> None:
    commerce, order_id = turn.state.commerce, orders_named(row)
    if not order_id:
        return
    delivered_us = occurred_us(row)
    entry = _order(turn, order_id) or _unknown_order(turn, order_id, row, DEFAULT_CURRENCY)
    if commerce.open_orders.pop(order_id, None) is not None:
        _count_delivery(commerce, delivered_us)
        turn.dirty.add("deliveries")
    elif entry.status == "completed" and entry.delivered_us == NEVER and commerce.delivered_count == 1:
        # Until now it was only assumed. Beside other deliveries nobody knows any more which one was the first.
        commerce.first_delivered_us = delivered_us
        turn.dirty.add("deliveries")
    if entry.delivered_us == NEVER:
        _write(turn, _changed(entry, delivered_us=delivered_us))


def _shipped(turn: Turn, row: LogRow) -> None:
    order = turn.state.commerce.open_orders.get(orders_named(row))
    if order is None:
        return
    order.shipped_us = min(order.shipped_us, occurred_us(row))
    order.promised_us = (
        min(_promise(turn, row.properties), NEVER) if _promise(turn, row.properties) != NEVER else order.promised_us
    )
    turn.dirty.add("deliveries")


def _delayed(turn: Turn, row: LogRow) -> None:
    order = turn.state.commerce.open_orders.get(orders_named(row))
    if order is None:
        return
    order.late_since_us = min(order.late_since_us, occurred_us(row))
    turn.dirty.add("deliveries")


def _refunded(turn: Turn, row: LogRow) -> None:
    order_id = orders_named(row)
    if not order_id:
        return
    commerce = turn.state.commerce
    entry = _order(turn, order_id) or _unknown_order(turn, order_id, row, _currency(row.properties))
    amount = _amount(row.properties, entry.currency, "refund", "total", "revenue", "value")
    if amount <= 0 and not row.properties.get("products"):
        amount = entry.total_minor - entry.refunded_minor
    entry = _changed(entry, refunded_minor=entry.refunded_minor + max(amount, 0))
    commerce.refunded[entry.currency] = commerce.refunded.get(entry.currency, 0) + max(amount, 0)
    turn.dirty.add("orders")
    if entry.status == "completed" and entry.refunded_minor >= entry.total_minor:
        entry.status = "refunded"
        _uncount(turn, entry)
    _write(turn, entry)


def _cancelled(turn: Turn, row: LogRow) -> None:
    entry = _order(turn, orders_named(row))
    if entry is None or entry.status != "completed":
        return
    commerce = turn.state.commerce
    commerce.sales[entry.currency] = commerce.sales.get(entry.currency, 0) - entry.total_minor
    _uncount(turn, entry)
    _write(turn, _changed(entry, status="cancelled"))


def _uncount(turn: Turn, entry: OrderEntry) -> None:
    """A cancelled or wholly refunded order is no order any more: its first delivery stays known, its count does not."""
    commerce = turn.state.commerce
    turn.dirty.update(("orders", "deliveries"))
    commerce.order_count -= 1
    if commerce.open_orders.pop(entry.order_id, None) is None:
        commerce.delivered_count -= 1  # also one whose delivery was only assumed: its row does not know of it


def _order(turn: Turn, order_id: str) -> OrderEntry | None:
    """The order of this customer or of somebody it absorbed."""
    state = turn.state
    for owner in (state.profile_id, *state.absorbed):
        entry = turn.orders.get((owner, order_id))
        if entry is not None:
            return entry
    return None


def _unknown_order(turn: Turn, order_id: str, row: LogRow, currency: str) -> OrderEntry:
    """What a refund or delivery that overtook its order tells: kept, and joined when the order comes."""
    return OrderEntry(
        order_id, occurred_us(row), 0, 0, currency, "unknown", "", NEVER, [], row.event_id, turn.state.profile_id
    )


def _cart_changed(turn: Turn, row: LogRow) -> None:
    properties = row.properties
    product_id = _text(properties.get("product_id"))
    if not product_id:
        return
    commerce, at = turn.state.commerce, occurred_us(row)
    cart = commerce.cart
    if row.name == "Product Removed":
        if cart is None or cart.lines.pop(product_id, None) is None:
            return
    else:
        if cart is None:
            cart = commerce.cart = Cart(
                _text(properties.get("cart_id")) or row.event_id.hex(), {}, _currency(properties), at
            )
        quantity = properties.get("quantity")
        count = quantity if isinstance(quantity, int) and not isinstance(quantity, bool) and quantity > 0 else 1
        held = cart.lines.get(product_id)
        if held is None and len(cart.lines) >= MOST_CART_LINES:
            return
        cart.lines[product_id] = [(held[0] if held else 0) + count, _amount(properties, cart.currency, "price")]
    cart.changed_us = max(cart.changed_us, at)
    if not cart.lines:
        commerce.cart = None
    turn.dirty.add("cart")


def _checkout_started(turn: Turn, row: LogRow) -> None:
    cart = turn.state.commerce.cart
    if cart is not None:
        cart.checkout_us = min(cart.checkout_us, occurred_us(row))
        turn.dirty.add("cart")


def cart_value(cart: Cart) -> int:
    """Minor units of everything in the cart."""
    return sum(quantity * price for quantity, price in cart.lines.values())


def _write(turn: Turn, entry: OrderEntry) -> None:
    turn.orders[(entry.owner, entry.order_id)] = entry
    turn.records.append(entry)


def _changed(entry: OrderEntry, **fields: Any) -> OrderEntry:
    values = {name: getattr(entry, name) for name in entry.__struct_fields__}
    return OrderEntry(**{**values, **fields})


_LAST_BOUGHT = itemgetter(1, 0)


def _remember_categories(commerce: Commerce, entry: OrderEntry) -> None:
    bought, ordered_us = commerce.categories, entry.ordered_us
    for line in entry.lines:
        category = line[3]
        if category and bought.get(category, -1) < ordered_us:
            bought[category] = ordered_us
    while len(bought) > MOST_CATEGORIES:
        del bought[min(bought.items(), key=_LAST_BOUGHT)[0]]


def _lines(properties: dict[str, Any], currency: str) -> list[list[Any]]:
    products = properties.get("products")
    if not isinstance(products, list):
        return []
    lines = []
    for product in products[:MOST_ORDER_LINES]:
        if isinstance(product, dict):
            quantity = product.get("quantity")
            lines.append(
                [
                    _text(product.get("product_id") or product.get("sku")),
                    quantity if isinstance(quantity, int) and not isinstance(quantity, bool) else 1,
                    _amount(product, currency, "price"),
                    _text(product.get("category")),
                ]
            )
    return lines


def _amount(properties: dict[str, Any], currency: str, *names: str) -> int:
    for name in names:
        minor = minor_units(properties.get(name), currency)
        if minor is not None:
            return minor
    return 0


def _currency(properties: dict[str, Any]) -> str:
    value = properties.get("currency")
    return (
        value.upper()
        if isinstance(value, str) and len(value) == 3 and value.isascii() and value.isalpha()
        else DEFAULT_CURRENCY
    )


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value[:200]
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def _promise(turn: Turn, properties: dict[str, Any]) -> Micros:
    """End of the promised day (date) or the promised instant, NEVER without a promise."""
    from datetime import date, datetime  # noqa: PLC0415  (two names used only here, kept off the hot import path)

    value = properties.get("promised_at") or properties.get("expected_at")
    if not isinstance(value, str):
        return NEVER
    try:
        if len(value) == 10:
            return turn.zone.day_start_us(date.fromisoformat(value).toordinal() - 719_163 + 1)
        moment = datetime.fromisoformat(value)
    except ValueError:
        return NEVER
    from kundenkreis.kernel.zones import from_datetime  # noqa: PLC0415

    return from_datetime(moment) if moment.tzinfo is not None else NEVER


_HANDLERS: dict[str, Callable[[Turn, LogRow], None]] = {
    "Order Completed": _completed,
    "Store Purchase": _completed,
    "Order Updated": _completed,
    "Order Shipped": _shipped,
    "Order Delivered": _delivered,
    "Order Picked Up": _delivered,
    "Order Delayed": _delayed,
    "Order Refunded": _refunded,
    "Order Line Refunded": _refunded,
    "Order Cancelled": _cancelled,
    "Product Added": _cart_changed,
    "Product Removed": _cart_changed,
    "Checkout Started": _checkout_started,
}

_ORDER_EVENTS = frozenset(name for name in _HANDLERS if name.startswith(("Order", "Store")))


def absorb_commerce(winner: CustomerState, loser: CustomerState) -> None:
    """Merge: facts add. Orders move with their rows; the younger cart wins."""
    mine, theirs = winner.commerce, loser.commerce
    mine.order_count += theirs.order_count
    mine.delivered_count += theirs.delivered_count
    for sums, more in ((mine.sales, theirs.sales), (mine.refunded, theirs.refunded)):
        for currency, amount in more.items():
            sums[currency] = sums.get(currency, 0) + amount
    mine.first_order_us = min(mine.first_order_us, theirs.first_order_us)
    mine.last_order_us = max(mine.last_order_us, theirs.last_order_us)
    mine.first_delivered_us = min(mine.first_delivered_us, theirs.first_delivered_us)
    for day in theirs.purchase_days:
        if day not in mine.purchase_days:
            insort(mine.purchase_days, day)
    del mine.purchase_days[:-MOST_PURCHASE_DAYS]
    for order_id, order in theirs.open_orders.items():
        mine.open_orders.setdefault(order_id, order)
    if theirs.cart is not None and (mine.cart is None or mine.cart.changed_us < theirs.cart.changed_us):
        mine.cart = theirs.cart
    for category, last_us in theirs.categories.items():
        mine.categories[category] = max(mine.categories.get(category, -1), last_us)
