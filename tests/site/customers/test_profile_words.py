"""Values of a profile as people write them."""

import pytest
from django.utils import translation

from kundenkreis.site.profile_words import value_word
from tests.site.conftest import Site

pytestmark = pytest.mark.db


def test_values_are_written_as_people_write_them(site: Site) -> None:
    site.mount()
    asked = [
        ("birthday", "1968-01-05"), ("birthday", "unknown"), ("address.country", "DE"), ("country", "Utopia"), ("language", "de"),
        ("language", "de-AT"), ("language", "xx"), ("invented", "true"), ("home_ownership", "Renter"), ("shoe_size", "44"),
    ]  # fmt: skip
    with translation.override("de"):
        german = [value_word(name, text) for name, text in asked]
    with translation.override("en"):
        english = [value_word(name, text) for name, text in asked]
    assert german == [
        "05.01.1968", "unknown", "Deutschland", "Utopia", "Deutsch", "Deutsch (Österreich)", "xx", "ja", "zur Miete", "44",
    ]  # fmt: skip
    assert english == [
        "5 Jan 1968", "unknown", "Germany", "Utopia", "German", "German (Austria)", "xx", "yes", "rented home", "44",
    ]  # fmt: skip
