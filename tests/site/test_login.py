"""Signing in by a link that works once."""

import re
from datetime import timedelta

import pytest

from kundenkreis.kernel.zones import to_datetime
from kundenkreis.settings import Settings
from kundenkreis.site.wsgi import issue_login_url
from tests.site.conftest import NOW_US, Site

pytestmark = pytest.mark.db


def path_of_new_link(site: Site) -> str:
    url = issue_login_url(site.settings, clock_us=lambda: site.now_us)
    assert url.startswith("http://127.0.0.1:8321/login/")
    return url.removeprefix("http://127.0.0.1:8321")


def csrf_token(html: str) -> str:
    found = re.search(r'<form method="post"><input type="hidden" name="csrfmiddlewaretoken" value="(\w+)"', html)
    assert found
    return found[1]


def test_every_page_asks_to_sign_in_first(site: Site) -> None:
    visitor = site.visitor()
    for path in ("/", "/mailbox/", "/mailbox/00/", "/mailbox/00/html/", "/status/"):
        response = visitor.get(path)
        assert (response.status_code, response["Location"]) == (302, f"/login/?next={path}")


def test_opening_the_link_changes_nothing_and_posting_signs_in(site: Site) -> None:
    visitor, path = site.visitor(), path_of_new_link(site)
    for _ in range(2):
        page = visitor.get(path)
        assert page.status_code == 200
        assert "kreis_session" not in visitor.cookies
    entered = visitor.post(path, {"csrfmiddlewaretoken": csrf_token(page.content.decode())})
    assert (entered.status_code, entered["Location"]) == (302, "/welcome/")
    cookie = visitor.cookies["kreis_session"]
    assert (cookie["httponly"], cookie["samesite"], cookie["secure"]) == (True, "Lax", "")
    assert visitor.get("/mailbox/").status_code == 200


def test_link_works_once(site: Site) -> None:
    first, second, path = site.visitor(), site.visitor(), path_of_new_link(site)
    tokens = [csrf_token(browser.get(path).content.decode()) for browser in (first, second)]
    assert first.post(path, {"csrfmiddlewaretoken": tokens[0]}).status_code == 302
    refused = second.post(path, {"csrfmiddlewaretoken": tokens[1]})
    assert refused.status_code == 410
    assert "This link no longer works" in refused.content.decode()
    assert "kreis_session" not in second.cookies


def test_link_expires_after_30_minutes(site: Site) -> None:
    path = path_of_new_link(site)
    site.now_us = NOW_US + 30 * 60 * 1_000_000 - 1
    assert site.visitor().get(path).status_code == 200
    site.now_us = NOW_US + 30 * 60 * 1_000_000
    assert site.visitor().get(path).status_code == 410


def test_posting_without_the_form_is_refused(site: Site) -> None:
    visitor, path = site.visitor(), path_of_new_link(site)
    assert visitor.post(path).status_code == 403
    assert "kreis_session" not in visitor.cookies
    assert visitor.get(path).status_code == 200, "the link must still be good"


def test_unknown_link_is_refused_as_a_spent_one(site: Site) -> None:
    assert site.visitor().get("/login/no-such-token/").status_code == 410


def test_table_holds_no_token(site: Site) -> None:
    from kundenkreis.site.models import LoginLink

    token = path_of_new_link(site).split("/")[2]
    (link,) = LoginLink.objects.all()
    assert token.encode() not in bytes(link.token_hash)
    assert link.expires_at - timedelta(minutes=30) == to_datetime(NOW_US)


def test_account_has_no_password(site: Site) -> None:
    from kundenkreis.site.models import Account

    path_of_new_link(site)
    (account,) = Account.objects.all()
    assert not account.has_usable_password()


def test_locked_account_does_not_get_in(site: Site) -> None:
    from kundenkreis.site.models import Account

    visitor, path = site.visitor(), path_of_new_link(site)
    token = csrf_token(visitor.get(path).content.decode())
    Account.objects.update(is_active=False)
    assert visitor.post(path, {"csrfmiddlewaretoken": token}).status_code == 410


def test_signing_out_ends_the_session(site: Site) -> None:
    insider = site.insider()
    assert insider.get("/logout/").status_code == 405
    assert insider.get("/mailbox/").status_code == 200
    assert insider.post("/logout/")["Location"] == "/login/"
    assert insider.get("/mailbox/").status_code == 302


def test_foreign_host_name_is_refused(site: Site) -> None:
    response = site.visitor().get("/login/", HTTP_HOST="evil.example")
    assert response.status_code == 400
    assert "KREIS_BASE_URL" in response.content.decode()


def test_process_serves_one_installation(site: Site, site_settings: Settings) -> None:
    from dataclasses import replace

    from kundenkreis.site.django_setup import AlreadyConfiguredError, configure

    configure(site_settings)
    with pytest.raises(AlreadyConfiguredError):
        configure(replace(site_settings, brand="Another"))
