"""What a condition is: one meaning, its live answer on the state (design: semantics).

A condition also says the earliest instant at which its answer flips, explains itself per leaf, names the facts it needs and
what it reads. `segments/conditions/` holds one file per kind.
"""

from typing import Any, Protocol

import msgspec

from kundenkreis.customers.core.state import CustomerState
from kundenkreis.kernel.ids import Micros
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

    `key` is a stable 48-bit hash of everything else, so equal needs share one value and a rulebook knows which facts a state lacks.
    """

    key: int
    kind: str
    """recent (last k instants), buckets ([day, amount] pairs), total, first, last, distinct, ..."""
    names: tuple[str, ...]
    """Event names it listens to; ("*",) for every event."""
    config: Any
    """Kind-specific typed config (property filters, k, window days, property to sum)."""


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


class ConditionKind(Protocol):
    """The plug-in: one file per kind in segments/conditions/, one line in segments/conditions/registry.py."""

    kind: str
    config: type[msgspec.Struct]

    def compile(self, config: Any, *, zone: Zone) -> Condition: ...


class PropertyFilter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which events count: a property (dotted path) compared with a value."""

    property: str
    op: str
    value: Any = None


def fact_listens(spec: FactSpec, row: LogRow) -> bool:
    """Whether this row's name is one the fact listens to."""
    return spec.names == ("*",) or row.name in spec.names
