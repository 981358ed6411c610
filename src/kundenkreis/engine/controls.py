"""Control rows: how something touches everybody.

One row in every partition's log; it applies to each of its customers at that position, lazily at the customer's next input,
otherwise by the worker's throttled sweep.
"""

from collections.abc import Sequence

from kundenkreis.customers.core.state import CustomerState
from kundenkreis.customers.core.turn import Turn
from kundenkreis.engine.rulebook import Rulebook, RulebookOf
from kundenkreis.journeys.core.runs import adopt as adopt_journeys
from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.kernel.rows import LogRow
from kundenkreis.segments.core.decisions import adopt as adopt_decisions

RULEBOOK_PUBLISHED = "Rulebook Published"
BROADCAST_STARTED = "Broadcast Started"
FOLD_UPGRADED = "Fold Upgraded"
"""A newer program folds from here on: by this row each customer is loaded, and so carried over, once. It says nothing to the rules."""


def apply_control(turn: Turn, rulebook: Rulebook, rulebook_of: RulebookOf, history: Sequence[LogRow]) -> Rulebook:
    """Apply a control row; returns the rulebook in force afterwards.

    Publishing: the customer adopts the new version. Facts that the state lacks are folded from `history`, the customer's own rows up to
    here; membership that arises is marked as publishing. Everything else (a broadcast) is an input like any other.
    """
    row = turn.row
    assert row is not None
    if row.name != RULEBOOK_PUBLISHED:
        return rulebook
    version = int(row.properties["version"])
    if version == turn.state.rulebook_version:
        return rulebook
    turn.state.rulebook_version = turn.rulebook_version = version
    published = rulebook_of(version)
    turn.zone, turn.publishing = published.zone, True
    adopt_decisions(published.decisions, turn, history, previous=rulebook.decisions)
    adopt_journeys(published.journeys, turn)
    return published


def version_at(controls: Sequence[LogRow], number: int) -> tuple[int, int]:
    """(rulebook version in force for a row of this number, number of the last control row before it or -1).

    Args:
        controls: the control rows of the customer's partition, ascending.
    """
    version, last = 1, -1
    for row in controls:
        if row.number > number:
            break
        last = row.number
        if row.name == RULEBOOK_PUBLISHED:
            version = int(row.properties["version"])
    return version, last


def prune_at_us(state: CustomerState, life_us: Micros) -> Micros:
    """When an anonymous customer has been silent for `life_us` and is forgotten; NEVER for known ones and forwarders."""
    if state.profile.known or state.forwarded_to:
        return NEVER
    return max(state.last_seen_us, state.created_us) + life_us
