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
from kundenkreis.kernel.zones import DAY
from kundenkreis.segments.core.decisions import adopt as adopt_decisions

RULEBOOK_PUBLISHED = "Rulebook Published"
BROADCAST_STARTED = "Broadcast Started"

ANONYMOUS_LIFE: Micros = 90 * DAY
"""An anonymous profile nobody heard of for this long is pruned (trust: retention)."""


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


def prune_at_us(state: CustomerState) -> Micros:
    """When an anonymous customer falls silent for good; NEVER for known ones."""
    return NEVER
