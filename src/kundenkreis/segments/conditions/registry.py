"""The kinds of conditions: one line each. Third parties add theirs by the entry point group `kundenkreis.conditions`.

The shell loads entry points and passes all kinds on; nothing in here reads what is installed.
"""

from collections.abc import Iterable, Mapping

from kundenkreis.segments.conditions import (
    attribute,
    bucket,
    consent,
    event,
    event_sum,
    event_time,
    order_silence,
    phase,
    reachable,
    score,
    segment,
    situation,
    trait,
)
from kundenkreis.segments.core.protocol import ConditionKind

ENTRY_POINT_GROUP = "kundenkreis.conditions"

KINDS: tuple[ConditionKind, ...] = (
    attribute.KIND,
    event.KIND,
    event_sum.KIND,
    event_time.KIND,
    trait.KIND,
    segment.KIND,
    phase.KIND,
    score.KIND,
    situation.KIND,
    consent.KIND,
    reachable.KIND,
    bucket.KIND,
    order_silence.KIND,
)


def kinds_by_name(kinds: Iterable[ConditionKind] = KINDS) -> Mapping[str, ConditionKind]:
    """Kind -> plug-in."""
    return {kind.kind: kind for kind in kinds}


SHIPPED: Mapping[str, ConditionKind] = kinds_by_name()
