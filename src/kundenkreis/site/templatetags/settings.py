"""What the settings' pages say of their things."""

from django import template
from django.utils.text import capfirst

from kundenkreis.site.mistake_words import mistake_word
from kundenkreis.site.words import channel_word

register = template.Library()
register.filter("mistake_word", mistake_word)


@register.filter
def channel_name(channel: str) -> str:
    """A channel in words, as it stands alone."""
    return str(capfirst(channel_word(channel)))
