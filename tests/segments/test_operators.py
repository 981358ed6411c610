"""The table of operators: what compares with what, and what is refused."""

import pytest

from kundenkreis.kernel.zones import date_of, zone
from kundenkreis.segments.core.dates import (
    Interval,
    born_on,
    date_rule,
    day_of_value,
    is_anniversary,
    next_anniversary,
    parse_date,
)
from kundenkreis.segments.core.operators import ALL_OPS, EventFilter, number_interval, ratio_test, value_test
from kundenkreis.segments.core.protocol import PropertyFilter
from kundenkreis.segments.errors import DefinitionError

pytestmark = pytest.mark.pure

BERLIN = zone("Europe/Berlin")
MISSING = None
TABLE = [
    # operator, value, holds for, does not hold for
    ("exists", None, ["", 0, False, [], {}], [MISSING]),
    ("not_exists", None, [MISSING], ["", 0, False, []]),
    ("equals", "Bonn", ["bonn", "BONN"], ["Bonn ", "", MISSING, 5, True, ["bonn"]]),
    ("equals", "straße", ["STRASSE", "Straße"], ["strase"]),
    ("equals", "5", ["5"], [5, 5.0, True, MISSING]),
    ("not_equals", "5", [5, 5.0, True, MISSING, "6"], ["5"]),
    ("equals_exactly", "Bonn", ["Bonn"], ["bonn", MISSING]),
    ("contains", "on", ["Bonn", "ON"], ["Köln", MISSING, ["on"]]),
    ("not_contains", "on", ["Köln", MISSING, ["on"], 5], ["Bonn"]),
    ("starts_with", "bo", ["Bonn"], ["Abo", MISSING]),
    ("ends_with", "NN", ["Bonn"], ["Bon", MISSING]),
    ("in", ["a", "B"], ["A", "b"], ["c", MISSING, 5]),
    ("not_in", ["a", "B"], ["c", MISSING, 5], ["A", "b"]),
    ("=", 1, [1, 1.0], [True, "1", MISSING, 2]),
    ("!=", 1, [2, 0.5], [1, 1.0, True, "2", MISSING]),
    ("<", 0.3, [0.1, 0, -5], [0.3, 1, "0", MISSING, False]),
    ("<=", 0.3, [0.3, 0.1], [0.30000001, MISSING]),
    (">", 18, [19, 18.0001], [18, 18.0, "19", True]),
    (">=", 18, [18, 18.0], [17.9999, MISSING]),
    ("between", [1, 2.5], [1, 2.5, 2], [0.99, 2.51, True, "2", MISSING]),
    ("is_true", None, [True], [1, "true", MISSING, False]),
    ("is_false", None, [False], [0, "false", MISSING, True]),
    ("includes", "red", [["Red", "blue"]], [["blue"], "red", [], MISSING, [5]]),
    ("includes", 5, [[5], [5.0]], [["5"], [True], 5]),
    ("includes", True, [[True]], [[1], ["true"]]),
    ("not_includes", "red", [["blue"], "red", [], MISSING], [["RED"]]),
]


@pytest.mark.parametrize(("op", "value", "held", "refused"), TABLE)
def test_operator_holds_exactly_for(op, value, held, refused):
    test = value_test(op, value)
    assert [found for found in held if not test(found)] == []
    assert [found for found in refused if test(found)] == []


@pytest.mark.parametrize(
    ("op", "value", "path"),
    [
        ("roughly", 5, ["op"]),
        ("=", "5", ["value"]),
        ("=", True, ["value"]),
        (">", None, []),
        (">", float("nan"), ["value"]),
        ("between", [2, 1], ["value"]),
        ("between", [1], ["value"]),
        ("equals", 5, ["value"]),
        ("in", "a", ["value"]),
        ("in", [], ["value"]),
        ("in", [1], ["value"]),
        ("is_true", True, ["value"]),
        ("exists", "x", ["value"]),
        ("includes", None, ["value"]),
    ],
)
def test_operator_refuses_what_does_not_fit(op, value, path):
    with pytest.raises(DefinitionError) as caught:
        value_test(op, value)
    assert caught.value.data["path"] == path


@pytest.mark.parametrize(
    ("op", "value", "held", "refused"),
    [
        ("=", 2.5, [2500], [2499, 2501]),
        ("=", 0.0001, [], [0, 1]),
        ("!=", 0.0001, [0, 1], []),
        ("<", 2.5, [2499], [2500]),
        ("<=", 2.5, [2500], [2501]),
        (">", 0.0001, [1], [0]),
        (">=", 0.0001, [1], [0]),
        ("between", [0.1, 0.2], [100, 200], [99, 201]),
    ],
)
def test_number_interval_is_exact(op, value, held, refused):
    interval = number_interval(op, value, scale=1000)
    assert [found for found in held if not interval.holds(found)] == []
    assert [found for found in refused if interval.holds(found)] == []


def test_ratio_is_compared_without_rounding():
    assert ratio_test("=", 0.1)(1, 10) is True
    assert ratio_test(">", 0.333333)(1, 3) is True
    assert ratio_test("=", 0.3333333333333333)(1, 3) is False


@pytest.mark.parametrize(
    ("interval", "value", "change"),
    [
        (Interval(3, 5), 0, 3),
        (Interval(3, 5), 3, 6),
        (Interval(3, 5), 6, None),
        (Interval(3, 5, negated=True), 3, 6),
        (Interval(5, 3), 0, None),
        (Interval(3, 1 << 80), 4, None),
    ],
)
def test_interval_next_change(interval, value, change):
    assert interval.next_change(value) == change


DAY = parse_date("2026-03-10")


@pytest.mark.parametrize(
    ("op", "value", "held_from", "held_to"),
    [
        ("within_last_days", 1, 0, 0),
        ("within_last_days", 30, 0, 29),
        ("more_than_days_ago", 30, 31, 400),
        ("within_next_days", 1, 0, 0),
        ("within_next_days", 7, -6, 0),
    ],
)
def test_relative_dates_hold_at_these_ages_and_flip_there(op, value, held_from, held_to):
    rule = date_rule(op, value)
    held = [age for age in range(-50, 401) if rule.holds(DAY, DAY + age)]
    assert held == list(range(held_from, held_to + 1))
    assert rule.flips_on(DAY, DAY - 50) == DAY + held_from
    assert rule.flips_on(DAY, DAY + held_from) == (None if held_to == 400 else DAY + held_to + 1)


def test_absolute_dates_never_flip():
    assert [date_rule(op, "2026-03-10").holds(DAY, 0) for op in ("before", "on", "after")] == [False, True, False]
    assert [date_rule(op, "2026-03-11").holds(DAY, 0) for op in ("before", "on", "after")] == [True, False, False]
    assert date_rule("before", "2026-03-11").flips_on(DAY, 0) is None


@pytest.mark.parametrize(
    ("born", "days"),
    [
        ("2000-02-29", ["2027-02-28", "2028-02-29", "2029-02-28"]),
        ("1990-03-01", ["2027-03-01", "2028-03-01", "2029-03-01"]),
        ("1999-12-31", ["2027-12-31", "2028-12-31", "2029-12-31"]),
        ("--02-29", ["2027-02-28", "2028-02-29", "2029-02-28"]),
        ("28.06.1990", ["2027-06-28", "2028-06-28", "2029-06-28"]),
        ("1990-06-28T23:59:00Z", ["2027-06-28", "2028-06-28", "2029-06-28"]),
        ("2028-06-28", ["2028-06-28", "2029-06-28"]),
    ],
)
def test_anniversaries(born, days):
    born = born_on(born)
    first, last = parse_date("2027-01-01"), parse_date("2029-12-31")
    assert [date_of(day).isoformat() for day in range(first, last + 1) if is_anniversary(born, day)] == days
    assert next_anniversary(born, first - 1) == parse_date(days[0])
    assert next_anniversary(born, parse_date(days[0])) == parse_date(days[1])


@pytest.mark.parametrize(
    "value", ["never", "1990-02-30", "30.2.1990", "0001-01-01", "--2-3", "1990-02-03x", 19900203, None]
)
def test_no_date(value):
    assert born_on(value) is None


@pytest.mark.parametrize(
    ("value", "day"),
    [
        ("2026-03-10", "2026-03-10"),
        ("2026-03-09T23:30:00Z", "2026-03-10"),
        ("2026-03-10T00:30:00", "2026-03-10"),
        ("2026-03-10T23:30:00-08:00", "2026-03-11"),
        ("2026-3-10", None),
        ("10.03.2026", "2026-03-10"),
        ("--03-10", None),
        ("2026-02-30", None),
        ("20260310", None),
        (20260310, None),
        (True, None),
        (None, None),
    ],
)
def test_day_of_value(value, day):
    assert day_of_value(value, BERLIN) == (None if day is None else parse_date(day))


def test_event_filter_looks_from_the_day_of_the_event():
    events = EventFilter([PropertyFilter(property="pickup.on", op="within_next_days", value=3)], zone=BERLIN)
    assert events.passes({"pickup": {"on": "2026-03-12"}}, DAY) is True
    assert events.passes({"pickup": {"on": "2026-03-13"}}, DAY) is False
    assert events.passes({"pickup.on": "2026-03-10"}, DAY) is True
    assert events.passes({"pickup": "2026-03-12"}, DAY) is False
    assert events.passes({"pickup": {"on": "2026-03-12"}}) is False


def test_every_operator_of_the_format_compiles():
    values = {
        "between": [1, 2], "in": ["a"], "not_in": ["a"], "before": "2026-01-01", "after": "2026-01-01",
        "on": "2026-01-01", "within_last_days": 1, "more_than_days_ago": 1, "within_next_days": 1,
    }  # fmt: skip
    texts = {"equals", "not_equals", "equals_exactly", "contains", "not_contains", "starts_with", "ends_with"}
    none = {"exists", "not_exists", "is_true", "is_false"}
    compiled = []
    for op in sorted(ALL_OPS - {"anniversary_in_days"}):
        value = values.get(op, None if op in none else "a" if op in texts or "includes" in op else 1)
        compiled.append(bool(EventFilter([PropertyFilter(property="p", op=op, value=value)], zone=BERLIN)))
    assert compiled == [True] * (len(ALL_OPS) - 1)
