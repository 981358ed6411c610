"""A stand-in for a pooler between us and PostgreSQL: it tells a number of its own for each connection and, where asked, swallows notifications.

Messages of the protocol are one letter, four bytes of length (which counts itself) and the body; the first of a client has no letter.
Source: PostgreSQL 15, chapter 55.7.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from urllib.parse import parse_qs, urlsplit

_HEAD = 5


@contextmanager
def pooler_before(url: str, *, swallows: bool) -> Iterator[str]:
    """URL of the same database by way of the stand-in.

    Args:
        url: of a server on a Unix socket.
        swallows: as one does that lends a connection for one transaction only.
    """
    parts = urlsplit(url)
    path = f"{parse_qs(parts.query)['host'][0]}/.s.PGSQL.5432"
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_accept, args=(listening, path, swallows), daemon=True).start()
        address = f"127.0.0.1:{listening.getsockname()[1]}"
        yield f"postgresql://{parts.username}@{address}{parts.path}?sslmode=disable&gssencmode=disable"
        listening.shutdown(socket.SHUT_RDWR)


def _accept(listening: socket.socket, path: str, swallows: bool) -> None:
    with suppress(OSError):
        while True:
            client, _ = listening.accept()
            server = socket.socket(socket.AF_UNIX)
            server.connect(path)
            for each in (_pass_questions, _pass_answers):
                threading.Thread(target=each, args=(client, server, swallows), daemon=True).start()


def _pass_questions(client: socket.socket, server: socket.socket, _swallows: bool) -> None:
    with suppress(OSError), closing(server):
        while data := client.recv(65_536):
            server.sendall(data)
        server.shutdown(socket.SHUT_RDWR)


def _pass_answers(client: socket.socket, server: socket.socket, swallows: bool) -> None:
    with suppress(OSError), closing(client), server.makefile("rb") as answers:
        while len(head := answers.read(_HEAD)) == _HEAD:
            body = answers.read(int.from_bytes(head[1:]) - 4)
            if head[:1] == b"K":  # number of the process and key
                body = (1).to_bytes(4) + body[4:]
            if head[:1] != b"A" or not swallows:
                client.sendall(head + body)
