"""The content editor asks whether links work, by keyboard, and goes on with what was typed."""

from playwright.sync_api import expect

from tests.browser.eyes import NARROW, Eyes

EDITOR = "/contents/welcome_hello/edit/"


def test_links_are_checked_and_told_where_somebody_works(eyes: Eyes) -> None:
    sight = eyes.open(theme="dark")
    page = sight.go(EDITOR)
    text = page.locator('[name="v.de.b.0.text"]')
    text.fill("[Wiki](http://wiki.company.example:8080/) and [router](http://192.168.1.1/)")
    page.get_by_role("button", name="Check links").focus()
    page.keyboard.press("Enter")
    router = page.locator("#links li", has_text="http://192.168.1.1/")
    expect(router).to_contain_text("This address is not on the public internet, so it was not asked.", timeout=60_000)
    expect(page.locator("#links li")).to_have_count(2, timeout=60_000)
    expect(page.get_by_role("button", name="Check links")).to_be_focused()
    expect(text).to_have_value("[Wiki](http://wiki.company.example:8080/) and [router](http://192.168.1.1/)")
    assert sight.barriers() == []
    page.set_viewport_size({"width": NARROW["width"], "height": NARROW["height"]})
    assert sight.overflow_pixels() == 0
    assert sight.all_complaints() == []
