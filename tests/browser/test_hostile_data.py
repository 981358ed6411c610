"""A customer with hostile texts in every field, seen on every page: no script runs, and the texts are shown as they are (A29, A31)."""

import json
from pathlib import Path

import pytest

from tests.browser.eyes import Eyes
from tests.browser.pages import PAGES, Page
from tests.browser.served import Served

TEXTS: list[str] = json.loads((Path(__file__).parents[1] / "data" / "hostile_texts.json").read_text())
MARKUP = [text for text in TEXTS if "<" in text or "javascript:" in text][:120]
"""Those that would do something on a page that forgot to escape."""
NAME = "<img src=x onerror=alert(1)><script>alert(2)</script>"
STORY = "hostile-person"
_BATCH = 20

PERSONAL = [page for page in PAGES if not page.is_open]


@pytest.fixture(scope="module")
def hostile(served: Served) -> dict[str, str]:
    """The examples of all pages, the customer being the hostile one."""
    common = {"name": NAME, "firstName": NAME, "lastName": '"><svg onload=alert(3)>', "email": "hostile@example.com"}
    traits = [
        {f"field_{number}": text for number, text in enumerate(MARKUP[start : start + _BATCH], start)}
        for start in range(0, len(MARKUP), _BATCH)
    ]
    served.send(
        {"type": "identify", "messageId": "h-0", "userId": STORY, "traits": {**common, "city": NAME, "company": NAME, "address": {"city": NAME}}},
        *({"type": "identify", "messageId": f"h-t{place}", "userId": STORY, "traits": part} for place, part in enumerate(traits)),
        *(
            {"type": "track", "messageId": f"h-e{place}", "userId": STORY, "event": text[:100] or "x", "properties": {"said": text, text[:40]: text}}
            for place, text in enumerate(MARKUP)
        ),
        {
            "type": "track", "messageId": "h-o", "userId": STORY, "event": "Order Completed",
            "properties": {
                "order_id": NAME, "total": 10, "currency": "USD", "coupon": NAME,
                "products": [{"product_id": NAME, "sku": NAME, "name": NAME, "category": NAME, "price": 10, "quantity": 1}],
            },
        },
        {"type": "track", "messageId": "h-q", "userId": STORY, "event": "Order Completed", "properties": {"order_id": NAME, "total": NAME}},
    )  # fmt: skip
    customer = served.customer_with("user_id", STORY)
    return {**served.examples(), "customer": str(customer), "phase": served.phase_of(customer)}


@pytest.mark.parametrize("page", PERSONAL, ids=lambda page: page.path)
def test_nothing_of_it_runs(page: Page, hostile: dict[str, str], eyes: Eyes) -> None:
    sight = eyes.open()
    shown = sight.go(page.path.format(**hostile))
    made = shown.locator(
        "[onerror], [onload], [onclick], script:not([src]):not([type='application/json']), a[href^='javascript']"
    )
    assert (sight.status, sight.all_complaints(), made.count(), sight.overflow_pixels()) == (page.status, [], 0, 0)


def test_texts_are_shown_as_they_are(hostile: dict[str, str], eyes: Eyes) -> None:
    sight = eyes.open()
    for path in ("/customers/?q=hostile", f"/customers/{hostile['customer']}/"):
        assert NAME in sight.go(path).locator("main").inner_text()
    profile = sight.go(f"/customers/{hostile['customer']}/?tab=profile").locator("main").inner_text()
    scripts = [text for text in MARKUP if "<script" in text and text.isprintable()]
    shown = " ".join(profile.split())
    assert (len(scripts) > 5, [text for text in scripts if " ".join(text.split())[:40] not in shown]) == (True, [])


def test_palette_finds_hostile_names_as_text(hostile: dict[str, str], eyes: Eyes) -> None:
    sight = eyes.open()
    page = sight.go("/status/")
    page.keyboard.press("Control+k")
    page.locator("#palette input").fill("hostile@example")
    option = page.locator("#palette-found [role=option]", has_text=NAME[:20]).first
    option.wait_for()
    assert (option.get_attribute("href"), sight.all_complaints()) == (f"/customers/{hostile['customer']}/", [])
