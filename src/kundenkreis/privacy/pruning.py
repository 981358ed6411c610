"""Pruning: what is kept for a time and then goes, a little whenever the worker rests, and rarely while it works.

Nothing is scanned because time passed: the log is walked once in the order of its numbers, behind a position that is kept; the
quarantine is read at its oldest end. (Anonymous customers go by their own wake-up, see engine/controls.py.)
"""

from kundenkreis.kernel import advisory_locks
from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.zones import DAY, HOUR
from kundenkreis.runtime.stores.meta import read_meta, write_meta
from kundenkreis.runtime.stores.session import Session

PRUNED_AT_ONCE = 2_000
"""Rows looked at in one transaction: some milliseconds."""
LOOK_EVERY: Micros = DAY
QUARANTINE_DAYS = 90
_POSITION = "dedupe_pruned_to"
_COUNTS_KEPT: Micros = 2 * DAY


class Pruner:
    """Removes what has had its time. One per worker; of several, one works at a time.

    Args:
        dedupe_days: how long a repeated message is recognised.
    """

    def __init__(self, *, dedupe_days: int) -> None:
        self._dedupe_us = dedupe_days * DAY
        self._next_us: Micros = 0

    def is_due(self, now_us: Micros) -> bool:
        """Whether it is time to look: at once while there is more to remove, else once a day."""
        return now_us >= self._next_us

    def prune(self, tx: Session, now_us: Micros) -> bool:
        """Remove a little; whether there may be more. What a rolled back transaction removed is looked for again."""
        self._next_us = now_us + HOUR
        if (
            tx.dialect == "postgres"
            and not tx.rows("SELECT pg_try_advisory_xact_lock(?)", (advisory_locks.PRUNING,))[0][0]
        ):
            return False
        more = self._dedupe(tx, now_us - self._dedupe_us)
        more |= self._quarantine(tx, now_us - QUARANTINE_DAYS * DAY)
        for span in ("day", "hour"):
            tx.run("DELETE FROM anonymous_counts WHERE span = ? AND started_us < ?", (span, now_us - _COUNTS_KEPT))
        self._next_us = now_us if more else now_us + LOOK_EVERY
        return more

    def _dedupe(self, tx: Session, before_us: Micros) -> bool:
        """Event ids of old log rows: the log is in the order of arrival, so the walk ends at the first young one."""
        position = int(read_meta(tx, _POSITION) or 0)
        rows = tx.rows(
            "SELECT number, event_id, received_us FROM log WHERE number > ? ORDER BY number LIMIT ?",
            (position, PRUNED_AT_ONCE),
        )
        old = []
        for row in rows:
            if row[2] >= before_us:
                break
            old.append(row)
        if not old:
            return False
        tx.run_many("DELETE FROM dedupe WHERE event_id = ?", [(row[1],) for row in old])
        write_meta(tx, _POSITION, str(old[-1][0]))
        return len(old) == PRUNED_AT_ONCE

    def _quarantine(self, tx: Session, before_us: Micros) -> bool:
        """Events that waited in the quarantine for too long; ids are in the order of being put there."""
        rows = tx.rows("SELECT id, received_us FROM quarantined_events ORDER BY id LIMIT ?", (PRUNED_AT_ONCE,))
        old = []
        for row in rows:
            if row[1] >= before_us:
                break
            old.append(row[0])
        if old:
            tx.run("DELETE FROM quarantined_events WHERE id <= ?", (old[-1],))
        return len(old) == PRUNED_AT_ONCE
