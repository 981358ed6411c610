"""The condition builder's form: what is shown reads back as the same condition; buttons change the tree and nothing else."""

from typing import Any

import pytest
import yaml

from kundenkreis.kernel.zones import Zone
from kundenkreis.playbooks.shipped import shipped_rulebook
from kundenkreis.segments.conditions.registry import SHIPPED
from kundenkreis.segments.core.tree import compile_condition
from kundenkreis.site.forms.acts import acted
from kundenkreis.site.forms.condition_form import ConditionForms, chosen
from kundenkreis.site.forms.typed_fields import EXIT, ConditionNode, TypedField

pytestmark = pytest.mark.pure


def _options(kind: str) -> list[tuple[str, str]] | None:
    known = {
        "segment": ["vip", "regulars"], "phase": ["trust", "loyalty"], "sub_state": ["fresh"], "event": ["Order Completed"],
        "score": ["activity"], "channel": ["email"], "purpose": ["newsletter"], "operator": ["equals", "=", "between"],
    }  # fmt: skip
    return [(one, one.title()) for one in known[kind]] if kind in known else None


def _posted(node: ConditionNode) -> dict[str, str]:
    """What a browser would send of this tree."""
    data = {f"{node.name}.kind": node.kind}
    for part in node.parts:
        data |= _posted(part)
    for each in node.fields:
        data |= _posted_field(each)
    return data


def _posted_field(field: TypedField) -> dict[str, str]:
    if field.condition is not None:
        return _posted(field.condition)
    if field.widget in ("group", "rows", "names"):
        return {name: value for part in field.parts for name, value in _posted_field(part).items()}
    if field.widget == "switch":
        return {field.name: "on"} if field.value else {}
    return {field.name: field.value}


FORMS = ConditionForms(SHIPPED, _options)


def _again(condition: Any) -> Any:
    return FORMS.read(_posted(FORMS.tree(condition, "c", {})), "c")


@pytest.mark.parametrize(
    "text",
    [
        "{segment: {id: vip}}",
        "{phase: {is: trust}}",
        "{phase: {is: [trust, loyalty], sub_state: fresh}}",
        "{attribute: {name: address.city, op: equals, value: Köln}}",
        '{attribute: {name: zip, op: equals, value: "50667"}}',
        '{attribute: {name: word, op: in, value: ["a, b", "c"]}}',
        "{attribute: {name: age, op: between, value: [18, 35.5]}}",
        "{attribute: {name: vip, op: is_true}}",
        "{attribute: {name: since, op: within_last_days, value: 30}}",
        '{attribute: {name: word, op: equals, value: "true"}}',
        "{event: {name: Order Completed, count: {at_least: 3}, within_days: 30, where: [{property: total, op: '>=', value: 10}]}}",
        "{event: {name: [A, B], count: {exactly: 0}}}",
        "{event_sum: {name: Order Completed, property: total, op: '>=', value: 100.5, within_days: 90}}",
        "{event_time: {name: Order Completed, which: last, op: more_than_days_ago, value: 60}}",
        "{order_silence: {factor: 2.5, percentile: 90, floor_days: 30}}",
        "{consent: {channel: email, purpose: newsletter, basis: [express_consent]}}",
        "{bucket: {from: 0, to: 5000, salt: a}}",
        "{all: [{segment: {id: vip}}, {not: {any: [{phase: {is: trust}}, {none: []}]}}]}",
    ],
)
def test_what_is_shown_reads_back_as_the_same(text: str) -> None:
    condition = yaml.safe_load(text)
    assert _again(condition) == condition


@pytest.mark.parametrize(
    "text",
    [
        "{event: {name: Case Opened, key: about_order}}",
        "{event: {name: [A, B], where: [{property: total, op: '>=', value: 10}], key: order}}",
        "{event: {name: A, count: {at_least: 2}, within_days: 30}}",
        "{any: [{event: {name: A}}, {segment: {id: vip}}]}",
    ],
)
def test_an_exit_reads_back_as_the_same(text: str) -> None:
    """Only its root may be the next event, which has a key."""
    rule = yaml.safe_load(text)
    tree = FORMS.tree(rule, "c", {}, held=EXIT)
    assert FORMS.read(_posted(tree), "c", held=EXIT) == rule
    events = [tree] if "event" in rule else [part for part in tree.parts if part.kind == "event"]
    assert [[field.key for field in one.fields][-1] for one in events] == ["key" if "event" in rule else "where"]


def test_shipped_segments_mean_the_same_after_the_form() -> None:
    definitions = shipped_rulebook(with_journeys=True).of("segment").values()
    assert len(definitions) >= 8
    for each in definitions:
        again = _again(each.body["when"])
        for condition in (each.body["when"], again):
            compile_condition(condition, zone=Zone("UTC"))
        assert _again(again) == again


def test_what_does_not_fit_is_kept_as_typed() -> None:
    tree = FORMS.tree({"event": {"name": "A", "within_days": "soon"}}, "c", {})
    days = next(field for field in tree.fields if field.key == "within_days")
    assert days.value == "soon"
    assert _again({"event": {"name": "A", "within_days": "soon"}}) == {"event": {"name": "A", "within_days": "soon"}}


def test_errors_stand_at_their_field() -> None:
    condition = {"all": [{"segment": {"id": "vip"}}, {"event": {"name": "A", "where": [{"property": "x", "op": "?"}]}}]}
    errors = {("all", 1, "event", "where", 0, "op"): "no such operator", ("all",): "a whole thing"}
    tree = FORMS.tree(condition, "c", errors)
    where = next(field for field in tree.parts[1].fields if field.key == "where")
    assert [field.errors for field in where.parts[0].parts] == [(), ("no such operator",), ()]
    assert tree.errors == ("a whole thing",)
    assert tree.parts[0].errors == ()


LEAF = {"segment": {"id": "vip"}}
OTHER = {"phase": {"is": "trust"}}


@pytest.mark.parametrize(
    ("before", "act", "after"),
    [
        ({"all": [LEAF]}, "add:c", {"all": [LEAF, {}]}),
        (LEAF, "add:c", {"all": [LEAF, {}]}),
        ({}, "add:c", {"all": [{}]}),
        ({"all": [LEAF, OTHER]}, "remove:c.0", {"all": [OTHER]}),
        (LEAF, "remove:c", {}),
        ({"all": [LEAF, OTHER]}, "group:c.1", {"all": [LEAF, {"all": [OTHER]}]}),
        ({"all": [LEAF, OTHER]}, "up:c.1", {"all": [OTHER, LEAF]}),
        ({"all": [LEAF, OTHER]}, "down:c.0", {"all": [OTHER, LEAF]}),
        ({"all": [LEAF, OTHER]}, "up:c.0", {"all": [LEAF, OTHER]}),
        ({"not": LEAF}, "remove:c.0", {}),
        ({"event": {"name": "A"}}, "row:c.event.where", {"event": {"name": "A", "where": [{}]}}),
        (
            {"any": [{"event": {"name": "A", "where": [{"property": "x"}, {"property": "y"}]}}]},
            "remove:c.0.event.where.0",
            {"any": [{"event": {"name": "A", "where": [{"property": "y"}]}}]},
        ),
        ({"all": [LEAF]}, "remove:c.7", {"all": [LEAF]}),
        ({"all": [LEAF]}, "explode:c", {"all": [LEAF]}),
        ({"all": [LEAF]}, "row:c.segment.id", {"all": [LEAF]}),
    ],
)
def test_buttons_change_the_tree(before: dict[str, Any], act: str, after: dict[str, Any]) -> None:
    assert acted(before, act, "c") == after


def test_a_deep_or_endless_form_ends() -> None:
    data = {f"c{'.0' * depth}.kind": "all" for depth in range(2000)}
    depth, node = 0, FORMS.read(data, "c")
    while node:
        node, depth = (node["all"] or [{}])[0], depth + 1
    assert depth == 33


def test_what_is_not_chosen_yet_is_left_out_of_the_count() -> None:
    assert chosen({"all": [LEAF, {}, {"any": [{}]}, {"not": {}}]}) == {"all": [LEAF]}
    assert chosen({"all": [{}]}) == {}
    assert chosen(LEAF) == LEAF
