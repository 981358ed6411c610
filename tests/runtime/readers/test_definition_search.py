"""Definitions are found by any of their names, and anew after another rulebook was published."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kundenkreis.runtime.readers.definition_search import DefinitionSearch
from tests.runtime.town import Town

pytestmark = pytest.mark.db


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    town = Town(tmp_path, "")
    yield town
    town.close()


def test_found_by_any_language_and_called_as_the_viewer_calls_it(town: Town) -> None:
    german = DefinitionSearch(town.installation, kind="journey", address="/journeys/{}/", language=lambda: "de")
    english = DefinitionSearch(town.installation, kind="journey", address="/journeys/{}/", language=lambda: "en")
    every = german.search("", 100)
    assert len(every) > 1
    assert {(each.id, each.path) for each in every} == {(each.id, f"/journeys/{each.id}/") for each in every}
    assert {each.id for each in english.search("", 100)} == {each.id for each in every}
    for each in every:
        assert each.id in {other.id for other in english.search(each.title.upper(), 100)}
        assert each.id in {other.id for other in german.search(each.id, 100)}
    assert german.search("", 1) == every[:1]
    assert german.search("no such journey", 9) == ()
