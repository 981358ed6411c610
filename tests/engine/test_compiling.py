"""What becomes of people under way when a rulebook no longer has what their journey names: the steps are those they entered, the rest is today's."""

from typing import Any

import pytest

from kundenkreis.customers.core.state import CustomerState
from kundenkreis.engine.compiling import compile_rulebook
from kundenkreis.journeys.core.compiled import CompiledJourney
from kundenkreis.journeys.errors import InvalidJourneyError
from kundenkreis.kernel.ids import NEVER
from kundenkreis.kernel.zones import Zone

pytestmark = pytest.mark.pure

BERLIN = Zone("Europe/Berlin")
SEGMENT = {"kind": "segment", "id": "vip", "when": {"event": {"name": "Order Completed"}}}
SCORE = {"kind": "score", "id": "heat", "rules": [{"id": "seen", "event": {"name": "Product Viewed"}, "points": 1}]}
TRAIT = {"kind": "trait", "id": "views", "count": {"name": "Product Viewed"}}
SITUATION = {
    "kind": "situation",
    "id": "open_case",
    "begins": {"name": "Case Opened"},
    "ends": [{"name": "Case Solved"}],
}
PHASES = {
    "kind": "phases",
    "phases": [{"id": "trust", "when": {"all": []}, "sub_states": [{"id": "fresh", "when": {"all": []}}]}],
}
POLICY = {"kind": "policy", "purposes": [{"id": "news", "bases": ["express_consent"]}]}
EVERYTHING = (SEGMENT, SCORE, TRAIT, SITUATION, PHASES, POLICY)
ASKED = (
    {"segment": {"id": "vip"}},
    {"score": {"id": "heat", "op": ">", "value": 0}},
    {"trait": {"name": "views", "op": ">", "value": 0}},
    {"situation": {"is": "open_case"}},
    {"phase": {"is": "trust", "sub_state": "fresh"}},
    {"reachable": {"channel": "email", "purpose": "news"}},
    {"consent": {"channel": "email", "purpose": "news"}},
)


def journey(entry: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"kind": "journey", "id": "way", "entry": entry, "steps": [{"id": "pause", "wait": {"days": 1}}], **more}


def earlier(*documents: dict[str, Any]) -> CompiledJourney:
    """The journey as it stands in a rulebook that has nothing of all this any more."""
    rulebook = compile_rulebook([[*EVERYTHING, *documents], []], zone=BERLIN)
    assert (list(rulebook.journeys.current), list(rulebook.journeys.versions)) == ([], [("way", 1)])
    return rulebook.journeys.versions["way", 1]


def state() -> CustomerState:
    return CustomerState(1, "key", 0, 0)


@pytest.mark.parametrize("condition", ASKED, ids=lambda condition: next(iter(condition)))
def test_of_what_is_gone_nobody_has_any(condition: dict[str, Any]) -> None:
    way = earlier(journey({"event": {"name": "Go"}}, exit_when=condition))
    assert way.exit_when is not None and way.exit_when.condition is not None
    assert way.exit_when.condition.answer(state(), 10**15)[0] is False


def test_a_score_that_is_gone_has_no_points() -> None:
    way = earlier(journey({"event": {"name": "Go"}}, exit_when={"score": {"id": "heat", "op": "<", "value": 1}}))
    assert way.exit_when is not None and way.exit_when.condition is not None
    assert way.exit_when.condition.answer(state(), 10**15) == (True, NEVER)


@pytest.mark.parametrize(
    "entry",
    [
        *({"event": {"name": "Go"}, "if": condition} for condition in ASKED),
        {"segment_entered": "vip"},
        {"segment_left": "vip"},
        {"schedule": {"every": "day", "at": "10:00", "audience": {"segment": {"id": "vip"}}}},
        {"broadcast": {"audience": {"no_such_plug_in": {}}}},
    ],
    ids=str,
)
def test_what_only_the_entry_names_does_not_matter_to_whoever_is_under_way(entry: dict[str, Any]) -> None:
    """Nor does the state keep facts for it any longer."""
    way = journey(entry)
    if "broadcast" in entry:
        assert compile_rulebook([[way], []], zone=BERLIN).journeys.versions["way", 1].entry.conditions == ()
        return
    assert earlier(way).facts == ()


def test_a_trait_that_is_gone_is_still_computed_as_it_was_last_defined() -> None:
    condition = {"trait": {"name": "views", "op": ">=", "value": 2}}
    changed = {"kind": "trait", "id": "views", "count": {"name": "Page Viewed"}}
    way = journey({"event": {"name": "Go"}}, exit_when=condition)
    rulebook = compile_rulebook([[TRAIT, way], [changed], []], zone=BERLIN)
    assert [spec.names for spec in rulebook.decisions.facts.specs] == [("Page Viewed",)]
    leave = rulebook.journeys.versions["way", 1].exit_when
    assert leave is not None and leave.condition is not None
    person = state()
    person.facts[rulebook.decisions.facts.specs[0].key] = 2
    assert leave.condition.answer(person, 10**15)[0] is True


def test_a_journey_that_lets_people_in_names_nothing_that_is_gone() -> None:
    way = journey({"event": {"name": "Go"}}, exit_when={"segment": {"id": "vip"}})
    with pytest.raises(InvalidJourneyError):
        compile_rulebook([[SEGMENT, way], [way]], zone=BERLIN)


@pytest.mark.parametrize(
    ("stated", "default", "is_then"),
    [({}, {}, 5), ({}, {"default_priority": 3}, 3), ({"priority": 7}, {"default_priority": 3}, 7)],
)
def test_a_journey_without_a_priority_has_that_of_the_policy(
    stated: dict[str, int], default: dict[str, int], is_then: int
) -> None:
    policy = {"kind": "policy", **default}
    rulebook = compile_rulebook([[policy, journey({"event": {"name": "Go"}}, **stated)]], zone=BERLIN)
    assert rulebook.journeys.current["way"].priority == is_then


@pytest.mark.parametrize("counts", [(3, 1), (1, 3)])
def test_of_events_that_several_conditions_count_as_many_are_kept_as_the_largest_needs(counts: tuple[int, int]) -> None:
    def asked(count: int) -> dict[str, Any]:
        return {"event": {"name": "Product Viewed", "count": {"at_least": count}, "within_days": 2}}

    first, second = (asked(count) for count in counts)
    in_two = [
        journey({"event": {"name": "Go"}, "if": first}),
        {**journey({"event": {"name": "Go"}, "if": second}), "id": "other"},
    ]
    in_one = [journey({"event": {"name": "Go"}, "if": first}, exit_when=second)]
    for documents in (in_two, in_one):
        (fact,) = compile_rulebook([documents], zone=BERLIN).decisions.facts.specs
        assert (fact.names, fact.size) == (("Product Viewed",), 3)
