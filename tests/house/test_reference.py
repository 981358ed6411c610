"""The reference says what the code does: settings, commands and error codes."""

from collections import Counter
from pathlib import Path

import pytest
from docs import write_reference

pytestmark = pytest.mark.pure

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", write_reference.PAGES)
def test_page_equals_the_code(name: str) -> None:
    written = (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8")
    assert written == write_reference.PAGES[name](), "Run: make reference"


def test_every_error_has_its_own_code_and_a_message() -> None:
    errors = write_reference.error_classes()
    assert [code for code, times in Counter(error.code for error in errors).items() if times > 1] == []
    assert [error.__name__ for error in errors if not (error.__doc__ or "").strip()] == []
