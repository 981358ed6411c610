"""The list of customers: search, quick filters, any condition, saved filters, columns, export."""

import json
from dataclasses import dataclass
from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache

from kundenkreis.site import formats
from kundenkreis.site.access import may, viewer
from kundenkreis.site.condition_words import condition_line
from kundenkreis.site.figure_words import figure_words
from kundenkreis.site.mounted import mounted
from kundenkreis.site.pages.customers.asked import Asked, read_asked
from kundenkreis.site.pages.customers.columns import COOKIE, chosen_text, columns_for
from kundenkreis.site.pages.customers.csv_file import csv_answer
from kundenkreis.site.pages.customers.filter_form import filter_fields, read_filter
from kundenkreis.site.pages.customers.words import said
from kundenkreis.site.phase_words import phase_word, sub_state_word
from kundenkreis.site.ports.customers import Choice, CustomerLine, CustomersFound
from kundenkreis.site.special_categories import may_ask
from kundenkreis.site.toasts import add_toast

_YEAR_SECONDS: Final = 365 * 86_400
_LONGEST_NAME: Final = 60


@dataclass(frozen=True, kw_only=True)
class Row:
    """A line of the list with the values of the chosen columns."""

    line: CustomerLine
    attributes: tuple[tuple[str, str], ...]
    """Name and value of the attributes among the columns."""


@never_cache
def show_list(request: HttpRequest) -> HttpResponse:
    """The list as the address asks for it."""
    source = mounted().sources.customers
    saved = tuple(one for one in source.saved_filters() if may_ask(one.condition))
    asked = read_asked(request, saved)
    if "add" in request.GET and (condition := read_filter(request.GET)) is not None:
        return redirect(f"{request.path}{asked.link(conditions=(*asked.conditions, condition), filter='')}")
    choices = source.read_choices()
    columns = columns_for(request, choices)
    shown = tuple(column for column in columns if column.is_shown)
    found = source.find_customers(asked.query())
    names = tuple(column.attribute for column in shown if column.attribute)
    values = source.read_attributes(tuple(line.profile_id for line in found.lines), names) if names else {}
    context = {
        "asked": asked,
        "found": found,
        "rows": [
            Row(line=line, attributes=tuple((name, values.get(line.profile_id, {}).get(name, "")) for name in names))
            for line in found.lines
        ],
        "count": count_words(found),
        "found_figure": asked.found_figure,
        "problem": problem_words(found),
        "columns": columns,
        "shown": shown,
        "phases": [_phase_chip(choice, asked) for choice in choices.phases],
        "sub_states": _sub_state_chips(choices.phases, asked),
        "known": choices.known,
        "visitors": choices.visitors,
        "all_link": asked.link(view="", phase="", sub_state="", filter="", conditions=()),
        "visitors_link": asked.link(view="visitors", phase="", sub_state="", filter="", conditions=()),
        "is_all": asked.view != "visitors" and "phase" not in asked.quick,
        "situations": _options(_("Any situation"), choices.situations),
        "segments": _options(_("Any segment"), choices.segments),
        "situation": asked.quick.get("situation", ""),
        "segment": asked.quick.get("segment", ""),
        "conditions": [
            (
                condition_line(one),
                asked.link(conditions=asked.conditions[:place] + asked.conditions[place + 1 :], filter=""),
            )
            for place, one in enumerate(asked.conditions)
        ],
        "figure": figure_words(asked.figure, {one.named.id: said(one.named) for one in choices.phases}),
        "without_figure": asked.link(figure="", view=""),
        "named": _named(asked),
        "without_named": asked.link(people=()),
        "can_pick": bool(found.lines) and (may("customers.edit") or may("exports.make")),
        "whom": [(name, value) for name, values in QueryDict(asked.link()[1:]).lists() for value in values],
        "hidden": _hidden(asked),
        "filter_fields": filter_fields(choices),
        "saved": [(one, f"?filter={one.filter_id}", one.filter_id == asked.filter_id) for one in saved],
        "can_save": asked.whole is not None and not asked.filter_id and may("segments.edit"),
        "export_link": asked.link(),
        "onward": f"{asked.link()}&cursor={found.next_cursor}",
        "none_at_all": not (choices.known or choices.visitors),
    }
    response = render(request, "customers/list.html", context)
    if "column" in request.GET:
        response.set_cookie(
            COOKIE,
            chosen_text(columns),
            max_age=_YEAR_SECONDS,
            httponly=True,
            samesite="Lax",
            secure=request.is_secure(),
        )
    return response


def save_filter(request: HttpRequest) -> HttpResponse:
    """Keep what the list is narrowed to under a name."""
    source = mounted().sources.customers
    asked = read_asked(request, source.saved_filters())
    name = " ".join(request.POST.get("name", "").split())[:_LONGEST_NAME]
    whole = asked.whole
    if not name or whole is None:
        add_toast(request, _("Not saved: a filter needs a name and at least one condition."), tone="stop")
        return redirect(f"/customers/{asked.link()}")
    someone = viewer()
    filter_id = source.save_filter(name, whole, actor=someone.name if someone else "")
    add_toast(request, _("Filter %(name)s saved.") % {"name": name})
    return redirect(f"/customers/?filter={filter_id}")


def delete_filter(request: HttpRequest, filter_id: str) -> HttpResponse:
    """Forget a saved filter; the people in it stay who they are."""
    source = mounted().sources.customers
    if filter_id not in {one.filter_id for one in source.saved_filters()}:
        raise Http404
    source.delete_filter(filter_id)
    add_toast(request, _("Filter deleted."))
    return redirect("customers")


@never_cache
def export(request: HttpRequest) -> StreamingHttpResponse:
    """The people the list finds as a CSV file, with the chosen columns; at most MOST_EXPORTED."""
    source = mounted().sources.customers
    asked = read_asked(request, source.saved_filters())
    columns = tuple(column for column in columns_for(request, source.read_choices()) if column.is_shown)
    return csv_answer(request, asked.query(), columns)


def _named(asked: Asked) -> str:
    """That only certain people are shown."""
    count = len(asked.people)
    if not count:
        return ""
    return ngettext("%(count)s chosen person", "%(count)s chosen people", count) % {"count": formats.number(count)}


def count_words(found: CustomersFound) -> str:
    """How many people there are, and how sure that is."""
    count = {"count": formats.number(found.total)}
    if found.total_is == "more":
        return _("more than %(count)s people") % count
    if found.total_is == "estimate":
        return _("about %(count)s people, estimated from a sample") % count
    if found.is_cut:
        return _("more than %(count)s people match; type on to narrow it down") % count
    return ngettext("%(count)s person", "%(count)s people", found.total) % count


def problem_words(found: CustomersFound) -> str:
    """Why a condition cannot be asked."""
    if found.problem == "not_counted":
        return _(
            "This cannot be asked yet: %(events)s is counted only once a segment asks for it. Make it a segment."
        ) % {"events": found.problem_detail}
    if found.problem:
        return _("This filter names something that does not exist any more: %(detail)s") % {
            "detail": found.problem_detail
        }
    return ""


@dataclass(frozen=True, kw_only=True)
class Chip:
    """A quick filter as the page shows it."""

    label: str
    href: str
    count: int
    is_current: bool
    id: str


def _phase_chip(choice: Choice, asked: Asked) -> Chip:
    id_ = choice.named.id
    is_current = asked.quick.get("phase") == id_
    return Chip(
        label=phase_word(id_) if phase_word(id_) != id_ else said(choice.named),
        href=asked.link(phase="" if is_current else id_, sub_state="", view="", filter=""),
        count=choice.customers, is_current=is_current, id=id_,
    )  # fmt: skip


def _sub_state_chips(phases: tuple[Choice, ...], asked: Asked) -> list[Chip]:
    here = next((one for one in phases if one.named.id == asked.quick.get("phase")), None)
    if here is None:
        return []
    chips = []
    for choice in here.parts:
        id_ = choice.named.id
        is_current = asked.quick.get("sub_state") == id_
        chips.append(
            Chip(
                label=sub_state_word(id_) if sub_state_word(id_) != id_ else said(choice.named),
                href=asked.link(sub_state="" if is_current else id_, filter=""),
                count=choice.customers, is_current=is_current, id=id_,
            )
        )  # fmt: skip
    return chips


def _options(everything: str, choices: tuple[Choice, ...]) -> list[tuple[str, str, int | None]]:
    """Value, label and how many people each choice leads to."""
    return [
        ("", everything, None),
        *(
            (
                one.named.id,
                f"{said(one.named)} ({formats.number(one.customers)}{'+' if one.is_more else ''})",
                one.customers,
            )
            for one in choices
        ),
    ]


def _hidden(asked: Asked) -> list[tuple[str, Any]]:
    """What the filter bar's form must carry along, because it has no field for it."""

    pairs: list[tuple[str, Any]] = [(name, asked.quick[name]) for name in ("phase", "sub_state") if name in asked.quick]
    if asked.figure:
        pairs.append(("figure", asked.figure))
    pairs += [("who", one) for one in asked.people]
    if asked.chosen:
        pairs.append(("view", asked.chosen))
    if asked.sort != "-seen":
        pairs.append(("sort", asked.sort))
    pairs += [("if", json.dumps(one, separators=(",", ":"))) for one in asked.conditions]
    return pairs
