"""Write keys: who may send events, as what, and how much.

A public key stands readable in web pages and apps; it can append untrusted events and nothing else. A server key is a
secret. Keys are looked up by a hash of the Authorization header, so the time of an answer says nothing about
how much of a guessed key was right.
"""

import base64
import binascii
import hashlib
import json
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import msgspec

from kundenkreis.events.errors import WriteKeyFileError
from kundenkreis.events.inbox import Point, no_point

KeyKind = Literal["public", "server"]

_PREFIX: dict[KeyKind, str] = {"public": "kk_public_", "server": "kk_server_"}


class WriteKey(msgspec.Struct, frozen=True, kw_only=True):
    """One write key of one source. Its repr shows neither the key nor the secret."""

    key: str
    source: str
    """Name of the source, e.g. "shop" or "till"; with the message id it makes an event's identity."""
    kind: KeyKind
    brand: str = ""
    rate_per_second: float = 0.0
    """Events a second on average, 0 for no limit; twice as many at once, at least 1,000."""
    rate_per_address: float = 50.0
    """For public keys: events a second from one network address, 0 for no limit."""
    anonymous_per_hour: int = 10_000
    """New customers without a known identifier that this key may create in an hour; the resolver counts."""
    allowed_origins: tuple[str, ...] = ()
    """Web origins that may use the key, e.g. "https://shop.example"; empty: any, and senders that are no browser."""
    identity_secret: str = ""
    """With it a server signs user ids, so that a page with this public key can prove one (core/identity_token.py)."""

    @property
    def is_public(self) -> bool:
        """Everybody can read this key."""
        return self.kind == "public"

    def __repr__(self) -> str:
        return f"WriteKey(source={self.source!r}, kind={self.kind!r}, brand={self.brand!r})"


def new_key(kind: KeyKind) -> str:
    """A fresh key: 192 random bits after a prefix that says its kind (and that secret scanners can find)."""
    return _PREFIX[kind] + secrets.token_urlsafe(24)


def new_identity_secret() -> str:
    """A fresh secret for signing user ids: 256 random bits."""
    return secrets.token_urlsafe(32)


class WriteKeys:
    """The keys in force, looked up per request and loaded again when their version changes.

    Args:
        load: returns all keys.
        version: returns something cheap that differs after a change (a file's time, a counter in a table).
        check_seconds: how often `refresh` really asks for the version.
    """

    def __init__(
        self,
        load: Callable[[], Sequence[WriteKey]],
        version: Callable[[], object],
        *,
        check_seconds: float = 1.0,
    ) -> None:
        self._load = load
        self._version = version
        self._check_seconds = check_seconds
        self._checked_at = float("-inf")
        self._seen: object = None
        self._by_hash: dict[bytes, WriteKey] = {}
        self._by_source: dict[str, WriteKey] = {}
        self.generation = 0
        """Counts the reloads; whoever keeps something per key starts afresh when it changes."""

    def refresh(self, now: float) -> None:
        """Load the keys again if they changed; asks at most every `check_seconds` (monotonic seconds in `now`).

        Raises:
            WriteKeyFileError: they cannot be read and never could; later failures keep the keys known.
        """
        if now - self._checked_at < self._check_seconds:
            return
        self._checked_at = now
        try:
            version = self._version()
            if version == self._seen and self.generation:
                return
            keys = self._load()
        except WriteKeyFileError:
            if not self.generation:
                raise
            return
        self._adopt(keys)
        self._seen = version

    def by_header(self, authorization: bytes) -> WriteKey | None:
        """The key named by an HTTP Basic Authorization header (key as user name), None if there is no such key."""
        return self._by_hash.get(_hash(authorization)) or self.by_key(_basic_user(authorization))

    def by_key(self, key: str) -> WriteKey | None:
        """The key itself, None if there is no such key."""
        return self._by_hash.get(_hash(key.encode("utf-8", "surrogatepass"))) if key else None

    def by_source(self, source: str) -> WriteKey | None:
        """A key of this source (the resolver asks for its brand, quota and identity secret)."""
        return self._by_source.get(source)

    def _adopt(self, keys: Sequence[WriteKey]) -> None:
        by_hash: dict[bytes, WriteKey] = {}
        for key in keys:
            raw = key.key.encode()
            by_hash[_hash(raw)] = key
            by_hash[_hash(b"Basic " + base64.b64encode(raw + b":"))] = key  # as every client library sends it
        self._by_hash = by_hash
        # Where a source has both kinds, the public one answers: it is the one that is limited and that needs proofs.
        self._by_source = {key.source: key for key in sorted(keys, key=lambda key: key.is_public)}
        self.generation += 1


class WriteKeyFile:
    """Keys in a JSON file that only its owner may read: `[{"key": ..., "source": ..., "kind": ...}, ...]`."""

    def __init__(self, path: str | os.PathLike[str], *, point: Point = no_point) -> None:
        self._path = Path(path)
        self._point = point

    def load(self) -> list[WriteKey]:
        """All keys; none if there is no file yet.

        Raises:
            WriteKeyFileError: not readable or not such a list. The text of the file is in no message.
        """
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=list[WriteKey])
        except FileNotFoundError:
            return []
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise WriteKeyFileError(path=str(self._path), reason=type(error).__name__) from None

    def version(self) -> object:
        """Changes when the file does."""
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Read and save inside: of two who change the keys at once, on a page and a console, neither loses the other's."""
        try:
            import fcntl  # noqa: PLC0415 - not on every system that can serve from PostgreSQL
        except ImportError:
            yield
            return
        descriptor = os.open(self._path.with_name(self._path.name + ".lock"), os.O_WRONLY | os.O_CREAT, 0o600)
        with open(descriptor, "wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def save(self, keys: Sequence[WriteKey]) -> None:
        """Replace the file as a whole: a reader sees the old keys or the new ones."""
        data = json.dumps(msgspec.to_builtins(list(keys)), indent=1, ensure_ascii=False).encode()
        draft = self._path.with_name(self._path.name + ".new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        self._point("write_keys.before_replace")
        os.replace(draft, self._path)


def _hash(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()


def _basic_user(authorization: bytes) -> str:
    """User name of an Authorization header in any spelling that RFC 7617 allows, "" if it is none."""
    scheme, _, credentials = authorization.strip().partition(b" ")
    if scheme.lower() != b"basic":
        return ""
    try:
        text = base64.b64decode(credentials.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return text.partition(":")[0]
