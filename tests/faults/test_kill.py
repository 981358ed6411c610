"""kill -9 at every named point of inbox, resolver, fold, outbox and sender, on both stores, in real processes.

The story is played with one role armed; it dies there, is started again, everything settles, and nothing acknowledged is lost,
nothing happens twice except sends that say that they are in doubt.
"""

import pytest

from tests.faults.conftest import MakeStage
from tests.faults.invariants import message_ids, states_of_outbox, violations
from tests.faults.points import POINTS, CrashPoint
from tests.faults.scenes import play, scene_of
from tests.faults.stage import SETTLE_SECONDS, story

pytestmark = pytest.mark.e2e

CASES = [
    pytest.param(point, store, hit, id=f"{point.name}-{hit}-{store}")
    for point in POINTS
    for store in point.stores
    for hit in point.hits
]


@pytest.mark.parametrize(("point", "store", "hit"), CASES)
def test_killed_at_a_point(make_stage: MakeStage, point: CrashPoint, store: str, hit: int) -> None:
    with make_stage(store) as stage:
        armed = play(stage, scene_of(point), crash_at=f"{point.name}:{hit}")
        assert armed.codes[0] == -9, f"{point.name} was not passed {hit} times\n{stage.log_of(armed.role)}"
        assert violations(stage) == []
        assert {len(ids) for ids in message_ids(stage).values()} == {1}
        states = states_of_outbox(stage)
        if point.is_sure:
            assert states == {("accepted", 0): 10}
        else:
            # At most what two connections had in the air.
            assert sum(count for (_, uncertain), count in states.items() if uncertain) <= 2


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
@pytest.mark.parametrize(
    "name", ["dispatcher.render", "dispatcher.record", "outbox.complete.before_commit", "outbox.complete.after_commit"]
)
def test_killed_with_the_local_mailbox(make_stage: MakeStage, name: str, store: str) -> None:
    with make_stage(store, mail=False) as stage:
        armed = play(stage, "dispatcher", crash_at=f"{name}:1")
        assert armed.codes[0] == -9
        assert violations(stage) == []
        assert states_of_outbox(stage) == {("accepted", 0): 10}


@pytest.mark.parametrize(
    "name", ["lease.after_commit", "resolver.after_append", "resolve.after_commit", "fold.after_save", "fold.before_commit", "fold.after_commit"]
)  # fmt: skip
def test_another_worker_takes_over(make_stage: MakeStage, name: str) -> None:
    with make_stage("postgres") as stage:
        stage.append(story())
        dead = stage.start("worker", crash_at=f"{name}:1", lease_seconds=1)
        assert stage.zygote.wait(dead.pid, SETTLE_SECONDS) == -9
        stage.roles.clear()
        stage.start("worker", name="worker-2", lease_seconds=1)
        stage.start("dispatcher")
        stage.settle()
        stage.stop()
        assert violations(stage) == []
        assert states_of_outbox(stage) == {("accepted", 0): 10}


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_list_of_points_is_what_a_run_passes(make_stage: MakeStage, store: str) -> None:
    passed: set[str] = set()
    for scene, mail in (("web", True), ("publisher", True), ("visitor", True), ("worker", False)):
        with make_stage(store, mail=mail) as stage:
            stage.record = str(stage.data_dir / "points")
            play(stage, scene, crash_at="")
            assert violations(stage) == []
            passed |= set((stage.data_dir / "points").read_text().split())
    assert passed - {"smtp.quit", "fold.loaded"} == {point.name for point in POINTS if store in point.stores}
