"""What the shipped journeys are good for, in two sentences each."""

from dataclasses import dataclass

from django.utils.translation import gettext as _


@dataclass(frozen=True, kw_only=True)
class PlaybookWords:
    """What marketing gets, what the customer gets, who gets in."""

    icon: str
    for_us: str
    for_them: str
    audience: str


def playbook_words(name: str) -> PlaybookWords:
    """The words of a shipped journey; bare ones for a journey without words of its own."""
    known = {
        "welcome": PlaybookWords(
            icon="heart",
            for_us=_("First orders, and a good name as sender from the first day."),
            for_them=_("A greeting within a minute, a choice of topics, help with the first order."),
            audience=_("Whoever confirms the newsletter."),
        ),
        "second_purchase": PlaybookWords(
            icon="repeat",
            for_us=_("Second orders."),
            for_them=_("Tips for what was bought, and the customer card."),
            audience=_("Whoever received the first order."),
        ),
        "birthday_anniversary": PlaybookWords(
            icon="cake",
            for_us=_("A reliable occasion all year round."),
            for_them=_("A gift before the day and a greeting on it."),
            audience=_("Whoever has a birthday in a week and agreed to this."),
        ),
        "voucher": PlaybookWords(
            icon="ticket",
            for_us=_("Coupons that are redeemed instead of forgotten."),
            for_them=_("One reminder before the coupons expire."),
            audience=_("Whoever received a coupon booklet."),
        ),
        "churn_winback": PlaybookWords(
            icon="refresh",
            for_us=_("Customers who come back, without gifts to the faithful."),
            for_them=_("News, one question, a fair offer, then peace."),
            audience=_("Whoever is silent for longer than usual."),
        ),
    }
    return known.get(name) or PlaybookWords(icon="route", for_us="", for_them="", audience="")
