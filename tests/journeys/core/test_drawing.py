"""Drawings: nothing overlaps, ways lead down, branches keep their order, and drafts with mistakes are drawn too."""

from itertools import combinations, pairwise
from typing import Any

import pytest

from kundenkreis.journeys.core.drawing import BOX_HEIGHT, BOX_WIDTH, Drawing, draw
from kundenkreis.journeys.steps.registry import STEPS, kinds_by_name
from kundenkreis.playbooks.shipped import shipped_rulebook

pytestmark = pytest.mark.pure


def drawn(steps: list[Any], **more: Any) -> Drawing:
    return draw({"id": "a", "steps": steps, **more}, kinds_by_name(), lambda kind, name, language: f"{name}/{language}")


def middles(drawing: Drawing) -> dict[str, tuple[int, int]]:
    return {box.id: (box.x + BOX_WIDTH // 2, box.y) for box in drawing.boxes if box.index >= 0}


WAIT = {"days": 1}
SHIPPED = [journey.document for journey in shipped_rulebook(with_journeys=True).of("journey").values()]


@pytest.mark.parametrize("document", SHIPPED, ids=lambda document: str(document["id"]))
def test_shipped_journeys_are_tidy(document: dict[str, Any]) -> None:
    drawing = draw(document, kinds_by_name(), lambda kind, name, language: name)
    boxes = [box for box in drawing.boxes if box.index >= 0]
    assert [box.id for box in boxes] == [step["id"] for step in document["steps"]]
    for one, other in combinations(boxes, 2):
        assert abs(one.x - other.x) >= BOX_WIDTH or abs(one.y - other.y) >= BOX_HEIGHT, (one.id, other.id)
    for line in drawing.lines:
        assert line.points[0][1] < line.points[-1][1], line.id
        straight = all(a[0] == b[0] or a[1] == b[1] for a, b in pairwise(line.points))
        assert straight, line.id
    assert all(0 <= x <= drawing.width and 0 <= y <= drawing.height for line in drawing.lines for x, y in line.points)


def test_branches_stand_side_by_side_and_meet_in_the_middle() -> None:
    way = [{"id": "left", "when": {"segment": {"id": "a"}}, "next": "one"}, {"id": "right", "next": "two"}]
    found = middles(drawn([
        {"id": "who", "branch": way}, {"id": "one", "wait": WAIT, "next": "end"}, {"id": "two", "wait": WAIT}, {"id": "end", "exit": {}},
    ]))  # fmt: skip
    assert found["one"][0] < found["who"][0] == found["end"][0] < found["two"][0]
    assert found["who"][1] < found["one"][1] == found["two"][1] < found["end"][1]


def test_a_way_that_passes_by_keeps_a_lane_of_its_own() -> None:
    way = [{"id": "skip", "when": {"segment": {"id": "a"}}, "next": "end"}, {"id": "go"}]
    drawing = drawn([{"id": "who", "branch": way}, {"id": "mail", "wait": WAIT}, {"id": "end", "exit": {}}])
    lane = next(line for line in drawing.lines if line.name == "skip")
    mail = next(box for box in drawing.boxes if box.id == "mail")
    down = [a[0] for a, b in pairwise(lane.points) if a[1] < mail.y and b[1] > mail.y + BOX_HEIGHT]
    assert [x < mail.x for x in down] == [True]


def test_loops_run_back_on_the_left() -> None:
    drawing = drawn([{"id": "again", "wait": WAIT}, {"id": "who", "branch": [{"id": "more", "next": "again"}]}])
    back = next(line for line in drawing.lines if line.target == "again")
    assert min(x for x, _ in back.points) < min(box.x for box in drawing.boxes)
    assert middles(drawing)["again"][1] < middles(drawing)["who"][1]


def test_what_is_wrong_is_drawn_too() -> None:
    drawing = drawn([
        {"id": "odd", "wait": {"days": "three"}}, {"id": "none"}, {"id": "lost", "wait": WAIT, "next": "nowhere"},
        {"id": "island", "teleport": {}},
    ])  # fmt: skip
    assert [(box.id, box.kind, box.words) for box in drawing.boxes if box.index >= 0] == [
        ("odd", "wait", {}), ("none", "", {}), ("lost", "wait", {"de": "1 Tag", "en": "1 day"}), ("island", "", {}),
    ]  # fmt: skip
    ends = [(line.source, line.is_stated) for line in drawing.lines if line.target.startswith("exit:")]
    assert ends == [("lost", True), ("island", False)]
    assert drawn([]).boxes == ()


def test_every_kind_of_step_tells_its_sample_in_both_languages() -> None:
    for kind in STEPS:
        box = drawn([{"id": "one", kind.kind: kind.sample}]).boxes[0]
        assert set(box.label) == {"de", "en"}
        assert set(box.words) in (set(), {"de", "en"})
        assert (box.icon, box.group) != ("point", "")


@pytest.mark.parametrize(
    ("wait", "german", "english"),
    [
        ({"days": 3, "at": "10:00"}, "3 Tage, dann bis 10:00 Uhr", "3 days, then until 10:00"),
        ({"weeks": 1, "hours": 1}, "1 Woche 1 Stunde", "1 week 1 hour"),
        ({"at": "09:30"}, "bis 09:30 Uhr", "until 09:30"),
        ({"until": "2026-12-01T10:00"}, "bis 2026-12-01 10:00", "until 2026-12-01 10:00"),
        ({"until_weekday": "thursday", "at": "10:00"}, "bis Donnerstag, 10:00 Uhr", "until Thursday, 10:00"),
        ({"until_property": "expires_at", "offset_days": -7}, "7 Tage vor Ablauf", "7 days before expiry"),
    ],
)
def test_waits_in_words(wait: dict[str, Any], german: str, english: str) -> None:
    assert drawn([{"id": "one", "wait": wait}]).boxes[0].words == {"de": german, "en": english}
