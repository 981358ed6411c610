"""`segment`: the customer is in that segment."""

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from kundenkreis.customers.core.state import CustomerState
from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.kernel.references import SegmentId
from kundenkreis.kernel.zones import Zone
from kundenkreis.segments.core.leaf import Leaf
from kundenkreis.segments.core.protocol import Condition, Known
from kundenkreis.segments.errors import DefinitionError


class SegmentConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Which segment."""

    id: SegmentId


class InSegment(Leaf):
    """The stored membership until it may flip; beyond that instant the segment's own condition is asked."""

    __slots__ = ("_compiled", "_id", "_key")

    def __init__(self, config: SegmentConfig, *, known: Known) -> None:
        key = f"segment:{config.id}"
        super().__init__("segment", config, reads=(key,))
        self._id, self._key = config.id, key
        self._compiled = known.compiled

    def answer(self, state: CustomerState, at_us: Micros) -> tuple[bool, Micros]:
        """(whether inside, when that flips without an event)."""
        recheck_us = state.decisions.recheck_us.get(self._key, NEVER)
        if at_us >= recheck_us and self._key in self._compiled:
            return self._compiled[self._key].answer(state, at_us)
        return self._id in state.decisions.inside, recheck_us if recheck_us > at_us else NEVER

    def found(self, state: CustomerState, at_us: Micros) -> dict[str, Any]:
        """Since when."""
        since_us = state.decisions.inside.get(self._id)
        return {} if since_us is None else {"since_us": since_us}


class SegmentKind:
    """The kind `segment`."""

    kind = "segment"
    label: ClassVar[Mapping[str, str]] = {"de": "Segment", "en": "Segment"}
    config = SegmentConfig

    def compile(self, config: SegmentConfig, *, zone: Zone, known: Known) -> Condition:
        """A look at another segment of the same rulebook."""
        if known.segments is not None and config.id not in known.segments:
            raise DefinitionError(
                ("id",), f"There is no segment `{config.id}`.", remedy="Define it or correct the id.", slug="unknown_id"
            )
        return InSegment(config, known=known)


KIND = SegmentKind()
