"""Connections of a store: one for each thread that asks, since neither driver's may be shared by two transactions at once."""

import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar


class Closable(Protocol):
    """What can be ended, also twice."""

    def close(self) -> None: ...


_C = TypeVar("_C", bound=Closable)


class PerThread(Generic[_C]):
    """Opens a connection when a thread first asks for one, and knows them all until they are closed."""

    def __init__(self, connect: Callable[[], _C]) -> None:
        self._connect = connect
        self._local = threading.local()
        self._open: list[_C] = []
        self._guard = threading.Lock()

    def here(self) -> _C:
        """That of the calling thread."""
        connection: _C | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._connect()
            with self._guard:
                self._open.append(connection)
        return connection

    def close_here(self) -> None:
        """End that of the calling thread, if it has one."""
        connection: _C | None = getattr(self._local, "connection", None)
        if connection is None:
            return
        self._local.connection = None
        with self._guard:
            self._open = [one for one in self._open if one is not connection]
        connection.close()

    def close(self) -> None:
        """End all of them; whoever asks afterwards gets a new one."""
        with self._guard:
            for connection in self._open:
                connection.close()
            self._open.clear()
        self._local = threading.local()
