"""Mails that came back, taken in: found out about which message, then an event in that person's log.

Effects of one mail, in order: 1. for a complaint the fence that stops all marketing, durable; 2. the event in the internal inbox, durable;
3. the file is moved, if it lies in a Maildir. Reading a mail twice is reading it once: the event's id follows from message and kind.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final, Literal

import msgspec

from kundenkreis.channels.core.addresses import wire_of
from kundenkreis.channels.core.channel import Links
from kundenkreis.channels.core.feedback import feedback_event
from kundenkreis.channels.core.fences import MARKETING
from kundenkreis.channels.core.returned_mail import MOST_BYTES, ReturnedMail, read_returned
from kundenkreis.channels.core.tokens import open_token
from kundenkreis.channels.core.verp import messages_named
from kundenkreis.channels.outbox import SqlOutbox
from kundenkreis.customers.core.consent import address_of
from kundenkreis.kernel.effects import AppendEvent, SendMessage
from kundenkreis.kernel.errors import CallerError
from kundenkreis.runtime.dispatching import build_links
from kundenkreis.runtime.installation import WORKER_BELL, Installation
from kundenkreis.runtime.readers.customer import find_state
from kundenkreis.runtime.stores.schema import INTERNAL_INBOX

BOUNCED, COMPLAINED = "Email Bounced", "Email Marked as Spam"
ABOUT_NOBODY: Final = "about_nobody"
Outcome = Literal["bounce", "complaint", "delay", "not_spam", "automatic", "unknown", "about_nobody"]

_LINK = re.compile(rb"/u/([A-Za-z0-9_-]{40,400})")
_SOFT_BREAK = re.compile(rb"=\r?\n")
_NEW, _CURRENT = "new", "cur"
_SEEN, _LOOK = ":2,S", ":2,FS"
"""Maildir flags: seen; seen and flagged, for a person to look at."""


class NoMailError(CallerError):
    """There is no such file or Maildir."""

    code = "no_mail"


class Taken(msgspec.Struct, frozen=True):
    """What became of one mail."""

    name: str
    """The file."""
    outcome: Outcome
    """bounce and complaint wrote an event; about_nobody: one of them, but it names no message of ours."""
    reason: str
    detail: str
    profile_id: int = 0


def mails_in(places: Sequence[Path]) -> list[Path]:
    """The files to read: a file itself, of a Maildir what is new, by name.

    Raises:
        NoMailError: a place is neither.
    """
    found: list[Path] = []
    for place in places:
        if place.is_file():
            found.append(place)
        elif (place / _NEW).is_dir():
            found.extend(sorted(one for one in (place / _NEW).iterdir() if one.is_file()))
        else:
            raise NoMailError(f"{place} is no file and no Maildir.", place=str(place))
    return found


def take_mails(installation: Installation, files: Sequence[Path]) -> Iterator[Taken]:
    """Take in these files one after the other; each is done when it is yielded."""
    links = build_links(installation.settings)
    bell = installation.bell(WORKER_BELL)
    for file in files:
        with file.open("rb") as opened:
            raw = opened.read(MOST_BYTES)
        taken = take_mail(installation, links, raw, name=str(file))
        if taken.profile_id:
            bell.ring()
        _put_aside(file, taken)
        yield taken


def take_mail(installation: Installation, links: Links, raw: bytes, *, name: str) -> Taken:
    """Take in one mail: fence and event, durable when it returns."""
    said = read_returned(raw)
    if said.kind not in ("bounce", "complaint"):
        return Taken(name, said.kind, said.reason, said.detail)
    message = _message_of(installation, links, raw)
    if message is None:
        return Taken(name, ABOUT_NOBODY, said.reason, said.detail)
    at_us = installation.clock.now_us()
    if said.kind == "complaint":
        with closing(installation.open_inbox()) as inbox:
            epoch = inbox.last_position()
        outbox = SqlOutbox(installation.store)
        outbox.write_fence(message.profile_id, MARKETING, at_us=at_us, reason="complaint", epoch=epoch)
    said = msgspec.structs.replace(said, address=_on_record(installation, message, said.address))
    event = event_about(message, said, at_us=at_us)
    row = (event.effect_id, event.profile_id, at_us, msgspec.msgpack.encode(event))
    with installation.store.transaction("returned") as tx:
        tx.insert(INTERNAL_INBOX, [row])
    return Taken(name, said.kind, said.reason, said.detail, message.profile_id)


def event_about(message: SendMessage, said: ReturnedMail, *, at_us: int) -> AppendEvent:
    """What a returned mail says, for the log of whoever the message went to."""
    facts: dict[str, object] = {"email_id": message.effect_id.hex(), "reason": said.reason, "detail": said.detail}
    if said.address:
        facts["email"] = said.address
    if said.kind == "complaint":
        return feedback_event(message, COMPLAINED, at_us=at_us, epoch=0, **facts)
    facts |= {"bounce_class": said.reason, "status": said.status, "is_final": said.reason == "hard"}
    return feedback_event(message, BOUNCED, at_us=at_us, epoch=0, **facts)


def _message_of(installation: Installation, links: Links, raw: bytes) -> SendMessage | None:
    """The message that this mail is about: by its envelope sender, else by the unsubscribe link in what was sent back."""
    with installation.store.reading() as tx:
        for effect_id in messages_named(links.message_id_key, raw):
            found = tx.rows("SELECT payload FROM outbox WHERE effect_id = ?", (effect_id,))
            if found:
                return msgspec.msgpack.decode(bytes(found[0][0]), type=SendMessage)
        at_us = installation.clock.now_us()
        for match in _LINK.finditer(_SOFT_BREAK.sub(b"", raw)):
            scope = open_token(match.group(1).decode("ascii"), (links.key,), action="unsubscribe", at_us=at_us)
            if scope is None:
                continue
            found = tx.rows("SELECT payload FROM outbox WHERE effect_id = ?", (scope.message_id,))
            if found:
                return msgspec.msgpack.decode(bytes(found[0][0]), type=SendMessage)
            return SendMessage(
                scope.message_id, scope.profile_id, at_us, scope.channel, "", "marketing", scope.purpose, "", b"", "", at_us, {}
            )  # fmt: skip
    return None


def _on_record(installation: Installation, message: SendMessage, address: str) -> str:
    """The address as the person's record spells it: on the wire a domain with an umlaut is another text."""
    with installation.store.reading() as tx:
        state = find_state(tx, message.profile_id)
    held = address_of(state, message.channel) if state is not None else ""
    return held if held and wire_of(held) == address else address


def _put_aside(file: Path, taken: Taken) -> None:
    """In a Maildir, from new to cur: seen, and flagged where a person has to look."""
    if file.parent.name == _NEW and (file.parent.parent / _CURRENT).is_dir():
        flags = _LOOK if taken.outcome in ("unknown", ABOUT_NOBODY) else _SEEN
        file.rename(file.parent.parent / _CURRENT / (file.name + flags))
