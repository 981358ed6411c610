"""Runs: who leaves, what a message's fate does, how long somebody waits, which version is walked, where it ends."""

from typing import Any

import pytest

from kundenkreis.customers.core.state import Planned
from kundenkreis.customers.core.turn import RunEntry
from kundenkreis.journeys.core.entries import refusal
from kundenkreis.journeys.core.properties import kept_properties
from kundenkreis.journeys.core.runs import next_us
from kundenkreis.journeys.core.walk import STEPS_PER_DAY
from kundenkreis.kernel.hashing import bucket_of, effect_id_of
from kundenkreis.kernel.ids import NEVER
from kundenkreis.kernel.zones import DAY, HOUR, zone
from tests.journeys.core.words import BIRTHDAY, GOAL, HELLO, LATER, WAIT, fold, outcomes
from tests.journeys.driver import BERLIN, Fold, journey, journeys, local, simple, us

pytestmark = pytest.mark.pure

# Goal, exit, control group


def test_the_goal_ends_the_run_and_takes_back_the_planned_message() -> None:
    customer = fold(simple(goal=GOAL), policy=lambda planned, at_us: at_us + DAY)
    customer.tell("Go", "2026-06-01 10:00").tell("Order Completed", "2026-06-01 11:00").until("2026-07-10 00:00")
    assert outcomes(customer) == ["entered", "waiting", "goal"]
    assert (customer.sendings, [reason for _, reason in customer.cancelled], customer.state.runs) == ([], ["goal"], [])


def test_the_goal_is_measured_after_the_last_step_and_not_after_its_window() -> None:
    customer = fold(simple(goal=GOAL)).tell("Go", "2026-06-01 10:00")
    assert [run.waiting_for for run in customer.state.runs] == ["goal"]
    assert next_us(customer.rulebook, customer.state) == NEVER
    customer.tell("Order Completed", "2026-06-30 10:00")
    assert (outcomes(customer), customer.state.runs) == (["entered", "waiting", "sent", "done", "goal"], [])
    other = fold(simple(goal=GOAL)).tell("Go", "2026-06-01 10:00").tell("Order Completed", "2026-07-01 10:01")
    assert outcomes(other) == ["entered", "waiting", "sent", "done"]


@pytest.mark.parametrize(
    ("happened", "arrived", "counts", "is_kept"),
    [
        ("2026-07-01 10:00", "2026-07-02 03:00", True, False),
        ("2026-07-01 10:00", "2026-07-08 10:00", True, False),
        ("2026-07-01 10:00", "2026-07-08 10:01", False, False),
        ("2026-07-01 10:01", "2026-07-02 03:00", False, True),
        ("2026-05-31 10:00", "2026-07-02 03:00", False, True),
    ],
)
def test_a_goal_within_the_window_counts_when_it_arrives_within_a_week_after_it(
    happened: str, arrived: str, counts: bool, is_kept: bool
) -> None:
    customer = fold(simple(goal=GOAL)).tell("Go", "2026-06-01 10:00").tell("Page", "2026-07-01 22:00")
    customer.tell("Order Completed", arrived, happened_us=us(happened), late=True)
    assert outcomes(customer) == ["entered", "waiting", "sent", "done", *(["goal"] if counts else [])]
    assert bool(customer.state.runs) == is_kept


@pytest.mark.parametrize(("happened", "counts"), [("2026-07-01 10:00", True), ("2026-07-01 10:01", False)])
def test_a_goal_within_the_window_that_is_not_late_counts_after_it_too(happened: str, counts: bool) -> None:
    customer = fold(simple(goal=GOAL)).tell("Go", "2026-06-01 10:00").tell("Page", "2026-07-01 22:00")
    customer.tell("Order Completed", "2026-07-02 03:00", happened_us=us(happened))
    assert outcomes(customer) == ["entered", "waiting", "sent", "done", *(["goal"] if counts else [])]


@pytest.mark.parametrize("is_late", [True, False])
def test_a_goal_within_the_window_counts_after_steps_that_ended_after_the_window(is_late: bool) -> None:
    """A run whose steps took longer than its window is over later than that, and still hears what happened within it."""
    steps = [{"id": "long", "wait": {"days": 31}}, HELLO]
    customer = fold(simple(goal=GOAL, steps=steps)).tell("Go", "2026-06-01 10:00").tell("Page", "2026-07-02 11:00")
    customer.tell("Order Completed", "2026-07-02 12:00", happened_us=us("2026-07-01 09:00"), late=is_late)
    assert outcomes(customer)[-2:] == ["done", "goal"]


def test_a_goal_may_leave_the_run_going() -> None:
    customer = fold(simple(goal={**GOAL, "exit_on_goal": False}, steps=[WAIT, HELLO]))
    customer.tell("Go", "2026-06-01 10:00").tell("Order Completed", "2026-06-02 10:00").tell(
        "Order Completed", "2026-06-03 10:00"
    )
    customer.until("2026-06-20 00:00")
    assert outcomes(customer) == ["entered", "waiting", "goal", "done", "waiting", "sent", "done"]


def test_a_goal_condition_is_reached_by_time_too() -> None:
    window = {"between": [us("2026-06-04 10:00"), us("2026-06-05 10:00")]}
    customer = (
        fold(simple(goal={"condition": window}, steps=[WAIT])).tell("Go", "2026-06-01 10:00").until("2026-06-20 00:00")
    )
    assert [(local(e.at_us), e.outcome) for e in customer.records if isinstance(e, RunEntry)][-1] == (
        "Thu 2026-06-04 10:00",
        "goal",
    )


def test_a_measured_goal_that_does_not_hold_yet_is_asked_again_once() -> None:
    window = {"all": [{"orders": 1}, {"between": [us("2026-06-04 10:00"), us("2026-06-05 10:00")]}]}
    customer = (
        fold(simple(goal={"condition": window, "within_days": 30}))
        .tell("Go", "2026-06-01 10:00")
        .until("2026-06-20 00:00")
    )
    assert [local(wake) for wake in customer.wakes] == ["Thu 2026-06-04 10:00", "Fri 2026-06-05 10:00"]
    assert [run.waiting_for for run in customer.state.runs] == ["goal"]


def test_the_same_order_is_goal_before_it_is_exit() -> None:
    customer = fold(
        simple(entry={"segment_entered": "silent"}, goal=GOAL, exit_when={"not": {"segment": "silent"}}, steps=[WAIT]),
        segments={"silent": {"silent_days": 10}},
    )
    customer.tell("Order Completed", "2026-06-01 10:00").until("2026-06-12 00:00").tell(
        "Order Completed", "2026-06-12 10:00"
    )
    assert outcomes(customer) == ["entered", "waiting", "goal"]


@pytest.mark.parametrize("condition", [{"attribute": {"name": "left", "value": True}}, {"event": {"name": "Left"}}])
def test_exit_when_ends_the_run(condition: dict[str, Any]) -> None:
    customer = fold(simple(exit_when=condition, steps=[WAIT, HELLO])).tell("Go", "2026-06-01 10:00")
    customer.tell("Left", "2026-06-02 10:00").tell("", "2026-06-03 10:00", {"left": True}, type="identify")
    assert outcomes(customer) == ["entered", "waiting", "exited:exit_when"]


def test_whoever_should_leave_at_entry_gets_nothing() -> None:
    customer = fold(simple(exit_when={"orders": 0})).tell("Go", "2026-06-01 10:00")
    assert (outcomes(customer), customer.sendings, customer.state.runs) == (["entered", "exited:exit_when"], [], [])


def test_the_control_group_walks_and_is_measured_and_receives_nothing() -> None:
    steps = [HELLO, {"id": "mark", "set_attribute": {"name": "x", "value": 1}}, {"id": "warm", "add_score": {"score": "s", "points": 1}},
             {"id": "tell", "emit_event": {"name": "Told"}}, WAIT]  # fmt: skip
    customer = fold(simple(holdout={"percent": 100}, goal=GOAL, steps=steps)).tell("Go", "2026-06-01 10:00")
    customer.tell("Order Completed", "2026-06-05 10:00")
    assert outcomes(customer) == ["entered", "holdout", "holdout", "holdout", "holdout", "holdout", "waiting", "goal"]
    assert (customer.sent, customer.events) == ([], [])


def test_the_control_group_is_the_stated_share_and_hangs_on_the_salt() -> None:
    compiled = journey(simple(holdout={"percent": 10, "salt": "winback"}))
    held = {f"person-{i}" for i in range(3000) if bucket_of(f"person-{i}", "winback") < compiled.holdout_buckets}
    assert compiled.holdout_buckets == 1000
    assert 240 <= len(held) <= 360
    for key in ("person-1", *sorted(held)[:1]):
        customer = Fold(journeys(compiled), bucket_key=key).tell("Go", "2026-06-01 10:00")
        assert (not customer.sent) == (key in held)


def test_a_split_gives_everybody_a_stable_part() -> None:
    parts = [{"id": "a", "percent": 12.5, "next": "hello"}, {"id": "b", "percent": 87.5, "next": "exit"}]
    compiled = journey(simple(steps=[{"id": "test", "split": {"salt": "s", "parts": parts}}, HELLO]))
    for i in range(50):
        customer = Fold(journeys(compiled), bucket_key=f"p{i}").tell("Go", "2026-06-01 10:00")
        assert customer.path[1] == ("test", "branch:a" if bucket_of(f"p{i}", "s") < 1250 else "branch:b")


# Messages


@pytest.mark.parametrize(
    ("if_withheld", "verdict", "expected"),
    [
        ("skip", "withhold", ["waiting", "withheld", "waiting"]),
        ("exit", "withhold", ["waiting", "exited:withheld"]),
        ("wait", "withhold", ["waiting"]),
        ("skip", "expire", ["waiting", "withheld", "waiting"]),
        ("wait", "expire", ["waiting", "withheld", "waiting"]),
        ("exit", "expire", ["waiting", "exited:withheld"]),
        ("exit", "release", ["waiting", "sent", "waiting"]),
    ],
)
def test_a_messages_fate_moves_the_run(if_withheld: str, verdict: str, expected: list[str]) -> None:
    step = {"id": "hello", "message": {**HELLO["message"], "if_withheld": if_withheld}}
    customer = fold(simple(steps=[step, WAIT]), policy=lambda planned, at_us: verdict).tell("Go", "2026-06-01 10:00")
    assert outcomes(customer) == ["entered", *expected]


@pytest.mark.parametrize(
    ("if_withheld", "name", "origin", "ends"),
    [
        ("exit", "Message Withheld", "feedback", True),
        ("exit", "Message Withheld", "api", False),
        ("exit", "Message Failed", "feedback", False),
        ("skip", "Message Withheld", "feedback", False),
    ],
)
def test_a_refusal_at_hand_over_ends_the_run_where_a_refusal_does(
    if_withheld: str, name: str, origin: str, ends: bool
) -> None:
    step = {"id": "hello", "message": {**HELLO["message"], "if_withheld": if_withheld}}
    customer = fold(simple(steps=[step, WAIT, LATER])).tell("Go", "2026-06-01 10:00")
    refused = {"message": customer.sent[0].effect_id.hex(), "reason": "fenced"}
    customer.tell(name, "2026-06-01 10:05", refused, origin=origin).until("2026-06-20 00:00")
    assert outcomes(customer)[3:5] == (["waiting", "exited:withheld"] if ends else ["waiting", "done"])
    assert [content for content, _ in customer.sendings] == (["hello"] if ends else ["hello", "later"])


def test_a_refusal_at_hand_over_of_another_visit_ends_the_run_too_and_a_strange_one_does_not() -> None:
    step = {"id": "hello", "message": {**HELLO["message"], "if_withheld": "exit"}}
    again = {"id": "pause", "wait": {"days": 1}, "next": "hello"}
    customer = fold(simple(steps=[step, again])).tell("Go", "2026-06-01 10:00").until("2026-06-03 12:00")
    customer.tell("Message Withheld", "2026-06-03 13:00", {"message": "ab" * 16}, origin="feedback")
    assert outcomes(customer)[-1] == "waiting"
    first = customer.sent[0].effect_id.hex()
    customer.tell("Message Withheld", "2026-06-03 14:00", {"message": first}, origin="feedback")
    assert (outcomes(customer)[-1], customer.state.runs) == ("exited:withheld", [])


def test_a_message_carries_what_the_policy_needs() -> None:
    message = {
        "content": "c",
        "channel": "sms",
        "purpose": "p",
        "message_class": "service",
        "valid_for_hours": 5,
        "if_withheld": "wait",
    }
    customer = fold(simple(priority=3, steps=[{"id": "m", "message": message}]), policy=lambda planned, at_us: "keep")
    customer.tell("Go", "2026-06-01 10:00", {"total": 5})
    at_us, run = us("2026-06-01 10:00"), customer.state.runs[0]
    assert customer.state.contact.planned == [
        Planned(effect_id_of(run.entered_event, run.run_id, "m", 1), "sms", "c", "service", "p", 3, "simple", run.run_id, "m", at_us, NEVER,
                at_us + 5 * HOUR, "wait", {"total": 5}, False, run.entered_event)
    ]  # fmt: skip


def test_a_lost_answer_does_not_hold_the_run_for_ever() -> None:
    customer = fold(simple(steps=[HELLO, LATER]), policy=lambda p, at: "keep" if p.content_id == "hello" else "release")
    customer.tell("Go", "2026-06-01 10:00").until("2026-06-10 00:00")
    assert customer.path[1:] == [
        ("hello", "waiting"),
        ("hello", "failed"),
        ("later", "waiting"),
        ("later", "sent"),
        ("", "done"),
    ]
    assert customer.sendings == [("later", "Fri 2026-06-05 10:00")]


def test_the_second_visit_of_a_step_is_another_message() -> None:
    customer = fold(
        simple(steps=[HELLO, {"id": "pause", "wait": {"days": 1}, "next": "hello"}], exit_when={"orders": 1})
    )
    customer.tell("Go", "2026-06-01 10:00").until("2026-06-03 12:00").tell("Order Completed", "2026-06-03 13:00")
    assert len({planned.effect_id for planned in customer.sent}) == len(customer.sent) == 3


# Waiting


def test_an_event_at_the_instant_of_the_timeout_comes_second() -> None:
    any_of = [{"id": "yes", "event": {"name": "Reply"}}]
    customer = fold(simple(steps=[{"id": "watch", "wait_for": {"any": any_of, "timeout": {"hours": 2}}}]))
    customer.tell("Go", "2026-06-01 10:00").tell("Reply", "2026-06-01 12:00")
    assert outcomes(customer) == ["entered", "waiting", "branch:timeout", "done"]
    early = fold(simple(steps=[{"id": "watch", "wait_for": {"any": any_of, "timeout": {"hours": 2}}}]))
    early.tell("Go", "2026-06-01 10:00").tell("Reply", us("2026-06-01 12:00") - 1)
    assert outcomes(early) == ["entered", "waiting", "branch:yes", "done"]


def test_wait_for_takes_the_first_of_events_and_conditions() -> None:
    any_of = [
        {
            "id": "reply",
            "event": {"name": "Reply", "where": [{"property": "p", "op": "equals", "value": 1}]},
            "next": "hello",
        },
        {"id": "silent", "condition": {"silent_days": 3}, "next": "later"},
    ]
    steps = [{"id": "watch", "wait_for": {"any": any_of}}, {**HELLO, "next": "exit"}, LATER]
    by_time = fold(simple(steps=steps)).tell("Go", "2026-06-01 10:00").tell("Reply", "2026-06-01 11:00", {"p": 2})
    by_time.tell("Order Completed", "2026-06-01 12:00").until("2026-06-10 00:00")
    assert by_time.sendings == [("later", "Thu 2026-06-04 12:00")]
    by_event = fold(simple(steps=steps)).tell("Go", "2026-06-01 10:00").tell("Reply", "2026-06-02 11:00", {"p": 1})
    assert by_event.sendings == [("hello", "Tue 2026-06-02 11:00")]


def test_of_what_comes_true_at_once_the_event_goes_before_the_condition_listed_first() -> None:
    any_of = [
        {"id": "bought", "condition": {"orders": 1}},
        {"id": "heard", "event": {"name": "Order Completed"}},
        {"id": "again", "event": {"name": "Order Completed"}},
    ]
    customer = fold(simple(steps=[{"id": "watch", "wait_for": {"any": any_of}}])).tell("Go", "2026-06-01 10:00")
    customer.tell("Order Completed", "2026-06-01 11:00", {"order_id": "a"})
    assert outcomes(customer) == ["entered", "waiting", "branch:heard", "done"]


def test_who_moves_to_another_zone_waits_for_the_same_local_time_there() -> None:
    customer = fold(simple(steps=[{"id": "pause", "wait": {"days": 2, "at": "10:00"}}, HELLO])).tell(
        "Go", "2026-06-01 12:00"
    )
    customer.tell("", "2026-06-02 12:00", {"timezone": "America/New_York"}, type="identify").until("2026-06-10 00:00")
    assert customer.sendings == [("hello", "Wed 2026-06-03 16:00")]


def test_who_moves_past_the_hour_goes_on_at_once() -> None:
    customer = fold(simple(steps=[{"id": "pause", "wait": {"days": 1, "at": "20:00"}}, HELLO])).tell(
        "Go", "2026-06-01 12:00"
    )
    customer.tell("", "2026-06-02 15:00", {"timezone": "Asia/Tokyo"}, type="identify")
    assert customer.sendings == [("hello", "Tue 2026-06-02 15:00")]


@pytest.mark.parametrize(
    ("expires", "expected"),
    [
        ("2026-06-20", "Thu 2026-06-18 10:00"),
        ("2026-06-20T15:00:00Z", "Thu 2026-06-18 10:00"),
        ("2026-05-01", "Mon 2026-06-01 12:00"),
    ],
)
def test_waiting_for_a_date_of_the_entering_event(expires: str, expected: str) -> None:
    wait = {"until_property": "coupon.expires_at", "offset_days": -2, "at": "10:00"}
    customer = fold(simple(steps=[{"id": "pause", "wait": wait}, HELLO]))
    customer.tell("Go", "2026-06-01 12:00", {"coupon": {"expires_at": expires}}).until("2026-07-01 00:00")
    assert customer.sendings == [("hello", expected)]


def test_a_missing_date_ends_the_run_as_failed() -> None:
    customer = fold(simple(steps=[{"id": "pause", "wait": {"until_property": "expires"}}, HELLO])).tell(
        "Go", "2026-06-01 12:00"
    )
    assert (outcomes(customer), customer.sent) == (["entered", "failed"], [])


def test_waiting_until_a_date_or_weekday() -> None:
    steps = [
        {"id": "day", "wait": {"until": "2026-06-05T08:30"}},
        HELLO,
        {"id": "monday", "wait": {"until_weekday": "monday", "at": "09:00"}},
        LATER,
    ]
    customer = fold(simple(steps=steps)).tell("Go", "2026-06-01 12:00").until("2026-07-01 00:00")
    assert customer.sendings == [("hello", "Fri 2026-06-05 08:30"), ("later", "Mon 2026-06-08 09:00")]


# Versions


def test_runs_stay_on_the_version_they_entered() -> None:
    old, new = journey(simple(steps=[WAIT, HELLO])), journey(simple(steps=[LATER], re_entry="always"), version=2)
    customer = Fold(journeys(old)).tell("Go", "2026-06-01 10:00")
    customer.publish(journeys(new, earlier=[old]), "2026-06-02 10:00").until("2026-06-20 00:00").tell(
        "Go", "2026-06-20 10:00"
    )
    assert customer.sendings == [("hello", "Thu 2026-06-11 10:00"), ("later", "Sat 2026-06-20 10:00")]


def test_a_deleted_journey_lets_nobody_in_and_lets_runs_finish() -> None:
    old = journey({**BIRTHDAY, "steps": [WAIT, HELLO]})
    customer = (
        Fold(journeys(old))
        .tell("", "2026-01-05 10:00", {"birthday": "1990-06-20"}, type="identify")
        .until("2026-06-15 00:00")
    )
    customer.publish(journeys(earlier=[old]), "2026-06-15 10:00").until("2028-01-01 00:00")
    assert customer.sendings == [("hello", "Tue 2026-06-23 10:00")]
    assert next_us(customer.rulebook, customer.state) == NEVER


def test_a_run_without_its_version_ends_as_failed() -> None:
    customer = fold(simple(steps=[WAIT])).tell("Go", "2026-06-01 10:00")
    customer.publish(journeys(), "2026-06-02 10:00")
    assert (outcomes(customer)[-1], customer.state.runs) == ("failed", [])


def test_local_times_are_computed_anew_at_publishing() -> None:
    """What a change of the brand's zone or of the time zone data comes down to: the intent stays, the instant moves."""
    compiled = journey(simple(steps=[{"id": "pause", "wait": {"days": 2, "at": "10:00"}}, HELLO]))
    customer = Fold(journeys(compiled)).tell("Go", "2026-06-01 12:00")
    customer.publish(journeys(compiled, where=zone("America/New_York")), "2026-06-02 12:00").until("2026-06-10 00:00")
    assert customer.sendings == [("hello", "Wed 2026-06-03 16:00")]


def test_publishing_schedules_dates() -> None:
    customer = Fold(journeys()).tell("", "2026-01-05 10:00", {"birthday": "1990-06-20"}, type="identify")
    customer.publish(journeys(journey(BIRTHDAY)), "2026-02-01 10:00")
    assert local(next_us(customer.rulebook, customer.state)) == "Sat 2026-06-13 10:00"


# Limits


def test_ten_thousand_entries_a_minute_cost_a_days_budget_and_no_more() -> None:
    compiled = journey(
        simple(
            re_entry="always",
            entry={"event": {"name": "Go"}, "key": "k"},
            steps=[{"id": "tell", "emit_event": {"name": "Told"}}],
        )
    )
    customer = Fold(journeys(compiled))
    start = us("2026-06-01 10:00")
    for i in range(2000):
        customer.advance(start + i * 6000, customer.row("Go", start + i * 6000, {"k": i % 100}))
    assert sum(name == "Told" for _, name, _ in customer.events) == STEPS_PER_DAY
    assert [properties for _, name, properties in customer.events if name == "Step Budget Reached"] == [
        {"journey": "simple", "steps": 500}
    ]
    assert len(customer.state.runs) == 64
    assert {run.waiting_for for run in customer.state.runs} == {"budget"}
    customer.until("2026-06-02 00:01")
    assert customer.state.runs == []


def test_two_journeys_that_call_each_other_rest_at_the_re_entry_rule() -> None:
    ping = simple(id="ping", entry={"event": {"name": "Pong"}}, steps=[{"id": "tell", "emit_event": {"name": "Ping"}}])
    pong = simple(id="pong", entry={"event": {"name": "Ping"}}, steps=[{"id": "tell", "emit_event": {"name": "Pong"}}])
    customer = fold(ping, pong).tell("Ping", "2026-06-01 10:00")
    assert [name for _, name, _ in customer.events] == ["Pong", "Ping"]


def test_the_runs_of_one_person_are_capped() -> None:
    customer = fold(simple(entry={"event": {"name": "Go"}, "key": "k"}, re_entry="always", steps=[WAIT]))
    for i in range(70):
        customer.tell("Go", "2026-06-01 10:00", {"k": i})
    assert len(customer.state.runs) == 64
    compiled = customer.rulebook.current["simple"]
    assert refusal(compiled, customer.state, "another", us("2026-06-01 10:00")) == "too_many_runs"
    assert refusal(compiled, customer.state, "3", us("2026-06-01 10:00")) == ""


def test_measured_runs_give_way_to_new_ones() -> None:
    customer = fold(simple(entry={"event": {"name": "Go"}, "key": "k"}, re_entry="always", goal=GOAL))
    for i in range(70):
        customer.tell("Go", "2026-06-01 10:00", {"k": i})
    assert ([run.entry_key for run in customer.state.runs], len(customer.sent)) == ([str(i) for i in range(6, 70)], 70)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [("once", "once"), ("after_exit", "running"), ({"cooldown_days": 3}, "cooldown"), ("once_per_key", "once_per_key")],
)
def test_why_somebody_may_not_enter(policy: Any, expected: str) -> None:
    customer = fold(simple(re_entry=policy, steps=[WAIT])).tell("Go", "2026-06-01 10:00")
    assert refusal(customer.rulebook.current["simple"], customer.state, "", us("2026-06-01 11:00")) == expected
    nobody = fold(simple(entry={"event": {"name": "Go"}, "if": {"orders": 1}}))
    assert refusal(nobody.rulebook.current["simple"], nobody.state, "", us("2026-06-01 11:00")) == "condition"


def test_properties_are_kept_up_to_four_kilobytes_and_only_what_can_be_stored() -> None:
    properties: dict[str, Any] = {
        "a": "x" * 3000,
        "b": "y" * 2000,
        "c": 1 << 70,
        "d": {"e": [1, 2.5, None]},
        "f": "z" * 900,
    }
    assert kept_properties(properties) == {"a": "x" * 3000, "d": {"e": [1, 2.5, None]}, "f": "z" * 900}


def test_derived_events_have_ids_of_their_step() -> None:
    steps = [{"id": "one", "emit_event": {"name": "Told", "properties": {"n": 1}}}, {"id": "two", "emit_event": {"name": "Told", "properties": {"n": 2}}},
             {"id": "mark", "set_attribute": {"name": "seen", "value": True}}, {"id": "warm", "add_score": {"score": "s", "points": -3}}]  # fmt: skip
    customer = fold(simple(steps=steps)).tell("Go", "2026-06-01 10:00")
    assert [(name, properties) for _, name, properties in customer.events] == [
        ("Told", {"n": 1}), ("Told", {"n": 2}), ("Attribute Set", {"name": "seen", "value": True}), ("Score Added", {"score": "s", "points": -3}),
    ]  # fmt: skip
    assert customer.state.profile.attributes["seen"].value is True


def test_days_of_the_budget_are_the_installations() -> None:
    customer = fold(simple()).tell("Go", "2026-06-01 23:30")
    assert customer.state.steps_today == [BERLIN.day_number(us("2026-06-01 23:30")), 1]
