"""Every page in both languages and both themes: no barrier, no complaint, no overflow on a phone, no more weight than allowed."""

import pytest

from tests.browser.eyes import Eyes, unsound
from tests.browser.pages import PAGES, Page
from tests.browser.served import Served


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path)
def test_page_is_sound(page: Page, served: Served, eyes: Eyes) -> None:
    path = page.path.format(**served.examples())
    assert unsound(eyes, path, status=page.status, is_stranger=page.is_open) == []
