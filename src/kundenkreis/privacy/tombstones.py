"""Tombstones: what remains of an erased person, so that nothing of the time before the erasure comes back.

A tombstone is a keyed hash of one identifier and the instant of the erasure. Nobody without the installation's secret can tell whose it
is. Events that name the identifier and happened before that instant (late deliveries, repeats, a restored backup) are dropped;
what the person does afterwards is a new beginning.
"""

import hashlib
import hmac
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from kundenkreis.kernel.ids import Micros
from kundenkreis.runtime.stores.schema import TOMBSTONES
from kundenkreis.runtime.stores.session import Session
from kundenkreis.settings import Settings, secret_key

TOMBSTONES_FILE = "tombstones.jsonl"
"""A second copy outside the database: a restored backup of the database does not know of later erasures."""

Pair = tuple[str, str]

_BY_MARK = "SELECT mark, erased_us FROM tombstones WHERE mark {keys}"


def tombstone_key(settings: Settings) -> bytes:
    """The key of this installation's tombstones."""
    return secret_key(settings, "tombstones")


def mark_of(key: bytes, pair: Pair) -> bytes:
    """16 bytes that stand for (kind, value) and reveal neither without the key."""
    kind, value = pair
    return hmac.digest(key, f"{kind}\x1f{value}".encode("utf-8", "surrogatepass"), hashlib.sha256)[:16]


def write_tombstones(tx: Session, key: bytes, pairs: Iterable[Pair], *, at_us: Micros) -> list[bytes]:
    """Bury these identifiers; a later erasure of the same one moves the instant. Returns their marks."""
    rows = {mark_of(key, pair): pair[0] for pair in pairs}
    tx.insert(TOMBSTONES, [(mark, kind, at_us) for mark, kind in rows.items()], conflict="replace")
    return list(rows)


def buried_until(tx: Session, key: bytes, pairs: Iterable[Pair]) -> dict[Pair, Micros]:
    """Which of these identifiers were erased, and when. Does not look at them on an installation that never erased anybody."""
    if not tx.rows("SELECT 1 FROM tombstones LIMIT 1"):
        return {}
    marks = {mark_of(key, pair): pair for pair in set(pairs)}
    found = tx.rows_in(_BY_MARK, list(marks))
    return {marks[bytes(mark)]: int(erased_us) for mark, erased_us in found}


def unknown_tombstones(tx: Session, buried: Mapping[bytes, Micros]) -> dict[bytes, Micros]:
    """Which of these marks the database does not know, or only of an earlier erasure."""
    known = {bytes(row[0]): row[1] for row in tx.rows_in(_BY_MARK, list(buried))}
    return {mark: erased_us for mark, erased_us in buried.items() if known.get(mark, -1) < erased_us}


def restore_tombstones(tx: Session, marks: Mapping[bytes, Micros]) -> None:
    """Let the database know them again. Of what kind the identifiers were, the file does not say."""
    tx.insert(TOMBSTONES, [(mark, "", erased_us) for mark, erased_us in marks.items()], conflict="replace")


def append_to_file(data_dir: Path, marks: Sequence[bytes], *, at_us: Micros) -> None:
    """Keep the marks outside the database too. Durable when this returns."""
    lines = "".join(json.dumps({"mark": mark.hex(), "erased_us": at_us}) + "\n" for mark in marks)
    descriptor = os.open(data_dir / TOMBSTONES_FILE, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "r+b", buffering=0) as file:
        # Behind half a line, which a full disk or a power failure left, ours would be unreadable as well.
        size = os.fstat(descriptor).st_size
        is_torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        data = b"\n" * is_torn + lines.encode()
        while data:
            data = data[file.write(data) :]
        file.flush()
        os.fsync(file.fileno())


def read_file(data_dir: Path) -> dict[bytes, Micros]:
    """Every mark of the file with the instant of its newest erasure; torn and damaged lines (power loss) are passed over."""
    found: dict[bytes, Micros] = {}
    try:
        lines = (data_dir / TOMBSTONES_FILE).read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return {}
    for line in lines:
        try:
            entry = json.loads(line)
            mark, at_us = bytes.fromhex(entry["mark"]), int(entry["erased_us"])
        except (ValueError, KeyError, TypeError):
            continue
        found[mark] = max(at_us, found.get(mark, 0))
    return found
