"""The durable inbox: what stands here when `append` returns survives `kill -9` and power loss.

Appending is all that the acknowledging path does. Taking out differs by store: SQLite has one writer at a time, so
positions are in commit order and the resolver reads behind a position that it keeps in the log's transaction. In
PostgreSQL a sequence is not in commit order (a lower number can commit later), so the resolver deletes what it takes
inside its own transaction and asks for no order.
"""

import os
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

import psycopg
import pysqlite3 as sqlite3  # brings a SQLite without the WAL-reset bug, which two connections run into

from kundenkreis.events.core.inbox_item import InboxItem
from kundenkreis.events.core.withdrawals import may_forbid
from kundenkreis.events.errors import InboxDamagedError, InboxUnavailableError
from kundenkreis.kernel import advisory_locks
from kundenkreis.sqlite_wal import make_private, use_wal

__all__ = ["Inbox", "InboxItem", "PostgresInbox", "SqliteInbox"]

PRUNED_AT_ONCE = 500
"""Requests removed in one transaction: a few milliseconds, even when each is a large batch."""

Point = Callable[[str], None]
"""Called with the name of a place in the code at which a test may stop the process."""


def no_point(name: str) -> None:
    """Nothing stops here: the crash points of a process that is not under test."""


class Inbox(Protocol):
    """Where acknowledged requests wait for the resolver."""

    def append(self, items: Sequence[InboxItem]) -> None:
        """Store the items in one transaction. Durable when it returns; none of them is stored when it raises.

        (One exception is honest to name: if the connection breaks during the commit, nobody knows. The sender is told
        to repeat, and the repeat is dropped by its message id.)

        Raises:
            InboxUnavailableError: the store refuses (disk full, connection lost). The next call tries afresh.
        """

    def backlog(self) -> int:
        """How many requests wait."""

    def last_position(self) -> int:
        """The highest position ever given, 0 if none: whatever has been acknowledged has no higher one."""

    def close(self) -> None:
        """Let go of the store."""


class SqliteInbox:
    """The inbox in a SQLite file of its own, so that writers of pages never wait for it nor it for them.

    One instance belongs to one thread. Writer and resolver each open their own, also from different processes.

    Args:
        taken_to: how far the resolver is. No position up to there is given, although the file may be a new one or an older copy:
            what is written there would never be read.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, point: Point = no_point, busy_seconds: float = 5.0, taken_to: int = 0
    ) -> None:
        self._path = Path(path)
        self._point = point
        self._busy_seconds = busy_seconds
        self._taken_to = taken_to
        self._connection: Any = None

    def append(self, items: Sequence[InboxItem]) -> None:
        """See `Inbox.append`."""
        rows = [(i.received_us, i.source, i.public, i.endpoint, i.body, may_forbid(i)) for i in items]
        try:
            connection = self._open()
            connection.execute("begin immediate")
            connection.executemany(_SQLITE_INSERT, rows)
            self._point("inbox.before_commit")
            connection.execute("commit")
        except sqlite3.Error as error:
            self._drop()
            self._tell_damage(error)
            raise InboxUnavailableError(reason=str(error)) from error
        except BaseException:
            self._drop()
            raise
        self._point("inbox.after_commit")

    def read(self, after: int, *, most_items: int, most_bytes: int) -> list[tuple[int, InboxItem]]:
        """The next requests behind position `after`, oldest first; at least one if there is one, however large."""
        found: list[tuple[int, InboxItem]] = []
        size = 0
        try:
            # Closed explicitly: a cursor left half read would hold its snapshot and keep the WAL file growing.
            with closing(self._open().execute(_SQLITE_READ, (after, most_items))) as cursor:
                for position, received_us, source, public, endpoint, body in cursor:
                    size += len(body)
                    if found and size > most_bytes:
                        break
                    found.append((position, InboxItem(received_us, source, bool(public), endpoint, body)))
        except sqlite3.DatabaseError as error:
            self._tell_damage(error)
            raise
        return found

    def forbidding(self, after: int) -> list[int]:
        """Positions behind this one of requests that may forbid something (events/core/withdrawals.py)."""
        return [row[0] for row in self._open().execute(_SQLITE_FORBIDDING, (after,))]

    def bodies(self, positions: Sequence[int]) -> list[tuple[Any, ...]]:
        """(position, endpoint, body) of these requests, as far as they are there."""
        marks = ",".join("?" * len(positions))
        sql = f"select position, endpoint, body from inbox where position in ({marks})"
        found: list[tuple[Any, ...]] = self._open().execute(sql, tuple(positions)).fetchall()
        return found

    def last_position(self) -> int:
        """See `Inbox.last_position`. Does not fall back when rows are pruned."""
        row = self._open().execute(_SQLITE_LAST).fetchone()
        return row[0] if row else 0

    def backlog(self, after: int = 0) -> int:
        """How many requests stand behind position `after`. Looks at both ends: positions have no gaps."""
        first, last = self._open().execute(_SQLITE_ENDS).fetchone()
        return 0 if last is None else max(0, last - max(first, after + 1) + 1)

    def prune(self, up_to: int) -> int:
        """Remove requests up to and including this position; returns how many. They must be in the log already.

        Oldest first, in many small transactions, so that an append never waits long behind it. None of them waits for the disk: what a power
        failure brings back is removed again.
        """
        count = 0
        self._open().execute("pragma synchronous = normal")
        while removed := self._prune_some(up_to):
            count += removed
        self._open().execute("pragma synchronous = full")
        return count

    def _prune_some(self, up_to: int) -> int:
        connection = self._open()
        try:
            connection.execute("begin immediate")
            removed = connection.execute(_SQLITE_PRUNE, (up_to, PRUNED_AT_ONCE)).rowcount
            self._point("inbox.prune.before_commit")
            connection.execute("commit")
        except BaseException:
            self._drop()
            raise
        self._point("inbox.prune.after_commit")
        return int(removed)

    def close(self) -> None:
        """See `Inbox.close`."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> Any:
        if self._connection is None:
            make_private(self._path)
            connection = sqlite3.connect(self._path, isolation_level=None, timeout=self._busy_seconds)
            try:
                use_wal(connection)
                connection.execute("pragma synchronous = full")
                _make_sqlite(connection, self._point)
                _number_behind(connection, self._taken_to, self._point)
            except BaseException as error:
                connection.close()
                self._tell_damage(error)
                raise
            self._connection = connection
        return self._connection

    def _tell_damage(self, error: BaseException) -> None:
        """Raise InboxDamagedError if that is what this error means."""
        if vars(error).get("sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise InboxDamagedError(
                f"{self._path} is damaged ({error}). Stop Kundenkreis and put the file back from a copy, or move it away together with its "
                "-wal and -shm: a new one begins. Requests that were acknowledged and not taken up yet are in the damaged one only, so keep "
                "it; `sqlite3 FILE .recover` saves what can still be read."
            ) from error

    def _drop(self) -> None:
        """Forget a connection whose transaction failed: closing rolls back, the next call opens a fresh one."""
        try:
            self.close()
        except sqlite3.Error:
            self._connection = None


_SQLITE_TABLE = """
create table if not exists inbox (
    position integer primary key autoincrement,
    received_us integer not null,
    source text not null,
    public integer not null,
    endpoint text not null,
    body blob not null,
    forbids integer not null default 0
) strict
"""
# autoincrement: a pruned position is never given again, so a resolver that keeps a position cannot skip a new row.

_SQLITE_INDEX = "create index if not exists inbox_forbidding on inbox (position) where forbids = 1"


def _make_sqlite(connection: Any, point: Point) -> None:
    """The table and its index, where they are missing; the column `forbids` where the table is from before it."""
    point("inbox.create.before_commit")
    if not connection.execute("select 1 from sqlite_master where name = 'inbox_forbidding'").fetchone():
        connection.execute("begin immediate")
        connection.execute(_SQLITE_TABLE)
        if not connection.execute("select 1 from pragma_table_info('inbox') where name = 'forbids'").fetchone():
            connection.execute("alter table inbox add column forbids integer not null default 0")
        connection.execute(_SQLITE_INDEX)
        connection.execute("commit")
    point("inbox.create.after_commit")


_SQLITE_LAST = "select seq from sqlite_sequence where name = 'inbox'"


def _number_behind(connection: Any, position: int, point: Point) -> None:
    """Let the next request get a position behind this one."""
    last = connection.execute(_SQLITE_LAST).fetchone()
    if position <= (last[0] if last else 0):
        return
    connection.execute("begin immediate")
    if connection.execute(_SQLITE_LAST).fetchone():
        connection.execute("update sqlite_sequence set seq = max(seq, ?) where name = 'inbox'", (position,))
    else:
        connection.execute("insert into sqlite_sequence (name, seq) values ('inbox', ?)", (position,))
    point("inbox.number.before_commit")
    connection.execute("commit")
    point("inbox.number.after_commit")


_SQLITE_READ = (
    "select position, received_us, source, public, endpoint, body from inbox"
    " where position > ? order by position limit ?"
)

_SQLITE_ENDS = "select (select min(position) from inbox), (select max(position) from inbox)"

_SQLITE_PRUNE = (
    "delete from inbox where position in (select position from inbox where position <= ? order by position limit ?)"
)

_SQLITE_FORBIDDING = "select position from inbox where forbids = 1 and position > ?"

_SQLITE_INSERT = "insert into inbox (received_us, source, public, endpoint, body, forbids) values (?, ?, ?, ?, ?, ?)"


class PostgresInbox:
    """The inbox as a table of PostgreSQL; appended by COPY, which takes twenty times as many rows as INSERT did.

    One instance belongs to one thread. Rows are taken by the resolver inside its own transaction: see `take`.
    """

    def __init__(self, dsn: str, *, point: Point = no_point, connect_seconds: int = 3) -> None:
        self._dsn = dsn
        self._point = point
        self._connect_seconds = connect_seconds
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None

    def append(self, items: Sequence[InboxItem]) -> None:
        """See `Inbox.append`."""
        try:
            connection = self._open()
            with connection.cursor() as cursor:
                with cursor.copy(_POSTGRES_COPY) as copy:
                    copy.set_types(_POSTGRES_TYPES)
                    for i in items:
                        copy.write_row((i.received_us, i.source, i.public, i.endpoint, i.body, may_forbid(i)))
                self._point("inbox.before_commit")
                connection.commit()
        except psycopg.Error as error:
            self._drop()
            raise InboxUnavailableError(reason=str(error)) from error
        except BaseException:
            self._drop()
            raise
        self._point("inbox.after_commit")

    def backlog(self) -> int:
        """See `Inbox.backlog`."""
        connection = self._open()
        row = connection.execute("select count(*) from inbox").fetchone()
        connection.rollback()
        return int(row[0]) if row else 0

    def last_position(self) -> int:
        """See `Inbox.last_position`. What the sequence has given, so what is not committed yet counts too."""
        connection = self._open()
        row = connection.execute(_POSTGRES_LAST).fetchone()
        connection.rollback()
        return int(row[0]) if row else 0

    def close(self) -> None:
        """See `Inbox.close`."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @staticmethod
    def create(connection: psycopg.Connection[Any]) -> None:
        """Make the table if it does not exist. The caller commits. Two who make it at once would both fail, so they take turns."""
        connection.execute("select pg_advisory_xact_lock(%s)", (advisory_locks.INBOX_SCHEMA,))
        if connection.execute("select to_regclass('inbox_forbidding')").fetchone() != (None,):
            return
        connection.execute(_POSTGRES_TABLE)
        connection.execute("alter table inbox add column if not exists forbids boolean not null default false")
        connection.execute("create index inbox_forbidding on inbox (position) where forbids")

    @staticmethod
    def take(
        cursor: psycopg.Cursor[Any], *, most_items: int, most_bytes: int, after: int = 0
    ) -> list[tuple[int, InboxItem]]:
        """Remove the next requests and return them, oldest first, inside the caller's transaction.

        Rolling back puts them back. Several resolvers may take at once: each passes over what another one holds.
        At least one is taken if there is a free one, however large.

        Args:
            after: look behind this position only, which spares a walk past all that was removed since the last vacuum. Now and then somebody has
                to look from 0: positions are given before the commit, so a lower one may appear later.
        """
        rows = cursor.execute(_POSTGRES_TAKE, (after, most_items, most_bytes)).fetchall()
        return sorted(
            ((row[0], InboxItem(row[1], row[2], row[3], row[4], row[5])) for row in rows), key=lambda pair: pair[0]
        )

    def _open(self) -> psycopg.Connection[tuple[Any, ...]]:
        if self._connection is None or self._connection.closed:
            connection = psycopg.connect(self._dsn, connect_timeout=self._connect_seconds)
            try:
                self.create(connection)
                self._point("inbox.create.before_commit")
                connection.commit()
                self._point("inbox.create.after_commit")
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _drop(self) -> None:
        """Forget a connection whose transaction failed; the next call opens a fresh one."""
        try:
            self.close()
        except psycopg.Error:
            self._connection = None


_POSTGRES_TABLE = """
create table if not exists inbox (
    position bigint generated always as identity primary key,
    received_us bigint not null,
    source text not null,
    public boolean not null,
    endpoint text not null,
    body bytea not null,
    forbids boolean not null default false
)
"""

_POSTGRES_LAST = "select coalesce(pg_sequence_last_value(pg_get_serial_sequence('inbox', 'position')::regclass), 0)"

_POSTGRES_COPY = "copy inbox (received_us, source, public, endpoint, body, forbids) from stdin (format binary)"

_POSTGRES_TYPES = ["int8", "text", "bool", "text", "bytea", "bool"]

_POSTGRES_TAKE = """
delete from inbox where position in (
    select position from (
        select position, sum(size) over (order by position) - size as before
        from (
            select position, length(body) as size from inbox where position > %s
            order by position for update skip locked limit %s
        ) as free
    ) as measured
    where before <= %s
)
returning position, received_us, source, public, endpoint, body
"""
# `before` is the size of all older ones taken, so the first is always among them. Rows that were locked but are too
# much for this time are free again when the caller's transaction ends.
