"""The command palette: finds by kind what the viewer may see."""

import re
from dataclasses import replace

import pytest

from kundenkreis.site.mounted import mount, mounted
from kundenkreis.site.ports.search import Found
from kundenkreis.site.testing import SearchInMemory
from tests.site.conftest import Site

pytestmark = pytest.mark.db

MARIE = Found(kind="customer", id="7", title="Marie Brandt", detail="+49 30 1234567", path="/customers/7/")
WELCOME = Found(kind="journey", id="welcome", title="Willkommen <b>", detail="", path="/journeys/welcome/")


def ask(site: Site, query: str, *, role: str = "owner", language: str = "en") -> list[tuple[str, str, str]]:
    """Kind, title and path of everything found."""
    site.mount()
    sources = replace(
        mounted().sources, searches={"customer": SearchInMemory([MARIE]), "journey": SearchInMemory([WELCOME])}
    )
    mount(replace(mounted(), sources=sources))
    html = site.insider(language, role=role).get("/search/", {"q": query}).content.decode()
    assert "<html" not in html
    options = re.findall(r'id="found-(\w+)-[^"]*" href="([^"]*)".*?(?:</svg>|</span>)<span>(.*?)</span>', html)
    return [(kind, re.sub(r"<.*", "", title), path) for kind, path, title in options]


def test_customer_by_half_a_phone_number(site: Site) -> None:
    assert ask(site, "1234") == [("customer", "Marie Brandt", "/customers/7/")]


def test_who_may_not_see_people_finds_none(site: Site) -> None:
    assert ask(site, "1234", role="viewer") == []
    assert ask(site, "Willkommen", role="viewer") == [("journey", "Willkommen &lt;b&gt;", "/journeys/welcome/")]


def test_pages_are_found_in_the_viewers_language(site: Site) -> None:
    assert ("page", "Strecken", "/journeys/") in ask(site, "streck", language="de")
    assert ask(site, "streck") == []


def test_without_words_the_pages_of_the_role_stand_there(site: Site) -> None:
    paths = [path for _kind, _title, path in ask(site, "", role="sales")]
    assert ("/mailbox/" in paths, "/status/" in paths) == (True, False)


def test_parts_of_the_settings_are_found_by_those_who_may_open_them(site: Site) -> None:
    assert ask(site, "kontaktreg", language="de") == [("page", "Kontaktregeln", "/settings/contact-rules/")]
    assert ask(site, "audit") == [("page", "Audit log", "/settings/audit/")]
    assert ask(site, "audit", role="viewer") == []
    assert ask(site, "status") == [("page", "Status", "/status/")]
