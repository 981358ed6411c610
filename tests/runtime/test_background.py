"""Runs beside the pages: so many at once and no more, the newest of a key, and nothing left open afterwards."""

import threading
from pathlib import Path

import pytest

from kundenkreis.runtime.background import BackgroundRuns, Run
from tests.runtime.town import Town

pytestmark = pytest.mark.db

_LONG = 30.0


class _Gate:
    """Work that says when it began and goes on when it may."""

    def __init__(self) -> None:
        self.has_begun, self.may_end, self.has_ended = (threading.Event() for _ in range(3))
        self.was_over = False

    def __call__(self, run: Run) -> None:
        self.has_begun.set()
        assert self.may_end.wait(_LONG)
        self.was_over = run.is_over
        self.has_ended.set()

    def finish(self) -> None:
        self.may_end.set()
        assert self.has_ended.wait(_LONG)


def test_no_more_than_so_many_run_at_once_and_the_rest_follow_in_order(tmp_path: Path) -> None:
    town = Town(tmp_path)
    runs = BackgroundRuns(town.installation.store, name="test", most=2)
    gates = [_Gate() for _ in range(4)]
    for number, gate in enumerate(gates):
        runs.begin(number, gate)
    assert gates[0].has_begun.wait(_LONG)
    assert gates[1].has_begun.wait(_LONG)
    assert not gates[2].has_begun.is_set()
    gates[0].finish()
    assert gates[2].has_begun.wait(_LONG)
    assert not gates[3].has_begun.is_set()
    for gate in gates[1:]:
        gate.finish()
    assert not any(gate.was_over for gate in gates)
    town.close()


def test_newer_run_of_a_key_ends_the_one_before_and_one_that_waits_never_begins(tmp_path: Path) -> None:
    town = Town(tmp_path)
    runs = BackgroundRuns(town.installation.store, name="test", most=1)
    first, second, third, other = (_Gate() for _ in range(4))
    runs.begin("a", first)
    assert first.has_begun.wait(_LONG)
    runs.begin("a", second)
    runs.begin("a", third)
    runs.begin("b", other)
    runs.end("b")
    first.finish()
    third.finish()
    assert (first.was_over, third.was_over) == (True, False)
    assert not second.has_begun.is_set()
    assert not other.has_begun.is_set()
    town.close()


def test_work_that_fails_ends_alone_and_its_connection_is_closed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    town = Town(tmp_path)
    store = town.installation.store
    runs = BackgroundRuns(store, name="test", most=1)
    seen: list[threading.Thread] = []

    def fails(run: Run) -> None:
        seen.append(threading.current_thread())
        with store.reading() as tx:
            tx.rows("SELECT 1")
        raise ValueError

    runs.begin("a", fails)
    gate = _Gate()
    runs.begin("b", gate)
    gate.finish()
    seen[0].join(_LONG)
    assert "a run beside the pages failed: test" in caplog.text
    store.close_here()
    with store.reading() as tx:
        assert tx.rows("SELECT 1") == [(1,)]
    town.close()
