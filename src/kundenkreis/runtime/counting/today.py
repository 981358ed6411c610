"""What waits for people: open situations, what was set aside, messages that a person must decide about."""

from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.runtime.folding import RELEASED
from kundenkreis.runtime.stores.session import Session
from kundenkreis.site.ports.start import Today, ToDo

SITUATIONS = ("complaint", "question", "late", "return", "payment_open", "rights_request")
"""Those somebody should do something about."""


def count_today(tx: Session, *, at_us: Micros) -> Today:
    """The oldest first."""
    marks = ", ".join("?" * len(SITUATIONS))
    found = [
        ToDo(kind=f"situation:{row[0]}", count=row[1], since_us=row[2])
        for row in tx.rows(
            f"SELECT definition_id, count(*), min(from_us) FROM memberships WHERE kind = 'situation' AND definition_id IN ({marks}) "
            "AND until_us = ? GROUP BY definition_id",
            (*SITUATIONS, NEVER),
        )
    ]
    for kind, sql, params in (
        ("quarantined_events", "SELECT count(*), min(received_us) FROM quarantined_events WHERE replayed_us = 0", ()),
        ("quarantined_customers", "SELECT count(*), min(since_us) FROM quarantined_customers WHERE code <> ?", (RELEASED,)),
        ("messages_held", "SELECT count(*), min(finished_us) FROM outbox WHERE state = 'held'", ()),
    ):  # fmt: skip
        count, since_us = tx.rows(sql, params)[0]
        if count:
            found.append(ToDo(kind=kind, count=count, since_us=since_us))
    return Today(at_us=at_us, items=tuple(sorted(found, key=lambda one: (one.since_us, one.kind))))
