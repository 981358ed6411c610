"""An envelope sender of its own for every message, so that what comes back says by its address which message it is about.

    bounces+<effect id><seal>@mail.muster.example

26 and 16 letters of base32, lower case: mail servers may change the case and nothing else. The seal (80 bits of HMAC-SHA256) keeps others
from ending addresses by invented bounces; whoever got the message can only tell about that one. Source: variable envelope return paths,
D. J. Bernstein 1997; trust 3.4.
"""

import base64
import binascii
import hmac
import re

EFFECT_CHARACTERS, SEAL_CHARACTERS = 26, 16
LOCAL_PART_LIMIT = 64 - 1 - EFFECT_CHARACTERS - SEAL_CHARACTERS
"""What RFC 5321 leaves for the local part of the bounce address itself."""

_FOUND = re.compile(rb"\+([a-z2-7]{%d})@" % (EFFECT_CHARACTERS + SEAL_CHARACTERS), re.IGNORECASE)


def envelope_sender(key: bytes, effect_id: bytes, bounce_address: str) -> str:
    """The envelope sender of this message."""
    local, _, domain = bounce_address.rpartition("@")
    return f"{local}+{_letters(effect_id)}{_seal(key, effect_id)}@{domain}"


def messages_named(key: bytes, raw: bytes) -> list[bytes]:
    """The effect ids of all genuine envelope senders in a mail, in order, each once."""
    found: dict[bytes, None] = {}
    for match in _FOUND.finditer(raw):
        token = match.group(1).decode("ascii").lower()
        letters, seal = token[:EFFECT_CHARACTERS], token[EFFECT_CHARACTERS:]
        try:
            effect_id = base64.b32decode(letters.upper() + "=" * 6)
        except binascii.Error:
            continue
        if hmac.compare_digest(_seal(key, effect_id), seal) and _letters(effect_id) == letters:
            found[effect_id] = None
    return list(found)


def _letters(data: bytes) -> str:
    return base64.b32encode(data).decode("ascii").rstrip("=").lower()


def _seal(key: bytes, effect_id: bytes) -> str:
    return _letters(hmac.digest(key, b"envelope sender\x00" + effect_id, "sha256")[:10])
