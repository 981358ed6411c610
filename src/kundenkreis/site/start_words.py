"""Words of the start page: periods, and what a drawing says to whoever does not see it."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from kundenkreis.site.formats import number


def period_name(days: int) -> str:
    """A period of the circle."""
    return ngettext("%(count)s day", "%(count)s days", days) % {"count": number(days)}


def circle_in_words(known: int, anonymous: int) -> str:
    """The circle's numbers in one sentence."""
    people = ngettext("%(count)s person in the circle", "%(count)s people in the circle", known)
    visitors = ngettext("%(count)s anonymous visitor", "%(count)s anonymous visitors", anonymous)
    return _("%(people)s, and %(visitors)s.") % {
        "people": people % {"count": number(known)},
        "visitors": visitors % {"count": number(anonymous)},
    }


def legend(days: int) -> str:
    """How to read the drawing."""
    return ngettext(
        "Area stands for people, pale for anonymous visitors. Ribbons: who moved on in %(count)s day and is not back. Signed numbers: net change.",
        "Area stands for people, pale for anonymous visitors. Ribbons: who moved on in %(count)s days and is not back. Signed numbers: net change.",
        days,
    ) % {"count": number(days)}


def signed(value: int) -> str:
    """A change with its sign: +12, −3, ±0."""
    if value == 0:
        return "±0"
    return f"{'+' if value > 0 else '−'}{number(abs(value))}"
