"""A real browser before a real installation: Debian's Chromium, and `kreis serve` with a small demo.

All of it runs in one worker process of a parallel run (the group below), so the demo is loaded once.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from tests.browser.eyes import Eyes
from tests.browser.served import Served

FOLDER = Path(__file__).parent
_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker for all tests of this folder."""
    for item in items:
        if FOLDER in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("browser"))
            item.add_marker(pytest.mark.e2e)


def chromium_path() -> str:
    """Where Chromium is; fails with what to install when it is nowhere."""
    found = next((path for name in _NAMES if (path := shutil.which(name))), "")
    if not found:
        pytest.fail(
            "These tests need Chromium on PATH. Debian and Ubuntu: apt-get install chromium. macOS: brew install --cask chromium.",
            pytrace=False,
        )
    return found


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The installation, loaded with the demo of a few households."""
    installation = Served(tmp_path_factory.mktemp("served"))
    installation.load_demo()
    installation.start()
    yield installation
    installation.stop()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The browser. Per module: while it lives, this thread has a running event loop, which other tests must not find."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def _kept() -> dict[str, Any]:
    """What is made once for all modules: the session of somebody who signed in."""
    return {}


@pytest.fixture(scope="module")
def signed_in(served: Served, chromium: Browser, _kept: dict[str, Any]) -> Any:
    """The cookies of the owner."""
    if "state" not in _kept:
        context = chromium.new_context()
        page = context.new_page()
        page.goto(served.command("login")["url"])
        page.click("main button.primary, main form button")
        page.wait_for_url(lambda url: "/login/" not in url)
        _kept["state"] = context.storage_state()
        context.close()
    return _kept["state"]


@pytest.fixture
def eyes(served: Served, chromium: Browser, signed_in: Any) -> Iterator[Eyes]:
    """Somebody who looks at pages and notices what is wrong with them."""
    contexts: list[BrowserContext] = []

    def open_context(**options: Any) -> BrowserContext:
        context = chromium.new_context(base_url=served.url, **options)
        contexts.append(context)
        return context

    yield Eyes(open_context, signed_in)
    for context in contexts:
        context.close()
