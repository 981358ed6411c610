"""How handing a message to a channel can end. Values, because each is expected; the dispatcher records them."""

import msgspec

from kundenkreis.channels.core.smtp_replies import ReplyClass, Stage


class Reply(msgspec.Struct, frozen=True, gc=False):
    """What a server said, or that it said nothing."""

    stage: Stage
    code: int
    """Three digits; 0 if the connection broke, timed out or answered what is no reply."""
    enhanced: str
    text: str

    def line(self) -> str:
        """One line for the record: "rcpt 550 5.1.1 User unknown"."""
        return " ".join(part for part in (self.stage, str(self.code), self.enhanced, self.text) if part)[:1000]


class Sent(msgspec.Struct, frozen=True, gc=False):
    """The channel has taken the message over."""

    reply: Reply | None = None
    queue_id: str = ""
    row: "MailboxRow | None" = None
    """For the local mailbox: what to store in the same transaction that records the hand-over."""


class Retry(msgspec.Struct, frozen=True, gc=False):
    """Not taken, but may be later: nothing was accepted."""

    answer: ReplyClass
    reply: Reply


class Rejected(msgspec.Struct, frozen=True, gc=False):
    """Not taken, and not to be tried again as it is: nothing was accepted."""

    answer: ReplyClass
    reply: Reply


class Fenced(msgspec.Struct, frozen=True, gc=False):
    """`before_handover` said no: the connection was closed before the final dot, so nothing was accepted."""


class Uncertain(msgspec.Struct, frozen=True, gc=False):
    """The final dot was written and no answer came: nobody knows whether it was accepted (trust 1.2)."""

    reply: Reply


Outcome = Sent | Retry | Rejected | Fenced | Uncertain


class MailboxRow(msgspec.Struct, frozen=True, gc=False):
    """One message in the local mailbox, as its table keeps it."""

    message_id: bytes
    profile_id: int
    handed_over_us: int
    to_address: str
    from_address: str
    subject: str
    language: str
    body: bytes
    """Text and HTML, compressed together; see `kundenkreis.channels.mailbox.unpack_body`."""
    headers: str
    """JSON object of the remaining headers."""
    content_id: str
    content_version: str
