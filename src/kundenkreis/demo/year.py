"""The demo year: real households and a marked overlay as one stream of messages in the order of receipt."""

from collections.abc import Iterator
from datetime import date
from heapq import merge
from operator import itemgetter

from kundenkreis.demo import households as real_households
from kundenkreis.demo import orders as real_orders
from kundenkreis.demo.calendar import HISTORY_ENDS_ON, MovedYear
from kundenkreis.demo.message import INVENTED, REAL, DemoMessage
from kundenkreis.demo.overlay import whole as overlay
from kundenkreis.demo.tables import chosen_households

__all__ = ["HISTORY_ENDS_ON", "INVENTED", "REAL", "DemoMessage", "MovedYear", "messages"]


def messages(*, ends_on: date, households: int | None = None) -> Iterator[DemoMessage]:
    """Every message of the demo year, ordered by `received_us`, ties by message id.

    Args:
        ends_on: today's date in New York; the year ends on the latest Sunday before it.
        households: only the first so many real households, and as much less of the overlay; None for all 2,469.
    """
    year = MovedYear(ends_on)
    orders = real_orders.load(year, chosen_households(households))
    real = real_households.load(year, orders)
    languages = real.languages()
    small = sorted(real.drafts + overlay.drafts(year, orders, real), key=itemgetter(0, 1))
    for received_us, _, source, body in merge(real_orders.drafts(orders, languages), small, key=itemgetter(0, 1)):
        yield DemoMessage(received_us, source, body)
