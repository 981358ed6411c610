"""`make screenshots`: pictures of every page, in both languages and themes, wide and as on a phone.

All of them go to the folder given (default: build/screenshots); those that the pages' list marks as shown also go to docs/screenshots, in a
few combinations, for the README and the documentation.
"""

import argparse
import base64
import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from playwright.sync_api import Page as View

from tests.browser.conftest import chromium_path
from tests.browser.eyes import NARROW, WIDE
from tests.browser.pages import PAGES, Page
from tests.browser.served import Served

ROOT = Path(__file__).parents[1]
KEPT = ROOT / "docs" / "screenshots"
_KEPT_COMBINATIONS = (("de", "light", "wide"), ("en", "dark", "wide"), ("de", "light", "narrow"))
_SIZES = {"wide": WIDE, "narrow": NARROW}


def take(browser: Browser, served: Served, folder: Path, pages: tuple[Page, ...]) -> None:
    """Photograph these pages into the folder: start-de-light-wide.webp."""
    login = browser.new_context()
    first = login.new_page()
    first.goto(served.command("login")["url"])
    first.click("main button.primary, main form button")
    first.wait_for_url(lambda url: "/login/" not in url)
    state, examples = login.storage_state(), served.examples()
    for language in ("de", "en"):
        for theme in ("light", "dark"):
            for size, viewport in _SIZES.items():
                for is_open in (False, True):
                    context = browser.new_context(
                        base_url=served.url, locale=language, color_scheme=theme, viewport=viewport,
                        timezone_id="America/New_York", **({} if is_open else {"storage_state": state}),
                    )  # fmt: skip
                    view = context.new_page()
                    for page in pages:
                        if page.is_open == is_open:
                            view.goto(page.path.format(**examples))
                            view.wait_for_load_state("networkidle")
                            _photograph(view, folder / f"{page.picture}-{language}-{theme}-{size}.webp")
                    context.close()


def _photograph(view: View, path: Path) -> None:
    """As WebP, a tenth of the size of a PNG: Chromium can do so, Playwright's own screenshot cannot."""
    client = view.context.new_cdp_session(view)
    taken = client.send("Page.captureScreenshot", {"format": "webp", "quality": 85})
    path.write_bytes(base64.b64decode(taken["data"]))
    client.detach()


def keep(folder: Path) -> None:
    """Bring docs/screenshots up to date with the pictures that are shown."""
    shutil.rmtree(KEPT, ignore_errors=True)
    KEPT.mkdir(parents=True)
    for page in PAGES:
        for language, theme, size in _KEPT_COMBINATIONS if page.is_shown else ():
            name = f"{page.picture}-{language}-{theme}-{size}.webp"
            shutil.copyfile(folder / name, KEPT / name)


def main() -> None:
    """Load a demo (or take a loaded one), serve it, take the pictures."""
    parser = argparse.ArgumentParser(description="Pictures of every page")
    parser.add_argument("--data", type=Path, help="a folder with a loaded demo; a copy of it is served")
    parser.add_argument("--households", type=int, default=400, help="size of the demo when there is no --data")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "screenshots")
    parser.add_argument("--only", nargs="*", default=(), help="names of addresses")
    arguments = parser.parse_args()
    pages = tuple(page for page in PAGES if not arguments.only or page.address in arguments.only)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        served = Served(Path(temporary) / "data")
        if arguments.data:
            shutil.copytree(arguments.data, served.folder)
        else:
            served.folder.mkdir()
            served.load_demo(arguments.households)
        served.start()
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox"])
                take(browser, served, arguments.folder, pages)
                browser.close()
        finally:
            served.stop()
    if all(page in pages for page in PAGES if page.is_shown):
        keep(arguments.folder)


if __name__ == "__main__":
    main()
