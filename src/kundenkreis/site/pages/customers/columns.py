"""The columns of the list: which there are, which somebody chose."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest
from django.utils.translation import gettext as _

from kundenkreis.site.ports.customers import Choices
from kundenkreis.site.profile_words import attribute_word

COOKIE: Final = "kreis_columns"
DEFAULT: Final = ("phase", "situation", "sales", "channels", "seen")
_ATTRIBUTE: Final = "="
"""Before the name of an attribute, so that none is taken for a column of ours."""
_MOST: Final = 12


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column, chosen or not."""

    id: str
    label: str
    sort: str
    is_figure: bool
    is_shown: bool
    attribute: str
    """Name of the attribute it shows; "" for a column of ours."""


def columns_for(request: HttpRequest, choices: Choices) -> tuple[Column, ...]:
    """Every column in the order shown, those that the address or the cookie names marked."""
    return columns_named(request.GET.getlist("column") or (request.COOKIES.get(COOKIE, "").split("|")), choices)


def columns_named(chosen: Sequence[str], choices: Choices) -> tuple[Column, ...]:
    """Every column in the order shown, those of these ids marked, or the usual ones where none of them exists."""
    known = [
        ("phase", _("Phase"), "", False),
        ("situation", _("Situation"), "", False),
        ("sales", _("Revenue"), "sales", True),
        ("orders", _("Orders"), "", True),
        ("last_order", _("Last order"), "", False),
        ("channels", _("May I?"), "", False),
        ("segments", _("Segments"), "", False),
        ("number", _("Customer number"), "", False),
        ("phone", _("Telephone"), "", False),
        ("city", _("Town"), "", False),
        ("since", _("First contact"), "since", False),
        ("seen", _("Last act"), "seen", False),
    ]
    ids = {each[0] for each in known} | {_ATTRIBUTE + name for name in choices.attributes}
    shown = [one for one in chosen if one in ids][:_MOST] or list(DEFAULT)
    own = tuple(
        Column(id=id_, label=label, sort=sort, is_figure=figure, is_shown=id_ in shown, attribute="")
        for id_, label, sort, figure in known
    )
    more = tuple(
        Column(
            id=_ATTRIBUTE + name, label=attribute_word(name), sort="", is_figure=False,
            is_shown=_ATTRIBUTE + name in shown, attribute=name,
        )
        for name in choices.attributes
    )  # fmt: skip
    return own + more


def chosen_text(columns: tuple[Column, ...]) -> str:
    """What the cookie keeps."""
    return "|".join(column.id for column in columns if column.is_shown)
