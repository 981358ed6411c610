"""Runs: who enters, who leaves, what a message's fate does, what late and publishing rows may not do."""

from typing import Any

import pytest

from kundenkreis.customers.core.state import Attribute, CustomerState, Planned
from kundenkreis.customers.core.turn import RunEntry, Turn
from kundenkreis.journeys.core.entries import refusal
from kundenkreis.journeys.core.properties import kept_properties
from kundenkreis.journeys.core.runs import next_us, run_journeys
from kundenkreis.journeys.core.walk import STEPS_PER_DAY
from kundenkreis.kernel.hashing import bucket_of, effect_id_of, hash128
from kundenkreis.kernel.ids import NEVER
from kundenkreis.kernel.zones import DAY, HOUR, zone
from tests.journeys.driver import BERLIN, Fold, journey, journeys, local, simple, us

pytestmark = pytest.mark.pure

HELLO: dict[str, Any] = {"id": "hello", "message": {"content": "hello", "purpose": "newsletter"}}
WAIT: dict[str, Any] = {"id": "pause", "wait": {"days": 10}}
LATER: dict[str, Any] = {"id": "later", "message": {"content": "later", "purpose": "newsletter"}}
GOAL = {"event": {"name": "Order Completed"}, "within_days": 30}


def fold(*parts: dict[str, Any], **more: Any) -> Fold:
    return Fold(journeys(*(journey(part) for part in parts)), **more)


def outcomes(customer: Fold) -> list[str]:
    return [outcome for _, outcome in customer.path]


def entries(customer: Fold) -> list[str]:
    """Local times of all entries."""
    return [local(e.at_us) for e in customer.records if isinstance(e, RunEntry) and e.outcome == "entered"]


# Entry


def test_filters_and_the_condition_decide_who_enters() -> None:
    entry = {
        "event": {"name": ["Go", "Start"], "where": [{"property": "p", "op": "equals", "value": 1}]},
        "if": {"orders": 0},
    }
    customer = fold(simple(entry=entry, re_entry="always"))
    customer.tell("Go", "2026-06-01 10:00", {"p": 2}).tell("Other", "2026-06-01 10:01", {"p": 1})
    assert customer.path == []
    customer.tell("Start", "2026-06-01 10:02", {"p": 1}).tell("Order Completed", "2026-06-01 10:03").tell(
        "Go", "2026-06-01 10:04", {"p": 1}
    )
    assert entries(customer) == ["Mon 2026-06-01 10:02"]


def test_ids_hang_on_origin_journey_key_and_person_alone() -> None:
    customer = fold(simple(entry={"event": {"name": "Go"}, "key": "cart"}, steps=[HELLO, WAIT, LATER]))
    customer.tell("Go", "2026-06-01 10:00", {"cart": "c1"})
    run = customer.state.runs[0]
    assert run.run_id == hash128("run", "simple", "c1", run.entered_event, "bucket-1")
    assert customer.sent[0].effect_id == effect_id_of(run.entered_event, run.run_id, "hello", 1)


def test_entry_keys_run_side_by_side() -> None:
    customer = fold(simple(entry={"event": {"name": "Go"}, "key": "cart.id"}, re_entry="after_exit", steps=[WAIT]))
    for cart in ("a", "b", "a", 7, None):
        customer.tell("Go", "2026-06-01 10:00", {"cart": {"id": cart}})
    assert [run.entry_key for run in customer.state.runs] == ["a", "b", "7", ""]


def test_an_event_of_another_key_is_not_about_this_run() -> None:
    watch = {"id": "watch", "wait_for": {"any": [{"id": "back", "event": {"name": "Cart Viewed"}}]}}
    goal = {"event": {"name": "Order Completed"}}
    customer = fold(
        simple(entry={"event": {"name": "Go"}, "key": "cart"}, re_entry="always", goal=goal, steps=[watch, WAIT])
    )
    for cart in ("a", "b", "c"):
        customer.tell("Go", "2026-06-01 10:00", {"cart": cart})
    customer.tell("Cart Viewed", "2026-06-01 11:00", {"cart": "b"}).tell(
        "Order Completed", "2026-06-01 12:00", {"cart": "a"}
    )
    assert [(run.entry_key, run.step_id) for run in customer.state.runs] == [("b", "pause"), ("c", "watch")]
    customer.tell("Order Completed", "2026-06-01 13:00")
    assert customer.state.runs == []


def test_events_may_name_the_key_by_another_word_or_be_about_all() -> None:
    watch = {"id": "watch", "wait_for": {"any": [{"id": "back", "event": {"name": "Coupon Shown", "key": "booklet"}}]}}
    goal = {"event": {"name": "Coupon Redeemed", "key": "booklet"}}
    leave = {"event": {"name": "Shop Closed", "key": ""}}
    steps = [watch, WAIT]
    customer = fold(
        simple(
            entry={"event": {"name": "Go"}, "key": "code"}, re_entry="always", goal=goal, exit_when=leave, steps=steps
        )
    )
    for code in ("a", "b", "c"):
        customer.tell("Go", "2026-06-01 10:00", {"code": code})
    customer.tell("Coupon Shown", "2026-06-01 11:00", {"code": "c", "booklet": "b"})
    customer.tell("Coupon Redeemed", "2026-06-01 12:00", {"code": "b", "booklet": "a"})
    assert [(run.entry_key, run.step_id) for run in customer.state.runs] == [("b", "pause"), ("c", "watch")]
    customer.tell("Shop Closed", "2026-06-01 13:00", {"code": "x"})
    assert customer.state.runs == []


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("once", ["01"]),
        ("always", ["01", "02", "20", "21"]),
        ("after_exit", ["01", "20"]),
        ({"cooldown_days": 20}, ["01", "21"]),
        ({"cooldown_days": 5}, ["01", "20"]),
        ("once_per_key", ["01"]),
    ],
)
def test_every_re_entry_policy(policy: Any, expected: list[str]) -> None:
    customer = fold(simple(re_entry=policy, steps=[WAIT]))
    for day in ("01", "02", "20", "21"):
        customer.tell("Go", f"2026-06-{day} 10:00")
    assert [when[12:14] for when in entries(customer)] == expected


def test_once_per_key_remembers_keys() -> None:
    customer = fold(simple(entry={"event": {"name": "Go"}, "key": "k"}, re_entry="once_per_key", steps=[HELLO]))
    for key in ("a", "b", "a", "b", "c"):
        customer.tell("Go", "2026-06-01 10:00", {"k": key})
    assert customer.state.journeys["simple"].keys == ["a", "b", "c"]
    assert len(customer.sent) == 3


def test_always_starts_over_and_takes_back_what_was_planned() -> None:
    customer = fold(simple(re_entry="always"), policy=lambda planned, at_us: at_us + HOUR)
    customer.tell("Go", "2026-06-01 10:00").tell("Go", "2026-06-01 10:30").until("2026-06-02 00:00")
    assert outcomes(customer) == ["entered", "waiting", "exited:restarted", "entered", "waiting", "sent", "done"]
    assert customer.sendings == [("hello", "Mon 2026-06-01 11:30")]
    assert [reason for _, reason in customer.cancelled] == ["exited:restarted"]


def test_a_change_of_phase_lets_in_like_any_event() -> None:
    entry = {"event": {"name": "Phase Changed", "where": [{"property": "to", "op": "equals", "value": "loyalty"}]}}
    customer = fold(simple(entry=entry)).tell(
        "Phase Changed", "2026-06-01 10:00", {"from": "purchase", "to": "care"}, origin="derived"
    )
    assert customer.path == []
    customer.tell("Phase Changed", "2026-06-02 10:00", {"from": "care", "to": "loyalty"}, origin="derived")
    assert entries(customer) == ["Tue 2026-06-02 10:00"]


def test_segments_let_in_and_out() -> None:
    lost = simple(id="lost", entry={"segment_entered": "silent"}, re_entry="always")
    back = simple(id="back", entry={"segment_left": "silent"}, re_entry="always")
    customer = fold(lost, back, segments={"silent": {"silent_days": 30}})
    customer.tell("Order Completed", "2026-06-01 10:00").until("2026-07-10 00:00").tell(
        "Order Completed", "2026-07-10 10:00"
    )
    assert [
        (e.journey_id, local(e.at_us)) for e in customer.records if isinstance(e, RunEntry) and e.outcome == "entered"
    ] == [
        ("lost", "Wed 2026-07-01 10:00"),
        ("back", "Fri 2026-07-10 10:00"),
    ]


def test_a_touchpoint_cannot_speak_for_the_fold() -> None:
    lost = simple(id="lost", entry={"segment_entered": "silent"})
    asked = simple(id="asked", entry={"event": {"name": "Go"}})
    customer = fold(lost, asked, policy=lambda planned, at_us: "keep").tell(
        "Segment Entered", "2026-06-01 10:00", {"segment": "silent"}
    )
    assert customer.path == []
    customer.tell("Go", "2026-06-01 10:00")
    message = customer.state.runs[0].waiting_for.removeprefix("message:")
    customer.tell("Message Released", "2026-06-01 10:01", {"message": message})
    customer.tell("Journey Stopped", "2026-06-01 10:02", {"journey": "asked"})
    assert outcomes(customer) == ["entered", "waiting"]
    customer.tell("Message Released", "2026-06-01 10:03", {"message": message}, origin="feedback")
    assert outcomes(customer) == ["entered", "waiting", "sent", "done"]


# Late and publishing rows


def test_a_late_row_starts_nothing_and_moves_no_wait_for() -> None:
    watch = {"id": "watch", "wait_for": {"any": [{"id": "yes", "event": {"name": "Reply"}}], "timeout": {"days": 5}}}
    customer = fold(simple(steps=[watch]))
    customer.tell("Go", "2026-06-01 09:00", late=True)
    assert customer.path == []
    customer.tell("Go", "2026-06-01 10:00").tell("Reply", "2026-06-03 10:00", late=True).until("2026-06-07 00:00")
    assert outcomes(customer) == ["entered", "waiting", "branch:timeout", "done"]


@pytest.mark.parametrize(("happened", "expected"), [("2026-06-02 10:00", "goal"), ("2026-05-31 10:00", "waiting")])
def test_a_late_order_is_a_goal_if_it_happened_after_the_entry(happened: str, expected: str) -> None:
    customer = fold(simple(goal=GOAL, steps=[WAIT]))
    customer.tell("Go", "2026-06-01 10:00").tell(
        "Order Completed", "2026-06-05 10:00", late=True, happened_us=us(happened)
    )
    assert outcomes(customer)[-1] == expected


SILENT = simple(id="lost", entry={"segment_entered": "everybody"}, re_entry="always")


@pytest.mark.parametrize(("include", "expected"), [((), 0), (("lost",), 1)])
def test_publishing_starts_nobody_unless_those_already_in_are_included(include: tuple[str, ...], expected: int) -> None:
    rulebook = journeys(journey(SILENT), include_existing=include)
    born_in = Fold(rulebook, segments={"everybody": {"orders": 0}})
    assert outcomes(born_in).count("entered") == expected
    published = Fold(journeys(), segments={"everybody": {"orders": 0}}).publish(rulebook, "2026-06-01 10:00")
    assert outcomes(published).count("entered") == expected


def test_what_follows_from_publishing_is_marked_too() -> None:
    """The segment arises from publishing, the second segment from the first: neither starts anybody."""
    second = simple(id="second", entry={"segment_entered": "marked"}, re_entry="always")
    mark = simple(
        id="mark",
        entry={"segment_entered": "everybody"},
        steps=[{"id": "set", "set_attribute": {"name": "m", "value": 1}}],
    )
    segments = {"everybody": {"orders": 0}, "marked": {"attribute": {"name": "m", "value": 1}}}
    rulebook = journeys(journey(second), journey(mark), include_existing=["mark"])
    customer = Fold(rulebook, segments=segments)
    assert "marked" in customer.state.decisions.inside
    assert [
        entry.journey_id for entry in customer.records if isinstance(entry, RunEntry) and entry.outcome == "entered"
    ] == ["mark"]


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
    assert (outcomes(other), other.state.runs) == (["entered", "waiting", "sent", "done"], [])


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


# Dates, schedules, broadcasts, stops

BIRTHDAY = simple(
    entry={"date": {"attribute": "birthday", "offset_days": -7, "at": "10:00", "yearly": True}}, re_entry="always"
)


def test_a_yearly_date_lets_in_every_year() -> None:
    customer = (
        fold(BIRTHDAY)
        .tell("", "2026-01-05 10:00", {"birthday": "1996-02-29"}, type="identify")
        .until("2029-01-01 00:00")
    )
    assert [when[:14] for _, when in customer.sendings] == ["Sat 2026-02-21", "Sun 2027-02-21", "Tue 2028-02-22"]
    assert len(customer.wakes) == 3


def test_a_changed_date_moves_the_entry_and_a_removed_one_ends_it() -> None:
    customer = fold(BIRTHDAY).tell("", "2026-01-05 10:00", {"birthday": "1990-06-20"}, type="identify")
    customer.tell("", "2026-01-06 10:00", {"birthday": "20.09.1990"}, type="identify")
    assert local(next_us(customer.rulebook, customer.state)) == "Sun 2026-09-13 10:00"
    customer.tell("", "2026-01-07 10:00", {"birthday": "unknown"}, type="identify")
    assert (next_us(customer.rulebook, customer.state), customer.state.journeys) == (NEVER, {})


def test_a_new_customer_gets_dates_and_schedules_with_the_first_row() -> None:
    everybody = simple(entry={"schedule": {"every": "week", "on": "thursday", "at": "10:00", "audience": {"all": []}}})
    customer = fold(everybody)
    customer.state = CustomerState(2, "new", us("2026-06-02 10:00"), us("2026-06-02 10:00"))
    customer.tell("Page Viewed", "2026-06-02 10:00")
    assert local(next_us(customer.rulebook, customer.state)) == "Thu 2026-06-04 10:00"


def test_a_merge_asks_runs_and_dates_anew() -> None:
    customer = fold(BIRTHDAY, simple(id="watching", exit_when={"orders": 1}, steps=[WAIT])).tell(
        "Go", "2026-06-01 10:00"
    )
    customer.state.commerce.order_count = 1
    customer.state.profile.attributes["birthday"] = Attribute("1990-06-20", 0, b"", "other profile")
    row = customer.row("Absorbed", us("2026-06-02 10:00"), type="merge")
    turn = Turn(customer.state, row.at_us, row=row, zone=BERLIN, rulebook_version=1)
    turn.dirty.add("merge")
    run_journeys(customer.rulebook, turn)
    assert [entry.outcome for entry in turn.records if isinstance(entry, RunEntry)] == ["exited:exit_when"]
    assert local(next_us(customer.rulebook, customer.state)) == "Sat 2026-06-13 10:00"


WEEKLY = simple(
    entry={"schedule": {"every": "week", "on": "thursday", "at": "10:00", "audience": {"orders": 1}}}, re_entry="always"
)


def test_a_schedule_wakes_only_whom_it_concerns() -> None:
    customer = fold(WEEKLY).until("2026-06-01 10:00")
    assert (customer.wakes, next_us(customer.rulebook, customer.state)) == ([], NEVER)
    customer.tell("Order Completed", "2026-06-01 10:00").until("2026-06-20 00:00").tell(
        "Order Completed", "2026-06-20 10:00"
    ).until("2026-07-20 00:00")
    assert customer.sendings == [
        ("hello", "Thu 2026-06-04 10:00"),
        ("hello", "Thu 2026-06-11 10:00"),
        ("hello", "Thu 2026-06-18 10:00"),
    ]
    assert next_us(customer.rulebook, customer.state) == NEVER


def test_an_audience_by_time_is_foreseen() -> None:
    audience = {"between": [us("2026-07-01 00:00"), us("2026-07-10 00:00")]}
    customer = fold(
        simple(entry={"schedule": {"every": "day", "at": "10:00", "audience": audience}}, re_entry={"cooldown_days": 5})
    )
    customer.until("2026-09-01 00:00")
    assert customer.sendings == [("hello", "Wed 2026-07-01 10:00"), ("hello", "Mon 2026-07-06 10:00")]
    assert [local(wake) for wake in customer.wakes] == [when for _, when in customer.sendings]


def test_moving_west_past_the_hour_does_not_give_it_twice() -> None:
    customer = fold(WEEKLY).tell("Order Completed", "2026-06-01 10:00").until("2026-06-04 11:00")
    customer.tell("", "2026-06-04 11:00", {"timezone": "America/New_York"}, type="identify").until("2026-06-12 00:00")
    assert customer.sendings == [("hello", "Thu 2026-06-04 10:00"), ("hello", "Thu 2026-06-11 16:00")]


@pytest.mark.parametrize(
    ("every", "on", "expected"), [("day", None, 29), ("week", "sunday", 4), ("month", 31, 1), ("month", None, 0)]
)
def test_schedules_come_as_often_as_they_say(every: str, on: Any, expected: int) -> None:
    schedule = {"every": every, "at": "10:00", "audience": {"orders": 0}, **({"on": on} if on else {})}
    customer = fold(simple(entry={"schedule": schedule}, re_entry="always")).until("2026-06-01 10:00")
    before = len(customer.sent)
    customer.until("2026-07-01 09:59")
    assert len(customer.sent) - before == expected


def test_a_broadcast_reaches_its_audience_once() -> None:
    customer = fold(simple(entry={"broadcast": {"audience": {"orders": 1}}}))
    start: dict[str, Any] = {"journey": "simple", "version": 1}
    customer.tell("Broadcast Started", "2026-06-01 10:00", start, type="control")
    assert customer.path == []
    customer.tell("Order Completed", "2026-06-01 11:00").tell("Broadcast Started", "2026-06-01 12:00", start)
    assert customer.path == []
    customer.tell("Broadcast Started", "2026-06-01 13:00", start, type="control", origin="control")
    customer.tell("Broadcast Started", "2026-06-01 14:00", start, type="control", origin="control")
    assert customer.sendings == [("hello", "Mon 2026-06-01 13:00")]


def test_a_stop_ends_the_runs_of_one_version_or_of_all() -> None:
    customer = fold(simple(re_entry="always", steps=[WAIT])).tell("Go", "2026-06-01 10:00")
    customer.tell("Journey Stopped", "2026-06-01 11:00", {"journey": "simple", "version": 2}, type="control")
    assert len(customer.state.runs) == 1
    customer.tell("Journey Stopped", "2026-06-01 12:00", {"journey": "simple"}, type="control")
    assert (outcomes(customer), customer.state.runs) == (["entered", "waiting", "exited:stopped"], [])


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
