"""Bells: how one process tells another that there is work. Nothing polls.

A bell carries no data and may be missed or rung twice: what there is to do stands in the store, and whoever listens looks there after
every ring, at start, and when the next customer wakes.
"""

import hashlib
import os
import selectors
import socket
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import psycopg

from kundenkreis.runtime.stores.postgres import CONNECT
from kundenkreis.runtime.stores.session import Point, no_point

LONGEST_SOCKET_PATH = 100
"""Unix socket paths end at 108 bytes on Linux, 104 on macOS."""
LONGEST_WAIT_SECONDS = 3600.0


class Bell(Protocol):
    """Rings; never blocks, never raises."""

    def ring(self) -> None: ...

    def close(self) -> None:
        """Let go of the socket or connection; another ring opens a new one where it needs one."""


class Listener(Protocol):
    """Waits for rings of its bell."""

    @property
    def wake_descriptor(self) -> int:
        """What ends the wait as soon as something is written to it, without blocking; -1 where `wake` is enough."""

    def wait(self, timeout_seconds: float) -> bool:
        """True when the bell rang, False when the time is over. Rings during work are not lost: the next wait returns at once."""

    def wake(self) -> None:
        """Let this listener's wait return, from a signal handler, whoever else listens to the bell."""

    def close(self) -> None: ...


def _socket_path(data_dir: Path, name: str) -> str:
    path = str(data_dir.resolve() / f"{name}.bell")
    if len(path.encode()) <= LONGEST_SOCKET_PATH:
        return path
    short = hashlib.blake2b(path.encode(), digest_size=8).hexdigest()
    return str(Path(tempfile.gettempdir()) / f"kreis-{short}.bell")


class SocketBell:
    """A bell on one machine: a datagram to a Unix socket in the data directory."""

    def __init__(self, data_dir: Path, name: str, *, point: Point = no_point) -> None:
        self._path = _socket_path(data_dir, name)
        self._point, self._point_name = point, f"bell.{name}.ring"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    def ring(self) -> None:
        self._point(self._point_name)
        # Nobody listens yet, or the bell is ringing already: both are fine.
        with suppress(OSError):
            self._socket.sendto(b"!", self._path)

    def close(self) -> None:
        self._socket.close()


class SocketListener:
    """The listening end; replaces the socket of a listener that died."""

    def __init__(self, data_dir: Path, name: str) -> None:
        self._path = Path(_socket_path(data_dir, name))
        self._path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self._path))
        self._path.chmod(0o600)
        self._file = self._path.stat().st_ino
        self._socket.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._socket, selectors.EVENT_READ)
        # Another listener may have taken over the path; its own signals must reach this one all the same.
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(self._woken, False)
        self._selector.register(self._woken, selectors.EVENT_READ)

    def wait(self, timeout_seconds: float) -> bool:
        if not self._selector.select(max(0.0, min(timeout_seconds, LONGEST_WAIT_SECONDS))):
            return False
        with suppress(BlockingIOError):
            os.read(self._woken, 4096)
        with suppress(BlockingIOError):
            while self._socket.recv(16):
                pass
        return True

    @property
    def wake_descriptor(self) -> int:
        return self._wake

    def wake(self) -> None:
        with suppress(BlockingIOError):
            os.write(self._wake, b"!")

    def close(self) -> None:
        self._selector.close()
        self._socket.close()
        os.close(self._woken)
        os.close(self._wake)
        with suppress(FileNotFoundError):
            if self._path.stat().st_ino == self._file:  # else somebody listens there who came after us
                self._path.unlink()


class PostgresBell:
    """A bell between machines: NOTIFY on a connection of its own; reconnects by itself."""

    def __init__(self, dsn: str, name: str, *, point: Point = no_point) -> None:
        self._dsn, self._name = dsn, f"kreis_{name}"
        self._point, self._point_name = point, f"bell.{name}.ring"
        self._connection: psycopg.Connection[tuple[object, ...]] | None = None

    def ring(self) -> None:
        self._point(self._point_name)
        # A connection that broke unnoticed says so at its next use: once more with a new one, or somebody would sleep on.
        for _ in range(2):
            try:
                if self._connection is None or self._connection.closed:
                    self._connection = psycopg.connect(self._dsn, autocommit=True, **CONNECT)
                self._connection.execute(f"NOTIFY {self._name}")  # the name is ours, never a user's
                return
            except psycopg.Error:
                self.close()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class PostgresListener:
    """LISTEN; a lost connection counts as a ring, because rings may have been missed."""

    def __init__(self, dsn: str, name: str) -> None:
        self._dsn, self._name = dsn, f"kreis_{name}"
        self._connection: psycopg.Connection[tuple[object, ...]] | None = None

    def wait(self, timeout_seconds: float) -> bool:
        try:
            if self._connection is None or self._connection.closed:
                self._connection = psycopg.connect(self._dsn, autocommit=True, **CONNECT)
                self._connection.execute(f"LISTEN {self._name}")
                return True
            timeout = max(0.0, min(timeout_seconds, LONGEST_WAIT_SECONDS))
            rang = False
            for _ in self._connection.notifies(timeout=timeout, stop_after=1):
                rang = True
            for _ in self._connection.notifies(timeout=0):
                rang = True
            return rang
        except psycopg.Error:
            self.close()
            raise

    @property
    def wake_descriptor(self) -> int:
        return -1  # the driver lets handlers run ten times a second while it waits

    def wake(self) -> None:
        bell = PostgresBell(self._dsn, self._name.removeprefix("kreis_"))
        bell.ring()  # without a database there is no wait to end: it has raised
        bell.close()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
