"""`phase`: the customer is in that phase (and sub-state)."""

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from kundenkreis.customers.core.state import CustomerState
from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.kernel.references import PhaseId, SubStateId
from kundenkreis.kernel.zones import Zone
from kundenkreis.segments.core.leaf import Leaf, names_of
from kundenkreis.segments.core.protocol import Condition, Known
from kundenkreis.segments.errors import DefinitionError

MOST_CHANGES = 64


class PhaseConfig(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True, rename={"is_": "is"}
):
    """One phase or several, and sub-states if only those are meant."""

    is_: PhaseId | list[PhaseId]
    sub_state: SubStateId | list[SubStateId] | None = None


class InPhase(Leaf):
    """The stored place until it may change; beyond that instant the circle is walked."""

    __slots__ = ("_known", "_phases", "_subs")

    def __init__(self, config: PhaseConfig, *, known: Known) -> None:
        super().__init__("phase", config, reads=("phase",))
        self._known = known
        self._phases = frozenset(names_of(config.is_))
        self._subs = None if config.sub_state is None else frozenset(names_of(config.sub_state))

    def answer(self, state: CustomerState, at_us: Micros) -> tuple[bool, Micros]:
        """(whether there, when that flips without an event)."""
        phase, sub_state, changes_us = self._place(state, at_us)
        holds = self._there(phase, sub_state)
        for _ in range(MOST_CHANGES):
            if changes_us == NEVER:
                break
            phase, sub_state, following_us = self._place(state, changes_us)
            if self._there(phase, sub_state) is not holds or following_us <= changes_us:
                break
            changes_us = following_us
        return holds, changes_us

    def found(self, state: CustomerState, at_us: Micros) -> dict[str, Any]:
        """Where, and since when."""
        held = state.decisions.phase
        if held is None:
            return {}
        return {"phase": held.phase, "sub_state": held.sub_state, "since_us": held.since_us}

    def _there(self, phase: str, sub_state: str) -> bool:
        return phase in self._phases and (self._subs is None or sub_state in self._subs)

    def _place(self, state: CustomerState, at_us: Micros) -> tuple[str, str, Micros]:
        walk = self._known.walk
        if walk is not None and at_us >= state.decisions.recheck_us.get("phase", NEVER):
            (phase, sub_state), changes_us = walk.place(state, at_us)
            return phase, sub_state, changes_us
        held = state.decisions.phase
        recheck_us = state.decisions.recheck_us.get("phase", NEVER)
        changes_us = recheck_us if recheck_us > at_us else NEVER
        return (held.phase, held.sub_state, changes_us) if held is not None else ("", "", changes_us)


class PhaseKind:
    """The kind `phase`."""

    kind = "phase"
    label: ClassVar[Mapping[str, str]] = {"de": "Phase", "en": "Phase"}
    config = PhaseConfig

    def compile(self, config: PhaseConfig, *, zone: Zone, known: Known) -> Condition:
        """A look at the circle."""
        if known.phases is not None:
            for phase in names_of(config.is_):
                if phase not in known.phases:
                    raise DefinitionError(("is",), f"There is no phase `{phase}`.", slug="unknown_id")
            possible = {sub for phase in names_of(config.is_) for sub in known.phases[phase]} | {""}
            for sub in names_of(config.sub_state or []):
                if sub not in possible:
                    raise DefinitionError(("sub_state",), f"There is no sub-state `{sub}` there.", slug="unknown_id")
        return InPhase(config, known=known)


KIND = PhaseKind()
