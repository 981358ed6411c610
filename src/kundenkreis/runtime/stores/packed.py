"""Columns of values as PostgreSQL's binary arrays.

A driver's own lists go out as text, each value looked at with a regular expression; for thousands of rows in one statement that took
more time than deciding them. Here a column of known type is packed in one go, and the server has nothing to parse.

Source of the format: `array_send` and `array_recv` in PostgreSQL's src/backend/utils/adt/arrayfuncs.c: number of dimensions, whether there are
nulls, type of the elements, length, lower bound; then each element behind its length, all numbers big-endian.
"""

import struct
from collections.abc import Iterable, Sequence
from typing import Any

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format

from kundenkreis.runtime.stores.schema import ColumnType, Table
from kundenkreis.runtime.stores.session import Row

INT8, TEXT, BYTEA = 20, 25, 17
"""Types of elements, by their number in pg_type."""
_length = struct.Struct("!i").pack


class Packed:
    """An array as the server reads it."""

    __slots__ = ("data",)

    def __init__(self, element: int, count: int, elements: bytes) -> None:
        self.data = struct.pack("!iiIii", 1, 0, element, count, 1) + elements


class PackedIntegers(Packed):
    """bigint[]"""

    __slots__ = ()


class PackedTexts(Packed):
    """text[]"""

    __slots__ = ()


class PackedBytes(Packed):
    """bytea[]"""

    __slots__ = ()


def packed_integers(values: Sequence[int]) -> PackedIntegers:
    """Raises struct.error for what is no integer of 64 bits."""
    count = len(values)
    # Each is its length, 8, and two halves: all lengths, all upper and all lower halves are put in place at once.
    elements = bytearray(12 * count)
    places = memoryview(elements).cast("I")
    halves = memoryview(struct.pack(f"!{count}q", *values)).cast("I")
    places[0::3] = memoryview(_length(8) * count).cast("I")
    places[1::3], places[2::3] = halves[0::2], halves[1::2]
    return PackedIntegers(INT8, count, bytes(elements))


def packed_texts(values: Sequence[str]) -> PackedTexts:
    """Raises UnicodeEncodeError for half of a surrogate pair."""
    distinct = set(values)
    if len(distinct) * 2 > len(values):
        return PackedTexts(TEXT, len(values), _joined([value.encode() for value in values]))
    # Names of journeys, steps and outcomes: a few of them, again and again.
    ready = {value: _joined([value.encode()]) for value in distinct}
    return PackedTexts(TEXT, len(values), b"".join(map(ready.__getitem__, values)))


def packed_bytes(values: Sequence[bytes]) -> PackedBytes:
    """Any bytes."""
    return PackedBytes(BYTEA, len(values), _joined(values))


def packed_columns(table: Table, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[Packed]:
    """The rows of these columns, column by column."""
    types = dict(table.columns)
    return [_PACKERS[types[name]](values) for name, values in zip(columns, zip(*rows, strict=True), strict=True)]


def _joined(values: Sequence[bytes]) -> bytes:
    sizes = set(map(len, values))
    if len(sizes) == 1:  # ids
        prefix = _length(sizes.pop())
        return prefix + prefix.join(values)
    return b"".join([part for value in values for part in (_length(len(value)), value)])


_PACKERS: dict[ColumnType, Any] = {"integer": packed_integers, "text": packed_texts, "bytes": packed_bytes}


class _PackedDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: Packed) -> Buffer | None:
        return obj.data


class _IntegersDumper(_PackedDumper):
    oid = 1016


class _TextsDumper(_PackedDumper):
    oid = 1009


class _BytesDumper(_PackedDumper):
    oid = 1001


def register_packed(connection: "psycopg.Connection[Row]") -> None:
    """Let this connection take packed columns as parameters."""
    for kind, dumper in (
        (PackedIntegers, _IntegersDumper),
        (PackedTexts, _TextsDumper),
        (PackedBytes, _BytesDumper),
    ):
        connection.adapters.register_dumper(kind, dumper)
