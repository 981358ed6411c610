"""Orders and the cart, recounted from the rows (docs/reference/definitions.md, "Orders, deliveries and carts")."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from tests.oracle.comparing import currency_of, minor_units
from tests.oracle.history import DERIVED
from tests.oracle.local_time import DAY, EPOCH, day_start

COMPLETED = ("Order Completed", "Store Purchase", "Order Updated")
DELIVERED = ("Order Delivered", "Order Picked Up")
REFUNDED = ("Order Refunded", "Order Line Refunded")
CART_LIFE = 30 * DAY
NEVER = 1 << 62


@dataclass
class Order:
    """One order, as far as its rows tell."""

    order_id: str
    ordered_us: int = -1
    """-1: only named by a refund so far."""
    total: int = 0
    currency: str = "EUR"
    worth: int = 0
    has_lines: bool = False
    """What the products that it names cost together, and whether it names any."""
    refunded: int = 0
    was_refunded: bool = False
    """Also of nothing."""
    cancelled_early: bool = False
    refunded_early: bool = False
    """Before the order was heard of; the latter wholly."""
    is_cancelled: bool = False
    is_refunded: bool = False
    """Wholly."""
    assumed_us: int = NEVER
    """Under way: when it counts as delivered if nobody says anything; NEVER: it is not under way."""
    said_us: int = -1
    """A report of its delivery, also one that overtook the order; -1: none."""
    is_delivered: bool = False
    promised_us: int = NEVER
    """When a promise of delivery that still holds is over."""
    late_us: int = NEVER
    """Since when it is late, because the promise had passed or the carrier said so."""
    heard: list[tuple] = field(default_factory=list)
    """[((instant, 0 for time and 1 for rows, number of the row), arrived | corrected | gone, when it arrived)]."""

    @property
    def stands(self):
        """Whether it still counts as an order."""
        return self.ordered_us >= 0 and not self.is_cancelled and not self.is_refunded

    def is_under_way(self, at_us):
        """Whether it was ordered, and neither delivered nor assumed to be by an instant."""
        return at_us < self.assumed_us < NEVER

    def late_since_us(self, at_us):
        """Since when it is late at an instant."""
        return min(self.late_us, self.promised_us if self.promised_us <= at_us else NEVER)

    def is_late(self, at_us):
        """Whether it is under way longer than promised, or than the carrier wanted."""
        return self.is_under_way(at_us) and self.late_since_us(at_us) < NEVER

    def heard_until(self, at_us):
        """What was heard of its delivery by an instant, the one that is assumed by then among it."""
        more = [((self.assumed_us, 0, 0), "arrived", self.assumed_us)] if self.assumed_us <= at_us else []
        return self.heard + more


def _id_of(row):
    value = row.properties.get("order_id")
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def orders_of(rows, zone):
    """Every order of these rows (in log order), each told from its own rows alone; `zone` is the installation's."""
    own = {}
    for row in rows:
        is_said = row.type == "track" and not row.flags & DERIVED  # what a journey says is no purchase
        if is_said and row.name.startswith(("Order ", "Store ")) and _id_of(row):
            own.setdefault(_id_of(row), []).append(row)
    return [_order(order_id, listed, zone) for order_id, listed in own.items()]


def deliveries_of(orders, at_us):
    """(how many orders that stand were delivered by an instant, when the first one ever was; None if none)."""
    count, first_us = 0, None
    lines = [(*line, one.ordered_us + 3 * DAY) for one in orders for line in one.heard_until(at_us)]
    for _, what, delivered_us, assumed_us in sorted(lines):
        if what == "arrived":
            count += 1
            first_us = delivered_us if first_us is None else min(first_us, delivered_us)
        elif what == "gone":
            count -= 1
        elif count == 1 and first_us >= assumed_us:
            first_us = delivered_us
    return count, first_us


def _amount(properties, currency, *names):
    found = (minor_units(properties.get(name), currency) for name in names)
    return next((minor for minor in found if minor is not None), 0)


def _stated(properties, currency):
    """The amount that an order states; None if none."""
    found = (minor_units(properties.get(name), currency) for name in ("total", "revenue", "value", "subtotal"))
    return next((minor for minor in found if minor is not None), None)


def _worth(properties, currency):
    """(what its products cost together, whether it names any)."""
    products = properties.get("products")
    named = [one for one in (products if isinstance(products, list) else [])[:200] if isinstance(one, dict)]
    worth = 0
    for one in named:
        quantity = one.get("quantity")
        count = quantity if isinstance(quantity, int) and not isinstance(quantity, bool) else 1
        worth += count * (minor_units(one.get("price"), currency) or 0)
    return (worth if 0 < worth <= 10**15 else 0), bool(named)


def promise_us(row, zone):
    """When what a row promises is over: the end of the day or the instant it names; NEVER if it promises nothing."""
    value = row.properties.get("promised_at") or row.properties.get("expected_at")
    if not isinstance(value, str):
        return NEVER
    try:
        if len(value) == 10:
            return day_start(date.fromisoformat(value).toordinal() - 719_163 + 1, zone)
        moment = datetime.fromisoformat(value)
    except ValueError:
        return NEVER
    return (moment - EPOCH) // timedelta(microseconds=1) if moment.tzinfo is not None else NEVER


def _order(order_id, rows, zone):  # noqa: PLR0912  (one branch per kind of event)
    order = Order(order_id)
    for row in rows:
        now = (row.at_us, 1, row.number)
        order.late_us = order.late_since_us(row.at_us)
        if order.assumed_us <= row.at_us:
            _arrive(order, (order.assumed_us, 0, 0), order.assumed_us)
        if row.name in COMPLETED:
            _complete(order, row, now, zone)
        elif row.name == "Order Delayed" and order.assumed_us < NEVER:
            order.late_us = min(order.late_us, row.occurred_us)
        elif row.name == "Order Shipped" and order.assumed_us < NEVER:
            order.promised_us = promise_us(row, zone) if promise_us(row, zone) < NEVER else order.promised_us
            shipped = [one.occurred_us for one in rows if one.name == row.name and one.number <= row.number]
            order.assumed_us = min(shipped) + 30 * DAY
        elif row.name in DELIVERED:
            if order.assumed_us < NEVER:
                _arrive(order, now, row.occurred_us)
            elif order.is_delivered and order.stands and order.said_us < 0:
                order.heard.append((now, "corrected", row.occurred_us))
            order.said_us = row.occurred_us if order.said_us < 0 else order.said_us
        elif row.name in REFUNDED:
            if order.ordered_us < 0 and not order.was_refunded:
                order.currency = currency_of(row.properties)
            amount = _amount(row.properties, order.currency, "refund", "total", "revenue", "value")
            if amount <= 0 and not row.properties.get("products"):
                order.refunded_early = order.refunded_early or order.ordered_us < 0
                amount = order.total - order.refunded
            order.refunded, order.was_refunded = order.refunded + max(amount, 0), True
            if order.stands and order.refunded >= order.total:
                order.is_refunded = True
                _leave(order, now)
        elif row.name == "Order Cancelled" and order.stands:
            order.is_cancelled = True
            _leave(order, now)
        elif row.name == "Order Cancelled" and order.is_refunded:
            order.is_cancelled = True
        elif row.name == "Order Cancelled" and order.ordered_us < 0:
            order.cancelled_early = True
        if order.assumed_us <= row.at_us:  # what a late row tells may be over already
            _arrive(order, now, order.assumed_us)
    return order


def _complete(order, row, now, zone):
    if order.ordered_us >= 0:
        stated = row.properties.get("currency")
        is_code = isinstance(stated, str) and len(stated) == 3 and stated.isascii() and stated.isalpha()
        currency = stated.upper() if is_code else order.currency
        total = _stated(row.properties, currency)
        if total is None and "products" in row.properties and order.has_lines and order.total == order.worth:
            total = _worth(row.properties, currency)[0]
        if total is not None:
            order.currency, order.total = currency, total
        if "products" in row.properties:
            order.worth, order.has_lines = _worth(row.properties, currency)
        return
    order.currency = currency_of(row.properties)
    order.worth, order.has_lines = _worth(row.properties, order.currency)
    total = _stated(row.properties, order.currency)
    order.total = order.worth if total is None else total
    order.ordered_us = row.occurred_us
    if order.said_us >= 0:
        _arrive(order, now, order.said_us)
    elif row.properties.get("channel") == "till":
        _arrive(order, now, order.ordered_us)
        order.said_us = order.ordered_us
    else:
        order.assumed_us = order.ordered_us + 3 * DAY
        order.promised_us = promise_us(row, zone)
    if order.cancelled_early:
        order.is_cancelled = True
        _leave(order, now)
    elif order.refunded_early or (order.was_refunded and 0 < order.refunded >= order.total):
        order.is_refunded, order.refunded = True, max(order.refunded, order.total)
        _leave(order, now)


def _arrive(order, now, delivered_us):
    order.heard.append((now, "arrived", delivered_us))
    order.is_delivered, order.assumed_us = True, NEVER


def _leave(order, now):
    """What is cancelled or wholly refunded counts no more, and what of it was under way does not arrive."""
    if order.assumed_us == NEVER:
        order.heard.append((now, "gone", -1))
    order.assumed_us = NEVER


def open_cart(rows, at_us):
    """(product id -> (count, price), when it last changed, currency) of the cart that stands open; ({}, -1, "") without one."""
    lines, changed_us, currency = {}, -1, ""
    ordered = set()
    for row in rows:
        if row.type != "track" or row.flags & DERIVED:
            continue
        if changed_us >= 0 and changed_us + CART_LIFE <= row.at_us:
            lines, changed_us = {}, -1
        if row.name in COMPLETED and _id_of(row) and _id_of(row) not in ordered:
            ordered.add(_id_of(row))
            lines, changed_us = {}, -1
        product = row.properties.get("product_id")
        if row.name == "Product Added" and product:
            count = row.properties.get("quantity")
            held = lines.get(product, (0, 0))[0]
            count = count if isinstance(count, int) and count > 0 else 1
            currency = currency if lines else currency_of(row.properties)
            lines[product] = (held + count, _amount(row.properties, currency, "price"))
            changed_us = max(changed_us, row.occurred_us)
        elif row.name == "Product Removed" and product in lines:
            gone = row.properties.get("quantity")
            count, price = lines.pop(product)
            if isinstance(gone, int) and 0 < gone < count:
                lines[product] = (count - gone, price)
            changed_us = max(changed_us, row.occurred_us) if lines else -1
    if changed_us < 0 or changed_us + CART_LIFE <= at_us:
        return {}, -1, ""
    return lines, changed_us, currency
