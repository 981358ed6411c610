"""Words of the pages about content."""

from django import template

from kundenkreis.site import content_words, formats

register = template.Library()

register.filter("in_language", formats.name_in)
register.filter("block_word", content_words.block_word)
register.filter("body_word", content_words.body_word)
register.filter("variant_word", content_words.variant_word)
