"""Lines of the sent journal: what one hand-over leaves behind, as a line that says by itself whether it is whole.

    17 1795255200000000 0f3c...16 octets... 250 2.0.0 4XyZ1 8c736521

Number, instant, effect id, what the server said, and a CRC-32 of all before it. Nothing in it leads to a person without the database: of
a server's answer only code, enhanced code and queue id are kept, because its sentences may name an address.
"""

import re
import zlib

import msgspec

from kundenkreis.channels.core.outcomes import Sent
from kundenkreis.kernel.ids import Micros

_LINE = re.compile(rb"(\d{1,18}) (\d{1,18}) ([0-9a-f]{32}) ([!-?A-~ ]{0,100}) ([0-9a-f]{8})")
_PLAIN = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Receipt(msgspec.Struct, frozen=True, gc=False):
    """One message that a server has taken."""

    effect_id: bytes
    at_us: Micros
    reply: str = ""
    """Such as "250 2.0.0 4XyZ1"; "-" where the channel tells nothing."""


class JournalMark(msgspec.Struct, frozen=True, gc=False):
    """Which line of which journal holds a hand-over."""

    journal_id: str
    number: int


def reply_of(outcome: Sent) -> str:
    """What the journal keeps of a server's yes: codes and queue id."""
    reply = outcome.reply
    queue_id = outcome.queue_id if _PLAIN.fullmatch(outcome.queue_id) else ""
    codes = (str(reply.code), reply.enhanced) if reply is not None else ()
    return " ".join(part for part in (*codes, queue_id) if part) or "-"


def journal_line(number: int, receipt: Receipt) -> bytes:
    """The line of this number, its end of line included."""
    text = f"{number} {receipt.at_us} {receipt.effect_id.hex()} {receipt.reply}".encode("ascii")
    return b"%b %08x\n" % (text, zlib.crc32(text))


def read_line(line: bytes) -> tuple[int, Receipt] | None:
    """(number, receipt) of a line, with or without its end of line; None if it is not whole."""
    found = _LINE.fullmatch(line.rstrip(b"\n"))
    if found is None or zlib.crc32(line[: found.start(5) - 1]) != int(found.group(5), 16):
        return None
    reply = found.group(4).decode("ascii")
    return int(found.group(1)), Receipt(bytes.fromhex(found.group(3).decode()), int(found.group(2)), reply)
