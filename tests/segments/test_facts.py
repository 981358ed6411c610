"""Facts: what is kept, that order of arrival makes no difference, and that folding history gives what the live fold kept."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kundenkreis.kernel.zones import DAY, zone
from kundenkreis.segments.core.facts import (
    FactTable,
    absorb_facts,
    amount_of,
    fact,
    facts_of,
    fold_fact,
    fold_facts,
    merge_specs,
    shrink,
    unite,
)
from kundenkreis.segments.core.protocol import PropertyFilter
from kundenkreis.segments.core.tree import compile_condition
from tests.segments.frame import Customer, compiled, log_row, plain_row
from tests.segments.worlds import FIXED, ZONES, leaves, lives, trees

pytestmark = pytest.mark.pure

BERLIN = zone("Europe/Berlin")
T0 = 1_774_600_000_000_000


def rows_of(*happened_days, name="Seen", at_day=None, **properties):
    """Log rows that happened on these days after T0, received in this order."""
    rows, at_us = [], T0
    for number, day in enumerate(happened_days, start=1):
        at_us = max(at_us, T0 + (day if at_day is None else at_day) * DAY)
        plain = plain_row(number, name, at_us, happened_us=T0 + day * DAY, **properties)
        rows.append(log_row(plain, number, BERLIN))
    return rows


@pytest.mark.pure
def test_recent_keeps_the_latest_and_inserts_late_ones():
    spec = fact("recent", ["Seen"], size=3)
    value = fold_fact(spec, rows_of(1, 5, 3, 2, 5, 0), zone=BERLIN)
    assert value == [T0 + 3 * DAY, T0 + 5 * DAY, T0 + 5 * DAY]


@pytest.mark.pure
def test_buckets_forget_what_left_the_window():
    spec = fact("buckets", ["Seen"], property_="size", size=3)
    first = BERLIN.day_number(T0)
    assert fold_fact(spec, rows_of(0, 0, 1, size=2), zone=BERLIN) == [[first, 4000], [first + 1, 2000]]
    assert fold_fact(spec, rows_of(0, 1, 3, 0, size=2), zone=BERLIN) == [[first + 1, 2000], [first + 3, 2000]]


@pytest.mark.pure
@pytest.mark.parametrize(
    ("kind", "value"),
    [("total", 4), ("first", T0), ("last", T0 + 4 * DAY), ("days", [BERLIN.day_number(T0) + n for n in (0, 1, 4)])],
)
def test_other_kinds(kind, value):
    spec = fact(kind, ["Seen"], size=5 if kind == "days" else 0)
    assert fold_fact(spec, rows_of(1, 0, 4, 1), zone=BERLIN) == value


@pytest.mark.pure
def test_nothing_happened_is_none():
    spec = fact("recent", ["Other"], size=3)
    assert fold_fact(spec, rows_of(1, 2), zone=BERLIN) is None


@pytest.mark.pure
def test_star_hears_what_came_in_but_nothing_derived():
    spec = fact("total", ["*"])
    rows = rows_of(1, 2)
    derived = rows[1].__copy__()
    derived.flags, derived.origin = 4, "derived"
    identify = rows[1].__copy__()
    identify.type, identify.name = "identify", ""
    assert fold_fact(spec, [*rows, derived, identify], zone=BERLIN) == 2
    assert fold_fact(fact("total", ["Seen"]), [*rows, derived], zone=BERLIN) == 3


@pytest.mark.pure
@pytest.mark.parametrize(
    ("properties", "path", "thousandths"),
    [
        ({"total": 19.99}, "total", 19_990),
        ({"total": "19.99"}, "total", 19_990),
        ({"total": 0.125}, "total", 120),
        ({"total": 0.135}, "total", 140),
        ({"total": 5, "currency": "JPY"}, "total", 5_000),
        ({"order": {"total": 1}}, "order.total", 1_000),
        ({"size": 0.0005}, "size", 0),
        ({"size": 0.0015}, "size", 2),
        ({"size": "5"}, "size", None),
        ({"size": True}, "size", None),
        ({"total": True}, "total", None),
        ({"size": 1e300}, "size", None),
        ({}, "size", None),
        ({"box.total": 5, "box": {"total": 7}}, "box.total", 5_000),
        ({"box.total": None, "box": {"total": 7}}, "box.total", 7_000),
    ],
)
def test_amounts(properties, path, thousandths):
    assert amount_of(properties, path) == thousandths


@pytest.mark.pure
def test_equal_needs_share_a_value_of_the_largest_size():
    where = [PropertyFilter(property="a", op="=", value=1), PropertyFilter(property="b", op="=", value=2)]
    small, large = (
        fact("recent", ["B", "A"], where=where, size=2),
        fact("recent", ["A", "B"], where=where[::-1], size=7),
    )
    assert small.key == large.key
    assert merge_specs([small, large, fact("total", ["A"])]) == tuple(
        sorted([large, fact("total", ["A"])], key=lambda spec: spec.key)
    )
    assert (
        len({fact("recent", ["A"], size=1).key, fact("first", ["A"]).key, fact("recent", ["A"], where=where).key}) == 3
    )


@pytest.mark.pure
def test_facts_of_conditions():
    conditions = [
        compile_condition({"event": {"name": "A", "count": {"at_least": n}, "within_days": 5}}, zone=BERLIN)
        for n in (2, 9, 3)
    ]
    assert facts_of(conditions) == (fact("recent", ["A"], size=9),)


@pytest.mark.pure
@pytest.mark.parametrize(
    ("spec", "mine", "theirs", "both"),
    [
        (fact("recent", ["A"], size=3), [1, 5], [2, 7], [2, 5, 7]),
        (fact("buckets", ["A"], size=9), [[1, 5], [3, 1]], [[1, 2], [2, 9]], [[1, 7], [2, 9], [3, 1]]),
        (fact("total", ["A"]), 3, 4, 7),
        (fact("first", ["A"]), 3, 4, 3),
        (fact("last", ["A"]), 3, 4, 4),
        (fact("days", ["A"], size=3), [1, 2], [2, 5, 7], [2, 5, 7]),
    ],
)
def test_facts_of_two_customers_unite(spec, mine, theirs, both):
    assert unite(spec, mine, theirs) == both
    assert unite(spec, None, theirs) == theirs
    assert unite(spec, mine, None) == mine


@pytest.mark.pure
def test_absorb_takes_what_only_the_loser_had():
    decisions = compiled({"kind": "segment", "id": "s", "when": {"event": {"name": "Seen", "count": {"at_least": 2}}}})
    winner, loser = Customer(decisions), Customer(decisions)
    loser.take(plain_row(1, "Seen", T0), plain_row(2, "Seen", T0))
    absorb_facts(decisions, winner.state, loser.state)
    assert winner.state.facts == loser.state.facts
    assert list(winner.state.facts.values()) == [2]


@pytest.mark.pure
def test_shrink_to_a_smaller_need():
    assert shrink(fact("recent", ["A"], size=2), [1, 2, 3], 9) == [2, 3]
    assert shrink(fact("buckets", ["A"], size=2), [[7, 1], [8, 1], [9, 1]], 9) == [[8, 1], [9, 1]]
    assert shrink(fact("total", ["A"]), 5, 9) == 5


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(rows=lives(), conditions=st.lists(trees(leaves), min_size=1, max_size=5), zone_name=st.sampled_from(ZONES))
def test_folding_history_gives_what_the_live_fold_kept(rows, conditions, zone_name):
    segments = [{"kind": "segment", "id": f"s{index}", "when": when} for index, when in enumerate(conditions)]
    decisions = compiled(*FIXED, *segments, zone_name=zone_name)
    customer = Customer(decisions, created_us=rows[0]["at_us"]).take(*rows)
    log = [log_row(plain, number, decisions.zone) for number, plain in enumerate(rows, start=1)]
    assert customer.state.facts == fold_facts(FactTable(decisions.facts.specs, zone=decisions.zone), log)
