"""Names that exist without being defined in a file: channels, computed traits, events of the catalogue."""

CHANNELS = ("email", "sms", "push", "letter", "phone", "site")
"""Channels a message, a limit or a consent may name."""

BUILT_IN_TRAITS = (
    "order_count", "delivered_count", "sales", "refunded", "average_order", "first_order_at", "last_order_at", "first_delivered_at",
    "days_since_last_order", "days_since_first_delivery", "purchase_day_count", "average_gap_days", "open_order_count", "cart_value",
    "cart_changed_at", "has_open_cart", "first_seen_at", "last_seen_at", "is_known",
)  # fmt: skip
"""Computed traits that every customer has."""

EVENTS = (
    "Products Searched", "Product List Viewed", "Product List Filtered", "Promotion Viewed", "Promotion Clicked", "Product Clicked",
    "Product Viewed", "Product Added", "Product Removed", "Cart Viewed", "Checkout Started", "Checkout Step Viewed",
    "Checkout Step Completed", "Payment Info Entered", "Order Completed", "Order Updated", "Order Refunded", "Order Cancelled",
    "Order Shipped", "Order Delivered", "Coupon Entered", "Coupon Applied", "Coupon Denied", "Coupon Removed", "Product Added to Wishlist",
    "Product Removed from Wishlist", "Wishlist Product Added to Cart", "Product Shared", "Cart Shared", "Product Reviewed",
    "Email Delivered", "Email Opened", "Email Link Clicked", "Email Bounced", "Email Marked as Spam", "Unsubscribed",
    "Consent Confirmed", "Consent Withdrawn", "Case Opened", "Case Solved", "Case Confirmed", "Form Submitted",
)  # fmt: skip
"""Names people mistype. Other events are welcome: an unknown name is only ever a reason to ask back. Source: Segment's e-commerce spec v2."""

CUSTOMER_NAMES = frozenset({"greeting", "first_name"})
"""What templates find under `customer` besides attributes."""
