"""What templates need beyond Django: icons, instants, numbers, words."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from kundenkreis.kernel.zones import to_datetime
from kundenkreis.site import formats, verdict_words, words
from kundenkreis.site.personal import personal

register = template.Library()

_ICONS = {
    "mail": '<rect x="3" y="5" width="18" height="14" rx="2"/><path d="m3.5 7 8.5 6 8.5-6"/>',
    "pulse": '<path d="M3 12h4l3-7 4 14 3-7h4"/>',
    "search": '<circle cx="11" cy="11" r="6.5"/><path d="m16 16 4.5 4.5"/>',
    "sun": '<circle cx="12" cy="12" r="4"/><path d="M12 3v1.5M12 19.5V21M3 12h1.5M19.5 12H21M5.6 5.6l1.1 1.1M17.3 17.3l1.1 1.1'
    'M5.6 18.4l1.1-1.1M17.3 6.7l1.1-1.1"/>',
    "moon": '<path d="M20 14.5A8 8 0 0 1 9.5 4 8 8 0 1 0 20 14.5Z"/>',
    "leave": '<path d="M10 4H6a2 2 0 0 0-2 2v12a2 2 0 0 0 2 2h4M15 8l4 4-4 4M19 12H9"/>',
    "yes": '<path d="m5 12.5 4.5 4.5L19 7.5"/>',
    "no": '<path d="M6.5 6.5l11 11M17.5 6.5l-11 11"/>',
    "back": '<path d="M19 12H5M11 6l-6 6 6 6"/>',
    "older": '<path d="M5 12h14M13 6l6 6-6 6"/>',
    "key": '<circle cx="8" cy="15" r="4"/><path d="m11 12 8-8M16 7l2.5 2.5"/>',
}
"""Drawn on a grid of 24, stroked with 1.75."""

_ARCS = ("attention", "trust", "purchase", "care", "loyalty", "win-back")


@register.simple_tag
def icon(name: str) -> SafeString:
    """An icon as inline SVG; the text beside it is its name, so it is hidden from screen readers."""
    return mark_safe(
        f'<svg class="icon" viewBox="0 0 24 24" width="18" height="18" aria-hidden="true" focusable="false">{_ICONS[name]}</svg>'
    )


@register.simple_tag
def mark(size: int = 28) -> SafeString:
    """The mark: a ring of six arcs, one per phase, clockwise from the top."""
    arcs = "".join(
        f'<circle class="arc {phase}" cx="16" cy="16" r="12" pathLength="360" stroke-dasharray="46 314" '
        f'stroke-dashoffset="{83 - 60 * place}"/>'
        for place, phase in enumerate(_ARCS)
    )
    return mark_safe(
        f'<svg class="mark" viewBox="0 0 32 32" width="{size}" height="{size}" aria-hidden="true" focusable="false">{arcs}</svg>'
    )


@register.simple_tag
def instant(at_us: int) -> SafeString:
    """An instant relative to now, the exact one on hover."""
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        to_datetime(at_us).isoformat(),
        formats.exact_instant(at_us),
        formats.relative_instant(at_us),
    )


register.simple_tag(formats.exact_instant)
register.filter("personal", personal)
register.filter("number", formats.number)
register.filter("span", formats.span)
register.filter("class_word", verdict_words.class_word)
register.filter("role_word", words.role_word)
register.filter("kind_word", words.kind_word)
register.filter("channel_word", words.channel_word)
