"""The content editor proposes variables and filters while one types: by keyboard, by mouse, from its button, on a phone, in the dark."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.eyes import NARROW, Eyes

EDITOR = "/contents/welcome_hello/edit/"
SUBJECT = "v.de.subject"
TEXT = "v.de.b.0.text"


def _field(page: Page, name: str) -> str:
    value: str = page.locator(f'[name="{name}"]').input_value()
    return value


def _at_the_end_of(page: Page, name: str, *, line: str) -> None:
    field = page.locator(f'[name="{name}"]')
    field.evaluate("field => field.scrollIntoView({block: 'center'})")
    field.focus()
    page.keyboard.press("Control+End")
    page.keyboard.type(line)


def test_a_variable_is_taken_by_keyboard_and_the_preview_follows(eyes: Eyes) -> None:
    sight = eyes.open()
    page = sight.go(EDITOR)
    subject = page.locator(f'[name="{SUBJECT}"]')
    expect(subject).to_have_attribute("aria-expanded", "false")
    page.locator('[name="view"]').select_option("text")  # where the subject is shown, too
    subject.fill("")
    subject.focus()
    page.keyboard.type("Dear {{ fir")
    chosen = page.locator("#liquid [aria-selected=true]")
    expect(chosen).to_have_text("customer.first_name First name")
    assert sight.barriers() == []
    page.keyboard.press("Backspace")
    expect(page.locator("#liquid-count")).to_have_text("Proposals: 1")
    page.keyboard.press("Control+a")
    page.keyboard.type("Dear {{ cu")
    expect(chosen).to_contain_text("customer.greeting")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(chosen).to_have_text("customer.last_name Last name")
    expect(subject).to_have_attribute("aria-expanded", "true")
    expect(subject).to_have_attribute("aria-activedescendant", str(chosen.get_attribute("id")))
    page.keyboard.press("ArrowUp")
    with page.expect_response("**/preview/") as shown:
        page.keyboard.press("Enter")
        expect(page.locator("#liquid")).to_be_hidden()
    assert _field(page, SUBJECT) == "Dear {{ customer.first_name }}"
    expect(subject).to_be_focused()
    assert "Dear Anna" in shown.value.text()
    assert sight.all_complaints() == []


def test_a_filter_is_taken_with_its_argument_in_a_field_of_several_lines(eyes: Eyes) -> None:
    sight = eyes.open(language="de", theme="dark")
    page = sight.go(EDITOR)
    before = _field(page, TEXT)
    field = page.locator(f'[name="{TEXT}"]')
    _at_the_end_of(page, TEXT, line=" {{ Vorn")
    page.keyboard.press("Tab")
    page.keyboard.press("Backspace")
    page.keyboard.press("Backspace")
    page.keyboard.type("| defa")
    expect(page.locator("#liquid [aria-selected=true]")).to_contain_text("was dort steht, wenn nichts bekannt ist")
    expect(field).to_have_attribute("role", "combobox")
    assert sight.barriers() == []
    page.keyboard.press("Enter")
    page.keyboard.type("Sie")
    assert _field(page, TEXT).removeprefix(before.rstrip()).strip() == '{{ customer.first_name | default: "Sie" }}'
    assert field.get_attribute("role") is None
    assert sight.all_complaints() == []


def test_escape_shuts_the_list_and_what_the_button_wrote_goes_with_it(eyes: Eyes) -> None:
    sight = eyes.open(size=NARROW)
    page = sight.go(EDITOR)
    before = _field(page, SUBJECT)
    listed = page.locator("#liquid")
    page.get_by_role("button", name="Insert a variable: Subject").click()
    expect(listed).to_be_visible()
    assert sight.barriers() == []
    assert sight.overflow_pixels() == 0
    box = listed.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= NARROW["width"]
    page.keyboard.press("Escape")
    expect(listed).to_be_hidden()
    assert _field(page, SUBJECT) == before
    expect(page.locator(f'[name="{SUBJECT}"]')).to_be_focused()
    page.keyboard.press("End")
    page.keyboard.type(" {{ ")
    page.keyboard.press("Escape")
    page.keyboard.type("brand")
    expect(listed).to_be_hidden()
    page.keyboard.type(" }} {{ brand.n")
    expect(listed).to_be_visible()
    page.keyboard.press("Tab")
    assert _field(page, SUBJECT) == f"{before} {{{{ brand }}}} {{{{ brand.name }}}}"


@pytest.mark.parametrize("with_touch", [False, True], ids=["mouse", "touch"])
def test_a_proposal_is_taken_by_pointing_at_it(eyes: Eyes, with_touch: bool) -> None:
    sight = eyes.open(size=NARROW, has_touch=with_touch)
    page = sight.go(EDITOR)
    before = _field(page, TEXT).rstrip()
    button = page.locator(".variant:not([hidden]) .block-tools .insert").first
    page.locator(f'[name="{TEXT}"]').focus()
    page.keyboard.press("Control+End")
    proposal = page.locator("#liquid li", has_text="brand.name")
    if with_touch:
        button.tap()
        proposal.tap()
    else:
        button.click()
        proposal.click()
    assert _field(page, TEXT).rstrip().removeprefix(before).strip() == "{{ brand.name }}"
    expect(page.locator(f'[name="{TEXT}"]')).to_be_focused()
    assert sight.all_complaints() == []
