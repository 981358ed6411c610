"""Everything the data says about the real households, as messages; their invented names and consents marked.

Letters are the campaign booklets that were mailed, one `Letter Sent` per membership. The data lists 116,204 pairs of
coupon and product: a message for each coupon of each member would be 800,199, so a booklet is one `Voucher Issued` with
the number of coupons in the campaign. Redemptions are dated by day only: they happen with the household's order of that
day, a coupon order if there is one, and name it; without an order, at noon.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from kundenkreis.demo.calendar import MovedYear, wall_dates
from kundenkreis.demo.chance import Dice
from kundenkreis.demo.message import Draft, draft, track, utc_text
from kundenkreis.demo.orders import Orders
from kundenkreis.demo.people import Person, invent
from kundenkreis.demo.tables import read
from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.zones import DAY_SECONDS, MINUTE, SECOND, date_of

_DEMOGRAPHICS = {
    "age": "age_band",
    "income": "income_band_usd",
    "home_ownership": "home_ownership",
    "marital_status": "marital_status",
    "household_size": "household_size",
    "household_comp": "household_composition",
    "kids_count": "kids",
}
_CONSENT_PERCENT = 70
_WORDING = {
    "de": "Ja, ich möchte Neuigkeiten und Angebote per E-Mail erhalten. Das kann ich jederzeit widerrufen.",
    "en": "Yes, I would like to receive news and offers by e-mail. I can withdraw this at any time.",
}
_BIRTHDAY_WORDING = {
    "de": "Ja, ich möchte zum Geburtstag einen Gruß mit Geschenk per E-Mail. Das kann ich jederzeit widerrufen.",
    "en": "Yes, I would like a birthday greeting with a gift by e-mail. I can withdraw this at any time.",
}


def user_of(household: int) -> str:
    """The user id of a real household."""
    return f"hh-{household}"


def consented(user: str) -> bool:
    """Whether a household agreed to the newsletter when it got its customer card: 70 % did. Invented."""
    return Dice(f"consent {user}").chance("given", _CONSENT_PERCENT)


def consent_properties(language: str, form: str, purpose: str = "newsletter") -> dict[str, Any]:
    """What `Consent Confirmed` states: for what, and the (invented) evidence of how it was given."""
    wording = _BIRTHDAY_WORDING if purpose == "birthday" else _WORDING
    return {
        "channel": "email",
        "purpose": purpose,
        "basis": "express_consent",
        "wording": wording[language],
        "text_version": "1",
        "form": form,
        "language": language,
        "ip": "none",
        "invented": True,
    }


@dataclass(frozen=True)
class Households:
    """The real households with their invented people and the instant each first appears."""

    people: dict[int, Person]
    first_seen_us: dict[int, Micros]
    drafts: list[Draft]

    def languages(self) -> dict[int, str]:
        """Household -> language of its messages."""
        return {household: person.language for household, person in self.people.items()}


@dataclass(frozen=True)
class _Campaign:
    number: int
    type: str
    starts_on: date
    ends_on: date
    coupons: int

    def properties(self) -> dict[str, Any]:
        return {
            "campaign_id": str(self.number),
            "campaign_name": f"Gutscheinheft {self.number}",
            "campaign_type": self.type,
        }


def load(year: MovedYear, orders: Orders) -> Households:
    """All messages of the real households but their orders, unsorted."""
    households = sorted(set(orders.rows.household.tolist()))
    campaigns, members = _campaigns(), _members(set(households))
    first_seen = _first_seen(year, orders, campaigns, members)
    demographics = _demographics()
    born_before = year.moved(date(2017, 12, 31)).year
    people = {
        household: invent(
            user_of(household), number, year=born_before, age_band=demographics.get(household, {}).get("age_band")
        )
        for number, household in enumerate(households)
    }
    drafts: list[Draft] = []
    for household, person in people.items():
        drafts += _introduction(year, person, first_seen[household], demographics.get(household))
    drafts += _mailings(year, campaigns, members)
    drafts += _redemptions(year, orders, campaigns, set(households))
    return Households(people, first_seen, drafts)


def received(year: MovedYear, at_us: Micros, seed: str) -> Micros:
    """The instant of receipt: at once, or as history in the year's first hour if it lies before the year."""
    if at_us >= year.starts_us:
        return at_us
    return year.starts_us + Dice(seed).between("arrival", 10, 3_500) * SECOND


def _campaigns() -> dict[int, _Campaign]:
    """The 27 campaigns by number, with the number of coupons in each booklet."""
    about = read("campaign_descriptions", ["campaign_id", "campaign_type", "start_date", "end_date"])
    coupons = read("coupons", ["campaign_id", "coupon_upc"])
    pairs = set(zip(coupons["campaign_id"].tolist(), coupons["coupon_upc"].tolist(), strict=True))
    counts: dict[int, int] = defaultdict(int)
    for number, _ in pairs:
        counts[number] += 1
    rows = zip(
        about["campaign_id"].tolist(),
        about["campaign_type"],
        about["start_date"].tolist(),
        about["end_date"].tolist(),
        strict=True,
    )
    return {
        number: _Campaign(
            number,
            kind.removeprefix("Type "),
            date_of(start // DAY_SECONDS),
            date_of(end // DAY_SECONDS),
            counts[number],
        )
        for number, kind, start, end in rows
    }


def _members(only: set[int]) -> list[tuple[int, int]]:
    """(campaign, household) for every booklet that was mailed."""
    rows = read("campaigns", ["campaign_id", "household_id"])
    pairs = zip(rows["campaign_id"].tolist(), rows["household_id"].tolist(), strict=True)
    return [(campaign, household) for campaign, household in pairs if household in only]


def _mailed_us(year: MovedYear, campaign: _Campaign, household: int) -> Micros:
    """The letter goes out in the morning of the campaign's first day, spread over three hours."""
    second = 8 * 3600 + Dice(f"letter {campaign.number} {household}").number("second", 3 * 3600)
    return year.at_us(campaign.starts_on, second)


def _first_seen(
    year: MovedYear, orders: Orders, campaigns: dict[int, _Campaign], members: list[tuple[int, int]]
) -> dict[int, Micros]:
    """The instant of each household's first order or letter."""
    first: dict[int, Micros] = {}
    for household, at_us in zip(orders.rows.household.tolist(), orders.at_us.tolist(), strict=True):
        first.setdefault(household, at_us)
    for number, household in members:
        first[household] = min(first[household], _mailed_us(year, campaigns[number], household))
    return first


def _demographics() -> dict[int, dict[str, str]]:
    """What the data states about 801 households; unknown values are left out."""
    rows = read("demographics", ["household_id", *_DEMOGRAPHICS])
    result: dict[int, dict[str, str]] = {}
    for i, household in enumerate(rows["household_id"].tolist()):
        stated = {name: rows[column][i] for column, name in _DEMOGRAPHICS.items()}
        result[household] = {name: value for name, value in stated.items() if value is not None}
    return result


def _introduction(
    year: MovedYear, person: Person, first_us: Micros, demographics: dict[str, str] | None
) -> Iterator[Draft]:
    """Who a household is, just before its first order or letter: invented person and consent, real demographics."""
    user, dice = person.user, Dice(f"consent {person.user}")
    identified_us = first_us - 2 * MINUTE
    arrives_us = received(year, first_us, user)  # a second apart, so that identity comes before what follows
    earlier = {n: arrives_us - n * SECOND for n in (1, 2, 3, 4)} if arrives_us != first_us else {}
    yield draft(
        "identify",
        f"person-{user}",
        identified_us,
        invented=True,
        user=user,
        traits=person.traits(),
        received_us=earlier.get(4),
    )
    if demographics:
        yield draft(
            "identify",
            f"household-{user}",
            identified_us + 10 * SECOND,
            invented=False,
            user=user,
            traits=demographics,
            received_us=earlier.get(3),
        )
    if not consented(user):
        return
    purposes = ["newsletter"]
    if person.birthday and dice.chance("birthday", 85):
        purposes.append("birthday")
    for position, purpose in enumerate(purposes):
        yield track(
            "Consent Confirmed",
            f"consent-{purpose}-{user}",
            identified_us + (60 + 10 * position) * SECOND,
            consent_properties(person.language, "Kundenkarte", purpose),
            invented=True,
            user=user,
            received_us=earlier.get(2 - position),
        )


def _mailings(year: MovedYear, campaigns: dict[int, _Campaign], members: list[tuple[int, int]]) -> Iterator[Draft]:
    """A letter and its booklet of coupons for every membership."""
    for number, household in members:
        campaign, user = campaigns[number], user_of(household)
        at_us = _mailed_us(year, campaign, household)
        arrives_us = received(year, at_us, user)
        name = f"{number}-{user}"
        yield track(
            "Letter Sent",
            f"letter-{name}",
            at_us,
            campaign.properties(),
            invented=False,
            user=user,
            received_us=arrives_us,
        )
        yield track(
            "Voucher Issued",
            f"voucher-{name}",
            at_us + SECOND,
            {
                "voucher_code": f"heft-{name}",
                "booklet_code": f"heft-{name}",
                "kind": "booklet",
                "coupons": campaign.coupons,
                **campaign.properties(),
                "starts_at": utc_text(year.at_us(campaign.starts_on)),
                "valid_until": year.moved(campaign.ends_on).isoformat(),
                "expires_at": utc_text(year.at_us(campaign.ends_on + timedelta(days=1)) - SECOND),
            },
            invented=False,
            user=user,
            received_us=arrives_us + SECOND,
        )


def _redemptions(year: MovedYear, orders: Orders, campaigns: dict[int, _Campaign], only: set[int]) -> Iterator[Draft]:
    """Every redemption, with the order of the same day where the household has one."""
    rows = read("coupon_redemptions", ["household_id", "coupon_upc", "campaign_id", "redemption_date"])
    by_day = _coupon_orders(orders)
    columns = (rows[name].tolist() for name in ("household_id", "coupon_upc", "campaign_id", "redemption_date"))
    for position, (household, coupon, number, day) in enumerate(zip(*columns, strict=True)):
        if household not in only:
            continue
        on = date_of(day // DAY_SECONDS)
        at = by_day.get((household, on))
        properties: dict[str, Any] = {
            "voucher_code": str(coupon),
            "booklet_code": f"heft-{number}-{user_of(household)}",
            **campaigns[number].properties(),
            "channel": "till",
        }
        if at is None:
            at_us = received_us = year.at_us(on, 12 * 3600)
        else:
            properties["order_id"] = str(orders.rows.basket[at])
            at_us, received_us = int(orders.at_us[at]), int(orders.received_us[at]) + SECOND
        yield track(
            "Voucher Redeemed",
            f"redeemed-{position}",
            at_us,
            properties,
            invented=False,
            user=user_of(household),
            received_us=received_us,
        )


def _coupon_orders(orders: Orders) -> dict[tuple[int, date], int]:
    """(household, day) -> position of the basket with that day's largest coupon discount, the first if none has any."""
    rows = orders.rows
    best: dict[tuple[int, date], tuple[int, int]] = {}
    days = wall_dates(rows.stated_seconds)
    sums = [0, *rows.coupon_cents.cumsum().tolist()]
    edges = rows.first_line.tolist()
    for position, key in enumerate(zip(rows.household.tolist(), days, strict=True)):
        coupons = sums[edges[position + 1]] - sums[edges[position]]
        if key not in best or coupons > best[key][0]:
            best[key] = (coupons, position)
    return {key: position for key, (_, position) in best.items()}
