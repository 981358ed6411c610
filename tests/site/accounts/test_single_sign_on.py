"""Single sign-on against a provider of the test's own: whom an account waits for comes in, nobody else (A37, A38)."""

import json
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest

from tests.site.accounts.people import make_account
from tests.site.conftest import Site

if TYPE_CHECKING:
    from django.test import Client

pytestmark = pytest.mark.db

CLIENT = "kundenkreis"


class Provider:
    """An OpenID Connect provider that signs in whoever is set."""

    def __init__(self) -> None:
        self.claims: dict[str, Any] = {}
        self.signed: dict[str, Any] = {}
        """What the ID token says otherwise than the user info."""
        self.issuer = self.leaves_out = ""
        provider = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._send(provider.configuration() if "well-known" in self.path else provider.claims)

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                self._send({"access_token": "t", "token_type": "Bearer", "id_token": provider.id_token()})

            def _send(self, document: dict[str, Any]) -> None:
                body = json.dumps(document).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self._thread = Thread(target=self.server.serve_forever)
        self._thread.start()

    def configuration(self) -> dict[str, Any]:
        whole = {
            "issuer": self.issuer or self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "userinfo_endpoint": f"{self.url}/me",
            "jwks_uri": f"{self.url}/keys",
        }
        return {name: value for name, value in whole.items() if name != self.leaves_out}

    def id_token(self) -> str:
        now = int(time.time())
        usual = {"iss": self.issuer or self.url, "aud": CLIENT, "iat": now, "exp": now + 60}
        said = {**usual, **self.claims, **self.signed}
        return jwt.encode({name: value for name, value in said.items() if value is not None}, "k" * 32)

    def close(self) -> None:
        if not self._thread.is_alive():
            return
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()


@pytest.fixture
def provider(site: Site) -> Iterator[Provider]:
    from dataclasses import replace

    from django.test import override_settings

    from kundenkreis.site.django_setup import django_settings
    from kundenkreis.site.mounted import mount, mounted

    made = Provider()
    settings = replace(
        site.settings, oidc_url=made.url, oidc_client_id=CLIENT, oidc_client_secret="s" * 32, oidc_name="Lindenhof ID"
    )
    mount(replace(mounted(), settings=settings))
    with override_settings(SOCIALACCOUNT_PROVIDERS=django_settings(settings)["SOCIALACCOUNT_PROVIDERS"]):
        yield made
    made.close()


def come_back(
    site: Site, provider: Provider, *, start: dict[str, str] | None = None, **claims: Any
) -> tuple["Client", Any]:
    """Go to the provider, which says who it is, and come back."""
    provider.claims = {"sub": "4711", "email_verified": True, **claims}
    client = site.visitor()
    away = client.get("/login/sso/company/", start or {}, HTTP_HOST="127.0.0.1:8321")
    asked = parse_qs(urlsplit(away["Location"]).query)
    assert away["Location"].startswith(f"{provider.url}/authorize?")
    assert asked["redirect_uri"] == ["http://127.0.0.1:8321/login/sso/company/back/"]
    assert asked["code_challenge_method"] == ["S256"]
    return client, client.get("/login/sso/company/back/", {"code": "c", "state": asked["state"][0]})


def test_sign_in_page_offers_it(site: Site, provider: Provider) -> None:
    assert "Lindenhof ID" in site.visitor().get("/login/").content.decode()


def test_whom_an_account_waits_for_comes_in(site: Site, provider: Provider) -> None:
    make_account("ada@example.com", password=None)
    client, back = come_back(site, provider, email="ada@example.com")
    assert (back.status_code, back["Location"]) == (302, "/")
    assert client.get("/mailbox/").status_code == 200


@pytest.mark.parametrize(
    ("claims", "is_active"),
    [
        ({"email": "nobody@example.com"}, True),
        ({"email": "ada@example.com", "email_verified": False}, True),
        ({"email": "ada@example.com"}, False),
        ({}, True),
    ],
)
def test_nobody_else_comes_in(site: Site, provider: Provider, claims: dict[str, Any], is_active: bool) -> None:
    from kundenkreis.site.models import Account

    make_account("ada@example.com", password=None)
    Account.objects.update(is_active=is_active)
    client, _back = come_back(site, provider, **claims)
    assert client.get("/mailbox/").status_code == 302
    assert Account.objects.count() == 1


def test_second_factor_is_asked_for_all_the_same(site: Site, provider: Provider) -> None:
    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

    TOTP.activate(make_account("ada@example.com"), generate_totp_secret())
    client, back = come_back(site, provider, email="ada@example.com")
    assert back["Location"] == "/login/code/"
    assert client.get("/mailbox/").status_code == 302


def test_answer_that_was_not_asked_for_signs_nobody_in_a38(site: Site, provider: Provider) -> None:
    make_account("ada@example.com", password=None)
    provider.claims = {"sub": "4711", "email_verified": True, "email": "ada@example.com"}
    client = site.visitor()
    back = client.get("/login/sso/company/back/", {"code": "c", "state": "guessed"})
    assert "Not signed in" in back.content.decode()
    assert client.get("/mailbox/").status_code == 302


def shown(answer: Any) -> tuple[int, bool]:
    """Status, and whether the page says that the provider is the reason."""
    return answer.status_code, "Single sign-on is out of order" in answer.content.decode()


@pytest.mark.parametrize(
    ("told", "lets_in"), [("true", True), ("True", True), ("false", False), (None, False), (1, False)]
)
def test_only_a_verified_address_counts_however_it_is_written(
    site: Site, provider: Provider, told: object, lets_in: bool
) -> None:
    make_account("ada@example.com", password=None)
    client, _back = come_back(site, provider, email="ada@example.com", email_verified=told)
    assert (client.get("/mailbox/").status_code == 200) == lets_in


def test_what_is_told_about_somebody_else_is_not_believed(site: Site, provider: Provider) -> None:
    make_account("ada@example.com", password=None)
    provider.signed = {"sub": "4712"}
    client, back = come_back(site, provider, email="ada@example.com")
    assert (shown(back), client.get("/mailbox/").status_code) == ((502, True), 302)


@pytest.mark.parametrize(
    "signed",
    [{"aud": "another"}, {"iss": "https://evil.example"}, {"exp": 1_700_000_000}, {"sub": "x" * 192}, {"sub": None}],
)
def test_token_that_is_not_for_us_signs_nobody_in(site: Site, provider: Provider, signed: dict[str, Any]) -> None:
    make_account("ada@example.com", password=None)
    provider.signed = signed
    client, back = come_back(
        site, provider, email="ada@example.com", **({"sub": signed["sub"]} if "sub" in signed else {})
    )
    assert (shown(back), client.get("/mailbox/").status_code) == ((502, True), 302)


def test_another_provider_does_not_sign_in_whom_the_one_before_knew_by_the_same_subject(
    site: Site, provider: Provider
) -> None:
    make_account("ada@example.com", password=None)
    make_account("bo@example.com", password=None)
    client, _back = come_back(site, provider, email="ada@example.com")
    assert client.get("/mailbox/").status_code == 200
    provider.issuer = "https://new.example"
    for email, lets_in in (("eve@example.com", False), ("bo@example.com", True)):
        client, _back = come_back(site, provider, email=email)
        assert (client.get("/mailbox/").status_code == 200) == lets_in
    assert ">bo@example.com<" in client.get("/account/").content.decode()


def test_whoever_was_let_in_once_comes_in_by_their_subject(site: Site, provider: Provider) -> None:
    make_account("ada@example.com", password=None)
    for email in ("ada@example.com", "ada.new@example.com"):
        client, _back = come_back(site, provider, email=email)
        assert client.get("/mailbox/").status_code == 200


@pytest.mark.parametrize(
    "missing", ["issuer", "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"]
)
def test_provider_that_speaks_something_else_is_told(
    site: Site, provider: Provider, missing: str, caplog: pytest.LogCaptureFixture
) -> None:
    provider.leaves_out = missing
    assert shown(site.visitor().get("/login/sso/company/")) == (502, True)
    assert "Single sign-on failed: OAuth2Error: The provider's configuration does not name all of" in caplog.text


def test_provider_that_is_down_is_told_before_and_after(site: Site, provider: Provider) -> None:
    client = site.visitor()
    state = parse_qs(urlsplit(client.get("/login/sso/company/")["Location"]).query)["state"][0]
    provider.close()
    assert shown(site.visitor().get("/login/sso/company/")) == (502, True)
    assert shown(client.get("/login/sso/company/back/", {"code": "c", "state": state})) == (502, True)


@pytest.mark.parametrize("process", ["connect", "redirect", "x"])
def test_single_sign_on_is_for_signing_in_alone(site: Site, provider: Provider, process: str) -> None:
    assert site.insider().get("/login/sso/company/", {"process": process}).status_code == 404


def test_disabled_account_is_told_that_it_was_not_signed_in(site: Site, provider: Provider) -> None:
    from kundenkreis.site.models import Account

    make_account("ada@example.com", password=None)
    Account.objects.update(is_active=False)
    client, back = come_back(site, provider, email="ada@example.com")
    assert back["Location"] == "/login/sso/failed/"
    assert "Not signed in" in client.get("/login/sso/failed/").content.decode()


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
def test_nobody_is_sent_elsewhere_after_single_sign_on_a15(site: Site, provider: Provider, target: str) -> None:
    make_account("ada@example.com", password=None)
    _client, back = come_back(site, provider, start={"next": target}, email="ada@example.com")
    assert (back.status_code, back["Location"]) == (302, "/")
