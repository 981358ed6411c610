"""Definitions as the rest of the part handles them: plain data beside its typed config, by kind and id."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from kundenkreis.definitions.errors import DefinitionError, Path, Place, Problem
from kundenkreis.definitions.kinds import BY_KIND, KINDS, Kind
from kundenkreis.definitions.shape import Findings, Reference
from kundenkreis.definitions.source import Source

_ORDER = {kind.kind: index for index, kind in enumerate(KINDS)}
_STORED = Place("rulebook")


class Definition(msgspec.Struct, frozen=True, eq=False, gc=False):
    """One document that has the right shape."""

    kind: str
    id: str
    """"" where there is only one of the kind."""
    body: dict[str, Any]
    """The document as written, without `kind` and `id`."""
    config: Any
    """The body as the typed config of its kind."""
    findings: Findings = Findings()
    """What it names, and which parts of it compilers must look at."""
    source: Source | None = None
    """Where everything stands; None when it comes from a stored rulebook."""

    @property
    def key(self) -> str:
        """segment:regulars, phases, policy."""
        return key_of(self.kind, self.id)

    @property
    def references(self) -> tuple[Reference, ...]:
        """Every other definition it names."""
        return self.findings.references

    def at(self, path: Path) -> Any:
        """What stands at a path of the body."""
        value: Any = self.body
        for step in path:
            value = value[step]
        return value

    @property
    def words(self) -> str:
        """How people call it: segment `regulars`, contact policy."""
        return f"{BY_KIND[self.kind].word_en} `{self.id}`" if self.id else BY_KIND[self.kind].word_en

    @property
    def document(self) -> dict[str, Any]:
        """The whole document, `kind` and `id` first."""
        return {"kind": self.kind, **({"id": self.id} if self.id else {}), **self.body}

    def mistake(self, problem: Problem) -> DefinitionError:
        """A problem in this definition with its place in the file."""
        return DefinitionError(place=self.place(problem), code=problem.code, what=problem.what, remedy=problem.remedy)

    def place(self, problem: Problem) -> Place:
        """Where a problem stands."""
        if self.source is None:
            return _STORED
        if problem.line:
            return self.source.place_in_text(problem.path, problem.line, problem.column)
        return self.source.place(problem.path, at_key=problem.at_key)


def key_of(kind: str, name: str) -> str:
    """The key of a definition: kind and id, or the kind alone."""
    return f"{kind}:{name}" if name else kind


def typed(kind: Kind, name: str, body: dict[str, Any]) -> Any:
    """The body as the typed config of its kind.

    Raises:
        msgspec.ValidationError: it has another shape.
    """
    own = {"id": name} if "id" in kind.config.__struct_fields__ else {}
    return msgspec.convert({**body, **own}, kind.config)


class Definitions:
    """Everything people define, as one whole: iterates in the order of the kinds, then by id."""

    __slots__ = ("_by_key", "_by_kind", "notes")

    def __init__(self, items: Iterable[Definition] = (), notes: tuple[DefinitionError, ...] = ()) -> None:
        ordered = sorted(items, key=lambda each: (_ORDER[each.kind], each.id))
        self._by_key = {each.key: each for each in ordered}
        self._by_kind: dict[str, dict[str, Definition]] = {kind.kind: {} for kind in KINDS}
        for each in ordered:
            self._by_kind[each.kind][each.id] = each
        self.notes = notes
        """What is possible but looks like a mistake."""

    def __iter__(self) -> Iterator[Definition]:
        return iter(self._by_key.values())

    def __len__(self) -> int:
        return len(self._by_key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Definitions) and self.documents() == other.documents()

    __hash__ = None  # type: ignore[assignment]  # equality is by content, and the content is mutable plain data

    def get(self, key: str) -> Definition | None:
        """The definition with this key (segment:regulars, phases)."""
        return self._by_key.get(key)

    def of(self, kind: str) -> dict[str, Definition]:
        """All definitions of a kind by id."""
        return self._by_kind[kind]

    def single(self, kind: str) -> Definition | None:
        """The one definition of a kind of which there is one."""
        return self._by_kind[kind].get("")

    def documents(self) -> list[dict[str, Any]]:
        """All documents as plain data."""
        return [each.document for each in self]
