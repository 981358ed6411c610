"""Who is where follows from counts alone, and the parts add up."""

import pytest

from kundenkreis.journeys.core.flow import Flow, flow_of
from kundenkreis.journeys.core.graph import read_nodes
from kundenkreis.journeys.steps.registry import kinds_by_name

pytestmark = pytest.mark.pure

STEPS = [
    {"id": "who", "branch": [{"id": "known", "when": {"segment": {"id": "a"}}, "next": "mail"}, {"id": "rest"}]},
    {"id": "pause", "wait": {"days": 1}},
    {"id": "mail", "message": {"content": "hello", "purpose": "newsletter"}},
    {"id": "end", "exit": {"reason": "finished"}},
]
COUNTS = {
    ("", "entered"): 100, ("", "holdout"): 10, ("", "exited:exit_when"): 3, ("", "exited:merged"): 1, ("", "goal"): 9,
    ("who", "branch:known"): 40, ("who", "branch:rest"): 55,
    ("pause", "waiting"): 55, ("pause", "done"): 30, ("pause", "goal"): 5, ("pause", "exited:exit_when"): 2, ("pause", "failed"): 4,
    ("mail", "waiting"): 60, ("mail", "sent"): 50, ("mail", "withheld"): 6, ("mail", "holdout"): 7, ("mail", "exited:withheld"): 1,
    ("end", "exited:finished"): 63,
}  # fmt: skip


def flow(*, exits_on_goal: bool = True) -> Flow:
    return flow_of(
        COUNTS, read_nodes(STEPS, kinds_by_name()), "who", exits_on_goal=exits_on_goal, failed_ends={"pause": 3}, early_goals=2
    )  # fmt: skip


def test_everybody_who_entered_is_somewhere() -> None:
    found = flow()
    assert (found.entered, found.control) == (100, 10)
    assert (found.goal, found.ended, found.left, found.failed) == (7, 63, 6, 3)
    assert found.waiting == 21
    assert sum(step.standing for step in found.steps.values()) == found.waiting


def test_who_arrived_and_did_not_leave_stands_there() -> None:
    steps = flow().steps
    assert {name: (step.arrived, step.standing) for name, step in steps.items()} == {
        "who": (95, 0),
        "pause": (55, 14),  # one of the four failures led on
        "mail": (71, 7),
        "end": (63, 0),
    }
    assert steps["who"].out == {"known": 40, "rest": 55}
    assert steps["mail"].out == {"next": 63}


def test_a_goal_that_ends_nothing_leaves_people_where_they_are() -> None:
    found = flow(exits_on_goal=False)
    assert (found.goal, found.waiting, found.steps["pause"].standing) == (2, 26, 19)
