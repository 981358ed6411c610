"""Invented people: names, addresses at example domains, zones and birthdays, the same for the same seed.

The data knows households by number only. Everything here is invented and marked as such wherever it is sent. Telephone
numbers come from the ranges that the Bundesnetzagentur keeps free for films and books; e-mail domains are the example
domains of RFC 2606.
"""

import json
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib import resources
from typing import Any

from kundenkreis.demo.chance import Dice

_PLACES_DE = (
    ("Berlin", "10115"),
    ("Hamburg", "20095"),
    ("München", "80331"),
    ("Köln", "50667"),
    ("Frankfurt am Main", "60311"),
    ("Stuttgart", "70173"),
    ("Düsseldorf", "40213"),
    ("Leipzig", "04109"),
    ("Dortmund", "44135"),
    ("Bremen", "28195"),
    ("Dresden", "01067"),
    ("Hannover", "30159"),
    ("Nürnberg", "90402"),
    ("Münster", "48143"),
    ("Freiburg", "79098"),
    ("Kiel", "24103"),
    ("Rostock", "18055"),
    ("Erfurt", "99084"),
    ("Kassel", "34117"),
    ("Oldenburg", "26122"),
)
_PLACES = {
    "DE": ("Europe/Berlin", _PLACES_DE),
    "AT": (
        "Europe/Vienna",
        (("Wien", "1010"), ("Graz", "8010"), ("Linz", "4020"), ("Salzburg", "5020"), ("Innsbruck", "6020")),
    ),
    "CH": (
        "Europe/Zurich",
        (("Zürich", "8001"), ("Basel", "4051"), ("Bern", "3011"), ("Luzern", "6003"), ("Winterthur", "8400")),
    ),
    "LU": ("Europe/Luxembourg", (("Luxemburg", "1009"),)),
    "NL": ("Europe/Amsterdam", (("Amsterdam", "1012"),)),
    "GB": ("Europe/London", (("London", "WC2N"), ("Manchester", "M2"), ("Edinburgh", "EH1"))),
    "US": ("America/New_York", (("New York", "10007"), ("Boston", "02108"))),
    "CA": ("America/Vancouver", (("Vancouver", "V6B"),)),
}
_COUNTRIES = (
    ("DE",) * 78 + ("AT",) * 9 + ("CH",) * 6 + ("GB",) * 3 + ("US",) * 1 + ("LU",) * 1 + ("NL",) * 1 + ("CA",) * 1
)
_DOMAINS = ("example.com", "example.org", "example.net", "post.example.com", "mail.example.org", "brief.example.net")
_DRAMA_RANGES = ("+4930231250", "+4940669690", "+4969900090", "+4989999980", "+492214710")
"""Each followed by the last digits. Source: Bundesnetzagentur, numbers for media productions."""
_PHONES_PER_RANGE = (100, 100, 100, 100, 1000)
_ASCII = str.maketrans(
    {
        "ä": "ae",
        "ö": "oe",
        "ü": "ue",
        "ß": "ss",
        "ş": "s",
        "ı": "i",
        "ć": "c",
        "'": "",
        "Ö": "Oe",
        "Ş": "S",
        " ": "",
    }
)
_AGE_BANDS = {
    "19-24": (19, 24),
    "25-34": (25, 34),
    "35-44": (35, 44),
    "45-54": (45, 54),
    "55-64": (55, 64),
    "65+": (65, 88),
}


@dataclass(frozen=True)
class Person:
    """An invented person."""

    user: str
    first_name: str
    """Empty for a few: not everybody states one."""
    last_name: str
    email: str
    phone: str
    country: str
    city: str
    postal_code: str
    zone: str
    language: str
    birthday: date | None

    def traits(self) -> dict[str, Any]:
        """What an identify call sends: reserved trait names, empty ones left out, marked as invented."""
        address = {"city": self.city, "postalCode": self.postal_code, "country": self.country}
        traits: dict[str, Any] = {
            "firstName": self.first_name,
            "lastName": self.last_name,
            "email": self.email,
            "phone": self.phone,
            "language": self.language,
            "timezone": self.zone,
            "address": address,
            "invented": True,
        }
        if self.birthday:
            traits["birthday"] = self.birthday.isoformat()
        return {name: value for name, value in traits.items() if value}


def invent(user: str, number: int, *, year: int, age_band: str | None = None) -> Person:
    """The person behind a user id.

    Args:
        number: unique among all people of the demo; it makes address and telephone number unique.
        year: the calendar year in which the age counts.
        age_band: as the data states it ("45-54"); any adult age where it states none.
    """
    dice = Dice(user)
    country = dice.pick("country", _COUNTRIES)
    home, places = _PLACES[country]
    language = "en" if country in {"GB", "US", "CA"} or dice.chance("language", 3) else "de"
    names = _names()
    first, last = dice.pick("first", names[f"first_{language}"]), dice.pick("last", names[f"last_{language}"])
    city, postal_code = dice.pick("city", places)
    return Person(
        user=user,
        first_name="" if dice.chance("nameless", 3) else first,
        last_name=last,
        email=f"{first}.{last}.{number}@{dice.pick('domain', _DOMAINS)}".lower().translate(_ASCII),
        phone=_phone(number) if country == "DE" and dice.chance("phone", 35) else "",
        country=country,
        city=city,
        postal_code=postal_code,
        zone=home,
        language=language,
        birthday=_birthday(dice, year, age_band) if dice.chance("birthday", 60) else None,
    )


@cache
def _names() -> dict[str, list[str]]:
    """First and last names per language, as they are common in German-speaking and English-speaking countries."""
    text = resources.files("kundenkreis.demo").joinpath("names.json").read_text(encoding="utf-8")
    names: dict[str, list[str]] = json.loads(text)
    return names


def _phone(number: int) -> str:
    """A number kept free for fiction, each given once; "" when all are taken."""
    for prefix, size in zip(_DRAMA_RANGES, _PHONES_PER_RANGE, strict=True):
        if number < size:
            return f"{prefix}{number:0{len(str(size - 1))}d}"
        number -= size
    return ""


def _birthday(dice: Dice, year: int, age_band: str | None) -> date:
    """A day of birth that fits the age band; one person in 120 was born on 29 February."""
    low, high = _AGE_BANDS.get(age_band or "", (19, 84))
    born = year - dice.between("age", low, high)
    if dice.chance("leap", 0.8):
        return date(born - born % 4, 2, 29)
    return date(born, 1, 1) + timedelta(days=dice.number("day of year", 365))
