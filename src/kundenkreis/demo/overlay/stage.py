"""What every invented story needs: how many, who, when, with what in the basket, and where the year ends.

A story is told to its natural end; whatever would happen after the year is over is left out. So parcels are in transit,
carts open and complaints unsolved at the end as they would be in a real company on any evening.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kundenkreis.demo.calendar import MovedYear
from kundenkreis.demo.chance import Dice
from kundenkreis.demo.message import INVENTED_PREFIX, Draft, draft
from kundenkreis.demo.orders import Orders
from kundenkreis.demo.people import Person, invent
from kundenkreis.demo.products import FUEL, Products, category_name, product_name, products
from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.zones import SECOND, zone

REAL_HOUSEHOLDS = 2_469
_FIRST_NUMBER = 10_000
"""Invented people are numbered from here, so that no address of theirs is a household's."""
_SHELF_SIZE = 400
_CHEAPEST_CENTS = 100
_SUNDAY = 6


@dataclass(frozen=True)
class Item:
    """A product of the shelf with a price that the data has seen."""

    product_id: str
    category: str
    names: dict[str, str]
    cents: int

    def properties(self, language: str, quantity: int = 1) -> dict[str, Any]:
        """A product as the e-commerce events carry it."""
        return {
            "product_id": self.product_id,
            "name": self.names[language],
            "category": self.category,
            "quantity": quantity,
            "price": self.cents / 100,
        }


@dataclass
class Stage:
    """Where the invented stories of one demo year play."""

    year: MovedYear
    scale: float
    """Share of the whole demo: 1 with all real households."""
    shelf: list[Item]
    _people: int = field(default=0)

    def count(self, whole: int, least: int = 2) -> int:
        """How many of something: the whole demo's number, scaled, at least so many."""
        return max(least, round(whole * self.scale))

    def person(self) -> Person:
        """The next invented person."""
        number = _FIRST_NUMBER + self._people
        self._people += 1
        return invent(f"{INVENTED_PREFIX}{number}", number, year=self.year.ends_on.year)

    def items(self, dice: Dice, question: str, how_many: int) -> list[Item]:
        """Different products from the shelf, the well-selling ones more often."""
        picked: dict[int, None] = {}
        draw = 0
        while len(picked) < how_many:
            u = dice.number(f"{question} {draw}", 10_000) / 10_000
            picked[int(u * u * len(self.shelf))] = None
            draw += 1
        return [self.shelf[i] for i in picked]


def raise_stage(year: MovedYear, orders: Orders, households: int) -> Stage:
    """The stage for a demo with so many real households; its shelf holds the best sellers of their orders."""
    return Stage(year, households / REAL_HOUSEHOLDS, _shelf(orders, products()))


def _shelf(orders: Orders, catalogue: Products) -> list[Item]:
    """The products most often sold singly, with the price of their first sale."""
    rows = orders.rows
    single = np.flatnonzero((rows.quantity == 1) & (rows.sales_cents >= _CHEAPEST_CENTS))
    ids, first, counts = np.unique(rows.product[single], return_index=True, return_counts=True)
    order = np.lexsort((ids, -counts))
    places = catalogue.index(ids)
    shelf: list[Item] = []
    for i in order.tolist():
        at = int(places[i])
        category, brand, package = catalogue.category[at], catalogue.brand[at], catalogue.package[at]
        if category in {"", FUEL} or category.startswith(("COUPON", "BOTTLE", "CIGAR")):
            continue
        names = {language: product_name(category, brand, package, language) for language in ("de", "en")}
        shelf.append(Item(str(ids[i]), category_name(category), names, int(rows.sales_cents[single[first[i]]])))
        if len(shelf) == _SHELF_SIZE:
            break
    return shelf


def moment(dice: Dice, question: str, earliest_us: Micros, latest_us: Micros, zone_name: str) -> Micros:
    """An instant between the two, on an evenly drawn day, in waking hours with an evening peak, local time."""
    clock = zone(zone_name)
    first, last = clock.day_number(earliest_us), clock.day_number(latest_us)
    day = dice.between(question + " day", first, last)
    second = 25_200 + dice.number(question + " a", 28_800) + dice.number(question + " b", 28_800)
    return min(max(clock.instant_us(day, second), earliest_us), latest_us)


class Story:
    """One person's messages, in the order they are told; what lies beyond the year is left out."""

    def __init__(
        self, stage: Stage, user: str = "", *, anonymous: str = "", name: str = "", zone_name: str = "Europe/Berlin"
    ) -> None:
        self.stage, self.user, self.anonymous, self.zone_name = stage, user, anonymous, zone_name
        self.name = name or user or anonymous
        self.dice = Dice(f"story {self.name}")
        self.drafts: list[Draft] = []
        self._arrival_us = stage.year.starts_us + self.dice.between("arrival", 10, 3_000) * SECOND

    def daytime_us(self, question: str, at_us: Micros, days: int) -> Micros:
        """Between 8 and 18 o'clock so many local days after an instant; Sundays are kept free."""
        clock = zone(self.zone_name)
        day = clock.day_number(at_us) + days
        if (day + 3) % 7 == _SUNDAY:
            day += 1
        return clock.instant_us(day, 28_800 + self.dice.number(question, 36_000))

    def office_us(self, question: str, at_us: Micros) -> Micros:
        """The instant itself in office hours, else on the morning after: people who answer work Monday to Saturday."""
        clock = zone(self.zone_name)
        day, second = clock.local_parts(at_us)
        if 28_800 <= second < 64_800 and (day + 3) % 7 != _SUNDAY:
            return at_us
        day += 1 if second >= 28_800 else 0
        day += 1 if (day + 3) % 7 == _SUNDAY else 0
        return clock.instant_us(day, 28_800 + self.dice.number(question, 7_200))

    def tell(self, kind: str, key: str, at_us: Micros, **fields: Any) -> bool:
        """Add a message; True if it still happened within the year. History arrives in order in the year's first hour.

        Args:
            key: unique within the story, stable: part of the message id.
        """
        year = self.stage.year
        if at_us >= year.ends_us:
            return False
        received_us = at_us
        if at_us < year.starts_us:
            received_us, self._arrival_us = self._arrival_us, self._arrival_us + SECOND
        who = {"user": self.user, "anonymous": self.anonymous}
        name = self.name.removeprefix(INVENTED_PREFIX)
        self.drafts.append(
            draft(kind, f"{name}-{key}", at_us, invented=True, received_us=received_us, **{**who, **fields})
        )
        return True

    def track(self, event: str, key: str, at_us: Micros, properties: dict[str, Any], **fields: Any) -> bool:
        """Add an event; see `tell`."""
        return self.tell("track", key, at_us, event=event, properties=properties, **fields)

    def page(self, key: str, at_us: Micros, path: str, title: str, **fields: Any) -> bool:
        """Add a page view of the (invented) shop."""
        properties = {"path": path, "title": title, "url": f"https://www.kreisladen.example{path}"}
        return self.tell("page", key, at_us, name=title, properties=properties, **fields)
