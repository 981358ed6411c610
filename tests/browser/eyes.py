"""Looking at a page: what the console, the content security policy and axe-core have to say about it."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Dialog, Page

AXE = Path(__file__).parents[2] / "islands" / "node_modules" / "axe-core" / "axe.min.js"
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

LIMIT_BYTES = 150_000
"""What a page may weigh on the network."""
WIDE = {"width": 1440, "height": 900}
NARROW = {"width": 390, "height": 844}

Language = Literal["de", "en"]
Theme = Literal["light", "dark"]

_NOTE_VIOLATIONS = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
"""
_RUN_AXE = """
(rules) => axe.run(document, {runOnly: {type: "tag", values: rules}, iframes: false, resultTypes: ["violations"]})
  .then((result) => result.violations.flatMap((violation) =>
    violation.nodes.map((node) => `${violation.id}: ${node.target.join(" ")} ${node.any.map((each) => each.message).join("; ")}`)))
"""

WEIGHT = """() => performance.getEntriesByType("navigation").concat(performance.getEntriesByType("resource"))
  .filter((each) => !each.name.includes("/built/")).reduce((sum, each) => sum + each.encodedBodySize, 0)"""
"""Bytes that the network carried for a page in a fresh browser, as packed as they came, islands aside."""


class Sight:
    """One page of a browser, with everything that went wrong on it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.status = 0
        page.add_init_script(_NOTE_VIOLATIONS)
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("dialog", self._asked)

    def _heard(self, message: ConsoleMessage) -> None:
        # That the page itself answered with an error's status is for the test to know.
        is_own_status = message.text.startswith("Failed to load") and message.location.get("url") == self.page.url
        if message.type in ("error", "warning") and not is_own_status:
            self.complaints.append(f"console: {message.text} ({message.location.get('url', '')})")

    def _asked(self, dialog: Dialog) -> None:
        self.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def go(self, path: str) -> Page:
        """Open a page and wait until it stands still."""
        response = self.page.goto(path)
        self.status = response.status if response is not None else 0
        self.page.wait_for_load_state("networkidle")
        return self.page

    def all_complaints(self) -> list[str]:
        """What console, policy and page errors had to say until now."""
        return [*self.complaints, *(f"policy: {each}" for each in self.page.evaluate("window.violations"))]

    def barriers(self) -> list[str]:
        """Violations of WCAG 2.2 A and AA on the page as it is now."""
        if not AXE.exists():
            pytest.fail(f"{AXE} is missing. Run: make islands", pytrace=False)
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        found: list[str] = self.page.evaluate(_RUN_AXE, _RULES)
        return found

    def weight_bytes(self) -> int:
        """What the page and all it loads by itself weigh on the network; of a page opened first in its window."""
        weight: int = self.page.evaluate(WEIGHT)
        return weight

    def overflow_pixels(self) -> int:
        """How much wider than the window the page is."""
        pixels: int = self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        return max(pixels, 0)


class Eyes:
    """Opens pages as a certain person would see them."""

    def __init__(self, open_context: Callable[..., BrowserContext], signed_in: Any) -> None:
        self._open_context = open_context
        self._signed_in = signed_in

    def open(
        self,
        *,
        language: Language = "en",
        theme: Theme = "light",
        size: dict[str, int] = WIDE,
        is_stranger: bool = False,
        has_touch: bool = False,
    ) -> Sight:
        """A page of a fresh browser window, signed in unless a stranger's."""
        context = self._open_context(
            locale=language,
            color_scheme=theme,
            viewport=size,
            has_touch=has_touch,
            timezone_id="America/New_York",
            **({} if is_stranger else {"storage_state": self._signed_in}),
        )
        return Sight(context.new_page())


def unsound(eyes: Eyes, path: str, *, status: int = 200, is_stranger: bool = False) -> list[tuple[str, object]]:
    """What is wrong with a page in both languages and both themes, each with where; the page has to answer with this status, and lead nowhere else."""
    found: list[tuple[str, object]] = []
    for language, theme in itertools.product(get_args(Language), get_args(Theme)):
        sight = eyes.open(language=language, theme=theme, is_stranger=is_stranger)
        shown = sight.go(path)
        address = urlsplit(shown.url)._replace(scheme="", netloc="").geturl()
        assert (sight.status, address, shown.locator("html").get_attribute("lang")) == (status, path, language)
        found += [(f"{language} {theme} bytes", weight) for weight in [sight.weight_bytes()] if weight > LIMIT_BYTES]
        found += [(f"{language} {theme}", each) for each in (*sight.barriers(), *sight.all_complaints())]
        shown.set_viewport_size({"width": NARROW["width"], "height": NARROW["height"]})
        found += [(f"{language} {theme} narrow", each) for each in [sight.overflow_pixels()] if each]
        shown.context.close()
    return found
