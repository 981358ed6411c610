"""What the settings' pages say of their things."""

from django import template

from kundenkreis.site.mistake_words import mistake_word
from kundenkreis.site.words import channel_word

register = template.Library()
register.filter("channel_name", channel_word)
register.filter("mistake_word", mistake_word)
