"""Which requests forbid something: they are noticed while they wait, because a backlog may delay a message, never a withdrawal."""

from kundenkreis.events.core.inbox_item import InboxItem

FORBIDDING = (
    "Consent Withdrawn", "Consent Objected", "Unsubscribed", "Email Unsubscribed", "Email Marked as Spam", "Suppression Added",
)  # fmt: skip
"""Events by which somebody may be written to less than before (customers/core/consent.py). What a public write key sends changes no consent."""
_SOUGHT = tuple(name.encode() for name in FORBIDDING if name != "Email Unsubscribed")  # which ends in another one


def may_forbid(item: InboxItem) -> bool:
    """Whether one of these names stands anywhere in the request: looked for as bytes, because everything acknowledged comes by here."""
    return not item.public and any(name in item.body for name in _SOUGHT)
