"""Write keys for the pages."""

from kundenkreis.events.write_key_book import SHOWN, AmbiguousKeyError, WriteKeyBook
from kundenkreis.events.write_keys import WriteKey
from kundenkreis.site.ports.write_keys import KeyKind, WriteKeyLine


class StoredWriteKeys:
    """See site.ports.write_keys.WriteKeySource."""

    def __init__(self, book: WriteKeyBook) -> None:
        self._book = book

    def list_keys(self) -> tuple[WriteKeyLine, ...]:
        """See the protocol."""
        return tuple(_line(key) for key in self._book.list_keys())

    def create_key(self, source: str, kind: KeyKind) -> tuple[WriteKeyLine, str]:
        """See the protocol."""
        made = self._book.create(source, kind)
        return _line(made), made.key

    def revoke_key(self, shown: str) -> WriteKeyLine | None:
        """See the protocol."""
        try:
            return _line(self._book.revoke(shown))
        except AmbiguousKeyError:
            return None


def _line(key: WriteKey) -> WriteKeyLine:
    return WriteKeyLine(shown=key.key[:SHOWN], source=key.source, kind=key.kind, brand=key.brand)
