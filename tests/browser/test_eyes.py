"""The eyes see: a page with every kind of defect is complained about."""

from tests.browser.eyes import NARROW, Eyes

_DEFECTS = """
document.body.insertAdjacentHTML("beforeend", `<img src="/static/site/mark.svg"><p style="color: red">x</p>
<div class="frame"><pre>${"x".repeat(99)}</pre></div>`);
const wide = document.createElement("div");
wide.style.width = "999px";
wide.textContent = "wide";
document.body.append(wide);
console.error("heard");
setTimeout(() => { throw new Error("thrown"); });
"""


def test_defects_are_noticed(eyes: Eyes) -> None:
    sight = eyes.open(size=NARROW, is_stranger=True)
    page = sight.go("/login/")
    assert (sight.barriers(), sight.all_complaints(), sight.overflow_pixels()) == ([], [], 0)
    page.evaluate(_DEFECTS)
    page.wait_for_timeout(100)
    assert {each.split(":")[0] for each in sight.barriers()} == {"image-alt"}
    complaints = sight.all_complaints()
    assert [each.split(" ")[0] for each in complaints] == ["console:", "console:", "error:", "policy:"]
    assert ("heard" in complaints[1] or "heard" in complaints[0], "thrown" in complaints[2], "style" in complaints[3]) == (
        True, True, True,
    )  # fmt: skip
    assert sight.overflow_pixels() > 500
