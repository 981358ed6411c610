"""One question to one website, for a server inside of a company's network: the name is resolved once, every address that it has must be public, and
the connection goes to the very address that was judged (trust A10-A12). Of the answer only the head is read.

Proxies of the environment are not used: what stands behind one is resolved by somebody else, so nobody could judge it.
"""

import re
import socket
import ssl
import time
from functools import cached_property
from typing import Any, Final

from kundenkreis.content.core.links import PORTS, Answer, Asking, Target, is_public

STEP_SECONDS: Final = 4.0
"""For one connection with its answer."""
_MOST_BYTES: Final = 16 * 1024
"""Of an answer's head; more is no head."""
_MOST_ADDRESSES: Final = 3
"""So many addresses of a name are tried: of IPv6, then of IPv4."""
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})(?: |\r|$)")
_LOCATION = re.compile(rb"^location:[ \t]*([^\r\n]*)", re.IGNORECASE | re.MULTILINE)

Place = tuple[int, tuple[Any, ...]]
"""Family and address of a socket: host and port, of IPv6 two numbers more."""


class SocketWeb:
    """Asks websites over sockets (runtime/link_checks.py: Web).

    Args:
        also: (address, port) that may be asked besides the open internet on ports 80 and 443; for tests, whose websites stand on this machine.
        tls: whom to trust; the system's authorities where it is None.
    """

    def __init__(
        self,
        *,
        also: frozenset[tuple[str, int]] = frozenset(),
        tls: ssl.SSLContext | None = None,
        step_seconds: float = STEP_SECONDS,
    ) -> None:
        self._also = also
        self._given_tls = tls
        self._step_seconds = step_seconds

    def ask(self, asking: Asking, *, until: float) -> Answer:
        """See Web."""
        until = min(until, time.monotonic() + self._step_seconds)
        try:
            places = _resolved(asking.target)
        except socket.gaierror as error:
            return Answer(failure="silent" if error.errno == socket.EAI_AGAIN else "unknown_name")
        except UnicodeError:  # a label that is no name
            return Answer(failure="unknown_name")
        if not places or not all(self._is_allowed(*address[:2]) for _family, address in places):
            return Answer(failure="not_allowed")
        answer = Answer(failure="silent")
        for place in places[:_MOST_ADDRESSES]:
            answer = self._asked_at(place, asking, until)
            if answer.failure != "silent":
                break
        return answer

    def _is_allowed(self, address: str, port: int) -> bool:
        return (address, port) in self._also or (port in PORTS.values() and is_public(address))

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return self._given_tls or ssl.create_default_context()

    def _asked_at(self, place: Place, asking: Asking, until: float) -> Answer:
        family, address = place
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            _wait_at_most(connection, until)
            connection.connect(address)
            if asking.target.scheme == "https":
                _wait_at_most(connection, until)
                connection = self._tls.wrap_socket(connection, server_hostname=asking.target.host)
            _wait_at_most(connection, until)
            connection.sendall(_question(asking))
            return _answer(connection, until)
        except ssl.SSLError:
            return Answer(failure="not_secure")
        except OSError:  # refused, reset, no way there, too late
            return Answer(failure="silent")
        finally:
            connection.close()


def _resolved(target: Target) -> list[Place]:
    found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys((int(family), address) for family, _type, _protocol, _name, address in found))


def _wait_at_most(connection: socket.socket, until: float) -> None:
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    connection.settimeout(left)


def _question(asking: Asking) -> bytes:
    target = asking.target
    host = f"[{target.host}]" if ":" in target.host else target.host
    port = "" if target.port == PORTS[target.scheme] else f":{target.port}"
    lines = (
        f"{asking.method} {target.path} HTTP/1.1", f"Host: {host}{port}", "User-Agent: Kundenkreis (check of links)", "Accept: */*",
        "Accept-Encoding: identity", "Connection: close",
    )  # fmt: skip
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode("ascii")


def _answer(connection: socket.socket, until: float) -> Answer:
    """The head of the answer; what is said on the way to it (1xx) is passed over."""
    received, read_bytes = b"", 0
    while True:
        head, end, rest = received.partition(b"\r\n\r\n")
        if end:
            status = _STATUS.match(head)
            if status is None:
                return Answer(failure="odd")
            if not 100 <= int(status[1]) < 200:
                location = _LOCATION.search(head)
                return Answer(int(status[1]), location[1].decode("utf-8", "replace").strip() if location else "")
            received = rest
            continue
        if read_bytes >= _MOST_BYTES:
            return Answer(failure="odd")
        _wait_at_most(connection, until)
        piece = connection.recv(4096)
        if not piece:
            return Answer(failure="odd" if received else "silent")
        received += piece
        read_bytes += len(piece)
