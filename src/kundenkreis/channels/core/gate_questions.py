"""The questions that every message must pass, one function each, in the order of QUESTIONS.

A question looks at one instant and answers None (passes) or a Refusal with the end of the stretch it refuses: every
instant from the one asked to `until_us` is refused for this reason. NEVER: no passing of time helps, only an event.
That makes the search for the earliest instant at which everything passes exact (gate.py: earliest).

Transactional messages are refused by nothing but erasure, a profile that no longer exists, a dead or missing address,
a contract that says so (validity).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from kundenkreis.channels.core.policy_calendar import birthday_on, customer_zone, place_of, quiet_until
from kundenkreis.channels.core.policy_compiled import ATTEMPTS, KEPT_DAYS, CompiledPolicy
from kundenkreis.channels.core.policy_config import Limit, SituationHold
from kundenkreis.customers.core.consent import address_of
from kundenkreis.customers.core.permission import (
    MARKETING,
    SERVICE,
    TRANSACTIONAL,
    Permission,
    attribute_value,
    country_of,
    objection,
    permission,
    suppression,
)
from kundenkreis.customers.core.state import CustomerState, Planned, Situation
from kundenkreis.kernel.hashing import BUCKETS, bucket_of
from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.kernel.zones import DAY, HOUR, MINUTE

OWN_ACT = 30 * MINUTE
"""An answer to the person's own act of so long ago may come at night by e-mail."""

NEEDS_ADDRESS = frozenset({"email", "sms", "messenger", "phone", "call", "letter", "push"})
_WEEK = 7 * DAY
_SUBJECTS = ("order_id", "product_id", "case_id", "cart_id", "category")


class Refusal(NamedTuple):
    """No: which rule, until when without an event, and what it found (plain data for the verdict)."""

    rule: str
    until_us: Micros
    detail: tuple[Any, ...] = ()


class Asked:
    """One message being judged: what all questions share, read once."""

    __slots__ = (
        "_caps", "_permission", "at_hand_over", "effect_id", "fences", "ignoring", "is_marketing", "now_us", "planned",
        "policy", "state",
    )  # fmt: skip

    def __init__(
        self, policy: CompiledPolicy, state: CustomerState, planned: Planned, *, now_us: Micros, at_hand_over: bool,
        fences: tuple[str, ...], ignoring: frozenset[bytes],
    ) -> None:  # fmt: skip
        self.policy = policy
        self.state = state
        self.planned = planned
        self.now_us = now_us
        self.at_hand_over = at_hand_over
        self.fences = fences
        self.ignoring = ignoring
        self.effect_id = planned.effect_id
        self.is_marketing = planned.message_class == MARKETING
        self._permission: tuple[Micros, Permission] | None = None
        self._caps: list[tuple[Limit, list[Micros]]] | None = None

    def permission(self, at_us: Micros) -> Permission:
        """The legal side at this instant."""
        if self._permission is None or self._permission[0] != at_us:
            planned, policy = self.planned, self.policy
            answer = permission(
                self.state, planned.channel, planned.purpose, message_class=planned.message_class, at_us=at_us,
                bases=policy.bases(planned.purpose),
                categories=policy.categories(planned.purpose) or _categories(planned.variables),
            )  # fmt: skip
            self._permission = (at_us, answer)
        return self._permission[1]

    def first_contact_us(self, from_us: Micros) -> Micros:
        """When the first other marketing contact from this instant on happened or is planned; NEVER if none is.

        What is planned and may not be the first itself is passed over: two of them would wait for each other. Nothing is lost by it, because it has its
        place only where another contact comes before it, and that one counts here as well.
        """
        second = frozenset(
            one.effect_id for one in self.state.contact.planned if not one.handed_over and self._may_not_be_first(one)
        )
        return min((one for one in self.contact_times("", [], without=second) if one >= from_us), default=NEVER)

    def _may_not_be_first(self, planned: Planned) -> bool:
        if planned.message_class != MARKETING:
            return False
        if planned.purpose in self.policy.config.incentives:
            return True
        return planned.content_id in self.policy.selling and any(
            planned.due_us < situation.gentle_until_us for situation in self.state.decisions.situations.values()
        )

    def contact_times(
        self, channel: str, purposes: list[str], *, without: frozenset[bytes] = frozenset()
    ) -> list[Micros]:
        """Ascending instants of the other marketing contacts on this channel ("" = any), reserved ones included.

        At hand-over only what has happened counts: a reservation that lies ahead yields when its own turn comes.
        """
        contacts = self.state.contact.contacts
        if not contacts:
            return []
        latest_us = self.now_us if self.at_hand_over else NEVER
        return [
            contact.at_us
            for contact in contacts
            if contact.message_class == MARKETING
            and (contact.channel == channel if channel else contact.channel not in ATTEMPTS)
            and (not purposes or contact.purpose in purposes)
            and contact.at_us <= latest_us
            and contact.effect_id != self.effect_id
            and contact.effect_id not in self.ignoring
            and contact.effect_id not in without
        ]

    def caps(self) -> list[tuple[Limit, list[Micros]]]:
        """The limits this message uses, each with the contacts already counted against it."""
        if self._caps is None:
            purpose = self.planned.purpose
            self._caps = [
                (limit, self.contact_times(limit.channel, limit.purposes))
                for limit in self.policy.limits_on(self.planned.channel)
                if not limit.purposes or purpose in limit.purposes
            ]
        return self._caps


def crowded_until(times: list[Micros], at_most: int, window_us: Micros, at_us: Micros) -> Micros:
    """Until when one more contact would make more than `at_most` in some window; -1 if it may be now.

    `times` ascending. A window is half open: contacts exactly `window_us` apart are in no common one.
    """
    if at_most <= 0:
        return NEVER
    until_us = -1
    for i in range(len(times) - at_most + 1):
        first, last = times[i], times[i + at_most - 1]
        if max(last, at_us) - min(first, at_us) < window_us:
            until_us = first + window_us
    return until_us


# The questions --------------------------------------------------------------------------------------------------------


def ask_existence(asked: Asked, at_us: Micros) -> Refusal | None:
    """Does this person still exist here, not joined into another profile?"""
    if asked.state.forwarded_to:
        return Refusal("forwarded", NEVER, (asked.state.forwarded_to,))
    return None


def ask_address(asked: Asked, at_us: Micros) -> Refusal | None:
    """Is there an address for this channel?"""
    channel = asked.planned.channel
    if channel in NEEDS_ADDRESS and not address_of(asked.state, channel):
        return Refusal("no_address", NEVER, (channel,))
    return None


def ask_fences(asked: Asked, at_us: Micros) -> Refusal | None:
    """Did the person forbid it a moment ago, faster than the fold could hear it?

    Scopes as in channels/core/fences.py: everything (erasure, restriction: whatever the class), marketing,
    marketing/<channel>, purpose/<purpose>/<channel>.
    """
    if not asked.fences:
        return None
    planned = asked.planned
    covering = ["everything"]
    if planned.message_class != TRANSACTIONAL:
        covering.append(f"purpose/{planned.purpose}/{planned.channel}")
    if asked.is_marketing:
        covering += ["marketing", f"marketing/{planned.channel}"]
    hit = next((scope for scope in covering if scope in asked.fences), "")
    return Refusal("fence", NEVER, (hit,)) if hit else None


def ask_basis(asked: Asked, at_us: Micros) -> Refusal | None:
    """Is there a legal basis for this person, channel and purpose?"""
    answer = asked.permission(at_us)
    if answer.allowed or answer.reason in ("objected", "withdrawn"):
        return None
    return Refusal("basis", NEVER, (answer.reason, asked.planned.channel, asked.planned.purpose))


def ask_suppression(asked: Asked, at_us: Micros) -> Refusal | None:
    """Is the address on the suppression list?"""
    reason, since_us, until_us = suppression(asked.state, asked.planned.channel, asked.planned.message_class, at_us)
    return Refusal("suppressed", until_us, (reason, since_us)) if reason else None


def ask_objection(asked: Asked, at_us: Micros) -> Refusal | None:
    """Did the person object or withdraw?"""
    answer = asked.permission(at_us)
    if answer.allowed or answer.reason not in ("objected", "withdrawn"):
        return None
    if answer.reason == "objected":
        return Refusal("objection", NEVER, objection(asked.state, asked.planned.channel, asked.planned.purpose))
    return Refusal("withdrawn", NEVER, (asked.planned.channel, asked.planned.purpose))


def ask_global_holdout(asked: Asked, at_us: Micros) -> Refusal | None:
    """Is the person in the group that gets no marketing at all?"""
    holdout = asked.policy.config.global_holdout
    if not asked.is_marketing or not holdout.percent:
        return None
    inside = bucket_of(asked.state.bucket_key, holdout.salt) < round(holdout.percent * BUCKETS / 100)
    return Refusal("global_holdout", NEVER, (holdout.salt,)) if inside else None


def ask_journey_holdout(asked: Asked, at_us: Micros) -> Refusal | None:
    """Is the person in the control group of this journey?"""
    if not asked.is_marketing or not asked.planned.run_id:
        return None
    for run in asked.state.runs:
        if run.run_id == asked.planned.run_id:
            return Refusal("journey_holdout", NEVER, (run.journey_id,)) if run.in_holdout else None
    return None


def ask_age(asked: Asked, at_us: Micros) -> Refusal | None:
    """Is the person old enough for marketing, as far as the date of birth is known?"""
    rule = asked.policy.config.minors
    born = attribute_value(asked.state, rule.attribute) if asked.is_marketing else None
    if not isinstance(born, str):
        return None
    age = rule.countries.get(country_of(asked.state), rule.of_age)
    day = birthday_on(born, age)
    if day is None:
        return None
    of_age_us = customer_zone(asked.state, asked.policy.brand).day_start_us(day)
    return Refusal("minor", of_age_us, (age,)) if at_us < of_age_us else None


def ask_situation(asked: Asked, at_us: Micros) -> Refusal | None:
    """Does an open matter, or the rest after it, hold this message? Of several that end together the policy's first line is named."""
    known = asked.state.decisions.situations
    if asked.planned.message_class == TRANSACTIONAL or not known:
        return None
    found: Refusal | None = None
    for kind, holds in asked.policy.holds.items():
        situation = known.get(kind)
        if situation is None:
            continue
        is_open = bool(situation.keys)
        if not is_open and at_us >= max(situation.rests_until_us, situation.gentle_until_us):
            continue
        for hold in holds:
            if not _holds(hold, situation, asked.planned):
                continue
            rule, until_us = ("situation", NEVER) if is_open else _rest(asked, situation, at_us)
            if until_us > at_us and (found is None or until_us > found.until_us):
                keys = sorted(situation.keys)[:3]
                found = Refusal(rule, until_us, (kind, situation.since_us, keys, hold.reason.de, hold.reason.en))
    return found


def _rest(asked: Asked, situation: Situation, at_us: Micros) -> tuple[str, Micros]:
    """(rule, until when it refuses) after the matter has ended; an instant that is over if it does not."""
    if at_us < situation.rests_until_us:
        return "situation", situation.rests_until_us
    if asked.planned.content_id not in asked.policy.selling:
        return "first_after", -1
    first_us = asked.first_contact_us(situation.rests_until_us)
    return "first_after", min(situation.gentle_until_us, first_us + 1)


def ask_pause(asked: Asked, at_us: Micros) -> Refusal | None:
    """Did somebody pause marketing for this person?"""
    contact = asked.state.contact
    if asked.is_marketing and at_us < contact.paused_until_us:
        return Refusal("paused", contact.paused_until_us, (contact.pause_reason,))
    return None


def ask_validity(asked: Asked, at_us: Micros) -> Refusal | None:
    """Is the message still of use?"""
    if at_us > asked.planned.valid_until_us:
        return Refusal("validity", NEVER, (asked.planned.valid_until_us,))
    return None


def ask_incentive(asked: Asked, at_us: Micros) -> Refusal | None:
    """Does it come with an incentive although nothing else came before?"""
    if not asked.is_marketing or asked.planned.purpose not in asked.policy.config.incentives:
        return None
    first_us = asked.first_contact_us(at_us - KEPT_DAYS * DAY)
    return Refusal("first_incentive", min(first_us + 1, NEVER), ()) if first_us >= at_us else None


def ask_after_conversion(asked: Asked, at_us: Micros) -> Refusal | None:
    """After the first purchase: no more pressure than before (and one contact in 7 days)?"""
    rule, bought_us = asked.policy.config.after_conversion, asked.state.commerce.first_order_us
    ends_us = bought_us + rule.days * DAY
    if not asked.is_marketing or not bought_us <= at_us < ends_us:
        return None
    # What is planned for later than that is not asked this question, so it takes no place from what is.
    times = [contact_us for contact_us in asked.contact_times("", []) if contact_us < ends_us]
    before = sum(1 for contact_us in times if bought_us - _WEEK <= contact_us < bought_us)
    until_us = crowded_until(times, before + rule.extra_per_week, _WEEK, at_us)
    return Refusal("after_conversion", min(until_us, ends_us), (bought_us, before)) if until_us > at_us else None


def ask_limits(asked: Asked, at_us: Micros) -> Refusal | None:
    """Is there room in the contact budget, on this channel and over all?"""
    if not asked.is_marketing:
        return None
    found: Refusal | None = None
    for limit, times in asked.caps():
        until_us = crowded_until(times, limit.at_most, limit.per_hours * HOUR, at_us)
        if until_us > at_us and (found is None or until_us > found.until_us):
            found = Refusal("limit", until_us, (limit.id, limit.at_most, limit.per_hours))
    return found


def ask_quiet_time(asked: Asked, at_us: Micros) -> Refusal | None:
    """Is it a fit hour and day where the person lives?"""
    planned, policy = asked.planned, asked.policy
    rules = policy.quiet_on(planned.channel, planned.message_class)
    if not rules or (planned.channel == "email" and is_answer(planned, at_us)):
        return None
    clock = customer_zone(asked.state, policy.brand)
    found = quiet_until(rules, clock, at_us, place=place_of(asked.state, policy.brand))
    return Refusal(found[0], found[1], (clock.name,)) if found is not None else None


def ask_overdue(asked: Asked, at_us: Micros) -> Refusal | None:
    """At hand-over: did a backlog delay it so long that a person should look first?"""
    if asked.at_hand_over and asked.is_marketing and at_us > asked.planned.due_us + asked.policy.grace_us:
        return Refusal("overdue", NEVER, (asked.planned.due_us,))
    return None


Question = Callable[[Asked, Micros], Refusal | None]

QUESTIONS: tuple[tuple[str, Question], ...] = (
    ("existence", ask_existence),
    ("address", ask_address),
    ("fences", ask_fences),
    ("basis", ask_basis),
    ("suppression", ask_suppression),
    ("objection", ask_objection),
    ("global_holdout", ask_global_holdout),
    ("journey_holdout", ask_journey_holdout),
    ("age", ask_age),
    ("situation", ask_situation),
    ("pause", ask_pause),
    ("validity", ask_validity),
    ("incentive", ask_incentive),
    ("after_conversion", ask_after_conversion),
    ("limits", ask_limits),
    ("quiet_time", ask_quiet_time),
    ("overdue", ask_overdue),
)
"""In the order asked; docs/reference/contact-policy.md lists them with their reasons."""


def is_answer(planned: Planned, at_us: Micros) -> bool:
    """Whether this message answers an act of the person in the last 30 minutes: it was decided because of that, and of no due time."""
    return bool(planned.cause) and at_us <= planned.acted_us + OWN_ACT


def _holds(hold: SituationHold, situation: Situation, planned: Planned) -> bool:
    spares_service = planned.message_class == SERVICE and hold.holds != "service"
    if spares_service or not hold.priorities[0] <= planned.priority <= hold.priorities[1]:
        return False
    if planned.journey_id in hold.except_journeys or planned.purpose in hold.except_purposes:
        return False
    if hold.channels and planned.channel not in hold.channels:
        return False
    if planned.journey_id in hold.journeys or planned.purpose in hold.purposes:
        return True
    if hold.same_subject:
        return _same_subject(situation, planned.variables)
    return not hold.journeys and not hold.purposes


def _same_subject(situation: Situation, variables: dict[str, Any]) -> bool:
    """Whether the message is about an order, product, case or category that the open matter names."""
    named = {str(variables[name]) for name in _SUBJECTS if variables.get(name) is not None}
    return any(
        key in named or any(str(detail) in named for detail in details[1:]) for key, details in situation.keys.items()
    )


def _categories(variables: dict[str, Any]) -> tuple[str, ...]:
    """What goods a message is about, as its entering event says."""
    category = variables.get("category")
    return (category,) if isinstance(category, str) and category else ()
