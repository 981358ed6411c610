"""What people do with write keys: list, make, revoke. A running server takes changes over within a second."""

from dataclasses import dataclass

from kundenkreis.events.write_keys import KeyKind, WriteKey, WriteKeyFile, new_key
from kundenkreis.kernel.errors import CallerError

SHOWN = 16
"""Characters of a key that are shown later on: its kind, and enough to tell keys apart."""


class AmbiguousKeyError(CallerError):
    """Not exactly one key begins like that."""

    code = "ambiguous_key"


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

    def create(self, source: str, kind: KeyKind, *, brand: str = "") -> WriteKey:
        """A new key of a touchpoint. Later on only its first characters are shown."""
        made = WriteKey(key=new_key(kind), source=source, kind=kind, brand=brand)
        self.file.save([*self.list_keys(), made])
        return made

    def revoke(self, beginning: str) -> WriteKey:
        """Make the key that begins like this stop working; the dots of a list may stand behind it.

        Raises:
            AmbiguousKeyError: none or several do.
        """
        keys = self.list_keys()
        beginning = beginning.removesuffix("...")
        found = [one for one in keys if beginning and one.key.startswith(beginning)]
        if len(found) != 1:
            raise AmbiguousKeyError(f"{len(found)} keys begin like that; name one whole.", found=len(found))
        self.file.save([one for one in keys if one is not found[0]])
        return found[0]
