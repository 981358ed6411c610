"""Handing mail to a server: one SMTP session on a socket of its own, with the crash window made explicit.

The standard library's `smtplib.data()` writes body and final dot in one go, so nobody can say what was on the wire
when a process died. Here the body is written, then `before_dot` commits the intent, then the dot, then the reply:
before the intent a message may always be sent again, after the reply never, and in between it is known to be unknown
(trust 1.2).
One recipient per message, so that a mixed answer cannot half-fail; the connection is kept for the next message.

Sources: RFC 5321 (4.5.3.2 time-outs), 2920 (pipelining), 3207 (STARTTLS), 4954 (AUTH), 1870 (SIZE).
"""

import base64
import re
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Literal

import msgspec

from kundenkreis.channels.core.addresses import wire_of
from kundenkreis.channels.core.channel import Handover, NotPrepared, Prepared
from kundenkreis.channels.core.dkim import DkimKey, dkim_signed
from kundenkreis.channels.core.email import prepare_email
from kundenkreis.channels.core.mime import CRLF, OutgoingMail, build
from kundenkreis.channels.core.outcomes import Fenced, Outcome, Rejected, Reply, Retry, Sent, Uncertain
from kundenkreis.channels.core.smtp_replies import ReplyClass, Stage, classify, split_enhanced
from kundenkreis.channels.core.verp import envelope_sender

Connect = Callable[[str, int, float], socket.socket]
"""(host, port, time-out in seconds) -> a connected socket; OSError if there is none."""
Point = Callable[[str], None]
"""Named crash point, called before every write and around the dot."""

REPLY_LINE_LIMIT = 4096
REPLY_LINES_LIMIT = 100

_REPLY = re.compile(rb"([2-5]\d\d)([ -]|$)(.*)", re.DOTALL)
_QUEUED = re.compile(r"queued as <?([^\s>]+)|\bid=<?([^\s>]+)", re.IGNORECASE)
_UNSAFE_ADDRESS = re.compile(r"[^!-;=?-~]")
_BARE = re.compile(rb"\r\n|\r|\n")


class Timeouts(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds to wait for each answer (RFC 5321 4.5.3.2). Shorter ones make duplicates: the dot's most of all."""

    connect: float = 30
    greeting: float = 300
    command: float = 300
    data: float = 120
    block: float = 180
    dot: float = 600


class SmtpSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Which server, and how."""

    host: str
    port: int = 25
    security: Literal["none", "starttls", "starttls_required", "tls"] = "starttls"
    """starttls: used when offered; starttls_required: refused without."""
    username: str = ""
    password: str = ""
    helo_name: str = "localhost"
    messages_per_connection: int = 100
    timeouts: Timeouts = Timeouts()


class _Broken(Exception):
    """Inside this module: the connection is of no more use; carries the reply that says so."""

    def __init__(self, reply: Reply, answer: ReplyClass | None = None) -> None:
        super().__init__(reply.text)
        self.reply = reply
        self.answer = answer or classify(reply.stage, reply.code, reply.enhanced, reply.text)


def connect_tcp(host: str, port: int, timeout_seconds: float) -> socket.socket:
    """The connect factory of ordinary life."""
    connection = socket.create_connection((host, port), timeout_seconds)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


class SmtpSession:
    """One connection at a time to one server, reopened as needed. Belongs to one thread."""

    def __init__(
        self,
        settings: SmtpSettings,
        *,
        connect: Connect = connect_tcp,
        point: Point,
        monotonic: Callable[[], float],
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Take everything that touches the world from outside; opens nothing yet."""
        self._settings = settings
        self._connect = connect
        self._point = point
        self._monotonic = monotonic
        self._tls = tls
        self._socket: socket.socket | None = None
        self._buffer = b""
        self._extensions: dict[str, str] = {}
        self._handed_over = 0

    def deliver(self, message: OutgoingMail, *, before_dot: Callable[[], bool]) -> Outcome:
        """Hand one message over.

        Args:
            message: envelope and bytes.
            before_dot: commits the intent and answers True, or False if the message may not go out any more. Called
                once, after the server has the whole body and before it has the final dot.

        Effects: connection if none is open; MAIL, RCPT, DATA, body; `before_dot`; dot; reply. Whatever `before_dot`
        raises passes through, the connection closed before the dot.
        """
        if unsafe := _unsafe(message):
            return unsafe
        reused = self._socket is not None
        try:
            return self._attempt(message, before_dot)
        except _Broken as broken:
            self.abort()
            if not reused or broken.reply.code not in (0, 421) or broken.reply.stage in ("data", "dot"):
                return _outcome(broken)
        try:
            return self._attempt(
                message, before_dot
            )  # an idle server hung up meanwhile: once more, on a new connection
        except _Broken as broken:
            self.abort()
            return _outcome(broken)

    def close(self) -> None:
        """Say goodbye and hang up."""
        if self._socket is not None:
            with suppress(_Broken):
                self._write("smtp.quit", b"QUIT\r\n", self._settings.timeouts.connect)
            self.abort()

    def abort(self) -> None:
        """Hang up without a word: before the dot this means that nothing was handed over."""
        if self._socket is not None:
            self._socket.close()
        self._socket, self._buffer, self._extensions, self._handed_over = None, b"", {}, 0

    def _attempt(self, message: OutgoingMail, before_dot: Callable[[], bool]) -> Outcome:
        if self._socket is not None and self._handed_over >= self._settings.messages_per_connection:
            self.close()
        if self._socket is None:
            self._open()
        limit = self._extensions.get("SIZE", "")
        if limit.isdigit() and 0 < int(limit) < len(message.data):
            reply = Reply("mail", 552, "5.3.4", f"{len(message.data)} octets; the server takes {limit}")
            return Rejected(ReplyClass("content_rejected", alarm=True, rule="announced_size"), reply)
        refused = self._envelope(message)
        return refused if refused is not None else self._body(message, before_dot)

    def _envelope(self, message: OutgoingMail) -> Outcome | None:
        """MAIL, RCPT and DATA; None once the server says 354. Leaves the session usable or closed."""
        size = f" SIZE={len(message.data)}" if "SIZE" in self._extensions else ""
        mail = f"MAIL FROM:<{message.envelope_from}>{size}\r\n".encode("ascii")
        rcpt = f"RCPT TO:<{message.envelope_to}>\r\n".encode("ascii")
        timeouts = self._settings.timeouts
        if "PIPELINING" in self._extensions:
            self._point("smtp.mail")
            self._point("smtp.rcpt")
            self._write("smtp.data", mail + rcpt + b"DATA\r\n", timeouts.block)
            replies = self._answers()
        else:
            replies = [self._command("smtp.mail", "mail", mail)]
            if _class_of(replies[-1]).kind == "continue":
                replies.append(self._command("smtp.rcpt", "rcpt", rcpt))
            if _class_of(replies[-1]).kind == "continue":
                replies.append(self._command("smtp.data", "data", b"DATA\r\n"))
        refused = next((reply for reply in replies if _class_of(reply).kind != "continue"), None)
        if refused is None:
            return None
        self._after_refusal(replies[-1])
        return _refusal(_class_of(refused), refused)

    def _answers(self) -> list[Reply]:
        """The replies to MAIL, RCPT and DATA sent at once. A server that refuses and hangs up has refused all the same."""
        timeouts = self._settings.timeouts
        awaited: tuple[tuple[Stage, float], ...] = (
            ("mail", timeouts.command),
            ("rcpt", timeouts.command),
            ("data", timeouts.data),
        )
        replies: list[Reply] = []
        try:
            for stage, timeout_seconds in awaited:
                replies.append(self._read(stage, timeout_seconds))
        except _Broken:
            for reply in replies:
                self._expect(reply)
            raise
        return replies

    def _after_refusal(self, last: Reply) -> None:
        """Make the session fit for the next message. A server that waits for a body nobody will send is left."""
        if (last.stage == "data" and last.code == 354) or last.code == 421:
            self.abort()
            return
        try:
            self._write("smtp.rset", b"RSET\r\n", self._settings.timeouts.block)
            if self._read("mail", self._settings.timeouts.command).code != 250:
                self.abort()
        except _Broken:
            self.abort()

    def _body(self, message: OutgoingMail, before_dot: Callable[[], bool]) -> Outcome:
        self._write("smtp.body", dot_stuffed(message.data), self._settings.timeouts.block, stage="data")
        try:
            may = before_dot()
        except BaseException:
            self.abort()
            raise
        if not may:
            self.abort()
            return Fenced()
        self._write("smtp.dot", b".\r\n", self._settings.timeouts.block, stage="dot")
        self._point("smtp.dot_written")
        reply = self._read("dot", self._settings.timeouts.dot)
        self._point("smtp.reply_read")
        answer = _class_of(reply)
        self._handed_over += 1
        if reply.code == 421:
            self.abort()
        if answer.kind == "accepted":
            return Sent(reply, queue_id_of(reply.text))
        return _refusal(answer, reply)

    def _open(self) -> None:
        settings = self._settings
        self._point("smtp.connect")
        try:
            self._socket = self._connect(settings.host, settings.port, settings.timeouts.connect)
            if settings.security == "tls":
                self._wrap()
        except (OSError, ssl.SSLError) as error:
            raise _Broken(Reply("connect", 0, "", f"no connection: {error}"[:500])) from error
        self._expect(self._read("connect", settings.timeouts.greeting))
        self._hello()
        if settings.security in ("starttls", "starttls_required"):
            self._start_tls()
        if settings.username:
            self._log_in()

    def _hello(self) -> None:
        name = self._settings.helo_name
        reply = self._command("smtp.ehlo", "ehlo", f"EHLO {name}\r\n".encode("ascii"))
        if reply.code in (500, 501, 502, 504, 550):
            self._extensions = {}
            self._expect(self._command("smtp.helo", "ehlo", f"HELO {name}\r\n".encode("ascii")))
            return
        self._expect(reply)
        lines = reply.text.split("\n")[1:]
        self._extensions = {word.upper(): rest.strip() for word, _, rest in (line.partition(" ") for line in lines)}

    def _start_tls(self) -> None:
        if "STARTTLS" not in self._extensions:
            if self._settings.security == "starttls_required":
                raise _Broken(Reply("starttls", 502, "", "the server offers no STARTTLS, and the settings require it"))
            return
        self._expect(self._command("smtp.starttls", "starttls", b"STARTTLS\r\n"))
        if self._buffer:
            # Whatever was sent before encryption began could come from anybody (CVE-2011-0411).
            raise _Broken(Reply("starttls", 503, "", "the server spoke before encryption began"))
        try:
            self._wrap()
        except ssl.SSLCertVerificationError as error:
            raise _Broken(Reply("starttls", 554, "", f"certificate not accepted: {error}"[:500])) from error
        except OSError as error:
            raise _Broken(Reply("starttls", 0, "", f"no encryption: {error}"[:500])) from error
        self._hello()

    def _wrap(self) -> None:
        assert self._socket is not None
        self._point("smtp.tls")
        context = self._tls or ssl.create_default_context()
        self._socket.settimeout(self._settings.timeouts.connect)
        self._socket = context.wrap_socket(self._socket, server_hostname=self._settings.host)

    def _log_in(self) -> None:
        offered = self._extensions.get("AUTH", "").upper().split()
        if not isinstance(self._socket, ssl.SSLSocket) and self._settings.security != "none":
            raise _Broken(Reply("auth", 538, "5.7.11", "a password only travels encrypted"))
        user, password = self._settings.username.encode("utf-8"), self._settings.password.encode("utf-8")
        if "PLAIN" in offered:
            secret = base64.b64encode(b"\x00" + user + b"\x00" + password)
            self._expect(self._command("smtp.auth", "auth", b"AUTH PLAIN " + secret + CRLF))
        elif "LOGIN" in offered:
            for line in (b"AUTH LOGIN", base64.b64encode(user), base64.b64encode(password)):
                self._expect(self._command("smtp.auth", "auth", line + CRLF))
        else:
            raise _Broken(Reply("auth", 504, "5.5.4", "the server offers neither AUTH PLAIN nor LOGIN"))

    def _command(self, point: str, stage: Stage, line: bytes) -> Reply:
        self._write(point, line, self._settings.timeouts.block, stage=stage)
        return self._read(stage, self._settings.timeouts.command)

    def _expect(self, reply: Reply) -> None:
        if _class_of(reply).kind != "continue":
            raise _Broken(reply)

    def _write(self, point: str, data: bytes, timeout_seconds: float, *, stage: Stage = "mail") -> None:
        assert self._socket is not None
        self._point(point)
        try:
            self._socket.settimeout(timeout_seconds)
            self._socket.sendall(data)
        except OSError as error:
            raise _Broken(Reply(stage, 0, "", f"connection lost while writing: {error}"[:500])) from error

    def _read(self, stage: Stage, timeout_seconds: float) -> Reply:
        """One whole reply. The time-out counts for the whole of it, so a server that drips octets gains nothing."""
        ends = self._monotonic() + timeout_seconds
        lines: list[str] = []
        code = b""
        while True:
            line = self._read_line(stage, ends)
            match = _REPLY.fullmatch(line)
            if match is None or (code and match.group(1) != code) or len(lines) >= REPLY_LINES_LIMIT:
                raise _Broken(Reply(stage, 0, "", f"no reply but {line[:200]!r}"))
            code = match.group(1)
            lines.append(match.group(3).decode("utf-8", "replace").strip())
            if match.group(2) != b"-":
                enhanced, first = split_enhanced(lines[0])
                rest = [split_enhanced(text)[1] if enhanced else text for text in lines[1:]]
                return Reply(stage, int(code), enhanced, "\n".join([first, *rest])[:2000])

    def _read_line(self, stage: Stage, ends: float) -> bytes:
        assert self._socket is not None
        while b"\n" not in self._buffer:
            left = ends - self._monotonic()
            if left <= 0:
                raise _Broken(Reply(stage, 0, "", "no answer in time"))
            if len(self._buffer) > REPLY_LINE_LIMIT:
                raise _Broken(Reply(stage, 0, "", f"no reply but {self._buffer[:200]!r}"))
            try:
                self._socket.settimeout(left)
                data = self._socket.recv(8192)
            except OSError as error:
                raise _Broken(Reply(stage, 0, "", f"connection lost: {error or type(error).__name__}"[:500])) from error
            if not data:
                raise _Broken(Reply(stage, 0, "", "the server closed the connection"))
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.removesuffix(b"\r")


def dot_stuffed(data: bytes) -> bytes:
    """The body as it goes over the wire without its final dot: CRLF as only line end, leading dots doubled."""
    if not data.count(CRLF) == data.count(b"\n") == data.count(b"\r"):
        data = _BARE.sub(CRLF, data)
    if not data.endswith(CRLF):
        data += CRLF
    stuffed = data.replace(b"\r\n.", b"\r\n..")
    return b"." + stuffed if stuffed.startswith(b".") else stuffed


def queue_id_of(text: str) -> str:
    """The name under which the server keeps the message, "" if it tells none."""
    match = _QUEUED.search(text)
    return next((group for group in match.groups() if group), "")[:200] if match else ""


def _class_of(reply: Reply) -> ReplyClass:
    return classify(reply.stage, reply.code, reply.enhanced, reply.text)


def _refusal(answer: ReplyClass, reply: Reply) -> Outcome:
    if answer.kind == "uncertain":
        return Uncertain(reply)
    if answer.kind in ("hard_bounce", "soft_bounce", "content_rejected"):
        return Rejected(answer, reply)
    return Retry(answer, reply)


def _outcome(broken: _Broken) -> Outcome:
    return _refusal(broken.answer, broken.reply)


def _unsafe(message: OutgoingMail) -> Rejected | None:
    """The last guard in front of the wire: an address that could end its command is never written."""
    for address in (message.envelope_from, message.envelope_to):
        if _UNSAFE_ADDRESS.search(address) or len(address) > 320:
            reply = Reply("mail", 553, "5.1.3", "an address that cannot be written into a command")
            return Rejected(ReplyClass("content_rejected", alarm=True, rule="unsafe_envelope"), reply)
    return None


class SmtpChannel:
    """E-mail to a mail server."""

    id = "email_smtp"
    serves = "email"

    def __init__(
        self,
        settings: SmtpSettings,
        *,
        point: Point,
        monotonic: Callable[[], float],
        connect: Connect = connect_tcp,
        tls: ssl.SSLContext | None = None,
        dkim: DkimKey | None = None,
        bounce_address: str = "",
    ) -> None:
        """Take the server's settings and the world.

        Args:
            bounce_address: where bounces come back, by an envelope sender of its own for each message (verp.py); where empty, all
                have the brand's sender.
        """
        self._settings, self._point, self._monotonic, self._connect, self._tls = (
            settings,
            point,
            monotonic,
            connect,
            tls,
        )
        self._dkim = dkim
        self._bounce_address = wire_of(bounce_address)

    def render(self, handover: Handover) -> Prepared | NotPrepared:
        """The mail as bytes for the wire, signed if there is a key."""
        email = prepare_email(handover)
        if isinstance(email, NotPrepared):
            return email
        data = build(email.mail, to=email.to)
        if self._dkim is not None:
            data = dkim_signed(data, self._dkim, at_us=handover.at_us)
        effect_id, sender = handover.message.effect_id, wire_of(handover.brand.from_address)
        if self._bounce_address:
            sender = envelope_sender(handover.links.message_id_key, effect_id, self._bounce_address)
        outgoing = OutgoingMail(effect_id, sender, email.to.wire, data)
        wire, language = email.to.wire, email.rendered.language
        return Prepared(handover.message.effect_id, wire.rpartition("@")[2], language, outgoing, email.to.original)

    def open(self) -> "SmtpHandover":
        """A session with a connection of its own."""
        session = SmtpSession(
            self._settings, connect=self._connect, point=self._point, monotonic=self._monotonic, tls=self._tls
        )
        return SmtpHandover(session)


class SmtpHandover:
    """One thread's connection."""

    def __init__(self, session: SmtpSession) -> None:
        self._session = session

    def deliver(self, prepared: Prepared, *, before_handover: Callable[[], bool]) -> Outcome:
        """Over the wire; `before_handover` stands between body and dot."""
        message: OutgoingMail = prepared.payload
        return self._session.deliver(message, before_dot=before_handover)

    def close(self) -> None:
        """Hang up politely."""
        self._session.close()

    def abort(self) -> None:
        """Hang up without a word."""
        self._session.abort()


CHANNEL = SmtpChannel
