"""Withdrawals, objections and complaints that were acknowledged and are not folded yet: whoever is about to hand a message over asks for them.

The tracking API only appends, so an event that forbids something waits like any other, minutes after an outage. It stands in the inbox, or on the
log behind what the gate knew of; a message to that person waits until it is folded, and then the gate is asked again. Nothing is decided here: the
event may be a repeat, or older than a newer permission.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import Any, Protocol

from kundenkreis.channels.transactions import Transaction
from kundenkreis.events.core.withdrawals import FORBIDDING
from kundenkreis.events.inbox import PostgresInbox, SqliteInbox
from kundenkreis.privacy.waiting import Pair, events_in, named_in, names_of
from kundenkreis.runtime.installation import INBOX_FILE, Installation
from kundenkreis.runtime.stores.meta import inbox_position
from kundenkreis.runtime.stores.per_thread import PerThread

MOST_AT_ONCE = 500
_ON_LOG = (
    "SELECT profile_id, number FROM log WHERE profile_id {keys} AND number > "
    "%s AND (flags & 4) = 0 AND name IN (" + ", ".join(f"'{name}'" for name in FORBIDDING) + ")"
)


class ForbiddingInbox(Protocol):
    """The part of an inbox beside the store that is asked here; one belongs to one thread."""

    def forbidding(self, after: int) -> list[int]: ...

    def bodies(self, positions: Sequence[int]) -> list[tuple[Any, ...]]: ...

    def close(self) -> None: ...


def unheard_withdrawals(installation: Installation) -> "UnheardWithdrawals":
    """Of this installation, whichever inbox it has."""
    if not installation.settings.on_postgres:
        return UnheardWithdrawals(lambda: SqliteInbox(installation.data_dir / INBOX_FILE))
    with closing(PostgresInbox(installation.settings.database, point=installation.point)) as inbox:
        inbox.backlog()  # creates its table
    return UnheardWithdrawals()


class UnheardWithdrawals:
    """Who of some people has forbidden something since (`channels/outbox.py`: Unheard). Shared by the threads of one process.

    Args:
        open_inbox: opens the inbox beside the store; None where it is a table of the store.
    """

    def __init__(self, open_inbox: Callable[[], ForbiddingInbox] | None = None) -> None:
        self._inboxes = PerThread(open_inbox) if open_inbox is not None else None
        self._guard = threading.Lock()
        self._named: dict[int, frozenset[Pair]] = {}
        """Position of each waiting request that may forbid something -> who is named in its events that do."""

    def __call__(self, tx: Transaction, seen: Mapping[int, int]) -> set[int]:
        # In this order: what has left the inbox by now is on the log.
        return self._in_inbox(tx, seen) | _on_log(tx, seen)

    def _in_inbox(self, tx: Transaction, seen: Mapping[int, int]) -> set[int]:
        positions = self._positions(tx)
        if not positions and not self._named:
            return set()
        with self._guard:
            waiting = self._read(tx, positions)
        if not waiting:
            return set()
        pairs: dict[int, set[Pair]] = {}
        for profile_id, kind, value in tx.rows_in(
            "SELECT profile_id, kind, value FROM identifiers WHERE profile_id {keys}", list(seen)
        ):
            pairs.setdefault(profile_id, set()).add((kind, value))
        return {profile_id for profile_id, own in pairs.items() if not waiting.isdisjoint(names_of(own))}

    def _positions(self, tx: Transaction) -> list[int]:
        if self._inboxes is None:
            return [row[0] for row in tx.rows("SELECT position FROM inbox WHERE forbids")]
        return self._inboxes.here().forbidding(inbox_position(tx))

    def _read(self, tx: Transaction, positions: list[int]) -> set[Pair]:
        """Everybody named in what waits; each request is read once."""
        self._named = {position: self._named[position] for position in positions if position in self._named}
        new = [position for position in positions if position not in self._named]
        for start in range(0, len(new), MOST_AT_ONCE):
            for position, endpoint, body in self._bodies(tx, new[start : start + MOST_AT_ONCE]):
                self._named[position] = forbidden_by(endpoint, bytes(body))
        return set().union(*self._named.values())

    def _bodies(self, tx: Transaction, positions: list[int]) -> list[tuple[Any, ...]]:
        if self._inboxes is None:
            return tx.rows_in("SELECT position, endpoint, body FROM inbox WHERE position {keys}", positions)
        return self._inboxes.here().bodies(positions)


def forbidden_by(endpoint: str, body: bytes) -> frozenset[Pair]:
    """Who is named in the events of a request that forbid something, or in what a batch says for all its events."""
    names: set[Pair] = set()
    for event in events_in(endpoint, body):
        if not isinstance(event, dict) or event.get("type", "track") != "track":
            continue
        if "event" not in event or str(event["event"]).strip() in FORBIDDING:
            names |= named_in(event)
    return frozenset(names)


def _on_log(tx: Transaction, seen: Mapping[int, int]) -> set[int]:
    rows = tx.rows_in(_ON_LOG % min(seen.values()), list(seen))
    return {profile_id for profile_id, number in rows if number > seen[profile_id]}
