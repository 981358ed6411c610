"""What the pages ask of the rest of Kundenkreis: two questions, answered by whoever mounts the site.

The site knows no store. `runtime/web.py` hands it objects that answer these protocols.
"""

from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, kw_only=True)
class Reason:
    """One rule that the contact policy asked, and what it answered."""

    rule_id: str
    """The question that was passed, or the rule that refused."""
    passed: bool
    detail: tuple[Any, ...] = ()
    """Particulars as the policy gives them: the cap, the situation, the instant (docs/reference/contact-policy.md)."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The contact policy's answer about a message, as of one judgement."""

    at_us: int
    outcome: str
    """planned, released, postponed, withheld, displaced, expired, cancelled, handed_over, failed."""
    reasons: tuple[Reason, ...]
    """In the order asked; the deciding one first."""
    basis: str
    """express_consent, existing_customer, contract, requested, ...; "" if none was found."""
    message_class: str
    """transactional, service, marketing."""
    purpose: str
    due_us: int
    journey_id: str
    step_id: str
    rulebook_version: int


@dataclass(frozen=True, kw_only=True)
class MessageLine:
    """One message in the mailbox's list."""

    message_id: str
    """Lower-case hexadecimal of the effect id."""
    at_us: int
    recipient: str
    subject: str
    preview: str
    """The first words of the text."""
    message_class: str
    journey_id: str
    is_uncertain: bool
    """Whether the hand-over ended without a known answer."""


@dataclass(frozen=True, kw_only=True)
class MessagePage:
    """A stretch of the list, newest first."""

    lines: tuple[MessageLine, ...]
    total: int
    """How many messages match in all."""
    next_cursor: str
    """What to pass as `cursor` for older messages; "" at the end."""


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message as it was handed over."""

    line: MessageLine
    sender: str
    html: str
    """The HTML part; "" if there is none."""
    text: str
    headers: tuple[tuple[str, str], ...]
    """Name and value, decoded, in the order of the source."""
    source: str
    """The whole message as sent, headers and body."""
    verdicts: tuple[Verdict, ...]
    """Every judgement of this message, oldest first. None at all is a bug, which the page then says."""


class Mailbox(Protocol):
    """The built-in channel that keeps messages instead of sending them."""

    def search_messages(self, query: str, *, cursor: str, limit: int) -> MessagePage:
        """Messages whose recipient or subject holds every word of the query, newest first. "" matches all."""
        ...

    def find_message(self, message_id: str) -> Message | None:
        """One message, or None if there is none of this id."""
        ...


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
class Sending:
    """What one channel has done with the messages of the outbox."""

    channel: str
    waiting: int
    handed_over: int
    failed: int
    uncertain: int


@dataclass(frozen=True, kw_only=True)
class Status:
    """How the installation is doing at one instant."""

    at_us: int
    store: str
    """SQLite, PostgreSQL."""
    customers: int
    log_rows: int
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
    sending: tuple[Sending, ...]
    roles: tuple[Role, ...]


class StatusSource(Protocol):
    """Answers how the installation is doing."""

    def read_status(self) -> Status:
        """The status now. Cheap: no table is read in full."""
        ...
