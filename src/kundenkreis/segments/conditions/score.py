"""`score`: the decayed score compares so, in points."""

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from kundenkreis.customers.core.state import CustomerState
from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.references import Operator, ScoreId
from kundenkreis.kernel.zones import Zone
from kundenkreis.segments.core.leaf import Leaf, day_flip_us, day_number
from kundenkreis.segments.core.operators import number_interval
from kundenkreis.segments.core.protocol import Condition, Known
from kundenkreis.segments.core.scores import MILLI, ONE, balance, next_crossing_day
from kundenkreis.segments.errors import DefinitionError


class ScoreConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Which score, and the points it is compared with."""

    id: ScoreId
    op: Operator
    value: Any


class ScoreCompares(Leaf):
    """The balance of today's installation day; flips at the start of the day on which decay crosses the value."""

    __slots__ = ("_id", "_interval", "_multiplier", "_zone")

    def __init__(self, config: ScoreConfig, multiplier: int, *, zone: Zone) -> None:
        super().__init__("score", config, reads=(f"score:{config.id}",))
        self._id, self._multiplier, self._zone = config.id, multiplier, zone
        self._interval = number_interval(config.op, config.value, scale=MILLI)

    def answer(self, state: CustomerState, at_us: Micros) -> tuple[bool, Micros]:
        """(whether it compares so, when decay changes that)."""
        today = day_number(self._zone, at_us)
        milli = balance(state.decisions.scores.get(self._id), today, self._multiplier)
        crossing = next_crossing_day(milli, today, self._multiplier, self._interval)
        return self._interval.holds(milli), day_flip_us(crossing, self._zone)

    def found(self, state: CustomerState, at_us: Micros) -> dict[str, Any]:
        """The balance in milli-points."""
        today = day_number(self._zone, at_us)
        return {"milli_points": balance(state.decisions.scores.get(self._id), today, self._multiplier)}


class ScoreKind:
    """The kind `score`."""

    kind = "score"
    label: ClassVar[Mapping[str, str]] = {"de": "Score", "en": "Score"}
    config = ScoreConfig

    def compile(self, config: ScoreConfig, *, zone: Zone, known: Known) -> Condition:
        """A comparison with the score's own decay."""
        multiplier = known.multipliers.get(config.id)
        if multiplier is None and known.may_be_gone:
            multiplier = ONE
        if multiplier is None:
            raise DefinitionError(("id",), f"There is no score `{config.id}`.", slug="unknown_id")
        return ScoreCompares(config, multiplier, zone=zone)


KIND = ScoreKind()
