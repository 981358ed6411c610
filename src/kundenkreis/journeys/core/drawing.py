"""A journey as a drawing: its steps as boxes with what they say, its ways as lines, and where everything lies.

Works on drafts too: what cannot be read is drawn as an empty step, and what leads nowhere as a loose end.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from kundenkreis.journeys.core.graph import read_nodes
from kundenkreis.journeys.core.layout import GAP_Y, Layout, Way, lay_out
from kundenkreis.journeys.core.protocol import EXIT, NameOf, Path, StepKind


class Box(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One step; or the end of a way, with an id like "exit:3" and no kind."""

    id: str
    kind: str
    icon: str
    group: str
    """speak, wait, decide, act, end; "" for ends of ways."""
    label: dict[str, str]
    """{de, en}: what kind of step it is."""
    words: dict[str, str]
    """{de, en}: what this one does; {} where the label says it all."""
    x: int
    """Left edge."""
    y: int
    """Upper edge."""
    index: int
    """Position in the document's `steps`; -1 for ends."""


class Line(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One way from a step to the next."""

    id: str
    source: str
    target: str
    """A step, or an end like "exit:3"."""
    name: str
    """"next", a branch's id, "timeout", "none"."""
    is_stated: bool
    """Whether the document names the target; otherwise it follows from the order of the steps."""
    path: Path
    """Where the document names the target: ("steps", 2, "branch", 0, "next")."""
    points: tuple[tuple[int, int], ...]
    """Corners from the lower edge of the source to the upper edge of the target."""
    label_at: tuple[int, int] | None
    """Where its name and its number stand; None for the only way out of a step, which needs neither."""


class Drawing(msgspec.Struct, frozen=True, kw_only=True):
    """Everything an editor or a page needs to draw a journey."""

    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    width: int
    height: int


BOX_WIDTH, BOX_HEIGHT, END_SIZE = 264, 88, 16
"""In pixels; an end is a small circle."""


def draw(document: Mapping[str, Any], kinds: Mapping[str, StepKind], name_of: NameOf) -> Drawing:
    """The drawing of a journey as written, sound or not."""
    written = [step for step in document.get("steps") or () if isinstance(step, Mapping)]
    steps = {str(step.get("id")): (index, step) for index, step in reversed(list(enumerate(written)))}
    nodes = read_nodes(written, kinds)
    ways = _ways(nodes, steps)
    several = Counter(way.source for way, _, _ in ways)
    start = document.get("start")
    first = start if isinstance(start, str) and start in nodes else next(iter(nodes), "")
    layout = lay_out(list(nodes), [way for way, _, _ in ways], first, _sizes(nodes, ways))
    boxes = [_box(name, node.kind, steps[name], layout, kinds, name_of) for name, node in nodes.items()]
    ends = [way.target for way, _, _ in ways if way.target not in nodes]
    boxes += [
        Box(
            id=end,
            kind="",
            icon="",
            group="",
            label={},
            words={},
            x=layout.places[end][0],
            y=layout.places[end][1],
            index=-1,
        )
        for end in ends
    ]
    lines = [
        Line(
            id=f"{way.source}:{way.name}", source=way.source, target=way.target, name=way.name, is_stated=stated, path=path,
            points=layout.corners[way], label_at=_label_at(layout.corners[way]) if several[way.source] > 1 else None,
        )
        for way, path, stated in ways
    ]  # fmt: skip
    return Drawing(boxes=tuple(boxes), lines=tuple(lines), width=layout.width, height=layout.height)


def _ways(nodes: Mapping[str, Any], steps: Mapping[str, tuple[int, Mapping[str, Any]]]) -> list[tuple[Way, Path, bool]]:
    """(way, where the document names its target, whether it does); every way out of the journey gets an end of its own."""
    ways: list[tuple[Way, Path, bool]] = []
    for name, node in nodes.items():
        index, step = steps[name]
        for edge in node.step.edges:
            target = edge.target or node.next
            if target == EXIT or target not in nodes:
                target = f"{EXIT}:{len(ways)}"
            stated = bool(edge.target) or "next" in step
            ways.append((Way(name, edge.name, target), ("steps", index, *edge.path), stated))
    return ways


def _label_at(points: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Behind the corner at which ways part, else on the middle of the first stretch."""
    (x1, y1), (_, y2) = points[0], points[1]
    if len(points) > _TURNING and y2 - y1 <= GAP_Y:
        return points[2][0], points[2][1]
    return x1, min((y1 + y2) // 2, y1 + GAP_Y // 2)


_TURNING = 2


def _sizes(nodes: Mapping[str, Any], ways: Sequence[tuple[Way, Path, bool]]) -> dict[str, tuple[int, int]]:
    sizes = dict.fromkeys(nodes, (BOX_WIDTH, BOX_HEIGHT))
    sizes.update({way.target: (END_SIZE, END_SIZE) for way, _, _ in ways if way.target not in nodes})
    return sizes


def _box(
    name: str, kind: str, step: tuple[int, Mapping[str, Any]], layout: Layout, kinds: Mapping[str, StepKind], name_of: NameOf
) -> Box:  # fmt: skip
    index, data = step
    x, y = layout.places[name]
    known = kinds.get(kind)
    if known is None:
        return Box(id=name, kind=kind, icon="help-circle", group="", label={}, words={}, x=x, y=y, index=index)
    try:
        words = known.tell(msgspec.convert(data[kind], known.config), name_of)
    except msgspec.ValidationError:
        words = {}
    return Box(
        id=name, kind=kind, icon=known.icon, group=known.group, label=dict(known.label), words=dict(words), x=x, y=y, index=index
    )  # fmt: skip
