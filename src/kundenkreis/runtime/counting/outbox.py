"""What became of everything that ever stood in the outbox, by channel."""

import msgspec

from kundenkreis.kernel.ids import Micros
from kundenkreis.runtime.stores.session import Session

FIGURE = "outbox"
_STATES = """
SELECT o.state, o.uncertain, v.channel, count(*) FROM outbox o JOIN verdicts v ON v.effect_id = o.effect_id AND v.sequence = 0
GROUP BY o.state, o.uncertain, v.channel
"""


class OutboxCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Messages by state."""

    at_us: Micros
    states: tuple[tuple[str, int, str, int], ...]
    """(state, 1 if nobody knows whether it arrived, channel, messages)."""


def count_outbox(tx: Session, *, at_us: Micros) -> OutboxCounts:
    """Everything: finished messages stay in the outbox."""
    return OutboxCounts(
        at_us=at_us, states=tuple((row[0], int(row[1]), row[2], int(row[3])) for row in tx.rows(_STATES))
    )
