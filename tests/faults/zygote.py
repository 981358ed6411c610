"""Starts the processes of the fault tests quickly: everything is imported once, each role is a fork of this process.

What runs in the child is the role as `kreis serve --role` runs it. Orders come as JSON lines on standard input, answers go to
standard output: {"started": pid} for each order, {"ended": pid, "code": code} for each death (-9 for kill -9).
"""

import faulthandler
import json
import logging
import os
import resource
import select
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import a2wsgi  # noqa: F401  (imported here so that no child needs the time)
import django.core.management
import django.db.migrations.executor
import django.db.models
import django.forms
import django.http
import django.template.loader
import django.urls  # noqa: F401
import psycopg  # noqa: F401
import uvicorn.protocols.http.httptools_impl  # noqa: F401

import kundenkreis.channels.email_smtp
import kundenkreis.definitions.canonical
import kundenkreis.runtime.dispatching
import kundenkreis.runtime.web
import kundenkreis.runtime.worker
from kundenkreis.runtime.folding import Folder
from kundenkreis.runtime.installation import Installation
from kundenkreis.runtime.points import VARIABLE, point_from
from kundenkreis.runtime.roles import run_dispatcher, run_worker
from kundenkreis.runtime.stores.session import Point, Session
from kundenkreis.settings import read_settings
from tests.faults.mutations import mutate, shorten_leases
from tests.faults.story_rulebook import definitions

DISPATCHER_THREADS = 2
kundenkreis.runtime.worker.PRUNE_EVERY = 2  # the story has few batches


def run_role(
    role: str, environ: dict[str, str], *, mutation: str, record: str, stop_at: str, lease_seconds: float
) -> None:
    """One role until it is told to stop, or dies at its crash point.

    Args:
        stop_at: "name" of a point where it stops still (SIGSTOP) the first time, until somebody sends SIGCONT.
        lease_seconds: length of every lease; 0 for the usual ones.
    """
    if lease_seconds:
        shorten_leases(lease_seconds)
    mutate(mutation)
    point = stopping(point_from(environ), stop_at) if stop_at else point_from(environ)
    if record:
        point = recorded(point, Path(record))
    pointed_fold(point)
    settings = read_settings({name: value for name, value in environ.items() if name != VARIABLE})
    installation = Installation(settings, point=point)
    if role == "publisher":
        installation.publish(definitions(), actor="test")
    elif role == "web":
        kundenkreis.runtime.web.run_web(installation)
    elif role == "worker":
        run_worker(installation, environ.get("WORKER", "worker-1"))
    else:
        # Alone where it stands still: a second thread would keep SQLite's write lock meanwhile.
        run_dispatcher(installation, 1 if stop_at else int(environ.get("THREADS", DISPATCHER_THREADS)))
    installation.close()


def stopping(point: Point, name: str) -> Point:
    """The same point, at which the process also stands still once."""
    left = [name]

    def passed(here: str) -> None:
        if here in left:
            left.remove(here)
            os.kill(os.getpid(), signal.SIGSTOP)
            time.sleep(0.2)  # the signal may reach another thread first; this one must not get any further meanwhile
        point(here)

    return passed


def pointed_fold(point: Point) -> None:
    """One more point, between reading states and writing them: the worst moment for a worker to stand still."""
    original = Folder._save

    def save(self: Folder, tx: Session, done: Any, begun: Any) -> None:
        if begun.writes.customers:
            point("fold.loaded")
        original(self, tx, done, begun)

    Folder._save = save  # type: ignore[method-assign]


def recorded(point: Point, path: Path) -> Point:
    """The same point, which also writes down every name it is passed by, one line each."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def passed(name: str) -> None:
        os.write(file, f"{name}\n".encode())
        point(name)

    return passed


def _child(order: dict[str, Any]) -> None:
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        nothing, log = os.open(os.devnull, os.O_RDONLY), os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(nothing, 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(process)d %(name)s %(message)s", force=True)
        faulthandler.register(signal.SIGUSR1)  # a test that waits in vain asks where everybody stands
        for which, most in order["limits"]:
            resource.setrlimit(which, (most, resource.RLIM_INFINITY))
        run_role(
            order["role"], order["environ"], mutation=order["mutation"], record=order["record"], stop_at=order["stop_at"],
            lease_seconds=order["lease_seconds"],
        )  # fmt: skip
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        logging.shutdown()
        os._exit(code)


def main() -> None:
    """Serve orders until standard input closes, then end what still runs."""
    wake, note = os.pipe()
    os.set_blocking(note, False)
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(note)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    alive: set[int] = set()
    buffer = b""
    while True:
        ready, _, _ = select.select([0, wake], [], [])
        if wake in ready:
            os.read(wake, 4096)
            _reap(alive)
        if 0 in ready:
            data = os.read(0, 65536)
            if not data:
                for pid in alive:
                    os.kill(pid, signal.SIGKILL)
                return
            *lines, buffer = (buffer + data).split(b"\n")
            for line in lines:
                pid = os.fork()
                if pid == 0:
                    _child(json.loads(line))
                alive.add(pid)
                _say({"started": pid})


def _reap(alive: set[int]) -> None:
    while alive:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        alive.discard(pid)
        _say({"ended": pid, "code": os.waitstatus_to_exitcode(status)})


def _say(what: dict[str, int]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
