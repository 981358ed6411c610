"""The list of pages that the browser tests walk is the list of addresses."""

import pytest
from django.urls import URLPattern

from tests.browser.pages import NOT_PAGES, PAGES
from tests.site.conftest import Site

pytestmark = pytest.mark.db


def test_every_address_is_looked_at_or_says_why_not(site: Site) -> None:
    from kundenkreis.site.routes import policy_of
    from kundenkreis.site.urls import urlpatterns

    patterns = [each for each in urlpatterns if isinstance(each, URLPattern)]
    readable = {each.name for each in patterns if (policy := policy_of(each.callback)) and policy.see is not None}
    walked = {page.address for page in PAGES}
    assert (readable - walked - NOT_PAGES.keys(), (walked | NOT_PAGES.keys()) - readable) == (set(), set())
    assert walked & NOT_PAGES.keys() == set()
