"""The drawing of the circle: areas stand for people, ribbons lead from phase to phase."""

import re
from math import hypot, pi

from kundenkreis.site.circle_drawing import SIZE, draw_circle
from kundenkreis.site.ports.start import Move, People, PhaseCount

PHASES = tuple(
    PhaseCount(phase=phase, people=People(known=known, anonymous=anonymous), sub_states=())
    for phase, known, anonymous in (
        ("attention", 0, 400), ("trust", 200, 100), ("purchase", 0, 0), ("care", 100, 0), ("loyalty", 300, 0), ("winback", 400, 0),
    )
)  # fmt: skip


def area(path: str) -> float:
    """Of a piece of a ring between two radii, as far as it spans."""
    outer, inner = (float(radius) for radius in re.findall(r"A([\d.]+) ", path))
    return pi * (outer**2 - inner**2)


def test_area_of_an_arc_stands_for_its_people() -> None:
    arcs = {arc.phase: arc for arc in draw_circle(PHASES, ()).arcs}
    person = area(arcs["winback"].known) - area(arcs["loyalty"].known)
    assert round((area(arcs["loyalty"].known) - area(arcs["trust"].known)) / person, 2) == 1
    assert round((area(arcs["trust"].known) - area(arcs["care"].known)) / person, 2) == 1
    assert round(area(arcs["trust"].anonymous) / person, 2) == 1
    assert (arcs["purchase"].known, arcs["purchase"].anonymous, arcs["attention"].known) == ("", "", "")


def test_nothing_leaves_the_drawing() -> None:
    for arc in draw_circle(PHASES, ()).arcs:
        for path in (arc.track, arc.known, arc.anonymous):
            for x, y in re.findall(r"[ML]([\d.]+) ([\d.]+)", path):
                assert hypot(float(x) - SIZE / 2, float(y) - SIZE / 2) <= SIZE / 2


def test_the_widest_ribbon_lies_on_top_and_carries_its_number() -> None:
    moves = (
        Move(from_phase="trust", to_phase="purchase", people=80),
        Move(from_phase="care", to_phase="winback", people=4),
        Move(from_phase="care", to_phase="gone", people=70),
    )
    ribbons = draw_circle(PHASES, moves).ribbons
    assert [(ribbon.move.people, ribbon.width) for ribbon in ribbons] == [(4, "1.5"), (80, "15.0")]
    assert [ribbon.label is not None for ribbon in ribbons] == [False, True]


def test_an_empty_circle_is_a_ring_of_lines() -> None:
    nobody = tuple(PhaseCount(phase=one.phase, people=People(), sub_states=()) for one in PHASES)
    drawing = draw_circle(nobody, ())
    assert [(bool(arc.track), arc.known, arc.anonymous) for arc in drawing.arcs] == [(True, "", "")] * 6
    assert drawing.ribbons == ()
