"""The kinds of conditions: one line each; third parties register theirs under the entry point `kundenkreis.conditions`."""

from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points

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


@cache
def condition_kinds() -> Mapping[str, ConditionKind]:
    """All kinds by name, looked up once per process: the built-in ones, then the installed ones, which cannot replace them."""
    kinds = {entry.name: entry.load() for entry in sorted(entry_points(group="kundenkreis.conditions"), key=str)}
    return {**{plug_in.kind: plug_in for plug_in in kinds.values()}, **{plug_in.kind: plug_in for plug_in in KINDS}}
