"""The filters templates may use: an allow-list, each bounded in what it can grow to.

Liquid's own output limit counts what is written, not what a filter builds on the way: ten chained `replace` make
10^10 characters out of ten. So every filter here passes a guard on its result, and those that multiply text compute the
size before they build it.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache, wraps
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime
from babel.numbers import format_currency, format_decimal
from liquid import Environment
from liquid.context import RenderContext
from liquid.exceptions import FilterValueError
from liquid.filter import with_context
from liquid.undefined import Undefined
from markupsafe import Markup

from kundenkreis.kernel.money import ZERO_DECIMAL, minor_units
from kundenkreis.kernel.zones import UnknownZoneError, to_datetime, zone

TEXT_LIMIT = 64 * 1024
"""Characters one filter may return. A whole mail has 256 KB; no single value in it needs more than a quarter."""
LIST_LIMIT = 10_000
"""Elements a list or range may have that a filter works on."""
WORK_LIMIT = 4_000_000
"""Characters and elements that all filters of one template together may take in."""

_KEPT = """
    abs append at_least at_most capitalize ceil compact concat default divided_by downcase escape escape_once find first
    floor has join last lstrip map minus modulo newline_to_br plus prepend reject remove remove_first remove_last
    replace_first replace_last reverse round rstrip size slice sort sort_natural split squish strip strip_newlines sum
    times truncate truncatewords uniq upcase url_encode where
"""
"""Kept of the library's own. Left out: `safe` and url_decode undo escaping, base64 hides content from the linter."""

_STRFTIME = {
    "d": "dd", "e": "d", "m": "MM", "Y": "yyyy", "y": "yy", "H": "HH", "M": "mm", "S": "ss",
    "A": "EEEE", "a": "EEE", "B": "MMMM", "b": "MMM", "j": "D", "I": "hh", "p": "a", "%": "%",
}  # fmt: skip
"""Shopify's date directives as CLDR patterns, so that month names come in the reader's language."""
_DIRECTIVE = re.compile(r"%-?[A-Za-z%]|.", re.DOTALL)
_NAMED = frozenset({"short", "medium", "long", "full"})
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_SAFE_URL = re.compile(r"(?:https?://|mailto:|tel:)[^\s\x00-\x1f\"'<>\\]+", re.IGNORECASE)
_TAG_LIKE = re.compile(r"<[^<>]*>")


class TooMuchError(FilterValueError):
    """A filter was asked to build more than any mail needs."""


def register(env: Environment) -> None:
    """Leave exactly the allowed filters in an environment."""
    builtin = dict(env.filters)
    env.filters.clear()
    for name in _KEPT.split():
        env.filters[name] = _guarded(builtin[name])
    env.filters["replace"] = _guarded(_replace)
    env.filters["strip_html"] = _guarded(_strip_html)
    env.filters["join"] = _guarded(_join(builtin["join"]))
    for name, own in (("money", _money), ("money_minor", _money_minor), ("date", _date), ("number", _number)):
        env.filters[name] = with_context(own)
    env.filters["safe_url"] = safe_url


def safe_url(value: object) -> str:
    """The address if it is http, https, mailto or tel, else nothing: data never brings javascript: into a link."""
    text = str(value).strip() if isinstance(value, str) else ""
    return text if len(text) <= 2048 and _SAFE_URL.fullmatch(text) else ""


def _guarded(inner: Callable[..., Any]) -> Callable[..., Any]:
    """The filter with its input lists and its result bounded; keeps the marks that ask for context or environment."""

    wants_context = getattr(inner, "with_context", False)

    @with_context
    @wraps(inner)
    def bounded(value: object, *args: Any, context: Any, **kwargs: Any) -> Any:
        for item in (value, *args):
            if isinstance(item, str | list | tuple | range):
                context.work_left -= len(item)
                if not isinstance(item, str) and len(item) > LIST_LIMIT:
                    raise TooMuchError(f"a list of more than {LIST_LIMIT} elements", token=None)
        if context.work_left < 0:
            raise TooMuchError(f"more than {WORK_LIMIT} characters and elements to work on", token=None)
        if wants_context:
            kwargs["context"] = context
        result = inner(value, *args, **kwargs)
        if type(result) is int:
            if result.bit_length() > 256:
                raise TooMuchError("a number beyond all measure", token=None)
        elif isinstance(result, str) and len(result) > TEXT_LIMIT:
            raise TooMuchError(f"a text of more than {TEXT_LIMIT} characters", token=None)
        return result

    return bounded


SLOW = {"date": 8, "money": 12, "money_minor": 12, "number": 8}
"""Filters that format with CLDR, counted as so many plain steps."""


def _text(value: object) -> str:
    if value is None or isinstance(value, Undefined):
        return ""
    return value if isinstance(value, str) else str(value)


def _replace(value: object, old: object, new: object = "") -> str:
    text, old_text, new_text = _text(value), _text(old), _text(new)
    if len(text) + text.count(old_text) * len(new_text) > TEXT_LIMIT:
        raise TooMuchError(f"a text of more than {TEXT_LIMIT} characters", token=None)
    if isinstance(text, Markup):
        return text.replace(old_text, Markup.escape(new_text))
    return text.replace(old_text, new_text)


def _join(inner: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(inner)
    def join(value: object, separator: object = " ", **kwargs: Any) -> Any:
        count = len(value) if isinstance(value, list | tuple | range) else 0
        longest = max((len(item) for item in value if isinstance(item, str)), default=20) if count else 0  # type: ignore[attr-defined]
        if count * (len(_text(separator)) + longest) > 4 * TEXT_LIMIT:
            raise TooMuchError(f"a text of more than {TEXT_LIMIT} characters", token=None)
        return inner(value, _text(separator), **kwargs)

    return join


def _strip_html(value: object) -> str:
    """Text without tags: one linear pass, instead of the library's HTML parser."""
    return _TAG_LIKE.sub("", _text(value))


def _locale(context: RenderContext) -> Locale:
    return parse_locale(getattr(context, "language", "") or "de")


@lru_cache(maxsize=200)
def parse_locale(language: str) -> Locale:
    """CLDR locale of "de-AT"; the plain language, then German, where a region or language is unknown."""
    for candidate in (language, language.partition("-")[0], "de"):
        try:
            return Locale.parse(candidate, sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    raise AssertionError("CLDR without German")


@lru_cache(maxsize=20_000)
def _formatted_money(minor: int, currency: str, locale: Locale) -> str:
    scale = 0 if currency in ZERO_DECIMAL else 2
    return format_currency(Decimal(minor).scaleb(-scale), currency, locale=locale)


def _currency(currency: object) -> str:
    code = _text(currency) or "EUR"
    if len(code) != 3 or not code.isascii() or not code.isalpha():
        raise FilterValueError(f"{code[:20]!r} is not a currency code such as EUR", token=None)
    return code.upper()


def _money(value: object, currency: object = "", *, context: RenderContext) -> str:
    """12.5 or "12.50" as 12,50 EUR in the reader's way; "" for what is no amount. Major units, as events carry them."""
    code = _currency(currency)
    minor = minor_units(value, code)
    return "" if minor is None else _formatted_money(minor, code, _locale(context))


def _money_minor(value: object, currency: object = "", *, context: RenderContext) -> str:
    """1250 as 12,50 EUR: minor units, as orders and computed traits carry them."""
    code = _currency(currency)
    return _formatted_money(value, code, _locale(context)) if type(value) is int else ""


def _number(value: object, *, context: RenderContext) -> str:
    """1234.5 as 1.234,5 in the reader's way; "" for what is no number."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return ""
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return ""
    return format_decimal(number, locale=_locale(context)) if number.is_finite() and abs(number) < 10**18 else ""


def _date(value: object, pattern: object = "medium", zone_name: object = "", *, context: RenderContext) -> str:
    """A date or an instant in the reader's language and zone; "" for what is neither.

    Takes 2026-11-21, an ISO instant, or an integer of microseconds. Patterns: short, medium, long, full, CLDR
    ("d. MMMM"), or Shopify's "%d.%m.%Y". "now" is not known here: `message.date` holds the day of the message.
    """
    zone_text = _text(zone_name) or getattr(context, "zone_name", "") or "Europe/Berlin"
    moment = _moment(value, zone_text)
    if moment is None:
        return ""
    wanted, locale = _pattern(_text(pattern) or "medium"), _locale(context)
    return (format_date if wanted in _NAMED else format_datetime)(moment, wanted, locale=locale)


def _moment(value: object, zone_name: str) -> datetime | None:
    try:
        if isinstance(value, str):
            text = value.strip()
            if _ISO_DATE.fullmatch(text):
                return datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
            parsed = datetime.fromisoformat(text[:40])
            moment = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
        elif type(value) is int:
            moment = to_datetime(value)
        else:
            return None
        moment = moment.astimezone(UTC)
        seconds = zone(zone_name).offset_seconds(int(moment.timestamp()) * 1_000_000)
        return moment + timedelta(seconds=seconds)
    except (ValueError, OverflowError, UnknownZoneError):
        return None


@lru_cache(maxsize=500)
def _pattern(pattern: str) -> str:
    if len(pattern) > 60:
        raise FilterValueError("a date pattern of more than 60 characters", token=None)
    if "%" not in pattern:
        return pattern
    return "".join(_cldr(piece) for piece in _DIRECTIVE.findall(pattern))


def _cldr(piece: str) -> str:
    """One directive or one literal character as CLDR; `%-d` drops the leading zero."""
    if len(piece) == 1:
        return f"'{piece}'" if piece.isalpha() else "''" if piece == "'" else piece
    cldr = _STRFTIME.get(piece[-1], "")
    return cldr[:1] if piece[1] == "-" else cldr
