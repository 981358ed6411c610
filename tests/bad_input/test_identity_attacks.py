"""A public write key changes nothing of a known person, and nobody is merged into an attacker (A22, A23)."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from kundenkreis.customers.core.state import CustomerState, decode_state
from kundenkreis.kernel.zones import MINUTE
from tests.privacy.company import Company

pytestmark = pytest.mark.db

MakeCompany = Callable[..., Company]

HER = {"userId": "victim", "anonymousId": "her-browser"}
PROOF = {"wording": "Ja, ich will", "text_version": "1", "form": "Anmeldung", "basis": "express_consent"}
EVIL_TRAITS = {
    "email": "boese@example.com", "phone": "+491701234567", "consent_email": True, "consent": {"email": True}, "unsubscribed": False,
    "role": "admin", "created_at": "2001-01-01", "workspace_id": 1, "_id": 1, "id": "victim", "userId": "victim", "user_id": "victim",
    "lifetime_value": 99_999, "firstName": "Mallory", "__proto__": {"role": "admin"}, "suppressed": False, "bucket_key": "x", "profile_id": 1,
    "identifiers": [["user_id", "victim"]], "known": True,
}  # fmt: skip
EVIL_EVENTS = (
    "Consent Confirmed", "Consent Withdrawn", "Consent Objected", "Attribute Set", "Merge Requested", "State Surrendered", "Suppression Lifted",
    "Unsubscribed", "Rulebook Published", "Message Sent", "Email Bounced",
)  # fmt: skip


def known_person(company: Company) -> int:
    """She is known, may be written to on one address, and browses with her own browser."""
    company.post(
        {"type": "identify", **HER, "traits": {"email": "anna@example.com", "firstName": "Anna"}},
        {"event": "Consent Confirmed", **HER, "properties": {"channel": "email", "purpose": "newsletter", "address": "anna@example.com", **PROOF}},
    )  # fmt: skip
    company.run()
    return int(company.rows("SELECT profile_id FROM identifiers WHERE kind = 'user_id'")[0][0])


def state_of(company: Company, profile_id: int) -> CustomerState:
    return decode_state(bytes(company.rows("SELECT state FROM states WHERE profile_id = ?", (profile_id,))[0][0]))


def what_she_is(state: CustomerState) -> tuple[Any, ...]:
    """Everything that a public key must not change."""
    profile = state.profile
    values = {name: held.value for name, held in profile.attributes.items()}
    return values, profile.identifiers, profile.known, profile.groups, state.consent, state.bucket_key, state.absorbed


@pytest.mark.parametrize(
    "named", [{"userId": "victim", "anonymousId": "evil-browser"}, HER, {"anonymousId": "her-browser"}]
)
def test_mass_assignment_changes_nothing_of_a_known_person(
    found: MakeCompany, database: str, named: dict[str, str]
) -> None:
    company = found(database)
    her = known_person(company)
    before = what_she_is(state_of(company, her))
    company.clock.advance_to(company.clock.now_us() + MINUTE)
    company.post({"type": "identify", **named, "traits": EVIL_TRAITS, "context": {"traits": EVIL_TRAITS}}, public=True)
    company.post({"type": "group", **named, "groupId": "admins", "traits": EVIL_TRAITS}, public=True)
    for name in EVIL_EVENTS:
        consent = {"channel": "email", "purpose": "*", "address": "boese@example.com", **PROOF}
        company.post(
            {"event": name, **named, "properties": {**consent, "name": "email", "value": "x", "into": her}}, public=True
        )
    company.run()
    assert what_she_is(state_of(company, her)) == before
    assert company.rows("SELECT count(*) FROM merges") == [(0,)]
    assert company.rows("SELECT * FROM quarantined_customers") == []
    assert {row[0] for row in company.rows("SELECT code FROM quarantined_events")} == {"needs_server_key"}
    assert company.rows("SELECT value FROM identifiers WHERE kind IN ('email', 'phone')") == [("anna@example.com",)]


def test_a_stranger_may_describe_only_itself_and_never_by_address(found: MakeCompany, database: str) -> None:
    company = found(database)
    her = known_person(company)
    company.post({"type": "identify", "userId": "victim", "anonymousId": "evil", "traits": EVIL_TRAITS}, public=True)
    company.run()
    (stranger,) = [row[0] for row in company.rows("SELECT profile_id FROM states") if row[0] != her]
    state = state_of(company, stranger)
    assert state.profile.identifiers == [["anonymous_id", "evil"]]
    assert (state.profile.known, state.profile.claimed_user_id) == (False, "victim")
    assert not set(state.profile.attributes) & {
        "email",
        "phone",
        "role",
        "consent",
        "unsubscribed",
        "id",
        "userId",
        "user_id",
    }
    assert state.consent.grants == {}


TRAIT_NAMES = [
    '"); DROP TABLE states; --', "__proto__", "constructor", "prototype", "$ref/../x", "a" * 300, "bucket_key", "profile_id", "consent", "consent_email",
    "consent.email", "suppressed", "unsubscribed", "opt_in", "größe", "a\nb", "", " ", "{{7*7}}", "a[0][expr]", "a')--", "\u202ename", "_id",
]  # fmt: skip


@pytest.mark.parametrize("public", [False, True])
def test_names_of_traits_that_could_do_harm_become_no_attribute(
    found: MakeCompany, database: str, public: bool
) -> None:
    """They stay in the log as data (A7); what is ours, and what only consent events may say, never becomes an attribute."""
    company = found(database)
    traits = {
        **dict.fromkeys(TRAIT_NAMES, "x"),
        "favourite tea": "Assam",
        "shoe_size": 39,
        "lifetime_value": 7,
        "created_at": "2001-01-01",
    }
    company.post({"type": "identify", "anonymousId": "a-1", "traits": traits}, public=public)
    company.run()
    ((profile_id, body),) = company.rows("SELECT profile_id, body FROM log WHERE type = 'identify'")
    kept = set(state_of(company, profile_id).profile.attributes)
    allowed_to_servers = set() if public else {"lifetime_value", "created_at"}
    assert kept - {" "} == {"favourite tea", "shoe_size"} | allowed_to_servers
    assert set(json.loads(bytes(body))["traits"]) == set(traits)
    many = {f"k{number}": number for number in range(301)}
    company.post({"type": "identify", "userId": "many", "traits": many})
    company.run()
    assert company.rows("SELECT code FROM quarantined_events") == [("too_many_keys",)]


def test_a_public_key_cannot_alias_or_hand_over_a_person(found: MakeCompany, database: str) -> None:
    company = found(database)
    her = known_person(company)
    for previous, user in (("victim", "evil"), ("her-browser", "evil"), ("evil", "victim")):
        company.post({"type": "alias", "previousId": previous, "userId": user, "anonymousId": "evil"}, public=True)
    company.run()
    assert company.rows("SELECT code, count(*) FROM quarantined_events GROUP BY code") == [("needs_server_key", 3)]
    assert company.rows("SELECT profile_id FROM states") == [(her,)]


def test_alias_chains_and_circles_end_in_one_person(found: MakeCompany, database: str) -> None:
    company = found(database)
    company.post(*[{"event": "Seen", "userId": name} for name in "abcd"])
    company.run()
    for previous, user in (("a", "b"), ("b", "c"), ("c", "a"), ("a", "a"), ("c", "b"), ("d", "a"), ("a", "d")):
        company.post({"type": "alias", "previousId": previous, "userId": user})
    company.post(*[{"event": "After", "userId": name} for name in "abcd"])
    company.run()
    states = [decode_state(bytes(row[0])) for row in company.rows("SELECT state FROM states")]
    living = [state for state in states if not state.forwarded_to]
    assert (len(states), len(living)) == (4, 1)
    assert living[0].absorbed == sorted(state.profile_id for state in states if state.forwarded_to)
    assert {row[0] for row in company.rows("SELECT profile_id FROM identifiers")} == {living[0].profile_id}
    for state in states:
        seen, here = set(), state
        while here.forwarded_to:
            assert here.profile_id not in seen
            seen.add(here.profile_id)
            here = next(one for one in states if one.profile_id == here.forwarded_to)
    assert company.rows("SELECT * FROM quarantined_customers") == []


def test_two_in_one_batch_that_want_to_swallow_each_other(found: MakeCompany, database: str) -> None:
    company = found(database)
    company.post({"event": "Seen", "userId": "a"}, {"event": "Seen", "userId": "b"})
    company.post(
        {"type": "alias", "previousId": "a", "userId": "b"}, {"type": "alias", "previousId": "b", "userId": "a"}
    )
    company.run()
    states = [decode_state(bytes(row[0])) for row in company.rows("SELECT state FROM states")]
    assert sorted(bool(state.forwarded_to) for state in states) == [False, True]


def test_consent_after_a_merge_is_the_strictest(found: MakeCompany, database: str) -> None:
    company = found(database)
    properties = {"channel": "email", "purpose": "newsletter", "address": "anna@example.com", **PROOF}
    for user in ("a", "b"):
        company.post({"event": "Consent Confirmed", "userId": user, "properties": properties})
        company.clock.advance_to(company.clock.now_us() + MINUTE)
    company.post({"event": "Consent Objected", "userId": "a", "properties": {"channel": "email", "scope": "marketing"}})
    company.run()
    company.post({"type": "alias", "previousId": "a", "userId": "b"})
    company.run()
    states = [decode_state(bytes(row[0])) for row in company.rows("SELECT state FROM states")]
    (winner,) = [state for state in states if not state.forwarded_to]
    assert winner.consent.objections != {}


def test_another_persons_browser_is_not_taken_over(found: MakeCompany, database: str) -> None:
    """Two people on one computer: the second sign-in does not inherit the first person."""
    company = found(database)
    her = known_person(company)
    before = what_she_is(state_of(company, her))
    company.post(
        {"type": "identify", "userId": "evil", "anonymousId": "her-browser", "traits": {"email": "evil@example.com"}}
    )
    company.run()
    assert what_she_is(state_of(company, her)) == before
    assert company.rows("SELECT count(*) FROM merges") == [(0,)]
