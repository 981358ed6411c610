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
from kundenkreis.site.ports.journeys import JourneyReport, RunPath, StepFigures, WithheldFigure
from kundenkreis.site.ports.trials import TrialResult


@dataclass(frozen=True, kw_only=True)
class Door:
    """A number and the people behind it."""

    text: str
    exact: int
    figure: str
    """Its name for the recount."""
    href: str = ""
    """"" for viewers who may not see people, and in a trial, where there are none."""
    tone: str = ""


@dataclass(frozen=True, kw_only=True)
class DrawnBox:
    """A step."""

    box: Box
    label: str
    words: str
    arrived: Door | None
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
    parts: tuple["LabelPart", ...]


@dataclass(frozen=True, kw_only=True)
class LabelPart:
    """One of the ways that a label names."""

    name: str
    exact: int | None
    """How many took it; None where nobody was counted."""
    figure: str = ""
    href: str = ""


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
    name = f"journey.{report.line.id}"
    boxes = [
        _box(box, arrived=_arrived(report, box, steps[box.id]), doors=_doors(report, box, steps[box.id]))
        for box in drawing.boxes
        if box.index >= 0
    ]
    parts = {
        line.id: LabelPart(
            name=journey_words.way_word(line.name), exact=taken.get(line.id), figure=f"{name}.way.{line.source}.{line.name}",
            href=people_path(report.line.id, line.source, f"out:{line.name}"),
        )
        for line in drawing.lines
    }  # fmt: skip
    return _canvas(drawing, boxes, [DrawnLine(points=_points(line)) for line in drawing.lines], parts)


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
                (step.standing, _("%(count)s here now"), "accent", "standing"),
                (said["sent"], _("%(count)s sent"), "", "sent"),
                (said["withheld"], _("%(count)s withheld"), "calm", "withheld"),
            ]
            doors = [
                Door(text=text % {"count": number(count)}, exact=count, figure=f"trial.step.{box.id}.{name}", tone=tone)
                for count, text, tone, name in texts
                if count > 0
            ]
            arrived = Door(text=number(step.arrived), exact=step.arrived, figure=f"trial.step.{box.id}.arrived")
            boxes.append(_box(box, arrived=arrived, doors=doors))
    parts = {
        line.id: LabelPart(
            name=journey_words.way_word(line.name), exact=taken[line.id], figure=f"trial.way.{line.source}.{line.name}"
        )
        for line in drawing.lines
    }
    return _canvas(drawing, boxes, [DrawnLine(points=_points(line)) for line in drawing.lines], parts)


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
    parts = {line.id: LabelPart(name=journey_words.way_word(line.name), exact=None) for line in drawing.lines}
    return _canvas(drawing, boxes, sorted(lines, key=lambda line: line.is_taken), parts)


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
    box: Box, *, arrived: Door | None = None, doors: Sequence[Door] = (), is_faint: bool = False, is_here: bool = False
) -> DrawnBox:
    return DrawnBox(
        box=box, label=_said(box.label) or box.id, words=_said(box.words), arrived=arrived, doors=tuple(doors), is_faint=is_faint,
        is_here=is_here,
    )  # fmt: skip


def _doors(report: JourneyReport, box: Box, step: StepFigures) -> list[Door]:
    """The numbers of a step that lead to people, the most telling first."""

    def door(text: str, count: int, outcome: str, tone: str = "") -> Door:
        return Door(
            text=text % {"count": number(count)}, exact=count, figure=f"journey.{report.line.id}.step.{box.id}.{outcome}",
            href=people_path(report.line.id, box.id, outcome), tone=tone,
        )  # fmt: skip

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
        found.append(door(_("%(count)s left here"), step.ended, "ended_here"))
    return found


def _arrived(report: JourneyReport, box: Box, step: StepFigures) -> Door:
    return Door(
        text=number(step.arrived), exact=step.arrived, figure=f"journey.{report.line.id}.step.{box.id}.arrived",
        href=people_path(report.line.id, box.id, "arrived"),
    )  # fmt: skip


def people_path(journey_id: str, step_id: str, outcome: str) -> str:
    """Where the people behind a number are listed; "" for viewers who may not see people."""
    if not access.may("customers.see"):
        return ""
    return f"{reverse('journey_people', args=[journey_id])}?{urlencode({'step': step_id, 'outcome': outcome})}"


def messages_path(journey_id: str, withheld: WithheldFigure) -> str:
    """Where the messages that did not go out for one reason are listed; "" for viewers who may not see messages."""
    if not access.may("messages.see"):
        return ""
    asked = {"journey": journey_id, "outcome": withheld.outcome, "reason": withheld.reason}
    return f"{reverse('messages')}?{urlencode({key: value for key, value in asked.items() if value})}"


def _points(line: Line) -> str:
    return " ".join(f"{x},{y}" for x, y in line.points)


def _canvas(
    drawing: Drawing, boxes: Sequence[DrawnBox], lines: Sequence[DrawnLine], parts: Mapping[str, LabelPart]
) -> Canvas:
    ends = [(box.x + END_SIZE // 2, box.y + END_SIZE // 2) for box in drawing.boxes if box.index < 0]
    return Canvas(
        boxes=tuple(boxes), ends=tuple(ends), lines=tuple(lines), labels=tuple(_labels(drawing, parts)), width=drawing.width,
        height=drawing.height,
    )  # fmt: skip


def _labels(drawing: Drawing, parts: Mapping[str, LabelPart]) -> list[DrawnLabel]:
    """One label per place: ways that run together say both their names."""
    there: dict[tuple[int, int], list[LabelPart]] = {}
    for line in drawing.lines:
        if line.label_at is not None:
            there.setdefault(line.label_at, []).append(parts[line.id])
    labels = []
    for (x, y), found in there.items():
        signs = sum(len(one.name) + (0 if one.exact is None else 1 + len(number(one.exact))) for one in found)
        width = 14 + 6 * (signs + 3 * (len(found) - 1))
        labels.append(DrawnLabel(x=x - width // 2, y=y - 10, width=width, parts=tuple(found)))
    return labels
