"""The published JSON schema is current, accepts what is good and refuses what has the wrong shape."""

from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from kundenkreis.definitions.kinds import BY_KIND, SHIPPED
from kundenkreis.definitions.schema import definitions_schema, schema_text
from kundenkreis.definitions.yaml_source import read_source

pytestmark = pytest.mark.pure

HERE = Path(__file__).parent
PUBLISHED = HERE.parents[1] / "docs" / "reference" / "definitions.schema.json"
WRONG_SHAPE = (
    "brand_that_cannot_send", "list_instead_of_document", "marketing_without_value", "missing_id", "missing_kind", "several_mistakes",
    "two_leaves", "two_things_in_a_step", "unknown_key", "unknown_kind", "unknown_leaf", "unknown_operator", "value_of_another_type",
    "words_that_look_like_booleans", "wrong_id",
)  # fmt: skip
"""Files in bad/ that the schema alone must refuse; the others break rules that no JSON schema can state."""


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    schema = definitions_schema()
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def test_published_schema_is_current() -> None:
    assert PUBLISHED.read_text() == schema_text(), (
        "write it anew: python -m kundenkreis.definitions.schema > docs/reference/definitions.schema.json"
    )


def _documents(file: Path) -> list[object]:
    return [source.value for source in read_source(file.read_bytes(), file.name)[0]]


def test_schema_accepts_good_files_and_shipped_playbooks(validator: Draft202012Validator) -> None:
    playbooks = Path(str(files("kundenkreis.playbooks")))
    found = [*(HERE / "good").rglob("*.yaml"), *playbooks.rglob("*.yaml")]
    refused = [
        (file.name, error.json_path, error.message)
        for file in found
        for each in _documents(file)
        for error in validator.iter_errors(each)
    ]
    assert refused == []


@pytest.mark.parametrize("name", WRONG_SHAPE)
def test_schema_refuses_the_wrong_shape(validator: Draft202012Validator, name: str) -> None:
    documents = _documents(HERE / "bad" / f"{name}.yaml")
    assert False in [validator.is_valid(each) for each in documents]


@pytest.mark.parametrize(
    ("leave", "is_valid"),
    [
        ({"event": {"name": "Case Opened", "key": "order"}}, True),
        ({"event": {"name": "Case Opened", "within_days": 3}}, True),
        ({"any": [{"event": {"name": "Case Opened"}}]}, True),
        ({"event": {"name": "Case Opened", "key": "order", "within_days": 3}}, False),
        ({"any": [{"event": {"name": "Case Opened", "key": "order"}}]}, False),
    ],
)
def test_schema_knows_what_ends_a_run(validator: Draft202012Validator, leave: dict[str, Any], is_valid: bool) -> None:
    entry, steps = {"event": {"name": "Order Delivered"}, "key": "order_id"}, [{"id": "pause", "wait": {"days": 1}}]
    journey = {"kind": "journey", "id": "help", "entry": entry, "exit_when": leave, "steps": steps}
    assert validator.is_valid(journey) is is_valid


def test_every_kind_condition_and_step_is_in_the_schema() -> None:
    parts = definitions_schema()["$defs"]
    assert {f"{kind}_document" for kind in BY_KIND} <= set(parts)
    assert set(parts["condition"]["properties"]) == {"all", "any", "none", "not", *SHIPPED.conditions}
    assert set(parts["step"]["properties"]) == {"id", "next", *SHIPPED.steps}
