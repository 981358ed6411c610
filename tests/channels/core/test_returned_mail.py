"""Mails that came back: real notifications of many servers, reports of abuse, sentences, and what is none of it."""

from pathlib import Path

import pytest

from kundenkreis.channels.core.returned_mail import ReturnedMail, read_returned

pytestmark = pytest.mark.pure

SAMPLES = Path(__file__).parents[1] / "returned"
"""From the test data of flufl.bounce (Apache-2.0; LICENSE beside them)."""

REPORT = """\
From: MAILER-DAEMON@mx.example
To: bounces@muster.example
Content-Type: multipart/report; report-type={kind}; boundary="x"

--x
Content-Type: text/plain

{text}
--x
Content-Type: message/{part}

{fields}
--x
Content-Type: {original}

From: Muster <post@muster.example>
To: Anna <Anna@kunde.example>
Subject: Neues

--x--
"""


def report(fields: str, *, kind: str = "delivery-status", text: str = "", original: str = "message/rfc822") -> bytes:
    part = "feedback-report" if kind == "feedback-report" else "delivery-status"
    return (
        REPORT.format(kind=kind, text=text, part=part, fields=fields, original=original).replace("\n", "\r\n").encode()
    )


@pytest.mark.parametrize(
    ("name", "kind", "reason", "status"),
    [
        ("dsn_01", "bounce", "soft", "5.0.0"),
        ("dsn_02", "bounce", "soft", "4.4.7"),
        ("dsn_03", "bounce", "soft", ""),
        ("dsn_04", "bounce", "soft", "5.0.0"),
        ("dsn_05", "delay", "", "4.4.1"),
        ("dsn_06", "delay", "", "4.4.0"),
        ("dsn_07", "delay", "", "4.4.1"),
        ("dsn_08", "delay", "", "4.0.0"),
        ("dsn_09", "bounce", "soft", "5.0.0"),
        ("dsn_10", "bounce", "hard", "5.0.0"),
        ("dsn_11", "bounce", "hard", "5.1.1"),
        ("dsn_12", "bounce", "hard", "5.1.1"),
        ("dsn_13", "bounce", "hard", "5.1.1"),
        ("dsn_14", "bounce", "hard", ""),
        ("dsn_15", "bounce", "hard", "5.1.1"),
        ("dsn_16", "bounce", "hard", "5.0.0"),
        ("dsn_17", "delay", "", "4.3.0"),
        ("dsn_18", "bounce", "soft", "5.0.0"),
        ("simple_42", "bounce", "policy", "5.0.0"),
        ("yahoo_13", "bounce", "hard", ""),
    ],
)
def test_notifications_of_real_servers(name: str, kind: str, reason: str, status: str) -> None:
    said = read_returned((SAMPLES / f"{name}.txt").read_bytes())
    assert (said.kind, said.reason, said.status) == (kind, reason, status)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("Action: failed\nStatus: 5.1.1", ("bounce", "hard")),
        ("Action: failed\nStatus: 5.2.2", ("bounce", "soft")),
        ("Action: failed\nStatus: 5.7.1", ("bounce", "policy")),
        ("Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 5.7.26 DMARC", ("bounce", "policy")),
        ("Action: failed\nStatus: 5.6.1", ("bounce", "content")),
        ("Action: failed\nStatus: 4.4.7", ("bounce", "soft")),
        ("Action: failed", ("bounce", "soft")),
        ("Status: 5.1.1", ("bounce", "hard")),
        ("Action: delayed\nStatus: 4.4.1", ("delay", "")),
        ("Action: delivered\nStatus: 2.0.0", ("unknown", "")),
        ("Action: relayed\nStatus: 2.0.0", ("unknown", "")),
    ],
)
def test_what_counts_is_failure_for_good(fields: str, expected: tuple[str, str]) -> None:
    block = f"Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; other@rewritten.example\n{fields}\n"
    said = read_returned(report(block))
    assert (said.kind, said.reason) == expected
    assert said.address == "anna@kunde.example"


def test_the_address_is_the_one_we_wrote_to_else_what_the_server_says() -> None:
    block = "Reporting-MTA: dns; mx\n\nOriginal-Recipient: rfc822;Was@kunde.example\nFinal-Recipient: rfc822; is@x.example\nAction: failed"
    assert read_returned(report(block, original="text/rfc822-headers")).address == "anna@kunde.example"
    assert read_returned(report(block, original="text/plain")).address == "was@kunde.example"


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("abuse", "complaint"),
        ("fraud", "complaint"),
        ("opt-out", "complaint"),
        ("not-spam", "not_spam"),
        ("virus", "unknown"),
    ],
)
def test_reports_of_abuse(kind: str, expected: str) -> None:
    fields = f"Feedback-Type: {kind}\nUser-Agent: Provider/1.0\nVersion: 1\n"
    said = read_returned(report(fields, kind="feedback-report"))
    assert (said.kind, said.reason, said.address) == (expected, kind, "anna@kunde.example")


@pytest.mark.parametrize(
    ("line", "kind", "reason"),
    [
        ("    550 5.1.1 <anna@kunde.example>: User unknown", "bounce", "hard"),
        ("The mailbox anna is over quota.", "bounce", "soft"),
        ("Unknown user: anna", "bounce", "hard"),
        ("451 4.3.0 we go on trying", "delay", "soft"),
        ("Something went wrong.", "unknown", ""),
    ],
)
def test_servers_that_write_sentences(line: str, kind: str, reason: str) -> None:
    original = "--- Below this line is a copy of the message.\nSubject: 550 5.1.1 User unknown"
    for sender, understood in (
        ("Mail Delivery System <mailer-daemon@mx.example>", True),
        ("Anna <a@kunde.example>", False),
    ):
        said = read_returned(f"From: {sender}\nTo: b@x.example\n\nSorry.\n{line}\n{original}\n".encode())
        assert (said.kind, said.reason) == ((kind, reason) if understood else ("unknown", ""))


def test_an_answer_of_a_machine_is_no_bounce() -> None:
    raw = b"From: postmaster@kunde.example\nAuto-Submitted: auto-replied\n\n550 5.1.1 User unknown until Monday"
    assert read_returned(raw).kind == "automatic"


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"\x00\xff" * 100, b"Content-Type: message/delivery-status\n\n", b"Content-Type: multipart/report\n\n--x",
        b"Content-Type: message/feedback-report\n\n\xff", b"Content-Type: message/rfc822\n\nTo: \xff\xfe <x\x00@y>\n\n",
        b"Content-Type: text/rfc822-headers\nContent-Transfer-Encoding: base64\n\n!!!", b"From: \xffmailer-daemon\n\n\xff 550",
    ],
)  # fmt: skip
def test_what_is_malformed_is_understood_as_nothing(raw: bytes) -> None:
    said = read_returned(raw)
    assert isinstance(said, ReturnedMail)
    assert said.kind in ("unknown", "bounce")
    assert said.address == ""


SELF_SAID = """\
From: MAILER-DAEMON@mx.example
To: bounces+x@post.example
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

Your mail could not be delivered.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; anna@kunde.example
Action: failed
Status: 5.1.1

--b--
"""


def test_a_report_that_calls_itself_auto_replied_is_a_bounce() -> None:
    assert (read_returned(SELF_SAID.encode()).kind, read_returned(SELF_SAID.encode()).status) == ("bounce", "5.1.1")


def test_an_answer_without_a_report_is_automatic() -> None:
    absent = "From: anna@kunde.example\nAuto-Submitted: auto-replied\nSubject: Im Urlaub\n\nIch bin bis Montag weg.\n"
    assert read_returned(absent.encode()).kind == "automatic"


@pytest.mark.parametrize("header", ["Auto-Submitted: auto-generated", "X-Autoreply: yes"])
@pytest.mark.parametrize(
    "line", ["Wann ich zurück bin, ist noch unbekannt.", "Telefon 0711 550 1234", "I am away; this mailbox is locked."]
)
def test_an_absence_from_nobody_is_automatic_whatever_it_says(header: str, line: str) -> None:
    """As Exchange writes it: from the person, with an empty envelope sender, like a bounce."""
    raw = (
        f"Return-Path: <>\nFrom: Anna Muster <anna@kunde.example>\n{header}\nSubject: Automatische Antwort\n\n{line}\n"
    )
    assert read_returned(raw.encode()).kind == "automatic"


def test_a_bounce_of_exim_in_words_is_a_bounce_though_it_says_auto_replied() -> None:
    head = "From: Mail Delivery System <Mailer-Daemon@mx.example>\nAuto-Submitted: auto-replied\nX-Failed-Recipients: anna@kunde.example\n"
    said = read_returned(f"{head}Subject: Mail delivery failed\n\n    550 5.1.1 User unknown\n".encode())
    assert (said.kind, said.reason, said.status) == ("bounce", "hard", "5.1.1")
