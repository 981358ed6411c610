"""A condition and a step of a third party: checked, referenced and in the JSON schema, without a word about them in this part."""

from typing import ClassVar

import msgspec
import pytest
from jsonschema import Draft202012Validator

from kundenkreis.customers.core.state import CustomerState, Run
from kundenkreis.definitions.definition import Definitions
from kundenkreis.definitions.kinds import SHIPPED, Plugins
from kundenkreis.definitions.load import load_files
from kundenkreis.definitions.schema import definitions_schema
from kundenkreis.journeys.core.protocol import (
    CompileContext,
    Edge,
    Go,
    Moment,
    Outcome,
    PlainStep,
    StepKind,
    StepSource,
)
from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.kernel.references import ConditionData, SegmentId
from kundenkreis.kernel.zones import Zone
from kundenkreis.segments.core.protocol import Condition, FactSpec, Known, Reason

pytestmark = pytest.mark.pure


class MoonConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which quarter."""

    quarter: int
    unless: SegmentId = ""


class Moon:
    """Never full."""

    reads: frozenset[str] = frozenset()
    facts: tuple[FactSpec, ...] = ()

    def answer(self, state: CustomerState, at_us: Micros) -> tuple[bool, Micros]:
        return False, NEVER

    def explain(self, state: CustomerState, at_us: Micros) -> Reason:
        return Reason("moon", False, {}, {}, [], NEVER)


class MoonKind:
    """The plug-in."""

    kind = "moon"
    label: ClassVar[dict[str, str]] = {"de": "Mond", "en": "Moon"}
    config = MoonConfig

    def compile(self, config: MoonConfig, *, zone: Zone, known: Known) -> Condition:
        return Moon()


class HowlConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When."""

    when: ConditionData


class HowlStep(PlainStep):
    """Goes on."""

    edges = (Edge("next", "", ("next",)),)

    def decide(self, run: Run, moment: Moment) -> Outcome:
        return Go()


def compile_howl(source: StepSource, context: CompileContext) -> HowlStep:
    """Asks its condition."""
    context.condition(source.config.when, (*source.path, "when"))
    return HowlStep()


HOWL = StepKind("howl", HowlConfig, {"de": "Heulen", "en": "Howl"}, {"when": {"all": []}}, compile_howl)
PLUGINS = Plugins({**SHIPPED.conditions, "moon": MoonKind()}, {**SHIPPED.steps, "howl": HOWL})

TEXT = """
kind: segment
id: wolves
name: {{de: Wölfe}}
when: {{moon: {{quarter: {quarter}}}}}
---
kind: journey
id: night
name: {{de: Nacht}}
entry: {{segment_entered: wolves}}
steps:
  - id: howl
    howl: {{when: {{not: {{moon: {{quarter: 3, unless: {unless}}}}}}}}}
"""


def load(quarter: str, unless: str) -> Definitions | list[str]:
    """The definitions, or what is wrong with them."""
    loaded = load_files([("a.yaml", TEXT.format(quarter=quarter, unless=unless).encode())], PLUGINS)
    return [str(each) for each in loaded] if isinstance(loaded, list) else loaded


def test_conditions_and_steps_of_third_parties_are_welcome() -> None:
    loaded = load("2", "wolves")
    assert isinstance(loaded, Definitions)
    assert [each.key for each in loaded] == ["segment:wolves", "journey:night"]


def test_their_mistakes_have_places_and_remedies() -> None:
    assert load("full", "wolves") == [
        "a.yaml:5:24: `quarter` must be a whole number, not the text `full`\n    Write a whole number"
    ]
    assert load("2", "wolfs") == ["a.yaml:13:52: there is no segment `wolfs`\n    Did you mean `wolves`?"]


def test_they_are_in_the_json_schema() -> None:
    validator = Draft202012Validator(definitions_schema(PLUGINS))
    loaded = load("2", "wolves")
    assert isinstance(loaded, Definitions)
    assert [validator.is_valid(each) for each in loaded.documents()] == [True, True]
    assert Draft202012Validator(definitions_schema()).is_valid(loaded.documents()[0]) is False
