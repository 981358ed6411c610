"""Definitions by name, for the command palette: from the newest rulebook, read again only when another one is published."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kundenkreis.runtime.installation import Installation
from kundenkreis.runtime.rulebooks import newest_version
from kundenkreis.site.ports.search import Found


class DefinitionSearch:
    """Finds the definitions of one kind, such as journeys."""

    def __init__(self, installation: Installation, *, kind: str, address: str, language: Callable[[], str]) -> None:
        """`address` is the path of a definition's page with {} for its id; `language` says how the viewer calls things."""
        self._installation = installation
        self._kind = kind
        self._address = address
        self._language = language
        self._held: tuple[int, Sequence[Mapping[str, Any]]] = (0, ())

    def search(self, query: str, limit: int) -> tuple[Found, ...]:
        """See ports.search: by any of their names or by id, those that begin so first."""
        wanted = query.casefold()
        matches = []
        for document in self._documents():
            id_, names = str(document["id"]), document.get("name")
            names = names if isinstance(names, Mapping) else {}
            texts = [str(text).casefold() for text in (*names.values(), id_)]
            if any(wanted in text for text in texts):
                title = str(names.get(self._language()) or next(iter(names.values()), id_))
                matches.append((not any(text.startswith(wanted) for text in texts), title, id_))
        return tuple(
            Found(kind=self._kind, id=id_, title=title, detail="", path=self._address.format(id_))
            for _, title, id_ in sorted(matches)[:limit]
        )

    def _documents(self) -> Sequence[Mapping[str, Any]]:
        with self._installation.store.reading() as tx:
            version = newest_version(tx)
            if version != self._held[0]:
                self._installation.rulebooks.read(tx)
                found = self._installation.rulebooks.documents(version) if version else ()
                self._held = (version, [each for each in found if each["kind"] == self._kind])
        return self._held[1]
