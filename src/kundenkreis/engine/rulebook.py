"""The rulebook: an immutable, compiled, versioned snapshot of everything people define.

Published as a whole; every decision records the version it was made under. Here it is only the container that advance()
reads; `definitions/` compiles it.
"""

from collections.abc import Callable

import msgspec

from kundenkreis.channels.core.policy_compiled import CompiledPolicy
from kundenkreis.journeys.core.compiled import CompiledJourneys
from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.zones import DAY, Zone
from kundenkreis.segments.core.decisions import CompiledDecisions


class Rulebook(msgspec.Struct, frozen=True, gc=False):
    """One published version, compiled."""

    version: int
    zone: Zone
    """The installation's zone: windows and day numbers."""
    decisions: CompiledDecisions
    journeys: CompiledJourneys
    policy: CompiledPolicy
    anonymous_life_us: Micros = 90 * DAY
    """An anonymous customer who stayed silent this long is forgotten."""


RulebookOf = Callable[[int], Rulebook]
"""Gives the compiled rulebook of a version; the shell keeps them cached. Pure from the fold's point of view: versions never change."""
