"""What changes between two rulebooks, in both languages."""

import pytest

from kundenkreis.definitions.definition import Definitions
from kundenkreis.definitions.diff import Change, Detail, compare, in_words
from kundenkreis.definitions.load import load_files
from tests.definitions.samples import accepted, good, good_with

pytestmark = pytest.mark.pure

BEFORE = """
kind: segment
id: late
name: {de: Spät, en: Late}
when: {event: {name: Order Completed, within_days: 90}}
---
kind: segment
id: gone
name: {de: Weg, en: Gone}
when: {all: []}
---
kind: score
id: fit
name: {de: Passung, en: Fit}
rules:
  - {id: one, event: {name: Order Completed}, points: 1}
  - {id: two, event: {name: Product Viewed}, points: 2}
"""
AFTER = """
kind: segment
id: late
name: {de: Zu spät, en: Late}
when: {event: {name: Order Completed, within_days: 60, where: [{property: total, op: ">", value: 5}]}}
---
kind: segment
id: fresh
name: {de: Neu, en: Fresh}
when: {all: []}
---
kind: score
id: fit
name: {de: Passung, en: Fit}
rules:
  - {id: two, event: {name: Product Viewed}, points: 2}
  - {id: three, event: {name: Product Added}, points: 3}
  - {id: one, event: {name: Order Completed}, points: 1}
"""


def both() -> tuple[Definitions, Definitions]:
    """The rulebooks before and after."""
    return accepted(load_files([("a.yaml", BEFORE.encode())])), accepted(load_files([("a.yaml", AFTER.encode())]))


def test_changes_as_data() -> None:
    late = Change("segment", "late", "changed", {"de": "Zu spät", "en": "Late"}, (
        Detail("name.de", "changed", "Spät", "Zu spät"),
        Detail("when.event.within_days", "changed", 90, 60),
        Detail("when.event.where", "added", None, [{"property": "total", "op": ">", "value": 5}]),
    ))  # fmt: skip
    three = {"id": "three", "event": {"name": "Product Added"}, "points": 3}
    fit = Change("score", "fit", "changed", {"de": "Passung", "en": "Fit"}, (
        Detail("rules[three]", "added", None, three),
        Detail("rules", "changed", ["one", "two"], ["two", "three", "one"]),
    ))  # fmt: skip
    assert compare(*both()) == (
        Change("segment", "fresh", "added", {"de": "Neu", "en": "Fresh"}),
        Change("segment", "gone", "removed", {"de": "Weg", "en": "Gone"}),
        late,
        fit,
    )


def test_changes_in_words() -> None:
    changes = compare(*both())
    assert in_words(changes, "de") == [
        "neu: Segment fresh (Neu)",
        "entfernt: Segment gone (Weg)",
        "geändert: Segment late (Zu spät)",
        '  name.de: "Spät" -> "Zu spät"',
        "  when.event.within_days: 90 -> 60",
        '  when.event.where neu: [{"property": "total", "op": ">", "value": 5}]',
        "geändert: Score fit (Passung)",
        '  rules[three] neu: {"id": "three", "event": {"name": "Product Added"}, "points…',
        '  rules: ["one", "two"] -> ["two", "three", "one"]',
    ]
    assert in_words(changes, "en")[:3] == [
        "new: segment fresh (Fresh)",
        "removed: segment gone (Gone)",
        "changed: segment late (Late)",
    ]


def test_nothing_changes() -> None:
    assert compare(good(), good()) == ()
    assert (in_words((), "de"), in_words((), "en")) == (["Nichts ändert sich."], ["Nothing changes."])


def test_true_is_not_one() -> None:
    text = "kind: segment\nid: a\nname: {{de: A}}\nwhen: {{attribute: {{name: b, op: includes, value: {}}}}}\n"
    one, other = accepted(good_with(text.format("true"))), accepted(good_with(text.format("1")))
    assert in_words(compare(one, other), "en") == ["changed: segment a", "  when.attribute.value: true -> 1"]


def test_everything_is_new_at_first() -> None:
    lines = in_words(compare(Definitions(), good()), "en")
    assert lines[0] == "new: brand default (Kreisladen)"
    assert lines[-1] == "new: contact policy"
    assert len(lines) == len(good())
