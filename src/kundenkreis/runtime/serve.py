"""`kreis serve`: the whole runtime in one process tree.

A supervisor starts one process per role, restarts what dies (with growing pauses), and takes everything down cleanly on SIGTERM,
Ctrl-C or the end of its terminal: the web role stops accepting and stores what it took, the others finish their transaction. A child whose
supervisor is gone ends by itself, because its standard input closes.
"""

import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from kundenkreis.kernel.errors import CallerError
from kundenkreis.runtime.points import without_crash_points
from kundenkreis.runtime.role_file import RoleProcess, birth_of, write_roles
from kundenkreis.settings import Settings

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 10.0
STEADY_SECONDS = 30.0
"""A child that ran this long starts again without a pause."""
STOP_SECONDS = 20.0
PORT_SECONDS = 5.0
"""A server that is just ending lets go of its port within this time."""
_LOOK_AGAIN_SECONDS = 0.1


class PortTakenError(CallerError):
    """Nothing can listen at this address; name a free port with KREIS_PORT."""

    code = "port_taken"


def await_port(settings: Settings, *, patience_seconds: float = PORT_SECONDS) -> None:
    """Return when the web role can listen at its address.

    Raises:
        PortTakenError: it cannot, and did not begin to in a while.
    """
    until = time.monotonic() + patience_seconds
    while (problem := _cannot_listen(settings.host, settings.port)) is not None:
        if time.monotonic() >= until:
            raise PortTakenError(
                f"Nothing can listen at {settings.host}:{settings.port}: {problem}. Name a free port with KREIS_PORT, or stop what listens there."
            )
        time.sleep(_LOOK_AGAIN_SECONDS)


def _cannot_listen(host: str, port: int) -> str | None:
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, socket.SOCK_STREAM) as tried:
            # As the server does: connections that end do not count.
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(address)
    except OSError as error:
        return error.strerror or str(error)
    return None


@dataclass
class _Child:
    role: str
    arguments: list[str]
    process: "subprocess.Popen[bytes] | None" = None
    started: float = 0.0
    since_us: int = 0
    pause: float = FIRST_PAUSE_SECONDS
    due: float = 0.0
    restarts: int = -1

    def start(self) -> None:
        self.restarts += 1
        # Whoever died at a crash point must not die there again: only the first start of a role reads them.
        environ = dict(os.environ) if self.restarts == 0 else without_crash_points(os.environ)
        self.process = subprocess.Popen(self.arguments, stdin=subprocess.PIPE, env=environ)
        self.started = time.monotonic()
        self.since_us = time.time_ns() // 1000


class Supervisor:
    """Keeps the processes of the roles alive until it is told to stop."""

    def __init__(self, roles: Sequence[tuple[str, list[str]]], *, data_dir: Path, say: Callable[[str], None]) -> None:
        self._children = [_Child(role, arguments) for role, arguments in roles]
        self._say = say
        self._data_dir = data_dir
        self._stopping = False
        # Signals arrive through a pipe into which the interpreter writes: a handler of ours would run after the wait that it was to end.
        self._signalled, self._signal = os.pipe()
        os.set_blocking(self._signal, False)
        os.set_blocking(self._signalled, False)

    def run(self) -> int:
        """Start all roles and watch them; returns the exit code after a clean stop."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            # Under nohup the end of a terminal means nothing; else it ends everything in order, as Ctrl-C does.
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._stop)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        signal.set_wakeup_fd(self._signal, warn_on_full_buffer=False)
        for child in self._children:
            if not self._stopping:
                child.start()
        self._record()
        while not self._stopping:
            pause = min(
                (child.due - time.monotonic() for child in self._children if child.process is None), default=None
            )
            self._wait(pause)
            self._revive()
        return self._take_down()

    def _wait(self, seconds: float | None) -> None:
        """Until a signal came, or this many seconds passed."""
        select.select([self._signalled], [], [], max(seconds, 0.0) if seconds is not None else None)
        with suppress(BlockingIOError):
            os.read(self._signalled, 4096)

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def _revive(self) -> None:
        now = time.monotonic()
        for child in self._children:
            if self._stopping:
                return
            if child.process is None:
                if child.due <= now:
                    child.start()
                    self._record()
            elif child.process.poll() is not None:
                self._say(f"{child.role} ended with {child.process.returncode}; starting it again")
                if child.process.stdin is not None:
                    child.process.stdin.close()
                child.pause = (
                    FIRST_PAUSE_SECONDS
                    if now - child.started > STEADY_SECONDS
                    else min(child.pause * 2, LONGEST_PAUSE_SECONDS)
                )
                child.process, child.due = None, now + child.pause

    def _record(self) -> None:
        write_roles(
            self._data_dir,
            [
                RoleProcess(child.role, child.process.pid, child.since_us, child.restarts, birth_of(child.process.pid))
                for child in self._children
                if child.process is not None
            ],
        )

    def _take_down(self) -> int:
        alive = [
            child.process for child in self._children if child.process is not None and child.process.poll() is None
        ]
        for process in alive:
            process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        code = 0
        for process in alive:
            try:
                process.wait(max(deadline - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                code = 1
        return code


def end_with_supervisor() -> None:
    """In a child: end cleanly when the supervisor is gone, and not before it at the end of the terminal that both had."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def watch() -> None:
        while os.read(0, 1):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="supervisor-watch", daemon=True).start()


def role_arguments(role: str, *extra: str) -> list[str]:
    """The command line of one role's process."""
    return [sys.executable, "-m", "kundenkreis.cli.main", "serve", "--role", role, *extra]
