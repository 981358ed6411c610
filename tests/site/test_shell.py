"""What surrounds every page: languages, theme, content security policy, files that may be kept for ever."""

import logging
import re

import pytest

from kundenkreis.site import catalogues
from tests.site.conftest import Site

pytestmark = pytest.mark.db


def test_language_follows_the_browser_until_chosen(site: Site) -> None:
    insider = site.insider("de-AT,de;q=0.9")
    assert "<h1>Postfach</h1>" in insider.get("/mailbox/").content.decode()
    response = insider.post("/language/", {"language": "en", "next": "/status/"})
    assert (response.status_code, response["Location"]) == (302, "/status/")
    html = insider.get("/mailbox/").content.decode()
    assert '<html lang="en">' in html
    assert "<h1>Mailbox</h1>" in html


def test_theme_is_remembered_and_leads_nowhere_else(site: Site) -> None:
    insider = site.insider()
    assert '<html lang="en">' in insider.get("/mailbox/").content.decode()
    assert insider.post("/theme/", {"theme": "dark", "next": "/status/"})["Location"] == "/status/"
    assert '<html lang="en" data-theme="dark">' in insider.get("/mailbox/").content.decode()
    assert insider.post("/theme/", {"theme": "light", "next": "https://evil.example/"})["Location"] == "/"
    insider.post("/theme/", {"theme": "as the device", "next": "/"})
    assert '<html lang="en">' in insider.get("/mailbox/").content.decode()
    assert insider.get("/theme/").status_code == 405


def test_policy_allows_our_own_files_only(site: Site) -> None:
    policy = site.insider().get("/mailbox/")["Content-Security-Policy"]
    assert dict(part.split(" ", 1) for part in policy.split("; ")) == {
        "default-src": "'none'",
        **dict.fromkeys(("script-src", "style-src", "font-src", "img-src", "connect-src", "frame-src"), "'self'"),
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }


def test_pages_hold_nothing_the_policy_would_block(site: Site) -> None:
    html = site.insider().get("/mailbox/").content.decode()
    assert re.findall(r"<style|style=|<script>| on\w+=|https?://", html) == []


def test_files_carry_a_fingerprint_and_may_be_kept(site: Site) -> None:
    visitor = site.visitor()
    html = visitor.get("/login/forgot/sent/").content.decode()
    files = re.findall(r'(?:href|src)="(/static/[^"]+)"', html)
    assert len(files) == 10
    for address in files:
        response = visitor.get(address)
        assert response.status_code == 200
        response.close()
        assert response["Cache-Control"] == "max-age=315360000, public, immutable"
        assert re.search(r"\?v=[0-9a-f]{8}$|inter-5\.3\.0-latin\.woff2$", address)


def test_missing_page_says_so_to_strangers_too(site: Site) -> None:
    response = site.visitor("de").get("/nirgends/")
    assert response.status_code == 404
    assert "Hier ist nichts" in response.content.decode()


def test_home_is_the_start_page(site: Site) -> None:
    assert site.insider().get("/")["Location"] == "/start/"


@pytest.mark.parametrize("language", catalogues.LANGUAGES)
def test_every_text_is_translated(language: str) -> None:
    catalogue = catalogues.read_catalogue(language)
    wanted = {text if isinstance(text, str) else tuple(text) for text, _place in catalogues.gather_texts()}
    written = {message.id: message for message in catalogue if message.id}
    assert {text for text in wanted if text not in written} == set(), "Run: make messages"
    assert {text for text in written if text not in wanted} == set(), "Run: make messages"
    strings = {key: [entry.string] if isinstance(entry.string, str) else entry.string for key, entry in written.items()}
    assert [key for key, texts in strings.items() if not all(texts)] == []
    assert [entry.id for entry in written.values() if entry.fuzzy] == []
    assert [key for key, entry in written.items() if list(entry.check())] == []


def test_every_address_has_a_policy_and_an_example(site: Site) -> None:
    from kundenkreis.site.routes import policy_of
    from tests.site.accounts.addresses import ADDRESSES
    from tests.site.accounts.test_matrix import names_of_addresses

    addresses = list(names_of_addresses())
    assert [name for name, view, _takes in addresses if policy_of(view) is None] == [], "mount it with routes.route()"
    assert {name for name, _view, takes in addresses if takes} == set(ADDRESSES), "tests/site/accounts/addresses.py"
    names = [name for name, _view, _takes in addresses]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8321", "a b", "[::1", "127.0.0.1:8321:9", "x" * 300])
def test_a_host_that_is_not_ours_is_refused_without_a_traceback(
    site: Site, host: str, caplog: pytest.LogCaptureFixture
) -> None:
    logging.getLogger("django.security.DisallowedHost").disabled = False  # as the web server's set-up leaves it
    for path in ("/", "/login/", "/api/v1/status", "/invitation/x/"):
        answer = site.visitor().get(path, HTTP_HOST=host)
        assert (answer.status_code, answer["Content-Type"]) == (400, "text/plain; charset=utf-8")
        assert "set KREIS_BASE_URL" in answer.content.decode()
    assert [record for record in caplog.records if record.exc_info or record.levelname == "ERROR"] == []
