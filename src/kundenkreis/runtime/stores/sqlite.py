"""The operational store on SQLite: one file, WAL, synchronous=FULL unless a transaction does without, one writer at a time.

Each thread has a connection of its own. Writers begin IMMEDIATE, so two processes queue instead of failing half-way.
"""

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pysqlite3 as sqlite3  # SQLite 3.53: the system's may hold the WAL-reset bug

from kundenkreis.runtime.pace import Haste
from kundenkreis.runtime.stores.checkpoints import Checkpoints
from kundenkreis.runtime.stores.per_thread import PerThread
from kundenkreis.runtime.stores.schema import Table
from kundenkreis.runtime.stores.session import Point, Row, Session, conflict_clause, insert_columns, no_point
from kundenkreis.sqlite_wal import make_private, use_wal

# For parameters of type bytes the module looks for adapters in three places, a microsecond for each, unless one is registered. This one
# answers at once with the same object.
sqlite3.register_adapter(bytes, bytes)

_CHUNK = 900
"""Parameters per statement: below every build's limit, large enough that preparing costs nothing."""
_LONGEST_WAL_PAGES = 256_000
"""1 GB: where a commit writes back itself what the thread beside it has not (`stores/checkpoints.py`)."""
_KEPT_WAL_BYTES = 64 << 20
"""What a WAL that was longer is cut to when it begins anew."""
CACHE_MEBIBYTES = 64
"""Of each connection, unless told otherwise."""
_MEBIBYTES_WHILE_BEHIND = 256
"""Of the writer with a backlog: 8,000 events touch up to 40,000 pages, 160 MB, and what finds no room is written to the WAL within the
transaction and read back, once more each time."""
_LARGE_BYTES = 2 << 30
"""A store of this size is always read as memory: every commit of the worker empties the caches of everybody else, and what they read again lies
in the system's cache anyway."""
_MAPPED_BYTES = 1 << 38
"""Of a store that is read as memory: more than any has."""


def _lower(text: str | None) -> str | None:
    return None if text is None else text.lower()


class SqliteSession:
    """A transaction on one SQLite connection."""

    dialect = "sqlite"

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        result: list[Row] = self._connection.execute(sql, params).fetchall()
        return result

    def stream(self, sql: str, params: Sequence[Any] = ()) -> Iterator[Row]:
        yield from self._connection.execute(sql, params)

    def renew(self) -> None:
        self._connection.execute("ROLLBACK")
        self._connection.execute("BEGIN")

    def rows_in(self, sql: str, keys: Sequence[Any]) -> list[Row]:
        found: list[Row] = []
        for start in range(0, len(keys), _CHUNK):
            chunk = keys[start : start + _CHUNK]
            # Padding the last chunk with its own first key keeps the number of distinct statements small.
            size = len(chunk) if len(chunk) <= 4 else _CHUNK if len(chunk) > 90 else 90
            padded = [*chunk, *([chunk[0]] * (size - len(chunk)))]
            asked = sql.format(keys=f"IN ({','.join('?' * size)})")
            found.extend(self._connection.execute(asked, padded * sql.count("{keys}")))
        return found

    def identifiers(self, pairs: Sequence[tuple[str, str]]) -> list[Row]:
        found: list[Row] = []
        for start in range(0, len(pairs), _CHUNK // 2):
            chunk = pairs[start : start + _CHUNK // 2]
            size = len(chunk) if len(chunk) <= 4 else _CHUNK // 2 if len(chunk) > 45 else 45
            padded = [*chunk, *([chunk[0]] * (size - len(chunk)))]
            values = f"(VALUES {','.join(['(?,?)'] * size)})"
            sql = f"SELECT kind, value, profile_id FROM identifiers WHERE (kind, value) IN {values}"
            found.extend(self._connection.execute(sql, [v for pair in padded for v in pair]))
        return found

    def run(self, sql: str, params: Sequence[Any] = ()) -> int:
        count: int = self._connection.execute(sql, params).rowcount
        return count

    def run_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        self._connection.executemany(sql, rows)

    def insert(
        self, table: Table, rows: Sequence[Sequence[Any]], *, conflict: str = "fail", expects_new: bool = False
    ) -> None:
        if rows:
            columns = insert_columns(table)
            self._connection.executemany(
                f"INSERT INTO {table.name} ({','.join(columns)}) VALUES ({','.join('?' * len(columns))})"
                + conflict_clause(table, conflict),
                rows,
            )

    def update(
        self, table: Table, columns: Sequence[str], rows: Sequence[Sequence[Any]], *, key: Sequence[str] = ()
    ) -> None:
        found_by = key or table.primary_key
        values = ", ".join(f"{c} = ?{len(found_by) + at}" for at, c in enumerate(columns, start=1))
        where = " AND ".join(f"{c} = ?{at}" for at, c in enumerate(found_by, start=1))
        self._connection.executemany(f"UPDATE {table.name} SET {values} WHERE {where}", rows)


class SqliteStore:
    """The store of one data directory.

    Args:
        is_durable: False means no fsync, for what may be lost with the power: the demo while it is loaded, tests.
    """

    dialect = "sqlite"

    def __init__(
        self,
        path: Path | str,
        *,
        point: Point = no_point,
        cache_mebibytes: int = CACHE_MEBIBYTES,
        is_durable: bool = True,
    ) -> None:
        self.path = str(path)
        self._is_durable = is_durable
        self._point = point
        self._cache_kibibytes = cache_mebibytes * 1024
        self._connections: PerThread[Any] = PerThread(self._connect)
        self._local = threading.local()
        self._checkpoints: Checkpoints | None = None

    def checkpoint_beside(self) -> None:
        """From now on the WAL is written back on a thread of its own: for the one process that writes all the time."""
        if self._checkpoints is None:
            self._checkpoints = Checkpoints(self._connect, Path(f"{self.path}-wal") if self._is_durable else None)

    def hurry(self, haste: Haste) -> None:
        """How this thread works from now on: behind, it holds a whole batch's pages, reads the file as memory, which saves a copy of each page, and a
        WAL that begins anew is not cut, for which a commit would wait a third of a second; far behind, the WAL may be long.

        Not always, unless the store is large: those pages would count as this process's for as long as it lives, though the system may drop them.
        """
        if getattr(self._local, "haste", Haste.NONE) is haste:
            return
        self._local.haste = haste
        connection = self._connections.here()
        kibibytes = max(self._cache_kibibytes, _MEBIBYTES_WHILE_BEHIND * 1024 if haste else 0)
        connection.execute(f"PRAGMA cache_size=-{kibibytes}")
        connection.execute(f"PRAGMA mmap_size={_MAPPED_BYTES if haste or self._is_large() else 0}")
        connection.execute(f"PRAGMA journal_size_limit={-1 if haste else _KEPT_WAL_BYTES}")
        if self._checkpoints is not None:
            self._checkpoints.hurry(haste is Haste.FAR_BEHIND)

    def _connect(self) -> Any:
        make_private(self.path)
        connection = sqlite3.connect(
            self.path, timeout=30, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        # SQLite's own lower() knows ASCII only; "über" must find "ÜBER" as on PostgreSQL.
        connection.create_function("lower", 1, _lower, deterministic=True)
        use_wal(connection)
        connection.execute(f"PRAGMA synchronous={'FULL' if self._is_durable else 'OFF'}")
        connection.execute(f"PRAGMA cache_size=-{self._cache_kibibytes}")
        connection.execute(f"PRAGMA wal_autocheckpoint={_LONGEST_WAL_PAGES}")
        connection.execute(f"PRAGMA journal_size_limit={_KEPT_WAL_BYTES}")
        connection.execute("PRAGMA temp_store=MEMORY")
        if self._is_large():
            connection.execute(f"PRAGMA mmap_size={_MAPPED_BYTES}")
        return connection

    def _is_large(self) -> bool:
        try:
            return os.path.getsize(self.path) >= _LARGE_BYTES
        except OSError:  # not made yet, or in memory
            return False

    @contextmanager
    def transaction(self, name: str = "tx", *, awaits_disk: bool = True) -> Iterator[Session]:
        connection = self._connections.here()
        is_loose = self._is_durable and not awaits_disk
        if is_loose:
            connection.execute("PRAGMA synchronous=NORMAL")
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield SqliteSession(connection)
            self._point(f"{name}.before_commit")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        finally:
            if is_loose:
                connection.execute("PRAGMA synchronous=FULL")
        self._point(f"{name}.after_commit")
        if self._checkpoints is not None:
            self._checkpoints.after_commit()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        connection = self._connections.here()
        connection.execute("BEGIN")
        try:
            yield SqliteSession(connection)
        finally:
            connection.execute("ROLLBACK")

    def close_here(self) -> None:
        self._connections.close_here()

    def close(self) -> None:
        if self._checkpoints is not None:
            self._checkpoints.stop()
            self._checkpoints = None
        self._connections.close()
        self._local = threading.local()
