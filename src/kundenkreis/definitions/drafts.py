"""Drafts: definitions that somebody works on and that are not in force yet, one per kind and id.

A draft may be wrong or half finished. Its revision counts every save, so that of two people who edit the same one the second is told.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import msgspec

from kundenkreis.definitions.definition import Definition, Definitions, key_of
from kundenkreis.definitions.errors import DefinitionError, Path
from kundenkreis.definitions.kinds import Plugins
from kundenkreis.definitions.load import assemble
from kundenkreis.definitions.plain_source import path_at, source_of_document
from kundenkreis.kernel.hashing import hash128
from kundenkreis.kernel.ids import Micros

Document = Mapping[str, Any]
"""A definition as plain data, `kind` and `id` included."""

_encode = msgspec.json.Encoder(order="deterministic").encode


class Draft(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One draft as it was saved."""

    kind: str
    id: str
    """"" where there is only one of the kind."""
    document: dict[str, Any]
    base_version: int
    """The rulebook version it was begun from; 0 = before anything was published."""
    base: str
    """Names the published definition it was begun from, "" if there was none."""
    revision: int
    """1 for the first save."""
    edited_by: str
    edited_us: Micros

    @property
    def key(self) -> str:
        """journey:welcome, policy."""
        return key_of(self.kind, self.id)

    @property
    def says(self) -> str:
        """Names what it says: a revision can come again, after a draft was dropped and another begun."""
        return name_of(self.document)


class DraftStore(Protocol):
    """Where drafts are kept (runtime/drafts.py; a fake in definitions/testing.py)."""

    def find(self, kind: str, name: str) -> Draft | None:
        """The draft of this kind and id, None if there is none."""

    def every(self, kind: str = "") -> tuple[Draft, ...]:
        """All drafts of a kind, or of all kinds; by kind and id."""

    def save(self, draft: Draft) -> bool:
        """Keep this draft as the next revision; False if the stored one is not the revision before, and nothing is written."""

    def remove(self, kind: str, name: str, *, revision: int) -> bool:
        """Drop the draft; False if the stored one is another revision, and nothing is dropped."""


class DraftMistake(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One mistake in a draft, where an editor can show it."""

    key: str
    """The definition: journey:welcome. One that is in force may be wrong only beside the draft."""
    path: Path
    """Where in the document: ("steps", 2, "message", "content"); () = the whole."""
    line: int
    """Line inside a text (a template), 0 = the text as a whole."""
    code: str
    what: str
    remedy: str


class CheckedDrafts(msgspec.Struct, frozen=True, kw_only=True):
    """What the checks of publishing say about drafts."""

    definitions: Definitions | None
    """The whole rulebook with the drafts in it; None if there are mistakes."""
    mistakes: tuple[DraftMistake, ...]
    notes: tuple[DraftMistake, ...]
    """What is possible but looks like a mistake."""


def name_of(document: Document | None) -> str:
    """32 hex digits that name a document: equal for equal ones only; "" for none."""
    return hash128(_encode(document)).hex() if document is not None else ""


def check_drafts(
    documents: Iterable[Document], in_force: Iterable[Definition], plugins: Plugins | None = None
) -> CheckedDrafts:
    """Drafts beside what is in force, checked like the files of `kreis apply`; a draft takes the place of its published definition."""
    sources = [source_of_document(dict(document)) for document in documents]
    drafted = {key_of(str(one.value.get("kind", "")), str(one.value.get("id", ""))) for one in sources}
    found = assemble(sources, plugins=plugins, beside=[one for one in in_force if one.key not in drafted])
    places = {source.place(()).file: source for source in sources}

    def told(error: DefinitionError) -> DraftMistake:
        path, line = path_at(places[error.place.file], error.place) if error.place.file in places else ((), 0)
        return DraftMistake(
            key=error.place.file, path=path, line=line, code=error.code, what=error.what, remedy=error.remedy
        )

    if isinstance(found, Definitions):
        return CheckedDrafts(definitions=found, mistakes=(), notes=tuple(told(note) for note in found.notes))
    return CheckedDrafts(definitions=None, mistakes=tuple(told(mistake) for mistake in found), notes=())
