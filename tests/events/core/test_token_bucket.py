"""Rates: what a bucket allows over any stretch of time (attack A44)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kundenkreis.events.core.token_bucket import TokenBucket

pytestmark = pytest.mark.pure


def test_burst_then_pause_then_again() -> None:
    bucket = TokenBucket(10, 20, at=0)
    assert [bucket.take(10, 0) for _ in range(3)] == [0.0, 0.0, 0.1]
    assert bucket.take(1, 0.05) == pytest.approx(0.05)
    assert bucket.take(1, 0.1) == 0.0


def test_batch_larger_than_the_burst_passes_and_is_paid_back() -> None:
    bucket = TokenBucket(10, 20, at=0)
    assert bucket.take(120, 0) == 0.0
    assert bucket.take(1, 1.0) == pytest.approx(9.1)
    assert bucket.take(1, 10.2) == 0.0


def test_asking_for_nothing_costs_nothing() -> None:
    bucket = TokenBucket(1, 1, at=0)
    assert [bucket.take(0, 0) for _ in range(5)] == [0.0] * 5
    assert bucket.take(1, 0) == 0.0


@given(st.lists(st.tuples(st.integers(0, 300), st.floats(0, 5)), max_size=60))
def test_never_more_than_rate_burst_and_one_overdraft(requests: list[tuple[int, float]]) -> None:
    rate, burst, now, given_out = 10.0, 50.0, 0.0, 0
    bucket = TokenBucket(rate, burst, at=0)
    largest = 0
    for count, pause in requests:
        now += pause
        if bucket.take(count, now) == 0.0:
            given_out += count
            largest = max(largest, count)
    assert given_out <= burst + rate * now + largest + 1e-6
