"""The circle: everybody is in exactly one phase at every instant.

The first phase of the table whose condition holds is the phase; when none holds, the present one is kept (at first contact: the
last of the table). Within it, the first sub-state that holds; none is "".
"""

from collections.abc import Mapping
from typing import NamedTuple

from kundenkreis.customers.core.state import CustomerState
from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.kernel.zones import Zone
from kundenkreis.segments.conditions.registry import SHIPPED
from kundenkreis.segments.core.definitions import PhasesDefinition
from kundenkreis.segments.core.protocol import Condition, ConditionKind, FactSpec, Known, Reason
from kundenkreis.segments.core.tree import compile_condition
from kundenkreis.segments.errors import DefinitionError, Path

MOST_LOOKS = 64


class Place(NamedTuple):
    """Where somebody is on the circle."""

    phase: str
    sub_state: str


class CompiledPhases:
    """The phase table, compiled."""

    __slots__ = ("_subs", "_table", "facts", "reads")

    def __init__(
        self,
        definition: PhasesDefinition,
        *,
        zone: Zone,
        known: Known,
        path: Path = (),
        kinds: Mapping[str, ConditionKind] = SHIPPED,
    ) -> None:
        if not definition.phases:
            raise DefinitionError((*path, "phases"), "The circle needs at least one phase.")
        self._table: list[tuple[str, Condition]] = []
        self._subs: dict[str, list[tuple[str, Condition]]] = {}
        for index, phase in enumerate(definition.phases):
            here = (*path, "phases", index)
            if phase.id in self._subs:
                raise DefinitionError((*here, "id"), f"The phase `{phase.id}` stands here twice.")
            self._table.append(
                (phase.id, compile_condition(phase.when, zone=zone, known=known, path=(*here, "when"), kinds=kinds))
            )
            self._subs[phase.id] = [
                (
                    sub.id,
                    compile_condition(
                        sub.when, zone=zone, known=known, path=(*here, "sub_states", at, "when"), kinds=kinds
                    ),
                )
                for at, sub in enumerate(phase.sub_states)
            ]
        conditions = [one for _, one in self._table] + [one for subs in self._subs.values() for _, one in subs]
        self.reads = frozenset(key for one in conditions for key in one.reads)
        self.facts: tuple[FactSpec, ...] = tuple(spec for one in conditions for spec in one.facts)

    def place(self, state: CustomerState, at_us: Micros, *, present: str) -> tuple[Place, Micros]:
        """(where somebody in phase `present` is at this instant, when that changes without an event)."""
        place, candidate = self._look(state, at_us, present)
        for _ in range(MOST_LOOKS):
            if candidate == NEVER:
                return place, NEVER
            there, following = self._look(state, candidate, place.phase)
            if there != place:
                return place, candidate
            candidate = following
        return place, candidate

    def explain(self, state: CustomerState, at_us: Micros, *, place: Place) -> tuple[Reason | None, Reason | None]:
        """Why the phase and the sub-state are what they are; None for one that is kept, or for no sub-state."""
        phase = next((one for name, one in self._table if name == place.phase), None)
        sub = next((one for name, one in self._subs.get(place.phase, ()) if name == place.sub_state), None)
        return (
            phase.explain(state, at_us) if phase is not None else None,
            sub.explain(state, at_us) if sub is not None else None,
        )

    def _look(self, state: CustomerState, at_us: Micros, present: str) -> tuple[Place, Micros]:
        phase, flips_us = _first(self._table, state, at_us)
        if phase is None:
            phase = present if present in self._subs else self._table[-1][0]
        sub_state, sub_flips_us = _first(self._subs[phase], state, at_us)
        return Place(phase, sub_state or ""), min(flips_us, sub_flips_us)


class PhaseWalk:
    """The phase at any instant from the last fold on: what the `phase` condition asks beyond the next recheck."""

    __slots__ = ("_phases",)

    def __init__(self, phases: CompiledPhases) -> None:
        self._phases = phases

    def place(self, state: CustomerState, at_us: Micros) -> tuple[Place, Micros]:
        """(place, when that changes), walking from change to change."""
        held = state.decisions.phase
        recheck_us = state.decisions.recheck_us.get("phase", NEVER)
        place = Place(held.phase, held.sub_state) if held is not None else Place("", "")
        for _ in range(MOST_LOOKS):
            if at_us < recheck_us:
                break
            place, recheck_us = self._phases.place(state, recheck_us, present=place.phase)
        return place, recheck_us


def _first(table: list[tuple[str, Condition]], state: CustomerState, at_us: Micros) -> tuple[str | None, Micros]:
    """(first that holds, earliest instant at which another could be first)."""
    earliest = NEVER
    for name, condition in table:
        holds, flips_us = condition.answer(state, at_us)
        if flips_us < earliest:
            earliest = flips_us
        if holds:
            return name, earliest
    return None, earliest
