"""A small cast whose year ends where a newcomer wants to look: every phase, sub-state and situation, a few times.

Chance fills most of them in the whole demo; the cast makes sure of all of them in a demo of any size.
"""

from collections.abc import Callable

from kundenkreis.demo.overlay.service import bereavement, complaint, deal, question, rights_request
from kundenkreis.demo.overlay.shoppers import history, introduce
from kundenkreis.demo.overlay.shopping import Parcel, deliver, fail_payment, fill_cart, give_back, order
from kundenkreis.demo.overlay.stage import Stage, Story
from kundenkreis.demo.overlay.visits import browse, confirm, sign_up
from kundenkreis.demo.people import Person
from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.zones import DAY, HOUR, MINUTE

EACH = 4
"""People per ending."""
_NEVER = 400 * DAY
"""Later than any end of the year."""
_QUICK = Parcel(shipped_after_days=1, delivered_after_days=2)

Ending = Callable[[Story, Person, Micros], None]
"""Tells a person's story so that at the given instant, the year's end, it stands where its name says."""


def cast(stage: Stage) -> list[Story]:
    """EACH people per ending, each a new invented person with an evening of their own at the end of the year."""
    stories = []
    for ending in ENDINGS.values():
        for n in range(EACH):
            person = stage.person()
            story = Story(stage, person.user, zone_name=person.zone)
            ending(story, person, stage.year.ends_us - n * 47 * MINUTE)
            stories.append(story)
    return stories


def _ordered(
    story: Story, person: Person, at_us: Micros, key: str = "order", how: Parcel | None = _QUICK
) -> tuple[str, Micros]:
    """An order with its parcel; (order id, instant of delivery)."""
    items = story.stage.items(story.dice, key, 3)
    order_id = order(story, key, at_us, items, language=person.language)
    return order_id, at_us if how is None else deliver(story, order_id, at_us, how)


def _customer(story: Story, person: Person, end_us: Micros, *, days_ago: int = 150) -> None:
    """Somebody with two delivered orders at their usual rhythm."""
    introduce(story, person, end_us - (days_ago + 1) * DAY, consent_percent=75)
    _ordered(story, person, end_us - days_ago * DAY, "first")
    _ordered(story, person, end_us - 30 * DAY, "second")


def _attention(story: Story, person: Person, end_us: Micros) -> None:
    story.user, story.anonymous = "", story.user.replace("erfunden-", "erfunden-gast-")
    browse(story, "besuch", end_us - 5 * HOUR)


def _trust(story: Story, person: Person, end_us: Micros) -> None:
    sign_up(story, person, end_us - 9 * DAY)
    confirm(story, person, end_us - 9 * DAY + 6 * MINUTE)


def _unconfirmed(story: Story, person: Person, end_us: Micros) -> None:
    sign_up(story, person, end_us - 4 * DAY)


def _open_cart(story: Story, person: Person, end_us: Micros) -> None:
    sign_up(story, person, end_us - 12 * DAY)
    confirm(story, person, end_us - 12 * DAY + 3 * MINUTE)
    items = story.stage.items(story.dice, "cart", 2)
    fill_cart(story, "cart", end_us - 3 * HOUR, items, language=person.language, checkout=True)


def _in_transit(story: Story, person: Person, end_us: Micros) -> None:
    introduce(story, person, end_us - 3 * DAY)
    _ordered(story, person, end_us - 3 * DAY + HOUR)


def _late(story: Story, person: Person, end_us: Micros) -> None:
    introduce(story, person, end_us - 9 * DAY)
    _ordered(story, person, end_us - 9 * DAY + HOUR, how=Parcel(1, 12, late=True))


def _fresh(story: Story, person: Person, end_us: Micros) -> None:
    introduce(story, person, end_us - 26 * DAY)
    _ordered(story, person, end_us - 26 * DAY + HOUR)


def _one_time(story: Story, person: Person, end_us: Micros) -> None:
    introduce(story, person, end_us - 140 * DAY)
    _ordered(story, person, end_us - 140 * DAY + HOUR)


def _loyal(story: Story, person: Person, end_us: Micros) -> None:
    _customer(story, person, end_us, days_ago=62)


def _at_risk(story: Story, person: Person, end_us: Micros) -> None:
    introduce(story, person, end_us - 230 * DAY, consent_percent=75)
    for n, days_ago in enumerate((229, 214, 201, 187, 170, 157)):
        _ordered(story, person, end_us - days_ago * DAY, f"order-{n}")


def _sleeping(story: Story, person: Person, end_us: Micros) -> None:
    history(story, person, end_us - 500 * DAY)


def _former(story: Story, person: Person, end_us: Micros) -> None:
    history(story, person, end_us - 900 * DAY)


def _returning(story: Story, person: Person, end_us: Micros) -> None:
    introduce(story, person, end_us - 14 * DAY)
    items = story.stage.items(story.dice, "order", 3)
    order_id = order(story, "order", end_us - 14 * DAY + HOUR, items, language=person.language)
    delivered_us = deliver(story, order_id, end_us - 14 * DAY + HOUR, _QUICK)
    give_back(story, order_id, delivered_us, items, language=person.language, whole=False, after_us=7 * DAY)


def _complaining(story: Story, person: Person, end_us: Micros) -> None:
    _customer(story, person, end_us)
    complaint(story, end_us - 2 * DAY, answered_us=DAY, solved_us=_NEVER)


def _asking(story: Story, person: Person, end_us: Micros) -> None:
    _customer(story, person, end_us)
    question(story, end_us - 8 * HOUR, answered_us=_NEVER)


def _unpaid(story: Story, person: Person, end_us: Micros) -> None:
    introduce(story, person, end_us - 16 * DAY)
    order_id, _ = _ordered(story, person, end_us - 16 * DAY + HOUR)
    fail_payment(story, order_id, end_us - 16 * DAY + HOUR, 4_210, settled_after_us=_NEVER)


def _negotiating(story: Story, person: Person, end_us: Micros) -> None:
    _customer(story, person, end_us)
    deal(story, end_us - 6 * DAY, ends_us=_NEVER)


def _bereaved(story: Story, person: Person, end_us: Micros) -> None:
    _customer(story, person, end_us)
    bereavement(story, end_us - 20 * DAY)


def _asking_for_rights(story: Story, person: Person, end_us: Micros) -> None:
    _customer(story, person, end_us)
    rights_request(story, end_us - 5 * DAY, closed_us=_NEVER)


ENDINGS: dict[str, Ending] = {
    "attention": _attention,
    "trust": _trust,
    "unconfirmed": _unconfirmed,
    "open_cart": _open_cart,
    "in_transit": _in_transit,
    "late": _late,
    "care_fresh": _fresh,
    "care_one_time": _one_time,
    "loyalty": _loyal,
    "winback_at_risk": _at_risk,
    "winback_sleeping": _sleeping,
    "winback_former": _former,
    "return": _returning,
    "complaint": _complaining,
    "question": _asking,
    "payment_open": _unpaid,
    "negotiation": _negotiating,
    "bereavement": _bereaved,
    "rights_request": _asking_for_rights,
}
"""Every phase, sub-state and situation a demo must show, and who shows it."""
