"""Judging over random histories: no limit is ever exceeded, and every message meets its fate."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kundenkreis.channels.core.policy import next_us
from kundenkreis.channels.core.policy_compiled import compile_policy
from kundenkreis.channels.core.policy_config import Holdout, Limit, PolicyConfig, QuietHours
from kundenkreis.customers.core.state import Planned, Situation, decode_state, encode_state
from kundenkreis.customers.core.turn import VerdictEntry
from kundenkreis.kernel.effects import SendMessage
from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.rows import LogRow
from kundenkreis.kernel.zones import DAY, HOUR
from tests.channels.policy_cases import NOON, customer, feedback, judged, message, open_situation, slots

pytestmark = pytest.mark.pure

TIGHT = compile_policy(
    PolicyConfig(
        limits=[
            Limit(id="email_day", channel="email", at_most=1, per_hours=24),
            Limit(id="sms_three_days", channel="sms", at_most=1, per_hours=72),
            Limit(id="all_week", at_most=3, per_hours=168),
            Limit(id="survey", purposes=["survey"], at_most=1, per_hours=240),
        ],
        quiet_hours=[
            QuietHours(channel="email", message_class="marketing", from_="21:00", to="07:00"),
            QuietHours(channel="sms", from_="20:00", to="09:00", sundays=True),
        ],
        global_holdout=Holdout(percent=0),
    )
)

CANDIDATE = st.fixed_dictionaries(
    {
        "channel": st.sampled_from(["email", "sms", "push"]), "priority": st.integers(1, 10),
        "message_class": st.sampled_from(["marketing"] * 5 + ["transactional"]),
        "purpose": st.sampled_from(["newsletter", "newsletter", "survey", "incentive"]),
        "valid": st.integers(0, 240), "later": st.sampled_from([0, 0, 5, 40]),
        "if_withheld": st.sampled_from(["skip", "wait", "exit"]),
    }
)  # fmt: skip
STEP = st.fixed_dictionaries(
    {
        "hours": st.integers(0, 60), "candidates": st.lists(CANDIDATE, max_size=4),
        "situation": st.sampled_from(["", "", "", "open", "close"]),
        "feedback": st.sampled_from(["", "Message Sent", "Message Sent", "Message Failed", "Message Withheld"]),
        "cancel": st.booleans(),
    }
)  # fmt: skip


class History:
    """One customer lived through: every turn that would come, with a ledger of its own beside the state."""

    def __init__(self, *, reverse: bool = False, idles: bool = False) -> None:
        self.state = customer(purposes=("newsletter", "survey", "incentive"))
        self.now_us = NOON
        self.reverse = reverse
        self.idles = idles
        """Whether somebody also looks when nothing has happened."""
        self.looked_us = NOON
        self.released: dict[bytes, tuple[Micros, SendMessage]] = {}
        self.verdicts: list[VerdictEntry] = []
        self.number = 0

    def live(self, steps: list[dict[str, Any]]) -> None:
        for step in steps:
            self.run_timers(self.now_us + step["hours"] * HOUR)
            self.take(step)
        self.run_timers(self.now_us + 40 * DAY)

    def run_timers(self, until_us: Micros) -> None:
        for _ in range(1000):
            due_us = next_us(TIGHT, self.state)
            between_us = (self.looked_us + min(due_us, until_us)) // 2
            if self.idles and self.looked_us < between_us:
                self.turn(between_us)
            if due_us > until_us:
                break
            assert due_us >= self.now_us
            self.turn(due_us)
        else:
            raise AssertionError("the policy wakes without end")
        self.now_us = until_us

    def take(self, step: dict[str, Any]) -> None:
        late = self.state.decisions.situations.get("late")
        if step["situation"] == "open":
            open_situation(self.state, "late", since_us=self.now_us)
        elif step["situation"] == "close" and late is not None and late.keys:
            self.state.decisions.situations["late"] = Situation(self.now_us, {}, self.now_us + 2 * DAY)
        candidates = []
        for given_values in step["candidates"]:
            values = dict(given_values)
            self.number += 1
            due_us = self.now_us + values.pop("later") * HOUR
            valid_until_us = due_us + values.pop("valid") * HOUR
            values |= {"due_us": due_us, "valid_until_us": valid_until_us}
            candidates.append(message(self.number, at_us=self.now_us, **values))
        if self.reverse:
            candidates.reverse()
        row = None
        out = next((planned for planned in self.state.contact.planned if planned.handed_over), None)
        if step["feedback"] and out is not None:
            row = feedback(step["feedback"], out, self.now_us)
            if step["feedback"] == "Message Sent":
                self.released[out.effect_id] = (self.now_us, self.released[out.effect_id][1])
            else:
                del self.released[out.effect_id]
        kept = [planned for planned in self.state.contact.planned if not planned.handed_over]
        cancel = [(kept[0].effect_id, "goal")] if step["cancel"] and kept else []
        self.turn(self.now_us, *candidates, row=row, cancel=cancel)

    def turn(self, at_us: Micros, *candidates: Planned, row: LogRow | None = None, cancel: Any = ()) -> None:
        self.state = decode_state(encode_state(self.state))
        self.looked_us = at_us
        turn = judged(self.state, at_us, *candidates, row=row, cancel=cancel, policy=TIGHT)
        for effect in turn.effects:
            assert isinstance(effect, SendMessage)
            self.released[effect.effect_id] = (at_us, effect)
            self.check_limits(at_us, effect)
        self.verdicts += [entry for entry in turn.records if isinstance(entry, VerdictEntry)]

    def check_limits(self, at_us: Micros, effect: SendMessage) -> None:
        """Recounts from the ledger, not from the state: no window that ends with this release is over its limit."""
        if effect.message_class != "marketing":
            return
        for limit in TIGHT.limits_on(effect.channel):
            if limit.purposes and effect.purpose not in limit.purposes:
                continue
            used = [
                one_us
                for one_us, one in self.released.values()
                if one.message_class == "marketing"
                and limit.channel in ("", one.channel)
                and (not limit.purposes or one.purpose in limit.purposes)
                and at_us - limit.per_hours * HOUR < one_us <= at_us
            ]
            assert len(used) <= limit.at_most, limit.id


@settings(deadline=None, max_examples=80)
@given(st.lists(STEP, max_size=10))
def test_no_limit_is_ever_exceeded_and_every_message_meets_its_fate(steps: list[dict[str, Any]]) -> None:
    history = History()
    history.live(steps)
    assert [planned for planned in history.state.contact.planned if not planned.handed_over] == []
    by_message: dict[bytes, list[VerdictEntry]] = {}
    for entry in history.verdicts:
        by_message.setdefault(entry.effect_id, []).append(entry)
        assert isinstance(entry.reasons[0][0], str)
    assert len(by_message) == history.number
    for entries in by_message.values():
        assert [entry.sequence for entry in entries] == list(range(len(entries)))
        assert entries[-1].outcome in {"released", "handed_over", "withheld", "expired", "failed", "cancelled"}


@settings(deadline=None, max_examples=60)
@given(st.lists(STEP, max_size=8))
def test_reservations_alone_never_exceed_a_limit(steps: list[dict[str, Any]]) -> None:
    """Without feedback that moves contacts, the state itself never plans more than allowed in any window."""
    history = History()
    for step in steps:
        quiet = {**step, "feedback": ""}
        history.run_timers(history.now_us + quiet["hours"] * HOUR)
        history.take(quiet)
        for limit in TIGHT.config.limits or ():
            times = [
                contact.at_us
                for contact in history.state.contact.contacts
                if limit.channel in ("", contact.channel) and (not limit.purposes or contact.purpose in limit.purposes)
            ]
            window_us = limit.per_hours * HOUR
            most = max((sum(1 for two in times if one <= two < one + window_us) for one in times), default=0)
            assert most <= limit.at_most, limit.id


@settings(deadline=None, max_examples=100)
@given(st.lists(STEP, max_size=10))
def test_looking_when_nothing_has_happened_changes_nothing(steps: list[dict[str, Any]]) -> None:
    """Who waits gets a place at the instant that makes it possible. Only what the dispatcher refused waits for the next look, and
    messages are due when they are decided.
    """
    steps = [
        step
        | {"feedback": step["feedback"].replace("Message Withheld", "Message Failed")}
        | {"candidates": [one | {"later": 0} for one in step["candidates"]]}
        for step in steps
    ]
    busy, lazy = History(idles=True), History()
    for history in (busy, lazy):
        history.live(steps)
        history.turn(history.now_us)  # what nothing is left of is dropped in the next turn
    assert encode_state(busy.state) == encode_state(lazy.state)
    assert msgspec.msgpack.encode(busy.verdicts) == msgspec.msgpack.encode(lazy.verdicts)


@settings(deadline=None, max_examples=60)
@given(st.lists(STEP, max_size=6))
def test_the_order_of_candidates_decides_nothing(steps: list[dict[str, Any]]) -> None:
    one, other = History(), History(reverse=True)
    one.live(steps)
    other.live(steps)
    assert encode_state(one.state) == encode_state(other.state)
    assert msgspec.msgpack.encode(one.verdicts) == msgspec.msgpack.encode(other.verdicts)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.sampled_from(["email", "sms", "push"]), st.integers(2, 10)), max_size=10),
    st.sampled_from(["email", "sms", "push"]), st.integers(0, 47),
)  # fmt: skip
def test_a_message_is_never_held_back_by_less_important_ones_still_planned(
    others: list[tuple[str, int]], channel: str, hour: int
) -> None:
    """All are planned for later, so the most important one gets the place it would have had alone."""
    at_us = NOON + hour * HOUR
    later = {"due_us": at_us + HOUR, "valid_until_us": at_us + 20 * DAY}
    crowded, alone = customer(), customer()
    for n, (way, priority) in enumerate(others, 2):
        judged(crowded, at_us, message(n, at_us=at_us, channel=way, priority=priority, **later), policy=TIGHT)
    for state in (crowded, alone):
        judged(state, at_us + 1, message(1, at_us=at_us, channel=channel, priority=1, **later), policy=TIGHT)
    assert slots(crowded)[1] == slots(alone)[1]
