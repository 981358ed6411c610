"""What the pages need of write keys."""

from dataclasses import dataclass
from typing import Literal, Protocol

KeyKind = Literal["public", "server"]


@dataclass(frozen=True, kw_only=True)
class WriteKeyLine:
    """One write key without its secret part."""

    shown: str
    """Its first characters, which tell it from the others."""
    source: str
    kind: KeyKind
    brand: str


class WriteKeySource(Protocol):
    """The keys by which touchpoints send events."""

    def list_keys(self) -> tuple[WriteKeyLine, ...]:
        """All keys, in the order in which they were made."""

    def create_key(self, source: str, kind: KeyKind) -> tuple[WriteKeyLine, str]:
        """A new key; it and the whole key, which nobody shows again."""

    def revoke_key(self, shown: str) -> WriteKeyLine | None:
        """Make a key stop working; None if no key, or more than one, begins like that."""
