"""The event mix of the benchmarks: a shop's traffic, deterministic by number.

Shares (judgement, near the demo's overlay): product and page views 65 %, cart 11 %, orders of three lines 8 %, deliveries 6 %,
profile changes 4 %, searches 6 %. About 420 bytes an event.
"""

import json
import random
from collections.abc import Iterator

from kundenkreis.events.core.inbox_item import InboxItem


def identities(customers: int, *, at_us: int) -> Iterator[InboxItem]:
    """One identify per customer, four in five with consent to the newsletter behind it."""
    for number in range(customers):
        traits = {
            "email": f"person{number}@example.com",
            "firstName": "Anna",
            "lastName": f"Muster{number}",
            "country": "DE",
            "timezone": "Europe/Berlin",
            "birthday": f"19{50 + number % 50:02d}-{1 + number % 12:02d}-{1 + number % 28:02d}",
            "language": "de",
        }
        yield item("identify", f"i{number}", number, at_us, traits=traits)
        if number % 5:
            grant = {"channel": "email", "purpose": "newsletter", "text_version": "1", "form": "shop", "proof": "doi"}
            yield item("track", f"c{number}", number, at_us, event="Consent Confirmed", properties=grant)


def traffic(count: int, customers: int, *, start_us: int, step_us: int, seed: int = 1) -> Iterator[InboxItem]:
    """`count` events of random customers, one every `step_us`."""
    chance = random.Random(seed)
    for number in range(count):
        at_us = start_us + number * step_us
        who = chance.randrange(customers)
        yield _event(number, who, at_us, chance.random(), seed)


def _event(number: int, who: int, at_us: int, dice: float, seed: int) -> InboxItem:
    product = number % 997
    name, properties = (
        "Product Viewed",
        {"product_id": f"p{product}", "category": f"Kategorie {product % 40}", "price": 19.9},
    )
    if dice > 0.94:
        name, properties = "Products Searched", {"query": f"suche {product}"}
    elif dice > 0.90:
        return item("identify", f"t{seed}-{number}", who, at_us, traits={"city": f"Stadt {product}"})
    elif dice > 0.84:
        name, properties = "Order Delivered", {"order_id": f"o{seed}-{max(number - 1000, 0)}"}
    elif dice > 0.76:
        lines = [
            {"product_id": f"p{product + k}", "category": f"Kategorie {k}", "quantity": 1 + k, "price": "12.50"}
            for k in range(3)
        ]
        name, properties = (
            "Order Completed",
            {"order_id": f"o{seed}-{number}", "total": "75.00", "currency": "EUR", "products": lines},
        )
    elif dice > 0.65:
        name, properties = (
            "Product Added",
            {"product_id": f"p{product}", "quantity": 1, "price": "12.50", "cart_id": f"c{who}"},
        )
    elif dice > 0.40:
        page = {"url": f"https://shop.example/p/{product}", "path": f"/p/{product}", "title": f"Seite {product}"}
        return item("page", f"t{seed}-{number}", who, at_us, name="Produkt", properties=page)
    return item("track", f"t{seed}-{number}", who, at_us, event=name, properties=properties)


def item(kind: str, message_id: str, who: int, at_us: int, **fields: object) -> InboxItem:
    """One request as the tracking API stores it."""
    body = {
        "type": kind,
        "messageId": message_id,
        "userId": f"u{who}",
        "context": {"library": {"name": "bench"}},
        **fields,
    }
    return InboxItem(at_us, "bench", False, kind, json.dumps(body).encode())
