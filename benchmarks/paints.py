"""What a page transfers to a browser that has nothing of it yet, and when it first shows something.

    python -m benchmarks.paints FOLDER [--visits 1] [--only NAME ...]

Serves the folder as shipped and opens every page of tests/browser/pages.py (or those of these addresses) in Chromium, each visit in a fresh profile,
in German as the owner. The weight is what the network carried, as packed as it came, of the page and all it loads by itself, islands aside.
"""

import argparse
import json
import statistics
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests.browser.conftest import chromium_path
from tests.browser.eyes import WEIGHT
from tests.browser.pages import PAGES
from tests.browser.served import Served

_FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"


def paints(served: Served, paths: Iterable[tuple[str, str]], *, visits: int) -> list[dict[str, Any]]:
    """Of each (name, path), signed in: milliseconds to the first contentful paint (median of the visits), bytes of the heaviest visit."""
    found = []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox"])
        login = chromium.new_context()
        view = login.new_page()
        view.goto(served.command("login")["url"])
        view.click("main button.primary, main form button")
        view.wait_for_url(lambda url: "/login/" not in url)
        state = login.storage_state()
        for name, path in paths:
            times, weights = [], []
            for _ in range(visits):
                context = chromium.new_context(storage_state=state, locale="de")
                view = context.new_page()
                view.goto(f"{served.url}{path}", wait_until="networkidle")
                times.append(view.evaluate(_FIRST_PAINT))
                weights.append(view.evaluate(WEIGHT))
                context.close()
            found.append(
                {"page": name, "first_paint_ms": round(statistics.median(times)), "weight_bytes": max(weights)}
            )
        chromium.close()
    return found


def main() -> None:
    """Print the figures of every page as JSON, the heaviest first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--visits", type=int, default=1)
    parser.add_argument("--only", nargs="*", default=())
    arguments = parser.parse_args()
    served = Served(arguments.folder)
    examples = served.examples()
    served.start()
    try:
        found = paints(
            served,
            [
                (page.picture, page.path.format(**examples))
                for page in PAGES
                if not page.is_open and (not arguments.only or page.address in arguments.only)
            ],
            visits=arguments.visits,
        )
    finally:
        served.stop()
    print(json.dumps(sorted(found, key=lambda one: -one["weight_bytes"]), indent=1))


if __name__ == "__main__":
    main()
