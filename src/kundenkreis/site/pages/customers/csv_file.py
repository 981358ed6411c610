"""Customers as a CSV file, with the columns that somebody chose: written while it is read, however many they are."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import StringIO
from typing import Final

from django.http import HttpRequest, StreamingHttpResponse
from django.utils.translation import gettext as _

from kundenkreis.site import formats
from kundenkreis.site.access import seen_by, viewer
from kundenkreis.site.audit import audit
from kundenkreis.site.mounted import mounted
from kundenkreis.site.pages.customers.columns import Column
from kundenkreis.site.pages.customers.words import said
from kundenkreis.site.personal import personal
from kundenkreis.site.phase_words import phase_word, sub_state_word
from kundenkreis.site.ports.customers import CustomerLine, CustomerQuery
from kundenkreis.site.profile_words import field_of
from kundenkreis.site.words import channel_word

_PAGE: Final = 500
MOST_EXPORTED: Final = 100_000
"""Lines of one export; whoever needs more narrows it first."""


def csv_answer(request: HttpRequest, query: CustomerQuery, columns: tuple[Column, ...]) -> StreamingHttpResponse:
    """The people that a query finds, at most MOST_EXPORTED; noted in the audit log."""
    someone = viewer()
    audit(request, "exported", "customer", details={"fields": [column.id for column in columns]})

    def lines() -> Iterator[str]:
        with seen_by(someone):
            yield from _csv(query, columns)

    response = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="customers.csv"'
    return response


def _csv(query: CustomerQuery, columns: tuple[Column, ...]) -> Iterator[str]:
    source = mounted().sources.customers
    yield "\ufeff" + csv_line([_("Name"), _("E-mail"), *(column.label for column in columns)])
    cursor, written = "", 0
    attributes = tuple(column.attribute for column in columns if column.attribute)
    while written < MOST_EXPORTED:
        found = source.find_customers(replace(query, cursor=cursor, limit=_PAGE))
        values = source.read_attributes(tuple(one.profile_id for one in found.lines), attributes) if attributes else {}
        for line in found.lines:
            cells = [personal(line.name, "name"), personal(line.email, "email")]
            cells += [_cell(line, column, values.get(line.profile_id, {})) for column in columns]
            yield csv_line(cells)
        written += len(found.lines)
        cursor = found.next_cursor
        if not cursor:
            return


def csv_line(cells: list[str]) -> str:
    """One line; a cell that a spreadsheet would run as a formula begins with an apostrophe (OWASP: CSV injection)."""
    out = StringIO()
    csv.writer(out, delimiter=";", lineterminator="\r\n").writerow(
        [
            f"'{cell}" if cell.lstrip(" ")[:1] in ("=", "+", "-", "@", "\t", "\r", "\n") and cell else cell
            for cell in cells
        ]
    )
    return out.getvalue()


def _cell(line: CustomerLine, column: Column, values: dict[str, str]) -> str:
    if column.attribute:
        return personal(values.get(column.attribute, ""), field_of(column.attribute))
    return _CELLS[column.id](line)


def _place_words(line: CustomerLine) -> str:
    if line.place is None:
        return ""
    sub = line.place.sub_state
    return phase_word(line.place.phase.id) + (f" · {sub_state_word(sub.id)}" if sub is not None else "")


_CELLS: Final[dict[str, Callable[[CustomerLine], str]]] = {
    "phase": _place_words,
    "situation": lambda line: ", ".join(said(one) for one in line.situations),
    "segments": lambda line: ", ".join(said(one) for one in line.segments),
    "sales": lambda line: ", ".join(formats.money(one.minor, one.currency) for one in line.sales),
    "orders": lambda line: str(line.order_count),
    "last_order": lambda line: "" if line.last_order_us is None else formats.exact_instant(line.last_order_us),
    "channels": lambda line: ", ".join(channel_word(one) for one in line.channels),
    "number": lambda line: line.number,
    "phone": lambda line: personal(line.phone, "phone"),
    "city": lambda line: personal(line.city),
    "since": lambda line: formats.exact_instant(line.since_us),
    "seen": lambda line: formats.exact_instant(line.seen_us),
}
