"""Each safety is taken out of a process, one at a time, and the invariants must notice: else the other tests prove nothing.

Every scene is played twice: as it is, where nothing may be wrong, and with its safety removed, where something must be.
"""

import os
import signal
from collections.abc import Callable

import psycopg
import pytest

from kundenkreis.channels.core.fences import MARKETING
from kundenkreis.channels.outbox import SqlOutbox
from kundenkreis.runtime.sending import resume_sending
from tests.faults.conftest import MakeStage
from tests.faults.invariants import commits, states_of_outbox, violations
from tests.faults.restoring import await_compared, restore, send_after_backup
from tests.faults.scenes import play
from tests.faults.stage import Stage, story

pytestmark = pytest.mark.e2e

Scene = Callable[[Stage, str], list[str]]
"""(stage, mutation) -> what is wrong afterwards."""


def killed_after_the_dot(stage: Stage, mutation: str) -> list[str]:
    """The sender dies between the server's yes and its record."""
    play(stage, "dispatcher", crash_at="smtp.reply_read:1", mutation=mutation)
    return violations(stage)


def killed_before_the_fold_commits(stage: Stage, mutation: str) -> list[str]:
    """The worker dies with a batch in its hands."""
    play(stage, "worker", crash_at="fold.before_commit:1,resolve.before_commit:1", mutation=mutation)
    return violations(stage)


def duplicates_arrive(stage: Stage, mutation: str) -> list[str]:
    """Nobody dies; the story holds duplicates."""
    play(stage, "worker", crash_at="", mutation=mutation)
    return violations(stage)


def two_threads_send(stage: Stage, mutation: str) -> list[str]:
    """Nobody dies; the mail server is slow, and the sender's two threads look for work."""
    assert stage.sink is not None
    stage.sink.answer("dot", fault="drip", times=-1)
    play(stage, "dispatcher", crash_at="", mutation=mutation)
    states = states_of_outbox(stage)
    doubted = [
        f"{count} messages are {state} with doubt {uncertain}"
        for (state, uncertain), count in states.items()
        if uncertain
    ]
    return [*violations(stage), *doubted]


def sender_stands_still(stage: Stage, mutation: str) -> list[str]:
    """A sender stops between its look at the clock and its intent, for longer than its lease; another one sends meanwhile."""
    zombie = stage.start("dispatcher", mutation=mutation, stop_at="dispatcher.intent", lease_seconds=0.5)
    stage.start("worker")
    stage.append(story())
    stage.await_standstill(zombie)
    stage.start("dispatcher")
    stage.settle()
    os.kill(zombie.pid, signal.SIGCONT)
    stage.stop()
    stage.start("dispatcher")
    stage.start("worker")
    stage.settle()
    stage.stop()
    return violations(stage)


def withdrawn_at_the_last_moment(stage: Stage, mutation: str) -> list[str]:
    """Everybody withdraws after the gate has said yes to the first message and before its intent."""
    stage.start("worker")
    stage.append(story())
    stage.settle(idle=("outbox",))
    slow = stage.start("dispatcher", mutation=mutation, stop_at="smtp.body")
    stage.await_standstill(slow)
    outbox = SqlOutbox(stage.installation.store)
    with stage.installation.store.reading() as tx:
        people = [row[0] for row in tx.rows("SELECT profile_id FROM states")]
        marketing = {row[0] for row in tx.rows("SELECT effect_id FROM verdicts WHERE message_class = 'marketing'")}
    assert len(marketing) == 5
    for profile_id in people:
        outbox.write_fence(profile_id, MARKETING, at_us=stage.installation.clock.now_us(), reason="test")
    before = commits(stage)
    os.kill(slow.pid, signal.SIGCONT)
    stage.settle()
    stage.stop()
    newsletter = {f"u{n}@example.org" for n in range(5)}
    return [
        f"{address} got marketing after the withdrawal" for address in commits(stage) - before if address in newsletter
    ]


def position_lost(stage: Stage, mutation: str) -> list[str]:
    """Everything derived is gone, and the worker folds the whole log again: nothing may be decided twice."""
    play(stage, "worker", crash_at="")
    with psycopg.connect(stage.database) as connection:
        for table in ("states", "memberships", "score_entries", "run_entries", "runs", "verdicts", "orders"):
            connection.execute(f"DELETE FROM {table}".encode())
        connection.execute("DELETE FROM log WHERE (flags & 4) = 4")
        connection.execute("UPDATE partitions SET folded_to = 0")
        if mutation == "no_unique_effect":
            connection.execute("ALTER TABLE outbox DROP CONSTRAINT outbox_pkey")
    stage.start("worker", mutation=mutation)
    stage.start("dispatcher")
    stage.settle()
    stage.stop()
    with stage.installation.store.reading() as tx:
        rows = tx.rows("SELECT count(*), count(DISTINCT effect_id) FROM outbox")[0]
    twice = [f"{count} messages for {address}" for address, count in commits(stage).items() if count > 1]
    return twice if rows == (10, 10) else [f"{rows[0]} rows for {rows[1]} messages", *twice]


def worker_stands_still(stage: Stage, mutation: str) -> list[str]:
    """A worker stops between reading states and writing them, for longer than its lease; another one takes over."""
    zombie = stage.start("worker", mutation=mutation, stop_at="fold.loaded", lease_seconds=0.5)
    requests = story()
    stage.append(requests[:3])
    stage.await_standstill(zombie)
    stage.start("worker", name="worker-2", lease_seconds=0.5)
    stage.start("dispatcher")
    stage.append(requests[3:])
    stage.settle()
    os.kill(zombie.pid, signal.SIGCONT)
    stage.settle()
    stage.stop()
    stage.start("worker")
    stage.start("dispatcher")
    stage.settle()
    stage.stop()
    return violations(stage)


def backup_restored(stage: Stage, mutation: str) -> list[str]:
    """Everything is sent after a backup was made, which is then restored, and sending goes on."""
    send_after_backup(stage)
    restore(stage)
    stage.start("dispatcher", mutation=mutation)
    stage.start("worker")
    await_compared(stage)
    resume_sending(stage.installation, actor="test")
    stage.settle()
    stage.stop()
    return violations(stage)


SCENES: list[tuple[str, Scene, tuple[str, ...]]] = [
    ("no_intent", killed_after_the_dot, ("sqlite", "postgres")),
    ("early_position", killed_before_the_fold_commits, ("sqlite", "postgres")),
    ("no_dedupe", duplicates_arrive, ("sqlite", "postgres")),
    ("no_lease", two_threads_send, ("sqlite", "postgres")),
    ("no_claim_epoch", sender_stands_still, ("sqlite", "postgres")),
    ("no_fence", withdrawn_at_the_last_moment, ("sqlite", "postgres")),
    ("no_unique_effect", position_lost, ("postgres",)),
    ("no_partition_fence", worker_stands_still, ("postgres",)),
    ("no_journal_replay", backup_restored, ("sqlite", "postgres")),
]
CASES = [
    pytest.param(mutation, scene, store, id=f"{mutation}-{store}")
    for mutation, scene, stores in SCENES
    for store in stores
]


@pytest.mark.parametrize(("mutation", "scene", "store"), CASES)
def test_scene_is_sound(make_stage: MakeStage, mutation: str, scene: Scene, store: str) -> None:
    with make_stage(store) as stage:
        assert scene(stage, "") == []


@pytest.mark.parametrize(("mutation", "scene", "store"), CASES)
def test_removed_safety_is_noticed(make_stage: MakeStage, mutation: str, scene: Scene, store: str) -> None:
    with make_stage(store) as stage:
        try:
            found = scene(stage, mutation)
        except AssertionError as stuck:
            found = [str(stuck)]
        # A role that cannot work at all is stopped by its own error, not by a check.
        assert "cannot live" not in str(found)
        assert found != []
