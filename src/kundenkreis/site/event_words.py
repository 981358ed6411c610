"""What events are called: those of the catalogue in its own words, those that Kundenkreis writes in ours."""

from django.utils.text import capfirst
from django.utils.translation import gettext as _

from kundenkreis.events.core.catalogue import EVENTS
from kundenkreis.site.formats import in_words
from kundenkreis.site.words import channel_word


def event_word(name: str) -> str:
    """An event in words; what nobody knows is called as it was sent."""
    known = EVENTS.get(name)
    if known is not None:
        return in_words(known)
    own = {
        "identify": _("Details received"),
        "alias": _("Two records belong together"),
        "group": _("Belongs to a company or group"),
        "page": _("Page viewed"),
        "screen": _("Screen viewed"),
        "Attribute Set": _("Value corrected"),
        "Bereavement Cleared": _("Bereavement lifted"),
        "Marketing Paused": _("Marketing paused"),
        "Marketing Resumed": _("Marketing resumed"),
        "Merge Requested": _("Joined with another record"),
        "Message Sent": _("Message handed over"),
        "Message Uncertain": _("Message perhaps handed over"),
        "Message Held": _("Message held back"),
        "Message Failed": _("Message not handed over"),
        "Held Message Released": _("Held message sent after all"),
        "Held Message Closed": _("Held message settled"),
        "Message Released": _("Message released"),
        "Message Withheld": _("Message withheld"),
        "Message Postponed": _("Message postponed"),
        "Message Expired": _("Message expired"),
        "Score Added": _("Score raised"),
        "Broadcast Started": _("Mailing started"),
        "Message Cancelled": _("Message stopped"),
        "Phase Changed": _("Phase changed"),
        "Sub-State Changed": _("State changed"),
        "Segment Entered": _("Entered a segment"),
        "Segment Left": _("Left a segment"),
        "Situation Began": _("Began"),
        "Situation Ended": _("Ended"),
        "Journey Stopped": _("Journey stopped"),
    }
    return own.get(name, name)


def origin_word(origin: str) -> str:
    """What wrote an event, where that was not a touchpoint with a key of its own."""
    known = {
        "api": "",
        "control": _("Kundenkreis"),
        "derived": _("followed from another event"),
        "feedback": _("sending"),
        "human": _("by hand"),
    }
    return known.get(origin, origin)


def property_word(name: str) -> str:
    """A property of an event in words; one that nobody knows is called as it was sent."""
    known = {
        "total": _("amount"),
        "revenue": _("amount"),
        "value": _("amount"),
        "discount": _("discount"),
        "coupon_discount": _("discount by coupon"),
        "price": _("price"),
        "quantity": _("quantity"),
        "kind": _("kind"),
        "channel": _("channel"),
        "purpose": _("purpose"),
        "reason": _("reason"),
        "severity": _("severity"),
        "category": _("category"),
        "product_id": _("product"),
        "order_id": _("order"),
        "expires_at": _("expiry"),
    }
    return known.get(name, name.replace("_", " "))


def property_value(name: str, value: object) -> object:
    """What a property is compared with, in words where the shipped definitions name it."""
    if isinstance(value, list):
        return [property_value(name, one) for one in value]
    if not isinstance(value, str):
        return value
    if name == "channel":
        return capfirst(channel_word(value))
    known = {
        "question": _("question"),
        "complaint": _("complaint"),
        "booklet": _("coupon booklet"),
        "birthday_gift": _("birthday gift"),
    }
    return known.get(value, value)
