"""The reference says what the code does: settings, commands and error codes."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.pure

ROOT = Path(__file__).parents[2]


def test_reference_equals_the_code() -> None:
    """In a process of its own, because it imports every module and sets Django up for no installation."""
    done = subprocess.run(
        [sys.executable, "-m", "docs.write_reference", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


def test_a_page_that_lags_behind_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from docs import write_reference

    monkeypatch.setattr(write_reference, "FOLDER", tmp_path)
    monkeypatch.setattr(write_reference, "PAGES", {"settings.md": write_reference.settings_page})
    monkeypatch.setattr(write_reference, "error_classes", list)
    assert write_reference.problems() == ["docs/reference/settings.md is not what the code says. Run: make reference"]
    assert write_reference.main([]) == 0
    assert write_reference.problems() == []
