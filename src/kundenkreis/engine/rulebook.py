"""The rulebook: an immutable, compiled, versioned snapshot of everything people define.

Published as a whole; every decision records the version it was made under. Here it is only the container that advance()
reads; `definitions/` compiles it.
"""

from collections.abc import Callable

import msgspec

from kundenkreis.channels.core.policy_compiled import CompiledPolicy
from kundenkreis.journeys.core.compiled import CompiledJourneys
from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.rows import LogRow
from kundenkreis.kernel.zones import DAY, Zone
from kundenkreis.segments.core.decisions import CompiledDecisions

QUIET = frozenset(
    (
        "Segment Entered",
        "Segment Left",
        "Phase Changed",
        "Sub-State Changed",
        "Score Crossed",
        "Situation Began",
        "Situation Ended",
    )
)
"""Derived events that only tell of a decision already in the state: without a listener they change nothing."""


class Rulebook(msgspec.Struct, frozen=True, gc=False):
    """One published version, compiled."""

    version: int
    zone: Zone
    """The installation's zone: windows and day numbers."""
    decisions: CompiledDecisions
    journeys: CompiledJourneys
    policy: CompiledPolicy
    heard: frozenset[str]
    """Names of derived events that some fact, score, situation or journey of this rulebook listens to."""

    anonymous_life_us: Micros = 90 * DAY
    """An anonymous customer who stayed silent this long is forgotten."""

    def hears(self, derived: LogRow) -> bool:
        """Whether a derived event can change anything, so that it must go round again. The record is written either way."""
        return (
            derived.name not in QUIET
            or derived.name in self.heard
            or f"{derived.name}:{derived.properties.get('segment')}" in self.heard
        )


RulebookOf = Callable[[int], Rulebook]
"""Gives the compiled rulebook of a version; the shell keeps them cached. Pure from the fold's point of view: versions never change."""
