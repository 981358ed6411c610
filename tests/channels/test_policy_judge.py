"""Judging: reservations, priorities, waiting, feedback."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kundenkreis.channels.core.policy import _ROWS, next_us
from kundenkreis.channels.core.policy_compiled import compile_policy
from kundenkreis.channels.core.policy_config import PolicyConfig
from kundenkreis.channels.core.policy_defaults import DEFAULT_POLICY
from kundenkreis.customers.core.consent import CONSENT_EVENTS
from kundenkreis.customers.core.state import Contact, Situation, decode_state, encode_state
from kundenkreis.customers.core.turn import Turn, VerdictEntry
from kundenkreis.kernel.effects import SendMessage
from kundenkreis.kernel.ids import NEVER
from kundenkreis.kernel.rows import DERIVED, PUBLIC
from kundenkreis.kernel.zones import DAY, HOUR, MINUTE
from tests.channels.policy_cases import (
    NIGHT,
    NOON,
    POLICY,
    customer,
    feedback,
    judged,
    local,
    message,
    open_situation,
    row_of,
    slots,
)

pytestmark = pytest.mark.pure


def outcomes(turn: Turn) -> list[tuple[int, str, str]]:
    """[(number of the message, outcome, deciding rule)] in the order judged."""
    return [
        (int.from_bytes(entry.effect_id, "big"), entry.outcome, entry.reasons[0][0])
        for entry in turn.records
        if isinstance(entry, VerdictEntry)
    ]


def test_candidate_that_passes_reaches_the_outbox_at_once() -> None:
    state = customer()
    planned = message(at_us=NOON, variables={"cart_id": "c1"}, journey_id="news", priority=6)
    turn = judged(state, NOON, planned)
    assert turn.effects == [
        SendMessage(
            planned.effect_id, 7, NOON, "email", "hello", "marketing", "newsletter", "news", b"", "send", NOON + 5 * DAY,
            {"cart_id": "c1"}, 6,
        )
    ]  # fmt: skip
    assert outcomes(turn) == [(1, "released", "basis")]
    assert [(event.name, event.properties["message"]) for event in turn.derived] == [
        ("Message Released", planned.effect_id.hex())
    ]
    assert (state.contact.planned[0].handed_over, slots(state)) == (True, {1: NOON})
    assert next_us(POLICY, state) == NEVER


def test_a_message_carries_the_epoch_of_its_confirmation_into_the_outbox() -> None:
    state, planned = customer(), message(at_us=NOON)
    state.consent.grants["email|newsletter"].epoch = 41
    effect = judged(state, NOON, planned).effects[0]
    assert isinstance(effect, SendMessage)
    assert effect.consent_epoch == 41


def test_at_night_it_is_reserved_and_released_when_the_night_ends() -> None:
    state, night, morning = customer(), local("2026-11-19 23:00"), local("2026-11-20 07:00")
    turn = judged(state, night, message(at_us=night))
    assert (outcomes(turn), turn.effects, turn.derived) == ([(1, "planned", "quiet_hours")], [], [])
    assert (slots(state), next_us(POLICY, state)) == ({1: morning}, morning)
    assert outcomes(judged(state, morning - 1)) == []
    turn = judged(state, morning)
    assert (outcomes(turn), len(turn.effects)) == ([(1, "released", "basis")], 1)
    assert [entry.sequence for entry in turn.records if isinstance(entry, VerdictEntry)] == [1]


def test_candidate_due_later_is_reserved_for_then() -> None:
    state = customer()
    judged(state, NOON, message(at_us=NOON, due_us=NOON + 3 * HOUR))
    assert (slots(state), next_us(POLICY, state)) == ({1: NOON + 3 * HOUR}, NOON + 3 * HOUR)


def test_what_changed_meanwhile_counts_when_it_is_due() -> None:
    state, night = customer(), local("2026-11-19 23:00")
    judged(state, night, message(at_us=night))
    judged(state, night + HOUR, row=row_of("Consent Withdrawn", night + HOUR, {"purpose": "newsletter"}))
    turn = judged(state, local("2026-11-20 07:00"))
    assert outcomes(turn) == [(1, "withheld", "withdrawn")]
    assert [event.properties["reason"] for event in turn.derived] == ["withdrawn"]
    assert (state.contact.planned, state.contact.contacts) == ([], [])


def test_more_important_ones_go_first_and_the_rest_waits_for_room() -> None:
    state = customer()
    turn = judged(state, NOON, *(message(n, at_us=NOON, priority=10 - n) for n in range(1, 5)))
    assert outcomes(turn) == [
        (4, "released", "basis"), (3, "planned", "limit"), (2, "planned", "limit"), (1, "withheld", "limit"),
    ]  # fmt: skip
    assert slots(state) == {4: NOON, 3: NOON + DAY, 2: NOON + 2 * DAY}


def test_higher_priority_displaces_what_is_only_planned() -> None:
    state = customer()
    judged(state, NOON, message(1, at_us=NOON, priority=9), message(2, at_us=NOON, priority=9))
    turn = judged(state, NOON + HOUR, message(3, at_us=NOON + HOUR, priority=2))
    assert outcomes(turn) == [(3, "planned", "limit"), (2, "displaced", "limit")]
    assert slots(state) == {1: NOON, 3: NOON + DAY, 2: NOON + 2 * DAY}
    equal = judged(state, NOON + 2 * HOUR, message(4, at_us=NOON, priority=9, valid_until_us=NOON + 2 * DAY))
    assert outcomes(equal) == [(4, "withheld", "limit")]
    assert slots(state) == {1: NOON, 3: NOON + DAY, 2: NOON + 2 * DAY}


def test_displaced_past_its_validity_is_withheld() -> None:
    state = customer()
    state.contact.contacts = [Contact(NOON - HOUR, "email", "marketing", b"x")]
    judged(state, NOON, message(1, at_us=NOON, priority=9, valid_until_us=NOON + 25 * HOUR))
    turn = judged(state, NOON + 1, message(2, at_us=NOON, priority=3))
    assert outcomes(turn) == [(2, "planned", "limit"), (1, "withheld", "limit")]
    assert [event.name for event in turn.derived] == ["Message Withheld"]


def test_service_and_transactional_use_no_budget() -> None:
    state = customer()
    state.commerce.last_order_us = 1
    many = [message(n, at_us=NOON, message_class="transactional", purpose="order") for n in range(1, 9)]
    many += [message(n, at_us=NOON, message_class="service", purpose="help") for n in range(9, 15)]
    assert [outcome for _, outcome, _ in outcomes(judged(state, NOON, *many))] == ["released"] * 14
    assert state.contact.contacts == []


def test_waiting_message_goes_when_the_matter_is_closed() -> None:
    state = customer()
    open_situation(state, "complaint", since_us=NOON - DAY)
    turn = judged(state, NOON, message(at_us=NOON, if_withheld="wait"))
    assert (outcomes(turn), turn.derived) == ([(1, "withheld", "situation")], [])
    assert (next_us(POLICY, state), state.contact.contacts) == (NOON + 5 * DAY, [])
    assert outcomes(judged(state, NOON + HOUR, row=row_of("Product Viewed", NOON + HOUR))) == []
    state.decisions.situations["complaint"] = Situation(NOON - DAY, {}, NOON + 3 * DAY)
    turn = judged(state, NOON + 2 * HOUR, row=row_of("Case Solved", NOON + 2 * HOUR))
    assert (outcomes(turn), slots(state)) == ([(1, "postponed", "situation")], {1: NOON + 3 * DAY})
    assert outcomes(judged(state, NOON + 3 * DAY)) == [(1, "released", "basis")]


def test_waiting_message_is_asked_again_when_another_one_gets_its_place() -> None:
    """An incentive is never the first contact; as soon as another one is planned, it comes behind it."""
    policy, state = compile_policy(PolicyConfig(limits=[])), customer(purposes=("newsletter", "incentive"))
    present = message(1, at_us=NIGHT, purpose="incentive", priority=2, if_withheld="wait")
    assert outcomes(judged(state, NIGHT, present, policy=policy)) == [(1, "withheld", "first_incentive")]
    turn = judged(state, NIGHT + HOUR, message(2, at_us=NIGHT + HOUR), policy=policy)
    assert outcomes(turn) == [(2, "planned", "quiet_hours"), (1, "postponed", "first_incentive")]
    morning = slots(state)[2]
    assert slots(state) == {2: morning, 1: morning + 1}
    assert outcomes(judged(state, NIGHT + 2 * HOUR, row=row_of("Product Viewed", NIGHT + 2 * HOUR))) == []


def test_waiting_message_is_asked_again_when_a_rest_is_over() -> None:
    state = customer(purposes=())
    state.decisions.situations["late"] = Situation(NOON - DAY, {}, NOON + DAY, NOON + 2 * DAY)
    assert next_us(POLICY, state) == NEVER
    judged(state, NOON, message(1, at_us=NOON, valid_until_us=NOON + 5 * DAY, if_withheld="wait"))
    assert [planned.waiting for planned in state.contact.planned] == [True]
    assert next_us(POLICY, state) == NOON + 2 * DAY
    judged(state, NOON + 2 * DAY)
    assert state.decisions.situations == {}
    assert next_us(POLICY, state) == NOON + 5 * DAY


def test_waiting_message_expires_with_its_validity() -> None:
    state = customer()
    open_situation(state, "late", since_us=NOON - DAY)
    judged(state, NOON, message(at_us=NOON, if_withheld="wait"))
    turn = judged(state, NOON + 5 * DAY)
    assert outcomes(turn) == [(1, "expired", "situation")]
    assert [event.name for event in turn.derived] == ["Message Expired"]
    assert (state.contact.planned, next_us(POLICY, state)) == ([], NEVER)


def test_reserved_message_found_after_its_validity_expires() -> None:
    state, night = customer(), local("2026-11-19 23:00")
    judged(state, night, message(at_us=night, valid_until_us=night + 9 * HOUR))
    assert outcomes(judged(state, night + 9 * HOUR + 1)) == [(1, "expired", "validity")]


def test_cancelled_by_its_journey() -> None:
    state, night = customer(), local("2026-11-19 23:00")
    planned = message(at_us=night)
    judged(state, night, planned)
    turn = judged(state, night + HOUR, cancel=[(planned.effect_id, "goal"), (b"unknown", "goal")])
    assert outcomes(turn) == [(1, "cancelled", "cancelled")]
    assert (state.contact.planned, state.contact.contacts) == ([], [])


def test_the_same_message_is_judged_once() -> None:
    state = customer()
    judged(state, NOON, message(at_us=NOON))
    assert judged(state, NOON + HOUR, message(at_us=NOON), message(at_us=NOON)).records == []
    both = judged(customer(), NOON, message(2, at_us=NOON), message(2, at_us=NOON))
    assert outcomes(both) == [(2, "released", "basis")]


def test_sent_dates_the_contact_to_the_real_hand_over() -> None:
    state, planned = customer(), message(at_us=NOON)
    judged(state, NOON, planned)
    turn = judged(state, NOON + 3 * MINUTE, row=feedback("Message Sent", planned, NOON + 2 * MINUTE))
    assert (outcomes(turn), state.contact.planned) == ([(1, "handed_over", "sent")], [])
    assert slots(state) == {1: NOON + 2 * MINUTE}
    again = judged(state, NOON + 4 * MINUTE, row=feedback("Message Sent", planned, NOON + 2 * MINUTE))
    assert (outcomes(again), slots(state)) == ([], {1: NOON + 2 * MINUTE})


def test_uncertain_counts_failed_frees() -> None:
    state, planned = customer(), message(at_us=NOON)
    judged(state, NOON, planned)
    turn = judged(state, NOON + 1, row=feedback("Message Uncertain", planned, NOON + 1))
    assert (outcomes(turn), slots(state)) == ([(1, "handed_over", "uncertain")], {1: NOON + 1})
    other = customer()
    judged(other, NOON, planned := message(at_us=NOON))
    turn = judged(other, NOON + 1, row=feedback("Message Failed", planned, NOON + 1, reason="552 too big"))
    assert outcomes(turn) == [(1, "failed", "failed")]
    assert (other.contact.planned, other.contact.contacts) == ([], [])


def test_feedback_as_dispatchers_write_it() -> None:
    """`message_id`, and reasons as plain words."""
    state, planned = customer(), message(at_us=NOON, if_withheld="wait")
    judged(state, NOON, planned)
    said = {"message_id": planned.effect_id.hex(), "reason": "overdue", "reasons": ["overdue", "limit"]}
    turn = judged(state, NOON + 1, row=row_of("Message Withheld", NOON + 1, said, origin="feedback"))
    assert (outcomes(turn), state.contact.planned) == ([(1, "withheld", "overdue")], [])
    other = customer()
    judged(other, NOON, message(at_us=NOON))
    said = {"message_id": planned.effect_id.hex(), "reason": "poison"}
    turn = judged(other, NOON + 1, row=row_of("Message Held", NOON + 1, said, origin="feedback"))
    assert (outcomes(turn), slots(other)) == ([(1, "handed_over", "held")], {1: NOON + 1})
    judged(other, NOON + 9, row=row_of("Message Sent", NOON + 9, said, origin="feedback"))
    assert slots(other) == {1: NOON + 9}


@pytest.mark.parametrize("name", ["Message Sent", "Message Uncertain"])
def test_what_left_before_it_was_cancelled_still_counts(name: str) -> None:
    state, planned = customer(), message(at_us=NOON)
    judged(state, NOON, planned)
    judged(state, NOON + 1, cancel=[(planned.effect_id, "exit")])
    judged(state, NOON + 2, row=feedback(name, planned, NOON + 2, channel="email", purpose="newsletter"))
    assert slots(state) == {1: NOON + 2}


def test_withheld_at_hand_over_waits_or_ends_and_overdue_needs_a_person() -> None:
    for if_withheld, rule, stays in (("wait", "fence", True), ("skip", "fence", False), ("wait", "overdue", False)):
        state, planned = customer(), message(at_us=NOON, if_withheld=if_withheld)
        judged(state, NOON, planned)
        row = feedback("Message Withheld", planned, NOON + 1, reasons=[[rule, False]])
        turn = judged(state, NOON + 1, row=row)
        assert (outcomes(turn), turn.effects) == ([(1, "withheld", rule)], [])
        assert (len(state.contact.planned), state.contact.contacts) == (int(stays), [])


def test_stopped_because_its_profile_was_joined_it_goes_out_under_the_other() -> None:
    state, planned = customer(), message(at_us=NOON)
    judged(state, NOON, planned)
    row = feedback("Message Withheld", planned, NOON + 1, reasons=["forwarded"])
    turn = judged(state, NOON + 1, row=row)
    assert outcomes(turn) == [(1, "withheld", "forwarded"), (1, "released", "basis")]
    assert slots(state) == {1: NOON + 1}


def test_postponed_at_hand_over_is_due_again_then() -> None:
    state, planned = customer(), message(at_us=NOON)
    judged(state, NOON, planned)
    until_us = NOON + 2 * HOUR
    row = feedback("Message Postponed", planned, NOON + 1, until_us=until_us, reasons=[["limit", False, "email_day"]])
    turn = judged(state, NOON + 1, row=row)
    assert (outcomes(turn), slots(state), next_us(POLICY, state)) == (
        [(1, "postponed", "limit")],
        {1: until_us},
        until_us,
    )
    assert outcomes(judged(state, until_us)) == [(1, "released", "basis")]


@pytest.mark.parametrize("changes", [{"origin": "api"}, {"origin": "feedback", "flags": DERIVED}, {"flags": PUBLIC}])
def test_only_our_own_feedback_moves_a_message(changes: dict[str, Any]) -> None:
    state, planned = customer(), message(at_us=NOON)
    judged(state, NOON, planned)
    row = msgspec.structs.replace(feedback("Message Failed", planned, NOON + 1), **changes)
    assert outcomes(judged(state, NOON + 1, row=row)) == []
    assert slots(state) == {1: NOON}


def test_calls_and_letters_of_people_count_in_the_same_budget() -> None:
    state = customer()
    judged(state, NOON, row=row_of("Call Made", NOON, {"outcome": "not_reached"}, number=1, origin="human"))
    judged(state, NOON + 1, row=row_of("Call Made", NOON + 1, {"outcome": "reached"}, number=2, origin="human"))
    judged(state, NOON + 2, row=row_of("Letter Sent", NOON + 2, number=3, origin="human"))
    judged(state, NOON + 3, row=row_of("Visit Held", NOON + 3, {"message_class": "service"}, number=4, origin="human"))
    judged(state, NOON + 4, row=row_of("Letter Sent", NOON + 4, number=5, flags=PUBLIC))
    assert sorted((contact.at_us, contact.channel) for contact in state.contact.contacts) == [
        (NOON, "call_attempt"), (NOON + 1, "call"), (NOON + 1, "call_attempt"), (NOON + 2, "letter"),
    ]  # fmt: skip
    turn = judged(state, NOON + HOUR, message(9, at_us=NOON + HOUR, channel="letter", valid_until_us=NEVER))
    assert outcomes(turn) == [(9, "planned", "limit")]


def test_pause_by_a_person_at_most_90_days() -> None:
    state = customer()
    row = row_of("Marketing Paused", NOON, {"days": 400, "reason": "Umzug"}, origin="human")
    judged(state, NOON, row=row)
    assert (state.contact.paused_until_us, state.contact.pause_reason) == (NOON + 90 * DAY, "Umzug")
    assert outcomes(judged(state, NOON + 1, message(at_us=NOON))) == [(1, "withheld", "paused")]
    judged(state, NOON + 2, row=row_of("Marketing Resumed", NOON + 2, origin="human"))
    assert outcomes(judged(state, NOON + 3, message(2, at_us=NOON))) == [(2, "released", "basis")]


@pytest.mark.parametrize(
    ("until_us", "paused_until_us"), [(NOON + 3 * DAY, NOON + 3 * DAY), (NOON + 400 * DAY, NOON + 90 * DAY), (0, NOON)]
)
def test_pause_until_an_instant(until_us: int, paused_until_us: int) -> None:
    state = customer()
    judged(state, NOON, row=row_of("Marketing Paused", NOON, {"until_us": until_us, "reason": "Umzug"}, origin="human"))
    assert (state.contact.paused_until_us, state.contact.pause_reason) == (paused_until_us, "Umzug")


def test_message_stopped_by_a_person_frees_its_place_and_tells_its_journey() -> None:
    state = customer()
    judged(state, NIGHT, message(at_us=NIGHT))
    assert [contact.effect_id for contact in state.contact.contacts] == [message(at_us=0).effect_id]
    stop = {"message": message(at_us=0).effect_id.hex(), "reason": "Kundin hat angerufen"}
    row = row_of("Message Cancelled", NIGHT + 1, stop, origin="human")
    row.actor = "Ida"
    turn = judged(state, NIGHT + 1, row=row)
    assert outcomes(turn) == [(1, "cancelled", "stopped")]
    assert (state.contact.planned, state.contact.contacts) == ([], [])
    assert [(one.name, one.properties["reason"]) for one in turn.derived] == [("Message Withheld", "stopped")]
    assert [record.reasons for record in turn.records if isinstance(record, VerdictEntry)] == [
        [["stopped", False, "Ida", "Kundin hat angerufen"]]
    ]


@pytest.mark.parametrize("origin", ["api", "import", "feedback"])
@pytest.mark.parametrize("named", ["", "zz", None])
def test_only_people_stop_messages_and_only_those_they_name(origin: str, named: str | None) -> None:
    state = customer()
    judged(state, NIGHT, message(at_us=NIGHT))
    real = message(at_us=0).effect_id.hex()
    for properties, sender in (({"message": named}, "human"), ({"message": real}, origin)):
        row = row_of("Message Cancelled", NIGHT + 1, properties, origin=sender)
        assert outcomes(judged(state, NIGHT + 1, row=row)) == []
    assert len(state.contact.planned) == 1


HELD = {
    "message": message(at_us=0).effect_id.hex(), "sequence": 3, "channel": "email", "content_id": "hello", "message_class": "marketing",
    "purpose": "newsletter", "priority": 9, "journey_id": "news", "run_id": "", "step_id": "send", "valid_until_us": NOON + DAY,
    "variables": {},
}  # fmt: skip


def test_held_message_released_by_a_person_is_judged_anew_and_counts_once() -> None:
    state = customer()
    judged(state, NOON, message(at_us=NOON))
    judged(state, NOON + MINUTE, row=feedback("Message Uncertain", message(at_us=NOON), NOON + MINUTE))
    assert (state.contact.planned, len(state.contact.contacts)) == ([], 1)
    row = row_of("Held Message Released", NOON + HOUR, HELD, number=3, origin="human", actor="Ida", reason="again")
    turn = judged(state, NOON + HOUR, row=row)
    assert outcomes(turn) == [(1, "planned", "by_hand"), (1, "released", "basis")]
    assert [entry.sequence for entry in turn.records if isinstance(entry, VerdictEntry)] == [3, 4]
    assert [effect.effect_id for effect in turn.effects if isinstance(effect, SendMessage)] == [
        message(at_us=0).effect_id
    ]
    assert [contact.at_us for contact in state.contact.contacts] == [NOON + HOUR]
    twice = judged(state, NOON + HOUR, row=row_of("Held Message Released", NOON + HOUR, HELD, number=4, origin="human"))
    assert (outcomes(twice), twice.effects) == ([], [])


@pytest.mark.parametrize(
    ("changes", "origin"),
    [
        ({}, "api"),
        ({}, "feedback"),
        ({"message": ""}, "human"),
        ({"message": "zz"}, "human"),
        ({"sequence": "3"}, "human"),
        ({"variables": None}, "human"),
        ({"run_id": "x"}, "human"),
    ],
)
def test_only_people_release_and_only_what_is_whole(changes: dict[str, Any], origin: str) -> None:
    state = customer()
    turn = judged(state, NOON, row=row_of("Held Message Released", NOON, HELD | changes, origin=origin))
    assert (outcomes(turn), turn.effects, state.contact.planned) == ([], [], [])


def test_contacts_too_old_to_matter_are_forgotten() -> None:
    state = customer()
    state.contact.contacts = [Contact(NOON - n * DAY, "push", "marketing", b"%d" % n) for n in (91, 90, 8)]
    judged(state, NOON, message(at_us=NOON))
    assert [contact.at_us for contact in state.contact.contacts] == [NOON - 90 * DAY, NOON - 8 * DAY, NOON]


def test_policy_as_written_in_yaml_is_read_and_checked() -> None:
    plain = {
        "limits": [{"id": "email_day", "channel": "email", "message_class": "marketing", "at_most": 1, "per_hours": 24}],
        "quiet_hours": [{"channel": "email", "message_class": "marketing", "from": "21:00", "to": "07:00"}],
        "situations": [
            {"situation": "complaint", "holds": "marketing", "priorities": [1, 10], "except_journeys": [],
             "reason": {"de": "offene Reklamation", "en": "open complaint"}}
        ],
        "purposes": [{"id": "newsletter", "name": {"de": "N", "en": "N"}, "bases": ["express_consent"]}],
        "after_conversion": {"days": 14, "extra_per_week": 1},
        "global_holdout": {"percent": 5, "salt": "global"},
        "default_priority": 5, "overdue_grace_hours": 6,
    }  # fmt: skip
    policy = compile_policy(msgspec.convert(plain, PolicyConfig))
    assert policy.bases("newsletter") == ("express_consent",)
    assert [limit.id for limit in policy.limits_on("email")] == ["email_day"]
    back = msgspec.convert(msgspec.to_builtins(DEFAULT_POLICY), PolicyConfig)
    assert back == DEFAULT_POLICY


ANYTHING = st.sampled_from(
    [
        None,
        True,
        False,
        -1,
        2**70,
        1.5,
        "",
        "all",
        "marketing",
        "hard",
        "2026-13-40",
        "x" * 99,
        [],
        ["a", 1],
        {},
        {"a": []},
    ]
)
NAMES = st.sampled_from(
    "channel channels purpose purposes scope basis wording proof email address reason class bounce_class expires_at "
    "message message_id until_us reasons days outcome order_id notice_version message_class".split()
)


@settings(deadline=None)
@given(
    st.sampled_from([*CONSENT_EVENTS, *_ROWS]), st.dictionaries(NAMES, ANYTHING, max_size=6),
    st.sampled_from(["api", "feedback", "human", "import"]),
)  # fmt: skip
def test_whatever_an_event_carries_the_fold_goes_on(name: str, properties: dict[str, Any], origin: str) -> None:
    state, planned = customer(), message(at_us=NOON)
    judged(state, NOON, planned)
    judged(
        state,
        NOON + 1,
        row=row_of(name, NOON + 1, {"message_id": planned.effect_id.hex(), **properties}, origin=origin),
    )
    data = encode_state(state)
    assert encode_state(decode_state(data)) == data
