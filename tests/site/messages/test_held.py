"""The pages of what was put aside: found, decided about with a reason, audited; over the API as well."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kundenkreis.kernel.zones import HOUR
from tests.runtime.test_held_messages import greet, hand_over, messages, states
from tests.runtime.town import START_US, Town
from tests.site.api.conftest import ask, make_key
from tests.site.conftest import Site

pytestmark = pytest.mark.db

GROUP = {"why": "overdue", "content": "welcome_hello", "journey": "welcome"}


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    """Messages that lie because no sender worked for eight hours."""
    town = Town(tmp_path / "town")
    greet(town)
    town.clock.advance_to(START_US + 8 * HOUR)
    town.run()
    assert hand_over(town) == []
    yield town
    town.close()


def audited() -> list[tuple[str, str, str, dict[str, object]]]:
    from kundenkreis.site.models import AuditEntry

    entries = AuditEntry.objects.filter(action__in=("released", "settled")).order_by("pk")
    return [(one.action, one.object_kind, one.object_id, one.details) for one in entries]


@pytest.mark.parametrize(
    ("language", "why"),
    [
        ("en", "It would have gone out long after its time."),
        ("de", "Sie wäre erst lange nach ihrer Zeit hinausgegangen."),
    ],
)
def test_a_group_is_found_and_sent_with_a_reason(served: Site, town: Town, language: str, why: str) -> None:
    client, count = served.insider(language), len(messages(town))
    page = client.get("/messages/held/").content.decode()
    assert why in page
    assert "/messages/held/decide/?why=overdue&amp;content=welcome_hello&amp;journey=welcome" in page
    asked = client.get("/messages/held/decide/", GROUP)
    assert asked.status_code == 200
    assert f"{count} messages" in asked.content.decode() or f"{count} Nachrichten" in asked.content.decode()
    refused = client.post("/messages/held/decide/", {**GROUP, "decision": "send", "reason": " "})
    assert (refused.status_code, states(town)) == (422, {"held"})
    before = len(audited())
    answer = client.post("/messages/held/decide/", {**GROUP, "decision": "send", "reason": "the sender works again"})
    assert (answer.status_code, answer["Location"]) == (302, "/messages/held/")
    assert audited()[before:] == [("released", "message", "welcome_hello", {"why": "overdue", "messages": count})]
    town.run()
    assert len(hand_over(town)) == count
    assert client.get("/messages/held/decide/", GROUP)["Location"] == "/messages/held/"


def test_one_message_is_left_as_it_is(served: Site, town: Town) -> None:
    client, (first, *others) = served.insider(), messages(town)
    page = client.get(f"/messages/{first}/").content.decode()
    assert "On hold: a person has to decide." in page
    assert f"/messages/held/decide/?message={first}" in page
    client.post("/messages/held/decide/", {"message": first, "decision": "close", "reason": "came by letter"})
    assert "On hold" not in client.get(f"/messages/{first}/").content.decode().replace(">On hold<", "")
    town.run()
    assert len(hand_over(town)) == 0
    assert states(town) == {"held", "closed"} if others else {"closed"}


@pytest.mark.parametrize(
    "query", [{}, {"message": "zz"}, {"message": "00" * 16}, {"why": "overdue"}, {**GROUP, "content": "other"}]
)
def test_what_is_not_on_hold_leads_back_to_the_list(served: Site, town: Town, query: dict[str, str]) -> None:
    client = served.insider()
    for answer in (
        client.get("/messages/held/decide/", query, follow=True),
        client.post("/messages/held/decide/", {**query, "decision": "send", "reason": "x"}, follow=True),
    ):
        assert answer.redirect_chain == [("/messages/held/", 302)]
        assert "That is not on hold any more." in answer.content.decode()
    assert states(town) == {"held"}


def test_who_may_only_look_sees_no_way_to_decide(served: Site, town: Town) -> None:
    viewer = served.insider(role="viewer")
    assert "/messages/held/decide/" not in viewer.get("/messages/held/").content.decode()
    assert viewer.post("/messages/held/decide/", {**GROUP, "decision": "send", "reason": "x"}).status_code == 403
    assert states(town) == {"held"}


def test_programs_list_and_decide(served: Site, town: Town) -> None:
    key, ids = make_key(), messages(town)
    found = ask(served, key, "GET", "held-messages").json()
    assert [(one["why"], one["content_id"], one["count"]) for one in found["groups"]] == [
        ("overdue", "welcome_hello", len(ids))
    ]
    body = {"message_id": ids[0], "decision": "send", "reason": "the sender works again"}
    assert ask(served, key, "POST", "held-messages/decide", body).json() == {"messages": 1}
    assert ask(served, key, "POST", "held-messages/decide", body).json() == {"messages": 0}
    rest = {
        "why": "overdue",
        "content_id": "welcome_hello",
        "journey_id": "welcome",
        "decision": "close",
        "reason": "old news",
    }
    assert ask(served, key, "POST", "held-messages/decide", rest).json() == {"messages": len(ids) - 1}
    assert ask(served, key, "GET", "held-messages").json() == {"groups": [], "is_all": True}
    town.run()
    assert len(hand_over(town)) == 1
    assert ask(served, make_key("viewer"), "POST", "held-messages/decide", body).status_code == 403
    assert ask(served, key, "POST", "held-messages/decide", {**body, "decision": "drop"}).status_code == 422
