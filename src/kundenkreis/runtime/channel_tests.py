"""A test e-mail through the configured channel: the same rendering and hand-over as every message, but about no customer."""

import time
from uuid import uuid4

from kundenkreis.channels.core.channel import Channel, Handover, NotPrepared, Recipient
from kundenkreis.channels.core.outcomes import Fenced, MailboxRow, Rejected, Retry, Sent, Uncertain
from kundenkreis.channels.email_smtp import SmtpChannel, Timeouts
from kundenkreis.channels.mailbox import MailboxChannel
from kundenkreis.content.core.source import Problem
from kundenkreis.content.core.templates import compile_draft
from kundenkreis.definitions.canonical import definitions_from_json
from kundenkreis.definitions.content_checks import default_brand, source_of_body
from kundenkreis.definitions.installed import installed_plugins
from kundenkreis.kernel.effects import SendMessage
from kundenkreis.kernel.errors import BugError
from kundenkreis.kernel.zones import HOUR
from kundenkreis.runtime.dispatching import brand_of, build_links, smtp_server
from kundenkreis.runtime.installation import Installation
from kundenkreis.runtime.publishing import StorePublisher
from kundenkreis.runtime.stores.schema import MAILBOX
from kundenkreis.site.ports.channels import ChannelLine, TriedKind, TriedMail

_PATIENCE = Timeouts(connect=10, greeting=15, command=15, data=15, block=15, dot=30)
"""Shorter than for messages to customers: somebody waits for the page, and a second test mail harms nobody."""


_KINDS: dict[type, TriedKind] = {Retry: "later", Rejected: "refused", Uncertain: "unclear"}


class SampleMailError(BugError):
    """The test mail's own content cannot be compiled."""

    code = "test_mail"


class StoredChannels:
    """The channels of one installation (site/ports/channels.py: Channels)."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._publisher = StorePublisher(installation)

    def list_channels(self) -> tuple[ChannelLine, ...]:
        """See ports.Channels."""
        settings = self._installation.settings
        sender = self._brand_from()
        email = ChannelLine(
            id="email_smtp" if settings.smtp_host else "mailbox",
            serves="email",
            server=f"{settings.smtp_host}:{settings.smtp_port}" if settings.smtp_host else "",
            encryption=settings.smtp_tls if settings.smtp_host else "",
            sender=sender,
        )
        others = (
            ChannelLine(id=kind.id, serves=name, server="", encryption="", sender="")
            for name, kind in sorted(installed_plugins().channels.items())
        )
        return (email, *others)

    def send_test(self, address: str, *, subject: str, text: str, language: str) -> TriedMail:
        """See ports.Channels.

        Effects: one e-mail to the server, or one row in the local mailbox.
        """
        channel = self._channel()
        prepared = channel.render(self._handover(address, subject, text, language))
        if isinstance(prepared, NotPrepared):
            return TriedMail(kind="address", reply=prepared.detail)
        session = channel.open()
        try:
            outcome = session.deliver(prepared, before_handover=lambda: True)
        finally:
            session.close()
        match outcome:
            case Sent(row=MailboxRow() as row):
                with self._installation.store.transaction("test_mail") as tx:
                    tx.insert(MAILBOX, [tuple(getattr(row, name) for name in MAILBOX.column_names)])
                return TriedMail(kind="mailbox", message_id=row.message_id.hex())
            case Sent(reply=reply):
                return TriedMail(kind="sent", reply=reply.line() if reply is not None else "")
            case Retry() | Rejected() | Uncertain():
                return TriedMail(kind=_KINDS[type(outcome)], reply=outcome.reply.line())
            case Fenced():
                return TriedMail(kind="unclear")

    def _channel(self) -> Channel:
        settings = self._installation.settings
        if not settings.smtp_host:
            return MailboxChannel()
        return SmtpChannel(
            smtp_server(settings, timeouts=_PATIENCE),
            point=self._installation.point,
            monotonic=time.monotonic,
            bounce_address=settings.bounce_address,
        )

    def _brand_from(self) -> str:
        held = default_brand(definitions_from_json(self._publisher.in_force()))
        return brand_of(held.body if held is not None else {}, self._installation.settings).from_address

    def _handover(self, address: str, subject: str, text: str, language: str) -> Handover:
        settings, at_us = self._installation.settings, self._installation.clock.now_us()
        held = default_brand(definitions_from_json(self._publisher.in_force()))
        body = {
            "name": {language: subject}, "value": {language: subject}, "message_class": "service", "call_to_action": "none",
            "variants": {language: {"subject": subject, "blocks": [{"heading": subject}, {"text": text}]}},
        }  # fmt: skip
        compiled = compile_draft(source_of_body("test_mail", body, held), language)
        if isinstance(compiled, Problem):
            raise SampleMailError(compiled.sentence())
        message = SendMessage(
            effect_id=uuid4().bytes, profile_id=0, due_us=at_us, channel="email", content_id="test_mail",
            message_class="service", purpose="", journey_id="", run_id=b"", step_id="", valid_until_us=at_us + HOUR,
            variables={},
        )  # fmt: skip
        brand = brand_of(held.body if held is not None else {}, settings)
        to = Recipient(profile_id=0, address=address, language=language)
        return Handover(message, to, compiled, brand, build_links(settings), at_us)
