"""The page about bad input names tests that exist, and every row of the list."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.pure

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs" / "explanation" / "bad-input.md").read_text(encoding="utf-8")
ROWS = [1, 2, 3, 5, 6, 7, 8, 16, 18, 21, 22, 23, 26, 27, 28, 34, 42, 43, 44, 47, 48, 49, 50, 51, 52]


def test_every_named_test_exists() -> None:
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", PAGE)
    missing = [
        f"{file}::{name}"
        for file, name in named
        if not (TESTS / file).exists()
        or not re.search(rf"^\s*(async )?def {name}\(", (TESTS / file).read_text(), re.MULTILINE)
    ]
    assert (len(named) > 60, missing) == (True, [])


def test_every_row_is_there_once_with_a_test() -> None:
    rows = re.findall(r"^\| A(\d+): .*::test_", PAGE, re.MULTILINE)
    assert sorted(map(int, rows)) == ROWS
