"""Pieces of stories around an order on the web: cart, order, parcel, delay, return, payment."""

from dataclasses import dataclass
from typing import Any

from kundenkreis.demo.message import utc_text
from kundenkreis.demo.overlay.stage import Item, Story
from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.zones import DAY, HOUR, MINUTE, SECOND, zone

CURRENCY = "USD"
_PROMISED_DAYS = 4
_CARRIERS = ("Paketdienst Nord", "Stadtbote", "Linie 8 Pakete")
_DELAYS = ("Ausfall eines Fahrzeugs", "Adresse unklar", "hohes Paketaufkommen", "im Depot falsch sortiert")
_RETURNS = ("gefällt nicht", "beschädigt angekommen", "falscher Artikel", "zu spät angekommen")


@dataclass(frozen=True)
class Parcel:
    """How a parcel travels; drawn by `parcel` or stated by who needs a certain end."""

    shipped_after_days: int
    delivered_after_days: int
    """After shipping; 1 to 4 days, a late one longer."""
    late: bool = False


def parcel(story: Story, key: str, *, late_percent: float = 4) -> Parcel:
    """An ordinary parcel: shipped after a day or two, delivered 1 to 3 days later, some late."""
    dice = story.dice
    late = dice.chance(f"late {key}", late_percent)
    travel = dice.between(f"travel {key}", 1, 3) + (dice.between(f"extra {key}", 4, 8) if late else 0)
    return Parcel(dice.between(f"packed {key}", 1, 2), travel, late)


def fill_cart(
    story: Story, key: str, at_us: Micros, items: list[Item], *, language: str, checkout: bool, viewed: bool = True
) -> None:
    """A product looked at, then products put into a cart, one every few minutes; perhaps the checkout begun."""
    dice, at = story.dice, at_us
    cart_id = f"korb-{story.name}-{key}"
    for n, item in enumerate(items):
        if viewed and n == 0:
            story.track("Product Viewed", f"{key}-view-{n}", at, item.properties(language))
        at += dice.between(f"{key} look {n}", 20, 200) * SECOND
        story.track(
            "Product Added",
            f"{key}-add-{n}",
            at,
            {"cart_id": cart_id, "currency": CURRENCY, **item.properties(language)},
        )
    value = sum(item.cents for item in items) / 100
    products = [item.properties(language) for item in items]
    carted = {"cart_id": cart_id, "value": value, "currency": CURRENCY, "products": products}
    story.track("Cart Viewed", f"{key}-cart", at + MINUTE, carted)
    if checkout:
        story.track("Checkout Started", f"{key}-checkout", at + 2 * MINUTE, carted)


def order(story: Story, key: str, at_us: Micros, items: list[Item], *, language: str, channel: str = "web") -> str:
    """An invented order; returns its id. Its amounts never mix with real sales: the person is invented too."""
    order_id = f"erfunden-{story.name.removeprefix('erfunden-')}-{key}"
    story.track(
        "Order Completed",
        key,
        at_us,
        {
            "order_id": order_id,
            "total": sum(item.cents for item in items) / 100,
            "currency": CURRENCY,
            "channel": channel,
            "notice_version": "1",
            "products": [item.properties(language) for item in items],
        },
    )
    return order_id


def deliver(story: Story, order_id: str, at_us: Micros, how: Parcel) -> Micros:
    """The parcel's events; returns the instant of delivery, maybe after the year."""
    shipped_us = story.daytime_us(f"shipped {order_id}", at_us, how.shipped_after_days)
    delivered_us = story.daytime_us(f"delivered {order_id}", shipped_us, how.delivered_after_days)
    clock = zone(story.zone_name)
    promised_us = clock.instant_us(clock.day_number(shipped_us) + _PROMISED_DAYS, 20 * 3_600)
    about: dict[str, Any] = {
        "order_id": order_id,
        "parcel_id": f"paket-{order_id}",
        "carrier": story.dice.pick(f"carrier {order_id}", _CARRIERS),
    }
    story.track("Order Shipped", f"shipped-{order_id}", shipped_us, {**about, "promised_at": utc_text(promised_us)})
    if how.late:
        reason = story.dice.pick(f"delay {order_id}", _DELAYS)
        noticed_us = promised_us - story.dice.between(f"noticed {order_id}", 3, 11) * HOUR
        told = {"promised_at": utc_text(promised_us), "expected_at": utc_text(delivered_us), "reason": reason}
        story.track("Order Delayed", f"delayed-{order_id}", noticed_us, {**about, **told})
    story.track("Order Delivered", f"delivered-{order_id}", delivered_us, about)
    return delivered_us


def give_back(
    story: Story,
    order_id: str,
    delivered_us: Micros,
    items: list[Item],
    *,
    language: str,
    whole: bool,
    after_us: Micros | None = None,
) -> None:
    """A return of one product or of everything: announced, received, refunded."""
    dice = story.dice
    back = items if whole else items[:1]
    announced_us = delivered_us + (dice.between(f"return {order_id}", 1, 11) * DAY if after_us is None else after_us)
    received_us = story.daytime_us(f"received {order_id}", announced_us, dice.between(f"back {order_id}", 3, 7))
    products = [item.properties(language) for item in back]
    about = {"order_id": order_id, "return_id": f"retoure-{order_id}"}
    reason = dice.pick(f"why {order_id}", _RETURNS)
    story.track(
        "Return Announced", f"return-{order_id}", announced_us, {**about, "reason": reason, "products": products}
    )
    story.track("Return Received", f"received-{order_id}", received_us, about)
    refunded_us = story.office_us(
        f"refunded {order_id}", received_us + dice.between(f"refund {order_id}", 4, 50) * HOUR
    )
    total = sum(item.cents for item in back) / 100
    story.track(
        "Order Refunded",
        f"refunded-{order_id}",
        refunded_us,
        {**about, "total": total, "currency": CURRENCY, "products": products},
    )


def fail_payment(story: Story, order_id: str, at_us: Micros, amount_cents: int, *, settled_after_us: Micros) -> None:
    """A direct debit that came back: failed, reminded after a week, settled in the end."""
    about = {"order_id": order_id, "total": amount_cents / 100, "currency": CURRENCY}
    failed_us = at_us + 2 * DAY
    story.track("Payment Failed", f"payment-{order_id}", failed_us, {**about, "reason": "Rücklastschrift"})
    if settled_after_us > 7 * DAY:
        story.track("Payment Reminded", f"reminded-{order_id}", failed_us + 7 * DAY, {**about, "step": 1})
    story.track("Payment Settled", f"settled-{order_id}", failed_us + settled_after_us, about)
