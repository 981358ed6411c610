"""Whole journeys as readable traces: golden/<story>.txt is what people may expect of the product."""

import pytest

from tests.journeys.driver import GOLDEN
from tests.journeys.golden.stories import STORIES, text_of

pytestmark = pytest.mark.pure


@pytest.mark.parametrize("name", list(STORIES))
def test_a_story_ends_as_written(name: str) -> None:
    assert text_of(name) == (GOLDEN / f"{name}.txt").read_text("utf-8")


def test_no_golden_file_is_without_a_story() -> None:
    assert sorted(path.stem for path in GOLDEN.glob("*.txt")) == sorted(STORIES)
