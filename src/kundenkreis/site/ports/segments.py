"""What the pages about segments ask: who is in, how that moved, who uses it, and how many a condition would hold for."""

from dataclasses import dataclass
from typing import Any, Protocol

from kundenkreis.site.ports.customers import CustomerLine, Named

Path = tuple[str | int, ...]
"""Where in a condition: ("all", 0, "event", "name")."""


@dataclass(frozen=True, kw_only=True)
class SegmentLine:
    """One segment in the list."""

    named: Named
    members: int
    entered: int
    """People who came in within 30 days, those whom publishing brought in included."""
    left: int
    """People who went out within 30 days."""
    used_by: int
    """Definitions that name it."""
    has_draft: bool
    is_published: bool


@dataclass(frozen=True, kw_only=True)
class UsedBy:
    """A definition that names a segment."""

    kind: str
    """journey, segment, phases, score, policy, content."""
    named: Named


@dataclass(frozen=True, kw_only=True)
class Segment:
    """One segment as it is in force, or its draft where nothing is."""

    line: SegmentLine
    document: dict[str, Any]
    """As in a definitions file, `kind` and `id` included."""
    used_by: tuple[UsedBy, ...]
    since_version: int
    """Rulebook version in force; 0 before anything was published."""


@dataclass(frozen=True, kw_only=True)
class DayCount:
    """Members at the end of a day of the installation, and who came and went on it."""

    day: int
    """Days since 1970-01-01 in the installation's zone."""
    members: int
    entered: int
    left: int


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """How many people a condition holds for now."""

    people: int
    """An estimate unless `is_exact`."""
    margin: int
    """Half the width of the 95 % interval; 0 if exact."""
    of: int
    """Everybody asked about: all customers of whom there is a state."""
    asked: int
    """Those really asked, chosen by a hash."""
    is_exact: bool
    sample: tuple[CustomerLine, ...]
    """Some for whom it holds."""
    mistakes: tuple[tuple[Path, str], ...] = ()
    """Why it cannot be asked, each with its place; everything else is 0 then."""
    as_of_us: int = 0
    """Of a count that took a while: when it began, so that nobody was asked before; 0: asked just now, all in one instant."""


class Segments(Protocol):
    """Answers about segments."""

    def list_segments(self) -> tuple[SegmentLine, ...]:
        """Every segment in force or in draft, those in force first, by name."""
        ...

    def find_segment(self, segment_id: str) -> Segment | None:
        """One segment, None if there is none of this id."""
        ...

    def members_by_day(self, segment_id: str, days: int) -> tuple[DayCount, ...]:
        """The last days, oldest first, today included."""
        ...

    def choices(self) -> dict[str, tuple[Named, ...]]:
        """What conditions may name, by kind: segment, score, phase, sub_state, situation, purpose, trait."""
        ...

    def estimate(self, condition: Any, *, budget_ms: int) -> Estimate:
        """How many a condition holds for: everybody where that fits into the budget, else a fair sample of them."""
        ...
