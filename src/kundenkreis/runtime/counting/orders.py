"""Figures of orders: revenue by relationship, and who orders a second time.

Orders that were cancelled or wholly refunded are none; revenue is what was paid less what was given back. Orders stay with the
profile that placed them, so those of merged profiles are first put together.
"""

from collections import defaultdict
from collections.abc import Iterator

from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.zones import DAY, MINUTE, Zone
from kundenkreis.runtime.counting.kept import is_large
from kundenkreis.runtime.stores.session import Row, Session
from kundenkreis.site.ports.start import Revenue, RevenueWeek, SecondOrderRate, SecondOrders

WEEKS = 26
WEEKS_OF_A_YEAR = 52
MONTHS = 12
COHORT_DAYS = 30
WINDOW_DAYS = 90
"""Within which a second order counts; a cohort is asked once this has passed for all of it."""
PARTS = 64
"""Of the people of a large installation; a few seconds of a million customers each."""
_PEOPLE = 2**63
"""Profile ids lie below it, evenly spread."""
_SLOT: Micros = 15 * MINUTE
"""Days of every time zone begin at a multiple of it, so sums by it can be put together to days."""
DEFAULT_CURRENCY = "EUR"

_ORDERS = """
WITH RECURSIVE chain(loser, winner) AS (
  SELECT loser, winner FROM merges UNION SELECT c.loser, m.winner FROM chain c JOIN merges m ON m.loser = c.winner
), last_winner AS (
  SELECT loser, winner FROM chain c WHERE NOT EXISTS (SELECT 1 FROM merges m WHERE m.loser = c.winner)
), placed AS (
  SELECT o.profile_id AS person, o.order_id, o.ordered_us, o.total_minor - o.refunded_minor AS net, o.currency
  FROM orders o WHERE o.status = 'completed' AND o.profile_id BETWEEN ? AND ? AND o.profile_id NOT IN (SELECT loser FROM last_winner)
  UNION ALL
  SELECT w.winner, o.order_id, o.ordered_us, o.total_minor - o.refunded_minor, o.currency
  FROM last_winner w JOIN orders o ON o.profile_id = w.loser WHERE o.status = 'completed' AND w.winner BETWEEN ? AND ?
), ordered AS (
  SELECT person, ordered_us, net, currency,
    row_number() OVER (PARTITION BY person ORDER BY ordered_us, order_id) AS place,
    lag(ordered_us) OVER (PARTITION BY person ORDER BY ordered_us, order_id) AS before_us,
    lead(ordered_us) OVER (PARTITION BY person ORDER BY ordered_us, order_id) AS next_us
  FROM placed
)
"""
_REVENUE = f"""{_ORDERS}
SELECT currency,
  CASE
    WHEN place = 1 THEN 'first'
    WHEN EXISTS (
      SELECT 1 FROM memberships w
      WHERE w.profile_id = person AND w.kind = 'phase' AND w.definition_id = 'winback'
        AND w.from_us < ordered_us AND w.until_us >= ordered_us AND before_us <= w.from_us
    ) THEN 'won_back'
    ELSE 'repeat'
  END AS relation,
  ordered_us / {_SLOT}, sum(net), count(*)
FROM ordered WHERE ordered_us >= ? GROUP BY 1, 2, 3
"""
_SECOND = f"""{_ORDERS}
SELECT ordered_us / {_SLOT}, count(*), sum(CASE WHEN next_us <= ordered_us + {WINDOW_DAYS * DAY} THEN 1 ELSE 0 END)
FROM ordered WHERE place = 1 AND ordered_us >= ? AND ordered_us < ? GROUP BY 1
"""


def _rows(tx: Session, sql: str, *instants: Micros) -> Iterator[Row]:
    """The rows of such a query, put to some people after the others where there are many: their sums are to be added up."""
    step = _PEOPLE // PARTS if is_large(tx) else _PEOPLE
    for first in range(0, _PEOPLE, step):
        people = (first, first + step - 1)
        yield from tx.rows(sql, (*people, *people, *instants))
        tx.renew()


def count_revenue(tx: Session, *, zone: Zone, at_us: Micros) -> Revenue:
    """Revenue of the last weeks, the present one included, and of the same weeks a year before."""
    today = zone.day_number(at_us)
    this_monday = today - zone.weekday(at_us)
    first_monday = this_monday - 7 * (WEEKS - 1)
    since_us = zone.day_start_us(first_monday - 7 * WEEKS_OF_A_YEAR)
    sums: dict[str, dict[tuple[int, str], int]] = defaultdict(lambda: defaultdict(int))
    orders: dict[str, int] = defaultdict(int)
    for currency, relation, slot, net, count in _rows(tx, _REVENUE, since_us):
        monday = first_monday + (zone.day_number(slot * _SLOT) - first_monday) // 7 * 7
        sums[currency][monday, relation] += int(net)
        if monday >= first_monday:
            orders[currency] += count
    currency = max(sorted(sums), key=lambda one: sum(sums[one].values()), default=DEFAULT_CURRENCY)
    mine = sums[currency]

    def week(monday: int) -> RevenueWeek:
        before = monday - 7 * WEEKS_OF_A_YEAR
        return RevenueWeek(
            day=monday,
            first=mine[monday, "first"],
            repeat=mine[monday, "repeat"],
            won_back=mine[monday, "won_back"],
            year_before=sum(mine[before, relation] for relation in ("first", "repeat", "won_back")),
        )

    weeks = tuple(week(monday) for monday in range(first_monday, this_monday + 1, 7))
    return Revenue(at_us=at_us, currency=currency, weeks=weeks, orders=orders[currency])


def count_second_orders(tx: Session, *, zone: Zone, at_us: Micros) -> SecondOrderRate:
    """People by the 30 days their first order fell into, and who of them ordered again within 90 days.

    An order that stands after 90 days counts as delivered, as everywhere: not every shop reports deliveries.
    """
    today = zone.day_number(at_us)
    newest = today - WINDOW_DAYS
    oldest = newest - MONTHS * COHORT_DAYS + 1
    counts: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for slot, people, again in _rows(tx, _SECOND, zone.day_start_us(oldest), zone.day_start_us(newest + 1)):
        cohort = (newest - zone.day_number(slot * _SLOT)) // COHORT_DAYS
        counts[cohort][0] += people
        counts[cohort][1] += int(again)
    months = tuple(
        SecondOrders(until_day=newest - cohort * COHORT_DAYS, people=counts[cohort][0], again=counts[cohort][1])
        for cohort in reversed(range(MONTHS))
    )
    return SecondOrderRate(at_us=at_us, months=months)
