"""Scores: decay by the stated integer rule, caps, the ledger, thresholds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kundenkreis.customers.core.state import Score
from kundenkreis.customers.core.turn import ScoreEntry, Turn
from kundenkreis.kernel.zones import DAY, zone
from kundenkreis.segments.core.dates import Interval
from kundenkreis.segments.core.operators import number_interval
from kundenkreis.segments.core.scores import absorb_scores, balance, daily_multiplier, decayed, next_crossing_day
from tests.segments.frame import Customer, compiled, plain_row

pytestmark = pytest.mark.pure

BERLIN = zone("Europe/Berlin")
T0 = 1_774_600_000_000_000


def score(**more):
    rules = [{"id": "seen", "event": {"name": "Seen"}, "points": 10}]
    return {"kind": "score", "id": "fit", "rules": rules, **more}


def ledger(customer):
    return [(one.rule_id, one.milli_points, one.balance) for one in customer.records if isinstance(one, ScoreEntry)]


@pytest.mark.parametrize("half_life", [1, 2, 3, 7, 30, 365, 3650])
def test_multiplier_is_the_largest_that_halves_in_time(half_life):
    times = daily_multiplier(half_life)
    assert 2 * times**half_life <= 1 << (32 * half_life) < 2 * (times + 1) ** half_life
    assert decayed(100_000, half_life, times) in range(50_000 - half_life, 50_001)


def test_no_half_life_no_decay():
    assert decayed(1234, 9999, daily_multiplier(None)) == 1234


def test_decay_is_the_same_whenever_it_is_written_down():
    times = daily_multiplier(30)
    assert decayed(decayed(77_777, 11, times), 19, times) == decayed(77_777, 30, times)
    assert decayed(-5_000, 3, times) == -decayed(5_000, 3, times)
    assert decayed(5_000, 100_000, times) == 0


def test_next_crossing_is_the_first_day_on_the_other_side():
    times = daily_multiplier(30)
    day = next_crossing_day(20_000, 100, times, Interval(10_000, 1 << 80))
    assert (decayed(20_000, day - 101, times), decayed(20_000, day - 100, times)) == (10_222, 9_988)
    assert next_crossing_day(20_000, 100, times, Interval(30_000, 1 << 80)) is None
    assert next_crossing_day(20_000, 100, times, Interval(0, 1 << 80)) is None
    assert next_crossing_day(20_000, 100, times, Interval(5_000, 10_000)) == day
    assert next_crossing_day(20_000, 100, times, Interval(9_990, 9_995)) is None  # falls past it within one day


@given(
    milli=st.integers(0, 40_000),
    half_life=st.sampled_from((1, 3, 30)),
    op=st.sampled_from(("=", "!=", "<", "<=", ">", ">=", "between")),
    value=st.one_of(st.integers(0, 40), st.sampled_from((0.001, 9.988, 4.9999, 12.5))),
)
def test_next_crossing_equals_a_walk_day_by_day(milli, half_life, op, value):
    times = daily_multiplier(half_life)
    interval = number_interval(op, [value, value + 3] if op == "between" else value, scale=1000)
    walked, day, left = None, 100, milli
    while left > 0 and walked is None:
        left, day = left * times >> 32, day + 1
        walked = day if interval.holds(left) is not interval.holds(milli) else None
    assert next_crossing_day(milli, 100, times, interval) == walked


def test_ledger_and_balance():
    customer = Customer(compiled(score(half_life_days=1, maximum=14)))
    customer.take(plain_row(1, "Seen", T0), plain_row(2, "Seen", T0 + 1), plain_row(3, "Seen", T0 + DAY))
    assert ledger(customer) == [("seen", 10_000, 10_000), ("seen", 4_000, 14_000), ("seen", 7_000, 14_000)]
    held = customer.state.decisions.scores["fit"]
    assert balance(held, BERLIN.day_number(T0 + 2 * DAY), daily_multiplier(1)) == 7_000


def test_points_of_a_late_event_are_decayed_from_its_day():
    customer = Customer(compiled(score(half_life_days=1)))
    customer.take(plain_row(1, "Seen", T0 + 2 * DAY, happened_us=T0))
    assert ledger(customer) == [("seen", 2_500, 2_500)]


def test_cap_opens_with_the_first_points():
    rules = [{"id": "seen", "event": {"name": "Seen"}, "points": 4, "at_most": {"points": 10, "per_days": 3}}]
    customer = Customer(compiled({"kind": "score", "id": "fit", "rules": rules}))
    for number, day in enumerate((0, 1, 2, 2, 3, 3), start=1):
        customer.take(plain_row(number, "Seen", T0 + day * DAY))
    assert ledger(customer) == [
        ("seen", 4_000, 4_000), ("seen", 4_000, 8_000), ("seen", 2_000, 10_000), ("seen", 4_000, 14_000), ("seen", 4_000, 18_000),
    ]  # fmt: skip


def test_a_balance_never_falls_below_zero():
    rules = [
        {"id": "seen", "event": {"name": "Seen"}, "points": 1},
        {"id": "angry", "event": {"name": "Angry"}, "points": -5},
    ]
    customer = Customer(compiled({"kind": "score", "id": "fit", "rules": rules}))
    customer.take(plain_row(1, "Angry", T0), plain_row(2, "Seen", T0), plain_row(3, "Angry", T0))
    assert ledger(customer) == [("seen", 1_000, 1_000), ("angry", -1_000, 0)]


def test_crossed_thresholds_are_told_both_ways_at_their_instants():
    customer = Customer(compiled(score(half_life_days=1, thresholds=[5, 8])))
    customer.take(plain_row(1, "Seen", T0)).wait_until(T0 + 9 * DAY)
    first, second = (BERLIN.day_start_us(BERLIN.day_number(T0) + day) for day in (1, 2))
    told = [
        (at_us, one["threshold"], one["direction"]) for at_us, name, one in customer.derived if name == "Score Crossed"
    ]
    assert told == [(T0, 5, "up"), (T0, 8, "up"), (first, 8, "down"), (second, 5, "down")]
    assert customer.due == [(first, True), (second, True)]


def test_score_added_counts_only_from_ourselves():
    customer = Customer(compiled(score()))
    for number, origin in enumerate(("api", "import", "derived", "human"), start=1):
        customer.take(plain_row(number, "Score Added", T0, origin=origin, score="fit", points=number))
    assert ledger(customer) == [("added", 3_000, 3_000), ("added", 4_000, 7_000)]
    customer.take(plain_row(9, "Score Added", T0, origin="human", score="other", points=1))
    customer.take(plain_row(10, "Score Added", T0, origin="human", score="fit", points="1"))
    assert customer.state.decisions.scores["fit"].milli_points == 7_000


def test_condition_on_a_score_flips_with_its_decay():
    documents = (
        score(half_life_days=1),
        {"kind": "segment", "id": "warm", "when": {"score": {"id": "fit", "op": ">=", "value": 5}}},
    )
    customer = Customer(compiled(*documents)).take(plain_row(1, "Seen", T0)).wait_until(T0 + 9 * DAY)
    left_us = BERLIN.day_start_us(BERLIN.day_number(T0) + 2)
    assert customer.changes("segment") == [(T0, "warm", True), (left_us, "warm", False)]


def test_a_merge_adds_the_points_of_both_and_says_so():
    decisions = compiled(score(half_life_days=1, maximum=100))
    customer = Customer(decisions).take(plain_row(1, "Seen", T0))
    today = BERLIN.day_number(T0)
    turn = Turn(customer.state, T0 + 1, row=None, zone=BERLIN, rulebook_version=1)
    theirs = {"fit": Score(40_000, today - 1, {"seen": [today, 5]}), "gone": Score(1, today)}
    absorb_scores(decisions.scores, turn, theirs)
    assert [(one.rule_id, one.milli_points, one.balance) for one in turn.records] == [("merged", 20_000, 30_000)]
    assert customer.state.decisions.scores == {"fit": Score(30_000, today, {"seen": [today, 5]})}
    absorb_scores(decisions.scores, turn, {"fit": Score(90_000, today)})
    assert balance(customer.state.decisions.scores["fit"], today, 1 << 32) == 100_000
