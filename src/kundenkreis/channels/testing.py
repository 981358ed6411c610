"""Fakes that ship: a mail server on loopback, an outbox in memory, crash points that crash.

The mail server speaks real SMTP over real sockets and is told how to fail. It records what it committed, which is the
truth that the sender's records are held against.
"""

import base64
import socket
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Literal

import msgspec

from kundenkreis.channels.core.claims import LAPSES, Claim, Completion, Intent
from kundenkreis.channels.core.fences import FOR_EVER, Fence, stopped_by
from kundenkreis.channels.core.outcomes import MailboxRow
from kundenkreis.kernel.effects import AppendEvent, SendMessage
from kundenkreis.kernel.ids import Micros

Fault = Literal["drop", "hang", "garbage", "drop_after", "drip", "commit_then_drop", "commit_then_hang"]
Verb = Literal["connect", "EHLO", "MAIL", "RCPT", "DATA", "dot", "RSET", "AUTH", "STARTTLS"]


class Committed(msgspec.Struct, frozen=True):
    """One message the server took."""

    envelope_from: str
    envelope_to: str
    data: bytes
    """With dots unstuffed and the last line's CRLF."""
    connection: int


class Answer(msgspec.Struct, frozen=True):
    """What to say instead of yes, once or always."""

    line: str = ""
    """Such as "451 4.7.1 Greylisted"; "" with a fault."""
    fault: Fault | None = None
    times: int = 1
    """How often; -1 for always."""


class SmtpSink:
    """A threaded SMTP server on 127.0.0.1 with an own port; use as a context manager."""

    def __init__(
        self,
        *,
        pipelining: bool = True,
        size_limit: int = 10_000_000,
        auth: str = "",
        keep: bool = True,
        tls: Any = None,
        hang_seconds: float = 5,
    ) -> None:
        """Listen at once.

        Args:
            auth: "user:password" to require.
            keep: False counts instead of keeping, for benchmarks.
            tls: ssl.SSLContext for STARTTLS, None to offer none.
        """
        self.committed: list[Committed] = []
        self.count = 0
        self.connections = 0
        self.verbs: list[str] = []
        self.answers: dict[tuple[Verb, str], Answer] = {}
        self._pipelining, self._size_limit, self._auth, self._keep, self._tls = pipelining, size_limit, auth, keep, tls
        self._hang_seconds = hang_seconds
        self._guard = threading.Lock()
        self._stopped = threading.Event()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    def __enter__(self) -> "SmtpSink":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def answer(self, verb: Verb, line: str = "", *, fault: Fault | None = None, times: int = 1, to: str = "") -> None:
        """From now on answer `verb` so, for the next `times` messages, or only those to the address `to`."""
        with self._guard:
            self.answers[(verb, to)] = Answer(line, fault, times)

    def close(self) -> None:
        """Stop listening and drop every connection."""
        self._stopped.set()
        with suppress(OSError):  # some systems refuse to shut a listening socket down; closing is enough there
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._guard:
            for connection in self._open:
                connection.close()
        self._acceptor.join(5)
        for thread in self._threads:
            thread.join(5)

    def drop_connections(self) -> None:
        """Hang up on everybody, as a server does with idle clients."""
        with self._guard:
            for connection in self._open:
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while not self._stopped.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._guard:
                self.connections += 1
                number = self.connections
                self._open.add(connection)
            thread = threading.Thread(target=self._serve, args=(connection, number), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        conversation = _Conversation(self, connection, number)
        try:
            conversation.run()
        except (OSError, _HangUp):
            pass  # the client went away, or the test told us to
        finally:
            with self._guard:
                self._open.discard(connection)
            conversation.close()

    def take(self, verb: Verb, to: str) -> Answer | None:
        """The answer prepared for this verb and recipient, used up once."""
        with self._guard:
            for key in ((verb, to), (verb, "")):
                answer = self.answers.get(key)
                if answer is not None and (to or not key[1]):
                    if answer.times > 0:
                        left = msgspec.structs.replace(answer, times=answer.times - 1)
                        self.answers[key] = left
                        if left.times == 0:
                            del self.answers[key]
                    return answer
        return None

    def hang(self) -> None:
        """Say nothing for a while."""
        self._stopped.wait(self._hang_seconds)

    def commit(self, message: Committed) -> None:
        """Take a message over for good."""
        with self._guard:
            self.count += 1
            if self._keep:
                self.committed.append(message)

    def noted(self, line: str) -> None:
        """Remember a command, for tests about the order of verbs."""
        if self._keep:
            self.verbs.append(line)

    @property
    def offers(self) -> list[str]:
        """EHLO keywords."""
        words = [f"SIZE {self._size_limit}", "8BITMIME", "ENHANCEDSTATUSCODES"]
        if self._pipelining:
            words.append("PIPELINING")
        if self._auth:
            words.append("AUTH PLAIN LOGIN")
        if self._tls is not None:
            words.append("STARTTLS")
        return words

    @property
    def tls(self) -> Any:
        """Context for STARTTLS."""
        return self._tls

    @property
    def auth(self) -> str:
        """ "user:password" or ""."""
        return self._auth


class _HangUp(Exception):
    """The conversation ends here."""


class _Conversation:
    def __init__(self, sink: SmtpSink, connection: socket.socket, number: int) -> None:
        self._sink, self._socket, self._number = sink, connection, number
        self._file = connection.makefile("rb")
        self._from = self._to = ""
        self._taken = False

    def close(self) -> None:
        self._file.close()
        self._socket.close()

    def run(self) -> None:
        self._say("connect", "220 sink.example ESMTP")
        while True:
            line = self._file.readline(2000)
            if not line:
                return
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            self._sink.noted(text)
            self._command(text.split(" ", maxsplit=1)[0].split(":")[0].upper(), text)

    def _command(self, verb: str, text: str) -> None:
        if verb in ("EHLO", "HELO"):
            words = self._sink.offers if verb == "EHLO" else []
            lines = ["sink.example", *words]
            self._say("EHLO", "\r\n".join(f"250{' ' if i == len(lines) - 1 else '-'}{w}" for i, w in enumerate(lines)))
        elif verb == "MAIL":
            self._from = _path(text)
            self._say("MAIL", "250 2.1.0 Ok")
        elif verb == "RCPT":
            self._to = _path(text)
            self._taken = self._say("RCPT", "250 2.1.5 Ok")
        elif verb == "DATA":
            self._data()
        elif verb == "RSET":
            self._say("RSET", "250 2.0.0 Ok")
        elif verb == "STARTTLS":
            self._say("STARTTLS", "220 2.0.0 Go ahead")
            self._socket = self._sink.tls.wrap_socket(self._socket, server_side=True)
            self._file = self._socket.makefile("rb")
        elif verb == "AUTH":
            self._log_in(text)
        elif verb == "QUIT":
            self._socket.sendall(b"221 2.0.0 Bye\r\n")
            raise _HangUp
        else:
            self._socket.sendall(b"500 5.5.2 What\r\n")

    def _data(self) -> None:
        if not self._taken:
            self._socket.sendall(b"503 5.5.1 RCPT first\r\n")
            return
        if not self._say("DATA", "354 Go on"):
            return
        lines = []
        while (line := self._file.readline(1_000_000)) != b".\r\n":
            if not line:
                raise _HangUp
            lines.append(line[1:] if line.startswith(b".") else line)
        message = Committed(self._from, self._to, b"".join(lines), self._number)
        self._taken = False
        answer = self._sink.take("dot", message.envelope_to)
        if answer is None or answer.fault in ("commit_then_drop", "commit_then_hang", "garbage", "drip"):
            self._sink.commit(message)
        self._speak(answer, f"250 2.0.0 Ok: queued as Q{self._sink.count}")

    def _log_in(self, text: str) -> None:
        if text.upper().startswith("AUTH PLAIN "):
            _, user, password = base64.b64decode(text[11:]).decode().split("\x00")
        else:
            said = []
            for prompt in (b"334 VXNlcm5hbWU6\r\n", b"334 UGFzc3dvcmQ6\r\n"):
                self._socket.sendall(prompt)
                said.append(base64.b64decode(self._file.readline()).decode())
            user, password = said
        good = f"{user}:{password}" == self._sink.auth
        self._say("AUTH", "235 2.7.0 Welcome" if good else "535 5.7.8 Authentication failed")

    def _say(self, verb: Verb, yes: str) -> bool:
        """Answer; True if it was the usual answer."""
        answer = self._sink.take(verb, self._to if verb in ("RCPT", "DATA") else "")
        self._speak(answer, yes)
        return answer is None or answer.fault == "drip"

    def _speak(self, answer: Answer | None, yes: str) -> None:
        if answer is None:
            self._socket.sendall(yes.encode() + b"\r\n")
            return
        if answer.fault in ("hang", "commit_then_hang"):
            self._sink.hang()
            raise _HangUp
        if answer.fault in ("drop", "commit_then_drop"):
            raise _HangUp
        if answer.fault == "garbage":
            self._socket.sendall(b"\x00\xffwhat is this\r\n")
        elif answer.fault == "drip":
            for octet in yes.encode() + b"\r\n":
                self._socket.sendall(bytes((octet,)))
                time.sleep(0.002)
        else:
            self._socket.sendall(answer.line.encode() + b"\r\n")
            if answer.fault == "drop_after" or answer.line.startswith("421"):
                raise _HangUp


def _path(text: str) -> str:
    return text[text.index("<") + 1 : text.rindex(">")] if "<" in text and ">" in text else ""


def no_point(name: str) -> None:
    """The crash point of ordinary life."""


class CrashAt:
    """A crash point that raises at the n-th time a name is reached."""

    def __init__(self, name: str, hit: int = 1) -> None:
        """Crash when `name` is reached for the `hit`-th time."""
        self._name, self._left = name, hit
        self.seen: list[str] = []

    def __call__(self, name: str) -> None:
        self.seen.append(name)
        if name == self._name:
            self._left -= 1
            if self._left == 0:
                raise Crash(name)


class Crash(BaseException):
    """The process died here."""


class MemoryOutbox:
    """An outbox in memory; passes the same contract as the one in the database. Losing it is losing a database."""

    def __init__(self) -> None:
        self.rows: dict[bytes, dict[str, Any]] = {}
        self.inbox: dict[bytes, AppendEvent] = {}
        """Events by event id, as the resolver would keep them."""
        self.mailbox: dict[bytes, MailboxRow] = {}
        self.fences: dict[tuple[int, str], int] = {}
        """(customer, scope) -> epoch."""
        self._guard = threading.Lock()

    def put(self, message: SendMessage) -> None:
        """What a fold's commit does: once, unless the gate sent it back and the fold released it anew."""
        with self._guard:
            fresh = {"state": "new", "epoch": 0, "attempts": 0, "uncertain": 0, "by": ""}
            row = self.rows.setdefault(message.effect_id, fresh)
            if row["state"] in ("new", "postponed", "withheld"):
                row |= {"message": message, "state": "queued", "next": message.due_us, "reply": ""}

    def claim_due(self, *, now_us: Micros, limit: int, worker: str, lease_us: Micros) -> list[Claim]:
        with self._guard:
            waiting = [r for r in self.rows.values() if r["state"] in ("queued", "claimed", "intent")]
            due = sorted((row for row in waiting if row["next"] <= now_us), key=lambda row: row["next"])[:limit]
            if due and due[0]["state"] != "queued":
                due = due[:1]  # what lapsed comes alone
            claims = []
            for row in (one for one in due if len(due) == 1 or one["state"] == "queued"):
                fresh = row["state"] == "queued"
                row["epoch"] = (row["epoch"] // LAPSES + 1) * LAPSES if fresh else row["epoch"] + 1
                row["uncertain"] += row["state"] == "intent"
                row["state"] = "intent" if row["state"] == "intent" else "claimed"
                row["next"], row["by"] = now_us + lease_us, worker
                after_intent = row["state"] == "intent"
                claims.append(Claim(row["message"], row["epoch"], row["attempts"], row["uncertain"], after_intent))
        return sorted(claims, key=lambda claim: (claim.message.priority, claim.message.due_us, claim.message.effect_id))

    def mark_intent(self, claim: Claim, *, now_us: Micros, lease_us: Micros) -> Intent:
        with self._guard:
            if stopped_by(self._fences(claim.message.profile_id), claim.message):
                return "fenced"
            row = self.rows[claim.message.effect_id]
            if row["epoch"] != claim.epoch or row["state"] not in ("claimed", "intent"):
                return "lost"
            row["state"], row["next"] = "intent", now_us + lease_us
            return "committed"

    def complete(self, completions: Sequence[Completion]) -> list[bool]:
        with self._guard:
            return [self._complete(completion) for completion in completions]

    def take_back(self, place: str, *, now_us: Micros) -> int:
        with self._guard:
            held = [
                row
                for row in self.rows.values()
                if row["state"] in ("claimed", "intent") and row["by"].startswith(place)
            ]
            for row in held:
                row["next"] = now_us
            return len(held)

    def next_due_us(self) -> Micros | None:
        with self._guard:
            waiting = (row for row in self.rows.values() if row["state"] in ("queued", "claimed", "intent"))
            return min((row["next"] for row in waiting), default=None)

    def write_fence(self, profile_id: int, scope: str, *, at_us: Micros, reason: str, epoch: int = FOR_EVER) -> None:
        with self._guard:
            self.fences[profile_id, scope] = max(epoch, self.fences.get((profile_id, scope), epoch))

    def _fences(self, profile_id: int) -> list[Fence]:
        return [Fence(scope, epoch) for (owner, scope), epoch in self.fences.items() if owner == profile_id]

    def _complete(self, completion: Completion) -> bool:
        if completion.guard is not None and stopped_by(
            self._fences(completion.profile_id), completion.guard.claim.message
        ):
            completion = completion.guard.fenced
        row = self.rows[completion.effect_id]
        if row["epoch"] != completion.epoch or row["state"] not in ("claimed", "intent"):
            return False
        row |= {"state": completion.state, "reply": completion.reply, "attempts": completion.attempts}
        row |= {"next": completion.next_try_us, "uncertain": completion.uncertain}
        for event in completion.events:
            self.inbox.setdefault(event.effect_id, event)
        if completion.row is not None:
            self.mailbox.setdefault(completion.row.message_id, completion.row)
        return True
