"""What the status page asks: how the installation is doing."""

from dataclasses import dataclass
from typing import Literal, Protocol


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
    free_bytes: int | None = None
    """Room for this account on the disk of the data folder; None if the system does not say."""
    clock_behind_us: int = 0
    """How far the machine's clock stands behind the newest instant of the data; 0 if it does not."""
    unsent_us: int = 0
    """For how long the oldest message that is due has waited for its hand-over, unless sending is paused or stopped."""


Problem = Literal[
    "not_running", "disk_full", "clock_behind", "sending_paused", "sending_stopped", "events_late", "dates_late", "messages_late"
]  # fmt: skip
LEAST_FREE_BYTES = 256 << 20
"""Less room than this is as good as none: the write-ahead log of a busy hour needs more."""
LATE_US = 10 * 1_000_000
"""Past this the installation is behind: ten times the lag promised under load."""
DATES_LATE_US = 60 * 1_000_000
MESSAGES_LATE_US = 3_600 * 1_000_000
"""As long as a large broadcast may take."""
CLOCK_BEHIND_US = 60 * 1_000_000


def problems_of(status: Status) -> list[Problem]:
    """What somebody has to look at, the worst first; empty where everything runs and keeps up."""
    wake_us = status.next_wake_us
    held: list[tuple[Problem, bool]] = [
        ("not_running", any(not role.is_alive for role in status.roles)),
        ("disk_full", status.free_bytes is not None and status.free_bytes < LEAST_FREE_BYTES),
        ("clock_behind", status.clock_behind_us > CLOCK_BEHIND_US),
        ("sending_paused", status.paused is not None),
        ("sending_stopped", status.stopped is not None),
        ("events_late", status.lag_us > LATE_US),
        ("dates_late", wake_us is not None and status.at_us - wake_us > DATES_LATE_US),
        ("messages_late", status.unsent_us > MESSAGES_LATE_US),
    ]
    return [problem for problem, holds in held if holds]


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
