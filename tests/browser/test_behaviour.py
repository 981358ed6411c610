"""What pages do by themselves: palette, keys, drawer, filters and Back, definitions, a lost connection."""

import pytest
from playwright.sync_api import expect

from tests.browser.eyes import NARROW, Eyes
from tests.browser.served import Served

_NOTE_HIDDEN = """() => {
  window.hiddenSteps = [];
  const note = (element) => {
    if (element.matches?.(".react-flow__node") && element.style.visibility === "hidden") window.hiddenSteps.push(element.dataset.id);
  };
  new MutationObserver((changes) => changes.forEach((each) => [each.target, ...each.addedNodes].forEach(note)))
    .observe(document.querySelector(".react-flow"), {subtree: true, childList: true, attributeFilter: ["style"]});
}"""


@pytest.fixture(scope="module")
def served_phone(served: Served) -> tuple[str, str]:
    """The last digits of a phone number, and whose it is."""
    traits = {"name": "Philippa Klingel", "email": "klingel@example.com", "phone": "+49 30 5557 4821"}
    served.send({"type": "identify", "messageId": "phone-1", "userId": "phone-person", "traits": traits})
    served.customer_with("user_id", "phone-person")
    return "74821", "Philippa Klingel"


def test_palette_leads_to_a_page_by_keyboard_alone(eyes: Eyes) -> None:
    sight = eyes.open(language="de")
    page = sight.go("/mailbox/")
    page.keyboard.press("Control+k")
    expect(page.locator("#palette input")).to_be_focused()
    page.keyboard.type("stat")
    expect(page.locator("#palette-found [aria-selected=true]")).to_have_text("Status")
    assert sight.barriers() == []
    page.keyboard.press("Enter")
    page.wait_for_url("**/status/")
    page.keyboard.press("Control+k")
    page.keyboard.press("Escape")
    expect(page.locator("#palette")).to_be_hidden()
    assert sight.all_complaints() == []


def test_palette_finds_a_customer_by_half_a_phone_number(served_phone: tuple[str, str], eyes: Eyes) -> None:
    digits, name = served_phone
    page = eyes.open().go("/status/")
    page.locator("[data-palette]").click()
    page.locator("#palette input").fill(digits)
    expect(page.locator("#palette-found", has_text=name)).to_be_visible()


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("Welcome ser", "/journeys/welcome/"),
        ("Coupon booklet", "/contents/voucher_reminder/edit/"),
        ("At risk of", "/segments/at_risk/"),
        ("contact ru", "/settings/contact-rules/"),
    ],
    ids=["journey", "content", "segment", "setting"],
)
def test_palette_finds_definitions_and_settings(query: str, path: str, eyes: Eyes) -> None:
    page = eyes.open().go("/status/")
    page.locator("[data-palette]").click()
    page.locator("#palette input").fill(query)
    expect(page.locator("#palette-found [role=option]").first).to_have_attribute("href", path)


def test_typing_filters_and_back_shows_whole_pages(eyes: Eyes) -> None:
    sight = eyes.open()
    page = sight.go("/mailbox/")
    page.keyboard.press("/")
    expect(page.locator("[data-search]")).to_be_focused()
    page.keyboard.type("Kundenkarte")
    page.wait_for_url("**/mailbox/?q=Kundenkarte")
    expect(page.locator(".messages li").first).to_contain_text("Kundenkarte")
    page.locator(".messages a").first.click()
    page.wait_for_url("**/mailbox/*/")
    page.go_back()
    page.wait_for_url("**/mailbox/?q=Kundenkarte")
    expect(page.locator("nav.side")).to_be_visible()
    expect(page.locator("h1")).to_have_text("Mailbox")
    assert sight.all_complaints() == []


def test_keys_walk_a_list_and_escape_leads_back(eyes: Eyes) -> None:
    page = eyes.open().go("/mailbox/")
    for key in ("j", "j", "j", "k"):
        page.keyboard.press(key)
    expect(page.locator(".messages li").nth(1).locator("a").first).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/mailbox/*/")
    page.keyboard.press("Escape")
    page.wait_for_url("**/mailbox/")


def test_people_are_chosen_by_keyboard_and_changed_together(eyes: Eyes) -> None:
    sight = eyes.open()
    page = sight.go("/customers/")
    expect(page.locator("#selection")).to_be_hidden()
    for key in ("j", "x", "j", "x"):
        page.keyboard.press(key)
    expect(page.locator("#selection [data-picked]")).to_have_text("2")
    assert sight.barriers() == []
    page.locator("#selection").get_by_role("button", name="Set a value").press("Enter")
    page.wait_for_url("**/customers/together/set/**")
    page.get_by_label("Which value").select_option("+")
    page.get_by_label("Name of the new value").fill("fair")
    page.get_by_label("Value", exact=True).fill("yes")
    page.get_by_label("Reason").fill("Spring fair")
    button = page.get_by_role("button", name="Set the value for 2 people")
    expect(button).to_be_visible()
    assert sight.barriers() == []
    button.press("Enter")
    expect(page.get_by_text("Done. Every page shows it.")).to_be_visible()
    assert (sight.barriers(), sight.overflow_pixels()) == ([], 0)
    page.get_by_role("link", name="2", exact=True).click()
    expect(page.locator(".pager")).to_contain_text("2 people")
    assert sight.all_complaints() == []


def test_steps_of_the_drawing_never_hide_while_it_changes(eyes: Eyes) -> None:
    """What is hidden, be it for one frame, takes no keys: somebody who works by keyboard would press into the void."""
    sight = eyes.open()
    page = sight.go("/journeys/birthday_anniversary/edit/")
    steps = page.locator(".react-flow__node-step")
    before = steps.count()
    page.evaluate(_NOTE_HIDDEN)
    page.locator(".canvas-plus").first.click()
    page.get_by_role("menuitem", name="Wait", exact=True).click()
    expect(steps).to_have_count(before + 1)
    name = page.locator(".react-flow__node-step button.name").last
    name.focus()
    page.keyboard.press("Control+z")
    expect(steps).to_have_count(before)
    expect(name).to_be_focused()
    assert page.evaluate("window.hiddenSteps") == []
    page.get_by_role("button", name="Discard draft").click()
    assert sight.all_complaints() == []


def test_menu_is_a_drawer_on_a_phone(eyes: Eyes) -> None:
    sight = eyes.open(size=NARROW)
    page = sight.go("/status/")
    link = page.locator("nav.side").get_by_role("link", name="Journeys")
    expect(link).to_be_hidden()
    page.locator("[data-menu]").click()
    expect(link).to_be_visible()
    assert sight.barriers() == []
    page.keyboard.press("Escape")
    expect(link).to_be_hidden()
    expect(page.locator("[data-menu]")).to_be_focused()
    page.locator("[data-menu]").click()
    link.click()
    page.wait_for_url("**/journeys/")


def test_definition_opens_on_focus_and_closes_by_escape(eyes: Eyes) -> None:
    page = eyes.open().go("/status/")
    page.locator(".term").first.focus()
    expect(page.locator(".tip")).to_contain_text("How long the oldest event")
    page.keyboard.press("Escape")
    expect(page.locator(".tip")).to_be_hidden()


def test_lost_connection_is_said_and_the_page_goes_on(eyes: Eyes) -> None:
    page = eyes.open().go("/mailbox/")
    page.context.set_offline(True)
    page.locator("[data-search]").fill("Kundenkarte")
    expect(page.locator("#connection")).to_be_visible()
    page.context.set_offline(False)
    expect(page.locator("#connection")).to_be_hidden(timeout=15_000)
    page.wait_for_url("**/mailbox/?q=Kundenkarte")


def test_theme_and_language_are_kept(eyes: Eyes) -> None:
    sight = eyes.open(language="de", theme="light")
    page = sight.go("/status/")
    page.get_by_role("button", name="Dunkel").click()
    page.wait_for_load_state()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert sight.barriers() == []
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")


def test_what_is_wrong_with_a_field_is_said_until_somebody_works_on_it(eyes: Eyes) -> None:
    sight = eyes.open()
    page = sight.go("/segments/new/")
    page.get_by_role("button", name="Save draft").click()
    expect(page.locator("#error-name_en")).to_be_visible()
    assert sight.barriers() == []
    page.get_by_label("English").fill("Loyal")
    expect(page.locator("#error-name_en")).to_have_count(0)
    expect(page.get_by_label("English")).not_to_have_attribute("aria-invalid", "true")
    expect(page.locator("main .error")).not_to_have_count(0)
