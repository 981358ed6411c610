"""What a condition is: one meaning, its live answer on the state (design: semantics).

A condition also says the earliest instant at which its answer flips, explains itself per leaf, names the facts it needs and
what it reads. `segments/conditions/` holds one file per kind.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import msgspec

from kundenkreis.customers.core.state import CustomerState
from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.references import EventName, Operator
from kundenkreis.kernel.rows import LogRow
from kundenkreis.kernel.zones import Zone


class Reason(msgspec.Struct, array_like=True, gc=False):
    """Why an answer is what it is: one node per condition, leaves carry what was found."""

    kind: str
    """all, any, none, not, or the kind of leaf."""
    holds: bool
    config: dict[str, Any]
    """The leaf's typed configuration as plain data ({} for all/any/none/not)."""
    found: dict[str, Any]
    """What the state says: {"value": ...}, {"count": 2, "last_us": ...}, ..."""
    parts: "list[Reason]"
    flips_us: int
    """When this answer may flip without an event; NEVER if time changes nothing."""


class FactSpec(msgspec.Struct, frozen=True, gc=False):
    """A value that must be kept per customer so that a condition can be answered from the state alone.

    `key` is a stable 48-bit hash of everything but `size`, so equal needs share one value; `size` is the largest anybody needs.
    """

    key: int
    kind: str
    """recent, buckets, total, first, last, days (segments/core/facts.py)."""
    names: tuple[str, ...]
    """Event names it listens to, sorted; ("*",) for every event that came in."""
    where: tuple["PropertyFilter", ...] = ()
    property: str = ""
    """The number property that is summed; "" counts events."""
    size: int = 0
    """recent and days: how many are kept; buckets: the window in days; 0 where the value has one size."""


class Condition(Protocol):
    """A compiled condition."""

    @property
    def reads(self) -> frozenset[str]:
        """Dirty keys (customers/core/turn.py: Turn.dirty) after which the answer must be asked again."""

    @property
    def facts(self) -> tuple[FactSpec, ...]:
        """Facts it needs in the state."""

    def answer(self, state: CustomerState, at_us: Micros) -> tuple[bool, Micros]:
        """(does it hold at this instant, earliest later instant at which that may flip without an event or NEVER).

        Pure in (state, at_us): may be asked about any instant from the last fold on, so "would it hold on Friday" is
        the same call. The instant may be early (asked again then), never late.
        """

    def explain(self, state: CustomerState, at_us: Micros) -> Reason:
        """The same answer with its reasons."""


class Answering(Protocol):
    """The part of a condition that others ask."""

    def answer(self, state: CustomerState, at_us: Micros) -> tuple[bool, Micros]:
        """(does it hold, when that flips without an event)."""


class Walk(Protocol):
    """The circle, at any instant from the last fold on."""

    def place(self, state: CustomerState, at_us: Micros) -> tuple[tuple[str, str], Micros]:
        """((phase, sub-state), when that changes without an event)."""


class Purpose(NamedTuple):
    """What a purpose of the contact policy may rest on."""

    bases: tuple[str, ...]
    categories: tuple[str, ...] = ()
    """What goods its messages promote; asked by the basis existing_customer."""


class Known:
    """What conditions of a rulebook may refer to. `None` for a set of ids: not checked (a condition looked at on its own)."""

    __slots__ = (
        "compiled",
        "home",
        "may_be_gone",
        "multipliers",
        "phases",
        "purposes",
        "segments",
        "situations",
        "traits",
        "walk",
    )

    def __init__(
        self,
        *,
        segments: frozenset[str] | None = None,
        situations: frozenset[str] | None = None,
        phases: Mapping[str, frozenset[str]] | None = None,
        multipliers: Mapping[str, int] | None = None,
        traits: Mapping[str, Any] | None = None,
        purposes: Mapping[str, "Purpose"] | None = None,
        home: Zone | None = None,
    ) -> None:
        self.home = home
        """Where people live of whom neither zone nor country is known: the brand's zone; None: the installation's."""
        self.segments = segments
        self.situations = situations
        self.phases = phases
        """Phase id -> its sub-states."""
        self.multipliers: Mapping[str, int] = multipliers or {}
        """Score id -> daily multiplier over 2**32 (segments/core/scores.py)."""
        self.traits: Mapping[str, Any] = traits or {}
        """Trait id -> its definition (segments/core/definitions.py: TraitDefinition)."""
        self.purposes = purposes
        """The contact policy's purposes; None: unchecked, and resting on express consent alone."""
        self.compiled: dict[str, Answering] = {}
        """Dirty key ("segment:vip", "situation:late") -> what answers it beyond its next recheck; filled while compiling."""
        self.walk: Walk | None = None
        """The circle beyond its next recheck; filled while compiling."""
        self.may_be_gone = False
        """Whether what is referred to may have been deleted since: nobody is in it, nobody has points of it."""

    def for_earlier(self, traits: Mapping[str, Any]) -> "Known":
        """The same for what was written under earlier rulebooks: what they knew, and this one does not, is no mistake.

        Args:
            traits: those of earlier rulebooks as they were last defined: a trait that is gone can still be computed.
        """
        found = Known(
            multipliers=self.multipliers, traits={**traits, **self.traits}, purposes=self.purposes, home=self.home
        )
        found.compiled, found.walk, found.may_be_gone = self.compiled, self.walk, True
        return found


class ConditionKind(Protocol):
    """The plug-in: one file per kind in segments/conditions/, one line in segments/conditions/registry.py."""

    @property
    def kind(self) -> str: ...

    @property
    def label(self) -> Mapping[str, str]:
        """{de, en}: what the condition builder calls it."""

    @property
    def config(self) -> type[msgspec.Struct]: ...

    def compile(self, config: Any, *, zone: Zone, known: Known) -> Condition:
        """A condition of this configuration. Raises DefinitionError with a path from the configuration's root."""


class PropertyFilter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which events count: a property (dotted path) compared with a value."""

    property: str
    op: Operator
    value: Any = None


class EventPattern(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which events are meant: one or several names, and what their properties must be."""

    name: EventName | list[EventName]
    where: list[PropertyFilter] = []


def fact_listens(spec: FactSpec, row: LogRow) -> bool:
    """Whether this row's name is one the fact listens to."""
    return spec.names == ("*",) or row.name in spec.names
