"""Where and when a person is: zone, Land, public holidays, quiet time.

Public holidays come from the library `holidays` as a table: a pure function of (country, Land, year), loaded when
first asked and kept. Its release belongs to the fold version, like the time zone data.
"""

from datetime import date
from functools import lru_cache

from kundenkreis.channels.core.policy_config import WEEKDAYS, BrandPlace, QuietHours
from kundenkreis.customers.core.permission import attribute_value, country_of
from kundenkreis.customers.core.state import CustomerState
from kundenkreis.customers.core.zone import zone_of
from kundenkreis.kernel.date_texts import parse_date
from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.zones import DAY_SECONDS, SECOND, Zone, date_of, day_of, zone

_SUNDAY = 6
_PUBLIC_LANDS_ONLY = frozenset({"Augsburg", "Stadt Zurich"})
"""Cities that the library lists beside the Länder; their one day more is not taken for people of an unknown Land."""


class QuietRule:
    """One rule of quiet time, compiled."""

    __slots__ = ("config", "from_second", "to_second", "weekdays")

    def __init__(self, config: QuietHours) -> None:
        self.config = config
        self.from_second = _second_of(config.from_)
        self.to_second = _second_of(config.to)
        self.weekdays = frozenset(WEEKDAYS.index(day) for day in config.weekdays) or frozenset(range(7))

    def quiet_from_to(self, day: int, second: int) -> tuple[int, int] | None:
        """(day, second of day) on the local clock at which the quiet stretch around this local time ends, or None."""
        if (day + 3) % 7 not in self.weekdays or self.from_second == self.to_second:
            return None
        if self.from_second < self.to_second:
            return (day, self.to_second) if self.from_second <= second < self.to_second else None
        if second < self.to_second:
            return day, self.to_second
        return (day + 1, 0) if second >= self.from_second else None


@lru_cache(maxsize=50_000)
def birthday_on(born: str, age: int) -> int | None:
    """The day number of this birthday; None where the text is no date of birth or does not know the year.

    Whoever was born on 29 February has aged a year when 28 February is over (section 188 II BGB).
    """
    birth = parse_date(born)
    if birth is None:
        return None
    year, month, day = birth
    if year is None:
        return None
    try:
        return day_of(date(year + age, month, day))
    except ValueError:
        return day_of(date(year + age, 3, 1))


def quiet_until(
    rules: tuple[QuietRule, ...], clock: Zone, at_us: Micros, *, place: tuple[str, str]
) -> tuple[str, Micros] | None:
    """("quiet_hours" | "sunday" | "holiday", end) of the quiet stretch that covers this instant; None: nothing rests.

    Every instant from `at_us` to the end is quiet. The end may be the start of another stretch: ask again there.
    """
    day, second = clock.local_parts(at_us)
    for rule in rules:
        if rule.config.sundays and (day + 3) % 7 == _SUNDAY:
            return "sunday", _local_instant(clock, at_us, day + 1, 0)
        if rule.config.holidays and is_holiday(*place, day):
            return "holiday", _local_instant(clock, at_us, day + 1, 0)
        end = rule.quiet_from_to(day, second)
        if end is not None:
            return "quiet_hours", _local_instant(clock, at_us, *end)
    return None


def customer_zone(state: CustomerState, brand: BrandPlace) -> Zone:
    """The zone the person lives in: own (attribute `timezone`), else of the country, else of the brand."""
    return zone_of(state, zone(brand.zone))


def place_of(state: CustomerState, brand: BrandPlace) -> tuple[str, str]:
    """(country, Land) whose public holidays count; the brand's country where none is known, Land "" if unknown."""
    country = country_of(state) or brand.country
    land = attribute_value(state, "land")
    if not isinstance(land, str):
        address = attribute_value(state, "address")
        land = address.get("state") if isinstance(address, dict) else None
    return country, land.strip() if isinstance(land, str) else ""


def is_holiday(country: str, land: str, day: int) -> bool:
    """Whether this local day (days since 1970-01-01) is a public holiday there; in any Land if the Land is not known.

    A country without a table has none.
    """
    return day in holiday_days(country, land, date_of(day).year)


@lru_cache(maxsize=2000)
def holiday_days(country: str, land: str, year: int) -> frozenset[int]:
    """Day numbers of the public holidays of one year. Source: library `holidays`, category public."""
    import holidays  # noqa: PLC0415  # half a second and 20 MB that installations without SMS or calls never pay

    table = getattr(holidays, country, None) if len(country) == 2 else None
    if table is None:
        return frozenset()
    known = [one for one in table.subdivisions if one not in _PUBLIC_LANDS_ONLY]
    code = _land_code(land, country, known, table.subdivisions_aliases)
    lands = [code] if code else [None, *known]
    return frozenset(day_of(on) for one in lands for on in table(subdiv=one, years=year))


def _land_code(land: str, country: str, known: list[str], aliases: dict[str, str]) -> str:
    """The code of a Land given as BY, DE-BY or Bayern; "" if it is none."""
    code = land.removeprefix(f"{country}-")
    return code if code in known else aliases.get(land, "")


def _local_instant(clock: Zone, at_us: Micros, day: int, second: int) -> Micros:
    """The next time the local clock shows this; in a repeated hour the plain distance on the running clock."""
    instant_us = clock.instant_us(day, second)
    if instant_us > at_us:
        return instant_us
    today, now = clock.local_parts(at_us)
    return (at_us // SECOND + (day - today) * DAY_SECONDS + second - now) * SECOND


def _second_of(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 3600 + int(minutes) * 60
