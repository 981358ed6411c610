"""Live answers against a second, brute-force reading of the reference, over random lives."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kundenkreis.kernel.ids import NEVER
from kundenkreis.kernel.zones import zone
from kundenkreis.segments.core.tree import compile_condition
from tests.segments.frame import Customer, compiled, plain_row
from tests.segments.oracle import Oracle
from tests.segments.worlds import DAY, FAMILIES, FIXED, ZONES, leaves, lives, trees

pytestmark = pytest.mark.pure

SETTINGS = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
by_family = pytest.mark.parametrize("family", sorted(FAMILIES))
HORIZON = 800 * DAY
OTHER_ZONES = ("Asia/Tokyo", "America/New_York", "Pacific/Apia", "Europe/Berlin", "Europe/Vienna")


def folded(rows, condition, zone_name):
    """A customer who lived these rows, the condition, and its oracle."""
    documents = (*FIXED, {"kind": "segment", "id": "asked_about", "when": condition})
    decisions = compiled(*documents, zone_name=zone_name)
    customer = Customer(decisions, created_us=rows[0]["at_us"]).take(*rows)
    live = compile_condition(condition, zone=zone(zone_name), known=decisions.known)
    return customer, live, Oracle(rows, zone_name, bucket_key="somebody", definitions=documents)


@by_family
@SETTINGS
@given(rows=lives(), zone_name=st.sampled_from(ZONES), data=st.data())
def test_answer_at_any_later_instant_equals_the_oracle(family, rows, zone_name, data):
    condition = data.draw(FAMILIES[family])
    customer, live, oracle = folded(rows, condition, zone_name)
    for days in (0, 1, 2, 7, 30, 91, 800):
        at_us = rows[-1]["at_us"] + data.draw(st.integers(0, days * DAY))
        holds, flips_us = live.answer(customer.state, at_us)
        assert holds is oracle.go(at_us).holds(condition)
        reason = live.explain(customer.state, at_us)
        assert (reason.holds, reason.flips_us) == (holds, flips_us)


@by_family
@SETTINGS
@given(rows=lives(most=8), zone_name=st.sampled_from(ZONES), data=st.data())
def test_flip_instants_are_exact(family, rows, zone_name, data):
    condition = data.draw(st.one_of(FAMILIES[family], trees(FAMILIES[family])))
    customer, live, oracle = folded(rows, condition, zone_name)
    at_us = rows[-1]["at_us"]
    for _ in range(4):
        holds, flips_us = live.answer(customer.state, at_us)
        last_us = min(flips_us, at_us + HORIZON)
        between = data.draw(st.lists(st.integers(at_us, last_us - 1), max_size=8))
        for look_us in (*between, last_us - 1):
            assert oracle.go(look_us).holds(condition) is holds
            assert live.answer(customer.state, look_us) == (holds, flips_us)
        if flips_us == NEVER:
            return
        assert oracle.go(flips_us).holds(condition) is not holds
        at_us = flips_us


@by_family
@SETTINGS
@given(rows=lives(), zone_name=st.sampled_from(ZONES), data=st.data())
def test_membership_intervals_equal_the_oracle_to_the_microsecond(family, rows, zone_name, data):
    of = FAMILIES[family]
    conditions = data.draw(st.lists(of, min_size=3, max_size=5)) + data.draw(st.lists(trees(leaves), max_size=1))
    names = [f"s{index}" for index in range(len(conditions))]
    nested = [
        {"all": [one, {"not": {"segment": {"id": names[index - 1]}}}]} if index else one
        for index, one in enumerate(conditions)
    ]
    segments = [{"kind": "segment", "id": name, "when": when} for name, when in zip(names, nested, strict=True)]
    documents = (*FIXED, *segments)
    end_us = rows[-1]["at_us"] + 60 * DAY
    customer = Customer(compiled(*documents, zone_name=zone_name), created_us=rows[0]["at_us"])
    customer.take(*rows).wait_until(end_us)
    oracle = Oracle(rows, zone_name, bucket_key="somebody", definitions=documents)
    expected, inside = [], set()
    for at_us in oracle.instants(rows[0]["at_us"], end_us, zones=OTHER_ZONES, hours=(1, 24, 168)):
        oracle.go(at_us)
        now = {name for name, when in zip(names, nested, strict=True) if oracle.holds(when)}
        expected += [(at_us, name, name in now) for name in sorted(inside ^ now)]
        inside = now
    assert customer.changes("segment") == sorted(expected)
    assert set(customer.state.decisions.inside) == inside


@pytest.mark.parametrize("late_days", [1, 5, 20])
@pytest.mark.parametrize("count", [{"at_least": 1}, {"at_least": 2}, {"exactly": 1}, {"at_most": 1}])
def test_late_events_leave_windows_in_the_order_they_occurred(late_days, count):
    at_us = 1_774_600_000_000_000
    rows = [
        plain_row(1, "Seen", at_us),
        plain_row(2, "Seen", at_us + 1, happened_us=at_us - late_days * DAY),
        plain_row(3, "Seen", at_us + 2, happened_us=at_us - late_days * DAY // 2),
    ]
    segment = {"kind": "segment", "id": "s", "when": {"event": {"name": "Seen", "count": count, "within_days": 7}}}
    customer = Customer(compiled(segment), created_us=at_us).take(*rows).wait_until(at_us + 30 * DAY)
    oracle = Oracle(rows, "Europe/Berlin")
    expected, inside = [], False
    for instant in oracle.instants(at_us, at_us + 30 * DAY):
        now = oracle.go(instant).holds(segment["when"])
        expected += [(instant, "s", now)] if now is not inside else []
        inside = now
    assert customer.changes("segment") == expected


@SETTINGS
@given(rows=lives(), conditions=st.lists(trees(leaves), min_size=4, max_size=4), zone_name=st.sampled_from(ZONES))
def test_phase_history_equals_the_oracle(rows, conditions, zone_name):
    first, second, third, sub = conditions
    phases = {
        "kind": "phases",
        "phases": [
            {"id": "a", "when": first, "sub_states": [{"id": "x", "when": sub}, {"id": "y", "when": third}]},
            {
                "id": "b",
                "when": {"all": [second, {"not": {"segment": {"id": "s"}}}]},
                "sub_states": [{"id": "z", "when": sub}],
            },
            {"id": "c", "when": third},
            {"id": "d", "when": {"any": []}},
        ],
    }
    segments = (
        {"kind": "segment", "id": "s", "when": sub},
        {"kind": "segment", "id": "in_a", "when": {"phase": {"is": "a"}}},
        {
            "kind": "segment",
            "id": "in_x",
            "when": {"any": [{"phase": {"is": ["a", "b"], "sub_state": ["x", "z"]}}, third]},
        },
    )
    documents = (*FIXED, phases, *segments)
    end_us = rows[-1]["at_us"] + 60 * DAY
    customer = Customer(compiled(*documents, zone_name=zone_name), created_us=rows[0]["at_us"])
    oracle = Oracle(rows, zone_name, bucket_key="somebody", definitions=documents)
    instants = oracle.instants(rows[0]["at_us"], end_us, zones=OTHER_ZONES, hours=(1, 24, 168))
    for at_us in instants:
        for row in (row for row in rows if row["at_us"] == at_us):
            customer.take(row)
            oracle.all_rows = [one for one in rows if one["event_id"] <= row["event_id"]]
            oracle.go(at_us).step_phase()
        customer.wait_until(at_us)
        oracle.all_rows = [one for one in rows if one["at_us"] <= at_us]
        place = oracle.go(at_us).step_phase()
        held = customer.state.decisions.phase
        assert (held.phase, held.sub_state) == place
        assert sorted(customer.state.decisions.inside) == [
            one["id"] for one in sorted(segments, key=lambda one: one["id"]) if oracle.holds(one["when"])
        ]


@SETTINGS
@given(rows=lives(), conditions=st.lists(trees(leaves), min_size=3, max_size=3), data=st.data())
def test_batching_makes_no_difference(rows, conditions, data):
    segments = [{"kind": "segment", "id": f"s{index}", "when": when} for index, when in enumerate(conditions)]
    decisions = compiled(*FIXED, *segments)
    whole = Customer(decisions, created_us=rows[0]["at_us"]).take(*rows)
    parts = Customer(decisions, created_us=rows[0]["at_us"])
    for row in rows:
        parts.take(row)
        if data.draw(st.booleans()):
            parts.wait_until(row["at_us"]).store_and_load()
    end_us = rows[-1]["at_us"] + 20 * DAY
    whole.wait_until(end_us)
    parts.wait_until(end_us - data.draw(st.integers(0, 20 * DAY))).store_and_load().wait_until(end_us)
    assert parts.records == whole.records
    assert parts.derived == whole.derived
    assert parts.store_and_load().state == whole.store_and_load().state


@SETTINGS
@given(rows=lives(), conditions=st.lists(trees(leaves), min_size=3, max_size=3), zone_name=st.sampled_from(ZONES))
def test_every_wake_up_changes_something(rows, conditions, zone_name):
    segments = [{"kind": "segment", "id": f"s{index}", "when": when} for index, when in enumerate(conditions)]
    customer = Customer(compiled(*FIXED, *segments, zone_name=zone_name), created_us=rows[0]["at_us"])
    customer.take(*rows).wait_until(rows[-1]["at_us"] + 100 * DAY)
    assert [at_us for at_us, changed in customer.due if not changed] == []


def test_oracle_imports_nothing_of_the_package():
    with open(__file__.replace("test_oracle.py", "oracle.py"), encoding="utf-8") as source:
        assert "kundenkreis" not in source.read().replace("docs/reference", "")
