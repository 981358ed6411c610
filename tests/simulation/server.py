"""A mail server in memory, on a wire without sockets: it knows what it committed, and fails where it is told to."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from kundenkreis.channels.core.channel import Prepared
from kundenkreis.channels.core.outcomes import Outcome
from kundenkreis.channels.email_smtp import SmtpChannel, SmtpHandover


class Commit(NamedTuple):
    """One message that the server took."""

    effect_id: bytes
    number: int
    """Place in the order of everything that happened."""
    wall_us: int


class Surroundings(Protocol):
    """What the server needs of the simulation."""

    def trouble(self, verb: str) -> str:
        """The fault at this verb: "", drop, hang, or a line to say; at the dot also commit_drop and commit_hang."""

    def interfere(self, verb: str) -> None:
        """Whatever else happens just now."""

    def passes(self, seconds: float) -> None:
        """Time goes by."""

    def happened(self) -> int:
        """The next number in the order of everything."""

    def now_us(self) -> int: ...


class Server:
    """Takes mail."""

    def __init__(self, world: Surroundings) -> None:
        self.world = world
        self.commits: list[Commit] = []
        self.current = b""
        """The effect that is being delivered: the one connection in use is known, because there is one thread."""

    def connect(self, host: str, port: int, timeout_seconds: float) -> "Wire":
        trouble = self.world.trouble("connect")
        if trouble:
            raise OSError(f"connection refused: {trouble}")
        return Wire(self)

    def commit(self, effect_id: bytes) -> None:
        self.commits.append(Commit(effect_id, self.world.happened(), self.world.now_us()))


class Wire:
    """The client's end of a connection, as much of a socket as the session uses."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._world = server.world
        self._in, self._out = b"", b"220 sim ESMTP\r\n"
        self._is_dead = self._hangs = self._takes_data = False
        self._timeout = 1.0

    def settimeout(self, seconds: float) -> None:
        self._timeout = seconds

    def sendall(self, data: bytes) -> None:
        if self._is_dead:
            raise OSError("broken pipe")
        self._in += data
        while not self._is_dead and not self._hangs:
            end = b"\r\n.\r\n" if self._takes_data else b"\r\n"
            if self._takes_data and self._in == b".\r\n":
                taken, self._in = b"", b""
            elif end in self._in:
                taken, _, self._in = self._in.partition(end)
            else:
                return
            self._command(taken)

    def recv(self, size: int) -> bytes:
        if self._out:
            out, self._out = self._out[:size], self._out[size:]
            return out
        if self._hangs:
            self._world.passes(self._timeout)
            raise TimeoutError("timed out")
        return b""

    def close(self) -> None:
        self._is_dead = True

    def _command(self, line: bytes) -> None:
        verb = "dot" if self._takes_data else line[:4].decode().upper()
        effect_id = self._server.current
        self._world.interfere(verb)
        trouble = self._world.trouble(verb)
        if self._takes_data:
            self._takes_data = False
            if trouble in ("", "commit_drop", "commit_hang"):
                self._server.commit(effect_id)
        if trouble in ("drop", "commit_drop"):
            self._is_dead = True
        elif trouble in ("hang", "commit_hang"):
            self._hangs = True
        elif trouble:
            self._say(trouble)
            self._is_dead = trouble.startswith("421")
        else:
            self._agree(verb)

    def _agree(self, verb: str) -> None:
        if verb == "EHLO":
            self._say("250-sim\r\n250 SIZE 1000000")
        elif verb == "DATA":
            self._takes_data = True
            self._say("354 Go on")
        else:
            self._say("250 2.0.0 Ok")

    def _say(self, line: str) -> None:
        self._out += line.encode() + b"\r\n"


class WatchedChannel(SmtpChannel):
    """The real channel; tells the server which effect is on the wire."""

    server: Server

    def open(self) -> SmtpHandover:
        session, server = super().open(), self.server

        class Watched:
            def deliver(self, prepared: Prepared, *, before_handover: Callable[[], bool]) -> Outcome:
                before, server.current = server.current, prepared.effect_id
                try:
                    return session.deliver(prepared, before_handover=before_handover)
                finally:
                    server.current = before

            def close(self) -> None:
                session.close()

            def abort(self) -> None:
                session.abort()

        return Watched()  # type: ignore[return-value]  # the same three verbs
