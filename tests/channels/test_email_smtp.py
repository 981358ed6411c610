"""Our SMTP session against real servers on loopback: what it says, what it makes of answers, where it can be cut."""

import socket
import time
from collections.abc import Callable, Iterator

import pytest
from aiosmtpd.controller import Controller

from kundenkreis.channels.core.mime import OutgoingMail
from kundenkreis.channels.core.outcomes import Fenced, Outcome, Rejected, Retry, Sent, Uncertain
from kundenkreis.channels.email_smtp import SmtpSession, SmtpSettings, Timeouts, connect_tcp, dot_stuffed, queue_id_of
from kundenkreis.channels.testing import Committed, Crash, CrashAt, SmtpSink, no_point

pytestmark = pytest.mark.e2e

PATIENT = Timeouts(connect=10, greeting=10, command=10, data=10, block=10, dot=10)
IMPATIENT = Timeouts(connect=5, greeting=0.5, command=0.5, data=0.5, block=5, dot=0.5)
"""For servers that are told to hang; long enough for one that is merely slow."""


def mail(number: int = 1, data: bytes = b"Subject: x\r\n\r\nHallo\r\n", to: str = "") -> OutgoingMail:
    return OutgoingMail(bytes([number]) * 16, "post@muster.example", to or f"a{number}@kunde.example", data)


@pytest.fixture(params=[True, False], ids=["pipelining", "one_by_one"])
def sink(request: pytest.FixtureRequest) -> Iterator[SmtpSink]:
    with SmtpSink(pipelining=request.param, hang_seconds=2) as server:
        yield server


def session(
    port: int, *, point: Callable[[str], None] = no_point, timeouts: Timeouts = PATIENT, **settings: object
) -> SmtpSession:
    chosen = SmtpSettings(host="127.0.0.1", port=port, timeouts=timeouts, **settings)  # type: ignore[arg-type]
    return SmtpSession(chosen, point=point, monotonic=time.monotonic)


def yes() -> bool:
    return True


def kind_of(outcome: Outcome) -> str:
    return outcome.answer.kind if isinstance(outcome, Retry | Rejected) else type(outcome).__name__


def test_messages_arrive_as_written_over_one_connection(sink: SmtpSink) -> None:
    client = session(sink.port)
    outcomes = [client.deliver(mail(n), before_dot=yes) for n in (1, 2, 3)]
    client.close()
    assert [isinstance(outcome, Sent) and outcome.queue_id for outcome in outcomes] == ["Q1", "Q2", "Q3"]
    assert sink.committed == [
        Committed("post@muster.example", f"a{n}@kunde.example", b"Subject: x\r\n\r\nHallo\r\n", 1) for n in (1, 2, 3)
    ]


def test_a_second_implementation_takes_the_same() -> None:
    class Handler:
        def __init__(self) -> None:
            self.taken: list[tuple[str, bytes]] = []

        async def handle_DATA(self, server: object, _session: object, envelope: object) -> str:
            self.taken.append((envelope.rcpt_tos[0], envelope.content))  # type: ignore[attr-defined]
            return "250 2.0.0 Ok: queued as abc"

    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    handler = Handler()
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        client = session(port, timeouts=Timeouts(connect=5, greeting=5, command=5, data=5, block=5, dot=5))
        data = b"Subject: x\r\n\r\n.\r\n..\r\n.dot\r\nende\r\n"
        outcomes = [client.deliver(mail(n, data), before_dot=yes) for n in (1, 2)]
        client.close()
    finally:
        controller.stop()
    assert [kind_of(outcome) for outcome in outcomes] == ["Sent", "Sent"]
    assert handler.taken == [("a1@kunde.example", data), ("a2@kunde.example", data)]


@pytest.mark.parametrize(
    ("body", "arrives"),
    [
        (b"a\r\n.\r\nMAIL FROM:<x@y>\r\nRCPT TO:<z@y>\r\n", b"a\r\n.\r\nMAIL FROM:<x@y>\r\nRCPT TO:<z@y>\r\n"),
        (b"a\n.\nMAIL FROM:<x@y>\n", b"a\r\n.\r\nMAIL FROM:<x@y>\r\n"),
        (b"a\r.\rMAIL FROM:<x@y>\r", b"a\r\n.\r\nMAIL FROM:<x@y>\r\n"),
        (b"a\n.\r\nb", b"a\r\n.\r\nb\r\n"),
        (b".", b".\r\n"),
        (b"", b"\r\n"),
    ],
)
def test_no_body_can_end_itself(sink: SmtpSink, body: bytes, arrives: bytes) -> None:
    client = session(sink.port)
    assert kind_of(client.deliver(mail(1, body), before_dot=yes)) == "Sent"
    assert kind_of(client.deliver(mail(2), before_dot=yes)) == "Sent"
    client.close()
    assert [message.data for message in sink.committed] == [arrives, b"Subject: x\r\n\r\nHallo\r\n"]
    assert [line for line in sink.verbs if line.startswith("MAIL FROM:<x")] == []
    assert b"\n" not in dot_stuffed(body).replace(b"\r\n", b"")


@pytest.mark.parametrize(
    "address",
    [
        "a@b> SIZE=1\r\nRCPT TO:<x@y",
        "a b@c.example",
        "a@b.example\r\n",
        "a\x00@b.example",
        "<a@b.example>",
        "ä@b.example",
    ],
)
def test_an_address_that_could_end_its_command_is_never_written(sink: SmtpSink, address: str) -> None:
    outcome = session(sink.port).deliver(mail(to=address), before_dot=yes)
    assert (kind_of(outcome), sink.connections) == ("content_rejected", 0)


@pytest.mark.parametrize(
    ("verb", "line", "kind"),
    [
        ("connect", "421 4.3.2 Not now", "retry"),
        ("connect", "554 5.7.1 blocked using zen.spamhaus.org", "policy_rejected"),
        ("EHLO", "421 4.7.0 Try again", "throttled"),
        ("MAIL", "451 4.3.0 Later", "retry"),
        ("MAIL", "550 5.7.1 Sender not allowed", "configuration"),
        ("RCPT", "450 4.7.1 Greylisted", "retry"),
        ("RCPT", "550 5.1.1 User unknown", "hard_bounce"),
        ("RCPT", "552 5.2.2 Mailbox full", "soft_bounce"),
        ("RCPT", "550 5.7.26 Unauthenticated", "policy_rejected"),
        ("DATA", "451 4.3.0 No space", "retry"),
        ("DATA", "554 5.6.0 No", "content_rejected"),
        ("DATA", "250 What", "retry"),
        ("dot", "451 4.7.1 Later", "retry"),
        ("dot", "421 4.7.28 Too many", "throttled"),
        ("dot", "554 5.7.1 Spam", "policy_rejected"),
        ("dot", "554 5.6.0 Malformed", "content_rejected"),
    ],
)
def test_answers_at_each_verb(sink: SmtpSink, verb: str, line: str, kind: str) -> None:
    sink.answer(verb, line)  # type: ignore[arg-type]
    client = session(sink.port)
    assert kind_of(client.deliver(mail(1), before_dot=yes)) == kind
    assert kind_of(client.deliver(mail(2), before_dot=yes)) == "Sent"
    client.close()
    assert [message.envelope_to for message in sink.committed] == ["a2@kunde.example"]


@pytest.mark.parametrize(
    ("verb", "line", "kind"),
    [
        ("MAIL", "421 4.7.28 Unusual rate", "throttled"),
        ("MAIL", "550 5.7.1 Sender not allowed", "configuration"),
        ("RCPT", "550 5.1.1 User unknown", "hard_bounce"),
        ("RCPT", "450 4.7.1 Greylisted", "retry"),
    ],
)
def test_who_refuses_and_hangs_up_has_refused(sink: SmtpSink, verb: str, line: str, kind: str) -> None:
    sink.answer(verb, line, fault="drop_after")  # type: ignore[arg-type]
    client = session(sink.port)
    outcome = client.deliver(mail(1), before_dot=yes)
    assert isinstance(outcome, Retry | Rejected)
    assert (outcome.answer.kind, outcome.reply.code) == (kind, int(line[:3]))
    assert kind_of(client.deliver(mail(2), before_dot=yes)) == "Sent"
    client.close()


@pytest.mark.parametrize("fault", ["drop", "hang", "garbage"])
@pytest.mark.parametrize("verb", ["connect", "EHLO", "MAIL", "RCPT", "DATA"])
def test_faults_before_the_dot_are_tried_again(sink: SmtpSink, verb: str, fault: str) -> None:
    sink.answer(verb, fault=fault)  # type: ignore[arg-type]
    client = session(sink.port, timeouts=IMPATIENT if fault == "hang" else PATIENT)
    outcome = client.deliver(mail(1), before_dot=yes)
    assert isinstance(outcome, Retry)
    assert (outcome.answer.kind, outcome.answer.costs_attempt, outcome.reply.code) == ("retry", False, 0)
    assert kind_of(client.deliver(mail(2), before_dot=yes)) == "Sent"
    client.close()
    assert [message.envelope_to for message in sink.committed] == ["a2@kunde.example"]


@pytest.mark.parametrize(
    ("fault", "committed"), [("drop", 0), ("hang", 0), ("commit_then_drop", 1), ("commit_then_hang", 1), ("garbage", 1)]
)
def test_silence_after_the_dot_is_uncertain(sink: SmtpSink, fault: str, committed: int) -> None:
    sink.answer("dot", fault=fault)  # type: ignore[arg-type]
    client = session(sink.port, timeouts=IMPATIENT if "hang" in fault else PATIENT)
    outcome = client.deliver(mail(1), before_dot=yes)
    client.close()
    assert isinstance(outcome, Uncertain)
    assert (outcome.reply.stage, outcome.reply.code, sink.count) == ("dot", 0, committed)


def test_a_dripping_server_is_still_understood(sink: SmtpSink) -> None:
    sink.answer("dot", fault="drip")
    client = session(sink.port)
    assert kind_of(client.deliver(mail(1), before_dot=yes)) == "Sent"
    client.close()


def test_the_time_for_a_reply_counts_for_the_whole_of_it(sink: SmtpSink) -> None:
    sink.answer("dot", fault="drip")
    client = session(sink.port, timeouts=Timeouts(connect=1, greeting=1, command=1, data=1, block=1, dot=0.02))
    assert kind_of(client.deliver(mail(1), before_dot=yes)) == "Uncertain"


def test_a_fence_before_the_dot_keeps_the_message_back(sink: SmtpSink) -> None:
    client = session(sink.port)
    assert client.deliver(mail(1), before_dot=lambda: False) == Fenced()
    assert kind_of(client.deliver(mail(2), before_dot=yes)) == "Sent"
    client.close()
    assert [message.envelope_to for message in sink.committed] == ["a2@kunde.example"]


def test_the_intent_comes_after_the_body_and_before_the_dot(sink: SmtpSink) -> None:
    seen: list[str] = []

    def intent() -> bool:
        seen.append("intent")
        return True

    client = session(sink.port, point=seen.append)
    client.deliver(mail(1), before_dot=intent)
    client.close()
    before, after = seen[: seen.index("intent")], seen[seen.index("intent") + 1 :]
    assert before == ["smtp.connect", "smtp.ehlo", "smtp.mail", "smtp.rcpt", "smtp.data", "smtp.body"]
    assert after == ["smtp.dot", "smtp.dot_written", "smtp.reply_read", "smtp.quit"]


@pytest.mark.parametrize(
    "name",
    [
        "smtp.connect",
        "smtp.ehlo",
        "smtp.mail",
        "smtp.rcpt",
        "smtp.data",
        "smtp.body",
        "smtp.dot",
        "smtp.dot_written",
        "smtp.reply_read",
    ],
)
def test_a_crash_before_the_dot_never_leaves_a_message(sink: SmtpSink, name: str) -> None:
    client = session(sink.port, point=CrashAt(name))
    intents: list[int] = []

    def intent() -> bool:
        intents.append(1)
        return True

    with pytest.raises(Crash):
        client.deliver(mail(1), before_dot=intent)
    client.abort()
    deadline = time.monotonic() + 2
    while name == "smtp.dot_written" and sink.count == 0 and time.monotonic() < deadline:
        time.sleep(0.005)
    after_dot = name in ("smtp.dot_written", "smtp.reply_read")
    assert (len(sink.committed), len(intents)) == (int(after_dot), int(after_dot or name == "smtp.dot"))


def test_a_failing_intent_aborts_and_passes_through(sink: SmtpSink) -> None:
    def full_disk() -> bool:
        raise OSError("no space left")

    client = session(sink.port)
    with pytest.raises(OSError, match="no space left"):
        client.deliver(mail(1), before_dot=full_disk)
    assert kind_of(client.deliver(mail(2), before_dot=yes)) == "Sent"
    client.close()
    assert [message.envelope_to for message in sink.committed] == ["a2@kunde.example"]


def test_an_idle_connection_that_the_server_closed_is_reopened(sink: SmtpSink) -> None:
    client = session(sink.port)
    client.deliver(mail(1), before_dot=yes)
    sink.drop_connections()
    time.sleep(0.05)
    assert kind_of(client.deliver(mail(2), before_dot=yes)) == "Sent"
    client.close()
    assert (sink.connections, len(sink.committed)) == (2, 2)


def test_a_connection_carries_so_many_messages(sink: SmtpSink) -> None:
    client = session(sink.port, messages_per_connection=2)
    for number in range(1, 6):
        client.deliver(mail(number), before_dot=yes)
    client.close()
    assert [message.connection for message in sink.committed] == [1, 1, 2, 2, 3]


def test_one_bad_recipient_leaves_the_others_alone(sink: SmtpSink) -> None:
    sink.answer("RCPT", "554 5.1.1 No", to="a2@kunde.example", times=-1)
    client = session(sink.port)
    kinds = [kind_of(client.deliver(mail(n), before_dot=yes)) for n in (1, 2, 3, 2, 4)]
    client.close()
    assert kinds == ["Sent", "hard_bounce", "Sent", "hard_bounce", "Sent"]
    assert sink.connections == 1


def test_a_message_larger_than_announced_is_not_sent() -> None:
    with SmtpSink(size_limit=1000) as sink:
        client = session(sink.port)
        outcome = client.deliver(mail(1, b"x" * 2000), before_dot=yes)
        client.close()
        assert (kind_of(outcome), sink.committed) == ("content_rejected", [])


def test_nobody_listening_is_tried_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    outcome = session(port).deliver(mail(1), before_dot=yes)
    assert isinstance(outcome, Retry)
    assert (outcome.reply.stage, outcome.answer.pause) == ("connect", "host")


@pytest.mark.parametrize("password", ["geheim", "falsch"])
def test_logging_in(password: str) -> None:
    with SmtpSink(auth="konto:geheim") as sink:
        client = session(sink.port, security="none", username="konto", password=password)
        outcome = client.deliver(mail(1), before_dot=yes)
        client.close()
    assert kind_of(outcome) == ("Sent" if password == "geheim" else "configuration")
    assert "falsch" not in repr(outcome)


def test_a_password_only_travels_encrypted() -> None:
    with SmtpSink(auth="konto:geheim") as sink:
        outcome = session(sink.port, username="konto", password="geheim").deliver(mail(1), before_dot=yes)
        assert (kind_of(outcome), [line for line in sink.verbs if line.startswith("AUTH")]) == ("configuration", [])


def test_encryption_that_is_required_and_not_offered() -> None:
    with SmtpSink() as sink:
        outcome = session(sink.port, security="starttls_required").deliver(mail(1), before_dot=yes)
        assert (kind_of(outcome), sink.committed) == ("configuration", [])


def test_the_connect_factory_is_injected(sink: SmtpSink) -> None:
    asked: list[tuple[str, int, float]] = []

    def connect(host: str, port: int, timeout_seconds: float) -> socket.socket:
        asked.append((host, port, timeout_seconds))
        return connect_tcp("127.0.0.1", sink.port, timeout_seconds)

    settings = SmtpSettings(host="mx.muster.example", port=2525, timeouts=PATIENT)
    client = SmtpSession(settings, connect=connect, point=no_point, monotonic=time.monotonic)
    assert kind_of(client.deliver(mail(1), before_dot=yes)) == "Sent"
    client.close()
    assert asked == [("mx.muster.example", 2525, 10)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ok: queued as 4Zx1", "4Zx1"),
        ("OK id=1abc-0002-XY", "1abc-0002-XY"),
        ("2.0.0 <abc@x> Queued mail", ""),
        ("ok", ""),
        ("Message queued as <q-1>", "q-1"),
    ],
)
def test_queue_ids(text: str, expected: str) -> None:
    assert queue_id_of(text) == expected
