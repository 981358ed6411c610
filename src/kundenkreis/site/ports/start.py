"""What the start page asks: the circle with the people in it, and the figures of daily work, each counted at one instant."""

from dataclasses import dataclass
from typing import Protocol

PERIODS = (7, 30, 90)
"""Days that the circle's moves can be asked for: today and the days before."""


@dataclass(frozen=True, kw_only=True)
class People:
    """How many people, those somebody knows apart from anonymous visitors."""

    known: int = 0
    anonymous: int = 0


@dataclass(frozen=True, kw_only=True)
class SubStateCount:
    """A sub-state of a phase and who is in it."""

    sub_state: str
    people: People


@dataclass(frozen=True, kw_only=True)
class PhaseCount:
    """A phase and who is in it now."""

    phase: str
    people: People
    sub_states: tuple[SubStateCount, ...]
    """In the order of the rulebook; without those who are in none."""


@dataclass(frozen=True, kw_only=True)
class Move:
    """People who went from one phase to another within the period and are not back at its end."""

    from_phase: str
    to_phase: str
    people: int


@dataclass(frozen=True, kw_only=True)
class NetChange:
    """How many more people are in a phase now than at the begin of the period."""

    phase: str
    people: int


@dataclass(frozen=True, kw_only=True)
class PeriodMoves:
    """What moved on the circle in a period."""

    days: int
    since_us: int
    moves: tuple[Move, ...]
    """Most people first."""
    net: tuple[NetChange, ...]


@dataclass(frozen=True, kw_only=True)
class Circle:
    """Everybody on the circle at one instant."""

    at_us: int
    phases: tuple[PhaseCount, ...]
    """Clockwise from the top: from first attention on."""
    periods: tuple[PeriodMoves, ...]


@dataclass(frozen=True, kw_only=True)
class StartFigures:
    """What has been counted; None: not yet."""

    circle: Circle | None = None


class StartSource(Protocol):
    """Reads what the start page shows. Nothing is counted while somebody waits."""

    def read_figures(self) -> StartFigures:
        """The figures as last counted."""
        ...
