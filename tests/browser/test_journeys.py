"""The welcome journey, from the library to a mail: started, changed with the mouse and again by keyboard alone, tried over March, published, lived."""

import time

from playwright.sync_api import Page, expect

from tests.browser.eyes import Eyes
from tests.browser.served import START_SECONDS, Served

_PEOPLE = 4
"""Enough that they are not all in the control group for all marketing."""


def test_a_journey_from_the_library_to_a_mail(served: Served, eyes: Eyes) -> None:
    sight = eyes.open()
    page = sight.go("/journeys/welcome/")
    page.locator(".page-head .drop summary").click()
    page.get_by_role("button", name="Pause").click()  # the demo has it live already; the library offers what is not
    expect(page.locator(".page-head .badge")).to_have_text("paused")
    _start_from_the_library(page)
    _change_with_the_mouse(page)
    _change_by_keyboard(page)
    _try_over_march(page)
    _publish(page)
    _live(served)
    page.goto("/journeys/welcome/")
    expect(page.locator("#step-hello .door", has_text="sent")).to_be_visible()
    page.goto("/journeys/welcome/people/?step=hello&outcome=sent")
    page.locator("tbody a.row", has_text="Nora Neumann").first.click()
    expect(page.locator("#step-hello:not(.faint)")).to_be_visible()
    expect(page.locator("#step-wait_1.here")).to_be_visible()
    page.goto("/mailbox/?q=neumann")
    expect(page.locator(".messages li").first).to_contain_text("neumann")
    assert sight.all_complaints() == []


def _start_from_the_library(page: Page) -> None:
    page.goto("/journeys/library/")
    page.locator("li.card", has_text="Welcome series").get_by_role("link").click()
    page.get_by_label("Control group in percent").fill("0")
    page.get_by_role("button", name="Make the draft", exact=True).click()
    page.wait_for_url("**/journeys/welcome/edit/")


def _change_with_the_mouse(page: Page) -> None:
    steps = page.locator(".react-flow__node-step")
    expect(steps).to_have_count(10)
    page.locator(".canvas-plus[aria-label='Insert a step']").first.click()
    page.get_by_role("menuitem", name="Wait", exact=True).click()
    expect(steps).to_have_count(11)
    page.locator("#outline-wait_1 input[name='config.days']").fill("1")
    page.locator("#outline-wait_1 form.fields button.primary").click()
    expect(page.locator("#outline-wait_1 summary")).to_contain_text("1 day")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#outline-wait_1 summary")).to_contain_text("3 days")
    page.get_by_role("button", name="Redo").click()
    expect(page.locator("#outline-wait_1 summary")).to_contain_text("1 day")


def _change_by_keyboard(page: Page) -> None:
    """Nothing but keys: from the drawing into the form, a new value, and back."""
    name = page.locator(".react-flow__node[data-id='measure'] button.name")
    name.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#outline-measure input[name='config.minutes']")).to_be_focused()
    for _ in range(2):
        page.keyboard.press("Tab")
    page.keyboard.press("Control+a")
    page.keyboard.type("20")
    page.keyboard.press("Enter")
    expect(page.locator("#outline-measure summary")).to_contain_text("20 days")


def _try_over_march(page: Page) -> None:
    page.get_by_role("link", name="Trial run").click()
    page.get_by_label("First day").fill("2026-03-01")
    page.get_by_label("Last day").fill("2026-03-31")
    page.get_by_role("button", name="Start trial run").click()
    expect(page.locator("#trial .stats")).to_be_visible(timeout=120_000)
    expect(page.locator("#trial #step-wait_1")).to_be_visible()


def _publish(page: Page) -> None:
    page.goto("/journeys/welcome/publish/")
    page.get_by_role("button", name="Publish now").click()
    expect(page.locator(".page-head .badge")).to_have_text("live")
    expect(page.get_by_role("button", name="Take back")).to_be_visible()


def _live(served: Served) -> None:
    """New people confirm the newsletter; the mail of at least one of them is in the mailbox."""
    consent = {"channel": "email", "purpose": "newsletter", "basis": "express_consent", "wording": "News", "proof": "form 7"}  # fmt: skip
    for number in range(_PEOPLE):
        who = {"userId": f"newcomer-{number}"}
        traits = {"firstName": "Nora", "lastName": "Neumann", "email": f"neumann{number}@example.com", "country": "DE"}
        served.send(
            {"type": "identify", "messageId": f"newcomer-{number}-i", "traits": traits, **who},
            {
                "type": "track",
                "messageId": f"newcomer-{number}-c",
                "event": "Consent Confirmed",
                "properties": consent,
                **who,
            },
        )
    deadline = time.monotonic() + START_SECONDS
    while not served.rows("SELECT 1 FROM mailbox WHERE to_address LIKE '%neumann%'"):
        assert time.monotonic() < deadline, served.log()
        time.sleep(0.2)
