"""What templates need beyond Django: icons, instants, numbers, words."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from kundenkreis.definitions.canonical import definitions_from_json
from kundenkreis.definitions.content_checks import default_brand
from kundenkreis.kernel.zones import from_datetime, to_datetime
from kundenkreis.site import event_words, formats, phase_words, verdict_words, words
from kundenkreis.site.mounted import mounted
from kundenkreis.site.personal import personal

register = template.Library()

ICONS = Path(__file__).parents[1] / "icons"
"""Tabler's outline icons, drawn on a grid of 24; a new one is a new file."""


@lru_cache
def _drawing(name: str) -> str:
    svg = (ICONS / f"{name}.svg").read_text(encoding="utf-8")
    return svg[svg.index(">") + 1 : svg.rindex("</svg>")]


@register.simple_tag
def icon(name: str, size: int = 18) -> SafeString:
    """An icon as inline SVG; the text beside it is its name, so it is hidden from screen readers."""
    return mark_safe(
        f'<svg class="icon" viewBox="0 0 24 24" width="{int(size)}" height="{int(size)}" aria-hidden="true" focusable="false">'
        f"{_drawing(name)}</svg>"
    )


@register.filter
def known_icon(name: str) -> str:
    """An icon that a plug-in names, or one for all where there is no such file."""
    return name if (ICONS / f"{name}.svg").is_file() and "/" not in name else "circle-dotted"


@register.simple_tag
def mark(size: int = 28) -> SafeString:
    """The mark: a ring of six arcs, one per phase, clockwise from the top."""
    arcs = "".join(
        f'<circle class="phase-{phase}" cx="16" cy="16" r="12" pathLength="360" stroke-dasharray="46 314" '
        f'stroke-dashoffset="{83 - 60 * place}"/>'
        for place, phase in enumerate(phase_words.PHASES)
    )
    return mark_safe(
        f'<svg class="mark" viewBox="0 0 32 32" width="{size}" height="{size}" aria-hidden="true" focusable="false">{arcs}</svg>'
    )


@register.simple_tag
def sending_held_since() -> int | None:
    """Since when no message goes out; None if they do (site/sending_held.html)."""
    return mounted().sources.status.sending_held_since_us()


@register.simple_tag
def speaks_as_invented() -> bool:
    """Whether mails go to a mail server in the name of the invented company that Kundenkreis comes with (site/sending_held.html)."""
    return bool(mounted().settings.smtp_host) and _is_invented(mounted().sources.publisher.in_force())


@lru_cache(maxsize=1)
def _is_invented(rulebook: bytes) -> bool:
    """Whether its brand has a domain that nobody can have: the document was never made one's own."""
    brand = default_brand(definitions_from_json(rulebook))
    return brand is not None and str(brand.body.get("sender_address", "")).endswith(".example")


@register.simple_tag
def instant(at_us: int) -> SafeString:
    """An instant relative to now, the exact one on hover."""
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        to_datetime(at_us).isoformat(),
        formats.exact_instant(at_us),
        formats.relative_instant(at_us),
    )


@register.simple_tag
def exact_instant(at_us: int) -> SafeString:
    """An instant to the minute, with seconds and zone on hover."""
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        to_datetime(at_us).isoformat(),
        formats.exact_instant(at_us),
        formats.long_moment(at_us),
    )


@register.filter
def called(id_: str, names: Mapping[str, Mapping[str, str]]) -> str:
    """What something is called in the viewer's language."""
    return formats.name_in(names.get(id_) or {}, id_)


register.filter("event_word", event_words.event_word)
register.filter("origin_word", event_words.origin_word)
register.filter("personal", personal)
register.filter("number", formats.number)
register.filter("micros", from_datetime)
register.filter("span", formats.span)
register.filter("class_word", verdict_words.class_word)
register.filter("role_word", words.role_word)
register.filter("kind_word", words.kind_word)
register.filter("channel_word", words.channel_word)
register.filter("waiting_sentence", words.waiting_sentence)
register.filter("phase_word", phase_words.phase_word)
register.filter("sub_state_word", phase_words.sub_state_word)
