"""Orders and the cart, recounted from the rows (docs/reference/definitions.md, "Orders, deliveries and carts")."""

from dataclasses import dataclass

from tests.oracle.comparing import minor_units
from tests.oracle.local_time import DAY

COMPLETED = ("Order Completed", "Store Purchase", "Order Updated")
DELIVERED = ("Order Delivered", "Order Picked Up")
REFUNDED = ("Order Refunded", "Order Line Refunded")
CART_LIFE = 30 * DAY


@dataclass
class Order:
    """One order, as far as its rows tell."""

    order_id: str
    ordered_us: int = -1
    """-1: only named by a refund so far."""
    total: int = 0
    refunded: int = 0
    is_cancelled: bool = False
    is_refunded: bool = False
    """Wholly."""
    delivered_us: int = -1
    """Also an assumed delivery that lies ahead; -1: none in sight."""
    corrected: tuple[int, int] | None = None
    """(when it was really delivered, when that was heard) of one that had been assumed."""

    @property
    def stands(self):
        """Whether it still counts as an order."""
        return self.ordered_us >= 0 and not self.is_cancelled and not self.is_refunded


def _id_of(row):
    value = row.properties.get("order_id")
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def orders_of(rows):
    """Every order of these rows (in log order), each told from its own rows alone."""
    own = {}
    for row in rows:
        if row.type == "track" and row.name.startswith(("Order ", "Store ")) and _id_of(row):
            own.setdefault(_id_of(row), []).append(row)
    return [_order(order_id, listed) for order_id, listed in own.items()]


def _amount(properties, *names):
    return next((cents for name in names if (cents := minor_units(properties.get(name))) is not None), 0)


def _order(order_id, rows):
    order = Order(order_id)
    for row in rows:
        properties = row.properties
        if row.name in COMPLETED:
            order.total = _amount(properties, "total", "revenue", "value", "subtotal")
            if order.ordered_us < 0:
                order.ordered_us = row.occurred_us
                at = rows.index(row)
                early = [one.occurred_us for one in rows[:at] if one.name in DELIVERED]
                later = rows[at + 1 :]
                order.delivered_us = early[0] if early else _delivered_us(order.ordered_us, properties, later)
                if not early and properties.get("channel") != "till":
                    order.corrected = _corrected(order.delivered_us, later)
        elif row.name in REFUNDED:
            amount = _amount(properties, "refund", "total", "revenue", "value")
            if amount <= 0 and not properties.get("products"):
                amount = order.total - order.refunded
            order.refunded += max(amount, 0)
            if order.stands and order.refunded >= order.total:
                order.is_refunded = True
        elif row.name == "Order Cancelled" and order.stands:
            order.is_cancelled = True
    return order


def _delivered_us(ordered_us, properties, later):
    """When the goods are there: at the till at once, by a delivery event, else assumed."""
    if properties.get("channel") == "till":
        return ordered_us
    assumed_us = ordered_us + 3 * DAY
    for row in later:
        if row.at_us >= assumed_us:
            break  # what is assumed to be there cannot arrive once more
        if row.name == "Order Shipped":
            shipped = [one.occurred_us for one in later if one.name == "Order Shipped" and one.number <= row.number]
            assumed_us = min(shipped) + 30 * DAY
        elif row.name in DELIVERED:
            return row.occurred_us
        elif row.name == "Order Cancelled" or (
            row.name in REFUNDED and _amount(row.properties, "refund", "total") >= _amount(properties, "total")
        ):
            return -1
    return assumed_us


def _corrected(assumed_us, later):
    """The first report of a delivery after it had been assumed, while the order stood."""
    for row in later:
        if row.name in DELIVERED:
            return (
                (row.occurred_us, row.at_us) if 0 <= assumed_us <= row.at_us and row.occurred_us != assumed_us else None
            )
        if row.name == "Order Cancelled" or row.name in REFUNDED:
            return None
    return None


def open_cart(rows, at_us):
    """(product ids in the cart, when it last changed) of the cart that stands open; ({}, -1) without one."""
    lines, changed_us = {}, -1
    ordered = set()
    for row in rows:
        if row.type != "track":
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
            lines[product] = (held + count, _amount(row.properties, "price"))
            changed_us = max(changed_us, row.occurred_us)
        elif row.name == "Product Removed" and product in lines:
            del lines[product]
            changed_us = max(changed_us, row.occurred_us) if lines else -1
    if changed_us < 0 or changed_us + CART_LIFE <= at_us:
        return {}, -1
    return lines, changed_us
