"""The whole way of a newcomer: from an invitation to a mail that a published journey sent, with nothing to complain about on any page of it.

Signing in with a second factor, finding somebody, reading why a message did not come, building a segment, starting the welcome journey from the
library, changing it with the mouse and by keyboard alone, trying it over March, publishing it, and living it.
"""

import base64
import hmac
import struct
import time

from playwright.sync_api import Page, expect

from tests.browser.eyes import Eyes, Sight
from tests.browser.served import START_SECONDS, Served

_ADDRESS, _PASSWORD = "ida.story@example.com", "circle of six arcs 2026"
_PEOPLE = 4
"""Enough that they are not all in the control group for all marketing."""
_TRIAL_MS = 120_000


def test_from_an_invitation_to_a_mail(served: Served, eyes: Eyes) -> None:
    invited = _invite(eyes.open())
    sight = eyes.open(is_stranger=True)
    page = sight.page
    secret = _join(page, invited)
    _sign_in_with_second_factor(page, secret)
    _read_why_a_message_was_withheld(page, served)
    _build_a_segment(page)
    _start_from_the_library(page)
    _change_with_the_mouse(page)
    _change_by_keyboard(page)
    _try_over_march(page)
    _publish(page)
    _live(served)
    _see_the_mail_and_the_person(page)
    assert sight.all_complaints() == []


def _invite(owner: Sight) -> str:
    """The link of an invitation for somebody in marketing; also makes room in the library, where the demo has it live already."""
    page = owner.go("/settings/users/")
    page.get_by_label("E-mail").fill(_ADDRESS)
    page.get_by_label("Role").select_option("marketing")
    page.get_by_role("button", name="Invite").click()
    link = page.locator("[data-secret]").inner_text()
    owner.go("/journeys/welcome/")
    page.locator(".page-head .drop summary").click()
    page.get_by_role("button", name="Pause").click()
    expect(page.locator(".page-head .badge")).to_have_text("paused")
    assert owner.all_complaints() == []
    return link


def _join(page: Page, link: str) -> str:
    """Accept, switch the authenticator app on; its secret."""
    page.goto(link)
    page.get_by_label("Your name").fill("Ida Story")
    page.get_by_label("Password").fill(_PASSWORD)
    page.get_by_role("button", name="Join").click()
    page.goto("/account/")
    page.get_by_role("link", name="Set up app").click()
    secret = page.locator("[data-secret]").inner_text()
    page.get_by_label("Code").fill(_code(secret))
    page.get_by_role("button", name="Switch on").click()
    page.get_by_role("link", name="I have kept them").click()
    return secret


def _code(secret: str) -> str:
    """What an authenticator app shows now (RFC 6238: SHA-1, six digits, 30 seconds)."""
    moving = hmac.digest(base64.b32decode(secret), struct.pack(">Q", int(time.time()) // 30), "sha1")
    place = moving[-1] & 15
    return f"{(struct.unpack_from('>I', moving, place)[0] & 0x7FFFFFFF) % 1_000_000:06}"


def _sign_in_with_second_factor(page: Page, secret: str) -> None:
    page.locator("header .drop summary").click()
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.goto("/login/")
    page.get_by_label("E-mail").fill(_ADDRESS)
    page.get_by_label("Password").fill(_PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="One more step")).to_be_visible()
    page.get_by_label("Code").fill(_code(secret))
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/start/")


def _read_why_a_message_was_withheld(page: Page, served: Served) -> None:
    """Found by the palette, the person's page says why in one sentence, and leads to the decision."""
    [(email,)] = served.rows(
        "SELECT i.value FROM verdicts v JOIN identifiers i ON i.profile_id = v.profile_id AND i.kind = 'email'"
        " WHERE v.outcome = 'withheld' ORDER BY v.at_us DESC, v.effect_id LIMIT 1"
    )
    page.keyboard.press("Control+k")
    page.keyboard.type(email)
    found = page.locator("#palette-found [aria-selected=true]")
    expect(found).to_contain_text(email)
    page.keyboard.press("Enter")
    page.wait_for_url("**/customers/*/")
    page.get_by_role("link", name="Messages", exact=True).last.click()
    withheld = page.locator("li.moment", has_text="did not get this message").first
    why = withheld.locator(".words p").last.inner_text().partition(": ")[2]
    withheld.get_by_role("link").click()
    page.wait_for_url("**/messages/*/")
    expect(page.locator(".verdict header .badge")).to_have_text("withheld")
    expect(page.locator(".verdict")).to_contain_text(why)


def _build_a_segment(page: Page) -> None:
    """Its number follows while it is being built."""
    page.goto("/segments/new/")
    page.get_by_label("English").fill("Loyal or gone")
    page.get_by_label("Kind of condition").nth(1).select_option("phase")
    page.get_by_label("Loyalty", exact=True).check()
    first = _counted(page, 0)
    page.get_by_label("Win-back", exact=True).check()
    assert _counted(page, first) > first
    page.get_by_role("button", name="Save draft").click()
    page.get_by_role("link", name="Check and publish").click()
    page.get_by_role("button", name="Publish segment").click()
    expect(page.locator(".page-head .badge")).to_have_text("In force")


def _counted(page: Page, before: int) -> int:
    """The number beside the builder, once it is another one."""
    figure = page.locator("#estimate .big-figure")
    expect(figure).not_to_have_text(f"{before:,}")
    return int(figure.inner_text().strip("≈ ").replace(",", ""))


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
    expect(page.locator("#trial .stats")).to_be_visible(timeout=_TRIAL_MS)
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


def _see_the_mail_and_the_person(page: Page) -> None:
    page.goto("/journeys/welcome/")
    expect(page.locator("#step-hello .door", has_text="sent")).to_be_visible()
    page.goto("/journeys/welcome/people/?step=hello&outcome=sent")
    page.locator("tbody a.row", has_text="Nora Neumann").first.click()
    expect(page.locator("#step-hello:not(.faint)")).to_be_visible()
    expect(page.locator("#step-wait_1.here")).to_be_visible()
    page.goto("/mailbox/?q=neumann")
    page.locator(".messages a", has_text="neumann").first.click()
    page.wait_for_url("**/mailbox/*/")
    expect(page.frame_locator("iframe").get_by_text("Nora Neumann").first).to_be_visible()
