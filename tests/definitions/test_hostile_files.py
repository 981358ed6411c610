"""Whatever stands in a file: an answer, never an accident."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kundenkreis.definitions.definition import Definitions
from kundenkreis.definitions.errors import Path, Place
from kundenkreis.definitions.load import assemble, load_files
from kundenkreis.definitions.source import Source
from tests.definitions.samples import HERE, good

pytestmark = pytest.mark.pure

FILES = [(file.name, file.read_bytes()) for file in sorted((HERE / "good").rglob("*.yaml"))]
DOCUMENTS = good().documents()
WORDS = st.sampled_from(
    ["", "exit", "segment", "regulars", "welcome", "10:00", "2026-13-01", "email", "all", "not", "=", "between", "{{ x }}", "{% if %}", "default", "ä" * 300]
)  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers(-3, 12_000) | st.floats(-2, 1e6) | WORDS
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.sampled_from(["id", "name", "op", "value", "event", "steps"]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


def answer(loaded: Definitions | list[Any]) -> None:
    """Accepted, or refused with at least one mistake that says what to do."""
    if isinstance(loaded, list):
        assert loaded
        assert all(each.what and each.remedy and each.code for each in loaded)


@given(st.binary(max_size=300) | st.text("{}[]:,-&*!|>'\"%@#? \n\tab1", max_size=200).map(str.encode))
@settings(max_examples=300, deadline=None)
def test_any_bytes_get_an_answer(data: bytes) -> None:
    answer(load_files([("a.yaml", data)]))


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_good_files_with_a_slip_of_the_hand_get_an_answer(data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(FILES) - 1))
    name, text = FILES[index]
    at = data.draw(st.integers(0, len(text)))
    cut = data.draw(st.integers(0, 3))
    put = data.draw(st.text("{}[]:,-&*!|>'\"%#? \n\tno1", max_size=3)).encode()
    changed = [*FILES]
    changed[index] = (name, text[:at] + put + text[at + cut :])
    answer(load_files(changed))


def paths(value: Any, here: Path = ()) -> list[Path]:
    """Every place in plain data."""
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(path for key, item in below for path in paths(item, (*here, key)))]


ALL_PATHS = [(number, path) for number, document in enumerate(DOCUMENTS) for path in paths(document)[1:]]


def source_of(document: dict[str, Any]) -> Source:
    """A document that stands nowhere."""
    return Source(document, dict.fromkeys(paths(document), Place("a.yaml", 1, 1)), {}, {})


@given(st.sampled_from(ALL_PATHS), VALUES, st.booleans())
@settings(max_examples=600, deadline=None)
def test_any_value_in_any_place_gets_an_answer(where: tuple[int, Path], value: Any, remove: bool) -> None:
    number, path = where
    documents = deepcopy(DOCUMENTS)
    around: Any = documents[number]
    for step in path[:-1]:
        around = around[step]
    if remove:
        del around[path[-1]]
    else:
        around[path[-1]] = value
    answer(assemble([source_of(each) for each in documents]))
