"""Around real baskets that are told as web orders: visits and carts before, parcels after, and carts never ordered.

The order itself stays what the data says; only its channel is invented and named so in its properties.
"""

from collections import defaultdict

import numpy as np

from kundenkreis.demo.orders import Orders
from kundenkreis.demo.overlay.shopping import deliver, fill_cart, parcel
from kundenkreis.demo.overlay.stage import Item, Stage, Story, moment
from kundenkreis.demo.people import Person
from kundenkreis.demo.products import category_name, product_name, products
from kundenkreis.kernel.zones import DAY, HOUR, MINUTE, SECOND

_ABANDONED = 500
_MOST_SHOWN = 3
"""Products of an order whose way into the cart is told."""
_RECENT = 5 * DAY


def around_orders(stage: Stage, orders: Orders, people: dict[int, Person]) -> list[Story]:
    """A story for every real order of the web, and one for each abandoned cart of a household."""
    stories = []
    for position in np.flatnonzero(orders.web).tolist():
        household, basket = int(orders.rows.household[position]), int(orders.rows.basket[position])
        person = people[household]
        story = Story(stage, person.user, name=f"order-{basket}", zone_name=person.zone)
        at_us = int(orders.at_us[position])
        if story.dice.chance("browsed", 30):
            items = _shown(orders, position)
            before_us = at_us - (6 + 4 * len(items)) * MINUTE
            fill_cart(story, "cart", before_us, items, language=person.language, checkout=True)
        recent = at_us > stage.year.ends_us - _RECENT
        deliver(story, str(basket), at_us + SECOND, parcel(story, "parcel", late_percent=25 if recent else 4))
        stories.append(story)
    return stories + _abandoned(stage, orders, people)


def _shown(orders: Orders, position: int) -> list[Item]:
    """The first different products of a real order, priced as sold."""
    rows, catalogue = orders.rows, products()
    first, last = int(rows.first_line[position]), int(rows.first_line[position + 1])
    places = catalogue.index(rows.product[first:last]).tolist()
    items: dict[int, Item] = {}
    for line, at in zip(range(first, last), places, strict=True):
        names = {
            language: product_name(catalogue.category[at], catalogue.brand[at], catalogue.package[at], language)
            for language in ("de", "en")
        }
        quantity = max(1, int(rows.quantity[line])) if int(rows.quantity[line]) < 100 else 1
        product = int(rows.product[line])
        if product not in items and len(items) < _MOST_SHOWN:
            cents = int(rows.sales_cents[line]) // quantity
            items[product] = Item(str(product), category_name(catalogue.category[at]), names, cents)
    return list(items.values())


def _abandoned(stage: Stage, orders: Orders, people: dict[int, Person]) -> list[Story]:
    """Carts of web households that did not become an order then; some filled on the last two days stay open."""
    by_household: dict[int, int] = defaultdict(int)
    for position in np.flatnonzero(orders.web).tolist():
        by_household[int(orders.rows.household[position])] += 1
    shoppers = sorted(by_household)
    stories = []
    for n in range(stage.count(_ABANDONED) if shoppers else 0):
        story = Story(stage, name=f"korb-{n}")
        person = people[story.dice.pick("who", shoppers)]
        story.user, story.zone_name = person.user, person.zone
        year = stage.year
        earliest = year.ends_us - 2 * DAY if n % 10 == 0 else year.starts_us
        at_us = moment(story.dice, "when", earliest, year.ends_us - HOUR, person.zone)
        items = stage.items(story.dice, "item", story.dice.between("size", 1, 3))
        fill_cart(
            story,
            "cart",
            at_us,
            items,
            language=person.language,
            checkout=story.dice.chance("checkout", 40),
            viewed=False,
        )
        stories.append(story)
    return stories
