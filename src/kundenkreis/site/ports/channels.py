"""What the page about channels asks: how messages leave, and a test message through it."""

from dataclasses import dataclass
from typing import Literal, Protocol

TriedKind = Literal["mailbox", "sent", "later", "refused", "unclear", "address"]


@dataclass(frozen=True, kw_only=True)
class ChannelLine:
    """One way to reach people."""

    id: str
    """Slug of the implementation: mailbox, email_smtp, ..."""
    serves: str
    """What journeys call it: email, sms, ..."""
    server: str
    """Host and port; "" where there is none."""
    encryption: str
    """starttls, tls, none; "" where there is no server."""
    sender: str


@dataclass(frozen=True, kw_only=True)
class TriedMail:
    """How a test message ended."""

    kind: TriedKind
    reply: str = ""
    """What the server said, in its own words."""
    message_id: str = ""
    """Hex, of the message in the local mailbox."""


class Channels(Protocol):
    """Answers about channels."""

    def list_channels(self) -> tuple[ChannelLine, ...]:
        """Every channel that messages go out by."""
        ...

    def send_test(self, address: str, *, subject: str, text: str, language: str) -> TriedMail:
        """An e-mail to this address through the configured channel; waits for the server's answer, at most about a minute."""
        ...
