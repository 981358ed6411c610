"""Every wrong reference in a journey is found at publishing, with its place in the data."""

from typing import Any

import msgspec
import pytest

from kundenkreis.journeys.core.graph import Surroundings
from kundenkreis.journeys.errors import InvalidJourneyError
from tests.journeys.driver import compile_condition, compile_matches, journey, simple

pytestmark = pytest.mark.pure

AROUND = Surroundings(
    compile_condition=compile_condition,
    compile_matches=compile_matches,
    contents={"hello"},
    segments={"regulars"},
    scores={"fit"},
)
PAUSE = {"id": "pause", "wait": {"days": 1}}


def problems(data: dict[str, Any]) -> list[tuple[str, str]]:
    """[(path joined by dots, code), ...] of a journey that must be refused."""
    with pytest.raises(InvalidJourneyError) as caught:
        journey(data, around=AROUND)
    return [(".".join(map(str, problem.path)), problem.code) for problem in caught.value.problems]


def test_default_next_is_the_next_listed_and_the_last_ends() -> None:
    compiled = journey(
        simple(steps=[PAUSE, {"id": "hello", "message": {"content": "hello", "purpose": "n"}}]), around=AROUND
    )
    assert {node.step_id: node.next for node in compiled.nodes.values()} == {"pause": "hello", "hello": "exit"}
    assert compiled.start == "pause"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"steps": []}, [("steps", "steps_missing")]),
        ({"steps": [{**PAUSE, "next": "nowhere"}]}, [("steps.0.next", "unknown_step")]),
        ({"steps": [PAUSE], "start": "nowhere"}, [("start", "unknown_step")]),
        ({"steps": [PAUSE, PAUSE]}, [("steps.1.id", "duplicate_step")]),
        ({"steps": [{"id": "Exit me", "wait": {"days": 1}}]}, [("steps.0.id", "step_id_wrong")]),
        ({"steps": [{"id": "exit", "wait": {"days": 1}}]}, [("steps.0.id", "step_id_wrong")]),
        ({"steps": [{"id": "a", "dance": {}}]}, [("steps.0.dance", "step_kind_unknown")]),
        ({"steps": [{"id": "a", "wait": {"days": 1}, "exit": {}}]}, [("steps.0", "step_kind_unknown")]),
        ({"steps": [{"id": "a", "wait": {"days": "three"}}]}, [("steps.0.wait.days", "invalid_step")]),
        ({"steps": [{"id": "a", "wait": {"days": 1, "at": "25:00"}}]}, [("steps.0.wait.at", "invalid_step")]),
        ({"steps": [{"id": "a", "wait": {}}]}, [("steps.0.wait", "wait_unclear")]),
        ({"steps": [{"id": "a", "wait": {"days": 1, "until": "2026-12-01T10:00"}}]}, [("steps.0.wait", "wait_unclear")]),
        ({"steps": [{"id": "a", "wait": {"until": "Advent"}}]}, [("steps.0.wait.until", "wait_date_wrong")]),
        ({"steps": [{"id": "a", "wait": {"until_weekday": "monday"}}]}, [("steps.0.wait.at", "wait_time_missing")]),
        ({"steps": [{"id": "a", "wait": {"weeks": 600}}]}, [("steps.0.wait", "wait_too_long")]),
        ({"steps": [{"id": "a", "message": {"content": "hi", "purpose": "n"}}]}, [("steps.0.message.content", "unknown_content")]),
        ({"steps": [{"id": "a", "message": {"content": "hello"}}]}, [("steps.0.message.purpose", "purpose_missing")]),
        ({"steps": [{"id": "a", "add_score": {"score": "fun", "points": 1}}]}, [("steps.0.add_score.score", "unknown_score")]),
        ({"steps": [{"id": "a", "emit_event": {"name": "Segment Entered"}}]}, [("steps.0.emit_event.name", "event_name_reserved")]),
        ({"steps": [{"id": "a", "emit_event": {"name": "Merge Requested"}}]}, [("steps.0.emit_event.name", "event_name_reserved")]),
        ({"steps": [{"id": "a", "emit_event": {"name": "Consent Confirmed"}}]}, [("steps.0.emit_event.name", "event_name_reserved")]),
        (
            {"steps": [{"id": "a", "split": {"parts": [{"id": "x", "percent": 40}, {"id": "x", "percent": 40}]}}]},
            [("steps.0.split.parts", "parts_not_100"), ("steps.0.split.parts.1.id", "duplicate_branch")],
        ),
        (
            {"steps": [{"id": "a", "branch": [{"id": "rest"}, {"id": "b", "when": {"segment": "vip"}, "next": "gone"}]}]},
            [("steps.0.branch.0", "remainder_not_last"), ("steps.0.branch.1.when", "unknown_segment"), ("steps.0.branch.1.next", "unknown_step")],
        ),
        (
            {"steps": [{"id": "a", "wait_for": {"any": [{"id": "b"}], "on_timeout": "gone"}}]},
            [("steps.0.wait_for.on_timeout", "timeout_missing"), ("steps.0.wait_for.any.0", "alternative_unclear")],
        ),
        ({"entry": {"segment_entered": "vip"}}, [("entry.segment_entered", "unknown_segment")]),
        ({"entry": {"event": {"name": "A", "key": "cart"}}}, [("entry.event.key", "key_misplaced")]),
        ({"entry": {}}, [("entry", "entry_unclear")]),
        ({"entry": {"event": {"name": "A"}, "segment_left": "regulars"}}, [("entry", "entry_unclear")]),
        ({"entry": {"schedule": {"every": "week", "at": "10:00", "audience": {"orders": 1}}}}, [("entry.schedule.on", "schedule_unclear")]),
        ({"entry": {"event": {"name": "A"}, "if": {"mood": "good"}}}, [("entry.if.mood", "bad_condition")]),
        (
            {"entry": {"event": {"name": "A", "where": [{"property": "p", "op": "sounds_like"}]}}},
            [("entry.event.where.0.op", "bad_condition")],
        ),
        ({"goal": {"within_days": 3}}, [("goal", "goal_unclear")]),
        ({"exit_when": {"segment": "vip"}}, [("exit_when", "unknown_segment")]),
        ({"exit_when": {"event": {"name": 3}}}, [("exit_when.event.name", "invalid_event")]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place(change: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert problems(simple(**change)) == expected


def test_a_step_nothing_leads_to_is_refused() -> None:
    steps = [{**PAUSE, "next": "last"}, {"id": "island", "wait": {"days": 1}}, {"id": "last", "exit": {}}]
    assert problems(simple(steps=steps)) == [("steps.1", "unreachable_step")]


def test_a_loop_needs_a_wait_of_a_minute() -> None:
    hurried = [
        {"id": "a", "add_score": {"score": "fit", "points": 1}, "next": "b"},
        {"id": "b", "emit_event": {"name": "Again"}, "next": "a"},
    ]
    assert problems(simple(steps=hurried)) == [("steps.1.next", "loop_without_wait")]
    journey(simple(steps=[*hurried[:1], {"id": "b", "wait": {"minutes": 1}, "next": "a"}]), around=AROUND)


def test_a_loop_may_lead_over_a_timeout_but_not_over_an_answer() -> None:
    def watch(answer: str, timeout: str) -> dict[str, Any]:
        alternatives = [{"id": "ordered", "event": {"name": "Order Completed"}, "next": answer}]
        step = {"id": "watch", "wait_for": {"any": alternatives, "timeout": {"days": 1}, "on_timeout": timeout}}
        return simple(steps=[{"id": "mark", "add_score": {"score": "fit", "points": 1}}, step])

    journey(watch("exit", "mark"), around=AROUND)
    assert problems(watch("mark", "exit")) == [("steps.1.wait_for.any.0.next", "loop_without_wait")]


def test_a_fixed_date_does_not_slow_a_loop() -> None:
    steps = [
        {"id": "a", "wait": {"until": "2020-01-01T10:00"}, "next": "b"},
        {"id": "b", "add_score": {"score": "fit", "points": 1}, "next": "a"},
    ]
    assert problems(simple(steps=steps)) == [("steps.1.next", "loop_without_wait")]


def test_every_hasty_loop_is_reported() -> None:
    def ways(*targets: str) -> list[dict[str, Any]]:
        return [{"id": f"p{i}", "percent": 100 / len(targets), "next": target} for i, target in enumerate(targets)]

    steps = [
        {"id": "a", "split": {"parts": ways("b", "c")}},
        {"id": "b", "split": {"parts": ways("a", "exit")}},
        {"id": "c", "split": {"parts": ways("c", "exit")}},
    ]
    assert problems(simple(steps=steps)) == [
        ("steps.1.split.parts.0.next", "loop_without_wait"),
        ("steps.2.split.parts.0.next", "loop_without_wait"),
    ]


def test_exit_when_tells_an_event_from_a_condition() -> None:
    event = journey(simple(exit_when={"event": {"name": "Case Opened", "where": []}}))
    condition = journey(simple(exit_when={"silent_days": 3}))
    assert event.exit_when is not None and condition.exit_when is not None
    assert (event.exit_when.trigger is not None, event.exit_when.condition) == (True, None)
    assert (condition.exit_when.trigger, condition.exit_when.condition is not None) == (None, True)


def test_a_wrong_word_is_refused_before_compiling() -> None:
    with pytest.raises(msgspec.ValidationError, match="unknown field `prio`"):
        journey(simple(prio=1))
