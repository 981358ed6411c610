"""Connections that dawdle or never come to the point (attack A44)."""

import base64
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kundenkreis.events.inbox import SqliteInbox
from tests.events.server import SERVER_KEY, running

pytestmark = pytest.mark.e2e

BODY = b'{"event":"Tested","userId":"u"}'
HEAD = (
    b"POST /v1/track HTTP/1.1\r\nHost: x\r\nAuthorization: Basic "
    + base64.b64encode(f"{SERVER_KEY}:".encode())
    + b"\r\nContent-Length: %d\r\n\r\n" % len(BODY)
)


@contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    """A raw connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        yield connection


def answer(connection: socket.socket) -> bytes:
    """The status line of the next answer, b"" if the server closed."""
    received = b""
    while not received.endswith(b"}"):
        chunk = connection.recv(65536)
        if not chunk:
            break
        received += chunk
    return received.split(b"\r\n")[0]


def test_slow_heads_are_closed_while_others_are_served(tmp_path: Path) -> None:
    path = tmp_path / "inbox.db"
    with (
        running("--sqlite", str(path), "--head-seconds", "0.3") as (_, port),
        connected(port) as silent,
        connected(port) as half,
        connected(port) as later,
    ):
        half.sendall(HEAD[:20])
        later.sendall(HEAD + BODY)
        assert answer(later) == b"HTTP/1.1 200 OK"
        later.sendall(HEAD[:20])  # the second request of a connection is guarded like the first
        assert [answer(one) for one in (silent, half, later)] == [b"", b"", b""]
    inbox = SqliteInbox(path)
    assert inbox.backlog() == 1
    inbox.close()


def test_endless_head_is_closed(tmp_path: Path) -> None:
    with running("--sqlite", str(tmp_path / "inbox.db")) as (_, port), connected(port) as endless:
        with pytest.raises(ConnectionError):  # the server closed with bytes unread, so the sender is reset
            endless.sendall(b"POST /v1/track HTTP/1.1\r\n")
            for _ in range(1_000):
                endless.sendall(b"X-Long: " + b"x" * 10_000 + b"\r\n")
        with connected(port) as other:
            other.sendall(HEAD + BODY)
            assert answer(other) == b"HTTP/1.1 200 OK"


def test_a_sender_of_too_much_hears_so(tmp_path: Path) -> None:
    """A connection that closes while the body is still being written would be a broken pipe, and tried again for ever."""
    with running("--sqlite", str(tmp_path / "inbox.db")) as (_, port):
        for size in (300_000, 3_000_000):
            head = HEAD.replace(b"Content-Length: %d" % len(BODY), b"Content-Length: %d" % size)
            with connected(port) as large:
                large.sendall(head + b" " * 100_000)
                large.sendall(b" " * (size - 100_000))
                assert answer(large).startswith(b"HTTP/1.1 413 ")
        chunks = HEAD.replace(b"Content-Length: %d" % len(BODY), b"Transfer-Encoding: chunked")
        with connected(port) as pieces:
            pieces.sendall(chunks + b"".join(b"10000\r\n" + b" " * 65_536 + b"\r\n" for _ in range(20)) + b"0\r\n\r\n")
            assert answer(pieces).startswith(b"HTTP/1.1 413 ")


def test_head_in_pieces_and_pipelined_requests_are_served(tmp_path: Path) -> None:
    path = tmp_path / "inbox.db"
    with running("--sqlite", str(path)) as (_, port), connected(port) as connection:
        for byte in HEAD + BODY:
            connection.sendall(bytes([byte]))
        assert answer(connection) == b"HTTP/1.1 200 OK"
        connection.sendall((HEAD + BODY) * 20)
        received = b""
        while received.count(b'{"success":true}') < 20:
            received += connection.recv(65536)
    inbox = SqliteInbox(path)
    assert inbox.backlog() == 21
    inbox.close()
