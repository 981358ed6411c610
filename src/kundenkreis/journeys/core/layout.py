"""Where the boxes of a journey lie and how its lines run: a tidy tree in which ways that come together meet in the middle.

The steps form a tree of blocks. Ways that part at a step stand side by side below it, in their order; a step at which they meet again stands
below all of them, under the step at which they parted. A way that leads straight to such a step keeps a free lane. Ways back run along
the left side.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

GAP_X, GAP_Y, LANE = 40, 60, 88
_MARGIN = 24

Point = tuple[int, int]
Size = tuple[int, int]


class Way(NamedTuple):
    """One way from a step to another."""

    source: str
    name: str
    target: str


class Layout(NamedTuple):
    """Left upper corners of the boxes, corners of the lines, and the size of the whole."""

    places: dict[str, Point]
    corners: dict[Way, tuple[Point, ...]]
    width: int
    height: int


class _Block:
    """A step with everything below it that belongs to it alone."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.branches: list[_Block | Way] = []
        """Side by side, in the order of the ways; a Way is a free lane."""
        self.joined: list[_Block] = []
        """Below the branches, where they meet."""
        self.width = 0


def lay_out(names: Sequence[str], ways: Sequence[Way], start: str, sizes: Mapping[str, Size]) -> Layout:
    """Places and lines.

    Args:
        names: steps in the order of the document.
        ways: every way out of them, in order; targets may be ends that are no steps.
        start: where people begin, "" if there is no step.
        sizes: (width, height) of steps and ends.
    """
    out: dict[str, list[Way]] = {}
    for way in ways:
        out.setdefault(way.source, []).append(way)
    places: dict[str, Point] = {}
    lanes: dict[Way, int] = {}
    left = 0
    back: set[Way] = set()
    # What nothing leads to is drawn beside the rest, so that a draft loses no step from sight.
    for root in [start, *names]:
        if not root or root in places:
            continue
        order, returning = _order(root, out, set(places))
        back |= returning
        forward = [way for name in order for way in out.get(name, ()) if way not in back and way.target in order]
        block = _blocks(order, forward)
        _measure(block, sizes)
        _place(block, left, 0, sizes, places, lanes)
        left += block.width + GAP_X
    _push_down(ways, back, places, sizes)
    return _drawn(ways, back, places, lanes, sizes)


def _order(root: str, out: Mapping[str, Sequence[Way]], taken: set[str]) -> tuple[list[str], set[Way]]:
    """(steps reached from here so that every way leads on, the ways that lead back)."""
    finished: list[str] = []
    back: set[Way] = set()
    open_now = {root}
    trail = [(root, iter(out.get(root, ())))]
    seen = {root}
    while trail:
        name, rest = trail[-1]
        way = next(rest, None)
        if way is None:
            finished.append(name)
            open_now.discard(name)
            trail.pop()
        elif way.target in open_now:
            back.add(way)
        elif way.target not in seen and way.target not in taken:
            seen.add(way.target)
            open_now.add(way.target)
            trail.append((way.target, iter(out.get(way.target, ()))))
    return finished[::-1], back


def _blocks(order: Sequence[str], forward: Sequence[Way]) -> _Block:
    """The tree of blocks: each step hangs below the last step that every way to it passes."""
    position = {name: place for place, name in enumerate(order)}
    into: dict[str, list[str]] = {}
    for way in forward:
        into.setdefault(way.target, []).append(way.source)
    above: dict[str, str] = {}
    blocks = {name: _Block(name) for name in order}
    for name in order[1:]:
        sources = into[name]
        meeting = sources[0]
        for other in sources[1:]:
            meeting = _common(meeting, other, above, position)
        above[name] = meeting
    for way in forward:
        parent = blocks[way.source]
        if above[way.target] != way.source or len(set(into[way.target])) > 1:
            if above[way.target] == way.source:
                parent.branches.append(way)
        elif not any(isinstance(one, _Block) and one.name == way.target for one in parent.branches):
            parent.branches.append(blocks[way.target])
    for name in order[1:]:
        if len(set(into[name])) > 1:
            blocks[above[name]].joined.append(blocks[name])
    return blocks[order[0]]


def _common(one: str, other: str, above: Mapping[str, str], position: Mapping[str, int]) -> str:
    while one != other:
        if position[one] > position[other]:
            one = above[one]
        else:
            other = above[other]
    return one


def _measure(block: _Block, sizes: Mapping[str, Size]) -> None:
    for child in [*block.branches, *block.joined]:
        if isinstance(child, _Block):
            _measure(child, sizes)
    side_by_side = sum(_width(child) for child in block.branches) + GAP_X * max(len(block.branches) - 1, 0)
    block.width = max([sizes[block.name][0], side_by_side, *(child.width for child in block.joined)])


def _width(child: "_Block | Way") -> int:
    return child.width if isinstance(child, _Block) else LANE


def _place(
    block: _Block, left: int, top: int, sizes: Mapping[str, Size], places: dict[str, Point], lanes: dict[Way, int]
) -> int:
    """Place a block with its upper edge at `top`; the lower edge of everything in it."""
    width, height = sizes[block.name]
    places[block.name] = (left + (block.width - width) // 2, top)
    bottom = below = top + height
    side_by_side = sum(_width(child) for child in block.branches) + GAP_X * max(len(block.branches) - 1, 0)
    x = left + (block.width - side_by_side) // 2
    for child in block.branches:
        if isinstance(child, _Block):
            below = max(below, _place(child, x, bottom + GAP_Y, sizes, places, lanes))
        else:
            lanes[child] = x + LANE // 2
        x += _width(child) + GAP_X
    for joined in block.joined:
        below = _place(joined, left + (block.width - joined.width) // 2, below + GAP_Y, sizes, places, lanes)
    return below


def _push_down(ways: Sequence[Way], back: set[Way], places: dict[str, Point], sizes: Mapping[str, Size]) -> None:
    """A step always stands below every step that leads to it, also across blocks."""
    for _ in places:
        moved = False
        for way in ways:
            if way in back:
                continue
            lowest = places[way.source][1] + sizes[way.source][1] + GAP_Y
            x, y = places[way.target]
            if y < lowest:
                places[way.target] = (x, lowest)
                moved = True
        if not moved:
            return


def _drawn(
    ways: Sequence[Way], back: set[Way], places: dict[str, Point], lanes: Mapping[Way, int], sizes: Mapping[str, Size]
) -> Layout:
    left = _MARGIN + (LANE // 2 * len(back))
    places = {name: (x + left, y + _MARGIN) for name, (x, y) in places.items()}
    side = left - LANE // 2
    corners: dict[Way, tuple[Point, ...]] = {}
    for way in ways:
        (x1, y1), (x2, y2) = places[way.source], places[way.target]
        from_x, from_y = x1 + sizes[way.source][0] // 2, y1 + sizes[way.source][1]
        to_x, to_y = x2 + sizes[way.target][0] // 2, y2
        middle = from_y + GAP_Y // 2
        if way in back:
            points = [
                (from_x, from_y),
                (from_x, middle),
                (side, middle),
                (side, to_y - GAP_Y // 3),
                (to_x, to_y - GAP_Y // 3),
            ]
            side -= LANE // 2
        elif way in lanes:
            lane = lanes[way] + left
            points = [
                (from_x, from_y),
                (from_x, middle),
                (lane, middle),
                (lane, to_y - GAP_Y // 2),
                (to_x, to_y - GAP_Y // 2),
            ]
        elif to_y - from_y > GAP_Y:
            points = [(from_x, from_y), (from_x, to_y - GAP_Y // 2), (to_x, to_y - GAP_Y // 2)]
        else:
            points = [(from_x, from_y), (from_x, middle), (to_x, middle)]
        corners[way] = _plain([*points, (to_x, to_y)])
    right = max((x + sizes[name][0] for name, (x, _) in places.items()), default=0)
    bottom = max((y + sizes[name][1] for name, (_, y) in places.items()), default=0)
    return Layout(places, corners, right + _MARGIN, bottom + _MARGIN)


def _plain(points: Sequence[Point]) -> tuple[Point, ...]:
    """Without corners that are none."""
    kept: list[Point] = []
    for point in points:
        if kept and point == kept[-1]:
            continue
        while len(kept) > 1 and (kept[-2][0] == kept[-1][0] == point[0] or kept[-2][1] == kept[-1][1] == point[1]):
            kept.pop()
        kept.append(point)
    return tuple(kept)
