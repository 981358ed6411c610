"""What events of the catalogue are called elsewhere: a shop that sends `purchase` or `Placed Order` is stored, but nothing counts it as an order.

Sources: "Recommended events" of Google Analytics 4 (developers.google.com/analytics/devguides/collection/ga4/reference/events), "Standard events" of
Shopify's web pixels (shopify.dev/docs/api/web-pixels-api/standard-events), Klaviyo's guide to integrating a shop
(developers.klaviyo.com/en/docs/guide_to_integrating_a_platform_without_a_pre_built_klaviyo_integration).
"""

import re

from kundenkreis.events.core.catalogue import EVENTS

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_LONGEST = 100
"""No name of the catalogue comes near it."""

_ELSEWHERE = {
    "purchase": "Order Completed",
    "placed order": "Order Completed",
    "order placed": "Order Completed",
    "order created": "Order Completed",
    "checkout completed": "Order Completed",
    "refund": "Order Refunded",
    "fulfilled order": "Order Shipped",
    "canceled order": "Order Cancelled",
    "add to cart": "Product Added",
    "added to cart": "Product Added",
    "product added to cart": "Product Added",
    "remove from cart": "Product Removed",
    "removed from cart": "Product Removed",
    "product removed from cart": "Product Removed",
    "add to wishlist": "Product Added to Wishlist",
    "added to wishlist": "Product Added to Wishlist",
    "view item": "Product Viewed",
    "view item list": "Product List Viewed",
    "collection viewed": "Product List Viewed",
    "select item": "Product Clicked",
    "view cart": "Cart Viewed",
    "begin checkout": "Checkout Started",
    "add payment info": "Payment Info Entered",
    "payment info submitted": "Payment Info Entered",
    "search": "Products Searched",
    "search submitted": "Products Searched",
    "view promotion": "Promotion Viewed",
    "select promotion": "Promotion Clicked",
}


def _words(name: str) -> tuple[str, ...]:
    """In one order, so that "Completed Order", "order_completed" and "orderCompleted" are one."""
    return tuple(sorted(word.lower() for word in _WORD.findall(name)))


_KNOWN = {_words(name): name for name in EVENTS} | {_words(name): known for name, known in _ELSEWHERE.items()}


def known_name(name: str) -> str:
    """The event of the catalogue that is probably meant by a name that is none of it; "" if none comes near."""
    if name in EVENTS or len(name) > _LONGEST:
        return ""
    return _KNOWN.get(_words(name), "")
