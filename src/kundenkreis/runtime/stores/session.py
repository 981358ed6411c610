"""A transaction on the operational store, in the few verbs that resolver, worker and dispatcher need.

The SQL is written once, with `?` for parameters; the two dialects differ only in how rows are found by many keys and inserted in
bulk, and that difference ends here.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from typing import Any, Protocol

from kundenkreis.kernel import advisory_locks
from kundenkreis.kernel.ids import PARTITIONS as PARTITIONS_COUNT
from kundenkreis.runtime.stores.schema import OBSOLETE_INDEXES, TABLES, Table, column_statement, create_statements

Row = tuple[Any, ...]
Point = Callable[[str], None]
"""A named crash point: called before and after everything durable; does nothing outside the fault tests."""


def no_point(name: str) -> None:
    """The crash point of ordinary life."""


class Session(Protocol):
    """One open transaction."""

    dialect: str

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        """All rows of a query."""

    def stream(self, sql: str, params: Sequence[Any] = ()) -> Iterator[Row]:
        """The rows of a query one by one, however many there are: only a few are in memory at a time. For reading only."""

    def rows_in(self, sql: str, keys: Sequence[Any]) -> list[Row]:
        """Rows of a query that holds `{keys}`, once or more often, where "= one of the keys" belongs: `WHERE profile_id {keys}`."""

    def identifiers(self, pairs: Sequence[tuple[str, str]]) -> list[Row]:
        """(kind, value, profile id) of those of these pairs of kind and value that belong to somebody."""

    def run(self, sql: str, params: Sequence[Any] = ()) -> int:
        """Execute; the number of rows touched."""

    def run_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Execute once per row of parameters."""

    def insert(
        self, table: Table, rows: Sequence[Sequence[Any]], *, conflict: str = "fail", expects_new: bool = False
    ) -> None:
        """Bulk insert of whole rows (without a generated key).

        Args:
            conflict: fail, ignore, replace, or an ON CONFLICT clause.
            expects_new: a row of the same key is hardly ever there. The result is the same; PostgreSQL does not look for one first.
        """

    def renew(self) -> None:
        """Of a snapshot for reading: what is read from here on may be newer. For those who read for long: on SQLite the WAL cannot be begun anew
        behind a snapshot, and grows by all that is written meanwhile."""

    def update(
        self, table: Table, columns: Sequence[str], rows: Sequence[Sequence[Any]], *, key: Sequence[str] = ()
    ) -> None:
        """Set these columns in rows that are there: each given as its key, then the values. Others are left alone.

        Args:
            key: columns by which they are found, or expressions that begin with one; the primary key unless given.
        """


class Store(Protocol):
    """Where everything durable lives."""

    dialect: str

    def transaction(self, name: str = "tx", *, awaits_disk: bool = True) -> AbstractContextManager[Session]:
        """A write transaction, durable when the block ends without an exception.

        Args:
            name: names its crash points.
            awaits_disk: False for what can be done again (ADR 0006): a power failure may take it back, together with all that was committed
                behind it, up to the next transaction that awaited the disk. The death of a process takes nothing back.
        """

    def reading(self) -> AbstractContextManager[Session]:
        """A consistent snapshot for reading."""

    def close_here(self) -> None:
        """Close what the calling thread has open, for a thread that ends; nothing where it has asked nothing."""

    def close(self) -> None: ...


def in_batches(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    """Rows in lists of at most this size, none of them empty."""
    left = iter(rows)
    while some := list(islice(left, size)):
        yield some


def insert_columns(table: Table) -> tuple[str, ...]:
    """Columns that a bulk insert gives: all but a generated key."""
    return table.column_names[1:] if table.generated_key else table.column_names


def conflict_clause(table: Table, conflict: str) -> str:
    """The ON CONFLICT part, the same in both dialects."""
    if conflict == "fail":
        return ""
    if conflict.startswith("ON CONFLICT"):
        return " " + conflict
    if conflict == "ignore":
        return " ON CONFLICT DO NOTHING"
    updates = ", ".join(f"{c} = excluded.{c}" for c in insert_columns(table) if c not in table.primary_key)
    return f" ON CONFLICT ({', '.join(table.primary_key)}) DO UPDATE SET {updates}"


def migrate(store: Store) -> None:
    """Create what is missing. Idempotent; safe while another process does the same, and while workers are at work.

    What is there already is not named again: on PostgreSQL even CREATE INDEX IF NOT EXISTS locks its table against writers, table
    after table, and so ran into a deadlock with a worker.
    """
    with store.transaction("migrate") as tx:
        there = _relations(tx)
        for table in TABLES:
            for statement in create_statements(table, store.dialect):
                if statement.split()[5] not in there:  # CREATE TABLE|INDEX IF NOT EXISTS name
                    tx.run(statement)
            if table.later and table.name in there:
                for column in sorted(set(table.later) - _columns(tx, table.name)):
                    tx.run(column_statement(table, column, store.dialect))
            if table.filled_from and table.name not in there:
                tx.run(f"INSERT INTO {table.name} ({', '.join(insert_columns(table))}) {table.filled_from}")
        for index in OBSOLETE_INDEXES:
            if index in there:
                tx.run(f"DROP INDEX IF EXISTS {index}")
        tx.run(
            "INSERT INTO numbers (name, next) VALUES ('log', 1), ('control', 0), ('erasures', 0) ON CONFLICT DO NOTHING"
        )
        tx.run_many(
            "INSERT INTO partitions (partition, folded_to, owner, epoch, lease_until_us) VALUES (?, 0, '', 0, 0) ON CONFLICT DO NOTHING",
            [(partition,) for partition in range(PARTITIONS_COUNT)],
        )
        tx.run_many(
            "INSERT INTO clocks (partition, clock_us) VALUES (?, 0) ON CONFLICT DO NOTHING",
            [(partition,) for partition in range(PARTITIONS_COUNT)],
        )


def _columns(tx: Session, table: str) -> set[str]:
    if tx.dialect == "sqlite":
        return {row[0] for row in tx.rows("SELECT name FROM pragma_table_info(?)", (table,))}
    sql = "SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = ?"
    return {row[0] for row in tx.rows(sql, (table,))}


def _relations(tx: Session) -> set[str]:
    """Names of the tables and indexes that are there; two processes that look at the same time take turns."""
    if tx.dialect == "sqlite":  # its write transactions take turns by themselves
        return {row[0] for row in tx.rows("SELECT name FROM sqlite_master")}
    tx.run("SELECT pg_advisory_xact_lock(?)", (advisory_locks.SCHEMA,))
    return {
        row[0] for row in tx.rows("SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace")
    }
