"""What a channel is: it renders a message as a value, and hands it over.

A channel is one file and one line in `channels/registry.py`. `render` is pure; `open` gives a session that belongs to
one thread and may keep a connection.
"""

from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from kundenkreis.channels.core.outcomes import Outcome
from kundenkreis.channels.core.tokens import Scope, TokenKey
from kundenkreis.content.core.templates import CompiledContent
from kundenkreis.kernel.effects import SendMessage
from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.zones import DAY

ENTRY_POINT_GROUP = "kundenkreis.channels"
"""Where third parties name their channels: classes that are made without arguments."""


class Recipient(msgspec.Struct, frozen=True, kw_only=True):
    """The person as a message needs them, read from the customer's state at hand-over."""

    profile_id: int
    address: str
    """On this channel: e-mail address, telephone number, ...; "" if there is none."""
    name: str = ""
    language: str = ""
    form_of_address: str = ""
    zone_name: str = ""
    attributes: dict[str, Any] = {}
    """What templates see as `customer`."""


class Brand(msgspec.Struct, frozen=True, kw_only=True):
    """Who speaks."""

    name: str
    from_address: str
    from_name: str = ""
    reply_to: str = ""
    imprint: str
    """In the brand's own language."""
    domain: str
    """For Message-ID and List-Id."""
    zone_name: str = "Europe/Berlin"
    variables: dict[str, Any] = {}
    """More that templates may name as `brand.*`; its `imprints` are those by language."""

    def said(self, language: str) -> dict[str, Any]:
        """What templates see as `brand`, the imprint in this language where there is one."""
        imprint = self.variables.get("imprints", {}).get(language.partition("-")[0]) or self.imprint
        return {"name": self.name, "imprint": imprint, "email": self.from_address} | self.variables


class Links(msgspec.Struct, frozen=True):
    """How a message's own addresses are made."""

    base_url: str
    """Such as https://post.muster.example, without a slash at the end."""
    key: TokenKey
    message_id_key: bytes

    def unsubscribe_url(self, message: SendMessage, language: str, *, at_us: Micros) -> str:
        """Opens the page with the button, and takes the one-click POST."""
        return f"{self.base_url}/u/{self.key.seal(_scope('unsubscribe', message, language, at_us))}"

    def preferences_url(self, message: SendMessage, language: str, *, at_us: Micros) -> str:
        """Opens the preferences."""
        return f"{self.base_url}/p/{self.key.seal(_scope('preferences', message, language, at_us))}"


def _scope(action: Any, message: SendMessage, language: str, at_us: Micros) -> Scope:
    day = at_us // DAY
    return Scope(action, message.profile_id, message.effect_id, message.purpose, message.channel, language, day)


class Handover(msgspec.Struct, frozen=True):
    """Everything a channel renders from."""

    message: SendMessage
    recipient: Recipient
    content: CompiledContent
    brand: Brand
    links: Links
    at_us: Micros


class Prepared(msgspec.Struct, frozen=True, gc=False):
    """A message ready to hand over: what the channel's own session understands, and what the record needs."""

    effect_id: bytes
    domain: str
    """Receiving side, for pauses; "" if the channel knows none."""
    language: str
    payload: Any
    address: str = ""
    """Where it goes, as the person's record spells it: a refusal ends this spelling."""


class NotPrepared(msgspec.Struct, frozen=True, gc=False):
    """Why there is nothing to hand over; a value."""

    reason: str
    detail: str
    withheld: bool = False
    """Decided so by content or person, not a fault."""


class Session(Protocol):
    """One thread's way to hand messages over."""

    def deliver(self, prepared: Prepared, *, before_handover: Callable[[], bool]) -> Outcome:
        """Hand over. Calls `before_handover` once, at the last moment at which the message can still be kept back.

        A channel whose hand-over is a row in our own store returns `Sent(row=...)` without calling it: the row and the
        record are one transaction.
        """

    def close(self) -> None:
        """Take leave and let go of connections."""

    def abort(self) -> None:
        """Let go at once, as a dying process does."""


class Channel(Protocol):
    """A way to reach people."""

    id: str
    """Slug of this implementation: mailbox, email_smtp, ..."""
    serves: str
    """What journeys, consent and caps call it: email, sms, push, letter, call."""

    def render(self, handover: Handover) -> Prepared | NotPrepared:
        """The message as this channel takes it. Pure: the same hand-over gives the same bytes."""

    def open(self) -> Session:
        """A session for one thread."""
