"""What the event catalogue asks: which events have come in, how often and when, and what waits for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class EventSeen:
    """One kind of event as it has come in."""

    name: str
    count: int
    first_us: int
    """When the earliest of them happened, as far as they said."""
    last_us: int


@dataclass(frozen=True, kw_only=True)
class EventsSeen:
    """Everything that has come in up to one instant."""

    at_us: int
    counted_to: int
    """The number of the last row of the log that was counted."""
    is_whole: bool
    """False while older rows are still being counted."""
    events: tuple[EventSeen, ...]


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A definition that names an event."""

    kind: str
    id: str
    names: Mapping[str, str]
    """Language -> name."""


@dataclass(frozen=True, kw_only=True)
class EventLine:
    """One event of the catalogue."""

    name: str
    seen: EventSeen | None
    """None: it has never come in."""
    waiting: tuple[Waiting, ...]


@dataclass(frozen=True, kw_only=True)
class EventCatalogueAnswer:
    """The catalogue; `at_us` is 0 while nothing has been counted."""

    at_us: int
    is_whole: bool
    lines: tuple[EventLine, ...]
    """Expected events that never came first, then the most frequent first."""


class EventCatalogue(Protocol):
    """Answers about events."""

    def read_catalogue(self) -> EventCatalogueAnswer:
        """Every event that came in or that a definition in force waits for; two small reads, however long the log is."""
        ...
