"""What definitions are called: names of segments, phases, journeys, contents ... of the newest rulebook, by id."""

from collections.abc import Mapping, Sequence
from typing import Any

from kundenkreis.runtime.rulebooks import Rulebooks
from kundenkreis.site.ports.customers import Named, Words


class DefinitionNames:
    """Names of one version's definitions. An id nobody named is called by its id."""

    def __init__(self, documents: Sequence[Mapping[str, Any]]) -> None:
        self._names: dict[tuple[str, str], Words] = {}
        self.phases: tuple[tuple[str, tuple[str, ...]], ...] = ()
        """Ids of the phases in the order of the rulebook, each with its sub-states."""
        self.ids: dict[str, list[str]] = {}
        """Kind -> ids in the order of the rulebook."""
        for document in documents:
            kind = str(document["kind"])
            if kind == "phases":
                self._take_phases(document["phases"])
            elif kind == "policy":
                for purpose in document.get("purposes") or ():
                    self._take("purpose", purpose["id"], purpose.get("name"))
            elif "id" in document:
                self._take(kind, document["id"], document.get("name"))

    def _take_phases(self, phases: Sequence[Mapping[str, Any]]) -> None:
        for phase in phases:
            self._take("phase", phase["id"], phase.get("name"))
            for sub in phase.get("sub_states") or ():
                self._take("sub_state", sub["id"], sub.get("name"))
        self.phases = tuple((one["id"], tuple(sub["id"] for sub in one.get("sub_states") or ())) for one in phases)

    def _take(self, kind: str, id_: str, name: object) -> None:
        self.ids.setdefault(kind, []).append(id_)
        if isinstance(name, Mapping) and name:
            first = str(next(iter(name.values())))
            self._names[kind, id_] = Words(de=str(name.get("de", first)), en=str(name.get("en", first)))

    def named(self, kind: str, id_: str) -> Named:
        """The thing of this id with its name."""
        return Named(id=id_, name=self._names.get((kind, id_)) or Words(de=id_, en=id_))


class NamesInForce:
    """The names of the newest rulebook, read again only when another one is published."""

    def __init__(self, rulebooks: Rulebooks) -> None:
        self._rulebooks = rulebooks
        self._held: tuple[int, DefinitionNames] = (0, DefinitionNames(()))

    def of(self, version: int) -> DefinitionNames:
        """The names of this version's definitions."""
        if version != self._held[0]:
            self._held = (version, DefinitionNames(self._rulebooks.documents(version) if version else ()))
        return self._held[1]
