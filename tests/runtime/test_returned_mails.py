"""Bounces and complaints become events of the person, by `kreis feedback`, once."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from kundenkreis.channels.core.channel import Links
from kundenkreis.channels.core.fences import MARKETING
from kundenkreis.channels.core.verp import envelope_sender
from kundenkreis.customers.core.permission import suppression
from kundenkreis.customers.core.state import CustomerState, decode_state
from kundenkreis.kernel.effects import SendMessage
from kundenkreis.runtime.dispatching import build_links
from kundenkreis.runtime.returned_mails import NoMailError, mails_in, take_mails
from kundenkreis.runtime.stores.schema import OUTBOX
from tests.channels.core.test_returned_mail import report
from tests.runtime.town import Town

pytestmark = pytest.mark.db
EFFECT = bytes(range(16))
FAILED = "Reporting-MTA: dns; mx\n\nFinal-Recipient: rfc822; anna@kunde.example\nAction: failed\nStatus: 5.1.1"
ABUSE = "Feedback-Type: abuse\nVersion: 1"


class Post(Town):
    """A town in which Anna got a message that went out by SMTP."""

    def __init__(self, folder: Path, database: str) -> None:
        super().__init__(folder / "town", database, journeys=False)
        self.send("identify", userId="anna", traits={"email": "anna@kunde.example"})
        self.run()
        self.links: Links = build_links(self.settings)
        self.maildir = folder / "maildir"
        for name in ("new", "cur", "tmp"):
            (self.maildir / name).mkdir(parents=True)
        at_us = self.clock.now_us()
        self.message = SendMessage(
            EFFECT, self.profile(), at_us, "email", "hello", "marketing", "newsletter", "welcome", b"run", "send", at_us, {}
        )  # fmt: skip

    def profile(self) -> int:
        with self.installation.store.reading() as tx:
            return int(tx.rows("SELECT profile_id FROM states")[0][0])

    def hands_over(self) -> None:
        """The message stands in the outbox as sent."""
        payload = msgspec.msgpack.encode(self.message)
        row = (EFFECT, self.message.profile_id, 0, "accepted", "", 16, 0, 0, 0, payload, 0, "", 1)
        with self.installation.store.transaction("test") as tx:
            tx.insert(OUTBOX, [row])

    def gets(self, name: str, fields: str, *, verp: bool = True, kind: str = "delivery-status") -> Path:
        sender = envelope_sender(self.links.message_id_key, EFFECT, "bounces@muster.example")
        link = self.links.unsubscribe_url(self.message, "de", at_us=self.clock.now_us())
        raw = report(fields, kind=kind).replace(b"Subject: Neues", f"List-Unsubscribe: <{link}>".encode())
        file = self.maildir / "new" / name
        file.write_bytes(raw.replace(b"bounces@muster.example", sender.encode()) if verp else raw)
        return file

    def reads(self) -> list[tuple[str, str, int]]:
        found = list(take_mails(self.installation, mails_in([self.maildir])))
        self.run()
        return [(one.outcome, one.reason, one.profile_id) for one in found]

    def state(self) -> CustomerState:
        with self.installation.store.reading() as tx:
            return decode_state(bytes(tx.rows("SELECT state FROM states")[0][0]))

    def kept(self) -> list[str]:
        return sorted(f"{one.parent.name}/{one.name}" for one in self.maildir.glob("*/*"))


@pytest.fixture(params=["sqlite", "postgres"])
def post(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Post]:
    database = request.getfixturevalue("postgres_database") if request.param == "postgres" else ""
    post = Post(tmp_path, database)
    yield post
    post.close()


def test_a_bounce_ends_the_address_once(post: Post) -> None:
    post.hands_over()
    post.gets("1", FAILED)
    assert post.reads() == [("bounce", "hard", post.profile())]
    assert [entry[0] for entry in post.state().consent.suppressed["anna@kunde.example"]] == ["hard"]
    assert post.kept() == ["cur/1:2,S"]
    post.gets("2", FAILED)
    assert post.reads() == [("bounce", "hard", post.profile())]
    with post.installation.store.reading() as tx:
        rows = tx.rows("SELECT origin, cause FROM log WHERE name = 'Email Bounced'")
    assert [(origin, bytes(cause)) for origin, cause in rows] == [("feedback", EFFECT)]


def test_a_bounce_ends_an_address_with_an_umlaut_in_its_domain(post: Post) -> None:
    """On the wire the domain is written in other letters than in the person's record."""
    post.send("identify", userId="anna", traits={"email": "Anna@Müller.example"})
    post.run()
    post.hands_over()
    file = post.gets("1", FAILED)
    file.write_bytes(file.read_bytes().replace(b"Anna@kunde.example", b"anna@xn--mller-kva.example"))
    assert post.reads() == [("bounce", "hard", post.profile())]
    assert suppression(post.state(), "email", "marketing", post.clock.now_us())[0] == "hard"


def test_a_complaint_stops_all_marketing_before_it_is_folded(post: Post) -> None:
    post.gets("1", ABUSE, verp=False, kind="feedback-report")  # the message is gone from the outbox, its link is not
    found = list(take_mails(post.installation, mails_in([post.maildir])))
    assert [(one.outcome, one.profile_id) for one in found] == [("complaint", post.profile())]
    with post.installation.store.reading() as tx:
        fences = tx.rows("SELECT profile_id, scope, reason FROM fences")
    assert fences == [(post.profile(), MARKETING, "complaint")]
    assert post.state().consent.objections == {}
    post.run()
    assert list(post.state().consent.objections) == ["marketing"]
    assert [entry[0] for entry in post.state().consent.suppressed["anna@kunde.example"]] == ["complaint"]


def test_what_is_no_failure_or_about_nobody_changes_nothing(post: Post) -> None:
    before = post.state()
    post.gets("1", FAILED.replace("failed", "delayed").replace("5.1.1", "4.4.1"))
    (post.maildir / "new" / "2").write_bytes(report(FAILED))
    post.gets("3", "Feedback-Type: not-spam", kind="feedback-report")
    (post.maildir / "new" / "4").write_bytes(b"From: Anna <anna@kunde.example>\n\nDanke!")
    assert post.reads() == [
        ("delay", "", 0),
        ("about_nobody", "hard", 0),
        ("not_spam", "not-spam", 0),
        ("unknown", "", 0),
    ]
    assert post.kept() == ["cur/1:2,S", "cur/2:2,FS", "cur/3:2,S", "cur/4:2,FS"]
    assert post.state() == before


def test_a_single_file_is_read_and_stays_where_it_is(post: Post, tmp_path: Path) -> None:
    post.hands_over()
    file = post.gets("1", FAILED).rename(tmp_path / "bounce.eml")
    assert [one.outcome for one in take_mails(post.installation, mails_in([file]))] == ["bounce"]
    assert file.is_file()
    with pytest.raises(NoMailError):
        mails_in([tmp_path / "nothing"])
