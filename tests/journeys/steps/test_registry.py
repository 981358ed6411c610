"""What holds for every kind of step: it has texts and a sample that runs, and is in the schema. A new one is one file and one line."""

from typing import Any

import msgspec
import pytest

from kundenkreis.customers.core.state import Run
from kundenkreis.journeys.core.definitions import JourneyDefinition
from kundenkreis.journeys.core.graph import Surroundings
from kundenkreis.journeys.core.protocol import (
    CompileContext,
    CompiledStep,
    Edge,
    Go,
    Moment,
    Outcome,
    PlainStep,
    StepKind,
    StepSource,
)
from kundenkreis.journeys.steps.registry import STEPS, journey_type, kinds_by_name
from tests.journeys.driver import Fold, Leaf, compile_matches, journey, journeys, simple

pytestmark = pytest.mark.pure

ALWAYS = Leaf("always", {}, frozenset(), lambda _state, _at: (True, (1 << 62) - 1))
AROUND = Surroundings(compile_condition=lambda _data: ALWAYS, compile_matches=compile_matches)


@pytest.mark.parametrize("kind", STEPS, ids=lambda kind: kind.kind)
def test_every_kind_names_itself_and_its_sample_runs(kind: StepKind) -> None:
    assert list(kind.label) == ["de", "en"]
    assert all(kind.label.values())
    compiled = journey(simple(steps=[{"id": "tried", kind.kind: kind.sample}]), around=AROUND)
    customer = Fold(journeys(compiled)).tell("Go", "2026-06-01 10:00")
    assert [step for step, _ in customer.path][:2] == ["", "tried"]


@pytest.mark.parametrize("kind", STEPS, ids=lambda kind: kind.kind)
def test_every_kind_is_in_the_schema(kind: StepKind) -> None:
    typed = journey_type()
    msgspec.convert(simple(steps=[{"id": "tried", "next": "exit", kind.kind: kind.sample}]), typed)
    _, components = msgspec.json.schema_components([typed])
    assert kind.kind in components["JourneyStep"]["properties"]


def test_the_schema_refuses_words_nobody_knows() -> None:
    with pytest.raises(msgspec.ValidationError, match="unknown field `dance`"):
        msgspec.convert(simple(steps=[{"id": "a", "dance": {}}]), journey_type())


def test_the_typed_journey_has_the_fields_of_the_definition() -> None:
    assert sorted(journey_type().__struct_fields__) == sorted(JourneyDefinition.__struct_fields__)


def test_kinds_are_all_different() -> None:
    assert len(kinds_by_name()) == len(STEPS) == 9


class CheerConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How loud."""

    times: int


class CheerStep(PlainStep):
    """Throw-away: cheers as often as stated."""

    edges = (Edge("next", "", ("next",)),)

    def __init__(self, times: int) -> None:
        self.times = times

    def decide(self, run: Run, moment: Moment) -> Outcome:
        return Go(event=("Cheered", {"times": self.times}))


def compile_cheer(source: StepSource, context: CompileContext) -> CompiledStep:
    if source.config.times < 1:
        context.problem((*source.path, "times"), "too_quiet", "Cheer at least once.")
    return CheerStep(source.config.times)


CHEER = StepKind("cheer", CheerConfig, {"de": "Jubeln", "en": "Cheer"}, {"times": 3}, compile_cheer)


def test_a_new_kind_is_one_value_in_the_registry() -> None:
    kinds = (*STEPS, CHEER)
    around = Surroundings(
        compile_condition=lambda _data: ALWAYS, compile_matches=compile_matches, kinds=kinds_by_name(kinds)
    )
    data: dict[str, Any] = simple(steps=[{"id": "hurray", "cheer": {"times": 2}}])
    customer = Fold(journeys(journey(data, around=around))).tell("Go", "2026-06-01 10:00")
    assert [(name, properties) for _, name, properties in customer.events] == [("Cheered", {"times": 2})]
    assert customer.path == [("", "entered"), ("hurray", "done"), ("", "done")]
    msgspec.convert(data, journey_type(kinds))
