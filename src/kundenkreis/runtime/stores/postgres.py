"""The operational store on PostgreSQL: the same tables, any number of workers.

Bulk inserts go through unnest of typed arrays: one statement, one round trip, with ON CONFLICT (which COPY lacks). The arrays are packed here
(`stores/packed.py`): a general driver looks at every value and writes it as text. They are unfolded in the list of columns; in FROM the
server would first write every column into a store of its own.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any

import psycopg

from kundenkreis.kernel.errors import CallerError
from kundenkreis.runtime.stores.packed import (
    Packed,
    packed_bytes,
    packed_columns,
    packed_integers,
    packed_texts,
    register_packed,
)
from kundenkreis.runtime.stores.per_thread import PerThread
from kundenkreis.runtime.stores.schema import Table
from kundenkreis.runtime.stores.session import Point, Row, Session, conflict_clause, insert_columns, no_point

CONNECT: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
"""A database that is gone is noticed within seconds, not after the system's two hours."""
IDLE_SECONDS = 30
"""A process that stands still inside a transaction (stopped, swapped out) loses it, and with it the locks that others wait for."""

_WORTH_A_SAVEPOINT = 50
"""Rows of one statement from which on a savepoint costs less than what it spares."""
STREAMED_ROWS = 1_000
_streams = count(1)
"""Names of server-side cursors: several may be open in one transaction."""

_PACKED: dict[type, Callable[[Sequence[Any]], Packed]] = {int: packed_integers, str: packed_texts, bytes: packed_bytes}


def _packed_lists(params: Sequence[Any]) -> Sequence[Any]:
    """Lists as arrays of their first element's type."""
    if not any(type(one) is list for one in params):
        return params
    return [_PACKED[type(one[0])](one) if type(one) is list and one else one for one in params]


def _translate(sql: str) -> str:
    return sql.replace("%", "%%").replace("?", "%s")


class PostgresSession:
    """A transaction on one PostgreSQL connection."""

    dialect = "postgres"

    def __init__(self, cursor: "psycopg.Cursor[Row]") -> None:
        self.cursor = cursor

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        self.cursor.execute(_translate(sql), _packed_lists(params))
        return self.cursor.fetchall()

    def renew(self) -> None:
        """A snapshot holds up nobody here."""

    def stream(self, sql: str, params: Sequence[Any] = ()) -> Iterator[Row]:
        with self.cursor.connection.cursor(name=f"stream_{next(_streams)}") as cursor:
            cursor.itersize = STREAMED_ROWS
            cursor.execute(_translate(sql), params)
            yield from cursor

    def rows_in(self, sql: str, keys: Sequence[Any]) -> list[Row]:
        if not keys:
            return []
        return self.rows(sql.format(keys="= ANY(?)"), [list(keys)] * sql.count("{keys}"))

    def identifiers(self, pairs: Sequence[tuple[str, str]]) -> list[Row]:
        if not pairs:
            return []
        # One by one in the index ("OFFSET 0" keeps the subquery apart): a planner that knows too little would rather go through the table.
        self.cursor.execute(
            "SELECT found.* FROM (SELECT unnest(%s) AS kind, unnest(%s) AS value) AS wanted, LATERAL (SELECT kind, value, profile_id "
            "FROM identifiers WHERE kind = wanted.kind AND value = wanted.value OFFSET 0) AS found",
            [packed_texts(column) for column in zip(*pairs, strict=True)],
        )
        return self.cursor.fetchall()

    def run(self, sql: str, params: Sequence[Any] = ()) -> int:
        self.cursor.execute(_translate(sql), _packed_lists(params) or None)
        return self.cursor.rowcount

    def run_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        if rows:
            self.cursor.executemany(_translate(sql), rows)

    def insert(
        self, table: Table, rows: Sequence[Sequence[Any]], *, conflict: str = "fail", expects_new: bool = False
    ) -> None:
        if not rows:
            return
        columns = insert_columns(table)
        sql = f"INSERT INTO {table.name} ({', '.join(columns)}) SELECT {', '.join(['unnest(%s)'] * len(columns))}"
        packed = packed_columns(table, columns, rows)
        if expects_new and len(rows) >= _WORTH_A_SAVEPOINT:
            # With a conflict clause each row is looked for before, and confirmed after it was inserted: a third more time for the server.
            self.cursor.execute("SAVEPOINT new_rows")
            try:
                self.cursor.execute(sql, packed)
                return
            except psycopg.errors.UniqueViolation:
                self.cursor.execute("ROLLBACK TO SAVEPOINT new_rows")
        self.cursor.execute(sql + conflict_clause(table, conflict), packed)

    def update(
        self, table: Table, columns: Sequence[str], rows: Sequence[Sequence[Any]], *, key: Sequence[str] = ()
    ) -> None:
        if not rows:
            return
        found_by = key or table.primary_key
        given = [*(one.split()[0] for one in found_by), *columns]
        names = [f"given_{at}" for at in range(len(given))]
        values = ", ".join(f"{c} = {name}" for c, name in zip(columns, names[len(found_by) :], strict=True))
        where = " AND ".join(f"{table.name}.{one} = {name}" for one, name in zip(found_by, names, strict=False))
        self.cursor.execute(
            f"UPDATE {table.name} SET {values} FROM (SELECT {', '.join(['unnest(%s)'] * len(given))}) AS new ({', '.join(names)}) WHERE {where}",
            packed_columns(table, given, rows),
        )


_LASTING = ("fsync", "full_page_writes", "synchronous_commit")


class ForgetfulServerError(CallerError):
    """This PostgreSQL server loses committed data when the power fails."""

    code = "forgetful_server"


class DatabaseEncodingError(CallerError):
    """This PostgreSQL database cannot hold every letter; make one with the encoding UTF8."""

    code = "database_encoding"


class PooledDatabaseError(CallerError):
    """A pooler gives each transaction another connection, so nothing that is said between them is heard; name the server itself."""

    code = "pooled_database"


_BELL_TRIED = "kreis_tried"
_HEARD_SECONDS = 5.0


class PostgresStore:
    """The store of one database."""

    dialect = "postgres"

    def __init__(self, dsn: str, *, point: Point = no_point) -> None:
        self.dsn = dsn
        self._point = point
        self._connections: PerThread[psycopg.Connection[Row]] = PerThread(self._connect)

    def _connection(self) -> "psycopg.Connection[Row]":
        if self._connections.here().closed:  # the server was gone; let it be another one
            self._connections.close_here()
        return self._connections.here()

    def _connect(self) -> "psycopg.Connection[Row]":
        connection = psycopg.connect(self.dsn, autocommit=True, **CONNECT)
        connection.execute(f"SET idle_in_transaction_session_timeout = {IDLE_SECONDS * 1000}")
        connection.autocommit = False
        register_packed(connection)
        return connection

    def check_server(self) -> None:
        """Refuse a server that says yes before it has written, a database that cannot hold every letter, and a pooler that swallows bells.

        Raises:
            ForgetfulServerError: one of its settings is off.
            DatabaseEncodingError: its encoding is not UTF8.
            PooledDatabaseError: what is notified is not heard.
        """
        with self.reading() as tx:
            row = tx.rows(
                f"SELECT pg_backend_pid(), current_setting('server_encoding'), {', '.join(f'current_setting({name!r})' for name in _LASTING)}"
            )[0]
        if off := [name for name, value in zip(_LASTING, row[2:], strict=True) if value == "off"]:
            raise ForgetfulServerError(
                f"PostgreSQL runs with {', '.join(f'{name}=off' for name in off)}: what it has committed, it may lose when the power fails. "
                "Remove that from postgresql.conf, or from the settings of the role or database, and reload the server.",
                settings=off,
            )
        encoding = (
            row[1].decode() if isinstance(row[1], bytes) else row[1]
        )  # SQL_ASCII: nobody knows which letters its bytes are
        if encoding != "UTF8":
            raise DatabaseEncodingError(
                f"The database of KREIS_DATABASE has the encoding {encoding} and cannot hold every letter. "
                "Make another one: CREATE DATABASE kreis ENCODING 'UTF8' TEMPLATE template0.",
                encoding=encoding,
            )
        # Whoever stands in between has told a number of its own. One that lends a connection for a whole session does no harm.
        if self._connection().info.backend_pid != row[0] and not self._is_heard():
            raise PooledDatabaseError(
                "Between Kundenkreis and PostgreSQL a pooler gives each transaction another connection (pgbouncer: pool_mode=transaction), "
                "so processes do not hear each other and messages would not go out. Name the server itself in KREIS_DATABASE, or set pool_mode=session."
            )

    def _is_heard(self) -> bool:
        """Whether what one connection notifies reaches another that listens."""
        with (
            psycopg.connect(self.dsn, autocommit=True, **CONNECT) as listening,
            psycopg.connect(self.dsn, autocommit=True, **CONNECT) as ringing,
        ):
            listening.execute(f"LISTEN {_BELL_TRIED}")
            ringing.execute(f"NOTIFY {_BELL_TRIED}")
            return any(True for _ in listening.notifies(timeout=_HEARD_SECONDS, stop_after=1))

    @contextmanager
    def transaction(self, name: str = "tx", *, awaits_disk: bool = True) -> Iterator[Session]:
        connection = self._connection()
        try:
            with connection.cursor(binary=True) as cursor:
                if not awaits_disk:
                    cursor.execute("SET LOCAL synchronous_commit = off", prepare=False, binary=False)
                yield PostgresSession(cursor)
                self._point(f"{name}.before_commit")
                connection.commit()
        except BaseException:
            if not connection.closed:
                connection.rollback()
            raise
        self._point(f"{name}.after_commit")

    @contextmanager
    def reading(self) -> Iterator[Session]:
        connection = self._connection()
        try:
            with connection.cursor(binary=True) as cursor:
                # A reader may be slow in Python and holds no lock that a writer needs.
                cursor.execute(
                    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL idle_in_transaction_session_timeout = 0",
                    prepare=False,
                    binary=False,
                )
                yield PostgresSession(cursor)
        finally:
            if not connection.closed:
                connection.rollback()

    def close_here(self) -> None:
        self._connections.close_here()

    def close(self) -> None:
        self._connections.close()
