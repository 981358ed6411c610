"""`kreis serve` as shipped: the whole process tree, from an event over HTTP to a message that arrived."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from kundenkreis.privacy.erasure import erase
from kundenkreis.runtime.points import VARIABLE
from kundenkreis.runtime.role_file import RoleProcess, read_roles
from tests.faults.conftest import MakeStage
from tests.faults.invariants import message_ids, states_of_outbox, violations
from tests.faults.restoring import back_up, forget_backup, restore
from tests.faults.scenes import authorization, post, post_story
from tests.faults.stage import ROOT, SETTLE_SECONDS, Stage, story

pytestmark = pytest.mark.e2e

STORES = ["sqlite", "postgres"]


class Tree:
    """`kreis serve` on a stage."""

    def __init__(self, stage: Stage, *, crash_at: str = "") -> None:
        self.stage = stage
        environ = {name: value for name, value in os.environ.items() if not name.startswith("KREIS_")}
        environ |= {**stage.environ, "PYTHONPATH": str(ROOT / "src")} | ({VARIABLE: crash_at} if crash_at else {})
        self._log = (stage.data_dir / "serve.log").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "kundenkreis.cli.main", "serve"],
            cwd=stage.data_dir, env=environ, stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def log(self) -> str:
        """What the tree said."""
        return (self.stage.data_dir / "serve.log").read_text()

    def roles(self) -> dict[str, RoleProcess]:
        """The processes of the roles, by name."""
        return {role.name: role for role in read_roles(self.stage.data_dir)}

    def restarts(self) -> dict[str, int]:
        """How often each role was started again."""
        return {name: role.restarts for name, role in self.roles().items()}

    def stop(self) -> int:
        """End it in order; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(30)
        self._log.close()
        return code

    def abandon(self) -> None:
        """End it whatever it does."""
        if self.process.poll() is None:
            self.process.kill()  # the roles end by themselves when their supervisor is gone
            self.process.wait(10)
            eventually(lambda: not any(role.is_alive for role in self.roles().values()))
        self._log.close()


@contextmanager
def serving(stage: Stage, *, crash_at: str = "") -> Iterator[Tree]:
    """The tree, ended at the end."""
    tree = Tree(stage, crash_at=crash_at)
    try:
        yield tree
    finally:
        tree.abandon()


def eventually(holds: Any, seconds: float = SETTLE_SECONDS, *, what: Any = lambda: "") -> None:
    """Until this holds; fails when it does not after so long."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, what()
        time.sleep(0.02)


def answers(stage: Stage) -> bool:
    """Whether the tracking API answers."""
    try:
        return post(stage, "/v1/batch", b'{"batch":[]}', authorization(stage)) == 200
    except OSError:
        return False


@pytest.mark.parametrize("mail", [True, False], ids=["smtp", "mailbox"])
@pytest.mark.parametrize("store", STORES)
def test_event_over_http_becomes_a_message(make_stage: MakeStage, store: str, mail: bool) -> None:
    with make_stage(store, mail=mail) as stage, serving(stage) as tree:
        eventually(lambda: answers(stage), what=tree.log)
        post_story(stage)
        stage.settle()
        roles = tree.roles()
        assert sorted(roles) == ["counter", "dispatcher", "web", "worker-1"]
        assert all(role.is_alive for role in roles.values())
        assert tree.stop() == 0, tree.log()
        assert [name for name, role in roles.items() if role.is_alive] == []
        assert left_behind(stage.data_dir) == []
        assert violations(stage) == []
        assert states_of_outbox(stage) == {("accepted", 0): 10}
        if stage.sink is not None:
            assert sorted(message_ids(stage)) == [f"u{n}@example.org" for n in range(10)]


def left_behind(data_dir: Path) -> list[str]:
    """Sockets and drafts that a clean end removes."""
    return sorted(path.name for path in data_dir.iterdir() if path.suffix in (".bell", ".new"))


@pytest.mark.parametrize("store", STORES)
def test_each_role_dies_once_and_comes_back(make_stage: MakeStage, store: str) -> None:
    crash_at = "inbox.after_commit:2,fold.before_commit:3,smtp.reply_read:2"
    with make_stage(store) as stage, serving(stage, crash_at=crash_at) as tree:
        eventually(lambda: answers(stage), what=tree.log)
        post_story(stage)
        stage.settle()
        eventually(lambda: tree.restarts() == {"web": 1, "worker-1": 1, "dispatcher": 1, "counter": 0}, what=tree.log)
        eventually(lambda: answers(stage), what=tree.log)
        assert tree.stop() == 0, tree.log()
        assert violations(stage) == []
        states = states_of_outbox(stage)
        assert sum(count for (_, uncertain), count in states.items() if uncertain) in (
            1,
            2,
        )  # what two connections had in the air


def test_roles_end_when_their_supervisor_is_killed(make_stage: MakeStage) -> None:
    with make_stage("sqlite") as stage, serving(stage) as tree:
        eventually(lambda: answers(stage), what=tree.log)
        roles = tree.roles()
        tree.process.kill()
        tree.process.wait(10)
        eventually(lambda: not any(role.is_alive for role in roles.values()), what=tree.log)


@pytest.fixture
def hangup_is_heard() -> Iterator[None]:
    """Also where the tests run under nohup, which children inherit."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("hangup_is_heard")
def test_the_end_of_the_terminal_ends_everything_in_order(make_stage: MakeStage) -> None:
    """Every process of the terminal hears of it; what a dispatcher had in the air would else be in doubt."""
    with make_stage("sqlite") as stage, serving(stage) as tree:
        eventually(lambda: answers(stage), what=tree.log)
        roles = tree.roles()
        assert (stage.data_dir / "app.db").stat().st_mode & 0o777 == 0o600
        for process in roles.values():
            os.kill(process.pid, signal.SIGHUP)
        time.sleep(0.5)
        assert tree.restarts() == {"web": 0, "worker-1": 0, "dispatcher": 0, "counter": 0}
        tree.process.send_signal(signal.SIGHUP)
        assert tree.process.wait(30) == 0, tree.log()
        assert [name for name, role in roles.items() if role.is_alive] == []
        assert left_behind(stage.data_dir) == []


def test_killed_role_is_started_again(make_stage: MakeStage) -> None:
    with make_stage("sqlite") as stage, serving(stage) as tree:
        eventually(lambda: answers(stage), what=tree.log)
        for _ in range(2):
            before = tree.restarts()["worker-1"]
            os.kill(tree.roles()["worker-1"].pid, signal.SIGKILL)
            eventually(lambda: tree.restarts()["worker-1"] == before + 1, what=tree.log)  # noqa: B023
        post_story(stage)
        stage.settle()
        assert tree.stop() == 0
        assert violations(stage) == []


@pytest.mark.parametrize("store", STORES)
def test_erased_people_of_a_restored_backup_are_gone_before_anybody_works(make_stage: MakeStage, store: str) -> None:
    with make_stage(store) as stage:
        stage.start("worker")
        stage.append(story())
        stage.settle(idle=("outbox",))
        stage.stop()
        back_up(stage)
        erase(stage.installation, "user_id:u-3")
        restore(stage)
        with serving(stage) as tree:
            eventually(lambda: answers(stage), what=tree.log)
            stage.settle()
            assert tree.stop() == 0, tree.log()
        assert "Erased again" in tree.log()
        assert len(message_ids(stage)) == 9
        assert "u3@example.org" not in message_ids(stage)
        forget_backup(stage)


def test_server_key_is_in_the_file_of_write_keys(make_stage: MakeStage) -> None:
    with make_stage("sqlite") as stage:
        keys = json.loads((stage.data_dir / "write_keys.json").read_text())
        assert sorted((key["source"], key["kind"]) for key in keys) == [("server", "server"), ("web", "public")]


def test_a_second_worker_of_the_folder_is_refused(make_stage: MakeStage) -> None:
    """It would take the bell of the first one away, which would sleep on what is acknowledged."""
    with make_stage("sqlite") as stage, serving(stage) as tree:
        eventually(lambda: answers(stage), what=tree.log)
        environ = {**os.environ, **stage.environ, "PYTHONPATH": str(ROOT / "src")}
        command = [sys.executable, "-m", "kundenkreis.cli.main", "serve", "--role", "worker"]
        reading, writing = os.pipe()  # a role ends when its standard input does
        second = subprocess.run(
            command, env=environ, stdin=reading, capture_output=True, text=True, timeout=60, check=False
        )
        os.close(reading)
        os.close(writing)
        assert second.returncode != 0
        assert "is being served already" in second.stderr
        post_story(stage)
        stage.settle()
        assert tree.stop() == 0, tree.log()
