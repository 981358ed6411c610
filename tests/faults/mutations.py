"""Safeties removed on purpose, each in a child process only: the tests must notice every one."""

from collections.abc import Callable, Sequence
from typing import Any, cast

import psycopg

from kundenkreis.channels import dispatcher, journal_keeper, outbox
from kundenkreis.events.inbox import PostgresInbox
from kundenkreis.kernel.hashing import event_id_of
from kundenkreis.runtime import dispatching, folding, worker
from kundenkreis.runtime.reading import Reading
from kundenkreis.runtime.resolver import Resolver
from kundenkreis.runtime.stores import postgres
from kundenkreis.runtime.stores.meta import INBOX_POSITION, inbox_position, write_meta
from kundenkreis.runtime.stores.session import Session


def mutate(name: str) -> None:
    """Take one safety out of this process; "" takes none."""
    if name:
        MUTATIONS[name]()


def shorten_leases(seconds: float) -> None:
    """Leases of this length instead of minutes, and no margin: for tests that wait for their end."""
    lease_us = int(seconds * 1e6)
    worker.LEASE_US = lease_us
    dispatcher.LEASE_MARGIN = 0
    postgres.IDLE_SECONDS = 2

    def open_dispatcher(world: dispatcher.World, number: int, *, place: str = "") -> dispatcher.Dispatcher:
        return dispatcher.Dispatcher(world, f"{place}dispatcher-{number}/", lease_us=lease_us)

    dispatching.open_dispatcher = open_dispatcher


def _no_intent() -> None:
    """The dot is written without saying so before."""

    def mark_intent(self: outbox.SqlOutbox, claim: Any, *, now_us: int, lease_us: int) -> str:
        return "committed"

    outbox.SqlOutbox.mark_intent = mark_intent  # type: ignore[method-assign,assignment]


def _no_claim_epoch() -> None:
    """Whoever once claimed a message may go on, whoever has claimed it since."""
    outbox._INTENT = outbox._INTENT.replace("claim_epoch = ?", "claim_epoch <> ? + 1000000").replace(
        "state IN ('claimed', 'intent')", "1 = 1"
    )
    outbox._COMPLETE = outbox._COMPLETE.replace("claim_epoch = ?", "claim_epoch <> ? + 1000000").replace(
        "state IN ('claimed', 'intent')", "1 = 1"
    )


def _no_fence() -> None:
    """The hand-over transaction does not look at the fences."""
    outbox.fences_of = lambda tx, profile_ids: {}


def _no_lease() -> None:
    """A claim ends at once, so that others claim what is being handed over."""
    shorten_leases(0.0)
    dispatcher.LEASE_MARGIN = -(10**12)


def _no_dedupe() -> None:
    """Every arrival is new."""

    def without_duplicates(self: Resolver, tx: Session, arrivals: Sequence[Any], relays: Sequence[Any]) -> list[Any]:
        fresh = [(relay.effect.effect_id, relay) for relay in relays]
        return fresh + [(event_id_of(item.source, item.message.message_id), item) for item in arrivals]

    Resolver._without_duplicates = without_duplicates  # type: ignore[method-assign]


def _no_unique_effect() -> None:
    """A decision repeated is a second one (the test drops the key of the table)."""
    folding._REQUEUE = "fail"


def _early_position() -> None:
    """What is read counts as done, as in a program that moves its position when it fetches."""
    _early_sqlite()
    _early_postgres()


def _early_sqlite() -> None:
    original = worker.EmbeddedWorker.step

    class Fetched:
        def __init__(self, reading: Reading) -> None:
            self.reading = reading

        def read(self, after: int, *, most_items: int) -> Reading:
            return self.reading

        def read_ahead(self, after: int, *, most_items: int) -> None:
            pass

    def step(self: worker.EmbeddedWorker) -> worker.StepReport:
        reader: Any = self._reader
        with self._store.transaction("early") as tx:
            reading = reader.read(inbox_position(tx), most_items=self._pace.size)
            if reading.arrivals:
                write_meta(tx, INBOX_POSITION, str(reading.last))
        self._reader = cast(Any, Fetched(reading))
        try:
            return original(self)
        finally:
            self._reader = reader

    worker.EmbeddedWorker.step = step  # type: ignore[method-assign]


def _early_postgres() -> None:
    def resolve(self: worker.PartitionWorker) -> worker.StepReport:
        with psycopg.connect(self._store.dsn) as connection, connection.cursor() as cursor:  # type: ignore[attr-defined]
            items = PostgresInbox.take(cursor, most_items=self._pace.size, most_bytes=worker.MOST_BYTES)
        take = self._take_inbox
        self._take_inbox = lambda tx, most_items, most_bytes, after: items
        try:
            return original(self)
        finally:
            self._take_inbox = take

    original = worker.PartitionWorker._resolve
    worker.PartitionWorker._resolve = resolve  # type: ignore[method-assign]


def _no_partition_fence() -> None:
    """A worker folds what it once owned: no lock, no look at the epoch."""

    def fenced(self: worker.PartitionWorker, tx: Session, owned: list[int]) -> dict[int, int]:
        rows = tx.rows("SELECT partition, folded_to FROM partitions WHERE partition = ANY(?)", (owned,))
        return {row[0]: row[1] for row in rows}

    postgres.IDLE_SECONDS = 60  # the server must not end the transaction for us
    worker.PartitionWorker._fenced = fenced  # type: ignore[method-assign]


def _no_journal_replay() -> None:
    """What the journal names is not told to the database."""

    def replay(self: journal_keeper.JournalKeeper, *given: Any) -> None:
        pass

    journal_keeper.JournalKeeper._replay = replay  # type: ignore[method-assign]


def _record_fails_once() -> None:
    """No safety, a fault: the database is away for the first record of a hand-over."""
    original, left = outbox.SqlOutbox.complete, [True]

    def complete(self: outbox.SqlOutbox, completions: Sequence[Any]) -> list[bool]:
        if left and any(one.state == "accepted" for one in completions):
            left.clear()
            raise ConnectionError("the database is away")
        return original(self, completions)

    outbox.SqlOutbox.complete = complete  # type: ignore[method-assign]


MUTATIONS: dict[str, Callable[[], None]] = {
    "no_intent": _no_intent,
    "no_claim_epoch": _no_claim_epoch,
    "no_fence": _no_fence,
    "no_lease": _no_lease,
    "no_dedupe": _no_dedupe,
    "no_unique_effect": _no_unique_effect,
    "early_position": _early_position,
    "no_partition_fence": _no_partition_fence,
    "no_journal_replay": _no_journal_replay,
    "record_fails_once": _record_fails_once,
}
