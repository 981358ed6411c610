"""What the status page asks: how the installation is doing."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class Role:
    """One process or thread of the installation."""

    name: str
    """web, resolver, worker, dispatcher."""
    is_alive: bool
    since_us: int
    restarts: int


@dataclass(frozen=True, kw_only=True)
class WakeUps:
    """How many customers wake up in a span of time from now."""

    until_us: int
    customers: int


@dataclass(frozen=True, kw_only=True)
class Quarantined:
    """Something that was set aside so that it stops nobody else."""

    kind: str
    """event, customer."""
    name: str
    """The event's name, or the customer's id."""
    reason: str
    since_us: int


@dataclass(frozen=True, kw_only=True)
class ChannelSending:
    """What one channel has done with the messages of the outbox."""

    channel: str
    waiting: int
    handed_over: int
    failed: int
    uncertain: int


@dataclass(frozen=True, kw_only=True)
class PausedSending:
    """Sending waits for a person, because the database was restored from a backup."""

    since_us: int
    found: int
    """Messages that had gone out without the database knowing; they will not go out again."""
    missing: int
    """Lines of the journal of sent messages that cannot be read: what they named may go out a second time."""


@dataclass(frozen=True, kw_only=True)
class StoppedSending:
    """Nothing goes out, because it could not be noted."""

    since_us: int
    detail: str
    """In the words of the system."""


@dataclass(frozen=True, kw_only=True)
class ServerAnswer:
    """What a receiving server said to messages that wait for their next try."""

    text: str
    """Stage, code and words: auth 535 5.7.8 Authentication failed. Without addresses."""
    messages: int
    """Of the 2,000 that wait longest from now on."""
    next_try_us: int
    """When the first of them is tried again."""


def held_since_us(paused: PausedSending | None, stopped: StoppedSending | None) -> int | None:
    """Since when no message goes out; None if they do."""
    return min((held.since_us for held in (paused, stopped) if held is not None), default=None)


@dataclass(frozen=True, kw_only=True)
class Status:
    """How the installation is doing at one instant."""

    at_us: int
    store: str
    """SQLite, PostgreSQL."""
    customers: int
    newest_row: int
    """Its number: an upper bound of the rows there are."""
    rulebook_version: int
    lag_us: int
    """Age of the oldest row that is not folded yet; 0 if all are."""
    inbox_rows: int
    """Acknowledged, not yet on the log."""
    unfolded_rows: int
    """On the log, not yet folded."""
    overdue_wake_ups: int
    next_wake_us: int | None
    wake_ups: tuple[WakeUps, ...]
    quarantine: tuple[Quarantined, ...]
    """The newest of them."""
    quarantined_total: int
    sending: tuple[ChannelSending, ...]
    roles: tuple[Role, ...]
    paused: PausedSending | None = None
    """Somebody has to let messages go out again."""
    stopped: StoppedSending | None = None
    """Nothing goes out; it heals by itself."""
    answers: tuple[ServerAnswer, ...] = ()
    """The most frequent ones."""


class StatusSource(Protocol):
    """Answers how the installation is doing."""

    def read_status(self) -> Status:
        """The status now. Cheap: no table is read in full."""
        ...

    def sending_held_since_us(self) -> int | None:
        """Since when no message goes out, paused or stopped; None if they do. For every page that shows messages."""
        ...

    def resume_sending(self, actor: str) -> bool:
        """Let messages go out again after a backup was restored; False if sending was not paused."""
        ...
