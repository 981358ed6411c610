"""Baskets as `Order Completed`: 155,848 messages with 1,469,307 lines, written chunk by chunk, only when asked for.

Honest about the data: lines with quantity 0 stay as they are; fuel is stated in thousandths of a gallon, which would
make 126.9 million "units", so a fuel line is one fill with its `gallons`; the total is the sum of the lines to the
cent. A line's worth is `amount` where given, else `price` (quantity is 1). Discounts of the shop's card are `discount`,
manufacturers' coupons `coupon_discount` (part of the sales, since the manufacturer refunds them).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import msgspec
import numpy as np
import numpy.typing as npt

from kundenkreis.demo.calendar import MovedYear
from kundenkreis.demo.chance import mix
from kundenkreis.demo.message import REAL, Draft
from kundenkreis.demo.products import FUEL, LANGUAGES, category_name, products
from kundenkreis.demo.tables import Baskets, Ints, baskets

_CHUNK_BASKETS = 4_096
"""Baskets written at a time: enough to spread the cost of slicing, small enough to hold few Python objects."""
_WEB_HOUSEHOLDS, _WEB_BASKETS = 0.14, 0.16
"""Share of households ordering on the web too, and of their baskets: 2 % of all. Invented: the data has only tills."""


@dataclass(frozen=True)
class Orders:
    """The baskets as orders of the moved year, ordered by the instant of receipt."""

    rows: Baskets
    at_us: Ints
    received_us: Ints
    """A server posts an order 0.2 to 1.7 seconds after it happened."""
    order: Ints
    """Positions in `rows` by (received_us, order id)."""
    totals: Ints
    web: npt.NDArray[np.bool_]


def load(year: MovedYear, only: Ints | None) -> Orders:
    """All orders of the year, as columns."""
    rows = baskets(only)
    at_us = year.instants_us(rows.stated_seconds)
    received = at_us + 200_000 + (mix(rows.basket, 1) % np.uint64(1_500_000)).astype(np.int64)
    web = (_share(rows.household, 2) < _WEB_HOUSEHOLDS) & (_share(rows.basket, 3) < _WEB_BASKETS)
    return Orders(rows, at_us, received, np.lexsort((rows.basket, received)), rows.total_cents(), web)


def _share(numbers: Ints, salt: int) -> npt.NDArray[np.float64]:
    """A uniform number in 0..1 per entry."""
    return (mix(numbers, salt) >> np.uint64(11)).astype(np.float64) / float(1 << 53)


def money(cents: int) -> str:
    """Cents as a JSON number of dollars with two digits."""
    return f"{cents // 100}.{cents % 100:02d}"


def drafts(orders: Orders, language_of: dict[int, str]) -> Iterator[Draft]:
    """Every order as a message, in order. Lines are written chunk by chunk, so few are in memory at a time."""
    fragments, is_fuel = _product_fragments()
    for start in range(0, len(orders.order), _CHUNK_BASKETS):
        yield from _chunk(orders, orders.order[start : start + _CHUNK_BASKETS], language_of, fragments, is_fuel)


def _product_fragments() -> tuple[dict[str, list[str]], npt.NDArray[np.bool_]]:
    """The beginning of a line's JSON per language and product: name and category (the category always in
    German, so that conditions can name it)."""
    catalogue = products()
    encode = msgspec.json.encode
    category = {raw: encode(category_name(raw)).decode() for raw in set(catalogue.category)}
    fragments = {
        language: [
            f'"name":{encode(name).decode()},"category":{category[raw]}'
            for name, raw in zip(catalogue.names(language), catalogue.category, strict=True)
        ]
        for language in LANGUAGES
    }
    return fragments, np.array([raw == FUEL for raw in catalogue.category])


def _chunk(
    orders: Orders,
    picked: Ints,
    language_of: dict[int, str],
    fragments: dict[str, list[str]],
    is_fuel: npt.NDArray[np.bool_],
) -> Iterator[Draft]:
    """The messages of some baskets, given by their positions."""
    rows = orders.rows
    counts = rows.first_line[picked + 1] - rows.first_line[picked]
    ends = np.cumsum(counts)
    lines = np.repeat(rows.first_line[picked] - (ends - counts), counts) + np.arange(ends[-1])
    position = products().index(rows.product[lines])
    columns = (
        rows.product[lines],
        position,
        is_fuel[position],
        rows.quantity[lines],
        rows.sales_cents[lines],
        rows.card_discount_cents[lines],
        rows.coupon_cents[lines],
    )
    languages = [language_of.get(household, "de") for household in rows.household[picked].tolist()]
    per_line = np.repeat(np.array(languages) == "en", counts)
    texts = [
        _line(
            product,
            fragments["en" if english else "de"][at],
            fuel=fuel,
            quantity=quantity,
            sales=sales,
            discount=discount,
            coupon=coupon,
        )
        for english, product, at, fuel, quantity, sales, discount, coupon in zip(
            per_line.tolist(), *(column.tolist() for column in columns), strict=True
        )
    ]
    happened = np.datetime_as_string(orders.at_us[picked].astype("datetime64[us]"), unit="ms").tolist()
    heads = zip(
        orders.received_us[picked].tolist(),
        happened,
        rows.basket[picked].tolist(),
        rows.household[picked].tolist(),
        rows.store[picked].tolist(),
        orders.totals[picked].tolist(),
        orders.web[picked].tolist(),
        _sums(rows.card_discount_cents[lines], ends - counts),
        _sums(rows.coupon_cents[lines], ends - counts),
        pairwise([0, *ends.tolist()]),
        strict=True,
    )
    for received, at, basket, household, store, total, web, discount, coupon, (first, last) in heads:
        where = '"channel":"web","invented":["channel"]' if web else f'"channel":"till","branch":"{store}"'
        text = (
            f'{{"type":"track","messageId":"order-{basket}","userId":"hh-{household}","timestamp":"{at}Z",'
            f'"event":"Order Completed","properties":{{"order_id":"{basket}","total":{money(total)},"currency":"USD",'
            f'"discount":{money(discount)},"coupon_discount":{money(coupon)},{where},'
            f'"products":[{",".join(texts[first:last])}]}}}}'
        )
        yield Draft(received, f"order-{basket}", REAL, text.encode())


def _sums(values: Ints, starts: Ints) -> list[int]:
    """The sum of each run of values that begins at `starts`; runs are never empty."""
    sums: list[int] = np.add.reduceat(values, starts).tolist()
    return sums


def _line(product: int, fragment: str, *, fuel: bool, quantity: int, sales: int, discount: int, coupon: int) -> str:
    """One line of an order as JSON."""
    extra = ""
    if fuel and quantity > 1:
        extra, quantity = f',"gallons":{quantity / 1000}', 1
    if quantity == 1:
        price = money(sales)
    elif quantity == 0:
        price, extra = "0", f',"amount":{money(sales)}'
    else:
        price, extra = f"{sales / quantity / 100:.4f}".rstrip("0").rstrip("."), f',"amount":{money(sales)}'
    if discount:
        extra += f',"discount":{money(discount)}'
    if coupon:
        extra += f',"coupon_discount":{money(coupon)}'
    return f'{{"product_id":"{product}",{fragment},"quantity":{quantity},"price":{price}{extra}}}'
