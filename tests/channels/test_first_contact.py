"""What may not be the first contact: after a complaint what sells, and incentives."""

from typing import Any

import pytest

from kundenkreis.channels.core.gate import gate
from kundenkreis.channels.core.gate_texts import reason_text
from kundenkreis.channels.core.policy_compiled import compile_policy
from kundenkreis.channels.core.policy_config import PolicyConfig
from kundenkreis.customers.core.state import Contact, CustomerState, Situation
from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.kernel.zones import DAY, HOUR
from tests.channels.policy_cases import BERLIN, NOON, POLICY, contacts, customer, message, verdict

pytestmark = pytest.mark.pure

SELLING = compile_policy(selling=frozenset({"offer"}))


def gentle(state: CustomerState, *, rested_us: Micros = NOON - DAY) -> CustomerState:
    """A complaint, long solved; the first message after it must not sell for three days more."""
    state.decisions.situations["complaint"] = Situation(NOON - 9 * DAY, {}, rested_us, NOON + 2 * DAY)
    return state


def test_the_first_message_after_a_complaint_does_not_sell() -> None:
    offer = message(at_us=NOON, content_id="offer")
    answer = gate(SELLING, gentle(customer()), offer, NOON)
    assert (answer.outcome, answer.until_us, answer.reasons[0][:3]) == (
        "postpone", NOON + 2 * DAY, ["first_after", False, "complaint"],
    )  # fmt: skip
    assert reason_text(answer.reasons[0], language="de", clock=BERLIN) == (
        "Die erste Nachricht danach verkauft nicht: offene Reklamation, seit 10.11.2026 12:00."
    )
    assert verdict(gentle(customer()), message(at_us=NOON), policy=SELLING)[0] == "release"
    assert (
        verdict(gentle(customer()), message(at_us=NOON, content_id="offer", message_class="transactional"))[0]
        == "release"
    )
    resting = gate(SELLING, gentle(customer(), rested_us=NOON + HOUR), message(at_us=NOON), NOON)
    assert (resting.until_us, resting.reasons[0][0]) == (NOON + HOUR, "situation")


def test_after_another_message_the_next_one_may_sell() -> None:
    offer, limits = message(at_us=NOON, content_id="offer"), PolicyConfig(limits=[])
    policy = compile_policy(limits, selling=frozenset({"offer"}))
    for contact_us, until_us in (
        (NOON - DAY - 1, NOON + 2 * DAY),  # before the rest was over: not afterwards
        (NOON - DAY, NOON),
        (NOON - 1, NOON),
        (NOON + HOUR, NOON + HOUR + 1),  # planned
    ):
        state = gentle(customer())
        contacts(state, contact_us, channel="call")
        answer = gate(policy, state, offer, NOON)
        assert answer.until_us == until_us, contact_us
        at_hand_over = gate(policy, state, offer, NOON, at_hand_over=True)
        assert (at_hand_over.outcome == "release") == (NOON - DAY <= contact_us <= NOON)


def test_an_incentive_is_never_the_first_message() -> None:
    state = customer(purposes=("newsletter", "incentive"))
    present = message(at_us=NOON, purpose="incentive")
    assert verdict(state, present) == ("withhold", ["first_incentive", False])
    contacts(state, NOON - 61 * DAY, channel="letter")  # whether it was dropped already or not
    assert verdict(state, present) == ("withhold", ["first_incentive", False])
    contacts(state, NOON - 20 * DAY, channel="letter")
    assert verdict(state, present)[0] == "release"
    contacts(state, NOON + HOUR, channel="letter")
    answer = gate(POLICY, state, present, NOON)
    assert (answer.outcome, answer.until_us) == ("postpone", NOON + HOUR + 1)
    assert verdict(state, present, policy=compile_policy(PolicyConfig(incentives=[])))[0] == "release"


def planned(state: CustomerState, at_us: Micros, *, handed_over: bool = False, **more: Any) -> None:
    """Another message that holds its place at this instant."""
    other = message(at_us=at_us, effect_id=b"o" * 16, **more)
    other.handed_over = handed_over
    state.contact.planned.append(other)
    state.contact.contacts.append(Contact(at_us, other.channel, other.message_class, other.effect_id, other.purpose))


def test_what_may_not_be_the_first_itself_is_not_what_another_one_waits_for() -> None:
    policy = compile_policy(PolicyConfig(limits=[]), selling=frozenset({"offer"}))
    offer, present = message(at_us=NOON, content_id="offer"), message(at_us=NOON, purpose="incentive")
    for asked, free_us in ((offer, NOON + 2 * DAY), (present, NEVER)):
        for other in ({"content_id": "offer"}, {"purpose": "incentive"}):
            state = gentle(customer(purposes=("newsletter", "incentive")))
            planned(state, NOON, **other)
            answer = gate(policy, state, asked, NOON)
            assert (answer.outcome, answer.until_us) == ("withhold" if free_us == NEVER else "postpone", free_us)
        for other in ({}, {"content_id": "offer", "handed_over": True}):
            state = gentle(customer(purposes=("newsletter", "incentive")))
            planned(state, NOON, **other)
            assert gate(policy, state, asked, NOON).until_us == NOON + 1
    # Without a rest a selling one may be the first.
    state = customer(purposes=("newsletter", "incentive"))
    planned(state, NOON, content_id="offer")
    assert gate(policy, state, present, NOON).until_us == NOON + 1
