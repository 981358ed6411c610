"""Money in minor units: never a float, always with its currency."""

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any

ZERO_DECIMAL = frozenset(
    ["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"]
)
"""ISO 4217 currencies without minor unit. Source: ISO 4217 list one, read November 2026."""

MINOR_LIMIT = 10**15
"""Larger amounts are taken as a mistake in the sender's data and refused."""


def minor_units(amount: Any, currency: str = "EUR") -> int | None:
    """Cents (or whole units where the currency has none) of an amount as sent: number or numeric text; None if it is none.

    Rounds half to even, as accounting software does. Floats pass through their shortest decimal form, so 0.1 is 10 cents.
    """
    if isinstance(amount, bool) or amount is None:
        return None
    try:
        value = Decimal(str(amount)) if isinstance(amount, int | float | str) else None
    except InvalidOperation:
        return None
    if value is None or not value.is_finite():
        return None
    scale = 1 if currency in ZERO_DECIMAL else 100
    minor = int((value * scale).to_integral_value(ROUND_HALF_EVEN))
    return minor if abs(minor) <= MINOR_LIMIT else None
