"""`situation`: that situation stands open (its rest after the end does not count)."""

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from kundenkreis.customers.core.state import CustomerState
from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.kernel.references import SituationId
from kundenkreis.kernel.zones import Zone
from kundenkreis.segments.core.leaf import Leaf, names_of
from kundenkreis.segments.core.protocol import Condition, Known
from kundenkreis.segments.errors import DefinitionError


class SituationConfig(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True, rename={"is_": "is"}
):
    """One kind of situation or several."""

    is_: SituationId | list[SituationId]


class InSituation(Leaf):
    """One of several situations: the stored record until it may flip, beyond that the situation's own rule."""

    __slots__ = ("_compiled", "_kinds")

    def __init__(self, config: SituationConfig, *, known: Known) -> None:
        kinds = names_of(config.is_)
        super().__init__("situation", config, reads=tuple(f"situation:{kind}" for kind in kinds))
        self._kinds = tuple((kind, f"situation:{kind}") for kind in kinds)
        self._compiled = known.compiled

    def answer(self, state: CustomerState, at_us: Micros) -> tuple[bool, Micros]:
        """(whether one stands open, when the last of those open ends or the first begins by itself)."""
        last_us, first_us, found = -1, NEVER, False
        for kind, key in self._kinds:
            holds, flips_us = self._one(kind, key, state, at_us)
            if holds:
                found = True
                last_us = max(last_us, flips_us)
            else:
                first_us = min(first_us, flips_us)
        return (True, last_us) if found else (False, first_us)

    def found(self, state: CustomerState, at_us: Micros) -> dict[str, Any]:
        """Which, and since when."""
        situations = state.decisions.situations
        return {
            kind: situations[kind].since_us for kind, _ in self._kinds if kind in situations and situations[kind].keys
        }

    def _one(self, kind: str, key: str, state: CustomerState, at_us: Micros) -> tuple[bool, Micros]:
        compiled = self._compiled.get(key)
        if compiled is not None:
            return compiled.answer(state, at_us)
        held = state.decisions.situations.get(kind)
        return held is not None and bool(held.keys), NEVER


class SituationKind:
    """The kind `situation`."""

    kind = "situation"
    label: ClassVar[Mapping[str, str]] = {"de": "Lage", "en": "Situation"}
    config = SituationConfig

    def compile(self, config: SituationConfig, *, zone: Zone, known: Known) -> Condition:
        """A look at the situations."""
        if known.situations is not None:
            for kind in names_of(config.is_):
                if kind not in known.situations:
                    raise DefinitionError(("is",), f"There is no situation `{kind}`.", slug="unknown_id")
        return InSituation(config, known=known)


KIND = SituationKind()
