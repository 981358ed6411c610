"""What a journey achieved, in numbers that do not promise more than they know.

Source of the interval: R. G. Newcombe, Interval estimation for the difference between independent proportions, Statistics in Medicine 17 (1998),
method 10 (Wilson intervals combined).
"""

from collections.abc import Mapping, Sequence
from math import sqrt
from statistics import median
from typing import Literal, NamedTuple

Effect = Literal["too_early", "no_proof", "proven", "harmful"]

FEWEST = 100
"""People per group below which no percentage is told, only counts."""
_Z = 1.96
"""95 %."""


class Share(NamedTuple):
    """So many of so many."""

    hits: int
    of: int

    @property
    def rate(self) -> float:
        """Between 0 and 1; 0 of nobody."""
        return self.hits / self.of if self.of else 0.0


class Comparison(NamedTuple):
    """Those who went the journey against the control group: difference of the rates with its 95 % interval."""

    treated: Share
    control: Share
    difference: float
    lower: float
    upper: float
    effect: Effect


def compare(treated: Share, control: Share) -> Comparison:
    """The difference that the journey makes, and what may be said about it."""
    low_1, high_1 = wilson(treated)
    low_2, high_2 = wilson(control)
    p_1, p_2 = treated.rate, control.rate
    difference = p_1 - p_2
    lower = difference - sqrt((p_1 - low_1) ** 2 + (high_2 - p_2) ** 2)
    upper = difference + sqrt((high_1 - p_1) ** 2 + (p_2 - low_2) ** 2)
    effect: Effect = "no_proof"
    if min(treated.of, control.of) < FEWEST:
        effect = "too_early"
    elif lower > 0:
        effect = "proven"
    elif upper < 0:
        effect = "harmful"
    return Comparison(treated, control, difference, lower, upper, effect)


def wilson(share: Share) -> tuple[float, float]:
    """The 95 % interval of a rate; (0, 1) of nobody."""
    hits, number = share
    if not number:
        return 0.0, 1.0
    p = hits / number
    middle = p + _Z * _Z / (2 * number)
    half = _Z * sqrt(p * (1 - p) / number + _Z * _Z / (4 * number * number))
    whole = 1 + _Z * _Z / number
    return max((middle - half) / whole, 0.0), min((middle + half) / whole, 1.0)


class Quartiles(NamedTuple):
    """Days after which a quarter, half and three quarters had arrived."""

    first: int
    middle: int
    third: int


def quartiles(days: Mapping[int, int]) -> Quartiles | None:
    """Quartiles of a count per day (day -> people); None of nobody. The lower one where two days are as good."""
    total = sum(days.values())
    if not total:
        return None
    found: list[int] = []
    wanted, seen = (total / 4, total / 2, total * 3 / 4), 0
    for day in sorted(days):
        seen += days[day]
        while len(found) < len(wanted) and seen >= wanted[len(found)]:
            found.append(day)
    return Quartiles(*found)


class Band(NamedTuple):
    """What a day of this weekday is expected to bring."""

    low: float
    high: float


def expected(before: Sequence[int]) -> Band | None:
    """Median plus and minus 3 median absolute deviations of the same weekdays before; None of fewer than four."""
    if len(before) < _FEWEST_DAYS:
        return None
    middle = median(before)
    spread = median(abs(value - middle) for value in before)
    return Band(max(middle - 3 * spread, 0.0), middle + 3 * spread)


_FEWEST_DAYS = 4
