"""Tokens in links and keys: 256 random bits, of which only a hash is stored."""

import hashlib
import secrets

_TOKEN_BYTES = 32


def new_token() -> str:
    """A fresh token for a link."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def token_hash(token: str) -> bytes:
    """What is stored of it: BLAKE2b-256. Tokens are random, so a fast hash is enough."""
    return hashlib.blake2b(token.encode("utf-8", "surrogatepass"), digest_size=32).digest()
