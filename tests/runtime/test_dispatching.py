"""The gate of the dispatcher: the one judge with the real time, in full words."""

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from kundenkreis.channels.dispatcher import Withheld
from kundenkreis.channels.errors import DkimKeyError
from kundenkreis.customers.core.state import Attribute, CustomerState
from kundenkreis.kernel.zones import MINUTE
from kundenkreis.runtime.dispatching import Roster, build_world, dkim_key, recipient, smtp_server
from kundenkreis.runtime.resolver import contact_pairs
from kundenkreis.settings import Settings
from tests.channels.company import message_of
from tests.runtime.town import Town

pytestmark = pytest.mark.db


def test_a_refusal_at_hand_over_keeps_what_it_rests_on(town: Town) -> None:
    """An address is suppressed between release and hand-over: the refusal says by whom and since when."""
    released = (
        "SELECT effect_id, profile_id, due_us FROM verdicts WHERE outcome = 'released' AND purpose = 'newsletter' "
        "ORDER BY sequence DESC, effect_id"
    )
    with town.installation.store.reading() as tx:
        before = {bytes(row[0]) for row in tx.rows(released)}
    permission = {"channel": "email", "purpose": "newsletter"}
    proof = {"basis": "express_consent", "wording": "News, please", "proof": "form 7"}
    for number in range(20, 40):  # some of them are in a control group
        user, mail = f"u{number}", f"u{number}@example.com"
        town.send("identify", userId=user, traits={"email": mail, "country": "DE"})
        town.send("track", userId=user, event="Consent Confirmed", properties=permission | proof)
    town.run()
    town.pass_time(MINUTE)
    with town.installation.store.reading() as tx:
        effect_id, profile_id, due_us = next(row for row in tx.rows(released) if bytes(row[0]) not in before)
    for number in range(20, 40):
        address = {"channel": "email", "address": f"u{number}@example.com", "reason": "asked by telephone"}
        town.send("track", userId=f"u{number}", event="Suppression Added", properties=address)
    town.run()
    message = message_of(
        effect_id=bytes(effect_id), profile_id=profile_id, due_us=due_us, purpose="newsletter",
        valid_until_us=due_us + 60 * MINUTE,
    )  # fmt: skip
    roster = Roster(town.installation)
    roster.people([message])
    answer = roster.gate(message, town.clock.now_us())
    assert isinstance(answer, Withheld)
    assert answer.reasons == [["suppressed", False, "manual", town.clock.now_us()]]


def test_each_channel_has_its_own_address(town: Town) -> None:
    town.send("identify", userId="u1", traits={"email": "u1@example.com", "phone": "+49 301"})
    town.run()
    with town.installation.store.reading() as tx:
        profile_id = tx.rows("SELECT profile_id FROM identifiers WHERE kind = 'user_id' AND value = 'u1'")[0][0]
    messages = [message_of(profile_id=profile_id, channel=channel) for channel in ("email", "sms", "email")]
    people = Roster(town.installation).people(messages)
    assert {key: one.address for key, one in people.items()} == {
        (profile_id, "email"): "u1@example.com",
        (profile_id, "sms"): "+49301",
    }


def test_who_speaks_is_as_published_last(town: Town) -> None:
    """It was read once, at the start of the process."""
    world = build_world(town.installation)
    before = world.brand()
    documents = [
        {**one, "sender_name": "Neuer Name", "imprint": {"de": "Neue Straße 1"}} if one["kind"] == "brand" else one
        for one in town.documents()
    ]
    town.publish(documents)
    assert before.from_name != "Neuer Name"
    assert (world.brand().from_name, world.brand().imprint) == ("Neuer Name", "Neue Straße 1")


@pytest.mark.parametrize(
    ("attributes", "zone_name"),
    [
        ({"timezone": "America/New_York", "country": "DE"}, "America/New_York"),
        ({"timezone": "Mitteleuropa", "country": "GB"}, "Europe/London"),
        ({"timezone": "Mitteleuropa"}, ""),
        ({"timezone": 7}, ""),
        ({}, ""),
    ],
)
def test_dates_in_a_message_are_those_of_the_clock_that_quiet_hours_know(
    attributes: dict[str, Any], zone_name: str
) -> None:
    """A zone that nobody knows left every instant in the message blank."""
    state = CustomerState(profile_id=1, bucket_key="k", created_us=0, first_seen_us=0)
    state.profile.attributes = {name: Attribute(value, 0, b"", "shop") for name, value in attributes.items()}
    assert recipient(state, "email").zone_name == zone_name


@pytest.mark.parametrize(
    "nobody",
    [
        {"phone": "unknown"},
        {"phone": "keine Angabe"},
        {"phone": "00000000"},
        {"phone": "1234"},
        {"email": "@"},
        {"email": "n/a @ n/a"},
        {"email": "n/a@n/a"},
    ],
)
def test_what_people_write_where_they_have_none_joins_nobody(nobody: dict[str, str]) -> None:
    assert contact_pairs(nobody) == []
    assert contact_pairs({"phone": "0911 / 12 34-5", "email": " Anna@Kunde.Example "}) == [
        ("email", "anna@kunde.example"), ("phone", "091112345"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("helo", "base_url", "name"),
    [
        ("", "", "localhost"),
        ("", "https://kreis.muster.example", "kreis.muster.example"),
        ("", "https://kreis.müster.example:8443", "kreis.xn--mster-kva.example"),
        ("", "https://192.0.2.7", "localhost"),
        ("mail.muster.example", "https://kreis.muster.example", "mail.muster.example"),
    ],
)
def test_the_mail_server_is_greeted_by_our_own_name(helo: str, base_url: str, name: str) -> None:
    settings = Settings(smtp_host="127.0.0.1", mail_from="a@muster.example", smtp_helo=helo, base_url=base_url)
    assert smtp_server(settings).helo_name == name


def test_mails_are_signed_in_the_name_of_the_senders_domain(tmp_path: Path) -> None:
    file = tmp_path / "dkim.pem"
    settings = Settings(
        smtp_host="127.0.0.1", mail_from="shop@müster.example", dkim_key_file=str(file), dkim_selector="s1"
    )
    with pytest.raises(DkimKeyError, match=r"dkim\.pem cannot be read: No such file or directory"):
        dkim_key(settings)
    private = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    pem = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    file.write_bytes(private.private_bytes(*pem))
    key = dkim_key(settings)
    assert key is not None
    assert (key.domain, key.selector, key.private_key.private_numbers()) == (
        "xn--mster-kva.example", "s1", private.private_numbers(),
    )  # fmt: skip
    assert dkim_key(Settings(smtp_host="127.0.0.1", mail_from="shop@muster.example")) is None
