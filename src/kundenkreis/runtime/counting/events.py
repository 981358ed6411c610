"""Which events have come in, how often and when: counted on from where the last count ended, so that no count reads the log twice."""

import msgspec

from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.rows import DERIVED
from kundenkreis.runtime.stores.session import Session
from kundenkreis.site.ports.event_catalogue import EventSeen, EventsSeen

FIGURE = "events"
ROWS_AT_ONCE = 500_000
"""Numbers of the log per count: about a second. An old log of 20 million rows is counted in forty rounds, and the page says so."""

_NEW = f"""
SELECT CASE WHEN type = 'track' THEN name ELSE type END, count(*), min(happened_us), max(happened_us)
FROM log WHERE number > ? AND number <= ? AND (flags & {DERIVED}) = 0
  AND type IN ('track', 'identify', 'page', 'screen', 'group', 'alias')
GROUP BY 1
"""


def count_events(tx: Session, *, at_us: Micros, rows_at_once: int = ROWS_AT_ONCE) -> EventsSeen:
    """What came from outside so far. People who were erased since stay counted: the figures name no one."""
    before = _before(tx)
    newest = int(tx.rows("SELECT coalesce(max(number), 0) FROM log")[0][0])
    if before is None or before.counted_to > newest:
        before = EventsSeen(at_us=0, counted_to=0, is_whole=False, events=())
    counted_to = min(before.counted_to + rows_at_once, newest)
    events = {one.name: one for one in before.events}
    for name, count, first_us, last_us in tx.rows(_NEW, (before.counted_to, counted_to)):
        held = events.get(name)
        events[name] = EventSeen(
            name=name,
            count=int(count) + (held.count if held else 0),
            first_us=min(int(first_us), held.first_us) if held else int(first_us),
            last_us=max(int(last_us), held.last_us) if held else int(last_us),
        )
    return EventsSeen(
        at_us=at_us, counted_to=counted_to, is_whole=counted_to == newest,
        events=tuple(sorted(events.values(), key=lambda one: (-one.count, one.name))),
    )  # fmt: skip


def _before(tx: Session) -> EventsSeen | None:
    rows = tx.rows("SELECT body FROM figures WHERE name = ?", (FIGURE,))
    try:
        return msgspec.json.decode(bytes(rows[0][0]), type=EventsSeen) if rows else None
    except msgspec.ValidationError:
        return None
