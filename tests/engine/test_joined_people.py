"""Merges while something is under way: chains, forwarders, plans, the outbox and fences."""

import itertools
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kundenkreis.channels.core.feedback import WITHHELD, feedback_event
from kundenkreis.channels.core.fences import MARKETING
from kundenkreis.channels.outbox import SqlOutbox, fences_of
from kundenkreis.customers.core.state import CustomerState, decode_state
from kundenkreis.kernel.effects import AppendEvent, SendMessage
from kundenkreis.kernel.zones import DAY, HOUR, MINUTE
from tests.engine.stories import STARTS, Life, Publish, Report, Send

pytestmark = pytest.mark.db
NOW = STARTS[0] - STARTS[0] % DAY + 9 * HOUR
PROOF = {"wording": "Ja", "form": "f", "basis": "express_consent", "channel": "email", "purpose": "news"}


class Town:
    """A life with messages that follow each other by a minute."""

    def __init__(self, path: Path) -> None:
        self.life = Life(path)
        self.at_us = NOW
        self.count = 0
        self.life.publish(Publish(NOW, 1))

    def say(self, endpoint: str, *, drains: bool = True, after_us: int = MINUTE, **body: Any) -> Send:
        self.at_us += after_us
        self.count += 1
        step = Send(self.at_us, endpoint, {"messageId": str(self.count), **body})
        if drains:
            self.life.take([step])
            while self.life.relays():
                pass
        return step

    def consents(self, **who: str) -> None:
        email = f"{next(iter(who.values()))}@kunde.example"
        self.say("identify", traits={"email": email}, **who)
        self.say("track", event="Consent Confirmed", properties={**PROOF, "email": email}, **who)

    def states(self) -> dict[int, CustomerState]:
        return {row[0]: decode_state(row[1]) for row in self.life.rows("SELECT profile_id, state FROM states")}

    def profile(self, kind: str, value: str) -> int:
        sql = "SELECT profile_id FROM identifiers WHERE kind = ? AND value = ?"
        return int(self.life.rows(sql, kind, value)[0][0])


def test_a_chain_of_merges_in_one_batch_arrives_at_its_end(tmp_path: Path) -> None:
    town = Town(tmp_path / "a.db")
    for user in ("a", "b", "c"):
        town.say("track", event="Order Completed", properties={"order_id": f"o-{user}", "total": 10}, userId=user)
    profiles = [town.profile("user_id", user) for user in ("a", "b", "c")]
    steps = [
        town.say("alias", drains=False, previousId="a", userId="b"),
        town.say("alias", drains=False, previousId="b", userId="c"),
        town.say("track", drains=False, event="Product Viewed", properties={}, userId="a"),
    ]
    town.life.take(steps)
    while town.life.relays():
        pass
    states = town.states()
    last = states[profiles[2]]
    assert [states[one].forwarded_to for one in profiles] == [profiles[1], profiles[2], 0]
    assert last.absorbed == sorted(profiles[:2])
    assert last.commerce.order_count == 3
    assert {town.profile("user_id", user) for user in ("a", "b", "c")} == {profiles[2]}
    assert sorted(town.life.rows("SELECT loser, winner FROM merges")) == sorted(itertools.pairwise(profiles))
    town.life.close()


def test_what_an_ended_run_had_planned_is_taken_back_and_frees_its_place(tmp_path: Path) -> None:
    town = Town(tmp_path / "a.db")
    for who in ({"userId": "u"}, {"anonymousId": "d"}):
        town.say("track", event="Product Viewed", properties={}, **who)
        town.consents(**who)  # greeted at once, which fills the day
        town.say(
            "track", event="Product Viewed", properties={}, **who
        )  # the second view enters the nudge: for tomorrow
    device, user = town.profile("anonymous_id", "d"), town.profile("user_id", "u")
    sent, lost = (one.effect_id for one in town.states()[device].contact.planned)
    mine = [one.effect_id for one in town.states()[user].contact.planned]
    assert len(mine) == 2
    town.say("identify", traits={}, userId="u", anonymousId="d")
    state = town.states()[user]
    # What lies in the outbox already is kept until it is known what became of it.
    assert {one.effect_id for one in state.contact.planned} == {*mine, sent}
    assert {one.effect_id for one in state.contact.contacts} == {*mine, sent}
    outcomes = town.life.rows("SELECT outcome, profile_id FROM verdicts WHERE effect_id = ? ORDER BY sequence", lost)
    assert outcomes == [("planned", device), ("cancelled", user)]
    (payload,) = town.life.rows("SELECT payload FROM outbox WHERE effect_id = ?", sent)[0]
    message = msgspec.msgpack.decode(payload, type=SendMessage)
    town.at_us += MINUTE
    event = feedback_event(message, WITHHELD, at_us=town.at_us, epoch=1, reason="forwarded", reasons=["forwarded"])
    town.life.take([Report(town.at_us, event)])
    while town.life.relays():
        pass
    state = town.states()[user]
    assert {one.effect_id for one in state.contact.planned} == {*mine}
    assert {one.effect_id for one in state.contact.contacts} == {*mine}
    outcomes = town.life.rows("SELECT outcome, profile_id FROM verdicts WHERE effect_id = ? ORDER BY sequence", sent)
    assert outcomes == [("released", device), ("withheld", user)]
    town.life.close()


def test_a_fence_of_a_merged_profile_holds_for_the_person(tmp_path: Path) -> None:
    town = Town(tmp_path / "a.db")
    for user in ("a", "b", "c"):
        town.say("track", event="Product Viewed", properties={}, userId=user)
    first, second, third = (town.profile("user_id", user) for user in ("a", "b", "c"))
    outbox = SqlOutbox(town.life.store)
    outbox.write_fence(first, MARKETING, at_us=NOW, reason="before the merge")
    town.say("alias", previousId="a", userId="b")
    town.say("alias", previousId="b", userId="c")
    outbox.write_fence(second, "everything", at_us=NOW, reason="after the merge")
    with town.life.store.reading() as tx:
        held = fences_of(tx, [third])
    assert {profile: sorted({one.scope for one in fences}) for profile, fences in held.items()} == {
        third: ["everything", MARKETING]
    }
    town.life.close()


def views(town: Town, count: int, **who: str) -> None:
    for _ in range(count):
        town.say("track", event="Product Viewed", properties={}, **who)


def test_a_state_surrendered_before_a_publishing_brings_the_facts_that_came_with_it(tmp_path: Path) -> None:
    town = Town(tmp_path / "a.db")
    views(town, 1, userId="u")
    views(town, 3, anonymousId="d")
    user = town.profile("user_id", "u")
    town.life.take([town.say("identify", drains=False, traits={}, userId="u", anonymousId="d")])
    town.life.publish(Publish(town.at_us + MINUTE, 2))  # needs all views ever; the loser kept only those of three days
    while town.life.relays():
        pass
    assert "viewers" in town.states()[user].decisions.inside
    town.life.close()


def test_a_forwarded_row_counts_once_in_facts_folded_from_history(tmp_path: Path) -> None:
    town = Town(tmp_path / "a.db")
    views(town, 1, userId="u")
    views(town, 1, anonymousId="d")
    user, device = town.profile("user_id", "u"), town.profile("anonymous_id", "d")
    town.say("identify", traits={}, userId="u", anonymousId="d")
    body = {"type": "track", "event": "Product Viewed", "properties": {}}
    stray = AppendEvent(b"s" * 16, device, "track", "Product Viewed", town.at_us, "api", body, b"", 0)
    town.at_us += MINUTE
    town.life.take([Report(town.at_us, stray)])
    while town.life.relays():
        pass
    town.life.publish(Publish(town.at_us + MINUTE, 2))
    assert (
        "viewers" not in town.states()[user].decisions.inside
    )  # three views; counted twice, the stray one would make four
    views(town, 1, userId="u")
    assert "viewers" in town.states()[user].decisions.inside
    town.life.close()


def test_a_matter_open_on_both_sides_of_a_merge_stays_as_old_as_the_older(tmp_path: Path) -> None:
    town = Town(tmp_path / "a.db")
    opened = {"case_id": "4", "kind": "complaint"}
    town.say("track", event="Case Opened", properties=opened, anonymousId="a")
    first_us = town.at_us
    town.say("track", event="Case Opened", properties=opened, userId="u", after_us=DAY)
    town.say("identify", userId="u", anonymousId="a")
    held = town.states()[town.profile("user_id", "u")].decisions.situations["complaint"]
    assert (held.since_us, held.keys["4"][0]) == (first_us, first_us)
    town.life.close()
