"""The dispatcher with everything around it: what is sent, what is kept back, what is recorded, what a crash leaves."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
import pytest

from kundenkreis.channels.core.channel import Brand, Channel, Links, Prepared, Recipient
from kundenkreis.channels.core.fences import MARKETING
from kundenkreis.channels.core.outcomes import Outcome
from kundenkreis.channels.core.unsubscribe import decide
from kundenkreis.channels.core.verp import messages_named
from kundenkreis.channels.dispatcher import (
    LEASE,
    Allowed,
    Dispatcher,
    Gate,
    Postponed,
    Report,
    Rests,
    Withheld,
    World,
    seconds_until,
)
from kundenkreis.channels.email_smtp import SmtpChannel, SmtpSettings, Timeouts
from kundenkreis.channels.mailbox import MailboxChannel, unpack_body
from kundenkreis.channels.testing import Crash, CrashAt, MemoryOutbox, SmtpSink, no_point
from kundenkreis.content.core.templates import CompiledContent
from kundenkreis.kernel.effects import SendMessage
from kundenkreis.kernel.zones import DAY, HOUR, MINUTE, SECOND
from tests.channels.company import CONTENTS, NOW, message_of

pytestmark = pytest.mark.e2e

PATIENT = Timeouts(connect=10, greeting=10, command=10, data=10, block=10, dot=10)


class SetClock:
    """Both clocks, set by hand."""

    def __init__(self) -> None:
        self.at_us = NOW
        self.monotonic = 0

    def now_us(self) -> int:
        return self.at_us

    def monotonic_us(self) -> int:
        return self.monotonic

    def pass_(self, us: int) -> None:
        self.at_us += us
        self.monotonic += us


class Office:
    """An outbox, a channel, and the people in it."""

    def __init__(self, brand: Brand, links: Links, channel: Channel) -> None:
        self.outbox = MemoryOutbox()
        self.clock = SetClock()
        self.brand, self.links, self.channel = brand, links, channel
        self.alarms: list[str] = []
        self.gate: Gate = lambda message, at_us: Allowed()
        self.rests = Rests()
        self.point: Callable[[str], None] = no_point
        self.known: dict[int, Recipient] = {}

    def people(self, messages: Sequence[SendMessage]) -> Mapping[tuple[int, str], Recipient]:
        return {
            (m.profile_id, m.channel): self.known.get(
                m.profile_id,
                Recipient(
                    profile_id=m.profile_id,
                    address=f"a{m.profile_id}@kunde{m.profile_id % 2}.example",
                    name="Anna Beispiel",
                    language="de",
                    attributes={"first_name": "Anna"},
                ),
            )
            for m in messages
            if m.profile_id < 1000
        }

    def judged(self, message: SendMessage, at_us: int) -> Allowed | Withheld | Postponed:
        return self.gate(message, at_us)

    def reached(self, name: str) -> None:
        self.point(name)

    def dispatcher(self, worker: str = "w") -> Dispatcher:
        contents: dict[str, CompiledContent] = CONTENTS
        world = World(
            store=self.outbox,
            gate=self.judged,
            people=self.people,
            contents=contents.get,
            channels={"email": self.channel},
            brand=lambda: self.brand,
            links=self.links,
            clock=self.clock,
            point=self.reached,
            rests=self.rests,
            alarm=lambda slug, detail: self.alarms.append(slug),
        )
        return Dispatcher(world, worker)

    def run(self, *messages: SendMessage) -> Report:
        for message in messages:
            self.outbox.put(message)
        worker = self.dispatcher()
        report = worker.run_once()
        worker.close()
        return report

    def states(self) -> list[str]:
        return [row["state"] for row in self.outbox.rows.values()]

    def events(self) -> list[tuple[str, str]]:
        return [(event.name, event.body["properties"].get("reason", "")) for event in self.outbox.inbox.values()]


@pytest.fixture
def mailbox(brand: Brand, links: Links) -> Office:
    return Office(brand, links, MailboxChannel())


@pytest.fixture
def sink() -> Iterator[SmtpSink]:
    with SmtpSink(hang_seconds=1) as server:
        yield server


@pytest.fixture
def smtp(brand: Brand, links: Links, sink: SmtpSink) -> Office:
    office = Office(brand, links, MailboxChannel())
    settings = SmtpSettings(host="127.0.0.1", port=sink.port, timeouts=PATIENT)
    office.channel = SmtpChannel(settings, point=office.reached, monotonic=time.monotonic)
    return office


def test_every_mail_has_an_envelope_sender_that_names_it(smtp: Office, sink: SmtpSink, links: Links) -> None:
    smtp.run(message_of(1))
    assert settled(sink, 1) == 1
    settings = SmtpSettings(host="127.0.0.1", port=sink.port, timeouts=PATIENT)
    smtp.channel = SmtpChannel(
        settings, point=smtp.reached, monotonic=time.monotonic, bounce_address="bounces@mail.muster.example"
    )
    smtp.run(message_of(2), message_of(3))
    assert settled(sink, 3) == 3
    first, *others = (committed.envelope_from for committed in sink.committed)
    assert first == "post@muster.example"
    named = [messages_named(links.message_id_key, sender.encode()) for sender in others]
    assert named == [[message_of(2).effect_id], [message_of(3).effect_id]]
    assert {sender.partition("+")[0] + sender[-20:] for sender in others} == {"bounces@mail.muster.example"}


def test_the_mailbox_gets_the_message_and_the_log_its_event(mailbox: Office) -> None:
    assert mailbox.run(message_of(1), message_of(2)) == Report(claimed=2, accepted=2)
    row = mailbox.outbox.mailbox[message_of(1).effect_id]
    text, html = unpack_body(row.body)
    assert (row.subject, row.to_address, row.language, row.handed_over_us) == (
        "Neues von Tee",
        "a1@kunde1.example",
        "de",
        NOW,
    )
    assert text.splitlines()[0] == "Guten Tag Anna,"
    assert html.startswith("<p>Guten Tag Anna,</p>")
    assert row.content_version == CONTENTS["news"].version
    headers = msgspec.json.decode(row.headers)
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert headers["List-Unsubscribe"].strip("<>") in text
    event = next(iter(mailbox.outbox.inbox.values()))
    assert (event.name, event.origin, event.type, event.profile_id, event.cause) == (
        "Message Sent", "feedback", "track", 1, message_of(1).effect_id,
    )  # fmt: skip
    assert event.body["properties"] == {
        "message_id": message_of(1).effect_id.hex(),
        "channel": "email",
        "content_id": "news",
        "message_class": "marketing",
        "purpose": "newsletter",
        "journey_id": "welcome",
        "run_id": (b"r" * 16).hex(),
        "step_id": "greet",
        "due_us": NOW,
        "queue_id": "",
        "transport": "mailbox",
        "content_version": CONTENTS["news"].version,
        "language": "de",
    }


def test_the_link_in_the_message_withdraws_for_its_person_and_purpose(mailbox: Office) -> None:
    mailbox.run(message_of(7))
    text, _ = unpack_body(mailbox.outbox.mailbox[message_of(7).effect_id].body)
    token = text.splitlines()[1].rsplit("/", 1)[1]
    scope = mailbox.links.key.open(token)
    assert scope is not None
    assert (scope.profile_id, scope.purpose, scope.channel, scope.message_id) == (
        7, "newsletter", "email", message_of(7).effect_id,
    )  # fmt: skip
    assert decide("POST", scope, content_type="application/x-www-form-urlencoded", body=b"reach=all") is not None


def test_a_transactional_message_carries_no_way_to_unsubscribe(mailbox: Office) -> None:
    mailbox.run(message_of(1, content_id="receipt", message_class="transactional"))
    headers = msgspec.json.decode(mailbox.outbox.mailbox[message_of(1).effect_id].headers)
    assert [name for name in headers if name.startswith("List-")] == []
    assert headers["Auto-Submitted"] == "auto-generated"


def test_the_gate_is_asked_once_more_with_the_real_time(mailbox: Office) -> None:
    asked: list[int] = []

    def gate(message: SendMessage, at_us: int) -> Allowed | Withheld | Postponed:
        asked.append(at_us)
        if message.profile_id == 1:
            return Withheld([["no_consent", False], ["cap", False, "email_day", 1]])
        return Postponed(NOW + HOUR, [["night_rest", False]]) if message.profile_id == 2 else Allowed()

    mailbox.gate = gate
    mailbox.clock.pass_(5 * MINUTE)
    report = mailbox.run(message_of(1), message_of(2), message_of(3))
    assert report == Report(claimed=3, accepted=1, withheld=1, postponed=1)
    assert asked == [NOW + 5 * MINUTE] * 3
    assert mailbox.states() == ["withheld", "postponed", "accepted"]
    assert mailbox.events() == [
        ("Message Withheld", "no_consent,cap"),
        ("Message Postponed", "night_rest"),
        ("Message Sent", ""),
    ]
    until = [event.body["properties"].get("until_us") for event in mailbox.outbox.inbox.values()]
    assert until == [None, NOW + HOUR, None]
    reasons = [event.body["properties"].get("reasons") for event in mailbox.outbox.inbox.values()]
    assert reasons == [[["no_consent", False], ["cap", False, "email_day", 1]], [["night_rest", False]], None]


def test_what_was_postponed_and_released_anew_is_reported_anew(mailbox: Office) -> None:
    mailbox.gate = lambda message, at_us: Postponed(at_us + HOUR, [["night_rest", False]])
    for _ in range(3):
        mailbox.run(message_of(1, due_us=mailbox.clock.at_us))
        mailbox.clock.pass_(HOUR)
    untils = [event.body["properties"]["until_us"] for event in mailbox.outbox.inbox.values()]
    assert untils == [NOW + HOUR, NOW + 2 * HOUR, NOW + 3 * HOUR]


@pytest.mark.parametrize(
    ("changes", "state", "reason"),
    [
        ({"content_id": "gone"}, "failed", "content_missing"),
        ({"channel": "sms"}, "failed", "channel_missing"),
        ({"profile_id": 1001}, "failed", "recipient_missing"),
        ({"content_id": "receipt"}, "failed", "message_class_changed"),
        ({"content_id": "bomb", "message_class": "transactional"}, "failed", "render_limit"),
        ({"content_id": "choosy", "variables": {"product": "Kaffee"}}, "withheld", "render_aborted"),
        ({"valid_until_us": NOW - 1}, "withheld", "expired"),
        ({"profile_id": 50}, "withheld", "no_address"),
        ({"profile_id": 51}, "failed", "undeliverable_utf8"),
        ({"profile_id": 52}, "failed", "undeliverable_literal"),
        ({"variables": {"product": {"a": [1, 2, {3: 4}]}}}, "failed", "render_data"),
    ],
)
def test_one_message_that_cannot_go_leaves_the_others_alone(
    mailbox: Office, changes: dict[str, Any], state: str, reason: str
) -> None:
    for number, address in ((50, ""), (51, "ännä@b.example"), (52, "a@[127.0.0.1]")):
        mailbox.known[number] = Recipient(profile_id=number, address=address)
    mailbox.run(message_of(1), message_of(2, **changes), message_of(3))
    assert mailbox.states() == ["accepted", state, "accepted"]
    assert [found for _, found in mailbox.events() if found] == [reason]


def test_a_hostile_name_reaches_the_mailbox_harmless(mailbox: Office) -> None:
    hostile = "{{7*7}}\r\nBcc: x@y\u2028<script>"
    mailbox.known[1] = Recipient(
        profile_id=1, address="a@b.example", name=hostile, language="de", attributes={"first_name": hostile}
    )
    mailbox.run(message_of(1, variables={"product": hostile}))
    row = mailbox.outbox.mailbox[message_of(1).effect_id]
    assert row.subject == "Neues von {{7*7}} Bcc: x@y <script>"
    assert "Bcc" not in msgspec.json.decode(row.headers)
    assert "&lt;script&gt;" in unpack_body(row.body)[1]


def test_a_fence_stops_a_mailbox_hand_over(mailbox: Office) -> None:
    mailbox.outbox.write_fence(1, MARKETING, at_us=NOW, reason="x")
    mailbox.run(message_of(1), message_of(2))
    assert mailbox.states() == ["withheld", "accepted"]
    assert list(mailbox.outbox.mailbox) == [message_of(2).effect_id]


def test_messages_go_over_the_wire(smtp: Office, sink: SmtpSink) -> None:
    assert smtp.run(*(message_of(n) for n in (1, 2, 3))) == Report(claimed=3, accepted=3)
    assert [message.envelope_to for message in sink.committed] == [
        "a1@kunde1.example", "a2@kunde0.example", "a3@kunde1.example",
    ]  # fmt: skip
    assert sink.connections == 1
    queue_ids = [event.body["properties"]["queue_id"] for event in smtp.outbox.inbox.values()]
    assert queue_ids == ["Q1", "Q2", "Q3"]


def test_an_unknown_recipient_is_to_be_suppressed(smtp: Office, sink: SmtpSink) -> None:
    sink.answer("RCPT", "550 5.1.1 User unknown", to="a2@kunde0.example")
    smtp.run(*(message_of(n) for n in (1, 2, 3)))
    assert smtp.states() == ["accepted", "failed", "accepted"]
    event = smtp.outbox.inbox[next(e for e, v in smtp.outbox.inbox.items() if v.name == "Message Failed")]
    said = event.body["properties"]
    assert (said["reason"], said["suppress"], said["address"]) == ("hard_bounce", True, "a2@kunde0.example")


def test_greylisting_is_passed_with_the_same_message_id(smtp: Office, sink: SmtpSink) -> None:
    sink.answer("RCPT", "450 4.7.1 Greylisted", times=2)
    report = smtp.run(message_of(1))
    assert (report.queued, smtp.outbox.next_due_us()) == (1, NOW + 5 * MINUTE)
    smtp.clock.pass_(5 * MINUTE)
    smtp.run()
    assert smtp.outbox.next_due_us() == NOW + 20 * MINUTE
    smtp.clock.pass_(15 * MINUTE)
    assert smtp.run() == Report(claimed=1, accepted=1)
    assert sink.count == 1


def test_a_throttled_domain_rests_and_others_go_on(smtp: Office, sink: SmtpSink) -> None:
    sink.answer("RCPT", "451 4.7.28 Slow down", to="a1@kunde1.example")
    report = smtp.run(*(message_of(n) for n in (1, 2, 3, 4)))
    assert (report.queued, report.accepted) == (2, 2)
    assert [message.envelope_to for message in sink.committed] == ["a2@kunde0.example", "a4@kunde0.example"]
    assert [row["attempts"] for row in smtp.outbox.rows.values()] == [0, 0, 0, 0]
    smtp.clock.pass_(10 * MINUTE)
    assert smtp.run().accepted == 2


@pytest.mark.parametrize(
    ("stage", "reply"), [("dot", "554 5.7.1 Spam"), ("RCPT", "550 5.7.1 RESOLVER.RST.AuthRequired")]
)
def test_one_message_that_a_domain_refuses_holds_up_the_others_once(
    smtp: Office, sink: SmtpSink, stage: Any, reply: str
) -> None:
    """The first of a domain is refused for what it is; who asks again after the rest are the others, and it behind them, later each time."""
    sink.answer(stage, reply, to="a1@kunde1.example", times=-1)
    report = smtp.run(*(message_of(n) for n in (1, 2, 3, 5)))
    assert (report.queued, report.accepted) == (3, 1)
    smtp.clock.pass_(10 * MINUTE)
    assert smtp.run() == Report(claimed=2, accepted=2)
    waits = []
    for _ in range(5):
        due_us = smtp.outbox.next_due_us()
        assert due_us is not None
        waits.append((due_us - smtp.clock.at_us) // MINUTE)
        smtp.clock.pass_(due_us - smtp.clock.at_us)
        assert smtp.run() == Report(claimed=1, queued=1)
    assert waits == [5, 25, 40, 70, 130]


def test_a_server_that_refuses_everybody_holds_up_no_message_of_its_own(smtp: Office, sink: SmtpSink) -> None:
    sink.answer("MAIL", "550 5.7.1 blocked using a blocklist")
    report = smtp.run(*(message_of(n) for n in (1, 3)))
    assert (report.queued, [row["attempts"] for row in smtp.outbox.rows.values()]) == (2, [0, 0])
    smtp.clock.pass_(10 * MINUTE)
    assert smtp.run().accepted == 2


def test_a_fault_of_ours_stops_the_sender_and_calls_somebody(smtp: Office, sink: SmtpSink) -> None:
    sink.answer("MAIL", "530 5.7.0 Authentication required", times=-1)
    report = smtp.run(*(message_of(n) for n in (1, 2, 3)))
    assert (report.queued, smtp.alarms) == (3, ["configuration"])
    assert [line for line in sink.verbs if line.startswith("MAIL")] == [
        "MAIL FROM:<post@muster.example> SIZE=1331"
    ] or (len([line for line in sink.verbs if line.startswith("MAIL")]) == 1)
    assert smtp.run() == Report()
    smtp.clock.pass_(15 * MINUTE)
    sink.answers.clear()
    assert smtp.run().accepted == 3


def test_a_server_that_is_away_is_left_alone_longer_each_time(smtp: Office, sink: SmtpSink) -> None:
    sink.answer("connect", fault="drop", times=-1)
    waits = []
    for _ in range(4):
        report = smtp.run(*(message_of(n) for n in (1, 2, 3)))
        assert (report.accepted, report.failed) == (0, 0)
        until = smtp.dispatcher().resting_until()
        waits.append((until - smtp.clock.at_us) // SECOND)
        smtp.clock.pass_(until - smtp.clock.at_us)
    assert waits == [15, 30, 60, 120]
    sink.answers.clear()
    smtp.clock.pass_(DAY // 100)
    assert smtp.run().accepted == 3
    assert {row["attempts"] for row in smtp.outbox.rows.values()} == {0}


def test_a_withdrawal_between_claim_and_dot_keeps_the_message_back(smtp: Office, sink: SmtpSink) -> None:
    def withdraw(name: str) -> None:
        if name == "smtp.body":
            smtp.outbox.write_fence(1, MARKETING, at_us=NOW, reason="unsubscribe")

    smtp.point = withdraw
    smtp.run(message_of(1), message_of(2))
    assert smtp.states() == ["withheld", "accepted"]
    assert [message.envelope_to for message in sink.committed] == ["a2@kunde0.example"]


def test_a_worker_that_slept_too_long_fences_itself(smtp: Office, sink: SmtpSink) -> None:
    def sleep(name: str) -> None:
        if name == "smtp.body":
            smtp.clock.monotonic += LEASE

    smtp.point = sleep
    assert smtp.run(message_of(1)) == Report(claimed=1, lost=1)
    assert sink.committed == []
    smtp.point = no_point
    smtp.clock.at_us += LEASE
    assert smtp.run() == Report(claimed=1, accepted=1)


@pytest.mark.parametrize("message_class", ["marketing", "transactional"])
def test_no_answer_after_the_dot(smtp: Office, sink: SmtpSink, message_class: str) -> None:
    content = "news" if message_class == "marketing" else "receipt"
    message = message_of(1, content_id=content, message_class=message_class)
    sink.answer("dot", fault="commit_then_drop", times=-1)
    smtp.run(message)
    if message_class == "transactional":
        assert smtp.states() == ["queued"]
        smtp.clock.pass_(5 * MINUTE)
        smtp.run()
    ids = {line for taken in sink.committed for line in taken.data.split(b"\r\n") if line.startswith(b"Message-ID")}
    assert (smtp.states(), len(ids)) == (["held"], 1)
    assert len(sink.committed) == (2 if message_class == "transactional" else 1)
    assert smtp.alarms == ["uncertain"] * len(sink.committed)
    assert smtp.events() == [("Message Uncertain", "no_answer_after_dot")]


_SESSION = ["connect", "ehlo", "mail", "rcpt", "data", "body"]
POINTS_BEFORE_INTENT = ["dispatcher.render", *(f"smtp.{verb}" for verb in _SESSION), "dispatcher.intent"]
POINTS_AFTER_INTENT = [
    "dispatcher.intent_committed", "smtp.dot", "smtp.dot_written", "smtp.reply_read", "dispatcher.record",
]  # fmt: skip


def settled(sink: SmtpSink, wanted: int) -> int:
    """What the server took, once its thread has had the time to take it: the dot may still be on its way when the sender dies."""
    deadline = time.monotonic() + 5
    while sink.count < wanted and time.monotonic() < deadline:
        time.sleep(0.005)
    return sink.count


def crash_and_restart(smtp: Office, sink: SmtpSink, point: str, message: SendMessage) -> None:
    smtp.point = CrashAt(point)
    smtp.outbox.put(message)
    worker = smtp.dispatcher()
    with pytest.raises(Crash):
        worker.run_once()
    worker.abort()
    assert smtp.run() == Report()
    smtp.point = no_point
    smtp.clock.pass_(LEASE)
    for _ in range(3):
        smtp.run()
        smtp.clock.pass_(LEASE)


@pytest.mark.parametrize("message_class", ["marketing", "transactional"])
@pytest.mark.parametrize("point", POINTS_BEFORE_INTENT)
def test_a_crash_before_the_intent_is_a_message_sent_once(
    smtp: Office, sink: SmtpSink, point: str, message_class: str
) -> None:
    content = "news" if message_class == "marketing" else "receipt"
    crash_and_restart(smtp, sink, point, message_of(1, content_id=content, message_class=message_class))
    assert (sink.count, smtp.states()) == (1, ["accepted"])
    assert smtp.outbox.rows[message_of(1).effect_id]["uncertain"] == 0


@pytest.mark.parametrize("point", POINTS_AFTER_INTENT)
def test_a_crash_after_the_intent_holds_marketing_and_flags_it(smtp: Office, sink: SmtpSink, point: str) -> None:
    crash_and_restart(smtp, sink, point, message_of(1))
    taken = point in ("smtp.dot_written", "smtp.reply_read", "dispatcher.record")
    assert (settled(sink, int(taken)), smtp.states()) == (int(taken), ["held"])
    assert smtp.outbox.rows[message_of(1).effect_id]["uncertain"] == 1
    assert smtp.events() == [("Message Uncertain", "no_answer_after_dot")]


@pytest.mark.parametrize("point", POINTS_AFTER_INTENT)
def test_a_crash_after_the_intent_sends_transactional_once_more_and_flags_it(
    smtp: Office, sink: SmtpSink, point: str
) -> None:
    crash_and_restart(smtp, sink, point, message_of(1, content_id="receipt", message_class="transactional"))
    taken = point in ("smtp.dot_written", "smtp.reply_read", "dispatcher.record")
    assert (settled(sink, 1 + int(taken)), smtp.states()) == (1 + int(taken), ["accepted"])
    assert len({line for t in sink.committed for line in t.data.split(b"\r\n") if line.startswith(b"Message-ID")}) == 1
    assert smtp.outbox.rows[message_of(1).effect_id]["uncertain"] == 1
    (event,) = smtp.outbox.inbox.values()
    assert (event.name, event.body["properties"]["uncertain"]) == ("Message Sent", True)


def test_a_crash_after_the_record_sends_nothing_again(smtp: Office, sink: SmtpSink) -> None:
    crash_and_restart(smtp, sink, "dispatcher.recorded", message_of(1))
    assert (sink.count, smtp.states(), len(smtp.outbox.inbox)) == (1, ["accepted"], 1)


def test_a_message_nobody_can_handle_is_put_aside_and_stops_nobody(mailbox: Office) -> None:
    def gate(message: SendMessage, at_us: int) -> Allowed:
        if message.profile_id == 2:
            raise ZeroDivisionError
        return Allowed()

    mailbox.gate = gate
    report = mailbox.run(message_of(1), message_of(2, valid_until_us=NOW + 9 * DAY), message_of(3))
    assert report == Report(claimed=3, accepted=2, lapsing=1)
    for _ in range(3):
        mailbox.clock.pass_(LEASE)
        mailbox.run()
    assert mailbox.states() == ["accepted", "held", "accepted"]
    assert mailbox.events()[-1] == ("Message Held", "poison")
    assert mailbox.alarms == ["gate_raised"] * 3


def test_of_a_batch_only_the_message_that_kills_the_process_is_put_aside(mailbox: Office) -> None:
    def gate(message: SendMessage, at_us: int) -> Allowed:
        if message.profile_id == 2:
            raise Crash
        return Allowed()

    mailbox.gate = gate
    for number in range(1, 6):
        mailbox.outbox.put(message_of(number, valid_until_us=NOW + 9 * DAY))
    for _ in range(12):
        with contextlib.suppress(Crash):
            mailbox.run()
        mailbox.clock.pass_(LEASE)
    assert mailbox.states() == ["accepted", "held", "accepted", "accepted", "accepted"]
    assert mailbox.events().count(("Message Held", "poison")) == 1


class _Broken:
    """A channel whose author made a mistake."""

    id = "broken"
    serves = "email"

    def __init__(self, where: str) -> None:
        self._where = where

    def render(self, handover: Any) -> Prepared:
        if self._where == "render":
            raise KeyError("x")
        return Prepared(handover.message.effect_id, "", "de", None)

    def open(self) -> "_Broken":
        return self

    def deliver(self, prepared: Prepared, *, before_handover: Callable[[], bool]) -> Outcome:
        if self._where == "after":
            before_handover()
        raise KeyError("x")

    def close(self) -> None:
        pass

    def abort(self) -> None:
        pass


@pytest.mark.parametrize(
    ("where", "state", "event"),
    [
        ("render", "failed", "Message Failed"),
        ("before", "failed", "Message Failed"),
        ("after", "held", "Message Uncertain"),
    ],
)
def test_a_faulty_channel_costs_its_message_only(
    brand: Brand, links: Links, where: str, state: str, event: str
) -> None:
    office = Office(brand, links, _Broken(where))
    office.run(message_of(1), message_of(2))
    assert (office.states(), [name for name, _ in office.events()]) == ([state] * 2, [event] * 2)


def test_a_lost_database_is_not_a_fault_of_the_channel(smtp: Office, sink: SmtpSink) -> None:
    def gone(*args: Any, **keywords: Any) -> Any:
        raise ConnectionError("database gone")

    smtp.outbox.put(message_of(1))
    working = smtp.outbox.mark_intent
    smtp.outbox.mark_intent = gone  # type: ignore[method-assign]
    worker = smtp.dispatcher()
    with pytest.raises(ConnectionError):
        worker.run_once()
    worker.abort()
    assert (sink.committed, smtp.states()) == ([], ["claimed"])
    smtp.outbox.mark_intent = working  # type: ignore[method-assign]
    smtp.clock.pass_(LEASE)
    assert smtp.run().accepted == 1


def test_threads_share_an_outbox_and_send_each_message_once(smtp: Office, sink: SmtpSink) -> None:
    for number in range(1, 201):
        smtp.outbox.put(message_of(number))
    stop, idle = threading.Event(), threading.Event()

    def wait(until_us: int | None) -> None:
        if until_us is None:
            idle.set()
        stop.wait(0.005)

    threads = [threading.Thread(target=smtp.dispatcher(f"w{n}").serve, args=(stop, wait)) for n in range(4)]
    for thread in threads:
        thread.start()
    assert idle.wait(30)
    stop.set()
    for thread in threads:
        thread.join(10)
    assert sorted(message.envelope_to for message in sink.committed) == sorted(
        f"a{n}@kunde{n % 2}.example" for n in range(1, 201)
    )
    assert (set(smtp.states()), smtp.alarms) == ({"accepted"}, [])


def test_how_long_to_wait_for_work() -> None:
    assert seconds_until(None, now_us=NOW) == 3600
    assert seconds_until(NOW + 2 * SECOND, now_us=NOW) == 2
    assert seconds_until(NOW - 5, now_us=NOW) == 0
    assert seconds_until(NOW + DAY, now_us=NOW) == 3600


def test_what_a_slow_server_leaves_no_time_for_is_given_back(smtp: Office, sink: SmtpSink) -> None:
    def slow(name: str) -> None:
        if name == "smtp.dot_written":
            smtp.clock.pass_(10 * MINUTE)

    smtp.point = slow
    valid = NOW + 9 * DAY
    for _ in range(4):
        smtp.run(*(message_of(n, valid_until_us=valid) for n in (1, 2, 3, 4)))
    assert (smtp.states(), sink.count) == (["accepted"] * 4, 4)


def test_a_rest_ends_when_the_clock_is_set_back() -> None:
    """A clock that stood a year ahead would else keep a server at rest for a year."""
    rests = Rests()
    rests.rest("email", MINUTE, now_us=DAY, growing=False)
    assert rests.until(("email", "other"), now_us=DAY + MINUTE - 1) == DAY + MINUTE
    assert rests.until(("email",), now_us=DAY + MINUTE) == 0
    assert (
        rests.until(("email",), now_us=DAY - SECOND) == DAY + MINUTE
    )  # another thread has looked at the clock a moment before
    assert rests.until(("email",), now_us=HOUR) == 0
    rests.rest("email", MINUTE, now_us=HOUR, growing=False)
    assert rests.until(("email",), now_us=HOUR + SECOND) == HOUR + MINUTE
