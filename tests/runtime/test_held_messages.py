"""What was put aside goes out when a person says so, and not otherwise: a real mail server that hangs up after the dot, senders that come too late."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kundenkreis.channels.dispatcher import Dispatcher
from kundenkreis.channels.email_smtp import SmtpChannel, SmtpSettings
from kundenkreis.channels.testing import Answer, SmtpSink, no_point
from kundenkreis.kernel.zones import DAY, HOUR
from kundenkreis.runtime.dispatching import build_world
from kundenkreis.runtime.held_messages import StoredHeldMessages
from kundenkreis.runtime.readers.decided import StoredDecidedMessages
from kundenkreis.runtime.rebuild import second_store, verify
from kundenkreis.site.ports.customer_acts import Actor
from kundenkreis.site.ports.held import Chosen, HeldGroup
from tests.runtime.town import START_US, Town

pytestmark = pytest.mark.db

IDA = Actor(name="Ida", reason="the server is well again")
PEOPLE = 6


@pytest.fixture(params=["sqlite", "postgres"])
def town(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Town]:
    """On both stores."""
    town = Town(tmp_path / "town", "" if request.param == "sqlite" else request.getfixturevalue("postgres_database"))
    greet(town)
    yield town
    town.close()


def greet(town: Town) -> None:
    """Some confirm the newsletter, so the welcome journey writes to those who are in no control group."""
    for number in range(PEOPLE):
        user = f"u{number}"
        town.send("identify", userId=user, traits={"email": f"{user}@example.com", "country": "DE"})
        consent = {
            "channel": "email",
            "purpose": "newsletter",
            "basis": "express_consent",
            "wording": "News",
            "proof": "form 7",
        }
        town.send("track", userId=user, event="Consent Confirmed", properties=consent)
    town.run()


@contextmanager
def mail_server(town: Town, *, hangs_up: bool = False) -> Iterator[tuple[Dispatcher, SmtpSink]]:
    """A sender and the server it hands over to."""
    with SmtpSink() as sink:
        if hangs_up:
            sink.answers["dot", ""] = Answer(fault="commit_then_drop", times=-1)
        channel = SmtpChannel(SmtpSettings(host="127.0.0.1", port=sink.port), point=no_point, monotonic=time.monotonic)
        dispatcher = Dispatcher(build_world(town.installation, channels={"email": channel}), "sender/")
        yield dispatcher, sink
        dispatcher.close()


def hand_over(town: Town, *, hangs_up: bool = False) -> list[tuple[str, str]]:
    """Everything that is due now; (address, Message-ID) of each mail that the server took."""
    with mail_server(town, hangs_up=hangs_up) as (dispatcher, sink):
        for _ in range(3 * PEOPLE):
            dispatcher.run_once()
            town.clock.advance_to(town.clock.now_us() + 60_000_000)  # the server rests after it hung up
        town.run()
        return sorted((one.envelope_to, _message_id(one.data)) for one in sink.committed)


def _message_id(mail: bytes) -> str:
    return next(line for line in mail.decode().splitlines() if line.lower().startswith("message-id:"))


def outcomes(town: Town, message_id: str) -> list[tuple[str, str]]:
    """(outcome, deciding reason) of each verdict, oldest first."""
    found = StoredDecidedMessages(town.installation).find_message(message_id)
    assert found is not None
    return [(one.outcome, one.reasons[0].rule_id) for one in found.verdicts]


def messages(town: Town) -> list[str]:
    with town.installation.store.reading() as tx:
        return [bytes(row[0]).hex() for row in tx.rows("SELECT effect_id FROM outbox ORDER BY effect_id")]


def states(town: Town) -> set[str]:
    with town.installation.store.reading() as tx:
        return {row[0] for row in tx.rows("SELECT DISTINCT state FROM outbox")}


def test_what_a_broken_connection_left_in_doubt_goes_out_once_more_when_a_person_says_so(town: Town) -> None:
    held, before = StoredHeldMessages(town.installation), hand_over(town, hangs_up=True)
    ids = messages(town)
    assert len(before) == len(ids) > 1
    assert hand_over(town) == []
    (group,) = held.find_groups().groups
    assert group == HeldGroup(
        why="uncertain", content_id="welcome_hello", journey_id="welcome", channel="email", count=len(ids), still_useful=len(ids),
        since_us=group.since_us,
    )  # fmt: skip
    assert held.decide(Chosen(message_id=ids[0]), "send", IDA) == 1
    assert held.decide(Chosen(message_id=ids[0]), "send", IDA) == 0
    assert held.decide(Chosen(message_id=ids[0]), "close", IDA) == 0
    town.run()
    (once_more,) = hand_over(town)
    assert once_more in before
    assert outcomes(town, ids[0]) == [
        ("released", "basis"), ("handed_over", "uncertain"), ("planned", "by_hand"), ("released", "basis"), ("handed_over", "sent"),
    ]  # fmt: skip
    chosen = Chosen(why="uncertain", content_id="welcome_hello", journey_id="welcome")
    assert held.decide(chosen, "send", IDA) == len(ids) - 1
    town.run()
    assert sorted([once_more, *hand_over(town)]) == before
    assert held.find_groups().groups == ()
    with town.installation.store.reading() as tx:
        told = tx.rows("SELECT actor, reason, count(*) FROM log WHERE name = 'Held Message Released' GROUP BY 1, 2")
        assert told == [("Ida", "the server is well again", len(ids))]
    with second_store(None) as second:
        assert verify(town.installation.store, second, zone=town.installation.zone).differences == []


def test_what_came_too_late_waits_and_is_judged_anew(town: Town) -> None:
    """After eight hours without a sender; one of them withdraws before anybody decides."""
    town.clock.advance_to(START_US + 8 * HOUR)
    town.run()
    held = StoredHeldMessages(town.installation)
    assert hand_over(town) == []
    assert states(town) == {"held"}
    (group,) = held.find_groups().groups
    assert (group.why, group.count) == ("overdue", len(messages(town)))
    gone = messages(town)[0]
    with town.installation.store.reading() as tx:
        user = tx.rows(
            "SELECT value FROM identifiers JOIN outbox USING (profile_id) WHERE kind = 'user_id' AND effect_id = ?", (bytes.fromhex(gone),)
        )[0][0]  # fmt: skip
    town.send("track", userId=user, event="Consent Withdrawn", properties={"channel": "email", "purpose": "newsletter"})
    town.run()
    chosen = Chosen(why="overdue", content_id=group.content_id, journey_id=group.journey_id)
    assert held.decide(chosen, "send", IDA) == group.count
    town.run()
    assert len(hand_over(town)) == group.count - 1
    assert outcomes(town, gone)[-1] == ("withheld", "withdrawn")
    assert states(town) == {"accepted", "postponed"}
    with second_store(None) as second:
        assert verify(town.installation.store, second, zone=town.installation.zone).differences == []


def test_what_is_left_as_it_is_waits_for_nobody(town: Town) -> None:
    before = hand_over(town, hangs_up=True)
    held, ids = StoredHeldMessages(town.installation), messages(town)
    assert held.decide(Chosen(message_id=ids[0]), "close", IDA) == 1
    assert held.decide(Chosen(message_id=ids[0]), "send", IDA) == 0
    assert held.find_one(ids[0]) is None
    assert held.find_groups().groups[0].count == len(before) - 1
    town.run()
    assert hand_over(town) == []
    found = StoredDecidedMessages(town.installation).find_message(ids[0])
    assert found is not None
    assert found.line.fate == "uncertain"


def test_what_is_of_no_more_use_cannot_be_sent(town: Town) -> None:
    hand_over(town, hangs_up=True)
    held, first = StoredHeldMessages(town.installation), messages(town)[0]
    town.pass_time(4 * DAY)
    one = held.find_one(first)
    assert one is not None
    assert (one.count, one.still_useful) == (1, 0)
    assert held.find_groups().groups[0].still_useful == 0
    assert held.decide(Chosen(message_id=first), "send", IDA) == 0
    assert held.decide(Chosen(message_id=first), "close", IDA) == 1


@pytest.mark.parametrize("named", ["", "zz", "00", "ab" * 16])
def test_a_message_that_is_not_held_is_none(town: Town, named: str) -> None:
    held = StoredHeldMessages(town.installation)
    assert held.find_one(named) is None
    assert held.decide(Chosen(message_id=named) if named else Chosen(), "send", IDA) == 0
