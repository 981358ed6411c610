"""Money in minor units: never a float, always with its currency."""

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

ZERO_DECIMAL = frozenset(
    ["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"]
)
"""ISO 4217 currencies without minor unit. Source: ISO 4217 list one, read November 2026."""

_LONGEST_REMEMBERED = 32
"""Characters: prices come again and again, longer text does not."""
MINOR_LIMIT = 10**15
"""Larger amounts are taken as a mistake in the sender's data and refused."""


def minor_units(amount: Any, currency: str = "EUR") -> int | None:
    """Cents (or whole units where the currency has none) of an amount as sent: number or numeric text; None if it is none.

    Rounds half to even, as accounting software does. Floats pass through their shortest decimal form, so 0.1 is 10 cents.
    """
    kind = type(amount)
    if kind is int:
        minor = amount if currency in ZERO_DECIMAL else amount * 100
        return minor if -MINOR_LIMIT <= minor <= MINOR_LIMIT else None
    if kind is float:
        return _of_float(amount, currency)
    return _of_text(amount, currency) if kind is str else None


@lru_cache(maxsize=16_384)  # prices come again and again
def _of_float(amount: float, currency: str) -> int | None:
    return _of_text(repr(amount), currency)


def _of_text(text: str, currency: str) -> int | None:
    # The common form, "123.4" or "123.45", without building a Decimal: an order of forty lines has eighty amounts.
    whole, _, cents = text.partition(".")
    if (
        len(cents) <= 2
        and whole.isdigit()
        and (not cents or cents.isdigit())
        and currency not in ZERO_DECIMAL
        and text.isascii()
    ):
        minor = int(whole) * 100 + (int(cents) * (10 if len(cents) == 1 else 1) if cents else 0)
        return minor if minor <= MINOR_LIMIT else None
    return (_remembered if len(text) <= _LONGEST_REMEMBERED else _by_decimal)(text, currency)


def _by_decimal(text: str, currency: str) -> int | None:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    if not value.is_finite() or abs(value) > MINOR_LIMIT:
        return None
    scale = 1 if currency in ZERO_DECIMAL else 100
    minor = int((value * scale).to_integral_value(ROUND_HALF_EVEN))
    return minor if abs(minor) <= MINOR_LIMIT else None


_remembered = lru_cache(maxsize=16_384)(_by_decimal)


MOST = (1 << 62) - 1
"""Of any sum: far beyond what anybody earns, and within what every store and encoding holds."""


def storable(total: int) -> int:
    """A sum within what can be stored: nobody may stop a customer's fold by numbers that add up beyond it."""
    return total if -MOST <= total <= MOST else MOST if total > 0 else -MOST
