"""What the start page needs beyond the components: figures that are doors, changes with their sign, the instant of a count."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from kundenkreis.kernel.zones import to_datetime
from kundenkreis.site import formats, message_words, start_words
from kundenkreis.site.phase_words import phase_class
from kundenkreis.site.templatetags.components import badge

register = template.Library()
register.filter("signed", start_words.signed)
register.filter("phase_class", phase_class)
register.filter("fate_word", message_words.fate_word)
register.filter("rule_word", message_words.rule_word)


@register.simple_tag
def fate_badge(fate: str) -> SafeString:
    """What became of a message."""
    return badge(message_words.fate_word(fate), message_words.FATE_TONES.get(fate, ""), dot=True)


@register.simple_tag
def as_of(at_us: int) -> SafeString:
    """Up to when the data go."""
    time = format_html(
        '<time datetime="{}" title="{}">{}</time>',
        to_datetime(at_us).isoformat(),
        formats.exact_instant(at_us),
        formats.clock_time(at_us),
    )
    return format_html(_("Data up to {}"), time)
