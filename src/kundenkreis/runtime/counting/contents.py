"""How often each content was handed over lately."""

import msgspec

from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.zones import DAY
from kundenkreis.runtime.stores.session import Session

FIGURE = "contents"
SENT_DAYS = 30
_SENT = "SELECT content_id, count(*) FROM verdicts WHERE outcome = 'handed_over' AND at_us >= ? GROUP BY content_id"


class ContentCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Messages handed over within SENT_DAYS, by content."""

    at_us: Micros
    sent: dict[str, int]


def count_contents(tx: Session, *, at_us: Micros) -> ContentCounts:
    """Every hand-over counts, also the second of one message."""
    return ContentCounts(at_us=at_us, sent={row[0]: int(row[1]) for row in tx.rows(_SENT, (at_us - SENT_DAYS * DAY,))})
