"""No space on the disk, no database: nothing acknowledged is lost, nothing is sent that cannot be recorded, and it heals by itself."""

import http.client
import json
import os
import resource
import signal
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

import psycopg
import pytest

from tests.faults.conftest import MakeStage
from tests.faults.invariants import states_of_outbox, violations
from tests.faults.scenes import authorization, post, post_story
from tests.faults.stage import RunningRole, Stage, database_names, story

pytestmark = pytest.mark.e2e

ENDLESS = resource.RLIM_INFINITY


def full_disk(most_bytes: int) -> list[tuple[int, int]]:
    """Limits under which no file grows beyond this size: the system's error is that of a file too large for the disk."""
    return [(resource.RLIMIT_FSIZE, most_bytes)]


def make_space(stage: Stage, running: RunningRole) -> None:
    """Space returns."""
    assert stage.zygote.code(running.pid) is None, stage.log_of(running.role)
    resource.prlimit(running.pid, resource.RLIMIT_FSIZE, (ENDLESS, ENDLESS))


def send(stage: Stage, number: int) -> tuple[int, str]:
    """(status, Retry-After) of one event of 20 KB."""
    message = {
        "type": "track",
        "event": "Read",
        "userId": "u-0",
        "messageId": f"filler-{number}",
        "properties": {"text": "x" * 20_000},
    }
    stage.sent.add(f"filler-{number}")
    with closing(http.client.HTTPConnection("127.0.0.1", stage.settings.port, timeout=10)) as connection:
        headers = {"content-type": "application/json", **authorization(stage)}
        connection.request("POST", "/v1/batch", json.dumps({"batch": [message]}).encode(), headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status == 200:
            stage.acknowledged.add(f"filler-{number}")
        return answer.status, answer.headers.get("retry-after", "")


def await_web(stage: Stage) -> None:
    """Until the tracking API answers."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            post(stage, "/v1/batch", b'{"batch":[]}', authorization(stage))
            return
        except OSError:
            time.sleep(0.02)
    raise AssertionError(stage.log_of("web"))


def test_inbox_on_a_full_disk(make_stage: MakeStage) -> None:
    with make_stage("sqlite") as stage:
        stage.start("worker")
        stage.start("dispatcher")
        web = stage.start("web", limits=full_disk(1_600_000))
        await_web(stage)
        answers = [send(stage, number) for number in range(160)]
        assert set(answers) == {(200, ""), (503, "1")}
        assert answers[-1] == (503, "1")
        make_space(stage, web)
        assert [send(stage, number)[0] for number in range(60)] == [200] * 60
        post_story(stage)
        stage.settle()
        stage.stop()
        assert web.codes == [0]
        assert violations(stage) == []


def test_worker_on_a_full_disk(make_stage: MakeStage) -> None:
    with make_stage("sqlite") as stage:
        worker = stage.start("worker", limits=full_disk(60_000))
        stage.start("dispatcher")
        stage.append(story())
        await_log(stage, "worker", "trying again")
        assert stage.waiting() != {}
        make_space(stage, worker)
        stage.settle()
        stage.stop()
        assert worker.codes == [0]
        assert violations(stage) == []
        assert states_of_outbox(stage) == {("accepted", 0): 10}


def test_dispatcher_on_a_full_disk_sends_nothing(make_stage: MakeStage) -> None:
    with make_stage("sqlite") as stage:
        assert stage.sink is not None
        stage.start("worker")
        stage.append(story())
        stage.settle(idle=("outbox",))
        dispatcher = stage.start("dispatcher", limits=full_disk(1_500_000), stop_at="dispatcher.claim")
        stage.await_standstill(dispatcher)
        fill_log(stage)
        os.kill(dispatcher.pid, signal.SIGCONT)
        await_log(stage, "dispatcher", "dispatcher round failed")
        assert stage.sink.committed == []
        make_space(stage, dispatcher)
        stage.settle()
        stage.stop()
        assert dispatcher.codes == [0]
        assert violations(stage) == []
        assert states_of_outbox(stage) == {("accepted", 0): 10}


def fill_log(stage: Stage) -> None:
    """Make the store's write-ahead log larger than the limit, so that any further commit would have to grow it; the journal has its room by now."""
    with stage.installation.store.transaction("fill") as tx:
        tx.run("INSERT INTO meta (name, value) VALUES ('filler', ?)", ("x" * 2_000_000,))


def await_log(stage: Stage, role: str, words: str) -> None:
    """Until a role has said this."""
    deadline = time.monotonic() + 20
    path = stage.data_dir / f"{role}.log"
    while not path.exists() or words not in path.read_text():
        assert time.monotonic() < deadline, stage.log_of(role)
        stage.revive()
        time.sleep(0.02)


@contextmanager
def without_database(stage: Stage) -> Iterator[None]:
    """Nobody can use the database meanwhile; whoever does is cut off."""
    server, name, _ = database_names(stage.database, stage.database)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        try:
            yield
        finally:
            connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())
            with suppress(psycopg.Error):
                stage.waiting()  # our own connection was cut off as well


def test_lost_database(make_stage: MakeStage) -> None:
    with make_stage("postgres") as stage:
        roles = [stage.start(role) for role in ("web", "worker", "dispatcher")]
        await_web(stage)
        assert send(stage, 0)[0] == 200
        with without_database(stage):
            assert [send(stage, number) for number in range(1, 5)] == [(503, "1")] * 4
        assert [send(stage, number)[0] for number in range(1, 5)] == [200] * 4
        post_story(stage)
        stage.settle()
        with without_database(stage):
            time.sleep(0.2)
        stage.settle()
        stage.stop()
        assert [role.codes for role in roles] == [[0], [0], [0]]
        assert violations(stage) == []
        assert states_of_outbox(stage) == {("accepted", 0): 10}


def test_database_lost_while_sending(make_stage: MakeStage) -> None:
    with make_stage("postgres") as stage:
        stage.start("worker")
        stage.append(story())
        stage.settle(idle=("outbox",))
        assert stage.sink is not None
        stage.sink.answer("dot", fault="drip", times=-1)
        dispatcher = stage.start("dispatcher")
        deadline = time.monotonic() + 20
        while not stage.sink.committed and time.monotonic() < deadline:
            time.sleep(0.005)
        with without_database(stage):
            time.sleep(0.3)
        stage.settle()
        stage.stop()
        assert dispatcher.codes == [0]
        assert violations(stage) == []
        doubted = sum(count for (_, uncertain), count in states_of_outbox(stage).items() if uncertain)
        assert doubted <= 2  # what two connections had in the air
