"""The filters on their own, and the whole of Golden Liquid."""

import json
from pathlib import Path

import pytest
from liquid.exceptions import LiquidError

from kundenkreis.content.core import liquid
from kundenkreis.content.core.filters import safe_url

pytestmark = pytest.mark.pure

GOLDEN = Path(__file__).parent.parent / "data" / "golden_liquid" / "golden_liquid.json"
DIFFERENT_ON_PURPOSE = {
    "filters, date": "our own date filter: CLDR patterns, the reader's zone, no guessing of seconds",
    "filters, strip html": "one linear pass: blocks of script and style keep their text",
    "blank and empty": "the library tells nil from blank",
}


def golden() -> list[dict[str, object]]:
    tests: list[dict[str, object]] = json.loads(GOLDEN.read_text("utf-8"))["tests"]
    return tests


def test_golden_liquid_renders_as_stated_but_for_named_differences() -> None:
    same = refused = 0
    different = []
    for case in golden():
        try:
            parsed = liquid.parse(str(case["template"]), "text")
        except LiquidError:
            refused += 1
            continue
        try:
            out = parsed.render(case.get("data", {}), language="en", zone_name="UTC")  # type: ignore[arg-type]
        except LiquidError:
            refused += 1
            continue
        if case.get("invalid") or out == case.get("result") or out in case.get("results", ()):  # type: ignore[operator]
            same += 1
        else:
            different.append(str(case["name"]))
    assert [name for name in different if not name.startswith(tuple(DIFFERENT_ON_PURPOSE))] == []
    assert same + refused + len(different) == 1054
    assert same > 790


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("https://shop.example/a?b=c&d=%20", "https://shop.example/a?b=c&d=%20"),
        ("mailto:hallo@muster.example", "mailto:hallo@muster.example"),
        ("tel:+4989123", "tel:+4989123"),
        ("javascript:alert(1)", ""),
        (" JaVaScRiPt:alert(1)", ""),
        ("java\nscript:x", ""),
        ("data:text/html,x", ""),
        ("//evil.example", ""),
        ("https:\\evil", ""),
        ('https://x"><script>', ""),
        ("https://" + "x" * 3000, ""),
        (None, ""),
        (["https://x"], ""),
    ],
)
def test_only_plain_addresses_become_links(value: object, expected: str) -> None:
    assert safe_url(value) == expected


def test_the_same_source_is_parsed_once() -> None:
    assert liquid.parse("{{ event.a }}", "text") is liquid.parse("{{ event.a }}", "text")
    assert liquid.parse("{{ event.a }}", "text") is not liquid.parse("{{ event.a }}", "html")
