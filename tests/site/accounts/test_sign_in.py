"""A15, A37, A38, A39, A46: signing in by password, what an attacker learns and what they cannot do."""

import re
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher

from tests.site.accounts.people import PASSWORD, app_code, make_account
from tests.site.conftest import Site

if TYPE_CHECKING:
    from django.test import Client

pytestmark = pytest.mark.db

EMAIL = "ada@example.com"


def browser(site: Site) -> "Client":
    made = site.visitor()
    made.handler.enforce_csrf_checks = False
    return made


def sign_in(client: "Client", email: str = EMAIL, password: str = PASSWORD, **more: Any) -> Any:
    return client.post("/login/", {"login": email, "password": password}, **more)


def test_address_in_any_case_and_password_sign_in(site: Site) -> None:
    make_account(EMAIL)
    client = browser(site)
    assert sign_in(client, " Ada@Example.com ")["Location"] == "/"
    assert client.get("/mailbox/").status_code == 200


class CountingHasher(MD5PasswordHasher):
    """A cheap hasher that counts how often it works."""

    algorithm = "counting"
    worked = 0

    def encode(self, password: str, salt: str) -> str:
        CountingHasher.worked += 1
        return super().encode(password, salt)


def test_unknown_wrong_and_disabled_get_one_answer_for_the_same_work_a37(site: Site) -> None:
    from django.test import override_settings

    from kundenkreis.site.models import Account

    with override_settings(PASSWORD_HASHERS=[f"{__name__}.CountingHasher"]):
        make_account(EMAIL)
        make_account("gone@example.com")
        Account.objects.filter(email="gone@example.com").update(is_active=False)
        answers = []
        for email, password in ((EMAIL, "wrong"), ("nobody@example.com", "wrong"), ("gone@example.com", PASSWORD)):
            CountingHasher.worked = 0
            response = sign_in(browser(site), email, password)
            html = response.content.decode()
            start = html.index('<div class="notice stop"')
            answers.append((response.status_code, html[start : html.index("<form", start)], CountingHasher.worked))
    assert answers[0] == answers[1] == answers[2]
    assert answers[0][0] == 422
    assert "E-mail address or password is not right." in answers[0][1]
    assert answers[0][2] == 1


def test_what_was_typed_stays_except_the_password(site: Site) -> None:
    html = sign_in(browser(site), "nobody@example.com", "secret-typed").content.decode()
    assert 'value="nobody@example.com"' in html
    assert "secret-typed" not in html


def test_guessing_is_slowed_down_without_locking_anybody_else_out_a37(site: Site) -> None:
    make_account(EMAIL)
    for _ in range(5):
        assert sign_in(browser(site), password="wrong").status_code == 422
    refused = sign_in(browser(site))
    assert (refused.status_code, "tried too often" in refused.content.decode()) == (422, True)
    elsewhere = sign_in(browser(site), REMOTE_ADDR="198.51.100.7")
    assert elsewhere["Location"] == "/", "the person is not locked out by somebody else's guessing"


def test_many_accounts_from_one_address_are_slowed_down_a37(site: Site) -> None:
    make_account(EMAIL)
    for number in range(20):
        assert sign_in(browser(site), f"guess{number}@example.com", "wrong").status_code == 422
    assert "tried too often" in sign_in(browser(site)).content.decode()


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/", "//evil.example/", "///evil.example", "https:evil.example", "\\\\evil.example", "/\\evil.example",
        "javascript:alert(1)", "http://localhost/", "http://127.0.0.1/", "\thttps://evil.example/", "https:\\\\evil.example",
    ],
)  # fmt: skip
def test_nobody_is_sent_elsewhere_after_signing_in_a15(site: Site, target: str) -> None:
    make_account(EMAIL)
    response = browser(site).post("/login/", {"login": EMAIL, "password": PASSWORD, "next": target})
    assert (response.status_code, response["Location"]) == (302, "/")


def test_signing_in_leads_where_one_wanted_to_go(site: Site) -> None:
    make_account(EMAIL)
    response = browser(site).post("/login/", {"login": EMAIL, "password": PASSWORD, "next": "/mailbox/?q=x"})
    assert response["Location"] == "/mailbox/?q=x"


def test_session_has_a_new_id_after_signing_in_a38(site: Site) -> None:
    make_account(EMAIL)
    client = browser(site)
    session = client.session
    session["planted"] = True
    session.save()
    client.cookies["kreis_session"] = session.session_key
    before = session.session_key
    sign_in(client)
    assert client.cookies["kreis_session"].value != before


def test_cookie_is_bound_to_the_host_over_https_a38(site: Site) -> None:
    from dataclasses import replace

    from kundenkreis.site.django_setup import django_settings

    found = django_settings(replace(site.settings, base_url="https://kreis.example.com"))
    names = ("SESSION_COOKIE_NAME", "SESSION_COOKIE_SECURE", "SESSION_COOKIE_SAMESITE", "CSRF_COOKIE_NAME")
    assert [found[name] for name in names] == ["__Host-kreis_session", True, "Lax", "__Host-kreis_csrf"]


def test_every_change_needs_the_form_it_comes_from_a39(site: Site) -> None:
    """Whatever can be posted to answers 403 to a post without the token, for somebody who may do everything else; the API, where
    a session only reads, asks for a key."""
    from django.urls import reverse

    from kundenkreis.site.routes import Policy, policy_of
    from tests.site.accounts.addresses import ADDRESSES, prepare
    from tests.site.accounts.test_matrix import names_of_addresses

    prepare(site)
    insider = site.insider()
    insider.handler.enforce_csrf_checks = True
    open_ones = []
    for name, view, _takes in names_of_addresses():
        policy = policy_of(view)
        assert isinstance(policy, Policy)
        if policy.change is not None and name != "api":
            arguments = ADDRESSES[name].own(site) if name in ADDRESSES else {}
            for headers in ({}, {"HTTP_ORIGIN": "https://evil.example"}):
                if insider.post(reverse(name, kwargs=arguments), **headers).status_code != 403:
                    open_ones.append(name)
    assert open_ones == []
    assert insider.post("/api/v1/segments/estimate").status_code == 401


def _with_app(email: str = EMAIL) -> str:
    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

    secret = generate_totp_secret()
    TOTP.activate(make_account(email), secret)
    return secret


def test_second_factor_is_asked_for_and_each_code_works_once(site: Site) -> None:
    secret = _with_app()
    client = browser(site)
    assert sign_in(client)["Location"] == "/login/code/"
    assert client.get("/mailbox/").status_code == 302, "not signed in yet"
    assert client.post("/login/code/", {"code": "000000"}).status_code == 422
    code = app_code(secret)
    assert client.post("/login/code/", {"code": code})["Location"] == "/"
    assert client.get("/mailbox/").status_code == 200
    again = browser(site)
    sign_in(again)
    assert again.post("/login/code/", {"code": code}).status_code == 422
    assert again.get("/mailbox/").status_code == 302


def test_codes_cannot_be_guessed_a37(site: Site) -> None:
    secret = _with_app()
    client = browser(site)
    sign_in(client)
    for _ in range(5):
        client.post("/login/code/", {"code": "000000"})
    html = client.post("/login/code/", {"code": app_code(secret)}).content.decode()
    assert "tried too often" in html


def test_secret_of_the_app_is_stored_encrypted(site: Site) -> None:
    from allauth.mfa.models import Authenticator

    secret = _with_app()
    (stored,) = Authenticator.objects.all()
    assert secret not in str(stored.data)


def test_new_password_by_mail_same_answer_single_use_second_factor_stays_a37(site: Site) -> None:
    from allauth.account.forms import default_token_generator
    from allauth.account.utils import user_pk_to_url_str

    from kundenkreis.site.models import Account

    _with_app()
    inside = site.insider(role="marketing")
    known, unknown = (browser(site).post("/login/forgot/", {"email": email}) for email in (EMAIL, "nobody@example.com"))
    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    account = Account.objects.get(email=EMAIL)
    inside.force_login(account)
    path = f"/login/password/{user_pk_to_url_str(account)}-{default_token_generator.make_token(account)}/"
    client = browser(site)
    form = client.get(path)["Location"]
    assert form.endswith("-set-password/"), "the token is in no address that a page could hand on"
    assert client.post(form, {"password1": "short", "password2": "short"}).status_code == 422
    new = "ganz andere worte hier"
    assert client.post(form, {"password1": new, "password2": new})["Location"] == "/login/?password=new"
    assert inside.get("/mailbox/").status_code == 302, "every session ended"
    assert client.get("/mailbox/").status_code == 302, "nobody was signed in"
    assert browser(site).get(path).status_code == 410
    assert sign_in(browser(site), password=new)["Location"] == "/login/code/"


def test_link_in_the_mail_names_the_configured_host_a46(site: Site) -> None:
    from dataclasses import replace

    from django.core import mail as outbox
    from django.test import override_settings

    from kundenkreis.site import mail
    from kundenkreis.site.mounted import mount, mounted

    make_account(EMAIL)
    with override_settings(EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend"):
        outbox.outbox = []
        settings = replace(site.settings, smtp_host="mail.example.com", mail_from="kreis@example.com")
        mount(replace(mounted(), settings=settings))
        for email in (EMAIL, "nobody@example.com"):
            browser(site).post("/login/forgot/", {"email": email}, HTTP_HOST="localhost:8321")
        mail.wait_until_sent()
        (sent,) = outbox.outbox
    (link,) = re.findall(r"https?://\S+", sent.body)
    assert (sent.to, sent.subject) == ([EMAIL], "A new password for Lindenhof")
    assert link.startswith("http://127.0.0.1:8321/login/password/")
    assert browser(site).get(link.removeprefix("http://127.0.0.1:8321")).status_code == 302
    assert browser(site).post("/login/forgot/", {"email": EMAIL}, HTTP_HOST="evil.example").status_code == 400


def test_pages_about_accounts_are_kept_by_no_cache_a46(site: Site) -> None:
    insider = site.insider()
    for path in ("/account/", "/settings/users/", "/settings/keys/", "/settings/audit/"):
        assert "no-store" in insider.get(path)["Cache-Control"]
