"""How far long work is, where nobody sees a bar."""

import pytest

from kundenkreis.cli import progress
from kundenkreis.cli.progress import progress_bar

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    ("silent", "said"),
    [(False, ["loading: 1,000 of 20,000 events, 2026-01-02", "loading: 2,000 of 20,000 events"]), (True, [])],
)
def test_without_a_terminal_a_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], silent: bool, said: list[str]
) -> None:
    clock = iter([0.0, 1.0, 15.0, 20.0, 30.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    with progress_bar("loading", "events", silent=silent) as told:
        told(500, 20_000, "2026-01-01")
        told(1_000, 20_000, "2026-01-02")
        told(1_500, 20_000)
        told(2_000, 20_000)
    assert capsys.readouterr().err.splitlines() == said
