"""Every page in both languages and both themes: no barrier, no complaint, no overflow on a phone, no more weight than allowed."""

import itertools
from typing import get_args

import pytest

from tests.browser.eyes import NARROW, Eyes, Language, Theme
from tests.browser.pages import PAGES, Page
from tests.browser.served import Served

LIMIT_BYTES = 150_000
COMBINATIONS = list(itertools.product(get_args(Language), get_args(Theme)))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path)
def test_page_is_sound(page: Page, served: Served, eyes: Eyes) -> None:
    path = page.path.format(**served.examples())
    found: list[tuple[str, object]] = []
    for language, theme in COMBINATIONS:
        sight = eyes.open(language=language, theme=theme, is_stranger=page.is_open)
        shown = sight.go(path)
        seen = (sight.status, shown.url.removeprefix(served.url), shown.locator("html").get_attribute("lang"))
        assert seen == (page.status, path, language)
        found += [(f"{language} {theme} bytes", weight) for weight in [sight.weight_bytes()] if weight > LIMIT_BYTES]
        found += [(f"{language} {theme}", each) for each in (*sight.barriers(), *sight.all_complaints())]
        shown.set_viewport_size({"width": NARROW["width"], "height": NARROW["height"]})
        found += [(f"{language} {theme} narrow", each) for each in [sight.overflow_pixels()] if each]
        shown.context.close()
    assert found == []
