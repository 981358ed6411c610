"""A whole life of an account in a real browser, against real processes: set-up, second factor, passkey, invitation, sign-out.

The policy on contents must have nothing to complain about on any of these pages.
"""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.site.accounts.people import PASSWORD, app_code

pytestmark = pytest.mark.e2e

_START_SECONDS = 120
EMAIL = "ada@example.com"
KREIS = (sys.executable, "-m", "kundenkreis.cli.main")


class Served:
    """A web process of an empty installation."""

    def __init__(self, folder: Path) -> None:
        with closing(socket.socket()) as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.environ = {**os.environ, "KREIS_DATA_DIR": str(folder), "KREIS_PORT": str(self.port)}
        self._process = subprocess.Popen([*KREIS, "serve", "--role", "web"], env=self.environ, stdin=subprocess.PIPE)
        self._wait()

    def _wait(self) -> None:
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until and self._process.poll() is None:
            try:
                urllib.request.urlopen(self.url("/login/"), timeout=5).close()
                return
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        pytest.fail("The web process does not answer.")

    def url(self, path: str) -> str:
        """By name, because browsers tie passkeys to names."""
        return f"http://localhost:{self.port}{path}"

    def login_path(self) -> str:
        """The path of a fresh link from the console."""
        told = subprocess.run([*KREIS, "login"], env=self.environ, capture_output=True, text=True, check=True).stdout
        found = re.search(r"/login/\S+", told)
        assert found
        return found[0]

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=30)
        assert self._process.stdin
        self._process.stdin.close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    made = Served(tmp_path)
    yield made
    made.stop()


@pytest.fixture
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the policy on contents blocked, and errors of scripts."""
    return []


def open_page(context: BrowserContext, complaints: list[str]) -> Page:
    page = context.new_page()
    page.on("console", lambda told: complaints.append(told.text) if "Content Security Policy" in told.text else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return page


def add_authenticator(context: BrowserContext, page: Page) -> None:
    """A device with a fingerprint reader, which says yes."""
    session = context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def sign_in_by_password(served: Served, page: Page) -> None:
    page.goto(served.url("/login/"))
    page.fill("[name=login]", EMAIL)
    page.fill("[name=password]", PASSWORD)
    page.click("main button.primary")


def sign_out(page: Page) -> None:
    page.click(".drop > summary")
    page.click("form[action='/logout/'] button")
    page.wait_for_url("**/login/")


def test_owner_from_the_console_to_second_factor_and_passkey(
    served: Served, chromium: Browser, complaints: list[str]
) -> None:
    context = chromium.new_context(locale="en-GB")
    page = open_page(context, complaints)
    add_authenticator(context, page)

    page.goto(served.url(served.login_path()))
    page.click("main button.primary")
    page.wait_for_url("**/welcome/")
    page.fill("[name=name]", "Ada Brandt")
    page.fill("[name=email]", EMAIL)
    page.fill("[name=password]", PASSWORD)
    page.click("main button.primary")
    expect(page.locator(".drop > summary")).to_have_attribute("title", "Ada Brandt")

    page.goto(served.url("/account/app/"))
    secret = page.locator("[data-secret]").inner_text()
    page.fill("[name=code]", app_code(secret))
    page.click("main button.primary")
    page.wait_for_url("**/account/codes/")
    codes = page.locator(".codes li").all_inner_texts()
    assert len(codes) == 10
    page.reload()
    assert page.locator(".codes").count() == 0, "shown once"

    sign_out(page)
    sign_in_by_password(served, page)
    page.wait_for_url("**/login/code/")
    page.fill("[name=code]", "000000")
    page.click("main button.primary")
    expect(page.locator("#error-code")).to_contain_text("The code is not right.")
    page.fill("[name=code]", app_code(secret))
    page.click("main button.primary")
    page.wait_for_url(lambda url: "/login/" not in url)

    sign_out(page)
    sign_in_by_password(served, page)
    page.fill("[name=code]", codes[0])
    page.click("main button.primary")
    page.wait_for_url(lambda url: "/login/" not in url)

    page.goto(served.url("/account/passkey/"))
    page.wait_for_url("**/account/confirm/**")
    page.fill("[name=password]", PASSWORD)
    page.click("main button.primary")
    page.fill("[name=name]", "My laptop")
    page.click("main button.primary")
    page.wait_for_url(lambda url: "/account/passkey/" not in url)

    sign_out(page)
    page.click("[data-passkey] button")
    page.wait_for_url(lambda url: "/login/" not in url)
    page.goto(served.url("/account/"))
    expect(page.get_by_text("My laptop")).to_be_visible()
    expect(page.get_by_text("9", exact=True)).to_be_visible()
    assert complaints == []


def test_invited_person_joins_and_is_signed_out_by_a_new_role(
    served: Served, chromium: Browser, complaints: list[str]
) -> None:
    owner = open_page(chromium.new_context(locale="en-GB"), complaints)
    owner.goto(served.url(served.login_path()))
    owner.click("main button.primary")
    owner.goto(served.url("/settings/users/"))
    owner.fill("[name=email]", "bo@example.com")
    owner.select_option("[name=role]", "sales")
    owner.click("form[action='/settings/users/invite/'] button")
    link = owner.locator("[data-secret]").inner_text()
    path = re.sub(r"^http://127\.0\.0\.1:\d+", "", link)

    invited = open_page(chromium.new_context(locale="de-DE"), complaints)
    invited.goto(served.url(path))
    invited.fill("[name=name]", "Bo Lindgren")
    invited.fill("[name=password]", PASSWORD)
    invited.click("main button.primary")
    expect(invited.locator(".drop > summary")).to_have_attribute("title", "Bo Lindgren")

    owner.goto(served.url("/settings/users/"))
    owner.click("text=Bo Lindgren")
    owner.select_option("[name=role]", "viewer")
    owner.click("text=Change role")
    expect(owner.locator(".page-head")).to_contain_text("View only")

    invited.goto(served.url("/account/"))
    invited.wait_for_url("**/login/?next=/account/")
    owner.goto(served.url("/settings/audit/"))
    expect(owner.locator("tbody tr").first).to_contain_text("from: Sales; to: View only")
    assert complaints == []
