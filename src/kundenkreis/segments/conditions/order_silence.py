"""`order_silence`: silent for longer than the person's own rhythm explains.

Silence is the number of days since the last purchase day. It holds while silence > max(factor * gap, floor_days), and not more
than at_most_days. `gap` is the nearest-rank percentile of the gaps between consecutive distinct purchase days (the last 64 days are
kept): of n gaps in ascending order the one at position ceil(percentile / 100 * n); without any gap it is 0.
"""

from collections.abc import Mapping
from fractions import Fraction
from operator import sub
from typing import Any, ClassVar

import msgspec

from kundenkreis.customers.core.state import MOST_PURCHASE_DAYS, CustomerState
from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.kernel.zones import Zone
from kundenkreis.segments.core.dates import ENDLESS, MOST_DAYS, Interval
from kundenkreis.segments.core.leaf import Leaf, day_flip_us, day_number
from kundenkreis.segments.core.protocol import Condition, Known
from kundenkreis.segments.errors import DefinitionError


class OrderSilenceConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Own rhythm times a factor, a floor, an end, and from how many purchase days on it is asked."""

    factor: int | float
    percentile: int
    floor_days: int
    at_most_days: int | None = None
    min_purchase_days: int = 3


class OrderSilence(Leaf):
    """Days since the last purchase day against the person's own gaps."""

    __slots__ = ("_at_most", "_factor", "_floor", "_last", "_least", "_percentile", "_zone")

    def __init__(self, config: OrderSilenceConfig, *, zone: Zone) -> None:
        super().__init__("order_silence", config, reads=("orders",))
        self._factor = Fraction(str(config.factor))
        self._percentile = config.percentile
        self._floor = config.floor_days
        self._at_most = ENDLESS if config.at_most_days is None else config.at_most_days
        self._least = config.min_purchase_days
        self._zone = zone
        self._last: tuple[list[int], Interval] = [], Interval(self._floor + 1, self._at_most)
        """The purchase days asked about last and the answer for them: one fold asks several times."""

    def answer(self, state: CustomerState, at_us: Micros) -> tuple[bool, Micros]:
        """(whether silent for so long, the start of the day on which that flips)."""
        days = state.commerce.purchase_days
        if not days or len(days) < self._least:
            return False, NEVER
        silence, silent = self._silence(days), day_number(self._zone, at_us) - days[-1]
        change = silence.next_change(silent)
        return silence.holds(silent), day_flip_us(None if change is None else days[-1] + change, self._zone)

    def found(self, state: CustomerState, at_us: Micros) -> dict[str, Any]:
        """Days of silence, and the longest that is usual."""
        days = state.commerce.purchase_days
        if not days:
            return {"purchase_days": 0}
        return {
            "purchase_days": len(days),
            "silent_days": day_number(self._zone, at_us) - days[-1],
            "usual_days": self._silence(days).low - 1,
        }

    def _silence(self, days: list[int]) -> Interval:
        """The days without an order that are longer than usual for whoever bought on these."""
        known_days, silence = self._last
        if known_days != days:
            gap = _usual_gap(days, self._percentile)
            usual = max(self._factor.numerator * gap // self._factor.denominator, self._floor)
            silence = Interval(usual + 1, self._at_most)
            self._last = list(days), silence
        return silence


def _usual_gap(days: list[int], percentile: int) -> int:
    """The nearest-rank percentile of the gaps between these days."""
    gaps = sorted(map(sub, days[1:], days))
    return gaps[-(-percentile * len(gaps) // 100) - 1] if gaps else 0


class OrderSilenceKind:
    """The kind `order_silence`."""

    kind = "order_silence"
    label: ClassVar[Mapping[str, str]] = {
        "de": "Kaufpause länger als üblich",
        "en": "Longer without an order than usual",
    }
    config = OrderSilenceConfig

    def compile(self, config: OrderSilenceConfig, *, zone: Zone, known: Known) -> Condition:
        """A comparison with the person's own rhythm."""
        if not 0 <= config.factor <= 1000:
            raise DefinitionError(("factor",), "The factor lies between 0 and 1000.")
        if not 1 <= config.percentile <= 100:
            raise DefinitionError(("percentile",), "A percentile lies between 1 and 100.")
        if not 0 <= config.floor_days <= MOST_DAYS:
            raise DefinitionError(("floor_days",), f"The floor lies between 0 and {MOST_DAYS} days.")
        if config.at_most_days is not None and not config.floor_days < config.at_most_days <= MOST_DAYS:
            raise DefinitionError(("at_most_days",), "`at_most_days` must be larger than `floor_days`.")
        if not 1 <= config.min_purchase_days <= MOST_PURCHASE_DAYS:
            raise DefinitionError(("min_purchase_days",), f"Ask for 1 to {MOST_PURCHASE_DAYS} purchase days.")
        return OrderSilence(config, zone=zone)


KIND = OrderSilenceKind()
