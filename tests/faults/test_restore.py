"""A backup is restored: what went out after it was made never goes out again, and nothing else goes out before a person has looked."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from kundenkreis.channels.core.journal_lines import read_line
from kundenkreis.channels.pause import Pause, Stop, read_pause, read_stop
from kundenkreis.runtime.sending import resume_sending
from tests.faults.conftest import MakeStage
from tests.faults.invariants import commits, states_of_outbox, violations
from tests.faults.restoring import await_compared, back_up, forget_backup, restore, send_after_backup
from tests.faults.scenes import play
from tests.faults.stage import Stage, story
from tests.faults.test_outages import await_log, full_disk, make_space

pytestmark = pytest.mark.e2e

BOTH = pytest.mark.parametrize("store", ["sqlite", "postgres"])


@contextmanager
def on_stage(make_stage: MakeStage, store: str, **more: str) -> Iterator[Stage]:
    """A stage that leaves no backup behind."""
    with make_stage(store, **more) as stage:
        try:
            yield stage
        finally:
            forget_backup(stage)


def paused(stage: Stage) -> Pause | None:
    with stage.installation.store.reading() as tx:
        return read_pause(tx)


def found(stage: Stage) -> tuple[int, int] | None:
    """(messages that the database did not know, lines missing), None if sending is not paused."""
    held = paused(stage)
    return (held.found, held.missing) if held is not None else None


def once_each(stage: Stage) -> None:
    """Everybody has got their message, once, and the database says so without a doubt."""
    assert set(commits(stage).values()) == {1}
    assert states_of_outbox(stage) == {("accepted", 0): 10}
    assert violations(stage) == []


@BOTH
def test_what_was_sent_after_the_backup_is_not_sent_again(make_stage: MakeStage, store: str) -> None:
    with on_stage(make_stage, store) as stage:
        send_after_backup(stage)
        before_us = stage.installation.clock.now_us()
        restore(stage)
        stage.start("dispatcher")
        stage.start("worker")
        await_compared(stage)
        stage.settle()
        assert states_of_outbox(stage) == {("accepted", 0): 10}
        held = paused(stage)
        assert held is not None
        assert (held.found, held.missing, held.since_us >= before_us) == (10, 0, True)
        stage.stop()
        stage.start("dispatcher")  # a pause outlives the process, and is told once
        stage.start("worker")
        assert resume_sending(stage.installation, actor="test") is True
        assert resume_sending(stage.installation, actor="test") is False
        stage.settle()
        stage.stop()
        assert paused(stage) is None
        once_each(stage)


@BOTH
def test_what_is_decided_anew_is_recorded_instead_of_sent(make_stage: MakeStage, store: str) -> None:
    with on_stage(make_stage, store) as stage:
        back_up(stage)
        for role in ("worker", "dispatcher"):
            stage.start(role)
        stage.append(story())
        stage.settle()
        stage.stop()
        restore(stage)
        stage.start("dispatcher")
        await_compared(stage)
        stage.start("worker")
        stage.append(story())  # their senders did not hear that it was taken, or the inbox still holds it
        stage.settle(idle=("outbox",))
        assert (states_of_outbox(stage), found(stage)) == ({("queued", 0): 10}, (10, 0))
        resume_sending(stage.installation, actor="test")
        stage.settle()
        stage.stop()
        once_each(stage)


@BOTH
def test_messages_wait_while_sending_is_paused(make_stage: MakeStage, store: str) -> None:
    with on_stage(make_stage, store) as stage:
        requests = story()
        stage.start("worker")
        stage.append(requests[:8])
        stage.settle(idle=("outbox",))
        stage.stop()
        back_up(stage)
        stage.start("dispatcher")
        stage.start("worker")
        stage.settle()
        stage.stop()
        early = sum(commits(stage).values())
        assert 0 < early < 10
        restore(stage)
        stage.start("dispatcher")
        await_compared(stage)
        stage.start("worker")
        stage.append(requests[8:])
        stage.settle(idle=("outbox",))
        time.sleep(0.3)
        assert sum(commits(stage).values()) == early
        assert states_of_outbox(stage) == {("accepted", 0): early, ("queued", 0): 10 - early}
        resume_sending(stage.installation, actor="test")
        stage.settle()
        stage.stop()
        once_each(stage)


@BOTH
@pytest.mark.parametrize(
    "name", ["outbox.replay.before_commit", "outbox.replay.after_commit", "outbox.journal.after_commit"]
)
def test_killed_while_the_database_is_told(make_stage: MakeStage, name: str, store: str) -> None:
    with on_stage(make_stage, store) as stage:
        send_after_backup(stage)
        restore(stage)
        dispatcher = stage.start("dispatcher", crash_at=f"{name}:1")
        stage.start("worker")
        await_compared(stage)
        stage.settle()
        assert found(stage) == (10, 0)
        resume_sending(stage.installation, actor="test")
        stage.settle()
        stage.stop()
        assert dispatcher.codes[0] == -9
        once_each(stage)


@BOTH
@pytest.mark.parametrize("name", ["journal.after_fsync", "dispatcher.record", "outbox.complete.before_commit"])
def test_no_doubt_about_what_the_journal_names(make_stage: MakeStage, name: str, store: str) -> None:
    with on_stage(make_stage, store, THREADS="1") as stage:
        armed = play(stage, "dispatcher", crash_at=f"{name}:3")
        assert (armed.codes[0], paused(stage)) == (-9, None)
        once_each(stage)


@BOTH
def test_database_lost_between_line_and_record(make_stage: MakeStage, store: str) -> None:
    """The sender lives on and knows what it has handed over."""
    with on_stage(make_stage, store, THREADS="1") as stage:
        stage.start("dispatcher", mutation="record_fails_once")
        stage.start("worker")
        stage.append(story())
        stage.settle()
        stage.stop()
        assert "dispatcher round failed" in (stage.data_dir / "dispatcher.log").read_text()
        assert paused(stage) is None
        once_each(stage)


def test_restored_under_a_running_sender(make_stage: MakeStage) -> None:
    with on_stage(make_stage, "postgres") as stage:
        requests = story()
        back_up(stage)
        stage.start("dispatcher")
        stage.start("worker")
        stage.append(requests)
        stage.settle()
        restore(stage)
        stage.append(requests)
        await_compared(stage)
        stage.settle(idle=("outbox",))
        assert found(stage) == (10, 0)
        resume_sending(stage.installation, actor="test")
        stage.settle()
        stage.stop()
        once_each(stage)


def test_damaged_line_is_told_and_what_it_named_goes_out_again(make_stage: MakeStage) -> None:
    with on_stage(make_stage, "sqlite") as stage:
        send_after_backup(stage)
        path = stage.data_dir / "sent.journal"
        data = path.read_bytes()
        line = data.split(b"\n")[5]
        path.write_bytes(data.replace(line, b"?" * len(line)))
        restore(stage)
        stage.start("dispatcher")
        stage.start("worker")
        await_compared(stage)
        assert found(stage) == (9, 1)
        resume_sending(stage.installation, actor="test")
        stage.settle()
        stage.stop()
        assert sorted(commits(stage).values()) == [1] * 9 + [2]


def test_deleted_journal_is_begun_anew(make_stage: MakeStage) -> None:
    with on_stage(make_stage, "sqlite") as stage:
        requests = story()
        for part in (requests[:8], requests[8:]):
            stage.start("dispatcher")
            stage.start("worker")
            stage.append(part)
            stage.settle()
            stage.stop()
            (stage.data_dir / "sent.journal").unlink()
        assert paused(stage) is None
        assert "one that was deleted protects no restore" in (stage.data_dir / "dispatcher.log").read_text()
        once_each(stage)


def test_the_journal_names_every_message_and_nobody(make_stage: MakeStage) -> None:
    with on_stage(make_stage, "sqlite") as stage:
        send_after_backup(stage)
        data = (stage.data_dir / "sent.journal").read_bytes()
        lines = [read_line(line) for line in data.split(b"\n") if line][1:]
        with stage.installation.store.reading() as tx:
            keys = {bytes(row[0]) for row in tx.rows("SELECT effect_id FROM outbox")}
            position = tx.rows("SELECT position FROM journals")
        assert {line[1].effect_id for line in lines if line is not None} == keys
        assert ([line[0] for line in lines if line is not None], position) == (list(range(1, 11)), [(10,)])
        assert (b"@" in data, b"example" in data) == (False, False)


@BOTH
def test_nothing_is_sent_without_a_journal(make_stage: MakeStage, store: str) -> None:
    """A folder lies where the journal should be. The status says so, and it heals by itself."""
    with on_stage(make_stage, store) as stage:
        in_the_way = stage.data_dir / "sent.journal"
        in_the_way.mkdir()
        stage.start("worker")
        stage.start("dispatcher")
        stage.append(story())
        stage.settle(idle=("outbox",))
        await_log(stage, "dispatcher", "dispatcher round failed")
        assert commits(stage) == {}
        with stage.installation.store.reading() as tx:
            told = read_stop(tx)
        assert isinstance(told, Stop)
        assert "Is a directory" in told.detail
        in_the_way.rmdir()
        stage.settle()
        stage.stop()
        with stage.installation.store.reading() as tx:
            assert read_stop(tx) is None
        once_each(stage)


def test_nothing_is_sent_on_a_full_disk_beside_a_database_elsewhere(make_stage: MakeStage) -> None:
    with on_stage(make_stage, "postgres") as stage:
        stage.start("worker")
        stage.append(story())
        stage.settle(idle=("outbox",))
        dispatcher = stage.start("dispatcher", limits=full_disk(50_000))
        await_log(stage, "dispatcher", "dispatcher round failed")
        assert commits(stage) == {}
        make_space(stage, dispatcher)
        stage.settle()
        stage.stop()
        once_each(stage)
