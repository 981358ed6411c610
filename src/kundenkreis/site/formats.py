"""Numbers, instants and spans as the viewer writes them."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Final, Literal, Protocol

from babel import Locale
from babel.dates import format_date, format_datetime, format_time, format_timedelta, get_timezone
from babel.numbers import format_currency, format_decimal, format_percent
from django.utils.translation import get_language

from kundenkreis.kernel.money import ZERO_DECIMAL
from kundenkreis.kernel.zones import date_of, to_datetime
from kundenkreis.site.mounted import mounted, zone_name

_EXACT = {"de": ("d. MMMM y, HH:mm:ss z", "de"), "en": ("d MMMM y, HH:mm:ss z", "en_GB")}
"""Pattern and locale of an exact instant. British English, because plain English has no names for European zones."""
_TO_THE_MINUTE = {"de": "d. MMMM y, HH:mm", "en": "d MMMM y, HH:mm"}
_SECOND_US = 1_000_000


def language() -> Literal["de", "en"]:
    """The viewer's language."""
    return "de" if (get_language() or "").startswith("de") else "en"


def name_in(names: Mapping[str, str], fallback: str) -> str:
    """A name in the viewer's language, else in any, else the id."""
    return str(names.get(language()) or next(iter(names.values()), "") or fallback.replace("_", " "))


class InBoth(Protocol):
    """What is called something in both languages."""

    @property
    def de(self) -> str: ...
    @property
    def en(self) -> str: ...


def in_words(words: InBoth) -> str:
    """A name that stands in both languages, in the viewer's."""
    return words.de if language() == "de" else words.en


_MOST_DIGITS: Final = 25
"""Numbers of more digits are told by their magnitude: nobody reads them, and the library that writes numbers fails at 29."""


def number(value: int) -> str:
    """A whole number: 5.000 or 5,000."""
    return decimal(value)


def decimal(value: Decimal | float) -> str:
    """A number with as many decimals as it has, at most three: 4,5 or 4.5; a huge one as 1.00E300."""
    exact = Decimal(value)
    if exact.is_finite() and exact.adjusted() >= _MOST_DIGITS:
        return f"{exact:.2E}".replace("+", "")
    return format_decimal(value, locale=language())


def money(minor: int, currency: str) -> str:
    """An amount to the cent in its own currency: 1.234,50 € or €1,234.50."""
    value = Decimal(minor) if currency in ZERO_DECIMAL else Decimal(minor) / 100
    return format_currency(value, currency, locale=language())


def day(at_us: int) -> str:
    """The date of an instant in the installation's zone: 4. Nov. 2026."""
    local = to_datetime(at_us).astimezone(get_timezone(zone_name()))
    return format_date(local, format="medium", locale=_EXACT[language()][1])


def calendar_day(day: int) -> str:
    """A day counted from 1970-01-01: 4. Nov. 2026."""
    return format_date(date(1970, 1, 1) + timedelta(days=day), format="medium", locale=_EXACT[language()][1])


def iso_day(text: str) -> str:
    """A day written as 1968-01-15 as people write it: 15.01.1968; anything else as it is."""
    try:
        return format_date(date.fromisoformat(text), format="medium", locale=_EXACT[language()][1])
    except ValueError:
        return text


def country(code: str) -> str:
    """DE -> Deutschland; what no list knows as it is."""
    return str(Locale.parse(language()).territories.get(code.upper(), code))


def language_name(code: str) -> str:
    """de-AT -> Deutsch (Österreich); what no list knows as it is."""
    base, _dash, region = code.replace("_", "-").partition("-")
    name = str(Locale.parse(language()).languages.get(base.lower(), base))
    return f"{name} ({country(region)})" if region else name


def moment(at_us: int) -> str:
    """Date and time to the minute in the installation's zone: 04.11.2026, 10:00."""
    zone = get_timezone(zone_name())
    return str(format_datetime(to_datetime(at_us), "short", tzinfo=zone, locale=_EXACT[language()][1]))


def to_the_second(at_us: int) -> str:
    """Date and time to the second in the installation's zone: 04.11.2026, 10:00:07."""
    zone = get_timezone(zone_name())
    return str(format_datetime(to_datetime(at_us), "medium", tzinfo=zone, locale=_EXACT[language()][1]))


def relative_instant(at_us: int) -> str:
    """How far an instant is from now: 3 hours ago."""
    moment, now = to_datetime(at_us), to_datetime(mounted().clock_us())
    return format_timedelta(moment - now, add_direction=True, locale=language())


def exact_instant(at_us: int) -> str:
    """An instant with date, seconds and zone, in the installation's zone."""
    pattern, locale = _EXACT[language()]
    zone = get_timezone(zone_name())
    return str(format_datetime(to_datetime(at_us), pattern, tzinfo=zone, locale=locale))


def long_moment(at_us: int) -> str:
    """Date and time to the minute in the installation's zone, in words: 4. November 2026, 10:00."""
    zone = get_timezone(zone_name())
    return str(
        format_datetime(to_datetime(at_us), _TO_THE_MINUTE[language()], tzinfo=zone, locale=_EXACT[language()][1])
    )


def clock_time(at_us: int) -> str:
    """The time of day of an instant in the installation's zone: 14:32."""
    zone = get_timezone(zone_name())
    return str(format_time(to_datetime(at_us), "HH:mm", tzinfo=zone, locale=language()))


def span(span_us: int) -> str:
    """A span of time in words: 2 seconds, 3 hours; under a second in milliseconds."""
    if span_us < _SECOND_US:
        return f"{number(span_us // 1000)} ms"
    return format_timedelta(to_datetime(span_us) - to_datetime(0), locale=language())


def percent(rate: float) -> str:
    """A rate between 0 and 1 with one digit: 12,3 % or 12.3%."""
    return str(format_percent(rate, format="#,##0.0 %" if language() == "de" else "#,##0.0%", locale=language()))


def whole_percent(rate: float) -> str:
    """A rate between 0 and 1 without digits: 50 % or 50%."""
    return str(format_percent(rate, locale=language()))


def points(rate: float) -> str:
    """A difference of rates in percentage points with its sign: +2,1 or −0.4."""
    return str(format_decimal(rate * 100, format="+#,##0.0;−#,##0.0", locale=language()))


def short_day(day: int) -> str:
    """An installation day number as a short date: 14. Nov. or 14 Nov."""
    pattern, locale = ("d. MMM", "de") if language() == "de" else ("d MMM", "en_GB")
    return str(format_date(date_of(day), pattern, locale=locale))
