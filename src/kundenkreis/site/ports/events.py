"""What the pages of events ask: what is coming in, one event as it came, and what was set aside with its reason."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class EventQuery:
    """What the stream is asked for. Everything given must hold."""

    name: str = ""
    source: str = ""
    profile_id: int | None = None
    with_derived: bool = False
    """Also what followed from other events."""
    cursor: str = ""
    limit: int = 50


@dataclass(frozen=True, kw_only=True)
class EventLine:
    """One event on the log."""

    number: int
    name: str
    """Its name; of an event without one, its type."""
    at_us: int
    profile_id: int
    person: str
    """Their name; "" if nothing names them."""
    origin: str
    source: str
    is_late: bool


@dataclass(frozen=True, kw_only=True)
class EventPage:
    """A stretch of the stream, newest first."""

    lines: tuple[EventLine, ...]
    next_cursor: str
    """What to pass as `cursor` for older ones; "" at the end."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """One event with everything that came with it."""

    line: EventLine
    event_id: str
    happened_us: int
    received_us: int
    actor: str
    reason: str
    body: str
    """As it came: JSON, indented."""


@dataclass(frozen=True, kw_only=True)
class SetAside:
    """An event that could not be understood."""

    id: int
    received_us: int
    source: str
    code: str
    detail: str
    raw: str
    """As it came."""
    can_replay: bool


@dataclass(frozen=True, kw_only=True)
class SetAsidePage:
    """A stretch of the quarantine, newest first."""

    lines: tuple[SetAside, ...]
    total: int
    next_cursor: str


class EventSource(Protocol):
    """Reads events, and sends in again what was set aside."""

    def find_events(self, query: EventQuery) -> EventPage:
        """The stream, newest first."""
        ...

    def find_event(self, number: int) -> Event | None:
        """One event, None if there is none of this number."""
        ...

    def find_set_aside(self, *, cursor: str, limit: int) -> SetAsidePage:
        """What lies in quarantine and was not sent in again."""
        ...

    def replay(self, ids: tuple[int, ...]) -> int:
        """Send these in again, with all checks; () = all. Returns how many."""
        ...
