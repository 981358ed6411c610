"""Erasing a person (Art. 17 GDPR): first nothing goes out any more, then every row goes, then it is proved.

    fence -> rows of the store -> what waits in inbox and quarantine -> free space of the files -> counts and a search

Rows that were merged into the person, or that the person was merged into, go with it: they are one person. What remains is a fence on a
profile id that leads nowhere, and keyed hashes of the identifiers (privacy/tombstones.py). Doing it again is harmless.
"""

import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pysqlite3 as sqlite3

from kundenkreis.channels.core.fences import EVERYTHING
from kundenkreis.channels.outbox import SqlOutbox
from kundenkreis.kernel.ids import Micros, partition_of
from kundenkreis.privacy.errors import AmbiguousCustomerError, UnknownCustomerError
from kundenkreis.privacy.forgetting import ERASED, fence, remaining_rows, remove_rows, whole_people
from kundenkreis.privacy.registry import personal_tables
from kundenkreis.privacy.tombstones import (
    TOMBSTONES_FILE,
    append_to_file,
    mark_of,
    read_file,
    restore_tombstones,
    tombstone_key,
    unknown_tombstones,
    write_tombstones,
)
from kundenkreis.privacy.traces import SHORTEST, traces_in
from kundenkreis.privacy.waiting import Names, without
from kundenkreis.runtime.installation import INBOX_FILE, STORE_FILE, Installation
from kundenkreis.runtime.secret_mark import check_secret
from kundenkreis.runtime.stores.session import Row, Session

Pair = tuple[str, str]

KINDS = ("user_id", "email", "phone", "anonymous_id")
REMAINS = (
    "a profile id without anything behind it, so that answers still on their way are dropped",
    "keyed hashes of the identifiers, so that nothing from before the erasure comes back",
)


@dataclass
class ErasureReport:
    """What an erasure did and what it found afterwards. Holds no personal data beyond profile ids."""

    profiles: list[int]
    at_us: Micros
    removed: dict[str, int] = field(default_factory=dict)
    """Rows removed per table."""
    remaining: dict[str, int] = field(default_factory=dict)
    """Rows left per table, counted afterwards: all zero."""
    traces: dict[str, int] = field(default_factory=dict)
    """File -> places in which an identifier of at least six characters still stands: empty."""
    searched: int = 0
    """How many identifiers were searched for in the files."""
    remains: tuple[str, ...] = REMAINS

    @property
    def is_complete(self) -> bool:
        """Whether nothing was found afterwards."""
        return not any(self.remaining.values()) and not self.traces


def erase(installation: Installation, customer: str) -> ErasureReport:
    """Erase one person. Works beside a running server; the worker waits for as long as the files are cleaned.

    Raises:
        UnknownCustomerError, AmbiguousCustomerError, SecretChangedError: nothing was done.
    """
    check_secret(installation.store, installation.settings)
    with installation.store.reading() as tx:
        profiles = whole_people(tx, [find_customer(tx, customer)])
    return _erase(installation, [profiles])[0]


def repeat_erasures(installation: Installation) -> list[ErasureReport]:
    """At a start: where the file beside the database knows an erasure that the database does not, a backup was restored, or an erasure was
    interrupted. Then everybody meant is erased before anybody sees or writes to them.
    """
    buried = read_file(installation.data_dir)
    with installation.store.reading() as tx:
        is_known = not unknown_tombstones(tx, buried)
    return [] if is_known else erase_again(installation)


def erase_again(installation: Installation) -> list[ErasureReport]:
    """Erase everybody whose tombstone stands in the file beside the database: after a backup was restored.

    Only what had happened by then is meant: whoever came back after the erasure and is in the backup as a new customer is kept.

    Raises:
        SecretChangedError: nobody would be recognised, and all would count as erased again; nothing was done.
    """
    check_secret(installation.store, installation.settings)
    buried = read_file(installation.data_dir)
    key = tombstone_key(installation.settings)
    with installation.store.reading() as tx:
        found: dict[int, Micros] = {}
        for kind, value, profile_id in tx.rows("SELECT kind, value, profile_id FROM identifiers"):
            erased_us = buried.get(mark_of(key, (kind, value)))
            if erased_us is not None:
                found[profile_id] = max(erased_us, found.get(profile_id, 0))
        people = [
            whole_people(tx, [profile_id])
            for profile_id, erased_us in sorted(found.items())
            if tx.rows("SELECT 1 FROM log WHERE profile_id = ? AND received_us <= ? LIMIT 1", (profile_id, erased_us))
        ]
    reports = _erase(installation, list({tuple(each): each for each in people}.values()))
    with installation.store.transaction("erase") as tx:
        # Of people whom the backup does not hold: what they did before may still come in.
        restore_tombstones(tx, unknown_tombstones(tx, buried))
    return reports


def find_customer(tx: Session, text: str) -> int:
    """The profile id of a customer named by profile id, by an identifier, or by kind:value.

    Raises:
        UnknownCustomerError, AmbiguousCustomerError
    """
    text = text.strip()
    kind, colon, value = text.partition(":")
    if colon and kind in (*KINDS, "profile"):
        wanted = [(kind, value)] if kind != "profile" else []
        number = value if kind == "profile" else ""
    else:
        wanted, number = [(kind, text.casefold() if kind == "email" else text) for kind in KINDS], text
    found = {row[2] for row in tx.identifiers(wanted)}
    if number.isascii() and number.isdigit() and len(number) < 20 and int(number) < 1 << 63:
        found |= {row[0] for row in tx.rows("SELECT profile_id FROM states WHERE profile_id = ?", (int(number),))}
    if not found:
        raise UnknownCustomerError
    if len(found) > 1:
        raise AmbiguousCustomerError(profiles=sorted(found))
    return int(found.pop())


def _erase(installation: Installation, people: Sequence[Sequence[int]]) -> list[ErasureReport]:
    """Erase people, each given by their profiles; the files are written anew once for all of them."""
    removed = [_remove(installation, profiles) for profiles in people]
    if removed:
        _clean_free_space(installation)
    for report, names in removed:
        with installation.store.reading() as tx:
            report.remaining = remaining_rows(tx, report.profiles)
        values = {value for _, value in names if len(value) >= SHORTEST}
        report.searched = len(values)
        report.traces = traces_in(installation.data_dir, values, but={TOMBSTONES_FILE})
    return [report for report, _ in removed]


def _remove(installation: Installation, profiles: Sequence[int]) -> tuple[ErasureReport, list[Pair]]:
    """(what was removed, the identifiers to search for)."""
    at_us = installation.clock.now_us()
    report = ErasureReport(profiles=list(profiles), at_us=at_us)
    outbox = SqlOutbox(installation.store)
    for profile_id in profiles:
        outbox.write_fence(profile_id, EVERYTHING, at_us=at_us, reason=ERASED)
    key = tombstone_key(installation.settings)
    with installation.store.reading() as tx:
        pairs = _identifiers(tx, profiles)
    # The copy outside the database first: a crash in between erases nothing, but whoever repeats loses nothing.
    append_to_file(installation.data_dir, [mark_of(key, pair) for pair in pairs], at_us=at_us)
    names = Names(pairs)
    with installation.store.transaction("erase") as tx:
        _lock(tx, profiles)
        fence(tx, profiles, reason=ERASED, at_us=at_us)
        write_tombstones(tx, key, pairs, at_us=at_us)
        report.removed = remove_rows(tx, profiles)
        report.removed["quarantined_events"] = _from_quarantine(tx, names, profiles)
        report.removed["saved_filters"] = _from_filters(tx, pairs)
        if tx.dialect == "postgres":
            report.removed["inbox"] = _from_postgres_inbox(tx, names)
    if not installation.settings.on_postgres:
        report.removed["inbox"] = _from_sqlite_inbox(installation, names)
    return report, pairs


def _identifiers(tx: Session, profiles: Sequence[int]) -> list[Pair]:
    rows = tx.rows_in("SELECT kind, value FROM identifiers WHERE profile_id {keys}", list(profiles))
    return sorted({(row[0], row[1]) for row in rows})


def _lock(tx: Session, profiles: Sequence[int]) -> None:
    """Wait for folds and resolvers that work on these customers, in the order in which they lock (SQLite: the one writer is us)."""
    if tx.dialect != "postgres":
        return
    partitions = sorted({partition_of(profile_id) for profile_id in profiles})
    tx.rows(
        "SELECT partition FROM partitions WHERE partition = ANY(?) ORDER BY partition FOR NO KEY UPDATE", (partitions,)
    )
    tx.rows("SELECT partition FROM clocks WHERE partition = ANY(?) ORDER BY partition FOR UPDATE", (partitions,))


def _from_quarantine(tx: Session, names: Names, profiles: Sequence[int]) -> int:
    """The quarantine holds at most 90 days of what could not be read; people are found in it only by looking."""
    ends = tuple(f"for customer {profile_id}" for profile_id in profiles)
    gone: list[int] = []
    last = 0
    while rows := tx.rows("SELECT id, detail, raw FROM quarantined_events WHERE id > ? ORDER BY id LIMIT 500", (last,)):
        last = rows[-1][0]
        gone.extend(row[0] for row in rows if row[1].endswith(ends) or names.are_in_bytes(bytes(row[2])))
    tx.run_many("DELETE FROM quarantined_events WHERE id = ?", [(one,) for one in gone])
    return len(gone)


def _from_filters(tx: Session, pairs: Sequence[Pair]) -> int:
    """Filters that were saved to find this person by an identifier; there are few, and they find nobody any more."""
    values = [value.casefold() for _, value in pairs if len(value) >= SHORTEST]
    rows = tx.rows("SELECT filter_id, name, condition FROM saved_filters")
    gone = [row[0] for row in rows if any(value in text.casefold() for value in values for text in _texts(row))]
    tx.run_many("DELETE FROM saved_filters WHERE filter_id = ?", [(one,) for one in gone])
    return len(gone)


def _texts(row: Row) -> tuple[str, str]:
    """A filter's name and its condition, as people wrote them."""
    return row[1], json.dumps(json.loads(row[2]), ensure_ascii=False)


def _from_postgres_inbox(tx: Session, names: Names) -> int:
    if not tx.rows("SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'inbox'"):
        return 0
    count = 0
    for position, endpoint, body in tx.rows("SELECT position, endpoint, body FROM inbox FOR UPDATE SKIP LOCKED"):
        left, removed = without(names, endpoint, bytes(body))
        count += removed
        if left is None:
            tx.run("DELETE FROM inbox WHERE position = ?", (position,))
        elif removed:
            tx.run("UPDATE inbox SET body = ? WHERE position = ?", (left, position))
    return count


def _from_sqlite_inbox(installation: Installation, names: Names) -> int:
    """Read and unread requests alike; whoever reads one at this moment drops its events by the tombstones."""
    path = installation.data_dir / INBOX_FILE
    if not path.exists():
        return 0
    count = 0
    with closing(_connect(path)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        exists = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'inbox'").fetchall()
        rows = connection.execute("SELECT position, endpoint, body FROM inbox").fetchall() if exists else []
        for position, endpoint, body in rows:
            left, removed = without(names, endpoint, body)
            count += removed
            if left is None:
                connection.execute("DELETE FROM inbox WHERE position = ?", (position,))
            elif removed:
                connection.execute("UPDATE inbox SET body = ? WHERE position = ?", (left, position))
        connection.execute("COMMIT")
    return count


def _clean_free_space(installation: Installation) -> None:
    """Deleted rows stay readable in the free space of a file until it is written anew."""
    if installation.settings.on_postgres:
        names = [table.name for table in personal_tables() if table.place == "store"]
        with psycopg.connect(installation.settings.database, autocommit=True) as connection:
            for name in (*names, "saved_filters", "inbox"):
                if connection.execute("SELECT to_regclass(%s)", (name,)).fetchone() != (None,):
                    connection.execute(f"VACUUM {name}".encode())  # names come from the registry
        return
    for name in (STORE_FILE, INBOX_FILE):
        path = installation.data_dir / name
        if path.exists():
            with closing(_connect(path)) as connection:
                connection.execute("VACUUM")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _connect(path: Any) -> Any:
    connection = sqlite3.connect(path, isolation_level=None, timeout=60)
    connection.execute("PRAGMA secure_delete = ON")
    return connection
