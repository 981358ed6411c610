"""Consent: the order of arrival decides nothing, nothing but proof lifts a withdrawal, a merge never widens."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kundenkreis.customers.core.consent import (
    MOST_SOFT_BOUNCES,
    PENDING_ADDRESS,
    apply_consent,
    merge_consent,
    soft_suppression,
    why_idle,
)
from kundenkreis.customers.core.permission import permission, suppression, void_grants
from kundenkreis.customers.core.state import Attribute, Consent, CustomerState, Grant, decode_state, encode_state
from kundenkreis.customers.core.turn import Turn
from kundenkreis.kernel.ids import NEVER
from kundenkreis.kernel.rows import CLAIMED, DERIVED, PUBLIC, LogRow
from kundenkreis.kernel.zones import DAY, zone

pytestmark = pytest.mark.pure

BERLIN = zone("Europe/Berlin")
EVIDENCE = {"text_version": "3", "form": "https://shop.example/newsletter"}
NEWS = {"channel": "email", "purpose": "newsletter"}
ADDRESS = "anna@example.org"


def person(email: str | None = ADDRESS, country: str = "DE") -> CustomerState:
    state = CustomerState(profile_id=7, bucket_key="k", created_us=0, first_seen_us=0)
    state.profile.attributes["country"] = Attribute(country, 0, b"", "test")
    if email is not None:
        state.profile.attributes["email"] = Attribute(email, 0, b"", "test")
    return state


def event(name: str, at: int, properties: dict[str, Any] | None = None, **changes: Any) -> LogRow:
    values: dict[str, Any] = {
        "partition": 7, "number": at, "event_id": f"{name}{at}".encode(), "profile_id": 7, "type": "track",
        "name": name,
        "happened_us": at, "received_us": at, "at_us": at, "day": 0, "origin": "api",
        "body": {"properties": properties or {}},
    }  # fmt: skip
    return LogRow(**{**values, **changes})


def fold(state: CustomerState, *rows: LogRow, dirty: tuple[str, ...] = ()) -> set[str]:
    """All keys that folding these rows marked."""
    marked: set[str] = set()
    for row in rows:
        turn = Turn(state, row.at_us, row=row, zone=BERLIN, rulebook_version=1)
        turn.dirty.update(dirty)
        apply_consent(turn)
        marked |= turn.dirty
    return marked


def epoch(state: CustomerState, *, message_class: str = "marketing") -> int:
    bases = ("express_consent", "contract")
    return permission(state, "email", "newsletter", message_class=message_class, at_us=1000, bases=bases).epoch


def test_a_permission_has_the_number_of_its_proven_confirmation() -> None:
    state = person()
    fold(state, event("Consent Confirmed", 5, {**NEWS, **EVIDENCE}, links={"inbox": 30}))
    assert (epoch(state), epoch(state, message_class="transactional")) == (30, 0)
    fold(state, event("Consent Confirmed", 4, {**NEWS, **EVIDENCE}, links={"inbox": 31}))
    assert epoch(state) == 30
    fold(state, event("Unsubscribed", 6, NEWS))
    assert epoch(state) == 0
    fold(state, event("Consent Confirmed", 7, {**NEWS, **EVIDENCE}, links={"inbox": 40}))
    state.commerce.last_order_us = 1
    assert (epoch(state), epoch(state, message_class="service")) == (40, 40)


def test_what_lifts_no_withdrawal_has_no_number() -> None:
    imported = person()
    fold(imported, event("Consent Confirmed", 5, {**NEWS, **EVIDENCE}, origin="import", links={"inbox": 30}))
    assert (may(imported)[0], epoch(imported)) == (True, 0)
    odd = person()
    fold(odd, event("Consent Confirmed", 5, {**NEWS, **EVIDENCE}, links={"inbox": "30"}))
    assert (may(odd)[0], epoch(odd)) == (True, 0)


def may(state: CustomerState, at: int = 1000, **changes: Any) -> tuple[bool, str, str]:
    asked: dict[str, Any] = {
        "message_class": "marketing", "at_us": at, "bases": ("express_consent",), "categories": (), **changes,
    }  # fmt: skip
    answer = permission(state, asked.pop("channel", "email"), asked.pop("purpose", "newsletter"), **asked)
    return answer.allowed, answer.basis, answer.reason


CONFIRMED = event("Consent Confirmed", 10, {**NEWS, **EVIDENCE})


def test_nothing_on_record_is_no_ground() -> None:
    assert may(person()) == (False, "", "no_basis")


def test_confirmation_with_proof_is_a_ground_for_exactly_its_channel_and_purpose() -> None:
    state = person()
    assert fold(state, CONFIRMED) == {"consent"}
    assert may(state) == (True, "express_consent", "express_consent")
    assert may(state, channel="sms") == (False, "", "no_basis")
    assert may(state, purpose="survey") == (False, "", "no_basis")


@pytest.mark.parametrize("evidence", [{"text_version": True, "form": "f"}, {"text_version": "1", "form": [1]}])
def test_a_malformed_proof_proves_nothing(evidence: dict[str, Any]) -> None:
    state = person()
    assert fold(state, event("Consent Confirmed", 10, {**NEWS, **evidence})) == set()


@pytest.mark.parametrize(
    ("name", "properties"),
    [
        ("Consent Withdrawn", {"channel": "Email", "purpose": "Newsletter"}),
        ("Consent Withdrawn", {"channel": "email "}),
        ("Consent Objected", {"scope": "email"}),
        ("Consent Objected", {"scope": "nonsense"}),
        ("Consent Objected", {"scope": " Channel:Email"}),
        ("Unsubscribed", {"scope": "ALL"}),
        ("Unsubscribed", {"channel": "EMAIL", "purpose": " newsletter"}),
    ],
)
def test_a_no_is_heard_however_it_is_written(name: str, properties: dict[str, Any]) -> None:
    state = person()
    fold(state, CONFIRMED, event(name, 11, properties))
    assert not may(state)[0]


@pytest.mark.parametrize("missing", ["text_version", "form"])
def test_confirmation_without_wording_or_proof_is_none(missing: str) -> None:
    state = person()
    evidence = {name: value for name, value in EVIDENCE.items() if name != missing}
    assert fold(state, event("Consent Confirmed", 10, {**NEWS, **evidence})) == set()
    assert state.consent == Consent()


@pytest.mark.parametrize("flag", [PUBLIC, CLAIMED, DERIVED])
@pytest.mark.parametrize(
    "name", ["Consent Confirmed", "Consent Withdrawn", "Consent Objected", "Unsubscribed", "Suppression Lifted"]
)
def test_public_rows_never_change_consent(name: str, flag: int) -> None:
    state = person()
    fold(state, CONFIRMED, event("Suppression Added", 11, {"email": ADDRESS}))
    before = encode_state(state)
    assert fold(state, event(name, 20, {**NEWS, **EVIDENCE, "email": ADDRESS}, flags=flag)) == set()
    assert encode_state(state) == before


@pytest.mark.parametrize(
    ("properties", "why"),
    [
        ({**NEWS, **EVIDENCE}, ""),
        ({**NEWS, "text_version": "3"}, "evidence"),
        ({**NEWS, "form": "https://shop.example"}, "evidence"),
        ({**NEWS, **EVIDENCE, "basis": "existing_customer"}, "basis"),
        ({**NEWS, **EVIDENCE, "basis": "because"}, "basis"),
        ({**NEWS, "basis": "presumed_b2b"}, ""),
        ({**EVIDENCE, "channel": "email"}, "scope"),
        ({**EVIDENCE, "purpose": "newsletter"}, "scope"),
        ({**EVIDENCE, "channels": ["email", "sms"], "purposes": ["newsletter", "*"]}, ""),
        ({**EVIDENCE, "purpose": "tracking"}, ""),
    ],
)
def test_what_confirms_nothing_says_why(properties: dict[str, Any], why: str) -> None:
    state = person()
    fold(state, event("Consent Confirmed", 10, properties))
    assert (why_idle(properties), bool(state.consent.grants)) == (why, not why)


def test_withdrawal_beats_a_grant_of_the_same_instant_and_every_older_one() -> None:
    for rows in ((CONFIRMED, event("Consent Withdrawn", 10, NEWS)), (event("Consent Withdrawn", 11, NEWS), CONFIRMED)):
        state = person()
        fold(state, *rows)
        assert may(state) == (False, "", "withdrawn")


def test_only_a_newer_proven_confirmation_lifts_a_withdrawal() -> None:
    state = person()
    fold(state, event("Consent Withdrawn", 20, NEWS))
    fold(state, event("Consent Confirmed", 30, {**NEWS, **EVIDENCE}, origin="import"))
    assert may(state) == (False, "", "withdrawn")
    fold(state, event("Consent Confirmed", 31, {**NEWS, **EVIDENCE}, origin="human"))
    assert may(state) == (True, "express_consent", "express_consent")


def test_import_with_proof_is_a_ground_where_nothing_was_withdrawn() -> None:
    state = person()
    fold(state, event("Consent Confirmed", 30, {**NEWS, **EVIDENCE}, origin="import"))
    assert may(state) == (True, "express_consent", "express_consent")


def test_consent_belongs_to_the_proved_address() -> None:
    state = person()
    fold(state, event("Consent Confirmed", 10, {**NEWS, **EVIDENCE, "email": "A@x.example "}))
    assert may(state) == (False, "", "address_changed")
    state.profile.attributes["email"].value = "a@X.example"
    assert may(state) == (True, "express_consent", "express_consent")


def test_grant_before_its_address_binds_to_the_first_one_known() -> None:
    state = person(email=None)
    fold(state, CONFIRMED)
    assert state.consent.grants["email|newsletter"].address == PENDING_ADDRESS
    assert may(state) == (False, "", "address_unproved")
    state.profile.attributes["email"] = Attribute(ADDRESS, 12, b"", "test")
    assert fold(state, event("", 12, type="identify"), dirty=("attribute:email",)) == {"attribute:email", "consent"}
    assert may(state) == (True, "express_consent", "express_consent")
    state.profile.attributes["email"].value = "other@example.org"
    fold(state, event("", 13, type="identify"), dirty=("attribute:email",))
    assert may(state) == (False, "", "address_changed")


def test_expiry_ends_a_grant_by_date_and_by_event() -> None:
    state = person()
    fold(state, event("Consent Confirmed", 10, {**NEWS, **EVIDENCE, "expires_at": "1970-01-02T00:00:00Z"}))
    assert may(state, at=DAY - 1)[0] is True
    assert may(state, at=DAY) == (False, "", "expired")
    fold(state, event("Consent Expired", 20, NEWS))
    assert may(state, at=30) == (False, "", "expired")


def test_objection_stops_its_scope_until_a_newer_proven_consent_for_exactly_that_purpose() -> None:
    state = person()
    survey = {"channel": "email", "purpose": "survey"}
    fold(state, CONFIRMED, event("Consent Confirmed", 10, {**survey, **EVIDENCE}), event("Consent Objected", 20))
    assert state.consent.objections == {"marketing": 20}
    assert may(state) == (False, "", "objected")
    fold(state, event("Consent Confirmed", 21, {**NEWS, **EVIDENCE}))
    assert may(state) == (True, "express_consent", "express_consent")
    assert may(state, purpose="survey") == (False, "", "objected")
    fold(state, event("Consent Objected", 22, {"channel": "sms"}))
    fold(state, event("Consent Objected", 22, {"scope": "profiling"}))
    assert state.consent.objections == {"channel:sms": 22, "marketing": 20, "profiling": 22}


def test_unsubscribing_is_per_list_and_all_when_asked() -> None:
    state = person()
    fold(state, CONFIRMED, event("Unsubscribed", 20, NEWS))
    assert may(state) == (False, "", "withdrawn")
    assert state.consent.objections == {}
    fold(state, event("Unsubscribed", 30, {"scope": "all"}))
    assert may(state) == (False, "", "objected")
    other = person()
    fold(other, CONFIRMED, event("Unsubscribed", 20))
    assert may(other) == (False, "", "withdrawn")


def test_complaint_is_for_all_marketing_and_cannot_be_lifted() -> None:
    state = person()
    fold(state, CONFIRMED, event("Email Marked as Spam", 20, origin="feedback"), event("Suppression Lifted", 30))
    assert may(state) == (False, "", "objected")
    assert suppression(state, "email", "marketing", 40) == ("complaint", 20, NEVER)
    assert suppression(state, "email", "transactional", 40) == ("", -1, -1)


def test_hard_bounce_stops_the_address_for_every_class_until_lifted() -> None:
    state = person()
    fold(state, event("Email Bounced", 20, {"bounce_class": "hard"}, origin="feedback"))
    assert suppression(state, "email", "transactional", 40) == ("hard", 20, NEVER)
    state.profile.attributes["email"].value = "new@example.org"
    assert suppression(state, "email", "transactional", 40) == ("", -1, -1)
    state.profile.attributes["email"].value = ADDRESS
    fold(state, event("Suppression Lifted", 30, origin="import"))
    assert suppression(state, "email", "transactional", 40) == ("hard", 20, NEVER)
    fold(state, event("Suppression Lifted", 31, origin="human"))
    assert suppression(state, "email", "transactional", 40) == ("", -1, -1)


def test_failed_hand_over_counts_as_the_bounce_it_was() -> None:
    state = person()
    fold(state, event("Message Failed", 20, {"reason": "hard_bounce", "channel": "email"}, origin="feedback"))
    assert suppression(state, "email", "marketing", 40) == ("hard", 20, NEVER)
    other = person()
    fold(other, event("Message Failed", 20, {"reason": "soft_bounce"}, origin="feedback"))
    assert other.consent.soft_bounces == {ADDRESS: [-1, 20]}


def test_a_hand_over_on_another_channel_says_nothing_about_the_mailbox() -> None:
    state = person()
    state.profile.attributes["phone"] = Attribute("+49 301", 0, b"", "test")
    failed = {"reason": "hard_bounce", "channel": "sms"}
    fold(state, event("Email Bounced", 10, {"bounce_class": "soft"}), event("Message Sent", 15, {"channel": "sms"}))
    assert state.consent.soft_bounces == {ADDRESS: [-1, 10]}
    fold(state, event("Message Failed", 20, failed, origin="feedback"))
    assert suppression(state, "email", "marketing", 40) == ("", -1, -1)
    assert suppression(state, "sms", "transactional", 40) == ("hard", 20, NEVER)


def test_a_suppression_is_heard_however_its_channel_is_written() -> None:
    state = person()
    fold(state, event("Suppression Added", 20, {"channel": "Email ", "address": ADDRESS, "scope": "All"}))
    assert suppression(state, "email", "transactional", 40) == ("manual", 20, NEVER)
    fold(state, event("Suppression Lifted", 21, {"channel": "EMAIL", "address": ADDRESS}))
    assert suppression(state, "email", "transactional", 40) == ("", -1, -1)


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"is_final": True, "reason": "no such user"}, "hard"),
        ({"is_final": True, "reason": "policy"}, ""),
        ({"is_final": True, "bounce_class": "content_rejected"}, ""),
        ({"is_final": False}, ""),
        ({"is_final": "yes"}, ""),
        ({}, ""),
    ],
)
def test_final_bounce_is_hard_unless_it_is_not_about_the_person(properties: dict[str, Any], reason: str) -> None:
    state = person()
    fold(state, event("Email Bounced", 20, properties, origin="feedback"))
    assert suppression(state, "email", "marketing", 40)[0] == reason
    assert (state.consent.soft_bounces != {}) is (properties == {"is_final": False})


def test_bounce_for_policy_or_content_says_nothing_about_the_person() -> None:
    state = person()
    assert fold(state, event("Email Bounced", 20, {"bounce_class": "policy"}, origin="feedback")) == set()


def test_soft_bounces_rest_the_address_30_days_once() -> None:
    state = person()
    bounce = {"bounce_class": "soft"}
    fold(state, *(event("Email Bounced", at * DAY, bounce, origin="feedback") for at in (1, 2, 8)))
    assert suppression(state, "email", "marketing", 9 * DAY) == ("soft", 8 * DAY, 38 * DAY)
    assert suppression(state, "email", "service", 9 * DAY) == ("", -1, -1)
    assert suppression(state, "email", "marketing", 38 * DAY) == ("", -1, -1)
    fold(state, event("Email Bounced", 40 * DAY, bounce, origin="feedback"))
    assert suppression(state, "email", "marketing", 41 * DAY) == ("soft", 40 * DAY, NEVER)
    fold(state, event("Email Delivered", 42 * DAY, origin="feedback"))
    assert suppression(state, "email", "marketing", 43 * DAY) == ("", -1, -1)


@pytest.mark.parametrize("often_us", [DAY, DAY // 3, 4 * DAY])
def test_a_rest_does_not_begin_anew_however_many_soft_bounces_come(often_us: int) -> None:
    state = person()
    for number in range(60 * DAY // often_us):
        fold(state, event("Email Bounced", DAY + number * often_us, {"bounce_class": "soft"}, origin="feedback"))
    assert suppression(state, "email", "marketing", 60 * DAY)[2] == NEVER
    assert len(state.consent.soft_bounces[ADDRESS]) == 1 + MOST_SOFT_BOUNCES


def test_three_soft_bounces_within_a_week_do_not_rest_it() -> None:
    assert soft_suppression([-1, DAY, 2 * DAY, 7 * DAY], 8 * DAY) == -1


def test_tracking_needs_its_own_consent() -> None:
    state = person()
    fold(state, CONFIRMED)
    assert state.consent.tracking is False
    fold(state, event("Consent Confirmed", 11, {"channel": "email", "purpose": "tracking", **EVIDENCE}))
    assert state.consent.tracking is True
    fold(state, event("Consent Withdrawn", 12, {"purpose": "tracking"}))
    assert state.consent.tracking is False


ORDER = {"order_id": "o1", "notice_version": "2", "email": ADDRESS}
EXISTING: dict[str, Any] = {
    "bases": ("express_consent", "existing_customer"), "purpose": "similar_goods", "categories": ("coffee",),
}  # fmt: skip


def buyer(properties: dict[str, Any] | None = None, country: str = "DE") -> CustomerState:
    state = person(country=country)
    state.commerce.order_count, state.commerce.categories = 1, {"coffee": 10}
    fold(state, event("Order Completed", 10, properties if properties is not None else ORDER))
    return state


def test_existing_customer_needs_all_four_conditions() -> None:
    held = buyer()
    assert may(held, **EXISTING) == (True, "existing_customer", "existing_customer")
    no_notice = buyer({"order_id": "o1", "email": ADDRESS})
    other_address = buyer({**ORDER, "email": "other@example.org"})
    cancelled = buyer()
    cancelled.commerce.order_count = 0
    objected = buyer()
    fold(objected, event("Consent Objected", 20))
    withdrawn = buyer()
    fold(withdrawn, event("Unsubscribed", 20), event("Order Completed", 30, ORDER))
    found = [may(one, **EXISTING) for one in (no_notice, other_address, cancelled, objected, withdrawn)]
    reasons = ("no_basis", "address_changed", "no_basis", "objected", "withdrawn")
    assert found == [(False, "", reason) for reason in reasons]
    assert may(held, **{**EXISTING, "categories": ("garden",)}) == (False, "", "goods_not_similar")
    assert may(held, **{**EXISTING, "categories": ()}) == (False, "", "goods_not_similar")
    assert may(held, **EXISTING, channel="call") == (False, "", "no_basis")


def test_country_of_the_person_picks_the_rules() -> None:
    assert may(buyer(country="CH"), **EXISTING)[0] is True
    assert may(buyer(country="FR"), **EXISTING) == (False, "", "country_rule")
    assert may(buyer(country=""), **EXISTING) == (False, "", "country_rule")
    austrian = buyer(country="AT")
    assert may(austrian, **EXISTING) == (False, "", "country_rule")
    austrian.profile.attributes["ecg_listed"] = Attribute(False, 0, b"", "test")
    assert may(austrian, **EXISTING)[0] is True


@pytest.mark.parametrize(("country", "allowed"), [("DE", True), ("AT", False), ("CH", False), ("", False)])
def test_calls_on_presumed_consent_only_to_businesses_in_germany(country: str, allowed: bool) -> None:
    state = person(country=country)
    asked: dict[str, Any] = {"channel": "call", "purpose": "sales_call", "bases": ("express_consent", "presumed_b2b")}
    assert may(state, **asked) == (False, "", "no_basis")
    assert may(state, **{**asked, "channel": "email"}) == (False, "", "no_basis")
    state.profile.attributes["business"] = Attribute(True, 0, b"", "test")
    assert may(state, **asked) == ((True, "presumed_b2b", "presumed_b2b") if allowed else (False, "", "country_rule"))


def test_legitimate_interest_carries_letters_only() -> None:
    assert may(person(), channel="letter", bases=("legitimate_interest",))[:2] == (True, "legitimate_interest")
    assert may(person(), channel="email", bases=("legitimate_interest",)) == (False, "", "no_basis")


def test_service_needs_a_contract_and_can_be_switched_off() -> None:
    asked: dict[str, Any] = {"message_class": "service", "purpose": "help", "bases": ("contract",)}
    state = person()
    assert may(state, **asked) == (False, "", "no_contract")
    state.commerce.last_order_us = 5
    assert may(state, **asked) == (True, "contract", "contract")
    fold(state, event("Consent Objected", 20, {"scope": "service"}))
    assert may(state, **asked) == (False, "", "service_switched_off")


def test_help_is_switched_off_by_its_purpose_until_it_is_confirmed_anew() -> None:
    asked: dict[str, Any] = {"message_class": "service", "purpose": "help", "bases": ("contract",)}
    for name, properties in (
        ("Consent Withdrawn", {"purpose": "help"}),
        ("Consent Withdrawn", {"channel": "email", "purpose": "help"}),
        ("Consent Objected", {"purpose": "help"}),
    ):
        state = person()
        state.commerce.last_order_us = 5
        fold(state, event(name, 20, properties))
        assert may(state, **asked) == (False, "", "service_switched_off")
        again = {"channel": "email", "purpose": "help", **EVIDENCE}
        fold(state, event("Consent Confirmed", 19, again))
        assert may(state, **asked) == (False, "", "service_switched_off")
        fold(state, event("Consent Confirmed", 21, again))
        assert may(state, **asked) == (True, "contract", "contract")
    state = person()
    state.commerce.last_order_us = 5
    fold(state, event("Consent Withdrawn", 20, {"channel": "email"}))
    assert may(state, **asked) == (True, "contract", "contract")


def test_transactional_always_may() -> None:
    state = person()
    fold(state, event("Consent Objected", 20), event("Consent Withdrawn", 20))
    asked: dict[str, Any] = {"message_class": "transactional", "purpose": "order", "bases": ("legal_duty",)}
    assert may(state, **asked) == (True, "legal_duty", "always")


# Properties -----------------------------------------------------------------------------------------------------------

_PAIRS = st.sampled_from(
    [NEWS, {"channel": "email", "purpose": "survey"}, {"channel": "email"}, {"purpose": "tracking"}, {}]
)
_EVENTS = st.builds(
    lambda name, pair, extra, at, origin: (name, {**pair, **extra, "email": ADDRESS}, at, origin),
    st.sampled_from(
        [
            "Consent Requested", "Consent Confirmed", "Consent Withdrawn", "Consent Objected", "Consent Expired",
            "Unsubscribed", "Email Bounced", "Email Marked as Spam", "Suppression Added", "Suppression Lifted",
            "Order Completed",
        ]
    ),
    _PAIRS,
    st.sampled_from(
        [{}, EVIDENCE, {**EVIDENCE, "basis": "requested"}, {"bounce_class": "hard"}, {"bounce_class": "soft"}, ORDER]
    ),
    st.integers(1, 9).map(lambda day: day * DAY),
    st.sampled_from(["api", "human", "import", "feedback"]),
)  # fmt: skip


def _rows(events: list[tuple[str, dict[str, Any], int, str]], *, first_id: int = 0) -> list[LogRow]:
    return [
        event(name, at, properties, origin=origin, event_id=i.to_bytes(16, "big"))
        for i, (name, properties, at, origin) in enumerate(events, first_id)
    ]


@settings(deadline=None)
@given(st.lists(_EVENTS, max_size=12), st.randoms(use_true_random=False))
def test_any_order_of_arrival_gives_the_same_consent(
    events: list[tuple[str, dict[str, Any], int, str]], random: Any
) -> None:
    rows = _rows(events)
    one, other = person(), person()
    fold(one, *rows)
    random.shuffle(rows)
    fold(other, *rows)
    _without_soft_lifts(one, other, rows)
    assert encode_state(one) == encode_state(other)
    assert encode_state(decode_state(encode_state(one))) == encode_state(one)


def _without_soft_lifts(one: CustomerState, other: CustomerState, rows: list[LogRow]) -> None:
    """Lifting clears counted soft bounces only where some are counted; their order is the order of our own sending."""
    if any(row.name == "Suppression Lifted" for row in rows):
        one.consent.soft_bounces, other.consent.soft_bounces = {}, {}


@settings(deadline=None)
@given(st.lists(_EVENTS, max_size=8), st.lists(_EVENTS, max_size=8))
def test_merge_never_widens(
    mine: list[tuple[str, dict[str, Any], int, str]], theirs: list[tuple[str, dict[str, Any], int, str]]
) -> None:
    winner, loser = person(), person()
    fold(winner, *_rows(mine))
    fold(loser, *_rows(theirs, first_id=100))
    merged, swapped = (decode_state(encode_state(one)) for one in (winner, loser))
    merge_consent(merged.consent, loser.consent)
    merge_consent(swapped.consent, winner.consent)
    assert merged.consent == swapped.consent
    for purpose in ("newsletter", "survey"):
        answers = [may(one, at=20 * DAY, purpose=purpose) for one in (winner, loser)]
        if may(merged, at=20 * DAY, purpose=purpose)[0]:
            assert any(allowed for allowed, _, _ in answers)
            assert not any(reason in ("withdrawn", "objected", "expired") for _, _, reason in answers)
    for one in (winner, loser):
        for message_class in ("marketing", "transactional"):
            if suppression(one, "email", message_class, 20 * DAY)[0] == "complaint":
                assert suppression(merged, "email", message_class, 20 * DAY)[0] != ""


def test_merge_what_had_lifted_an_objection_and_has_run_out_lifts_it_no_more() -> None:
    other_address = {**NEWS, **EVIDENCE, "email": "other@example.org"}
    run_out = {**NEWS, **EVIDENCE, "email": ADDRESS, "expires_at": "1970-01-01T00:00:00.000040+00:00"}
    for again in (other_address, run_out):
        objector, other = person(), person()
        fold(objector, event("Consent Objected", 10), event("Consent Confirmed", 20, again))
        fold(other, event("Consent Confirmed", 30, {**NEWS, **EVIDENCE, "email": ADDRESS}))
        assert (may(objector)[2], may(other)[0]) == ("objected", True)
        assert (void_grants(objector, 1000), void_grants(other, 1000)) == ({"email|newsletter"}, set())
        merge_consent(other.consent, objector.consent, void=(void_grants(other, 1000), void_grants(objector, 1000)))
        assert may(other) == (False, "", "objected")


def test_merge_a_withdrawal_beats_a_newer_grant_and_no_record_yields() -> None:
    withdrawn = Consent(grants={"email|newsletter": Grant("express_consent", False, 5, b"w")})
    granted = Consent(grants={"email|newsletter": Grant("express_consent", True, 9, b"g", ADDRESS, NEVER, True)})
    assert merge_consent(Consent(), granted).grants == granted.grants
    assert merge_consent(granted, withdrawn).grants == withdrawn.grants
