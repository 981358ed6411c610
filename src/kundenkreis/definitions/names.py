"""Names that exist without being defined in a file: channels, events of the catalogue."""

CHANNELS = ("email", "sms", "messenger", "push", "letter", "call", "call_attempt", "phone", "site")
"""Channels a message, a limit or a consent may name."""

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
