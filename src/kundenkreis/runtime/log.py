"""Appending to the log and reading it back.

A number is given under the lock of the one appender (SQLite: the write transaction; PostgreSQL: the row lock on `numbers`, held to the
commit), so rows become visible in the order of their numbers and a reader by number never skips one.

A row is appended once and from then on only deleted (privacy/forgetting.py): merges leave its profile id alone, erasing and pruning take it
away whole. So its checksum covers every other column (`checksum_of`), and only `append` writes it.
"""

import zlib
from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from kundenkreis.kernel.errors import KundenkreisError
from kundenkreis.kernel.rows import LogRow
from kundenkreis.runtime.stores.schema import LOG
from kundenkreis.runtime.stores.session import Row, Session

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.decode
_pack = msgspec.msgpack.Encoder().encode
COLUMN_NAMES = LOG.column_names
_COLUMNS = ", ".join(COLUMN_NAMES)


class UnreadableRowError(KundenkreisError):
    """A row of the log cannot be read: the database file is damaged. Stop the server and restore a backup."""

    code = "unreadable_row"


def next_numbers(tx: Session, count: int) -> int:
    """Reserve `count` numbers; the first of them. Holds the appender's lock to the end of the transaction."""
    rows = tx.rows("UPDATE numbers SET next = next + ? WHERE name = 'log' RETURNING next", (count,))
    return int(rows[0][0]) - count


def stored(row: LogRow, raw: bytes | None) -> Row:
    """A row as the table keeps it, but for its checksum; `raw` is the message as received, so that nothing is re-serialised."""
    return (
        row.number, row.partition, row.event_id, row.profile_id, row.type, row.name, row.happened_us, row.received_us, row.at_us, row.day,
        row.origin, row.actor, row.reason, row.cause, row.depth, row.flags, row.source, row.brand, row.schema_version,
        _encode(row.links).decode() if row.links else "", raw if raw is not None else _encode(row.body),
    )  # fmt: skip


def append(tx: Session, rows: Sequence[Row]) -> None:
    """Write stored rows, each with its checksum."""
    tx.insert(LOG, [(*row, checksum_of(row)) for row in rows])


def checksum_of(row: Row) -> int:
    """What the row says of itself: CRC-32 of all columns but the last, in order, as one MessagePack array.

    The array says where each value ends and of which type it is, so no two rows have the same bytes. It costs about a microsecond.
    It finds damage; it is no proof against somebody who changes a row on purpose and knows how to reckon.

    Source: https://github.com/msgpack/msgpack/blob/master/spec.md for the array, RFC 1952 (section 8) for the checksum.
    """
    return zlib.crc32(_pack(row))


def loaded(row: Row) -> LogRow:
    """A LogRow from a row of the table.

    Raises:
        UnreadableRowError: what stands there is not what was written.
    """
    links: dict[str, Any] | None
    try:
        links, body = _decode(row[19]) if row[19] else None, _decode(row[20])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        said = (UnreadableRowError.__doc__ or "").replace("A row", f"Row {row[0]}", 1)
        raise UnreadableRowError(said, number=row[0], why=str(error)) from error
    return LogRow(
        number=row[0], partition=row[1], event_id=bytes(row[2]), profile_id=row[3], type=row[4], name=row[5], happened_us=row[6],
        received_us=row[7], at_us=row[8], day=row[9], origin=row[10], actor=row[11], reason=row[12], cause=bytes(row[13]), depth=row[14],
        flags=row[15], source=row[16], brand=row[17], schema_version=row[18], links=links, body=body,
    )  # fmt: skip


def of_customers(
    tx: Session, profile_ids: Sequence[int], *, derived: bool = False, bases: bool = False,
    names: Collection[str] | None = None,
) -> list[LogRow]:  # fmt: skip
    """All rows of these profiles, ascending by number; derived ones and bases only when asked for.

    Args:
        names: only events of these names; None: of all.
    """
    found = tx.rows_in(f"SELECT {_COLUMNS} FROM log WHERE profile_id {{keys}}", list(profile_ids))
    rows = [
        loaded(row)
        for row in found
        if (not row[15] & 4 or (bases if row[4] == "state" else derived)) and (names is None or row[5] in names)
    ]
    unique = {row.number: row for row in rows}
    return [unique[number] for number in sorted(unique)]


def folded_so_far(
    tx: Session, profile_ids: Sequence[int], *, folded_to: int, names: Collection[str] | None = None
) -> list[LogRow]:
    """Everything folded of a person, ascending by number: own rows up to `folded_to`, the rows of absorbed profiles up to their
    merge (later ones were forwarded and stand among the own), and what was derived, which is written after it was folded.

    Args:
        profile_ids: the person's profile, then those it absorbed.
        names: only events of these names (and merges); None: of all.
    """
    kept = None if names is None else {*names, "Merge Requested"}
    rows = of_customers(tx, profile_ids, derived=True, names=kept)
    ends = {
        row.profile_id: row.number for row in reversed(rows) if row.type == "merge" and row.name == "Merge Requested"
    }
    ends[profile_ids[0]] = folded_to
    return [row for row in rows if row.flags & 4 or row.number <= ends.get(row.profile_id, folded_to)]


def of_partition(tx: Session, partition: int, *, after: int, limit: int) -> list[LogRow]:
    """The next rows of one partition in log order, control rows included, derived ones left out."""
    rows = tx.rows(
        f"SELECT {_COLUMNS} FROM log WHERE partition = ? AND number > ? AND (flags & 4) = 0 ORDER BY number LIMIT ?",
        (partition, after, limit),
    )
    return [loaded(row) for row in rows]


def controls_after(tx: Session, number: int) -> list[LogRow]:
    """Control rows of all partitions above this number, ascending."""
    rows = tx.rows(f"SELECT {_COLUMNS} FROM log WHERE type = 'control' AND number > ? ORDER BY number", (number,))
    return [loaded(row) for row in rows]
