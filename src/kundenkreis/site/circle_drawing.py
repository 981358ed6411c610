"""The circle as a drawing: a ring of arcs clockwise from the top, inside it the moves as ribbons. Geometry only, no words.

An arc spreads over as much area as there are people in its phase; anonymous visitors lie apart from it, further out. A ribbon is as
wide as people moved, and has the colour of the phase they moved to.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, pi, radians, sin, sqrt

from kundenkreis.site.ports.start import Move, PhaseCount

SIZE = 480
"""Width and height of the drawing."""
_CENTRE = SIZE / 2
_INNER, _OUTER = 152.0, 232.0
"""Radius at which arcs begin, and beyond which none reaches."""
_GAP_DEGREES = 5.0
_APART = 4.0
"""Between the known and the anonymous of a phase."""
_TRACK = 3.0
"""Thickness of the line that marks a phase, whoever is in it."""
_ENDS = 143.0
"""Radius at which ribbons begin and end."""
_WIDEST, _NARROWEST = 15.0, 1.5
_SLOTS = (0.12, 0.05, -0.02, -0.09, -0.27)
"""Where a ribbon leaves its arc, as part of it from the middle on, by how many phases on it goes; it arrives at the mirrored place.
So few cross, and the way there wraps itself around the way back."""
_HEAD = 7.0
_LABELLED = 6
"""Ribbons that carry their number in the drawing; all are in the list beside it."""
_LABEL_AT = 0.34
"""Where on its way a ribbon carries its number: before the middle, so that there and back do not cover each other."""
_LABEL_PART = 0.26
"""Least part of the widest ribbon for a number to stand on it."""


@dataclass(frozen=True, kw_only=True)
class Arc:
    """One phase of the ring, as paths."""

    phase: str
    track: str
    known: str
    """"" if nobody is known there."""
    anonymous: str


@dataclass(frozen=True, kw_only=True)
class Ribbon:
    """One move, as a line with its head."""

    move: Move
    line: str
    width: str
    head: str
    label: tuple[str, str] | None
    """Where its number stands; None: in the list alone."""


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """The whole circle."""

    arcs: tuple[Arc, ...]
    ribbons: tuple[Ribbon, ...]
    """The widest last, so that it lies on top."""


def draw_circle(phases: Sequence[PhaseCount], moves: Sequence[Move]) -> Drawing:
    """The drawing of these phases, clockwise from the top, and of the moves between them."""
    places = {one.phase: place for place, one in enumerate(phases)}
    shown = [move for move in moves if move.from_phase in places and move.to_phase in places]
    most = max((move.people for move in shown), default=0)
    ribbons = [_ribbon(move, places, most, rank) for rank, move in enumerate(shown)]
    scale = _scale(phases)
    return Drawing(
        arcs=tuple(_arc(one, place, len(phases), scale) for place, one in enumerate(phases)),
        ribbons=tuple(reversed(ribbons)),
    )


def _scale(phases: Sequence[PhaseCount]) -> float:
    """Square units of one person, so that the fullest phase just reaches the outer edge."""
    most = max((one.people.known + one.people.anonymous for one in phases), default=0)
    room = (_OUTER - _APART) ** 2 - (_INNER + _TRACK) ** 2
    return room / most if most else 0.0


def _arc(one: PhaseCount, place: int, places: int, scale: float) -> Arc:
    begin, end = place * 360 / places + _GAP_DEGREES / 2, (place + 1) * 360 / places - _GAP_DEGREES / 2
    base = _INNER + _TRACK
    known_to = sqrt(base**2 + scale * one.people.known)
    from_radius = known_to + (_APART if one.people.anonymous else 0.0)
    anonymous_to = sqrt(from_radius**2 + scale * one.people.anonymous)
    return Arc(
        phase=one.phase,
        track=_sector(begin, end, _INNER, _INNER + _TRACK),
        known=_sector(begin, end, _INNER, known_to) if one.people.known else "",
        anonymous=_sector(begin, end, from_radius, anonymous_to) if one.people.anonymous else "",
    )


def _ribbon(move: Move, places: dict[str, int], most: int, rank: int) -> Ribbon:
    count = len(places)
    begin, end = places[move.from_phase], places[move.to_phase]
    steps = (end - begin) % count
    side = 360 / count
    slot = _SLOTS[min(round((steps - 1) * (len(_SLOTS) - 1) / max(count - 2, 1)), len(_SLOTS) - 1)]
    from_degrees = (begin + 0.5 + slot) * side
    to_degrees = (end + 0.5 - slot) * side
    width = max(_WIDEST * move.people / most, _NARROWEST)
    head = max(_HEAD, width * 0.9)
    near = min(steps, count - steps)
    bend = 0.72 if steps == 1 else {1: 0.82, 2: 0.42}.get(near, 0.2)
    start = _point(from_degrees, _ENDS)
    stop = _point(to_degrees, _ENDS - head)
    first, second = _point(from_degrees, _ENDS * bend), _point(to_degrees, _ENDS * bend)
    tip = _point(to_degrees, _ENDS)
    across = (cos(radians(to_degrees)) * head * 0.75, sin(radians(to_degrees)) * head * 0.75)
    along = _LABEL_AT
    weights = ((1 - along) ** 3, 3 * (1 - along) ** 2 * along, 3 * (1 - along) * along**2, along**3)
    place = [
        sum(weight * part for weight, part in zip(weights, parts, strict=True))
        for parts in zip(start, first, second, stop, strict=True)
    ]
    is_labelled = rank < _LABELLED and move.people >= most * _LABEL_PART and near < 3
    return Ribbon(
        move=move,
        line=f"M{_pair(*start)}C{_pair(*first)} {_pair(*second)} {_pair(*stop)}",
        width=f"{width:.1f}",
        head=f"M{_pair(*tip)}L{_pair(stop[0] + across[0], stop[1] + across[1])}L{_pair(stop[0] - across[0], stop[1] - across[1])}Z",
        label=(f"{place[0]:.1f}", f"{place[1]:.1f}") if is_labelled else None,
    )


def _sector(begin: float, end: float, inner: float, outer: float) -> str:
    """A piece of a ring between two angles and two radii."""
    large = 1 if end - begin > 180 else 0
    a, b = _point(begin, outer), _point(end, outer)
    c, d = _point(end, inner), _point(begin, inner)
    return (
        f"M{_pair(*a)}A{outer:.2f} {outer:.2f} 0 {large} 1 {_pair(*b)}"
        f"L{_pair(*c)}A{inner:.2f} {inner:.2f} 0 {large} 0 {_pair(*d)}Z"
    )


def _point(degrees: float, radius: float) -> tuple[float, float]:
    """Clockwise from the top."""
    angle = degrees * pi / 180
    return _CENTRE + radius * sin(angle), _CENTRE - radius * cos(angle)


def _pair(x: float, y: float) -> str:
    return f"{x:.2f} {y:.2f}"
