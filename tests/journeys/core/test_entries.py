"""Who enters: by events, segments, dates, schedules and broadcasts; what late and publishing rows may not do."""

from typing import Any

import pytest

from kundenkreis.customers.core.state import Attribute, CustomerState
from kundenkreis.customers.core.turn import RunEntry, Turn
from kundenkreis.journeys.core.properties import key_in
from kundenkreis.journeys.core.runs import next_us, run_journeys
from kundenkreis.kernel.hashing import effect_id_of, hash128
from kundenkreis.kernel.ids import NEVER
from kundenkreis.kernel.zones import HOUR
from tests.journeys.core.words import BIRTHDAY, GOAL, HELLO, LATER, WAIT, entries, fold, outcomes
from tests.journeys.driver import BERLIN, Fold, journey, journeys, local, simple, us

pytestmark = pytest.mark.pure

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


def test_exit_is_the_event_whose_key_names_the_run() -> None:
    leave = {"event": {"name": "Case Opened", "key": "about"}}
    customer = fold(
        simple(entry={"event": {"name": "Go"}, "key": "order"}, re_entry="always", exit_when=leave, steps=[WAIT])
    )
    for order in ("a", "b", "c"):
        customer.tell("Go", "2026-06-01 10:00", {"order": order})
    customer.tell("Case Opened", "2026-06-01 11:00", {"about": "b", "order": "a"})
    customer.tell("Case Opened", "2026-06-01 12:00", {"about": "d"})
    assert [run.entry_key for run in customer.state.runs] == ["a", "c"]
    assert outcomes(customer)[-1] == "exited:exit_when"
    customer.tell("Case Opened", "2026-06-01 13:00", {"order": "a"})  # names none of them, so it is about all
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


# Dates, schedules, broadcasts, stops


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


@pytest.mark.parametrize(
    ("properties", "key"),
    [({"box.id": "a", "box": {"id": "b"}}, "a"), ({"box.id": None, "box": {"id": "b"}}, "b"), ({}, "")],
)
def test_a_key_with_dots_is_a_name_before_it_is_a_path(properties: dict[str, Any], key: str) -> None:
    assert key_in(properties, "box.id") == key
