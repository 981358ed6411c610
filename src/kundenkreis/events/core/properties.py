"""Types of event properties: what a well-formed value is, and which other spellings are taken for it.

Spellings are only taken where they have one meaning everywhere: "12.50" is a number, "12,50" and "1.250" in a German
shop are not, because nobody can tell a decimal comma from a thousands separator. Nothing is rounded.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Any

import msgspec

from kundenkreis.events.core.instants import instant_us

CURRENCIES = frozenset(
    """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF
    CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK
    HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL
    MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON
    RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH
    UGX USD UYU UZS VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG
    """.split()
)
"""ISO 4217 codes of currencies people pay with; HRK, BGN and ANG stay for history. Source: list one, 2026."""

MOST_AMOUNT = 10**13
"""Ten trillion of any currency in one event is a mistake of the sender."""

MOST_NUMBER = 2**63 - 1
"""Larger whole numbers fit no column of any store."""


class Kind(StrEnum):
    """The types a property can have."""

    TEXT = "text"
    IDENTIFIER = "identifier"
    """Text that names a thing; whole numbers are taken as their digits."""
    INTEGER = "integer"
    NUMBER = "number"
    MONEY = "money"
    """An amount in main units (119.9), not negative; its currency stands beside it."""
    SIGNED_MONEY = "signed_money"
    CURRENCY = "currency"
    BOOLEAN = "boolean"
    INSTANT = "instant"
    URL = "url"
    TEXTS = "texts"
    PRODUCTS = "products"
    OBJECT = "object"


class Wrong(msgspec.Struct, frozen=True):
    """Why a value is not of its kind."""

    code: str
    detail: str


class Problem(msgspec.Struct, frozen=True):
    """One property that is not as the catalogue says."""

    property: str
    code: str
    detail: str
    is_fatal: bool
    """The event cannot be used as what its name says, and is quarantined."""


_NUMERIC = re.compile(r"-?\d{1,20}(\.\d{1,12})?", re.ASCII)
_LONGEST_NUMERIC = 34
"""Sign, digits, point and decimals of the longest that `_NUMERIC` takes; longer text is not worth a look, nor remembering."""
_WHOLE = re.compile(r"-?\d{1,19}", re.ASCII)


def as_text(value: Any) -> Any:
    """Text."""
    return value if type(value) is str else Wrong("not_text", "must be text")


def _identifier(value: Any) -> Any:
    if type(value) is str:
        return value if value.strip() else Wrong("empty", "must not be empty")
    return str(value) if type(value) is int else Wrong("not_text", "must be text")


def _integer(value: Any) -> Any:
    if type(value) is int and -MOST_NUMBER <= value <= MOST_NUMBER:
        return value
    is_numeric_text = type(value) is str and _WHOLE.fullmatch(value)
    if is_numeric_text or (type(value) is float and value.is_integer() and abs(value) < 2**53):
        value = int(value)
    if type(value) is not int:
        return Wrong("not_an_integer", "must be a whole number")
    return value if abs(value) <= MOST_NUMBER else Wrong("out_of_range", "is too large")


def _number(value: Any) -> Any:
    if type(value) is str:
        value = _number_from_text(value) if len(value) <= _LONGEST_NUMERIC else None
    if type(value) is float:
        return value
    if type(value) is not int:
        return Wrong("not_a_number", "must be a number")
    return value if abs(value) <= MOST_NUMBER else Wrong("out_of_range", "is too large")


@lru_cache(maxsize=16_384)  # prices come again and again, and telling what a float holds exactly takes microseconds
def _number_from_text(text: str) -> int | float | None:
    """The number that the text spells, None if it spells none or none that a float can hold exactly enough to print again."""
    if not _NUMERIC.fullmatch(text):
        return None
    if "." not in text:
        return int(text)
    value = float(text)
    return value if Decimal(repr(value)) == Decimal(text) else None


def _signed_money(value: Any) -> Any:
    number = _number(value)
    if type(number) is Wrong:
        return number
    return number if abs(number) <= MOST_AMOUNT else Wrong("out_of_range", "is too large to be an amount")


def _money(value: Any) -> Any:
    if (type(value) is float or type(value) is int) and 0 <= value <= MOST_AMOUNT:
        return value  # nearly all are
    number = _signed_money(value)
    if type(number) is Wrong:
        return number
    return number if number >= 0 else Wrong("negative", "must not be negative")


def _currency(value: Any) -> Any:
    if type(value) is not str:
        return Wrong("bad_currency", "must be a currency code such as EUR")
    code = value if value in CURRENCIES else value.strip().upper()
    return code if code in CURRENCIES else Wrong("bad_currency", "must be a currency code such as EUR")


def _boolean(value: Any) -> Any:
    if type(value) is bool:
        return value
    known = {"true": True, "false": False}.get(value) if type(value) is str else None
    return Wrong("not_a_boolean", "must be true or false") if known is None else known


def _instant(value: Any) -> Any:
    if type(value) is str and instant_us(value) is not None:
        return value
    return Wrong("bad_instant", "must be ISO 8601 text such as 2026-11-21T10:00:00Z")


def _texts(value: Any) -> Any:
    if type(value) is list and all(type(one) is str for one in value):
        return value
    return Wrong("not_a_list_of_texts", "must be a list of texts")


def _object(value: Any) -> Any:
    return value if type(value) is dict else Wrong("not_an_object", "must be an object")


def as_products(value: Any) -> Any:
    """A list of objects; what stands in them is checked by the catalogue."""
    if type(value) is list and all(type(one) is dict for one in value):
        return value
    return Wrong("not_a_list_of_products", "must be a list of objects")


COERCE: dict[Kind, Callable[[Any], Any]] = {
    Kind.TEXT: as_text,
    Kind.IDENTIFIER: _identifier,
    Kind.INTEGER: _integer,
    Kind.NUMBER: _number,
    Kind.MONEY: _money,
    Kind.SIGNED_MONEY: _signed_money,
    Kind.CURRENCY: _currency,
    Kind.BOOLEAN: _boolean,
    Kind.INSTANT: _instant,
    Kind.URL: as_text,
    Kind.TEXTS: _texts,
    Kind.PRODUCTS: as_products,
    Kind.OBJECT: _object,
}
"""Per kind: value as sent -> the value of that kind (the same object if it was one already), or Wrong."""

FACTS = frozenset((Kind.MONEY, Kind.SIGNED_MONEY, Kind.CURRENCY, Kind.PRODUCTS))
"""Kinds from which sums and facts are made: a malformed one is never carried along."""
