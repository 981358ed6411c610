"""A website on this machine that answers as a test says: what it sends for each path, and what it was asked."""

import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

Answer = bytes | Callable[[socket.socket], None]
"""What is sent back, or what is done with the connection."""


def answer(status: str, *headers: str, body: bytes = b"") -> bytes:
    """An answer of HTTP."""
    lines = (f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "Connection: close", "", "")
    return "\r\n".join(lines).encode() + body


class Website:
    """Listens on a port of 127.0.0.1 (or another address of this machine) until it is left."""

    def __init__(
        self, answers: Mapping[str, Answer], *, address: str = "127.0.0.1", tls: ssl.SSLContext | None = None
    ) -> None:
        self.answers = dict(answers)
        """"HEAD /path" -> what it answers; "/path" for every method."""
        self.asked: list[str] = []
        self.heads: list[str] = []
        self._tls = tls
        self._ended = threading.Event()
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._listener = socket.create_server((address, 0), family=family)
        self.port: int = self._listener.getsockname()[1]
        self.place = (address, self.port)
        self.url = f"{'https' if tls else 'http'}://{f'[{address}]' if ':' in address else address}:{self.port}"
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)

    def until_left(self) -> None:
        """Wait for the end of the test."""
        self._ended.wait(60)

    @property
    def has_ended(self) -> bool:
        """Whether the test is over."""
        return self._ended.is_set()

    def _serve(self) -> None:
        while True:
            try:
                connection, _peer = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        try:
            with self._tls.wrap_socket(connection, server_side=True) if self._tls else connection as talk:
                head = b""
                while b"\r\n\r\n" not in head:
                    if not (piece := talk.recv(4096)):
                        return
                    head += piece
                method, path, _version = head.split(b"\r\n")[0].decode().split(" ")
                self.asked.append(f"{method} {path}")
                self.heads.append(head.decode())
                found = self.answers.get(f"{method} {path}", self.answers.get(path, answer("404 Not Found")))
                if isinstance(found, bytes):
                    talk.sendall(found)
                else:
                    found(talk)
        except OSError:
            return  # the other side had enough
