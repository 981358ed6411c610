"""What a recount works with: the whole log and all states of a small installation, read row by row and counted in Python.

Nothing here uses the tables or the queries by which pages count. What the fold writes down beside the state (verdicts, paths of
journeys, ledgers of scores, orders) is read from a second store that was rebuilt from the log alone.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from kundenkreis.channels.core.policy_compiled import CompiledPolicy
from kundenkreis.customers.core.state import CustomerState, decode_state
from kundenkreis.kernel.rows import LogRow
from kundenkreis.kernel.zones import Zone
from kundenkreis.runtime import log
from kundenkreis.runtime.installation import Installation
from kundenkreis.runtime.rebuild import second_store, verify
from kundenkreis.runtime.stores.session import Session


class Judged(NamedTuple):
    """One verdict."""

    effect_id: bytes
    sequence: int
    profile_id: int
    at_us: int
    outcome: str
    reasons: list[list[Any]]
    channel: str
    message_class: str
    journey_id: str
    content_id: str


class Line(NamedTuple):
    """One line of a way through a journey."""

    run_id: bytes
    sequence: int
    profile_id: int
    journey_id: str
    version: int
    step_id: str
    outcome: str
    at_us: int


@dataclass(frozen=True)
class Past:
    """One installation at one instant."""

    at_us: int
    zone: Zone
    states: tuple[CustomerState, ...]
    """Of everybody who was not merged into somebody else."""
    log: tuple[LogRow, ...]
    verdicts: tuple["Judged", ...]
    """As decided, by message and sequence."""
    paths: tuple["Line", ...]
    """Ways through journeys, by run and sequence."""
    ledger: tuple[tuple[Any, ...], ...]
    """(profile id, score, at_us, rule, milli points, balance), oldest first."""
    outbox: tuple[tuple[Any, ...], ...]
    """(effect id, state, uncertain)."""
    kept: frozenset[bytes]
    """Messages in the local mailbox."""
    wakes: tuple[int, ...]
    """When states want to be looked at again."""
    orders: tuple[tuple[Any, ...], ...]
    """(profile id, order id, ordered_us, total, refunded, currency, status, delivered_us)."""
    merged: dict[int, int]
    """Loser -> winner."""
    set_aside: int
    """Events in quarantine."""
    policy: CompiledPolicy
    documents: tuple[dict[str, Any], ...]
    """Definitions in force."""

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
    """Everything, as stored now; and that the log says the same."""
    version = installation.rulebooks.newest_version()
    policy, documents = installation.rulebooks(version).policy, tuple(installation.rulebooks.documents(version))
    with second_store(None) as second:
        report = verify(installation.store, second, zone=installation.zone)
        assert report.differences == []
        with second.reading() as rebuilt, installation.store.reading() as tx:
            return _read(installation, tx, rebuilt, policy, documents)


def _read(
    installation: Installation, tx: Session, rebuilt: Session, policy: CompiledPolicy, documents: tuple[dict[str, Any], ...]
) -> Past:  # fmt: skip
    states = [decode_state(bytes(row[0])) for row in tx.rows("SELECT state FROM states ORDER BY profile_id")]
    return Past(
        at_us=installation.clock.now_us(),
        zone=installation.zone,
        states=tuple(state for state in states if not state.forwarded_to),
        log=tuple(log.loaded(row) for row in tx.rows(f"SELECT {', '.join(log.COLUMN_NAMES)} FROM log ORDER BY number")),
        verdicts=tuple(
            Judged(bytes(row[0]), *row[1:5], json.loads(row[5]), *row[6:])
            for row in rebuilt.rows(
                "SELECT effect_id, sequence, profile_id, at_us, outcome, reasons, channel, message_class, journey_id, content_id "
                "FROM verdicts ORDER BY effect_id, sequence"
            )
        ),
        paths=tuple(
            Line(bytes(row[0]), *row[1:])
            for row in rebuilt.rows(
                "SELECT run_id, sequence, profile_id, journey_id, version, step_id, outcome, at_us FROM run_entries "
                "ORDER BY run_id, sequence"
            )
        ),
        ledger=tuple(
            rebuilt.rows(
                "SELECT profile_id, score_id, at_us, rule_id, milli_points, balance FROM score_entries ORDER BY at_us, rule_id"
            )
        ),
        outbox=tuple(tx.rows("SELECT effect_id, state, uncertain FROM outbox ORDER BY effect_id")),
        kept=frozenset(bytes(row[0]) for row in tx.rows("SELECT message_id FROM mailbox")),
        wakes=tuple(row[0] for row in tx.rows("SELECT wake_us FROM states")),
        orders=tuple(
            rebuilt.rows(
                "SELECT profile_id, order_id, ordered_us, total_minor, refunded_minor, currency, status, delivered_us FROM orders "
                "ORDER BY ordered_us, order_id"
            )
        ),
        merged=dict(tx.rows("SELECT loser, winner FROM merges")),
        set_aside=len(tx.rows("SELECT id FROM quarantined_events WHERE replayed_us = 0")),
        policy=policy,
        documents=documents,
    )  # fmt: skip
