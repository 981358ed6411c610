"""What a journey achieved, in numbers that do not promise more than they know.

Source of the interval: R. G. Newcombe, Interval estimation for the difference between independent proportions, Statistics in Medicine 17 (1998),
method 10 (Wilson intervals combined).
"""

from collections.abc import Mapping, Sequence
from math import sqrt
from statistics import NormalDist, median
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


def compare(treated: Share, control: Share, *, looks: int = 1) -> Comparison:
    """The difference that the journey makes, and what may be said about it.

    Args:
        looks: how many such comparisons are looked at together. Each interval is as much wider that all hold at once in 95 of 100 cases
            (Bonferroni), or the best of many cells would look like proof by chance.
    """
    z = _Z if looks <= 1 else NormalDist().inv_cdf(1 - 0.025 / looks)
    low_1, high_1 = wilson(treated, z)
    low_2, high_2 = wilson(control, z)
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


class MeanDifference(NamedTuple):
    """What one group has more than the other per person, with its 95 % interval."""

    difference: float
    lower: float
    upper: float


def compare_means(
    number_1: int, sum_1: float, squares_1: float, number_2: int, sum_2: float, squares_2: float
) -> MeanDifference | None:
    """The difference of two means of amounts per person (Welch: unequal variances); None while a group has fewer than FEWEST people.

    Source: B. L. Welch, The generalization of Student's problem when several different population variances are involved, Biometrika 34 (1947). From
    FEWEST people on Student's distribution is the normal one for this purpose.
    """
    if min(number_1, number_2) < FEWEST:
        return None
    mean_1, mean_2 = sum_1 / number_1, sum_2 / number_2
    spread_1 = max(squares_1 / number_1 - mean_1 * mean_1, 0.0) / (number_1 - 1)
    spread_2 = max(squares_2 / number_2 - mean_2 * mean_2, 0.0) / (number_2 - 1)
    half = _Z * sqrt(spread_1 + spread_2)
    return MeanDifference(mean_1 - mean_2, mean_1 - mean_2 - half, mean_1 - mean_2 + half)


def wilson(share: Share, z: float = _Z) -> tuple[float, float]:
    """The 95 % interval of a rate, or that of another z; (0, 1) of nobody."""
    hits, number = share
    if not number:
        return 0.0, 1.0
    p = hits / number
    middle = p + z * z / (2 * number)
    half = z * sqrt(p * (1 - p) / number + z * z / (4 * number * number))
    whole = 1 + z * z / number
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
