"""What an editor does to a journey: the graph changes where it was meant to, and nothing else is rewritten."""

from typing import Any

import pytest

from kundenkreis.journeys.core.editing import EditError, change_step, connect, insert_step, remove_step
from kundenkreis.journeys.core.graph import read_nodes
from kundenkreis.journeys.steps.registry import STEPS, kinds_by_name
from kundenkreis.playbooks.shipped import shipped_rulebook

pytestmark = pytest.mark.pure

KINDS = kinds_by_name()
SHIPPED = [journey.document for journey in shipped_rulebook(with_journeys=True).of("journey").values()]


def ways(document: dict[str, Any]) -> dict[tuple[str, str], str]:
    """(step, way) -> target."""
    nodes = read_nodes(document["steps"], KINDS)
    return {(name, edge.name): edge.target or node.next for name, node in nodes.items() for edge in node.step.edges}


@pytest.mark.parametrize("document", SHIPPED, ids=lambda document: str(document["id"]))
def test_a_step_put_in_anywhere_and_taken_out_again_leaves_the_journey_as_it_was(document: dict[str, Any]) -> None:
    before = ways(document)
    for (source, way), target in before.items():
        for kind in ("wait", "message"):
            longer, name = insert_step(document, KINDS, kind=kind, source=source, way=way)
            after = ways(longer)
            assert after.pop((name, "next")) == target
            assert after == {**before, (source, way): name}
            assert ways(remove_step(longer, KINDS, name)) == before


def test_a_step_in_the_middle_needs_no_stated_ways() -> None:
    document = {"id": "a", "steps": [{"id": "one", "wait": {"days": 1}}, {"id": "two", "exit": {}}]}
    longer, name = insert_step(document, KINDS, kind="wait", source="one", way="next")
    assert name == "wait_1"
    assert longer["steps"] == [
        {"id": "one", "wait": {"days": 1}},
        {"id": "wait_1", "wait": KINDS["wait"].sample},
        {"id": "two", "exit": {}},
    ]
    assert remove_step(longer, KINDS, "wait_1") == document
    assert insert_step(longer, KINDS, kind="wait", source="wait_1", way="next")[1] == "wait_2"


def test_the_first_step_and_an_empty_journey() -> None:
    for kind in STEPS:
        document, name = insert_step({"id": "a"}, KINDS, kind=kind.kind, source="", way="")
        assert list(read_nodes(document["steps"], KINDS)) == [name]
    document = {
        "id": "a",
        "start": "two",
        "steps": [{"id": "one", "exit": {}}, {"id": "two", "wait": {"days": 1}, "next": "one"}],
    }
    longer, name = insert_step(document, KINDS, kind="wait", source="", way="")
    assert (longer.get("start"), longer["steps"][0]["id"], ways(longer)[name, "next"]) == (None, name, "two")
    assert (
        remove_step({"id": "a", "steps": [{"id": "one", "wait": {"days": 1}, "next": "one"}]}, KINDS, "one")["steps"]
        == []
    )


def test_a_start_that_is_removed_moves_on() -> None:
    document = {
        "id": "a", "start": "two",
        "steps": [{"id": "one", "exit": {}}, {"id": "two", "wait": {"days": 1}, "next": "three"}, {"id": "three", "exit": {}}],
    }  # fmt: skip
    assert remove_step(document, KINDS, "two")["start"] == "three"


def test_configuration_and_ways_are_replaced_in_place() -> None:
    way = [{"id": "known", "when": {"segment": {"id": "a"}}, "next": "end"}, {"id": "rest"}]
    document = {
        "id": "a",
        "steps": [{"id": "who", "branch": way}, {"id": "pause", "wait": {"days": 1}}, {"id": "end", "exit": {}}],
    }
    assert change_step(document, KINDS, "pause", {"days": 5})["steps"][1] == {"id": "pause", "wait": {"days": 5}}
    changed = connect(document, KINDS, source="who", way="known", target="exit")
    assert ways(changed)["who", "known"] == "exit"
    assert document["steps"][0]["branch"] == way


@pytest.mark.parametrize(
    "edit",
    [
        lambda document: insert_step(document, KINDS, kind="teleport", source="one", way="next"),
        lambda document: insert_step(document, KINDS, kind="wait", source="nobody", way="next"),
        lambda document: insert_step(document, KINDS, kind="wait", source="one", way="sideways"),
        lambda document: remove_step(document, KINDS, "nobody"),
        lambda document: change_step(document, KINDS, "nobody", {}),
        lambda document: change_step(document, KINDS, "odd", {}),
        lambda document: connect(document, KINDS, source="one", way="next", target="nobody"),
        lambda document: connect(document, KINDS, source="one", way="sideways", target="one"),
    ],
)
def test_what_does_not_fit_is_refused(edit: Any) -> None:
    document = {"id": "a", "steps": [{"id": "one", "wait": {"days": 1}}, {"id": "odd"}]}
    with pytest.raises(EditError):
        edit(document)
