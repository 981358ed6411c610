"""Which rows tell what the person did: they say when somebody was last seen, and what a message may answer at night."""

from kundenkreis.customers.core.commerce import occurred_us
from kundenkreis.events.core.catalogue import OF_OTHERS
from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.rows import LogRow

_TOUCHPOINTS = frozenset({"api", "import"})


def act_us(row: LogRow) -> Micros:
    """When the person did what this row tells, never after the instant at which it is folded; -1: it tells of nothing that they did."""
    if row.origin not in _TOUCHPOINTS or row.name in OF_OTHERS:
        return -1
    return occurred_us(row)
