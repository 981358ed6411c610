"""What figures say of one person's reachability, read off the state: on which channels and grounds, how often promoted to, what changed.

The counter asks everybody, the list of customers those of a page; both ask here, so that a number and the people behind it are one.
"""

from collections.abc import Iterable, Mapping, Sequence

from kundenkreis.channels.core.gate_questions import crowded_until
from kundenkreis.channels.core.policy_compiled import CompiledPolicy
from kundenkreis.customers.core.consent import EXISTING, address_of
from kundenkreis.customers.core.permission import MARKETING, permission, suppression
from kundenkreis.customers.core.state import Contact, CustomerState
from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.kernel.zones import DAY, HOUR

ELECTRONIC = ("email", "sms", "messenger", "push")
LETTER = "letter"
FIRST_PHASE = "purchase"
CONTACT_DAYS = 7
CONVERSION_DAYS = 14
"""Before and after a first order whose contacts are compared."""
CONVERTED_DAYS = 45
"""First orders older than this are left out: the state keeps contacts of 60 days."""
_NOT_PROMOTING = frozenset({"contract", "requested", "legal_duty"})
_CHANNELS = frozenset({*ELECTRONIC, "*"})


def phases_asked(names: Sequence[str]) -> Sequence[str]:
    """Of the phases, clockwise, those from the purchase on; all, where the circle has no such phase."""
    return names[names.index(FIRST_PHASE) :] if FIRST_PHASE in names else names


def is_asked(state: CustomerState, phases: Iterable[str]) -> bool:
    """Whether this person is in one of these phases."""
    place = state.decisions.phase
    return place is not None and place.phase in phases


def grounds_of(policy: CompiledPolicy, state: CustomerState, at_us: Micros) -> Mapping[str, str]:
    """Electronic channel -> the best legal ground to promote anything on it now."""
    return {channel: ground for channel in ELECTRONIC if (ground := ground_on(policy, state, channel, at_us))}


def ground_on(policy: CompiledPolicy, state: CustomerState, channel: str, at_us: Micros) -> str:
    """The best legal ground to promote anything to this person on this channel now; "" if there is none."""
    if not address_of(state, channel) or suppression(state, channel, MARKETING, at_us)[0]:
        return ""
    found = ""
    for name, rule in policy.purposes.items():
        if _NOT_PROMOTING.issuperset(rule.bases):
            continue
        answer = permission(
            state, channel, name, message_class=MARKETING, at_us=at_us, bases=tuple(rule.bases), categories=tuple(rule.categories)
        )  # fmt: skip
        if answer.allowed and (not found or found == EXISTING):
            found = answer.basis
    return found


def contacts_between(state: CustomerState, since_us: Micros, until_us: Micros) -> int:
    """Marketing contacts that happened in [since, until); what is only planned has not."""
    return sum(since_us <= one.at_us < until_us for one in _happened(state))


def _happened(state: CustomerState) -> list[Contact]:
    ahead = {one.effect_id for one in state.contact.planned}
    return [
        one for one in state.contact.contacts if one.message_class == MARKETING and one.effect_id not in ahead
    ]  # fmt: skip


def is_at_limit(policy: CompiledPolicy, state: CustomerState, channels: Iterable[str], at_us: Micros) -> bool:
    """Whether a limit without purposes of its own is used up on every one of these channels: one contact more now, and it is passed."""
    contacts = [one for one in state.contact.contacts if one.message_class == MARKETING]

    def is_full(channel: str) -> bool:
        for limit in policy.limits_on(channel):
            times = [one.at_us for one in contacts if not limit.channel or one.channel == limit.channel]
            if not limit.purposes and crowded_until(times, limit.at_most, limit.per_hours * HOUR, at_us) > at_us:
                return True
        return False

    return all(is_full(channel) for channel in channels)


def rights_changed(state: CustomerState, grounds: Mapping[str, str], since_us: Micros) -> frozenset[str]:
    """What happened to the rights to promote on electronic channels since then, as it stands on record: granted, withdrawn, objected, bounced."""
    found = set()
    for key, grant in state.consent.grants.items():
        if key.partition("|")[0] in _CHANNELS and grant.happened_us >= since_us and grant.basis not in _NOT_PROMOTING:
            found.add("granted" if grant.granted else "withdrawn")
    if EXISTING in grounds.values() and since_us <= state.commerce.first_order_us < NEVER:
        found.add("granted")
    if any(objected_us >= since_us for objected_us in state.consent.objections.values()):
        found.add("objected")
    for entries in state.consent.suppressed.values():
        if any(entry[0] == "hard" and since_us <= entry[1] >= entry[3] for entry in entries):
            found.add("bounced")
    return frozenset(found)


def around_first_order(state: CustomerState, at_us: Micros) -> tuple[int, int] | None:
    """(marketing contacts in the 14 days before the first order, in the 14 days after it); None unless both have been."""
    first_us, span_us = state.commerce.first_order_us, CONVERSION_DAYS * DAY
    if not at_us - CONVERTED_DAYS * DAY <= first_us <= at_us - span_us or state.first_seen_us > first_us - span_us:
        return None
    return contacts_between(state, first_us - span_us, first_us), contacts_between(state, first_us, first_us + span_us)
