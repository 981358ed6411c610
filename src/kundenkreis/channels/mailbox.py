"""The local mailbox: the default way e-mail is handed over, so that a newcomer sees every message without configuring.

Handing over is a row in the same transaction that records it, so it happens exactly once.
"""

import zlib
from collections.abc import Callable

import msgspec

from kundenkreis.channels.core.channel import Handover, NotPrepared, Prepared
from kundenkreis.channels.core.email import PreparedEmail, prepare_email
from kundenkreis.channels.core.mime import readable_headers
from kundenkreis.channels.core.outcomes import MailboxRow, Outcome, Sent

_SEPARATOR = b"\x00"
"""Between text and HTML; neither can hold it, because rendering drops it."""


def pack_body(text: str, html: str) -> bytes:
    """Text and HTML compressed together: they share most of their words."""
    clean = (part.replace("\x00", "").encode("utf-8", "replace") for part in (text, html))
    return zlib.compress(_SEPARATOR.join(clean), 6)


def unpack_body(body: bytes) -> tuple[str, str]:
    """(text, HTML) of a stored body."""
    text, _, html = zlib.decompress(body).partition(_SEPARATOR)
    return text.decode("utf-8"), html.decode("utf-8")


class MailboxChannel:
    """E-mail into the local mailbox."""

    id = "mailbox"
    serves = "email"

    def render(self, handover: Handover) -> Prepared | NotPrepared:
        """The mail as a row of the mailbox."""
        email = prepare_email(handover)
        if isinstance(email, NotPrepared):
            return email
        return Prepared(
            handover.message.effect_id, "", email.rendered.language, _row(handover, email), email.to.original
        )

    def open(self) -> "MailboxSession":
        """A session; there is nothing to connect to."""
        return MailboxSession()


class MailboxSession:
    """Hands over by returning the row."""

    def deliver(self, prepared: Prepared, *, before_handover: Callable[[], bool]) -> Outcome:
        """The row to store in the transaction that records the hand-over."""
        return Sent(row=prepared.payload)

    def close(self) -> None:
        """Nothing is open."""

    def abort(self) -> None:
        """Nothing is open."""


def _row(handover: Handover, email: PreparedEmail) -> MailboxRow:
    return MailboxRow(
        message_id=handover.message.effect_id,
        profile_id=handover.message.profile_id,
        handed_over_us=handover.at_us,
        to_address=email.to.wire,
        from_address=handover.brand.from_address,
        subject=email.rendered.subject,
        language=email.rendered.language,
        body=pack_body(email.rendered.text, email.rendered.html),
        headers=msgspec.json.encode(readable_headers(email.mail, to=email.to)).decode("utf-8"),
        content_id=handover.content.id,
        content_version=handover.content.version,
    )


CHANNEL = MailboxChannel
