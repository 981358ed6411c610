"""Who may lawfully be promoted to, and how much they were: every state from the phase purchase on is asked, in stretches."""

from collections import Counter
from collections.abc import Iterator, Sequence

from kundenkreis.channels.core.policy_compiled import CompiledPolicy
from kundenkreis.customers.core.consent import EXISTING
from kundenkreis.customers.core.state import CustomerState, decode_state
from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.kernel.zones import DAY, Zone
from kundenkreis.runtime.counting import reachable
from kundenkreis.runtime.counting.circle import period_since_us
from kundenkreis.runtime.counting.reachable import CONTACT_DAYS, ELECTRONIC, LETTER
from kundenkreis.runtime.stores.session import Session
from kundenkreis.site.ports.start import PERIODS, ChannelReach, Conversion, Reach, RightsChanged

STRETCH = 2_000

_PEOPLE = f"""
SELECT m.profile_id, s.state FROM memberships m CROSS JOIN states s
WHERE m.kind = 'phase' AND m.definition_id = ? AND m.until_us = {NEVER} AND m.profile_id > ? AND s.profile_id = m.profile_id
ORDER BY m.profile_id LIMIT {STRETCH}
"""
"""One phase after the other, so that the index gives the people in order and nothing is sorted. CROSS JOIN: for SQLite only."""


class _Sums:
    """What is added up of the people asked."""

    def __init__(self, policy: CompiledPolicy, *, zone: Zone, at_us: Micros) -> None:
        self._policy = policy
        self._at_us = at_us
        self._since = {days: period_since_us(zone, days, at_us) for days in PERIODS}
        self.people = self.reachable = self.by_letter = self.at_limit = 0
        self.grounds: Counter[tuple[str, str]] = Counter()
        self.pressure: Counter[int] = Counter()
        self.rights: Counter[tuple[int, str]] = Counter()
        self.converted = self.before = self.after = 0

    def add(self, state: CustomerState) -> None:
        """One person more."""
        at_us = self._at_us
        here = reachable.grounds_of(self._policy, state, at_us)
        self.people += 1
        self.grounds.update(here.items())
        for days, since_us in self._since.items():
            self.rights.update((days, what) for what in reachable.rights_changed(state, here, since_us))
        if here:
            self.reachable += 1
            self.pressure[reachable.contacts_between(state, at_us - CONTACT_DAYS * DAY, at_us + 1)] += 1
            self.at_limit += reachable.is_at_limit(self._policy, state, here, at_us)
        elif reachable.ground_on(self._policy, state, LETTER, at_us):
            self.by_letter += 1
        around = reachable.around_first_order(state, at_us)
        if around is not None:
            self.converted += 1
            self.before += around[0]
            self.after += around[1]


def count_reach(
    tx: Session, *, policy: CompiledPolicy, phases: Sequence[tuple[str, Sequence[str]]], zone: Zone, at_us: Micros
) -> Reach:
    """The people from the phase purchase on, clockwise; of everybody, where the circle has no such phase."""
    sums = _Sums(policy, zone=zone, at_us=at_us)
    for state in _states(tx, reachable.phases_asked([phase for phase, _ in phases])):
        sums.add(state)
    return Reach(
        at_us=at_us,
        people=sums.people,
        reachable=sums.reachable,
        by_letter_only=sums.by_letter,
        channels=tuple(
            ChannelReach(
                channel=channel,
                by_consent=sum(
                    count for (one, ground), count in sums.grounds.items() if one == channel and ground != EXISTING
                ),
                as_customer=sums.grounds[channel, EXISTING],
            )
            for channel in ELECTRONIC
        ),
        contacts=tuple(sorted(sums.pressure.items())),
        at_limit=sums.at_limit,
        rights=tuple(
            RightsChanged(
                days=days, granted=sums.rights[days, "granted"], withdrawn=sums.rights[days, "withdrawn"],
                objected=sums.rights[days, "objected"], bounced=sums.rights[days, "bounced"],
            )
            for days in PERIODS
        ),
        conversion=Conversion(people=sums.converted, before=sums.before, after=sums.after),
    )  # fmt: skip


def _states(tx: Session, phases: Sequence[str]) -> Iterator[CustomerState]:
    """States of the people in these phases, never more than a stretch of them in memory."""
    for phase in phases:
        after = -1
        while rows := tx.rows(_PEOPLE, (phase, after)):
            yield from (decode_state(bytes(row[1])) for row in rows)
            after = rows[-1][0]
            tx.renew()
