"""The component set. How to use each of them stands in docs/explanation/components.md, with examples.

Tags that wrap content end with {% end<name> %}. Texts come in translated: `_("...")` in the template, gettext in Python.
"""

import hashlib
from collections.abc import Iterable
from typing import Any

from django import template
from django.forms import BoundField
from django.template import RequestContext
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe

from kundenkreis.site import formats
from kundenkreis.site.islands import find_island, island_texts
from kundenkreis.site.phase_words import phase_class, phase_word, sub_state_word
from kundenkreis.site.templatetags.kreis import icon as draw_icon

register = template.Library()

_BAR_WIDTH = 100
"""Meters and progress bars are drawn as SVG of this width: a width in style= would break the content security policy."""


def _render(component: str, /, **values: Any) -> SafeString:
    return render_to_string(f"components/{component}.html", values)


# Page


@register.simple_tag
def crumb(label: str, url_name: str = "", *args: Any) -> SafeString:
    """One station of the trail in the top bar; without an address it is the present page."""
    if url_name:
        return format_html('<li><a href="{}">{}</a></li>', reverse(url_name, args=args), label)
    return format_html('<li aria-current="page">{}</li>', label)


@register.simple_block_tag
def page_head(content: str, title: str, sub: str = "", beside: str = "") -> SafeString:
    """The page's heading with one sentence below it and, inside the block, its buttons."""
    return _render("page_head", content=content, title=title, sub=sub, beside=beside)


@register.simple_block_tag
def card(
    content: str, title: str = "", count: str = "", aside: str = "", padded: bool = True, id: str = "", tone: str = ""
) -> SafeString:
    """A surface with an optional heading."""
    return _render("card", content=content, title=title, count=count, aside=aside, padded=padded, id=id, tone=tone)


@register.simple_block_tag
def notice(content: str, tone: str = "", icon: str = "info-circle") -> SafeString:
    """A sentence that stands out: good, calm or stop."""
    return format_html('<div class="notice {}">{}<div>{}</div></div>', tone, draw_icon(icon), content)


@register.simple_block_tag
def empty(content: str, title: str, text: str, icon: str = "") -> SafeString:
    """What an empty list shows: what the thing is, and inside the block the first useful step."""
    return _render("empty", content=content, title=title, text=text, icon=icon)


# Figures


@register.simple_block_tag
def stats(content: str) -> SafeString:
    """A strip of figures, joined by hairlines."""
    return format_html('<dl class="stats">{}</dl>', content)


@register.filter
def dot(name: object, part: object) -> str:
    """The name of a figure, one part more: "journey"|dot:line.id."""
    return f"{name}.{part}"


@register.simple_tag
def door(href: str, value: int, figure: str, text: str = "") -> SafeString:
    """A number that leads to the people behind it. `figure` names it for the recount, which compares `data-value`."""
    shown = text or formats.number(value)
    if not href:
        return format_html('<span data-figure="{}" data-value="{}">{}</span>', figure, value, shown)
    return format_html('<a href="{}" data-figure="{}" data-value="{}">{}</a>', href, figure, value, shown)


@register.simple_tag
def counted(value: int, figure: str, text: str = "") -> SafeString:
    """A number that leads nowhere, or stands inside a link that does."""
    return door("", value, figure, text)


@register.simple_tag
def stat(
    label: str, value: int | str, href: str = "", note: str = "", definition: str = "", figure: str = "", exact: int | None = None
) -> SafeString:  # fmt: skip
    """One figure: what it is, how much, where it leads, a note below, its definition on hover and focus.

    A whole number is written as the viewer writes it; `exact` is the number behind a value that comes as text, such as money.
    """
    exact = value if isinstance(value, int) else exact
    shown = formats.number(value) if isinstance(value, int) else value
    return _render(
        "stat", label=label, value=shown, href=href, note=note, definition=definition, figure=figure, exact=exact
    )


@register.simple_tag
def meter(
    value: float, most: float = 100, text: str = "", label: str = "", tone: str = "", phase: str = ""
) -> SafeString:
    """A small bar with its value beside it. Without a text it needs a label for screen readers."""
    classes = f"phase {phase_class(phase)}" if phase else tone
    return _render("meter", width=_share(value, most), text=text, label=label, classes=classes)


@register.simple_tag
def progress(value: float, most: float = 100, label: str = "", text: str = "") -> SafeString:
    """How far something is that runs."""
    return _render("progress", value=value, most=most, width=_share(value, most), label=label, text=text)


def _share(value: float, most: float) -> str:
    share = min(max(value / most, 0.0), 1.0) if most > 0 else 0.0
    return f"{share * _BAR_WIDTH:.2f}"


@register.simple_tag
def term(label: str, definition: str) -> SafeString:
    """A word with its definition on hover and on focus."""
    key = "term-" + hashlib.blake2b(f"{label}\0{definition}".encode(), digest_size=6).hexdigest()
    return format_html(
        '<button type="button" class="term" aria-describedby="{0}" data-tip>{1}</button><span id="{0}" hidden>{2}</span>',
        key,
        label,
        definition,
    )


@register.simple_tag
def why(href: str, text: str) -> SafeString:
    """The link from a fact to its reason."""
    return format_html('<a class="why" href="{}">{}</a>', href, text)


# Badges and people


@register.simple_tag
def badge(text: str, tone: str = "", dot: bool = False) -> SafeString:
    """A word on a tint: good, calm, stop, accent, or none."""
    return format_html('<span class="badge {}{}">{}</span>', tone, " dot" if dot else "", text)


@register.simple_tag
def phase_badge(phase: str, sub_state: str = "") -> SafeString:
    """A phase in its colour, with its finer state."""
    words = phase_word(phase) + (f" · {sub_state_word(sub_state)}" if sub_state else "")
    return format_html('<span class="badge phase dot {}">{}</span>', phase_class(phase), words)


@register.simple_tag
def avatar(name: str, size: str = "") -> SafeString:
    """The initials of a name; decoration, so the name must stand beside it. Without colour: colours speak of phases here."""
    words = [word for word in name.split() if word[0].isalnum()]
    initials = (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper() if words else "–"
    return format_html('<span class="avatar {}" aria-hidden="true">{}</span>', size, initials)


# Lists


@register.simple_block_tag
def table(content: str, caption: str, stacks: bool = False) -> SafeString:
    """A table that scrolls sideways when it must; j and k walk its rows' first links. `stacks`: on a phone each row is a few lines instead."""
    return format_html(
        '<div class="table{2}" tabindex="0" role="group" aria-label="{0}"><table data-list><caption class="unseen">{0}</caption>{1}</table></div>',
        caption,
        content,
        " stacks" if stacks else "",
    )


@register.simple_tag(takes_context=True)
def column(
    context: RequestContext, label: str, sort: str = "", figure: bool = False, definition: str = ""
) -> SafeString:
    """The head of a column; with `sort` it sorts by `?sort=<sort>` and, again, by `?sort=-<sort>`."""
    css = mark_safe(' class="figure"') if figure else ""
    if not sort:
        inner = term(label, definition) if definition else conditional_escape(label)
        return format_html('<th scope="col"{}>{}</th>', css, inner)
    request = context["request"]
    now = request.GET.get("sort", "")
    query = request.GET.copy()
    query.pop("cursor", None)
    query["sort"] = f"-{sort}" if now == sort else sort
    state, sign = {sort: ("ascending", "arrow-up"), f"-{sort}": ("descending", "arrow-down")}.get(now, ("", ""))
    aria = format_html(' aria-sort="{}"', state) if state else ""
    return format_html(
        '<th scope="col"{}{}><a href="?{}">{}{}</a></th>',
        css,
        aria,
        query.urlencode(),
        label,
        draw_icon(sign) if sign else "",
    )


@register.simple_tag(takes_context=True)
def pager(
    context: RequestContext, next_cursor: str, count: str = "", figure: str = "", exact: int | None = None
) -> SafeString:
    """The foot of a list: how many there are, on to the next ones, back to the first ones. Needs `?cursor=` in the page."""
    request = context["request"]
    first = request.GET.copy()
    is_first = not first.pop("cursor", None)
    onward = first.copy()
    onward["cursor"] = next_cursor
    return _render(
        "pager", count=counted(exact, figure, count) if exact is not None else count, is_first=is_first,
        first=first.urlencode(), next=onward.urlencode() if next_cursor else "",
    )  # fmt: skip


@register.simple_block_tag(takes_context=True)
def filters(context: RequestContext, content: str, label: str, swaps: str) -> SafeString:
    """A form that filters the list with the id `swaps` while one types; without JavaScript by Enter."""
    return _render("filters", content=content, label=label, swaps=swaps, path=context["request"].path)


@register.simple_tag
def search_field(label: str, value: str = "", name: str = "q") -> SafeString:
    """The field of a filter bar that looks for words; "/" jumps to it."""
    return _render("search_field", label=label, value=value, name=name)


@register.simple_block_tag
def chips(content: str, label: str) -> SafeString:
    """A row of ready-made filters."""
    return format_html('<nav class="chips" aria-label="{}">{}</nav>', label, content)


@register.simple_tag
def chip(label: str, href: str, count: int | None = None, is_current: bool = False, figure: str = "") -> SafeString:
    """One ready-made filter with how many it finds."""
    return _link("chip", label, href, count=count, is_current=is_current, figure=figure)


@register.simple_block_tag
def tabs(content: str, label: str) -> SafeString:
    """The parts of one page; each is an address of its own."""
    return format_html('<nav class="tabs" aria-label="{}">{}</nav>', label, content)


@register.simple_tag
def tab(label: str, href: str, count: int | None = None, is_current: bool = False, figure: str = "") -> SafeString:
    """One part of a page."""
    return _link("", label, href, count=count, is_current=is_current, figure=figure)


def _link(css: str, label: str, href: str, *, count: int | None, is_current: bool, figure: str) -> SafeString:
    many = format_html(' <span class="count">{}</span>', counted(count, figure)) if count is not None else ""
    here = mark_safe(' aria-current="page"') if is_current else ""
    return format_html('<a class="{}" href="{}"{}>{}{}</a>', css, href, here, label, many)


@register.simple_block_tag
def timeline(content: str) -> SafeString:
    """What happened, newest first."""
    return format_html('<ol class="timeline">{}</ol>', content)


@register.simple_block_tag
def moment(
    content: str, title: str, at_us: int, icon: str = "point", tone: str = "", phase: str = "", href: str = ""
) -> SafeString:
    """One thing that happened; inside the block, what more there is to say."""
    return _render(
        "moment",
        content=content,
        title=title,
        at_us=at_us,
        icon=icon,
        sign=f"phase {phase_class(phase)}" if phase else tone,
        href=href,
    )


# Forms


@register.simple_tag
def field(bound: BoundField) -> SafeString:
    """A field of a Django form with label, help and what is wrong."""
    return _render("field", field=bound)


@register.simple_tag
def text_field(
    label: str,
    name: str,
    value: str = "",
    error: str = "",
    help: str = "",
    type: str = "text",
    optional: bool = False,
    later: bool = False,
    **more: Any,
) -> SafeString:
    """A field without a Django form; further attributes by name, with _ for -: maxlength=80 data_tip="x". `later`: only publishing asks for it."""
    attributes = _attributes(more)
    return _render(
        "text_field",
        label=label,
        name=name,
        value=value,
        error=error,
        help=help,
        type=type,
        optional=optional,
        later=later,
        attributes=attributes,
    )


@register.simple_tag
def select_field(
    label: str,
    name: str,
    options: Iterable[tuple[Any, str]],
    value: Any = "",
    error: str = "",
    help: str = "",
    **more: Any,
) -> SafeString:
    """A choice of (value, label) pairs."""
    pairs = [(str(key), text, str(key) == str(value)) for key, text in options]
    return _render(
        "select_field", label=label, name=name, options=pairs, error=error, help=help, attributes=_attributes(more)
    )


@register.simple_tag
def switch(label: str, name: str, is_on: bool = False, help: str = "", **more: Any) -> SafeString:
    """On or off, sent as `name=on` when on."""
    return _render("switch", label=label, name=name, is_on=is_on, help=help, attributes=_attributes(more))


def _attributes(more: dict[str, Any]) -> SafeString:
    parts = [
        format_html(" {}", name.replace("_", "-"))
        if value is True
        else format_html(' {}="{}"', name.replace("_", "-"), value)
        for name, value in more.items()
        if value is not False
    ]
    return mark_safe("".join(parts))


@register.simple_block_tag
def dialog(content: str, id: str, title: str) -> SafeString:
    """A dialog that a button with data-opens="<id>" opens; Escape and its cross close it."""
    return _render("dialog", content=content, id=id, title=title)


# Islands


@register.simple_tag
def island(name: str) -> SafeString:
    """An island's script, styles and texts; stands once, where the island lives. `name` is its folder in islands/src."""
    return _render("island", island=find_island(name), texts=island_texts(name))
