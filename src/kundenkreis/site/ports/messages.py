"""What the mailbox pages ask: messages that were handed over, each with its verdicts."""

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
