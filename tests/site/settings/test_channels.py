"""The channels' page: a test message through what is configured, and what its server answered."""

from pathlib import Path

import pytest

from kundenkreis.channels.testing import SmtpSink
from kundenkreis.runtime.channel_tests import StoredChannels
from kundenkreis.runtime.installation import Installation
from kundenkreis.settings import Settings
from tests.runtime.town import Town
from tests.site.conftest import Site

pytestmark = pytest.mark.db


def test_without_a_mail_server_the_test_lies_in_the_mailbox(served: Site, town: Town) -> None:
    from kundenkreis.site.models import AuditEntry

    browser = served.insider("de")
    page = browser.post("/settings/channels/", {"address": "jemand@example.org"}).content.decode()
    assert "Die Nachricht liegt im lokalen Postfach" in page
    with town.installation.store.reading() as tx:
        ((message_id, to_address, subject),) = tx.rows("SELECT message_id, to_address, subject FROM mailbox")
    assert (to_address, subject) == ("jemand@example.org", "Testnachricht von Kundenkreis")
    assert browser.get(f"/mailbox/{bytes(message_id).hex()}/").status_code == 200
    entry = AuditEntry.objects.get(action="tested")
    assert (entry.object_id, entry.details) == ("channel:email", {"kind": "mailbox"})


def test_an_address_that_is_none_is_said_at_the_field(served: Site, town: Town) -> None:
    answer = served.insider().post("/settings/channels/", {"address": "nobody"})
    assert answer.status_code == 422
    assert 'value="nobody"' in answer.content.decode()
    with town.installation.store.reading() as tx:
        assert tx.rows("SELECT count(*) FROM mailbox")[0][0] == 0


def test_nobody_is_flooded_with_tests(served: Site, town: Town) -> None:
    browser = served.insider()
    statuses = [browser.post("/settings/channels/", {"address": "a@example.org"}).status_code for _each in range(6)]
    assert statuses == [200] * 5 + [429]


def test_who_may_only_look_sends_nothing(served: Site) -> None:
    browser = served.insider(role="marketing")
    assert "Send test message" not in browser.get("/settings/channels/").content.decode()
    assert browser.post("/settings/channels/", {"address": "a@example.org"}).status_code == 403


def test_the_mail_server_takes_it_over_and_its_words_are_told(tmp_path: Path) -> None:
    with SmtpSink() as sink:
        settings = Settings(
            data_dir=tmp_path,
            smtp_host="127.0.0.1",
            smtp_port=sink.port,
            smtp_tls="none",
            mail_from="post@lindenhof.example",
        )
        installation = Installation(settings)
        try:
            channels = StoredChannels(installation)
            answer = channels.send_test("a@example.org", subject="Probe", text="Gut.", language="de")
        finally:
            installation.close()
        (taken,) = sink.committed
    assert (answer.kind, answer.reply.startswith("dot 250")) == ("sent", True)
    assert b"Subject: Probe" in taken.data


def test_a_mail_server_that_is_not_there_is_told_in_its_words(tmp_path: Path) -> None:
    settings = Settings(
        data_dir=tmp_path, smtp_host="127.0.0.1", smtp_port=1, smtp_tls="none", mail_from="post@lindenhof.example"
    )
    installation = Installation(settings)
    try:
        channels = StoredChannels(installation)
        (line,) = channels.list_channels()
        assert (line.id, line.server, line.sender) == ("email_smtp", "127.0.0.1:1", "post@lindenhof.example")
        answer = channels.send_test("a@example.org", subject="Test", text="Test", language="en")
        assert answer.kind == "later"
        assert answer.reply.startswith("connect 0 no connection:")
    finally:
        installation.close()
