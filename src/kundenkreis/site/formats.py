"""Numbers, instants and spans as the viewer writes them."""

from babel.dates import format_date, format_datetime, format_timedelta, get_timezone
from babel.numbers import format_decimal
from django.utils.translation import get_language

from kundenkreis.kernel.zones import to_datetime
from kundenkreis.site.mounted import mounted

_EXACT = {"de": ("d. MMMM y, HH:mm:ss z", "de"), "en": ("d MMMM y, HH:mm:ss z", "en_GB")}
"""Pattern and locale of an exact instant. British English, because plain English has no names for European zones."""
_SECOND_US = 1_000_000


def language() -> str:
    """The viewer's language: de or en."""
    return (get_language() or "en")[:2]


def number(value: int) -> str:
    """A whole number: 5.000 or 5,000."""
    return format_decimal(value, locale=language())


def relative_instant(at_us: int) -> str:
    """How far an instant is from now: 3 hours ago."""
    moment, now = to_datetime(at_us), to_datetime(mounted().clock_us())
    return format_timedelta(moment - now, add_direction=True, locale=language())


def exact_instant(at_us: int) -> str:
    """An instant with date, seconds and zone, in the installation's zone."""
    pattern, locale = _EXACT[language()]
    zone = get_timezone(mounted().settings.zone)
    return str(format_datetime(to_datetime(at_us), pattern, tzinfo=zone, locale=locale))


def calendar_day(at_us: int) -> str:
    """The day of an instant, in the installation's zone: 12. November 2026."""
    zone = get_timezone(mounted().settings.zone)
    return str(format_date(to_datetime(at_us).astimezone(zone).date(), "long", locale=_EXACT[language()][1]))


def span(span_us: int) -> str:
    """A span of time in words: 2 seconds, 3 hours; under a second in milliseconds."""
    if span_us < _SECOND_US:
        return f"{number(span_us // 1000)} ms"
    return format_timedelta(to_datetime(span_us) - to_datetime(0), locale=language())
