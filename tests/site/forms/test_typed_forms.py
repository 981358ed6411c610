"""Forms of typed configurations: what is shown reads back as the same; what is empty is left out; mistakes stand at their field."""

from typing import Any

import msgspec
import pytest

from kundenkreis.channels.core.policy_config import PolicyConfig
from kundenkreis.journeys.core.definitions import Goal, ScheduleEntry
from kundenkreis.journeys.steps.registry import STEPS
from kundenkreis.kernel.references import ExitData
from kundenkreis.segments.conditions.registry import SHIPPED
from kundenkreis.segments.core.definitions import PhasesDefinition, ScoreDefinition
from kundenkreis.site.forms.acts import acted
from kundenkreis.site.forms.as_before import as_before
from kundenkreis.site.forms.condition_form import ConditionForms
from kundenkreis.site.forms.typed_fields import TypedField, fields_of
from kundenkreis.site.forms.typed_reading import read_config
from tests.site.forms.test_condition_form import _posted_field

pytestmark = pytest.mark.pure

FORMS = ConditionForms(SHIPPED)


def shown(config: Any, value: Any, errors: Any = None, only: Any = None) -> list[TypedField]:
    return fields_of(config, value, "f", options=lambda _kind: None, errors=errors or {}, conditions=FORMS, only=only)


def again(config: Any, value: Any) -> Any:
    data = {name: text for field in shown(config, value) for name, text in _posted_field(field).items()}
    return read_config(config, data, "f", conditions=FORMS)


SEGMENT = {"segment": {"id": "vip"}}


class Leaving(msgspec.Struct):
    """A configuration with what ends a run."""

    exit_when: ExitData | None = None


@pytest.mark.parametrize(
    ("config", "value"),
    [
        (Goal, {"event": {"name": ["A", "B"]}, "within_days": 14, "exit_on_goal": False}),
        (Goal, {"condition": {"all": [SEGMENT]}}),
        (Goal, {"event": {"name": "A", "key": ""}}),
        (Leaving, {"exit_when": {"event": {"name": ["A"], "key": ""}}}),
        (Leaving, {"exit_when": {"event": {"name": "A", "count": {"at_least": 1}}}}),
        (Leaving, {"exit_when": {"any": [{"event": {"name": ["A"]}}]}}),
        (ScheduleEntry, {"every": "month", "at": "10:00", "audience": SEGMENT, "on": 15}),
        (ScheduleEntry, {"every": "week", "at": "10:00", "audience": SEGMENT, "on": "friday"}),
        (PolicyConfig, {"minors": {"of_age": 18, "countries": {"AT": 15, "CH": 16}}}),
        (ScoreDefinition, {
            "id": "heat", "name": {"de": "Wärme"}, "half_life_days": 30, "thresholds": [10, 50.5],
            "rules": [{"id": "buy", "event": {"name": "Order Completed"}, "points": 2.5, "at_most": {"points": 5, "per_days": 1}}],
        }),
        (PhasesDefinition, {"phases": [{"id": "trust", "when": SEGMENT, "sub_states": [{"id": "fresh", "when": {"all": [SEGMENT]}}]}]}),
    ],
)  # fmt: skip
def test_what_is_shown_reads_back_as_the_same(config: Any, value: Any) -> None:
    read = again(config, value)
    assert as_before(config, read, value, SHIPPED) == value


@pytest.mark.parametrize("kind", STEPS, ids=lambda kind: kind.kind)
def test_every_step_has_a_form_that_reads_back(kind: Any) -> None:
    assert as_before(kind.config, again(kind.config, kind.sample), kind.sample, SHIPPED) == kind.sample


def test_what_nobody_filled_in_is_not_there() -> None:
    assert again(Goal, None) == {}
    assert again(Goal, {"event": {"name": ""}}) == {}


def test_what_is_needed_stays_in_its_place() -> None:
    rule = again(ScoreDefinition, {"id": "heat", "rules": [{}]})["rules"][0]
    assert rule == {"id": "", "event": {"name": ""}, "points": ""}


def test_fixed_properties_of_any_type_read_back() -> None:
    config = next(kind.config for kind in STEPS if kind.kind == "emit_event")
    value = {"name": "Gift Sent", "properties": {"amount": 12, "note": "a, b", "express": True}}
    assert again(config, value) == value


def test_mistakes_of_a_condition_inside_stand_there() -> None:
    errors = {("condition", "all", 0, "segment", "id"): "no such", ("condition",): "whole"}
    (field,) = shown(Goal, {"condition": {"all": [SEGMENT]}}, errors, only=("condition",))
    assert field.condition is not None
    assert field.condition.errors == ("whole",)
    assert field.condition.parts[0].fields[0].errors == ("no such",)


def test_a_mistake_of_a_row_as_a_whole_stands_at_the_row() -> None:
    (rules,) = shown(ScoreDefinition, {"rules": [{}, {}]}, {("rules", 1): "lacks"}, only=("rules",))
    assert [row.errors for row in rules.parts] == [(), ("lacks",)]


@pytest.mark.parametrize(
    ("act", "after"),
    [
        ("row:f.rules", {"rules": [{"id": "a"}, {"id": "b"}, {}]}),
        ("up:f.rules.1", {"rules": [{"id": "b"}, {"id": "a"}]}),
        ("remove:f.rules.0", {"rules": [{"id": "b"}]}),
        ("row:f.others", {"rules": [{"id": "a"}, {"id": "b"}], "others": [{}]}),
        ("row:f.rules.0.parts", {"rules": [{"id": "a", "parts": [{}]}, {"id": "b"}]}),
        ("add:f.rules.0.when", {"rules": [{"id": "a", "when": {"all": [{}]}}, {"id": "b"}]}),
        ("row:g.rules", {"rules": [{"id": "a"}, {"id": "b"}]}),
        ("remove:f.rules.7", {"rules": [{"id": "a"}, {"id": "b"}]}),
    ],
)
def test_buttons_change_rows(act: str, after: Any) -> None:
    assert acted({"rules": [{"id": "a"}, {"id": "b"}]}, act, "f") == after


def test_a_change_of_one_row_leaves_the_writing_of_the_others() -> None:
    before = {
        "phases": [
            {"id": "a", "when": {"event": {"name": ["A"], "count": {"at_least": 1}}}},
            {"id": "b", "when": SEGMENT},
        ]
    }
    read = {"phases": [{"id": "a", "when": {"event": {"name": "A"}}}, {"id": "b", "when": {"segment": {"id": "new"}}}]}
    after = as_before(PhasesDefinition, read, before, SHIPPED)
    assert after == {"phases": [before["phases"][0], {"id": "b", "when": {"segment": {"id": "new"}}}]}
