"""What a mail that came back says: a bounce, a delay, a complaint, an answer of a machine, or nothing we understand.

Reads delivery status notifications (RFC 3464 in RFC 6522), abuse reports (RFC 5965), and the sentences of mail servers that know neither.
Only what has failed for good counts as a bounce: a server that goes on trying will tell later (trust 3.4). Nothing here knows to
which message it belongs; see verp.py and the unsubscribe link in what was sent back.
"""

import re
from collections.abc import Iterator
from email import message_from_bytes
from email.message import Message
from email.utils import getaddresses
from typing import Literal

import msgspec

from kundenkreis.channels.core.smtp_replies import classify, split_enhanced

MOST_BYTES = 2 * 1024 * 1024
"""A report of more is none; what is behind it is not read."""
MOST_LINES = 400
"""Of a bounce in plain words: servers say first what happened, then send back the message."""

Kind = Literal["bounce", "delay", "complaint", "not_spam", "automatic", "unknown"]

_COMPLAINTS = frozenset({"abuse", "fraud", "opt-out", "opt-out-list"})
_REASONS = {
    "hard_bounce": "hard",
    "soft_bounce": "soft",
    "retry": "soft",
    "throttled": "soft",
    "content_rejected": "content",
    "policy_rejected": "policy",
    "configuration": "configuration",
}
_DAEMONS = re.compile(r"mailer-?daemon|postmaster|mail delivery|mailerdaemon", re.IGNORECASE)
_AUTOMATIC_HEADERS = ("x-autoreply", "x-autorespond")
"""What programs wrote before RFC 3834, and some still do."""
_REPLY = re.compile(r"\b([45]\d\d)[ -](.*)")
_ENHANCED = re.compile(r"\b([45]\.\d{1,3}\.\d{1,3})\b")
_TELLING_RULES = frozenset({"unknown_words", "full_words", "disabled_words"})
_FAILED = re.compile(r"fail|error")
"""The standard's word is "failed"; some write failure or error."""
_ORIGINAL_BEGINS = re.compile(
    r"^-{2,}.*(original|returned|copy of|message header|unsent|begin)|^(received|return-path): ", re.IGNORECASE
)


class ReturnedMail(msgspec.Struct, frozen=True, kw_only=True):
    """One mail that came back, understood as far as it can be."""

    kind: Kind
    reason: str = ""
    """Of a bounce: hard (the mailbox does not exist), soft, policy, content, configuration; "" where nobody can tell. Of a complaint: its type."""
    status: str = ""
    """Enhanced status code, such as 5.1.1."""
    detail: str = ""
    """What the server said, at most 500 characters."""
    address: str = ""
    """To whom the message was addressed, as far as it is said."""


def read_returned(raw: bytes) -> ReturnedMail:
    """What this mail says. Never raises: whatever is malformed is unknown."""
    mail = message_from_bytes(raw[:MOST_BYTES])
    parts = list(mail.walk())
    address = _addressed(parts)
    for part in parts:
        if part.get_content_type() == "message/feedback-report":
            return _complaint(part, address)
    reports = [_status(block, address) for part in parts for block in _recipients(part)]
    for kind in ("bounce", "delay"):
        for report in reports:
            if report.kind == kind:
                return report
    if any(one.detail or one.status for one in reports):
        return reports[0]  # delivered, relayed, expanded: nothing is wrong
    # After the reports: mail servers answer the sender too, and say so (Exim always, Postfix to the sender).
    if _is_automatic(mail):
        return ReturnedMail(kind="automatic", address=address)
    return _in_words(mail, parts, address) if _is_from_a_server(mail) else ReturnedMail(kind="unknown", address=address)


def _is_automatic(mail: Message) -> bool:
    """An answer of a machine for a person: absent, moved, thanks for writing. Whatever its sentences say is no server's word about a mailbox."""
    if mail["x-failed-recipients"] is not None:  # Exim's own header, on what failed only
        return False
    submitted = _text(mail, "auto-submitted").lower()
    if submitted.startswith("auto-replied"):
        return True
    # Exchange calls an absence auto-generated, as servers call their bounces; both come from <>.
    says_so = submitted.startswith("auto-") or any(mail[name] is not None for name in _AUTOMATIC_HEADERS)
    return says_so and not _DAEMONS.search(_text(mail, "from"))


def _complaint(part: Message, address: str) -> ReturnedMail:
    fields = _first(part)
    kind = _text(fields, "feedback-type").lower() if fields is not None else ""
    address = address or (_address(_text(fields, "original-rcpt-to")) if fields is not None else "")
    if kind in _COMPLAINTS:
        return ReturnedMail(kind="complaint", reason=kind, address=address)
    return ReturnedMail(kind="not_spam" if kind == "not-spam" else "unknown", reason=kind, address=address)


def _recipients(part: Message) -> Iterator[Message]:
    """The blocks about recipients of a delivery status part; the first block is about the message."""
    if part.get_content_type() != "message/delivery-status":
        return
    blocks = part.get_payload()
    for block in blocks if isinstance(blocks, list) else ():
        if isinstance(block, Message) and (block["action"] or block["final-recipient"]):
            yield block


def _status(block: Message, address: str) -> ReturnedMail:
    action = _text(block, "action").lower()
    diagnostic = " ".join(_text(block, "diagnostic-code").split())
    said = diagnostic.partition(";")[2].strip() or diagnostic
    found = _ENHANCED.search(_text(block, "status"))
    status = found.group(1) if found else ""
    address = address or _typed_address(block, "original-recipient") or _typed_address(block, "final-recipient")
    if _FAILED.match(action) or (not action and status.startswith("5")):
        reason = _reason(status, said)
        return ReturnedMail(kind="bounce", reason=reason, status=status, detail=said[:500], address=address)
    kind: Kind = "delay" if action.startswith("delay") else "unknown"
    return ReturnedMail(kind=kind, status=status, detail=said[:500], address=address)


def _reason(status: str, said: str) -> str:
    """What the failure says about the mailbox. The server's own reply knows more than the status of the one that reports it."""
    match = _REPLY.search(said)
    code = int(match.group(1)) if match else 0
    text = match.group(2) if match else said
    enhanced, rest = split_enhanced(text.lstrip("#- "))
    if code // 100 != 5:
        code = 550 if status.startswith("5") else 450
    answer = classify("rcpt", code, enhanced or status, rest or said)
    return _REASONS.get(answer.kind, "")


def _in_words(mail: Message, parts: list[Message], address: str) -> ReturnedMail:
    """A bounce by a server that writes sentences only."""
    for line in _lines(parts):
        match = _REPLY.search(line)
        if match:
            reason = _reason("", line)
            kind: Kind = "bounce" if match.group(1)[0] == "5" else "delay"
            enhanced = _ENHANCED.search(line)
            status = enhanced.group(1) if enhanced else ""
            return ReturnedMail(kind=kind, reason=reason, status=status, detail=line[:500], address=address)
        answer = classify("rcpt", 550, "", line)
        if answer.rule in _TELLING_RULES:
            return ReturnedMail(kind="bounce", reason=_REASONS[answer.kind], detail=line[:500], address=address)
    return ReturnedMail(kind="unknown", address=address)


def _lines(parts: list[Message]) -> Iterator[str]:
    for part in parts:
        if part.get_content_type() in ("message/rfc822", "text/rfc822-headers"):
            return
        if part.get_content_type() != "text/plain":
            continue
        payload = part.get_payload(decode=True)
        text = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
        for number, line in enumerate(text.splitlines()):
            if number >= MOST_LINES or _ORIGINAL_BEGINS.search(line):
                return
            yield line.strip()


def _is_from_a_server(mail: Message) -> bool:
    returns = _text(mail, "return-path")
    return returns == "<>" or bool(_DAEMONS.search(_text(mail, "from")))


def _addressed(parts: list[Message]) -> str:
    """The recipient in the headers of the message that was sent back: ours are true, a server's may be rewritten."""
    for part in parts:
        kind = part.get_content_type()
        if kind == "message/rfc822":
            original = _first(part)
        elif kind == "text/rfc822-headers":
            payload = part.get_payload(decode=True)
            original = message_from_bytes(payload) if isinstance(payload, bytes) else None
        else:
            continue
        if original is not None and (address := _address(_text(original, "to"))):
            return address
    return ""


def _first(part: Message) -> Message | None:
    payload = part.get_payload()
    first = payload[0] if isinstance(payload, list) and payload else None
    return first if isinstance(first, Message) else None


def _typed_address(block: Message, name: str) -> str:
    """The address of "rfc822; anna@kunde.example"."""
    value = _text(block, name)
    return _address(value.partition(";")[2] or value)


def _address(text: str) -> str:
    for _, address in getaddresses([text]):
        if "@" in address and len(address) <= 254 and address.isprintable():
            return address.strip("<>").lower()
    return ""


def _text(mail: Message, name: str) -> str:
    value = mail[name]
    return str(value).strip() if value is not None else ""
