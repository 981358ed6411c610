"""What a new version changes, and for how many."""

from typing import Any

import msgspec
import pytest

from kundenkreis.journeys.core.definitions import JourneyDefinition
from kundenkreis.journeys.core.impact import JourneyImpact, StepImpact, compare_versions
from tests.journeys.driver import simple

pytestmark = pytest.mark.pure

WAIT = {"id": "pause", "wait": {"days": 1}}
HELLO = {"id": "hello", "message": {"content": "hello", "purpose": "newsletter"}}
END = {"id": "end", "exit": {}}


def definition(**parts: Any) -> JourneyDefinition:
    return msgspec.convert(simple(**parts), JourneyDefinition)


def test_steps_that_go_come_and_change_are_named_with_the_people_in_them() -> None:
    old = definition(steps=[WAIT, HELLO, END], priority=3)
    new = definition(
        steps=[{"id": "pause", "wait": {"days": 2}}, {"id": "news", "wait": {"days": 1}}, END], re_entry="always"
    )
    assert compare_versions(old, new, standing={"pause": 5, "hello": 2}) == JourneyImpact(
        "simple",
        [StepImpact("pause", "changed", 5), StepImpact("news", "added", 0), StepImpact("hello", "removed", 2)],
        ["re_entry", "priority"],
        7,
        False,
    )


def test_a_step_moved_leads_elsewhere() -> None:
    impact = compare_versions(definition(steps=[WAIT, HELLO, END]), definition(steps=[HELLO, WAIT, END]), standing={})
    assert impact.steps == [StepImpact("hello", "changed", 0), StepImpact("pause", "changed", 0)]


def test_equal_versions_change_nothing() -> None:
    one = definition(steps=[WAIT])
    assert compare_versions(one, one, standing={"pause": 1}) == JourneyImpact("simple", [], [], 1, True)
