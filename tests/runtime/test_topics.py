"""Choosing topics by the link in a message, on the whole way to the gate."""

import asyncio
from pathlib import Path

import httpx
import pytest

from kundenkreis.channels.core.tokens import Action, Scope, TokenKey
from kundenkreis.kernel.zones import DAY, MINUTE
from kundenkreis.runtime.dispatching import LINK_KEY
from kundenkreis.runtime.public_links import public_links, topics_of
from kundenkreis.settings import secret_key
from tests.runtime.town import Town

pytestmark = pytest.mark.db
PROOF = {"basis": "express_consent", "wording": "Ja", "proof": "form 7"}


@pytest.fixture
def consenting(tmp_path: Path) -> Town:
    town = Town(tmp_path, journeys=False)
    town.send("identify", userId="u", traits={"email": "u@example.com", "country": "DE"})
    for purpose in ("newsletter", "birthday"):
        properties = {"channel": "email", "purpose": purpose, **PROOF}
        town.send("track", userId="u", event="Consent Confirmed", properties=properties)
    town.send("identify", anonymousId="a")
    town.run()
    return town


def profile(town: Town, value: str) -> int:
    with town.installation.store.reading() as tx:
        return int(tx.rows("SELECT profile_id FROM identifiers WHERE value = ?", (value,))[0][0])


def test_a_topic_that_is_left_is_left_at_once_and_for_good(consenting: Town) -> None:
    person, known = profile(consenting, "u"), topics_of(consenting.installation)
    assert [one.purpose for one in known(person, "email")] == ["newsletter", "birthday"]
    assert known(person, "sms") == []
    key = TokenKey(secret_key(consenting.settings, LINK_KEY))
    day = consenting.clock.now_us() // DAY
    token = key.seal(Scope("preferences", person, b"m" * 16, "newsletter", "email", "de", day))

    async def choose() -> httpx.Response:
        transport = httpx.ASGITransport(app=public_links(consenting.installation)["/p/"])
        async with httpx.AsyncClient(transport=transport, base_url="https://post.example") as client:
            return await client.post(f"/p/{token}", data={"topic": "birthday", "save": "topics"})

    assert asyncio.run(choose()).status_code == 200
    with consenting.installation.store.reading() as tx:
        assert tx.rows("SELECT scope FROM fences WHERE profile_id = ?", (person,))
    consenting.run()
    assert [one.purpose for one in known(person, "email")] == ["birthday"]
    consenting.close()


def test_who_was_joined_into_somebody_receives_what_they_do(consenting: Town) -> None:
    visitor = profile(consenting, "a")
    consenting.send("identify", userId="u", anonymousId="a")
    consenting.run()
    consenting.pass_time(DAY)
    known = topics_of(consenting.installation)
    assert known(visitor, "email") == known(profile(consenting, "u"), "email") != []
    assert known(12345, "email") == []
    consenting.close()


@pytest.mark.parametrize(
    ("prefix", "form"),
    [("/u/", {"reach": "purpose"}), ("/p/", {"topic": "birthday", "save": "topics"})],
)
def test_the_link_of_an_old_message_withdraws_a_newer_consent_too(
    consenting: Town, prefix: str, form: dict[str, str]
) -> None:
    person, known = profile(consenting, "u"), topics_of(consenting.installation)
    key = TokenKey(secret_key(consenting.settings, LINK_KEY))
    action: Action = "unsubscribe" if prefix == "/u/" else "preferences"
    day = consenting.clock.now_us() // DAY
    token = key.seal(Scope(action, person, b"m" * 16, "newsletter", "email", "de", day))

    async def leave() -> httpx.Response:
        transport = httpx.ASGITransport(app=public_links(consenting.installation)[prefix])
        async with httpx.AsyncClient(transport=transport, base_url="https://post.example") as client:
            return await client.post(f"{prefix}{token}", data=form)

    for _ in range(2):
        assert asyncio.run(leave()).status_code == 200
        consenting.run()
        assert [one.purpose for one in known(person, "email")] == ["birthday"]
        consenting.pass_time(MINUTE)
        again = {"channel": "email", "purpose": "newsletter", **PROOF}
        consenting.send("track", userId="u", event="Consent Confirmed", properties=again)
        consenting.run()
        assert [one.purpose for one in known(person, "email")] == ["newsletter", "birthday"]
        consenting.pass_time(MINUTE)
    consenting.close()
