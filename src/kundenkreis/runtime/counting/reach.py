"""Who may lawfully be promoted to, and how much they were: every state from the phase purchase on is asked, in stretches."""

from collections import Counter
from collections.abc import Iterator, Sequence

from kundenkreis.channels.core.policy_compiled import CompiledPolicy
from kundenkreis.customers.core.consent import EXISTING, address_of
from kundenkreis.customers.core.permission import MARKETING, permission, suppression
from kundenkreis.customers.core.state import CustomerState, decode_state
from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.kernel.zones import DAY
from kundenkreis.runtime.stores.session import Session
from kundenkreis.site.ports.start import ChannelReach, Reach

ELECTRONIC = ("email", "sms", "messenger", "push")
LETTER = "letter"
FIRST_PHASE = "purchase"
CONTACT_DAYS = 7
STRETCH = 2_000
_NOT_PROMOTING = frozenset({"contract", "requested", "legal_duty"})

_PEOPLE = f"""
SELECT s.profile_id, s.state FROM states s JOIN memberships m ON m.profile_id = s.profile_id
WHERE m.kind = 'phase' AND m.definition_id IN ({{phases}}) AND m.until_us = {NEVER} AND s.profile_id > ?
ORDER BY s.profile_id LIMIT {STRETCH}
"""
_CONTACTS = """
SELECT profile_id, count(*) FROM verdicts
WHERE outcome = 'handed_over' AND message_class = 'marketing' AND at_us >= ? GROUP BY profile_id
"""


def count_reach(
    tx: Session, *, policy: CompiledPolicy, phases: Sequence[tuple[str, Sequence[str]]], at_us: Micros
) -> Reach:
    """The people from the phase purchase on, clockwise; of everybody, where the circle has no such phase."""
    names = [phase for phase, _ in phases]
    asked = names[names.index(FIRST_PHASE) :] if FIRST_PHASE in names else names
    contacts: dict[int, int] = dict(tx.rows(_CONTACTS, (at_us - CONTACT_DAYS * DAY,)))
    people = reachable = by_letter = 0
    grounds: Counter[tuple[str, str]] = Counter()
    pressure: Counter[int] = Counter()
    for state in _states(tx, asked):
        people += 1
        here = {channel: ground for channel in ELECTRONIC if (ground := _ground(policy, state, channel, at_us))}
        grounds.update(here.items())
        if here:
            reachable += 1
            pressure[contacts.get(state.profile_id, 0)] += 1
        elif _ground(policy, state, LETTER, at_us):
            by_letter += 1
    return Reach(
        at_us=at_us,
        people=people,
        reachable=reachable,
        by_letter_only=by_letter,
        channels=tuple(
            ChannelReach(
                channel=channel,
                by_consent=sum(
                    count for (one, ground), count in grounds.items() if one == channel and ground != EXISTING
                ),
                as_customer=grounds[channel, EXISTING],
            )
            for channel in ELECTRONIC
        ),
        contacts=tuple(sorted(pressure.items())),
    )


def _states(tx: Session, phases: Sequence[str]) -> Iterator[CustomerState]:
    """States of the people in these phases, never more than a stretch of them in memory."""
    marks = ", ".join("?" * len(phases))
    after = -1
    while True:
        rows = tx.rows(_PEOPLE.format(phases=marks), (*phases, after)) if phases else []
        yield from (decode_state(bytes(row[1])) for row in rows)
        if len(rows) < STRETCH:
            return
        after = rows[-1][0]


def _ground(policy: CompiledPolicy, state: CustomerState, channel: str, at_us: Micros) -> str:
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
