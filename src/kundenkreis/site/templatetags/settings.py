"""What the settings' pages say of their things."""

from django import template

from kundenkreis.site.words import channel_word

register = template.Library()
register.filter("channel_name", channel_word)
