"""Tokens in links: who, what for and what they allow, sealed so that nobody reads, guesses or alters them.

A token is its scope encrypted with AES-SIV (RFC 5297): deterministic, so that each attempt of a message carries the
same link; 128 bits of authentication, compared in constant time by the library; no lookup needed, so that unsubscribing
works while the database does not. Nothing readable inside: no ids, no address (trust A16-A18).
"""

import base64
import binascii
import hmac
from typing import Literal

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.zones import DAY

PREFERENCES_LIFE_DAYS = 30
"""Preferences may show and change more than unsubscribing does, so their links age (trust A18). Unsubscribing never."""
TOKEN_LIMIT_CHARACTERS = 400

Action = Literal["unsubscribe", "preferences"]
_ACTIONS: tuple[Action, ...] = ("unsubscribe", "preferences")


class Scope(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a token allows, to whom, because of which message."""

    action: Action
    profile_id: int
    message_id: bytes
    """Effect id of the message the link stood in."""
    purpose: str
    channel: str
    language: str = "de"
    issued_day: int = 0
    """Days since 1970-01-01, UTC."""


class TokenKey:
    """One secret; derives the key that seals tokens. Immutable and shared between threads."""

    __slots__ = ("_cipher",)

    def __init__(self, secret: bytes) -> None:
        """Take a secret of at least 16 octets.

        Raises:
            ValueError: it is shorter.
        """
        if len(secret) < 16:
            raise ValueError("a token secret has at least 16 octets")
        self._cipher = AESSIV(hmac.digest(secret, b"kundenkreis link token 1", "sha256"))

    def seal(self, scope: Scope) -> str:
        """The token of a scope: about 100 characters safe in an address."""
        sealed = self._cipher.encrypt(_ENCODER.encode(scope), [b"link"])
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode("ascii")

    def open(self, token: str) -> Scope | None:
        """The scope if this key sealed it, else None."""
        if len(token) > TOKEN_LIMIT_CHARACTERS or not token.isascii():
            return None
        try:
            sealed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
            return _DECODER.decode(self._cipher.decrypt(sealed, [b"link"]))
        except (binascii.Error, InvalidTag, ValueError, msgspec.DecodeError):
            return None


def open_token(token: str, keys: tuple[TokenKey, ...], *, action: Action, at_us: Micros) -> Scope | None:
    """The scope of a token for this action, None for anything else: forged, altered, of another kind, or too old.

    The first key seals, all open, so that a secret can be changed without breaking links in old mails.
    """
    for key in keys:
        scope = key.open(token)
        if scope is None:
            continue
        if scope.action != action:
            return None
        expired = action == "preferences" and at_us // DAY - scope.issued_day > PREFERENCES_LIFE_DAYS
        return None if expired else scope
    return None


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Scope)
