"""STARTTLS with a certificate made for the test."""

import ssl
import time
from pathlib import Path

import pytest

from kundenkreis.channels.core.mime import OutgoingMail
from kundenkreis.channels.core.outcomes import Retry, Sent
from kundenkreis.channels.email_smtp import SmtpSession, SmtpSettings, Timeouts
from kundenkreis.channels.testing import SmtpSink, no_point
from tests.certificate import localhost_certificate

pytestmark = pytest.mark.e2e

MAIL = OutgoingMail(b"1" * 16, "post@muster.example", "a@kunde.example", b"Subject: x\r\n\r\nHallo\r\n")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return localhost_certificate(tmp_path)


def delivered(sink: SmtpSink, trusted: Path | None) -> object:
    tls = ssl.create_default_context(cafile=str(trusted) if trusted else None)
    settings = SmtpSettings(
        host="localhost",
        port=sink.port,
        security="starttls_required",
        username="konto",
        password="geheim",
        timeouts=Timeouts(connect=5, greeting=5, command=5, data=5, block=5, dot=5),
    )
    client = SmtpSession(settings, point=no_point, monotonic=time.monotonic, tls=tls)
    outcome = client.deliver(MAIL, before_dot=lambda: True)
    client.close()
    return outcome


def server_context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_the_password_and_the_mail_travel_encrypted(certificate: Path) -> None:
    with SmtpSink(tls=server_context(certificate), auth="konto:geheim") as sink:
        outcome = delivered(sink, certificate)
        assert isinstance(outcome, Sent)
        assert [message.data for message in sink.committed] == [MAIL.data]


def test_a_certificate_nobody_vouches_for_is_a_fault_of_configuration(certificate: Path) -> None:
    with SmtpSink(tls=server_context(certificate), auth="konto:geheim") as sink:
        outcome = delivered(sink, None)
        assert isinstance(outcome, Retry)
        assert (outcome.answer.kind, outcome.answer.pause, sink.committed) == ("configuration", "sender", [])
