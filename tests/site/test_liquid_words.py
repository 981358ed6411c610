"""What the editor proposes between braces: every filter has a word, and what taking it writes can be read."""

import pytest
from django.utils import translation

from kundenkreis.content.core import liquid
from kundenkreis.content.core.templates import DEFAULT_NAMES, offered_names
from kundenkreis.events.core.property_names import PROPERTIES
from kundenkreis.site.liquid_words import filter_words, proposals
from tests.site.conftest import Site

pytestmark = pytest.mark.db


def test_every_filter_and_variable_is_told_in_both_languages(site: Site) -> None:
    variables = offered_names(DEFAULT_NAMES, event=PROPERTIES)
    told = {}
    for language in ("en", "de"):
        with translation.override(language):
            assert sorted(filter_words()) == liquid.filter_names()
            told[language] = {one.name: one.word for one in proposals(variables)}
    assert [name for name in told["en"] if not told["en"][name] or not told["de"][name]] == []
    assert [told[language]["event.order_id"] for language in ("en", "de")] == ["Order id", "Bestellnummer"]
    assert [told[language]["customer.first_name"] for language in ("en", "de")] == ["First name", "Vorname"]


def test_what_taking_a_filter_writes_can_be_read(site: Site) -> None:
    written = [f"{{{{ customer.name | {one.inserts} }}}}" for one in proposals(()) if one.name != "concat"]
    assert len([liquid.parse(text, "text") for text in written]) == len(liquid.filter_names()) - 1
