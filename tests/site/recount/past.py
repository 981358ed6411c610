"""What a recount works with: the whole log and all states of a small installation, read row by row and counted in Python.

Nothing here uses the tables or the queries by which pages count.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kundenkreis.channels.core.policy_compiled import CompiledPolicy
from kundenkreis.customers.core.state import CustomerState, decode_state
from kundenkreis.kernel.rows import LogRow
from kundenkreis.kernel.zones import Zone
from kundenkreis.runtime import log
from kundenkreis.runtime.installation import Installation


@dataclass(frozen=True)
class Past:
    """One installation at one instant."""

    at_us: int
    zone: Zone
    states: tuple[CustomerState, ...]
    """Of everybody who was not merged into somebody else."""
    log: tuple[LogRow, ...]
    verdicts: tuple[tuple[Any, ...], ...]
    """(effect id, sequence, profile id, at_us, outcome, reasons, channel, message class), as decided."""
    outbox: tuple[tuple[Any, ...], ...]
    """(effect id, state, uncertain)."""
    orders: tuple[tuple[Any, ...], ...]
    """(profile id, order id, ordered_us, total, refunded, currency, status, delivered_us)."""
    merged: dict[int, int]
    """Loser -> winner."""
    set_aside: int
    """Events in quarantine."""
    policy: CompiledPolicy

    def person_of(self, profile_id: int) -> int:
        """Who a profile belongs to now."""
        while profile_id in self.merged:
            profile_id = self.merged[profile_id]
        return profile_id

    def events(self, name: str) -> Iterator[LogRow]:
        """Rows of this name, in the order of the log."""
        return (row for row in self.log if row.name == name)

    def since_us(self, days: int) -> int:
        """The begin of a period: today and the days before."""
        return self.zone.day_start_us(self.zone.day_number(self.at_us) - days + 1)


def read_past(installation: Installation) -> Past:
    """Everything, as stored now."""
    policy = installation.rulebooks(installation.rulebooks.newest_version()).policy
    columns = ", ".join(log.COLUMN_NAMES)
    with installation.store.reading() as tx:
        states = [decode_state(bytes(row[0])) for row in tx.rows("SELECT state FROM states ORDER BY profile_id")]
        return Past(
            at_us=installation.clock.now_us(),
            zone=installation.zone,
            states=tuple(state for state in states if not state.forwarded_to),
            log=tuple(log.loaded(row) for row in tx.rows(f"SELECT {columns} FROM log ORDER BY number")),
            verdicts=tuple(
                (*row[:5], json.loads(row[5]), *row[6:])
                for row in tx.rows(
                    "SELECT effect_id, sequence, profile_id, at_us, outcome, reasons, channel, message_class FROM verdicts "
                    "ORDER BY effect_id, sequence"
                )
            ),
            outbox=tuple(tx.rows("SELECT effect_id, state, uncertain FROM outbox ORDER BY effect_id")),
            orders=tuple(
                tx.rows(
                    "SELECT profile_id, order_id, ordered_us, total_minor, refunded_minor, currency, status, delivered_us FROM orders "
                    "ORDER BY ordered_us, order_id"
                )
            ),
            merged=dict(tx.rows("SELECT loser, winner FROM merges")),
            set_aside=len(tx.rows("SELECT id FROM quarantined_events WHERE replayed_us = 0")),
            policy=policy,
        )  # fmt: skip
