"""How values compare: operators, dates, numbers (docs/reference/definitions.md, "Operators").

Both oracles read it: this one, and the brute-force oracle of tests/segments, which is held to random logs.
"""

from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

from tests.oracle.local_time import ZoneInfo, day_of

OPPOSITE = {
    "not_equals": "equals", "not_contains": "contains", "not_in": "in", "not_includes": "includes",
    "not_exists": "exists",
}  # fmt: skip
WITHOUT_CENTS = frozenset("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF".split())
MONEY = frozenset(("total", "subtotal", "revenue", "value", "price", "shipping", "tax", "discount", "refund", "amount"))


def dig(value, path):
    """The value at a dotted path, None where there is none: a name with the dots comes first."""
    if isinstance(value, dict) and value.get(path) is not None:
        return value[path]
    for part in path.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(part)
    return value


def is_number(value):
    """Whether a value is a number; true is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def number_compares(found, op, value):
    """Exact comparison of numbers."""
    if op == "between":
        return Fraction(str(value[0])) <= found <= Fraction(str(value[1]))
    target = Fraction(str(value))
    return {
        "=": found == target, "!=": found != target, "<": found < target,
        "<=": found <= target, ">": found > target, ">=": found >= target,
    }[op]  # fmt: skip


def day_number(value, zone):
    """The day that a text names: a date, also as 31.12.1980, or a date and time (seen in `zone` where it states an offset)."""
    if not isinstance(value, str):
        return None
    if len(value) == 10 and value[2] == ".":
        value = f"{value[6:]}-{value[3:5]}-{value[:2]}"
    try:
        if len(value) == 10:
            return date.fromisoformat(value).toordinal() - 719_163
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    if len(value) < 16:
        return None
    return (moment.astimezone(ZoneInfo(zone)) if moment.tzinfo else moment).date().toordinal() - 719_163


def day_compares(day, op, value, today):
    """The operators on dates."""
    if op in ("before", "after", "on"):
        other = date.fromisoformat(value).toordinal() - 719_163
        return {"before": day < other, "after": day > other, "on": day == other}[op]
    if op == "within_last_days":
        return today - value < day <= today
    if op == "more_than_days_ago":
        return day < today - value
    if op == "within_next_days":
        return today <= day < today + value
    raise ValueError(op)


def anniversary(value, day):
    """The date as it is written comes back every year, from its own year on."""
    on = date.fromordinal(day + 719_163)
    if not isinstance(value, str):
        return False
    if value.startswith("--"):
        value = f"{on.year - 4 - on.year % 4}-{value[2:]}"
    elif value[2:3] == ".":
        value = f"{value[6:10]}-{value[3:5]}-{value[:2]}"
    try:
        origin = date.fromisoformat(value[:10])
    except ValueError:
        return False
    if len(value) > 10 and value[10] not in "T ":
        return False
    if (origin.month, origin.day) == (2, 29) and not (on.year % 4 == 0 and (on.year % 100 or on.year % 400 == 0)):
        return on.year >= origin.year and (on.month, on.day) == (2, 28)
    return on.year >= origin.year and (on.month, on.day) == (origin.month, origin.day)


def compares(found, op, value, today, zone):  # noqa: PLR0911  (one line per family of operators)
    """Any operator but `anniversary_in_days`, on the value found (None: there is none)."""
    if op in OPPOSITE:
        return not compares(found, OPPOSITE[op], value, today, zone)
    if found is None:
        return False
    if op == "exists":
        return True
    if op in ("is_true", "is_false"):
        return found is (op == "is_true")
    if op in ("=", "!=", "<", "<=", ">", ">=", "between"):
        return is_number(found) and number_compares(Fraction(str(found)), op, value)
    if op == "includes":
        return isinstance(found, list) and any(_same(one, value) for one in found)
    if op in ("equals", "equals_exactly", "contains", "starts_with", "ends_with", "in"):
        return isinstance(found, str) and _text_compares(found, op, value)
    day = day_number(found, zone)
    return day is not None and day_compares(day, op, value, today)


def passes(row, where, zone):
    """Whether an event passes property filters; what they say of dates is seen from the day of the event."""
    day = day_of(row.occurred_us, zone) if where else 0
    return all(compares(dig(row.properties, one["property"]), one["op"], one.get("value"), day, zone) for one in where)


def _text_compares(found, op, value):
    if op == "equals_exactly":
        return found == value
    low = found.casefold()
    if op == "in":
        return low in [one.casefold() for one in value]
    text = value.casefold()
    return {
        "equals": low == text, "contains": text in low,
        "starts_with": low.startswith(text), "ends_with": low.endswith(text),
    }[op]  # fmt: skip


def _same(one, value):
    """Texts whatever their case, numbers by value; yes and no are no numbers."""
    if isinstance(one, str) and isinstance(value, str):
        return one.casefold() == value.casefold()
    if isinstance(one, bool) or isinstance(value, bool):
        return one is value
    return is_number(one) and is_number(value) and one == value


def currency_of(properties):
    """The currency that an event names, EUR without one."""
    value = properties.get("currency")
    is_code = isinstance(value, str) and len(value) == 3 and value.isascii() and value.isalpha()
    return value.upper() if is_code else "EUR"


def parts_of(currency):
    """How many minor units make a major one."""
    return 1 if currency in WITHOUT_CENTS else 100


def minor_units(value, currency="EUR"):
    """Cents of an amount in major units, None where there is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        amount = Decimal(str(value))
        return int((amount * parts_of(currency)).to_integral_value(ROUND_HALF_EVEN)) if amount.is_finite() else None
    except ArithmeticError:
        return None


def quantity(properties, path):
    """A number property in thousandths (amounts of money rounded to cents), None where there is none."""
    value = dig(properties, path)
    if path.rsplit(".", maxsplit=1)[-1] in MONEY:
        currency = currency_of(properties)
        minor = minor_units(value, currency)
        return None if minor is None else minor * 1000 // parts_of(currency)
    return int((Decimal(str(value)) * 1000).to_integral_value(ROUND_HALF_EVEN)) if is_number(value) else None
