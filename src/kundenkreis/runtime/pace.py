"""How large a worker's batches are: as large as those who wait can bear.

A batch holds a lock, on SQLite the one write lock, so its length is what everybody else waits for. Larger ones cost less per event:
neighbours meet on the same pages, and each page is written once a commit.
"""

from enum import IntEnum

from kundenkreis.kernel.ids import Micros

LIVE_US: Micros = 50_000
"""A batch that empties the inbox: nobody else waits longer than about this for the database."""
BEHIND_US: Micros = 100_000
"""With a backlog the commit is shared by more: everybody waits for that backlog anyway."""
FAR_BEHIND_US: Micros = 900_000
"""What has waited for seconds can wait a little longer, and is done sooner for it."""
FAR_BEHIND_FROM_US: Micros = 5_000_000
"""Age of the oldest event of a batch from which on the worker is far behind."""
FEWEST, MOST = 200, 8_000
FIRST = 400
MOST_GROWTH, MOST_GROWTH_FAR_BEHIND, MOST_SHRINKING = 1.5, 3.0, 0.2
"""Of one batch over the one before: somebody may be waiting, unless everybody has waited for long."""


class Haste(IntEnum):
    """How far a worker is behind."""

    NONE = 0
    BEHIND = 1
    FAR_BEHIND = 2


class Pace:
    """Adapts the size of batches to the time that the last ones took.

    Args:
        most: messages that a batch never exceeds.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self.size = FIRST
        """Messages in the next batch, at most."""
        self.haste = Haste.NONE

    def adapt(self, held_us: Micros, *, drained: bool, waited_us: Micros, is_idle: bool = False) -> None:
        """After a batch.

        Args:
            held_us: how long it held the write lock, commit aside: a slow disk costs the same for ten events as for a thousand.
            drained: whether it emptied the inbox.
            waited_us: how long its oldest message had waited.
            is_idle: whether there was nothing to do.
        """
        if not drained:
            self.haste = Haste.FAR_BEHIND if waited_us > FAR_BEHIND_FROM_US else Haste.BEHIND
        elif is_idle:
            self.haste = Haste.NONE
        else:  # a batch that just empties the inbox is no rest yet
            self.haste = min(self.haste, Haste.BEHIND)
        target_us = LIVE_US if drained else FAR_BEHIND_US if self.haste is Haste.FAR_BEHIND else BEHIND_US
        if drained and held_us <= target_us:
            return
        growth = MOST_GROWTH_FAR_BEHIND if self.haste is Haste.FAR_BEHIND else MOST_GROWTH
        scale = min(max(target_us / max(held_us, 1), MOST_SHRINKING), growth)
        self.size = min(max(int(self.size * scale), FEWEST), self._most)
