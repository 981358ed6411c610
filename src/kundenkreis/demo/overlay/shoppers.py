"""Invented customers: orders, parcels, returns, unpaid orders; and former customers with old history.

A year of data cannot hold anybody silent for a year, so former customers come as imported history: old orders with
their old timestamps, received in the year's first hour. A few come back.
"""

from kundenkreis.demo.households import consent_properties
from kundenkreis.demo.overlay.shopping import deliver, fail_payment, fill_cart, give_back, order, parcel
from kundenkreis.demo.overlay.stage import Stage, Story, moment
from kundenkreis.demo.overlay.visits import SignUp
from kundenkreis.demo.people import Person
from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.zones import DAY, HOUR, MINUTE

_DIRECT, _SLEEPING, _FORMER = 520, 330, 260
_FIRST_ORDER_PERCENT = 14
"""Of confirmed sign-ups: about what a shop with a welcome series sees."""


def buyers(stage: Stage, signed_up: list[SignUp]) -> list[Story]:
    """People who order: some of those who signed up (their stories go on), and some who came straight to the shop."""
    stories = []
    for sign_up in signed_up:
        if sign_up.confirmed_us is not None and sign_up.story.dice.chance("orders", _FIRST_ORDER_PERCENT):
            first_us = sign_up.confirmed_us + sign_up.story.dice.between("first order", 1, 35) * DAY + 3 * HOUR
            shop(sign_up.story, sign_up.person, first_us)
    for _ in range(stage.count(_DIRECT, 6)):
        person = stage.person()
        story = Story(stage, person.user, zone_name=person.zone)
        first_us = moment(story.dice, "first order", stage.year.starts_us + DAY, stage.year.ends_us - HOUR, person.zone)
        introduce(story, person, first_us - 40 * MINUTE)
        shop(story, person, first_us)
        stories.append(story)
    return stories


def introduce(story: Story, person: Person, at_us: Micros, *, consent_percent: float = 45) -> None:
    """Who a customer is, as stated at the checkout, with or without the newsletter."""
    story.tell("identify", "person", at_us, traits=person.traits())
    if story.dice.chance("consents", consent_percent):
        properties = {**consent_properties(person.language, "Bestellung"), "confirmed_by": "double_opt_in"}
        story.track("Consent Confirmed", "confirmed", at_us + 5 * MINUTE, properties)


def shop(story: Story, person: Person, first_us: Micros) -> None:
    """One order or several, at a rhythm of the person's own, each with what may follow it."""
    dice = story.dice
    orders = dice.pick("orders", (1, 1, 1, 1, 2, 2, 3, 4, 6))
    rhythm = dice.between("rhythm", 9, 70)
    at_us = first_us
    for n in range(orders):
        one_order(story, person, f"order-{n}", at_us, cart=dice.chance(f"cart {n}", 60))
        at_us += (
            dice.between(f"gap {n}", rhythm * 6 // 10, rhythm * 15 // 10) * DAY
            + dice.between(f"hour {n}", -5, 5) * HOUR
        )


def one_order(story: Story, person: Person, key: str, at_us: Micros, *, cart: bool) -> None:
    """An order on the web with its parcel; a few are returned in part or whole, a few not paid at first."""
    dice = story.dice
    items = story.stage.items(dice, key, dice.between(f"{key} size", 3, 11))
    if cart:
        shown = items[:3]
        fill_cart(
            story, f"{key}-cart", at_us - (8 + 4 * len(shown)) * MINUTE, shown, language=person.language, checkout=True
        )
    order_id = order(story, key, at_us, items, language=person.language)
    delivered_us = deliver(story, order_id, at_us, parcel(story, key))
    if dice.chance(f"{key} returned", 6):
        whole = dice.chance(f"{key} whole", 25)
        give_back(story, order_id, delivered_us, items, language=person.language, whole=whole)
    if dice.chance(f"{key} unpaid", 2.5):
        cents, days = sum(item.cents for item in items), dice.between(f"{key} paid after", 2, 20)
        fail_payment(story, order_id, at_us, cents, settled_after_us=days * DAY)


def former_customers(stage: Stage) -> list[Story]:
    """Customers whose last order lies one to two years (sleeping) or longer (former) before the year's end."""
    stories = []
    for days_range, how_many in (((368, 720), stage.count(_SLEEPING, 4)), ((735, 1_400), stage.count(_FORMER, 4))):
        for _ in range(how_many):
            person = stage.person()
            story = Story(stage, person.user, zone_name=person.zone)
            silent_days = story.dice.between("silent", *days_range)
            history(story, person, stage.year.ends_us - silent_days * DAY)
            if story.dice.chance("back", 4):
                back_us = moment(story.dice, "back", stage.year.history_ends_us, stage.year.ends_us - HOUR, person.zone)
                one_order(story, person, "order-back", back_us, cart=True)
            stories.append(story)
    return stories


def history(story: Story, person: Person, last_us: Micros) -> None:
    """One to seven old orders at the till or on the web, the last at `last_us`, as an import of records brings them."""
    dice = story.dice
    gaps = [dice.between(f"gap {n}", 12, 75) for n in range(dice.pick("old orders", (0, 0, 1, 2, 3, 4, 6)))]
    at_us = last_us - sum(gaps) * DAY
    introduce(story, person, at_us - HOUR, consent_percent=50)
    for n, gap in enumerate([*gaps, 0]):
        items = story.stage.items(dice, f"old {n}", dice.between(f"old size {n}", 3, 9))
        channel = "till" if dice.chance(f"till {n}", 60) else "web"
        order_id = order(story, f"old-{n}", at_us, items, language=person.language, channel=channel)
        if channel == "web":
            deliver(story, order_id, at_us, parcel(story, f"old {n}", late_percent=0))
        at_us += gap * DAY
