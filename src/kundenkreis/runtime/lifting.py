"""Lifting fences: whoever unsubscribed and later confirms again, with proof, is to hear from us again.

A fence only bridges the time until the fold has seen a withdrawal; from then on the state says no by itself. It is lifted where the
fold has accepted a newer proven consent, and only when it is older than every claim that was judged before it stood: a message whose
hand-over began then must still find it.
"""

from collections.abc import Iterable

from kundenkreis.channels.core.fences import MARKETING, marketing_on, purpose_on
from kundenkreis.customers.core.state import CustomerState
from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.zones import MINUTE
from kundenkreis.runtime.stores.session import Session

OLDEST_CLAIM: Micros = 20 * MINUTE
"""A claim's lease of 15 minutes and a margin."""


def lift_fences(tx: Session, states: Iterable[CustomerState]) -> None:
    """Remove the fences that proven consents of these customers have overtaken. Erasure and restriction are never lifted."""
    lifted: list[tuple[int, str, Micros]] = []
    for state in states:
        for key, grant in state.consent.grants.items():
            channel, _, purpose = key.partition("|")
            if grant.granted and grant.proven:
                before_us = min(grant.happened_us, state.clock_us - OLDEST_CLAIM)
                scopes = (purpose_on(purpose, channel), marketing_on(channel), MARKETING)
                lifted.extend(
                    (owner, scope, before_us) for owner in (state.profile_id, *state.absorbed) for scope in scopes
                )
    tx.run_many("DELETE FROM fences WHERE profile_id = ? AND scope = ? AND since_us < ?", lifted)
