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
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "userinfo_endpoint": f"{self.url}/me",
            "jwks_uri": f"{self.url}/keys",
        }

    def id_token(self) -> str:
        now = int(time.time())
        return jwt.encode({"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 60, **self.claims}, "k" * 32)

    def close(self) -> None:
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


def come_back(site: Site, provider: Provider, **claims: Any) -> tuple["Client", Any]:
    """Go to the provider, which says who it is, and come back."""
    provider.claims = {"sub": "4711", "email_verified": True, **claims}
    client = site.visitor()
    away = client.get("/login/sso/company/", HTTP_HOST="127.0.0.1:8321")
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
