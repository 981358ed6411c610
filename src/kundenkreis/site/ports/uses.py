"""What stands in the way of deleting a definition, and what was deleted a moment ago."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from kundenkreis.site.ports.customers import Words

How = Literal["in_force", "draft", "held", "under_way", "filter"]
"""A definition in force names it; a draft does; a journey that is held and may go on; an earlier form of a journey in which people are
under way; a saved filter of the list of customers."""


@dataclass(frozen=True, kw_only=True)
class Use:
    """Something that would miss it."""

    how: How
    kind: str
    """journey, segment, phases, score, policy, content ...; filter."""
    id: str
    name: Words


@dataclass(frozen=True, kw_only=True)
class Deleted:
    """A definition that is in force no more and can be put back."""

    document: Mapping[str, Any]
    until_us: int


class Uses(Protocol):
    """Answers about what hangs together."""

    def find_uses(self, kind: str, name: str) -> tuple[Use, ...]:
        """Everything that would miss this definition."""
        ...

    def find_deleted(self, kind: str, name: str) -> Deleted | None:
        """What was in force under this name until a rulebook of the last ten minutes; None otherwise."""
        ...
