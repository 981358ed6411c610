"""The gate: every question with its reason, the earliest instant, and what flows whatever happens."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kundenkreis.channels.core.gate import gate, hand_over_gate
from kundenkreis.channels.core.gate_questions import QUESTIONS, crowded_until
from kundenkreis.channels.core.gate_texts import QUESTION_TEXTS, reason_text
from kundenkreis.channels.core.policy_calendar import birthday_on
from kundenkreis.channels.core.policy_compiled import compile_policy
from kundenkreis.channels.core.policy_config import BrandPlace, Holdout, Limit, PolicyConfig, QuietHours
from kundenkreis.customers.core.state import Attribute, Contact, CustomerState, Grant, Planned, Run, Situation
from kundenkreis.kernel.effects import SendMessage
from kundenkreis.kernel.hashing import bucket_of
from kundenkreis.kernel.ids import NEVER
from kundenkreis.kernel.zones import DAY, HOUR, MINUTE, zone
from tests.channels.policy_cases import (
    ADDRESS,
    BERLIN,
    NOON,
    POLICY,
    contacts,
    customer,
    local,
    message,
    open_situation,
    verdict,
)

pytestmark = pytest.mark.pure


def test_everything_passes_with_the_legal_basis_first() -> None:
    answer = gate(POLICY, customer(), message(at_us=NOON), NOON)
    assert (answer.outcome, answer.until_us, answer.basis) == ("release", NOON, "express_consent")
    passed = [[name, True] for name, _ in QUESTIONS if name != "basis"]
    assert answer.reasons == [["basis", True, "express_consent"], *passed]


def test_questions_and_their_texts_stand_in_one_order() -> None:
    assert [name for name, _ in QUESTIONS] == list(QUESTION_TEXTS)


def test_profile_that_was_joined_into_another_gets_nothing() -> None:
    state = customer()
    state.forwarded_to = 9
    assert verdict(state, message(at_us=NOON)) == ("withhold", ["forwarded", False, 9])
    assert verdict(state, message(at_us=NOON, message_class="transactional")) == ("withhold", ["forwarded", False, 9])


def test_no_address_for_the_channel() -> None:
    state = customer(email=None)
    assert verdict(state, message(at_us=NOON)) == ("withhold", ["no_address", False, "email"])


def test_no_legal_basis() -> None:
    found = verdict(customer(), message(at_us=NOON, purpose="survey"))
    assert found == ("withhold", ["basis", False, "no_basis", "email", "survey"])


def test_unknown_purpose_accepts_nothing_but_express_consent() -> None:
    assert verdict(customer(), message(at_us=NOON, purpose="unheard_of"))[1][:3] == ["basis", False, "no_basis"]


def test_existing_customer_takes_the_goods_from_the_message() -> None:
    state = customer(purposes=())
    state.consent.grants["email|*"] = Grant("existing_customer", True, 1, b"o", ADDRESS)
    state.commerce.order_count, state.commerce.categories = 1, {"coffee": 1}
    about = message(at_us=NOON, purpose="similar_goods", variables={"category": "coffee"})
    assert verdict(state, about) == ("release", ["basis", True, "existing_customer"])
    other = message(at_us=NOON, purpose="similar_goods", variables={"category": "garden"})
    assert verdict(state, other)[1][:3] == ["basis", False, "goods_not_similar"]


def test_suppressed_address_and_its_end() -> None:
    state = customer()
    state.consent.suppressed[ADDRESS] = [["manual", 5, "marketing", -1]]
    assert verdict(state, message(at_us=NOON)) == ("withhold", ["suppressed", False, "manual", 5])
    state.consent.suppressed.clear()
    bounced = [NOON - 9 * DAY, NOON - 8 * DAY, NOON - 29 * DAY - HOUR]
    state.consent.soft_bounces[ADDRESS] = [-1, *sorted(bounced)]
    answer = gate(POLICY, state, message(at_us=NOON, valid_until_us=NEVER), NOON)
    assert (answer.outcome, answer.until_us) == ("postpone", NOON - 8 * DAY + 30 * DAY)


def test_objection_and_withdrawal() -> None:
    state = customer()
    state.consent.objections["channel:email"] = 50
    assert verdict(state, message(at_us=NOON)) == ("withhold", ["objection", False, "channel:email", 50])
    other = customer()
    other.consent.grants["email|newsletter"] = Grant("express_consent", False, 9, b"w")
    assert verdict(other, message(at_us=NOON)) == ("withhold", ["withdrawn", False, "email", "newsletter"])


def held_out() -> str:
    return next(f"p{i}" for i in range(1000) if bucket_of(f"p{i}", "global") < 500)


def test_global_holdout_gets_no_marketing_but_everything_else() -> None:
    state = customer(bucket_key=held_out())
    assert verdict(state, message(at_us=NOON)) == ("withhold", ["global_holdout", False, "global"])
    state.commerce.last_order_us = 1
    assert verdict(state, message(at_us=NOON, message_class="service", purpose="help"))[0] == "release"
    assert verdict(state, message(at_us=NOON, message_class="transactional", purpose="order"))[0] == "release"
    policy = compile_policy(PolicyConfig(global_holdout=Holdout(percent=0)))
    assert verdict(state, message(at_us=NOON), policy=policy)[0] == "release"


def test_journey_holdout_is_measured_but_not_written_to() -> None:
    state = customer()
    state.runs.append(Run(b"r1", "news", 1, "", 0, "send", 0, in_holdout=True))
    assert verdict(state, message(at_us=NOON, run_id=b"r1")) == ("withhold", ["journey_holdout", False, "news"])
    assert verdict(state, message(at_us=NOON, run_id=b"r2"))[0] == "release"


HOLDS_ALL = ("complaint", "late", "cancelled_by_us", "detractor", "rights_request", "bereavement", "mass_incident")


@pytest.mark.parametrize("kind", HOLDS_ALL)
@pytest.mark.parametrize("channel", ["email", "push", "letter", "call"])
def test_situation_holds_all_marketing_on_every_channel(kind: str, channel: str) -> None:
    state = customer()
    open_situation(state, kind, since_us=NOON - DAY)
    planned = message(at_us=NOON, channel=channel)
    outcome, reason = verdict(state, planned)
    assert (outcome, reason[:5]) == ("withhold", ["situation", False, kind, NOON - DAY, ["4711"]])
    state.decisions.situations.clear()
    assert verdict(state, planned)[0] == "release"


@pytest.mark.parametrize(
    "kind", [*HOLDS_ALL, "question", "return", "payment_open", "recall", "negotiation", "goodwill"]
)
def test_situations_never_hold_transactional_or_service(kind: str) -> None:
    state = customer()
    state.commerce.last_order_us = 1
    open_situation(state, kind, since_us=NOON - DAY)
    for message_class, purpose in (("transactional", "order"), ("service", "help")):
        planned = message(at_us=NOON, message_class=message_class, purpose=purpose, variables={"order_id": "4711"})
        assert verdict(state, planned)[0] == "release"


@pytest.mark.parametrize(
    ("kind", "held", "flows"),
    [
        (
            "question",
            [{"variables": {"order_id": "4711"}}, {"purpose": "survey"}, {"journey_id": "satisfaction"}],
            [{}, {"variables": {"order_id": "4712"}}],
        ),
        (
            "return",
            [{"purpose": "review"}, {"journey_id": "replenishment"}, {"journey_id": "second_purchase"}],
            [{}, {"journey_id": "abandoned_cart", "purpose": "recommendation"}],
        ),
        ("payment_open", [{"purpose": "incentive"}, {"journey_id": "premium"}, {"journey_id": "voucher"}], [{}]),
        ("recall", [{"variables": {"product_id": "p9"}}], [{}, {"variables": {"product_id": "p8"}}]),
        ("negotiation", [{"purpose": "survey"}], [{}, {"purpose": "survey", "journey_id": "event_cycle"}]),
        ("goodwill", [{"purpose": "incentive"}, {"journey_id": "voucher"}], [{}]),
    ],
)
def test_situation_holds_only_what_touches_it(
    kind: str, held: list[dict[str, Any]], flows: list[dict[str, Any]]
) -> None:
    state = customer(purposes=("newsletter", "survey", "review", "incentive", "recommendation"))
    open_situation(state, kind, since_us=NOON - DAY, detail=("p9",))
    found = [verdict(state, message(at_us=NOON, **changes)) for changes in held]
    assert [(outcome, reason[0], reason[2]) for outcome, reason in found] == [("withhold", "situation", kind)] * len(
        held
    )
    assert [verdict(state, message(at_us=NOON, **changes))[0] for changes in flows] == ["release"] * len(flows)


def test_things_rest_after_a_situation() -> None:
    state = customer()
    state.decisions.situations["complaint"] = Situation(NOON - 9 * DAY, {}, NOON + 2 * DAY)
    answer = gate(POLICY, state, message(at_us=NOON), NOON)
    assert (answer.outcome, answer.until_us) == ("postpone", NOON + 2 * DAY)
    assert reason_text(answer.reasons[0], language="de", clock=BERLIN) == (
        "Zurückgehalten: offene Reklamation, seit 10.11.2026 12:00 ()."
    )
    state.decisions.situations["complaint"].rests_until_us = NOON
    assert verdict(state, message(at_us=NOON))[0] == "release"


def test_of_matters_that_end_together_the_first_of_the_policy_is_named() -> None:
    first, *_, last = POLICY.holds
    for kinds in ((first, last), (last, first)):
        state = customer(purposes=("newsletter", "survey"))
        for kind in kinds:
            open_situation(state, kind, since_us=NOON - DAY)
        assert verdict(state, message(at_us=NOON, purpose="survey"))[1][2] == first


def test_of_a_trifle_only_surveys_and_sales_calls_wait() -> None:
    state = customer(purposes=("newsletter", "survey"))
    open_situation(state, "trifle", since_us=NOON - DAY)
    assert verdict(state, message(at_us=NOON))[0] == "release"
    assert verdict(state, message(at_us=NOON, purpose="survey"))[1][:3] == ["situation", False, "trifle"]


@pytest.mark.parametrize(
    ("born", "country", "until"),
    [
        ("2010-11-19", "DE", None),
        ("2010-11-20", "DE", "2026-11-20 00:00"),
        ("2010-11-20T10:00:00Z", "CH", "2026-11-20 00:00"),
        ("2012-11-20", "AT", "2026-11-20 00:00"),
        ("2012-11-19", "AT", None),
        ("20.11.2010", "DE", "2026-11-20 00:00"),
        (" 2010-11-20 ", "DE", "2026-11-20 00:00"),
        ("--11-20", "DE", None),
        ("1604-11-20", "DE", None),
        ("im November", "DE", None),
        (20101120, "DE", None),
    ],
)
def test_known_minors_get_no_marketing_before_their_birthday(born: Any, country: str, until: str | None) -> None:
    state = customer(birthday=born, address={"street": "Weg 1", "country": country})
    answer = gate(POLICY, state, message(at_us=NOON), NOON)
    age = 14 if country == "AT" else 16
    expected = ["minor", False, age] if until else ["basis", True, "express_consent"]
    assert answer.reasons[0] == expected
    if until:  # midnight is night as well
        assert answer.until_us == local(until.replace("00:00", "07:00"))
        assert birthday_on(str(born), age) == local(until) // DAY + 1
    assert verdict(state, message(at_us=NOON, message_class="transactional"))[0] == "release"


def test_born_on_the_29_of_february_is_a_year_older_when_the_28th_is_over() -> None:
    assert birthday_on("2008-02-29", 16) == (local("2024-02-29 12:00") // DAY)
    assert birthday_on("2008-02-29", 18) == (local("2026-03-01 12:00") // DAY)
    assert birthday_on("2008-02-30", 16) is None


def test_pause_by_hand_ends_by_itself() -> None:
    state = customer()
    state.contact.paused_until_us, state.contact.pause_reason = NOON + DAY, "Umzug"
    answer = gate(POLICY, state, message(at_us=NOON), NOON)
    assert (answer.outcome, answer.until_us, answer.reasons[0]) == ("postpone", NOON + DAY, ["paused", False, "Umzug"])


def test_past_its_validity_a_message_is_of_no_use() -> None:
    planned = message(at_us=NOON, valid_until_us=NOON - 1)
    assert verdict(customer(), planned) == ("withhold", ["validity", False, NOON - 1])
    assert verdict(customer(), message(at_us=NOON, valid_until_us=NOON))[0] == "release"


def test_no_slot_within_validity_names_the_rule_that_blocks_first() -> None:
    state = customer()
    contacts(state, NOON - HOUR)
    answer = gate(POLICY, state, message(at_us=NOON, valid_until_us=NOON + HOUR), NOON)
    assert answer.outcome == "withhold"
    assert answer.reasons[:2] == [["limit", False, "email_day", 1, 24], ["validity", False, NOON + HOUR]]


def test_after_the_first_purchase_no_more_pressure_than_before_and_one() -> None:
    state = customer()
    contacts(state, NOON - 10 * DAY, NOON - 3 * DAY, channel="push")
    state.commerce.first_order_us = NOON - 2 * DAY
    assert verdict(state, message(at_us=NOON))[0] == "release"
    state.contact.contacts.append(Contact(NOON - DAY, "push", "marketing", b"after"))
    answer = gate(POLICY, state, message(at_us=NOON), NOON)
    assert answer.reasons[0] == ["after_conversion", False, NOON - 2 * DAY, 1]
    assert (answer.outcome, answer.until_us) == ("postpone", NOON + 4 * DAY)
    state.commerce.first_order_us = NOON - 14 * DAY
    assert verdict(state, message(at_us=NOON))[0] == "release"


def test_what_is_planned_for_later_than_the_days_after_the_first_purchase_takes_no_place_in_them() -> None:
    state = customer()
    state.commerce.first_order_us = NOON - 13 * DAY
    ends_us = NOON + DAY
    contacts(state, ends_us, channel="push")
    assert verdict(state, message(at_us=NOON))[0] == "release"
    contacts(state, ends_us - 1, channel="push")
    answer = gate(POLICY, state, message(at_us=NOON), NOON)
    assert (answer.outcome, answer.until_us, answer.reasons[0][0]) == ("postpone", ends_us, "after_conversion")


def test_limits_per_channel_and_over_all() -> None:
    state = customer()
    contacts(state, NOON - 20 * HOUR)
    answer = gate(POLICY, state, message(at_us=NOON), NOON)
    assert (answer.until_us, answer.reasons[0]) == (NOON + 4 * HOUR, ["limit", False, "email_day", 1, 24])
    contacts(state, *(NOON - i * 30 * HOUR for i in range(1, 5)), channel="letter")
    answer = gate(POLICY, state, message(at_us=NOON), NOON)
    assert (answer.until_us, answer.reasons[0]) == (NOON + 48 * HOUR, ["limit", False, "all_week", 4, 168])
    assert verdict(state, message(at_us=NOON, message_class="transactional", purpose="order"))[0] == "release"


def test_never_two_surveys_within_90_days() -> None:
    state = customer(purposes=("survey", "nps", "newsletter"))
    state.contact.contacts = [Contact(NOON - 50 * DAY, "email", "marketing", b"s", "nps")]
    planned = message(at_us=NOON, purpose="survey", valid_until_us=NEVER)
    assert gate(POLICY, state, planned, NOON).until_us == NOON + 40 * DAY
    assert verdict(state, message(at_us=NOON))[0] == "release"


def test_attempts_count_only_against_their_own_limit() -> None:
    state = customer()
    contacts(state, *(NOON - i * HOUR for i in range(1, 9)), channel="call_attempt")
    assert verdict(state, message(at_us=NOON))[0] == "release"


def test_after_two_attempts_on_a_day_nobody_calls_again() -> None:
    state = customer()
    call = message(at_us=NOON, channel="call")
    contacts(state, NOON - 2 * HOUR, channel="call_attempt")
    assert verdict(state, call)[0] == "release"
    contacts(state, NOON - 26 * HOUR, NOON - 2 * HOUR, NOON - HOUR, channel="call_attempt")
    answer = gate(POLICY, state, call, NOON)
    assert (answer.outcome, answer.until_us) == ("postpone", NOON + 22 * HOUR)
    assert answer.reasons[0] == ["limit", False, "call_attempts_day", 2, 24]


NIGHT = local("2026-11-18 22:15")


def test_quiet_hours_of_email_and_the_answer_to_ones_own_act() -> None:
    state = customer()
    acted_us = NIGHT - 10 * MINUTE
    planned = message(at_us=NIGHT, cause=b"act", acted_us=acted_us)
    answer = gate(POLICY, state, message(at_us=NIGHT, cause=b"act"), NIGHT)
    assert (answer.until_us, answer.reasons[0]) == (local("2026-11-19 07:00"), ["quiet_hours", False, "Europe/Berlin"])
    assert verdict(state, planned, NIGHT)[0] == "release"
    assert verdict(state, planned, acted_us + 30 * MINUTE)[0] == "release"
    assert verdict(state, planned, acted_us + 30 * MINUTE + 1)[0] == "postpone"
    state.last_seen_us = NIGHT + 20 * MINUTE  # a later act is none that it answers
    assert verdict(state, planned, acted_us + 30 * MINUTE + 1)[0] == "postpone"
    assert verdict(state, message(at_us=NIGHT, acted_us=acted_us), NIGHT)[0] == "postpone"
    push = message(at_us=NIGHT, cause=b"act", acted_us=acted_us, channel="push")
    assert verdict(state, push, NIGHT)[0] == "postpone"


def test_quiet_hours_follow_the_customers_zone() -> None:
    planned = message(at_us=NIGHT)
    there = customer(timezone="America/New_York")
    assert verdict(there, planned, NIGHT)[0] == "release"
    there.profile.attributes["timezone"].value = "Mars/Base"
    assert verdict(there, planned, NIGHT)[0] == "postpone"
    there.profile.attributes["country"] = Attribute("jp", 1, b"", "test")
    assert (
        gate(POLICY, there, planned, NIGHT).reasons[0][2] == "Asia/Tokyo"
    )  # of any country of one zone, as for journeys
    london = compile_policy(brand=BrandPlace(country="GB", zone="Europe/London"))
    nowhere = customer(address=None)
    assert gate(london, nowhere, planned, NIGHT).reasons[0][2] == "Europe/London"


@pytest.mark.parametrize(
    ("asked", "free"),
    [
        ("2026-03-28 21:00", "2026-03-29 07:00"),
        ("2026-03-29 01:59", "2026-03-29 07:00"),
        ("2026-10-24 23:00", "2026-10-25 07:00"),
        ("2026-10-25 02:30", "2026-10-25 07:00"),
    ],
)
def test_quiet_hours_end_by_the_clock_on_days_of_change(asked: str, free: str) -> None:
    at_us = local(asked)
    assert gate(POLICY, customer(), message(at_us=at_us), at_us).until_us == local(free)


def test_quiet_end_inside_the_missing_and_the_repeated_hour() -> None:
    policy = compile_policy(PolicyConfig(quiet_hours=[QuietHours(channel="email", from_="22:00", to="02:30")]))
    spring = local("2026-03-29 01:00")
    assert gate(policy, customer(), message(at_us=spring), spring).until_us == local("2026-03-29 03:00")
    autumn = local("2026-10-25 02:00")
    first_end = gate(policy, customer(), message(at_us=autumn), autumn).until_us
    assert first_end == autumn + 30 * MINUTE
    again = autumn + HOUR + 10 * MINUTE
    assert gate(policy, customer(), message(at_us=again), again).until_us == autumn + HOUR + 30 * MINUTE


def test_messages_to_the_pocket_rest_on_sundays_and_holidays_of_the_land() -> None:
    saturday_night = local("2026-11-21 21:00")
    planned = message(at_us=saturday_night, channel="sms", valid_until_us=NEVER)
    assert gate(POLICY, customer(), planned, saturday_night).until_us == local("2026-11-23 09:00")
    epiphany = local("2026-01-06 12:00")
    planned = message(at_us=epiphany, channel="sms")
    in_land = {
        land: verdict(customer(land=land), planned, epiphany)
        for land in ("BY", "Bayern", "DE-BY", "HH", "", "Atlantis")
    }
    holiday = ("postpone", ["holiday", False, "Europe/Berlin"])
    assert [in_land[land] for land in ("BY", "Bayern", "DE-BY", "", "Atlantis")] == [holiday] * 5
    assert in_land["HH"][0] == "release"
    assert verdict(customer(land="HH"), message(at_us=epiphany), epiphany)[0] == "release"


@pytest.mark.parametrize(
    ("asked", "free"),
    [
        ("2026-11-20 18:59", "2026-11-20 18:59"),
        ("2026-11-20 19:00", "2026-11-21 10:00"),
        ("2026-11-21 16:00", "2026-11-23 09:00"),
    ],
)
def test_calls_keep_office_hours(asked: str, free: str) -> None:
    at_us = local(asked)
    answer = gate(POLICY, customer(), message(at_us=at_us, channel="call"), at_us)
    assert answer.until_us == local(free)


def test_transactional_knows_no_night() -> None:
    planned = message(at_us=NIGHT, channel="sms", message_class="transactional", purpose="order")
    assert verdict(customer(), planned, NIGHT)[0] == "release"


# Hand-over ------------------------------------------------------------------------------------------------------------


def sending(planned: Planned) -> SendMessage:
    return SendMessage(
        planned.effect_id, 7, planned.due_us, planned.channel, planned.content_id, planned.message_class,
        planned.purpose, planned.journey_id, planned.run_id, planned.step_id, planned.valid_until_us, {},
    )  # fmt: skip


def released(**changes: Any) -> tuple[CustomerState, SendMessage]:
    state, planned = customer(), message(at_us=NOON, handed_over=True, sequence=1, **changes)
    state.contact.planned.append(planned)
    return state, sending(planned)


def test_hand_over_lets_pass_what_still_holds() -> None:
    state, sent = released()
    assert hand_over_gate(POLICY, state, sent, NOON + MINUTE).outcome == "release"


def test_hand_over_stops_what_was_cancelled_or_moved() -> None:
    state, sent = released()
    state.contact.planned.clear()
    assert hand_over_gate(POLICY, state, sent, NOON).reasons == [["cancelled", False]]
    state.forwarded_to = 8
    assert hand_over_gate(POLICY, state, sent, NOON).reasons == [["forwarded", False, 8]]
    assert hand_over_gate(POLICY, state, sent, NOON, fences=("everything",)).reasons == [["fence", False, "everything"]]


@pytest.mark.parametrize(
    ("scope", "stops"),
    [
        ("everything", (True, True, True)),
        ("marketing", (True, False, False)),
        ("marketing/email", (True, False, False)),
        ("purpose/newsletter/email", (True, False, False)),
        ("purpose/help/email", (False, True, False)),
        ("purpose/order/email", (False, False, False)),
        ("marketing/sms", (False, False, False)),
        ("purpose/survey/email", (False, False, False)),
    ],
)
def test_fences_stop_what_the_fold_has_not_heard_yet(scope: str, stops: tuple[bool, ...]) -> None:
    found = []
    for message_class, purpose in (("marketing", "newsletter"), ("service", "help"), ("transactional", "order")):
        state, sent = released(message_class=message_class, purpose=purpose)
        state.commerce.last_order_us = 1
        answer = hand_over_gate(POLICY, state, sent, NOON, fences=("marketing/push", scope))
        found.append(answer.reasons[0] == ["fence", False, scope])
    assert tuple(found) == stops


def test_overdue_marketing_waits_for_a_person() -> None:
    state, sent = released()
    assert hand_over_gate(POLICY, state, sent, NOON + 6 * HOUR).outcome == "release"
    answer = hand_over_gate(POLICY, state, sent, NOON + 6 * HOUR + 1)
    assert (answer.outcome, answer.reasons[0]) == ("withhold", ["overdue", False, NOON])
    state, sent = released(message_class="transactional", purpose="order")
    assert hand_over_gate(POLICY, state, sent, NOON + 3 * DAY).outcome == "release"


def test_hand_over_counts_what_happened_not_what_is_ahead() -> None:
    state, sent = released()
    contacts(state, NOON + 20 * HOUR)
    assert hand_over_gate(POLICY, state, sent, NOON).outcome == "release"
    contacts(state, NOON - 20 * HOUR)
    assert hand_over_gate(POLICY, state, sent, NOON).outcome == "postpone"


# Properties -----------------------------------------------------------------------------------------------------------

SMALL = compile_policy(
    PolicyConfig(
        limits=[
            Limit(id="day", channel="email", at_most=1, per_hours=24),
            Limit(id="three_days", at_most=2, per_hours=72),
            Limit(id="week", channel="sms", at_most=1, per_hours=50),
        ],
        quiet_hours=[
            QuietHours(channel="email", message_class="marketing", from_="21:00", to="07:00"),
            QuietHours(channel="sms", from_="20:00", to="09:15", sundays=True, holidays=True),
        ],
        global_holdout=Holdout(percent=0),
    )
)
QUARTER = 15 * MINUTE
STARTS = [local("2026-03-27 10:00"), local("2026-10-23 22:00"), local("2026-12-23 08:00"), NOON]
QUARTERS = st.integers(-400, 400)


@settings(deadline=None)
@given(st.lists(st.integers(0, 30), max_size=8).map(sorted), st.integers(1, 3), st.integers(1, 12), st.integers(0, 30))
def test_room_is_what_counting_every_window_says(times: list[int], at_most: int, window: int, at: int) -> None:
    """Windows are half open: two contacts exactly one window apart share none."""

    def allowed(instant: int) -> bool:
        used = [*times, instant]
        starts = range(instant - window + 1, instant + 1)
        windows = ([one for one in used if start <= one < start + window] for start in starts)
        return all(len(one) <= at_most for one in windows)

    until = crowded_until(times, at_most, window, at)
    assert (until > at) is not allowed(at)
    assert not any(allowed(instant) for instant in range(at, until))


def test_a_limit_of_none_refuses_for_good() -> None:
    assert crowded_until([], 0, HOUR, NOON) == NEVER
    policy = compile_policy(PolicyConfig(limits=[Limit(id="none", channel="sms", at_most=0, per_hours=24)]))
    answer = gate(policy, customer(), message(at_us=NOON, channel="sms"), NOON)
    assert (answer.outcome, answer.reasons[0]) == ("withhold", ["limit", False, "none", 0, 24])


@settings(deadline=None, max_examples=60)
@given(
    start=st.sampled_from(STARTS), used=st.lists(st.tuples(QUARTERS, st.sampled_from(["email", "sms", "push"])), max_size=6),
    channel=st.sampled_from(["email", "sms"]), valid=st.integers(0, 600), bought=st.one_of(st.none(), QUARTERS),
    paused=st.integers(-10, 100), rests=st.integers(-10, 100), zone_name=st.sampled_from(["Europe/Berlin", "Asia/Kolkata"]),
)  # fmt: skip
def test_postponing_finds_the_earliest_instant_exactly(
    start: int, used: list[tuple[int, str]], channel: str, valid: int, bought: int | None, paused: int, rests: int,
    zone_name: str,
) -> None:  # fmt: skip
    state = customer(timezone=zone_name)
    state.contact.contacts = sorted(
        (Contact(start + n * QUARTER, way, "marketing", b"%d" % i) for i, (n, way) in enumerate(used)),
        key=lambda contact: contact.at_us,
    )
    state.commerce.first_order_us = NEVER if bought is None else start + bought * QUARTER
    state.contact.paused_until_us = start + paused * QUARTER
    state.decisions.situations["complaint"] = Situation(0, {}, start + rests * QUARTER)
    planned = message(at_us=start, channel=channel, valid_until_us=start + valid * QUARTER)
    answer = gate(SMALL, state, planned, start)
    passing = (
        start + n * QUARTER
        for n in range(valid + 1)
        if gate(SMALL, state, planned, start + n * QUARTER).outcome == "release"
    )
    expected = next(passing, NEVER)
    assert answer.until_us == expected
    assert answer.outcome == ("withhold" if expected == NEVER else "release" if expected == start else "postpone")


@settings(deadline=None)
@given(
    at=st.integers(0, 3000), channel=st.sampled_from(["email", "sms", "push", "letter"]),
    situations=st.lists(st.sampled_from(sorted(POLICY.holds)), unique=True), objected=st.booleans(),
    used=st.lists(st.integers(0, 3000), max_size=8), paused=st.booleans(), bucket=st.integers(0, 50),
)  # fmt: skip
def test_transactional_always_flows(
    at: int, channel: str, situations: list[str], objected: bool, used: list[int], paused: bool, bucket: int
) -> None:
    at_us = NOON + at * QUARTER
    state = customer(purposes=(), bucket_key=f"p{bucket}")
    contacts(state, *(NOON + n * QUARTER for n in used), channel=channel)
    for kind in situations:
        open_situation(state, kind, since_us=NOON)
    if objected:
        state.consent.objections.update({"marketing": 1, f"channel:{channel}": 1})
        state.consent.grants["*|*"] = Grant("express_consent", False, 5, b"w")
    state.contact.paused_until_us = NEVER if paused else -1
    planned = message(at_us=at_us, channel=channel, message_class="transactional", purpose="order")
    answer = gate(POLICY, state, planned, at_us)
    assert (answer.outcome, answer.basis) == ("release", "contract")


@settings(deadline=None)
@given(
    second=st.integers(0, 400 * 86_400), zone_name=st.sampled_from(["Europe/Berlin", "America/St_Johns", "Africa/Cairo"]),
    hours=st.tuples(st.integers(0, 95), st.integers(0, 95)),
)  # fmt: skip
def test_nothing_of_marketing_goes_out_in_quiet_hours(second: int, zone_name: str, hours: tuple[int, int]) -> None:
    start, end = (f"{n // 4:02}:{n % 4 * 15:02}" for n in hours)
    policy = compile_policy(
        PolicyConfig(quiet_hours=[QuietHours(channel="email", from_=start, to=end)], global_holdout=Holdout(percent=0))
    )
    at_us = local("2026-01-01 00:00") + second * 1_000_000
    answer = gate(policy, customer(timezone=zone_name), message(at_us=at_us, valid_until_us=NEVER), at_us)
    local_second = zone(zone_name).local_parts(answer.until_us)[1]
    low, high = hours[0] * 900, hours[1] * 900
    quiet = low <= local_second < high if low < high else local_second >= low or local_second < high
    assert not quiet or low == high
    assert answer.until_us - at_us <= 26 * HOUR


def test_zone_change_moves_the_planned_hand_over() -> None:
    state = customer()
    planned = message(at_us=NIGHT)
    assert gate(POLICY, state, planned, NIGHT).until_us == local("2026-11-19 07:00")
    state.profile.attributes["timezone"] = Attribute("Asia/Tokyo", 1, b"", "test")
    assert gate(POLICY, state, planned, NIGHT).until_us == local("2026-11-19 07:00", zone_name="Asia/Tokyo")
