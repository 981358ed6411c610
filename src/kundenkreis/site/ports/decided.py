"""What the pages of messages ask: every message ever decided about, with its verdict and what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from kundenkreis.site.ports.messages import Message, Reason, Verdict

Fate = Literal["withheld", "waiting", "delivered", "open", "bounced", "uncertain"]
"""Decided = withheld + waiting + handed over; handed over = delivered + open (no answer yet) + bounced + uncertain."""
FATES: tuple[Fate, ...] = ("withheld", "waiting", "delivered", "open", "bounced", "uncertain")


@dataclass(frozen=True, kw_only=True)
class DecidedQuery:
    """What the list is asked for. Everything given must hold."""

    text: str = ""
    """Anything that names the person."""
    fate: str = ""
    reason: str = ""
    """Rule that refused."""
    outcome: str = ""
    """Of the newest verdict."""
    journey_id: str = ""
    channel: str = ""
    content_id: str = ""
    since_us: int = 0
    until_us: int | None = None
    """Decided within these instants, the end not included."""
    cursor: str = ""
    limit: int = 50


@dataclass(frozen=True, kw_only=True)
class DecidedLine:
    """One decided message."""

    message_id: str
    """Lower-case hexadecimal of the effect id."""
    decided_us: int
    profile_id: int
    name: str
    """Of the person; "" if nothing names them."""
    channel: str
    content_id: str
    message_class: str
    journey_id: str
    fate: Fate
    outcome: str
    """Of the newest verdict."""
    reason: Reason | None
    """The deciding refusal of the newest verdict; None if it was none."""


@dataclass(frozen=True, kw_only=True)
class DecidedPage:
    """A stretch of the list, newest decision first."""

    lines: tuple[DecidedLine, ...]
    next_cursor: str
    """What to pass as `cursor` for older ones; "" at the end."""
    searched_to_us: int | None
    """How far back this stretch looked before it stopped without being full; None: it is full, or nothing is older."""


@dataclass(frozen=True, kw_only=True)
class DecidedMessage:
    """One decided message with everything known about it."""

    line: DecidedLine
    verdicts: tuple[Verdict, ...]
    """Every judgement, oldest first."""
    sent: Message | None
    """As it was sent, where it was kept."""
    reply: str
    """What the receiving server said."""


@dataclass(frozen=True, kw_only=True)
class Names:
    """Names by id, each by language."""

    journeys: Mapping[str, Mapping[str, str]]
    contents: Mapping[str, Mapping[str, str]]
    purposes: Mapping[str, Mapping[str, str]]


class DecidedMessages(Protocol):
    """Reads decided messages."""

    def find_messages(self, query: DecidedQuery) -> DecidedPage:
        """Messages that match, newest decision first."""
        ...

    def find_message(self, message_id: str) -> DecidedMessage | None:
        """One message, None if there is none of this id."""
        ...

    def names(self) -> Names:
        """What journeys, contents and purposes of the newest rulebook are called."""
        ...
