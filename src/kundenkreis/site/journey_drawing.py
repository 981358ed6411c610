"""The drawing of a journey as a page shows it: boxes with words and numbers, lines with names."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from kundenkreis.definitions.installed import installed_plugins
from kundenkreis.journeys.core.drawing import BOX_HEIGHT, BOX_WIDTH, END_SIZE, Box, Drawing, Line, draw
from kundenkreis.journeys.core.flow import flow_of
from kundenkreis.journeys.core.graph import read_nodes
from kundenkreis.journeys.core.protocol import NameOf
from kundenkreis.site import access, journey_words
from kundenkreis.site.formats import language, number
from kundenkreis.site.ports.journeys import JourneyReport, RunPath, StepFigures
from kundenkreis.site.ports.trials import TrialResult


@dataclass(frozen=True, kw_only=True)
class Door:
    """A number and the people behind it."""

    text: str
    href: str
    """"" for viewers who may not see people."""
    tone: str = ""


@dataclass(frozen=True, kw_only=True)
class DrawnBox:
    """A step."""

    box: Box
    label: str
    words: str
    arrived: str
    doors: tuple[Door, ...]
    is_faint: bool = False
    is_here: bool = False
    width: int = BOX_WIDTH
    height: int = BOX_HEIGHT


@dataclass(frozen=True, kw_only=True)
class DrawnLine:
    """A way."""

    points: str
    is_faint: bool = False
    is_taken: bool = False


@dataclass(frozen=True, kw_only=True)
class DrawnLabel:
    """What stands on a way: its name and how many took it."""

    x: int
    y: int
    width: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Canvas:
    """Everything to draw."""

    boxes: tuple[DrawnBox, ...]
    ends: tuple[tuple[int, int], ...]
    """Middles of the small circles at which ways out end."""
    lines: tuple[DrawnLine, ...]
    labels: tuple[DrawnLabel, ...]
    width: int
    height: int
    radius: int = END_SIZE // 2


def with_numbers(report: JourneyReport) -> Canvas:
    """The drawing with what happened at each step."""
    drawing, steps = report.drawing, report.steps
    taken = {line.id: steps[line.source].out.get(line.name, 0) for line in drawing.lines if line.source in steps}
    boxes = [
        _box(box, arrived=number(steps[box.id].arrived), doors=_doors(report, box, steps[box.id]))
        for box in drawing.boxes
        if box.index >= 0
    ]
    return _canvas(drawing, boxes, [DrawnLine(points=_points(line)) for line in drawing.lines], taken)


def of_trial(document: Mapping[str, Any], result: TrialResult, name_of: NameOf) -> Canvas:
    """The drawing of a draft with what a trial run would have done at each step."""
    kinds = installed_plugins().steps
    drawing = draw(document, kinds, name_of)
    nodes = read_nodes(document["steps"], kinds)
    flow = flow_of(
        result.counts, nodes, str(document.get("start") or next(iter(nodes), "")),
        exits_on_goal=(document.get("goal") or {}).get("exit_on_goal", True), failed_ends={}, early_goals=0,
    )  # fmt: skip
    taken = {line.id: flow.steps[line.source].out.get(line.name, 0) for line in drawing.lines}
    boxes = []
    for box in drawing.boxes:
        if box.index >= 0:
            step = flow.steps[box.id]
            said = {outcome: result.counts.get((box.id, outcome), 0) for outcome in ("sent", "withheld")}
            texts = [
                (step.standing, _("%(count)s here now"), "accent"),
                (said["sent"], _("%(count)s sent"), ""),
                (said["withheld"], _("%(count)s withheld"), "calm"),
            ]
            doors = [
                Door(text=text % {"count": number(count)}, href="", tone=tone)
                for count, text, tone in texts
                if count > 0
            ]
            boxes.append(_box(box, arrived=number(step.arrived), doors=doors))
    return _canvas(drawing, boxes, [DrawnLine(points=_points(line)) for line in drawing.lines], taken)


def with_path(report: JourneyReport, run: RunPath) -> Canvas:
    """The drawing with one person's way: what was not touched is faint."""
    drawing = report.drawing
    visits = Counter(line.step_id for line in run.lines if line.step_id)
    ways = {(line.step_id, _way(line.outcome)) for line in run.lines}
    last = run.lines[-1]
    boxes = [
        _box(box, is_faint=not visits[box.id], is_here=box.id == last.step_id and last.outcome == "waiting")
        for box in drawing.boxes
        if box.index >= 0
    ]
    lines = [
        DrawnLine(points=_points(line), is_taken=(taken := (line.source, line.name) in ways), is_faint=not taken)
        for line in drawing.lines
    ]
    return _canvas(drawing, boxes, sorted(lines, key=lambda line: line.is_taken), {})


def step_name(report: JourneyReport, step_id: str) -> str:
    """A step in words; its id where the newest form no longer has it."""
    box = next((box for box in report.drawing.boxes if box.id == step_id and box.index >= 0), None)
    if box is None:
        return "" if step_id in ("", "*") else step_id.replace("_", " ")
    words = _said(box.words)
    return f"{_said(box.label)}: {words}" if words else _said(box.label)


def _way(outcome: str) -> str:
    if outcome.startswith("branch:"):
        return outcome.removeprefix("branch:")
    return "next" if outcome in ("done", "sent", "withheld", "holdout", "failed") else ""


def _said(words: Mapping[str, str]) -> str:
    return words.get(language(), next(iter(words.values()), ""))


def _box(
    box: Box, *, arrived: str = "", doors: Sequence[Door] = (), is_faint: bool = False, is_here: bool = False
) -> DrawnBox:
    return DrawnBox(
        box=box, label=_said(box.label) or box.id, words=_said(box.words), arrived=arrived, doors=tuple(doors), is_faint=is_faint,
        is_here=is_here,
    )  # fmt: skip


def _doors(report: JourneyReport, box: Box, step: StepFigures) -> list[Door]:
    """The numbers of a step that lead to people, the most telling first."""

    def door(text: str, count: int, outcome: str, tone: str = "") -> Door:
        return Door(text=text % {"count": number(count)}, href=people_path(report.line.id, box.id, outcome), tone=tone)

    found = []
    if step.standing:
        found.append(door(_("%(count)s here now"), step.standing, "standing", "accent"))
    if step.sent:
        found.append(door(_("%(count)s sent"), step.sent, "sent"))
    if step.withheld:
        found.append(door(_("%(count)s withheld"), step.withheld, "withheld", "calm"))
    if step.failed:
        found.append(door(_("%(count)s failed"), step.failed, "failed", "stop"))
    if not found and step.ended:
        found.append(Door(text=_("%(count)s left here") % {"count": number(step.ended)}, href=""))
    return found


def people_path(journey_id: str, step_id: str, outcome: str) -> str:
    """Where the people behind a number are listed; "" for viewers who may not see people."""
    if not access.may("customers.see"):
        return ""
    return f"{reverse('journey_people', args=[journey_id])}?{urlencode({'step': step_id, 'outcome': outcome})}"


def _points(line: Line) -> str:
    return " ".join(f"{x},{y}" for x, y in line.points)


def _canvas(
    drawing: Drawing, boxes: Sequence[DrawnBox], lines: Sequence[DrawnLine], taken: Mapping[str, int]
) -> Canvas:
    ends = [(box.x + END_SIZE // 2, box.y + END_SIZE // 2) for box in drawing.boxes if box.index < 0]
    return Canvas(
        boxes=tuple(boxes), ends=tuple(ends), lines=tuple(lines), labels=tuple(_labels(drawing, taken)), width=drawing.width,
        height=drawing.height,
    )  # fmt: skip


def _labels(drawing: Drawing, taken: Mapping[str, int]) -> list[DrawnLabel]:
    """One label per place: ways that run together say both their names."""
    there: dict[tuple[int, int], list[str]] = {}
    for line in drawing.lines:
        if line.label_at is not None:
            count = f" {number(taken[line.id])}" if line.id in taken else ""
            there.setdefault(line.label_at, []).append(f"{journey_words.way_word(line.name)}{count}")
    labels = []
    for (x, y), texts in there.items():
        text = " · ".join(texts)
        width = 14 + 6 * len(text)
        labels.append(DrawnLabel(x=x - width // 2, y=y - 10, width=width, text=text))
    return labels
