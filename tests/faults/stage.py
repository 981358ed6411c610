"""The stage of the fault tests: one installation, its roles as real processes, a mail server, and the story that is played on it.

A role that dies is started again at once without its crash point, as the supervisor of `kreis serve` does.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from kundenkreis.channels.testing import SmtpSink
from kundenkreis.events.core.inbox_item import InboxItem
from kundenkreis.runtime.installation import WORKER_BELL, Installation
from kundenkreis.runtime.points import VARIABLE
from kundenkreis.settings import Settings, read_settings
from tests.faults.story_rulebook import definitions

ROOT = Path(__file__).parents[2]
SOURCE = "server"
CUSTOMERS = 10
SETTLE_SECONDS = 60.0


class Zygote:
    """The process from which all roles are forked; see zygote.py."""

    def __init__(self) -> None:
        environ = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.zygote"], cwd=ROOT, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )  # fmt: skip
        self._told = threading.Condition()
        self._started: list[int] = []
        self._ended: dict[int, int] = {}
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def start(self, order: dict[str, Any]) -> int:
        """Fork a child for this order; its process id, never 0."""
        assert self._process.stdin is not None
        with self._told:
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            self._process.stdin.flush()
            assert self._told.wait_for(lambda: self._started, timeout=30)
            return self._started.pop()

    def code(self, pid: int) -> int | None:
        """The exit code of a child, None while it runs."""
        with self._told:
            return self._ended.get(pid)

    def wait(self, pid: int, seconds: float) -> int | None:
        """The exit code of a child once it has ended, None if it still runs after so long."""
        with self._told:
            self._told.wait_for(lambda: pid in self._ended, timeout=seconds)
            return self._ended.get(pid)

    def close(self) -> None:
        """End the children that still run, then the zygote."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._reader.join(10)
        self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            said = json.loads(line)
            with self._told:
                if "started" in said:
                    self._started.append(said["started"])
                    # Numbers come round again; here, because a child may die before `start` looks.
                    self._ended.pop(said["started"], None)
                else:
                    self._ended[said["ended"]] = said["code"]
                self._told.notify_all()


def free_port() -> int:
    """A TCP port on loopback that nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def environ_of(data_dir: Path, database: str, sink: SmtpSink | None, **more: str) -> dict[str, str]:
    """The environment variables of an installation under test."""
    mail = {"KREIS_PORT": str(free_port())}
    if sink is not None:
        mail |= {
            "KREIS_SMTP_HOST": "127.0.0.1",
            "KREIS_SMTP_PORT": str(sink.port),
            "KREIS_SMTP_TLS": "none",
            "KREIS_SMTP_CONNECTIONS": "2",
            "KREIS_MAIL_FROM": "hallo@kreisladen.example",
        }
    return {"KREIS_DATA_DIR": str(data_dir), "KREIS_DATABASE": database, **mail, **more}


@dataclass(frozen=True)
class Template:
    """An installation with its rulebook published, to be copied for every run."""

    data_dir: Path
    database: str

    @classmethod
    def make(cls, data_dir: Path, database: str) -> "Template":
        """Create it."""
        installation = Installation(read_settings(environ_of(data_dir, database, None)))
        installation.publish(definitions(), actor="test")
        installation.ensure_write_keys([("web", "public"), (SOURCE, "server")])
        inbox = installation.open_inbox()
        inbox.append([])
        inbox.close()
        installation.close()
        return cls(data_dir, database)

    def copy_to(self, data_dir: Path, database: str) -> None:
        """Copy folder and database."""
        shutil.copytree(self.data_dir, data_dir)
        if self.database:
            server, name, template = database_names(database, self.database)
            with psycopg.connect(server, autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())


def database_names(database: str, template: str) -> tuple[str, str, str]:
    """(URL of the server's own database, name of the one, name of the other)."""
    name = database.rpartition("/")[2].partition("?")[0]
    return database.replace(f"/{name}?", "/postgres?", 1), name, template.rpartition("/")[2].partition("?")[0]


@dataclass
class RunningRole:
    """One role of the stage."""

    role: str
    environ: dict[str, str]
    crash_at: str = ""
    mutation: str = ""
    limits: Sequence[tuple[int, int]] = ()
    stop_at: str = ""
    lease_seconds: float = 0.0
    pid: int = 0
    codes: list[int] = field(default_factory=list)
    """How each process of this role ended."""


class Stage:
    """One run: an installation, its roles, what was acknowledged."""

    def __init__(self, zygote: Zygote, data_dir: Path, database: str, sink: SmtpSink | None, **more: str) -> None:
        self.zygote, self.data_dir, self.database, self.sink = zygote, data_dir, database, sink
        self.environ = environ_of(data_dir, database, sink, **more)
        self.settings: Settings = read_settings(self.environ)
        self.installation = Installation(self.settings)
        self._bell = self.installation.bell(WORKER_BELL)
        self.roles: list[RunningRole] = []
        self.acknowledged: set[str] = set()
        """Message ids that were answered with yes."""
        self.sent: set[str] = set()
        """Message ids that were tried."""
        self.record = ""

    def start(
        self, role: str, *, crash_at: str = "", mutation: str = "", name: str = "worker-1", limits: Sequence[tuple[int, int]] = (),
        stop_at: str = "", lease_seconds: float = 0.0,
    ) -> RunningRole:  # fmt: skip
        """Start a role; `crash_at` and `stop_at` count for its first process only."""
        environ = {**self.environ, "WORKER": name}
        running = RunningRole(role, environ, crash_at, mutation, limits, stop_at, lease_seconds)
        self.roles.append(running)
        self._launch(running)
        return running

    def _launch(self, running: RunningRole) -> None:
        crash = {VARIABLE: running.crash_at} if running.crash_at and not running.codes else {}
        running.pid = self.zygote.start(
            {
                "role": running.role, "environ": {**running.environ, **crash}, "mutation": running.mutation, "record": self.record,
                "log": str(self.data_dir / f"{running.role}.log"), "limits": list(running.limits),
                "stop_at": "" if running.codes else running.stop_at, "lease_seconds": running.lease_seconds,
            }
        )  # fmt: skip

    def revive(self) -> None:
        """Start again what died."""
        for running in self.roles:
            code = self.zygote.code(running.pid)
            if code is not None and not (code == 0 and running.role == "publisher"):
                running.codes.append(code)
                if len(running.codes) > 20:
                    raise AssertionError(f"{running.role} cannot live:\n{self.log_of(running.role)}")
                self._launch(running)

    def await_standstill(self, running: RunningRole) -> None:
        """Until this role stands still at its point."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while Path(f"/proc/{running.pid}/stat").read_text().rpartition(") ")[2][0] != "T":
            assert time.monotonic() < deadline, f"{running.role} did not stop\n{self.log_of(running.role)}"
            time.sleep(0.01)

    def log_of(self, role: str) -> str:
        """The end of what a role said."""
        path = self.data_dir / f"{role}.log"
        return path.read_text()[-3000:] if path.exists() else ""

    def append(self, requests: Sequence[list[dict[str, Any]]]) -> None:
        """Put requests into the inbox as the tracking application does, in this process."""
        inbox = self.installation.open_inbox()
        for request in requests:
            now_us = self.installation.clock.now_us()
            inbox.append([InboxItem(now_us, SOURCE, False, "batch", json.dumps({"batch": request}).encode())])
            ids = {message["messageId"] for message in request}
            self.sent |= ids
            self.acknowledged |= ids
        inbox.close()
        self._bell.ring()

    def settle(self, seconds: float = SETTLE_SECONDS, *, idle: Sequence[str] = ()) -> None:
        """Until nothing waits any more; fails when something still does after so long."""
        deadline = time.monotonic() + seconds
        while waiting := self.waiting(idle):
            if time.monotonic() > deadline:
                self._ask_where()
                logs = "\n".join(f"--- {role.role}\n{self.log_of(role.role)}" for role in self.roles)
                with self.installation.store.reading() as tx:
                    outbox = tx.rows("SELECT state, claimed_by, claim_epoch, next_try_us, uncertain, reply FROM outbox")
                now_us = self.installation.clock.now_us()
                raise AssertionError(f"after {seconds} s there still waits {waiting}, at {now_us} {outbox}\n{logs}")
            self.revive()
            time.sleep(0.01)

    def _ask_where(self) -> None:
        for running in self.roles:
            if self.zygote.code(running.pid) is None:
                os.kill(running.pid, signal.SIGUSR1)
        time.sleep(0.2)

    def waiting(self, idle: Sequence[str] = ()) -> dict[str, int]:
        """What is still to be done, by where it waits."""
        with closing(self.installation.open_inbox()) as inbox, self.installation.store.reading() as tx:
            found = {
                "internal inbox": tx.rows("SELECT count(*) FROM internal_inbox")[0][0],
                "outbox": tx.rows("SELECT count(*) FROM outbox WHERE state IN ('queued', 'claimed', 'intent')")[0][0],
            }
            newest = "(SELECT max(number) FROM log l WHERE l.type = 'control' AND l.partition = s.partition)"
            found["control rows"] = tx.rows(f"SELECT count(*) FROM states s WHERE s.control_to < {newest}")[0][0]
            if tx.dialect == "postgres":
                found["inbox"] = tx.rows("SELECT count(*) FROM inbox")[0][0]
                found["log"] = tx.rows(
                    "SELECT count(*) FROM log l JOIN partitions p ON p.partition = l.partition "
                    "WHERE l.number > p.folded_to AND (l.flags & 4) = 0 AND l.type <> 'control'"
                )[0][0]
            else:
                position = tx.rows(
                    "SELECT coalesce(max(CAST(value AS INTEGER)), 0) FROM meta WHERE name = 'inbox_position'"
                )[0][0]
                found["inbox"] = inbox.last_position() - position
        return {name: count for name, count in found.items() if count and name not in idle}

    def stop(self) -> None:
        """End every role in order."""
        for running in self.roles:
            if self.zygote.code(running.pid) is None and running.role != "publisher":
                os.kill(running.pid, 15)
        for running in self.roles:
            code = self.zygote.wait(running.pid, 20)
            if code is None:
                self._ask_where()
                os.kill(running.pid, 9)
                code = self.zygote.wait(running.pid, 10)
                raise AssertionError(f"{running.role} does not stop\n{self.log_of(running.role)}")
            running.codes.append(code)
        self.roles.clear()

    def abandon(self) -> None:
        """End every role at once, whatever it does."""
        for running in self.roles:
            if self.zygote.code(running.pid) is None:
                os.kill(running.pid, 9)
                self.zygote.wait(running.pid, 10)
        self.installation.close()


@contextmanager
def staged(
    zygote: Zygote, template: Template, data_dir: Path, database: str, *, mail: bool = True, **more: str
) -> Iterator[Stage]:
    """A stage on a copy of the template, with a mail server unless `mail` is False; leaves nothing behind."""
    template.copy_to(data_dir, database)
    sink = SmtpSink() if mail else None
    try:
        stage = Stage(zygote, data_dir, database, sink, **more)
        try:
            yield stage
        finally:
            stage.abandon()
    finally:
        if sink is not None:
            sink.close()
        if database:
            server, name, _ = database_names(database, template.database)
            with psycopg.connect(server, autocommit=True) as connection:
                connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())


def story() -> list[list[dict[str, Any]]]:
    """Ten customers, some forty events in requests of about five: duplicates within and across requests, and one merge.

    Customers 0 to 4 confirm the newsletter (a marketing message each), 5 to 9 order (a transactional one each).
    """
    events: list[dict[str, Any]] = [
        {"type": "page", "anonymousId": "a-9", "messageId": "anonymous-page", "name": "Home"},
        {"type": "track", "event": "Product Viewed", "anonymousId": "a-9", "messageId": "anonymous-view", "properties": {"product_id": "p-1"}},
    ]  # fmt: skip
    for n in range(CUSTOMERS):
        user = {"userId": f"u-{n}"}
        traits = {"email": f"u{n}@example.org", "firstName": f"Anna {n}", "address": {"country": "DE"}}
        events.append({"type": "identify", **user, "messageId": f"{n}-identify", "traits": traits})
        events.append(
            {
                "type": "track",
                "event": "Product Viewed",
                **user,
                "messageId": f"{n}-view",
                "properties": {"product_id": "p-2"},
            }
        )
        if n < CUSTOMERS // 2:
            proof = {"wording": "Ja", "text_version": "1", "form": "Anmeldung"}
            granted = {"channel": "email", "purpose": "newsletter", "basis": "express_consent", **proof}
            events.append(
                {
                    "type": "track",
                    "event": "Consent Confirmed",
                    **user,
                    "messageId": f"{n}-consent",
                    "properties": granted,
                }
            )
        else:
            order = {"order_id": f"o-{n}", "total": 40, "currency": "EUR"}
            events.append(
                {"type": "track", "event": "Order Completed", **user, "messageId": f"{n}-order", "properties": order}
            )
        events.append({"type": "page", **user, "messageId": f"{n}-page", "name": "Account"})
    # The anonymous visitor turns out to be customer 9, who is known already.
    events.append(
        {"type": "identify", "userId": "u-9", "anonymousId": "a-9", "messageId": "joined", "traits": {"city": "Bonn"}}
    )
    requests = [events[start : start + 5] for start in range(0, len(events), 5)]
    requests[1].append(requests[1][0])
    requests[-1].append(requests[2][1])
    return [*requests, requests[3]]
