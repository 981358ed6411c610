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
from kundenkreis.kernel.money import MINOR_LIMIT, minor_units, storable
from kundenkreis.kernel.rows import DERIVED, LogRow
from kundenkreis.kernel.zones import DAY

ASSUMED_DELIVERY: Micros = 3 * DAY
"""Without any delivery event (design: lifecycle phases, care)."""
ASSUMED_ARRIVAL: Micros = 30 * DAY
"""Shipped but never reported as delivered: a carrier's inquiry period is over by then."""
CART_LIFE: Micros = 30 * DAY
"""An untouched cart is no longer open; shops empty theirs about then."""
MOST_ORDER_LINES = 200
MOST_CATEGORIES = 100
MOST_PIECES = 1_000_000
"""Of one product in one cart: more is a mistake or an attack."""
DEFAULT_CURRENCY = "EUR"

UNKNOWN, REFUNDED_BEFORE, CANCELLED_BEFORE = "unknown", "unknown_refunded", "unknown_cancelled"
OVERTAKEN = frozenset({UNKNOWN, REFUNDED_BEFORE, CANCELLED_BEFORE})
"""Statuses of an order of which only later events have come: a delivery or a sum given back, all of it given back, cancelled."""
JOINED = "joined"
"""Status of an order that two people reported who are one: it stands in the other row."""
_TOTALS = ("total", "revenue", "value", "subtotal")


def apply_commerce(turn: Turn) -> None:
    """Fold an e-commerce row, or at a due instant what time alone does to orders and carts.

    Marks dirty "orders" (their number and sums), "deliveries" (what is on its way, what has arrived) and "cart", only where the state
    changed; adds an OrderEntry for every order that changed.
    """
    if turn.row is None:
        _let_time_pass(turn)
        return
    handler = _HANDLERS.get(turn.row.name)
    # What a journey's step says is no purchase. Nor is the order that it names at hand, so the outcome would hang on the batch.
    if handler is not None and turn.row.type == "track" and not turn.row.flags & DERIVED:
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
    before = _order(turn, order_id)
    if before is None or before.status in OVERTAKEN:
        _begin_order(turn, row, order_id, before)
    else:
        _update_order(turn, row, before)
    turn.dirty.add("orders")


def _begin_order(turn: Turn, row: LogRow, order_id: str, before: OrderEntry | None) -> None:
    """A new order; `before`: what overtook it."""
    commerce, properties = turn.state.commerce, row.properties
    currency = _currency(properties)
    lines = _lines(properties, currency)
    total = _stated_amount(properties, currency, *_TOTALS)
    entry = OrderEntry(
        order_id=order_id,
        ordered_us=occurred_us(row),
        total_minor=_sum_of(lines) if total is None else total,
        refunded_minor=before.refunded_minor if before else 0,
        currency=currency,
        status="completed",
        channel=_text(properties.get("channel")) or "web",
        delivered_us=before.delivered_us if before else NEVER,
        lines=lines,
        cause=row.event_id,
        owner=before.owner if before else turn.state.profile_id,
    )
    _add(commerce.sales, currency, entry.total_minor)
    _remember_categories(commerce, entry)
    _count_new_order(turn, entry, promised_us=_promise(turn, properties))
    turn.dirty.add("deliveries")
    if commerce.cart is not None:
        commerce.cart = None
        turn.dirty.add("cart")
    if before is not None:
        if before.refunded_minor:
            _move(commerce.refunded, before.currency, before.refunded_minor, currency, before.refunded_minor)
        if before.status == CANCELLED_BEFORE:
            _cancel(turn, entry)
        elif before.status == REFUNDED_BEFORE:
            _refund(turn, entry, max(entry.total_minor - entry.refunded_minor, 0))
        elif entry.refunded_minor:
            _refund(turn, entry, 0)
    _write(turn, entry)


def _update_order(turn: Turn, row: LogRow, before: OrderEntry) -> None:
    """A later word about an order changes what it names; who ordered when stays."""
    commerce, properties = turn.state.commerce, row.properties
    currency = _stated_currency(properties) or before.currency
    total = _stated_amount(properties, currency, *_TOTALS)
    lines = _lines(properties, currency) if "products" in properties else before.lines
    if total is None and lines is not before.lines and before.lines and before.total_minor == _sum_of(before.lines):
        total = _sum_of(lines)  # as its lines made it before
    entry = _changed(
        before,
        total_minor=before.total_minor if total is None else total,
        currency=before.currency if total is None else currency,
        channel=_text(properties.get("channel")) or before.channel,
        lines=lines,
        cause=row.event_id,
    )
    if _is_sold(entry):
        _move(commerce.sales, before.currency, before.total_minor, entry.currency, entry.total_minor)
    _remember_categories(commerce, entry)
    _write(turn, entry)


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
    elif (
        entry.status == "completed"
        and entry.delivered_us == NEVER
        and commerce.delivered_count == 1
        and commerce.first_delivered_us >= entry.ordered_us + ASSUMED_DELIVERY
    ):
        # Until now it was only assumed. Beside other deliveries, or an earlier one that no longer counts, nobody knows any more which one was the first.
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
    stated = _stated_currency(row.properties)
    entry = _order(turn, order_id) or _unknown_order(turn, order_id, row, stated or DEFAULT_CURRENCY)
    entry = _changed(entry)
    amount = _amount(row.properties, entry.currency, "refund", "total", "revenue", "value")
    if amount <= 0 and not row.properties.get("products"):
        if entry.status == UNKNOWN:
            entry.status = REFUNDED_BEFORE
        amount = entry.total_minor - entry.refunded_minor
    _refund(turn, entry, max(amount, 0))
    _write(turn, entry)


def _refund(turn: Turn, entry: OrderEntry, amount: int) -> None:
    """Give back this much more; an order of which nothing is left is none."""
    _add(turn.state.commerce.refunded, entry.currency, amount)
    entry.refunded_minor += amount
    turn.dirty.add("orders")
    if entry.status == "completed" and entry.refunded_minor >= entry.total_minor:
        entry.status = "refunded"
        _uncount(turn, entry)


def _cancelled(turn: Turn, row: LogRow) -> None:
    order_id = orders_named(row)
    if not order_id:
        return
    entry = _order(turn, order_id) or _unknown_order(turn, order_id, row, DEFAULT_CURRENCY)
    if _is_sold(entry):
        entry = _changed(entry)
        _cancel(turn, entry)
        _write(turn, entry)
    elif entry.status in OVERTAKEN:
        _write(turn, _changed(entry, status=CANCELLED_BEFORE))


def _cancel(turn: Turn, entry: OrderEntry) -> None:
    _add(turn.state.commerce.sales, entry.currency, -entry.total_minor)
    if entry.status == "completed":
        _uncount(turn, entry)
    entry.status = "cancelled"
    turn.dirty.add("orders")


def _is_sold(entry: OrderEntry) -> bool:
    """Whether its total is among the sales, before refunds."""
    return entry.status in ("completed", "refunded")


def _move(sums: dict[str, int], currency: str, amount: int, to_currency: str, to_amount: int) -> None:
    """Put one amount in place of another; a currency in which nothing is left by that is none of this customer's."""
    _add(sums, currency, -amount)
    if not sums[currency] and currency != to_currency:
        del sums[currency]
    _add(sums, to_currency, to_amount)


def _add(sums: dict[str, int], currency: str, amount: int) -> None:
    sums[currency] = storable(sums.get(currency, 0) + amount)


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
        if entry is not None and entry.status != JOINED:
            return entry
    return None


def _unknown_order(turn: Turn, order_id: str, row: LogRow, currency: str) -> OrderEntry:
    """What a refund or delivery that overtook its order tells: kept, and joined when the order comes."""
    return OrderEntry(
        order_id, occurred_us(row), 0, 0, currency, UNKNOWN, "", NEVER, [], row.event_id, turn.state.profile_id
    )


def _cart_changed(turn: Turn, row: LogRow) -> None:
    properties = row.properties
    product_id = _text(properties.get("product_id"))
    if not product_id:
        return
    commerce, at = turn.state.commerce, occurred_us(row)
    cart = commerce.cart
    quantity = properties.get("quantity")
    said = quantity if isinstance(quantity, int) and not isinstance(quantity, bool) and quantity > 0 else 0
    if row.name == "Product Removed":
        if cart is None or product_id not in cart.lines:
            return
        line = cart.lines[product_id]
        line[0] -= said or line[0]
        if line[0] <= 0:
            del cart.lines[product_id]
    else:
        if cart is None:
            cart = commerce.cart = Cart(
                _text(properties.get("cart_id")) or row.event_id.hex(), {}, _currency(properties), at
            )
        count = said or 1
        held = cart.lines.get(product_id)
        if held is None and len(cart.lines) >= MOST_CART_LINES:
            return
        cart.lines[product_id] = [
            min((held[0] if held else 0) + count, MOST_PIECES), _amount(properties, cart.currency, "price")
        ]  # fmt: skip
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


def _sum_of(lines: list[list[Any]]) -> int:
    """What an order comes to that states its products and no amount, in minor units."""
    total = sum(quantity * price for _, quantity, price, _ in lines)
    return total if 0 < total <= MINOR_LIMIT else 0


def _amount(properties: dict[str, Any], currency: str, *names: str) -> int:
    return _stated_amount(properties, currency, *names) or 0


def _stated_amount(properties: dict[str, Any], currency: str, *names: str) -> int | None:
    for name in names:
        minor = minor_units(properties.get(name), currency)
        if minor is not None:
            return minor
    return None


def _currency(properties: dict[str, Any]) -> str:
    return _stated_currency(properties) or DEFAULT_CURRENCY


def _stated_currency(properties: dict[str, Any]) -> str:
    value = properties.get("currency")
    if isinstance(value, str) and len(value) == 3 and value.isascii() and value.isalpha():
        return value.upper()
    return ""


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


def absorb_commerce(turn: Turn, loser: CustomerState) -> None:
    """Merge: facts add, and an order that both tell of is one. Orders move with their rows; the younger cart wins.

    Args:
        turn: the winner's, with the orders at hand that both tell of; before the loser is among those it absorbed.
    """
    mine, theirs = turn.state.commerce, loser.commerce
    mine.order_count += theirs.order_count
    mine.delivered_count += theirs.delivered_count
    for sums, more in ((mine.sales, theirs.sales), (mine.refunded, theirs.refunded)):
        for currency, amount in more.items():
            _add(sums, currency, amount)
    mine.first_order_us = min(mine.first_order_us, theirs.first_order_us)
    mine.last_order_us = max(mine.last_order_us, theirs.last_order_us)
    mine.first_delivered_us = min(mine.first_delivered_us, theirs.first_delivered_us)
    for day in theirs.purchase_days:
        if day not in mine.purchase_days:
            insort(mine.purchase_days, day)
    del mine.purchase_days[:-MOST_PURCHASE_DAYS]
    _join_orders(turn, loser)
    for order_id, order in theirs.open_orders.items():
        mine.open_orders[order_id] = order
    if theirs.cart is not None and (mine.cart is None or mine.cart.changed_us < theirs.cart.changed_us):
        mine.cart = theirs.cart
    for category, last_us in theirs.categories.items():
        mine.categories[category] = max(mine.categories.get(category, -1), last_us)


def _join_orders(turn: Turn, loser: CustomerState) -> None:
    """Of each order that both tell of: take both out of the sums and put in what they are together."""
    owners = {loser.profile_id, *loser.absorbed}
    for (owner, order_id), their in sorted(turn.orders.items()):
        own = _order(turn, order_id)
        if owner not in owners or their.status == JOINED or own is None:
            continue
        commerce, under_way = turn.state.commerce, []
        has_arrived = False
        for entry, held in ((own, commerce.open_orders), (their, loser.commerce.open_orders)):
            open_order = held.pop(order_id, None)
            if open_order is not None:
                under_way.append(open_order)
            has_arrived = _take_out(commerce, entry, is_open=open_order is not None) or has_arrived
        joined = _joined(own, their)
        if more := joined.refunded_minor - own.refunded_minor - their.refunded_minor:
            _add(commerce.refunded, joined.currency, more)
        if _is_sold(joined):
            _add(commerce.sales, joined.currency, joined.total_minor)
        if joined.status == "completed":
            commerce.order_count += 1
            if has_arrived:
                commerce.delivered_count += 1
            elif joined.delivered_us != NEVER:
                _count_delivery(commerce, joined.delivered_us)
            else:
                commerce.open_orders[order_id] = OpenOrder(
                    *(min(getattr(one, name) for one in under_way) for name in OpenOrder.__struct_fields__)
                )
        _write(turn, joined)
        _write(turn, _changed(their, status=JOINED))


def _take_out(commerce: Commerce, entry: OrderEntry, *, is_open: bool) -> bool:
    """Take one row's order out of the sums; whether it had counted as delivered."""
    if _is_sold(entry):
        _add(commerce.sales, entry.currency, -entry.total_minor)
    if entry.status != "completed":
        return False
    commerce.order_count -= 1
    if not is_open:
        commerce.delivered_count -= 1
    return not is_open


def _joined(own: OrderEntry, their: OrderEntry) -> OrderEntry:
    """One order of two rows: begun with the earlier one, of the total that was said later, with everything given back."""
    said = sorted(
        (one for one in (own, their) if one.status not in OVERTAKEN), key=lambda one: (one.ordered_us, one.cause)
    )
    statuses = {own.status, their.status}
    latest = said[-1] if said else own
    entry = _changed(
        latest,
        ordered_us=said[0].ordered_us if said else min(own.ordered_us, their.ordered_us),
        refunded_minor=own.refunded_minor + their.refunded_minor,
        delivered_us=min(own.delivered_us, their.delivered_us),
        owner=own.owner,
    )
    if not said:
        entry.status = next((one for one in (CANCELLED_BEFORE, REFUNDED_BEFORE) if one in statuses), UNKNOWN)
    elif statuses & {"cancelled", CANCELLED_BEFORE}:
        entry.status = "cancelled"
    elif REFUNDED_BEFORE in statuses:
        entry.status, entry.refunded_minor = "refunded", max(entry.refunded_minor, entry.total_minor)
    elif "refunded" in statuses or 0 < entry.refunded_minor >= entry.total_minor:
        entry.status = "refunded"
    else:
        entry.status = "completed"
    return entry
