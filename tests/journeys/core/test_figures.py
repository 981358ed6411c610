"""Differences with their intervals, compared with published examples; medians and bands."""

import pytest

from kundenkreis.journeys.core.figures import Band, Quartiles, Share, compare, expected, quartiles, wilson

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    ("one", "other", "lower", "upper"),
    [
        # Newcombe 1998, table II, method 10, examples (a), (b) and (d).
        (Share(56, 70), Share(48, 80), 0.0524, 0.3339),
        (Share(9, 10), Share(3, 10), 0.1705, 0.8090),
        (Share(5, 56), Share(0, 29), -0.0381, 0.1926),
    ],
)
def test_interval_of_a_difference_is_newcombes(one: Share, other: Share, lower: float, upper: float) -> None:
    found = compare(one, other)
    assert (round(found.lower, 4), round(found.upper, 4)) == (
        pytest.approx(lower, abs=2e-4),
        pytest.approx(upper, abs=2e-4),
    )


@pytest.mark.parametrize(
    ("treated", "control", "effect"),
    [
        (Share(50, 99), Share(50, 1000), "too_early"),
        (Share(0, 0), Share(0, 0), "too_early"),
        (Share(300, 1000), Share(20, 100), "proven"),
        (Share(300, 1000), Share(29, 100), "no_proof"),
        (Share(100, 1000), Share(30, 100), "harmful"),
    ],
)
def test_what_may_be_said(treated: Share, control: Share, effect: str) -> None:
    assert compare(treated, control).effect == effect


def test_nobody_has_no_rate() -> None:
    assert (Share(0, 0).rate, wilson(Share(0, 0))) == (0.0, (0.0, 1.0))


def test_quartiles_of_days() -> None:
    assert quartiles({}) is None
    assert quartiles({0: 1}) == Quartiles(0, 0, 0)
    assert quartiles({0: 5, 3: 3, 10: 2}) == Quartiles(0, 0, 3)
    assert quartiles({1: 1, 2: 1, 3: 1, 4: 1}) == Quartiles(1, 2, 3)


def test_band_of_a_weekday() -> None:
    assert expected([5, 5, 5]) is None
    assert expected([10, 12, 8, 10, 11, 9, 10, 100]) == Band(7.0, 13.0)
    assert expected([0, 1, 0, 2]) == Band(0.0, 2.0)
