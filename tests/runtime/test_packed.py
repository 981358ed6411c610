"""Packed columns reach the server as they were."""

import struct
from collections.abc import Sequence
from typing import Any

import psycopg
import pytest

from kundenkreis.runtime.stores.packed import packed_bytes, packed_integers, packed_texts, register_packed

pytestmark = pytest.mark.db

INTEGERS = [0, 1, -1, 2**63 - 1, -(2**63), 4_611_686_018_427_387_903]
TEXTS = ["", "a", "ä€😀", 'it\'s {"quoted", NULL}\\', "NULL", "\n\t", "x" * 100_000]
FEW_TEXTS = ["waiting", "ä€😀", "waiting", "", "waiting", "ä€😀", "waiting", "waiting"]
IDS = [bytes([number]) * 16 for number in range(5)]
BYTES = [b"", b"\x00", bytes(range(256)), b"\\x00", b"x" * 100_000]


@pytest.mark.parametrize("count", [0, 1, 2, None])
@pytest.mark.parametrize(
    ("pack", "values"),
    [
        (packed_integers, INTEGERS),
        (packed_texts, TEXTS),
        (packed_texts, FEW_TEXTS),
        (packed_bytes, BYTES),
        (packed_bytes, IDS),
    ],
)
def test_an_array_comes_back_as_it_was(
    postgres_database: str, pack: Any, values: Sequence[Any], count: int | None
) -> None:
    with psycopg.connect(postgres_database) as connection:
        register_packed(connection)
        found = connection.execute("SELECT v FROM unnest(%s) AS of (v)", [pack(values[:count])]).fetchall()
    assert [row[0] for row in found] == values[:count]


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, "1", None])
def test_what_is_no_integer_is_refused(value: Any) -> None:
    with pytest.raises(struct.error):
        packed_integers([1, value])


def test_half_a_character_is_refused() -> None:
    with pytest.raises(UnicodeEncodeError):
        packed_texts(["\ud83d"])
