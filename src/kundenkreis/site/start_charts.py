"""The small charts of the start page as drawings: stacked columns with a line, and a line. Geometry only, no words."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 520, 150
_GAP = 3.0


@dataclass(frozen=True, kw_only=True)
class Column:
    """One stacked column: (class, y, height) per part, from the foot up."""

    x: str
    width: str
    parts: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Stacked columns and the line above them."""

    columns: tuple[Column, ...]
    line: str
    """Points of a polyline; "" if there is nothing to compare with."""


def draw_columns(stacks: Sequence[Sequence[tuple[str, int]]], line: Sequence[int]) -> Columns:
    """Columns of (class, value) parts on one scale with a line through the middle of each column."""
    most = max([sum(max(value, 0) for _, value in stack) for stack in stacks] + [*line, 1])
    step = WIDTH / max(len(stacks), 1)
    columns = []
    for place, stack in enumerate(stacks):
        foot = float(HEIGHT)
        parts = []
        for name, value in stack:
            height = HEIGHT * max(value, 0) / most
            foot -= height
            if height:
                parts.append((name, f"{foot:.2f}", f"{height:.2f}"))
        columns.append(Column(x=f"{place * step + _GAP / 2:.2f}", width=f"{step - _GAP:.2f}", parts=tuple(parts)))
    points = " ".join(
        f"{(place + 0.5) * step:.1f},{HEIGHT - HEIGHT * max(value, 0) / most:.1f}" for place, value in enumerate(line)
    )
    return Columns(columns=tuple(columns), line=points if any(line) else "")


@dataclass(frozen=True, kw_only=True)
class RateLine:
    """Rates with their intervals: dots where there are enough people, joined where neighbours are."""

    points: tuple[tuple[str, str, str, str], ...]
    """x, y, and y of both ends of the interval."""
    line: str


def draw_rates(rates: Sequence[tuple[float, float, float] | None]) -> RateLine:
    """(rate, lower, upper) between 0 and 1 per place, None where there are too few people."""
    step = WIDTH / max(len(rates), 1)
    points = [
        (f"{(place + 0.5) * step:.1f}", *(f"{HEIGHT * (1 - part):.1f}" for part in rate))
        for place, rate in enumerate(rates)
        if rate is not None
    ]
    return RateLine(
        points=tuple((x, y, low, high) for x, y, low, high in points),
        line=" ".join(f"{x},{y}" for x, y, _, _ in points),
    )
