"""What people do with write keys: list, make, revoke. A running server takes changes over within a second."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import msgspec

from kundenkreis.events.write_keys import KeyKind, WriteKey, WriteKeyFile, new_key
from kundenkreis.kernel.errors import CallerError

SHOWN = 16
"""Characters of a key that are shown later on: its kind, and enough to tell keys apart."""


class AmbiguousKeyError(CallerError):
    """Not exactly one key begins like that."""

    code = "ambiguous_key"


class BadOriginError(CallerError):
    """A web origin is what browsers send: https:// and a host, with a port where it is not the usual one."""

    code = "bad_origin"


class NoIdentitySecretError(CallerError):
    """User ids of a server key are believed as they are. An identity secret belongs to a public key."""

    code = "no_identity_secret"


_USUAL_PORTS = {"https": 443, "http": 80}


def origin_of(text: str) -> str:
    """A web origin as browsers write it in their requests: https://shop.example, http://localhost:3000.

    Raises:
        BadOriginError: it is none.
    """
    try:
        parts = urlsplit(text.strip())
        host, port = (parts.hostname or "").encode("idna").decode(), parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    if (
        parts.scheme not in _USUAL_PORTS
        or not host
        or parts.path not in ("", "/")
        or parts.query
        or parts.fragment
        or "@" in parts.netloc
    ):
        raise BadOriginError(f"{text!r} is no web origin. Write it like https://shop.example, without a path.")
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + (f":{port}" if port not in (None, _USUAL_PORTS[parts.scheme]) else "")


@dataclass(frozen=True)
class WriteKeyBook:
    """The keys of one installation, in their file."""

    file: WriteKeyFile

    def list_keys(self) -> list[WriteKey]:
        """All keys, in the order in which they were made.

        Raises:
            WriteKeyFileError: the file cannot be read.
        """
        return self.file.load()

    def create(
        self, source: str, kind: KeyKind, *, brand: str = "", origins: Sequence[str] = (), identity_secret: str = ""
    ) -> WriteKey:
        """A new key of a touchpoint. Later on only its first characters are shown.

        Args:
            origins: the web origins that may use it; none: any.
            identity_secret: by which user ids are proved; "": that of the touchpoint's newest public key, if it has one, because the secret
                belongs to the touchpoint.

        Raises:
            BadOriginError, NoIdentitySecretError
        """
        if kind == "server" and identity_secret:
            raise NoIdentitySecretError
        allowed = _origins(origins)
        with self.file.changing():
            keys = self.list_keys()
            held = [one.identity_secret for one in keys if one.source == source and one.is_public]
            made = WriteKey(
                key=new_key(kind), source=source, kind=kind, brand=brand, allowed_origins=allowed,
                identity_secret=identity_secret or (held[-1] if held and kind == "public" else ""),
            )  # fmt: skip
            self.file.save([*keys, made])
        return made

    def change(
        self, beginning: str, *, origins: Sequence[str] | None = None, identity_secret: str | None = None
    ) -> WriteKey:
        """Give the key that begins like this other origins or another identity secret; None: as they are.

        Raises:
            AmbiguousKeyError, BadOriginError, NoIdentitySecretError
        """
        allowed = _origins(origins) if origins is not None else None
        with self.file.changing():
            keys = self.list_keys()
            found = _one(keys, beginning)
            if identity_secret and not found.is_public:
                raise NoIdentitySecretError
            changed = msgspec.structs.replace(
                found,
                allowed_origins=allowed if allowed is not None else found.allowed_origins,
                identity_secret=identity_secret if identity_secret is not None else found.identity_secret,
            )
            self.file.save([changed if one is found else one for one in keys])
        return changed

    def revoke(self, beginning: str) -> WriteKey:
        """Make the key that begins like this stop working; the dots of a list may stand behind it.

        Raises:
            AmbiguousKeyError: none or several do.
        """
        with self.file.changing():
            keys = self.list_keys()
            found = _one(keys, beginning)
            self.file.save([one for one in keys if one is not found])
        return found


def _one(keys: Sequence[WriteKey], beginning: str) -> WriteKey:
    beginning = beginning.removesuffix("...")
    found = [one for one in keys if beginning and one.key.startswith(beginning)]
    if len(found) != 1:
        raise AmbiguousKeyError(f"{len(found)} keys begin like that; name one whole.", found=len(found))
    return found[0]


def _origins(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(origin_of(one) for one in texts))
