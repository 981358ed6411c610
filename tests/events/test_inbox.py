"""The inbox: one contract for all stores, and what each store promises beyond it."""

import multiprocessing
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psycopg
import pysqlite3 as sqlite3
import pytest

from kundenkreis.events import inbox as inbox_module
from kundenkreis.events.core.inbox_item import InboxItem
from kundenkreis.events.errors import InboxDamagedError, InboxUnavailableError
from kundenkreis.events.inbox import Inbox, Point, PostgresInbox, SqliteInbox, no_point
from kundenkreis.events.testing import MemoryInbox

pytestmark = pytest.mark.db

MUCH = {"most_items": 10_000, "most_bytes": 10**9}
Numbered = list[tuple[int, InboxItem]]


def items(count: int, *, first: int = 0, size: int = 10) -> list[InboxItem]:
    """Requests that differ in everything."""
    return [
        InboxItem(1_795_255_200_000_000 + i, f"source {i % 3} ä", i % 2 == 0, "batch" if i % 5 else "track", bytes([i % 251]) * size)
        for i in range(first, first + count)
    ]  # fmt: skip


class Store:
    """One kind of inbox: how to open it, and how the resolver gets everything out of it."""

    def __init__(self, open_: Callable[[Point], Inbox], drain: Callable[[], Numbered]) -> None:
        self.open = open_
        self.drain = drain


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Each store in turn, empty."""
    if request.param == "memory":
        inbox = MemoryInbox()

        def opened(point: Point) -> Inbox:
            inbox._point = point
            return inbox

        yield Store(opened, lambda: inbox.read(0, **MUCH))
    elif request.param == "sqlite":
        path = tmp_path / "inbox.db"
        reader = SqliteInbox(path)
        yield Store(lambda point: SqliteInbox(path, point=point), lambda: reader.read(0, **MUCH))
        reader.close()
    else:
        dsn: str = request.getfixturevalue("postgres_database")
        with psycopg.connect(dsn) as connection:
            PostgresInbox.create(connection)

        def take() -> Numbered:
            with psycopg.connect(dsn) as connection, connection.cursor() as cursor:
                found = PostgresInbox.take(cursor, **MUCH)
                connection.rollback()
                return found

        yield Store(lambda point: PostgresInbox(dsn, point=point), take)


def test_whatever_is_appended_later_has_a_higher_position(store: Store) -> None:
    inbox = store.open(no_point)
    assert inbox.last_position() == 0
    inbox.append(items(3))
    before = inbox.last_position()
    inbox.append(items(2, first=3))
    positions = [position for position, _ in store.drain()]
    assert [position > before for position in positions] == [False] * 3 + [True] * 2
    assert inbox.last_position() == positions[-1]
    inbox.close()


def test_what_was_appended_comes_out_in_order(store: Store) -> None:
    inbox = store.open(no_point)
    inbox.append(items(3))
    inbox.append(items(2, first=3))
    found = store.drain()
    assert [item for _, item in found] == items(5)
    positions = [position for position, _ in found]
    assert positions == sorted(set(positions))
    assert inbox.backlog() == 5
    inbox.close()


def test_closed_inbox_keeps_everything_and_opens_again(store: Store) -> None:
    inbox = store.open(no_point)
    inbox.append(items(3))
    inbox.close()
    inbox.append(items(1, first=3))
    inbox.close()
    inbox.close()
    assert [item for _, item in store.drain()] == items(4)


def test_bodies_of_any_bytes_and_size_survive(store: Store) -> None:
    inbox = store.open(no_point)
    bodies = [b"", bytes(range(256)), b"\x00", "ü€😀".encode(), b"x" * 512_000]
    inbox.append([InboxItem(1, "s", False, "track", body) for body in bodies])
    inbox.close()
    assert [item.body for _, item in store.drain()] == bodies


def test_nothing_is_kept_of_an_append_that_stops_before_its_commit(store: Store) -> None:
    class Stopped(Exception):
        pass

    def stop(name: str) -> None:
        if name == "inbox.before_commit":
            raise Stopped

    broken = store.open(stop)
    with pytest.raises(Stopped):
        broken.append(items(3))
    whole = store.open(no_point)
    whole.append(items(2))
    assert [item for _, item in store.drain()] == items(2)
    broken.close()
    whole.close()


def test_commit_has_a_point_before_and_after(store: Store) -> None:
    passed: list[str] = []
    inbox = store.open(passed.append)
    inbox.append(items(1))
    passed.clear()  # the first one may also have made the table
    inbox.append(items(1, first=1))
    inbox.close()
    assert passed == ["inbox.before_commit", "inbox.after_commit"]


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_reading_stops_at_items_and_bytes_but_never_at_nothing(kind: str, tmp_path: Path) -> None:
    inbox = MemoryInbox() if kind == "memory" else SqliteInbox(tmp_path / "inbox.db")
    inbox.append([*items(3, size=100), *items(1, first=3, size=1000), *items(2, first=4, size=100)])

    def positions(after: int, most_items: int, most_bytes: int) -> list[int]:
        return [position for position, _ in inbox.read(after, most_items=most_items, most_bytes=most_bytes)]

    assert positions(0, 10, 10**6) == [1, 2, 3, 4, 5, 6]
    assert positions(2, 2, 10**6) == [3, 4]
    assert positions(0, 10, 250) == [1, 2]
    assert positions(0, 10, 1) == [1]
    assert positions(3, 10, 10) == [4]
    assert positions(6, 10, 10) == []
    inbox.close()


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_pruned_positions_are_never_given_again(kind: str, tmp_path: Path) -> None:
    inbox = MemoryInbox() if kind == "memory" else SqliteInbox(tmp_path / "inbox.db")
    assert inbox.last_position() == 0
    inbox.append(items(5))
    assert (inbox.last_position(), inbox.backlog(), inbox.backlog(3)) == (5, 5, 2)
    assert (inbox.prune(3), inbox.backlog(), inbox.last_position()) == (3, 2, 5)
    assert (inbox.prune(5), inbox.backlog(), inbox.last_position()) == (2, 0, 5)
    inbox.close()
    again = inbox if kind == "memory" else SqliteInbox(tmp_path / "inbox.db")
    again.append(items(1))
    assert [position for position, _ in again.read(0, **MUCH)] == [6]
    again.close()


def test_sqlite_prunes_in_small_transactions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox_module, "PRUNED_AT_ONCE", 3)
    passed: list[str] = []
    inbox = SqliteInbox(tmp_path / "inbox.db", point=passed.append)
    inbox.append(items(10))
    passed.clear()
    assert (inbox.prune(8), inbox.backlog(), inbox.backlog(9), inbox.backlog(10), inbox.backlog(99)) == (8, 2, 1, 0, 0)
    assert passed == ["inbox.prune.before_commit", "inbox.prune.after_commit"] * 4
    assert [position for position, _ in inbox.read(0, **MUCH)] == [9, 10]
    inbox.close()


def test_sqlite_is_opened_so_that_power_loss_takes_nothing(tmp_path: Path) -> None:
    inbox = SqliteInbox(tmp_path / "inbox.db")
    inbox.append(items(1))
    inbox.prune(1)  # does without, and says so to nobody else
    settings = [inbox._open().execute(f"pragma {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
    assert settings == ["wal", 2]  # 2 = FULL: each commit is synced
    inbox.close()


def test_sqlite_full_disk_refuses_that_append_and_the_next_one_works(tmp_path: Path) -> None:
    inbox = SqliteInbox(tmp_path / "inbox.db")
    inbox.append(items(1))
    inbox._open().execute("pragma max_page_count = 20")
    with pytest.raises(InboxUnavailableError) as caught:
        inbox.append(items(5, first=1, size=100_000))
    assert caught.value.data == {"reason": "database or disk is full"}
    inbox.append(items(2, first=1))  # a fresh connection: the limit is gone, as space would be back
    assert [item for _, item in inbox.read(0, **MUCH)] == items(3)
    inbox.close()


def test_sqlite_locked_for_too_long_is_unavailable_not_lost(tmp_path: Path) -> None:
    inbox = SqliteInbox(tmp_path / "inbox.db", busy_seconds=0.05)
    inbox.append(items(1))
    other = sqlite3.connect(tmp_path / "inbox.db", isolation_level=None)
    other.execute("begin immediate")
    with pytest.raises(InboxUnavailableError):
        inbox.append(items(1, first=1))
    other.execute("rollback")
    other.close()
    inbox.append(items(1, first=1))
    assert [item for _, item in inbox.read(0, **MUCH)] == items(2)
    inbox.close()


def _append_many(path: Path, first: int) -> None:
    inbox = SqliteInbox(path)
    for i in range(20):
        inbox.append(items(5, first=first + i * 5))
    inbox.close()


def test_sqlite_two_writing_processes_and_a_reader_behind_a_position(tmp_path: Path) -> None:
    path = tmp_path / "inbox.db"
    reader, seen = SqliteInbox(path), Numbered()
    reader.append(items(1, first=999))
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_append_many, args=(path, first)) for first in (0, 100)]
    for writer in writers:
        writer.start()
    while len(seen) < 201:
        seen += reader.read(seen[-1][0] if seen else 0, most_items=7, most_bytes=10**6)
    for writer in writers:
        writer.join()
    assert [position for position, _ in seen] == list(range(1, 202))
    assert sorted(item.received_us for _, item in seen[1:]) == [item.received_us for item in items(200)]
    reader.close()


def test_sqlite_reader_does_not_hold_the_log_of_the_writer(tmp_path: Path) -> None:
    """A cursor left open would pin its snapshot, and the WAL file would grow for as long as the resolver lives."""
    writer, reader = SqliteInbox(tmp_path / "inbox.db"), SqliteInbox(tmp_path / "inbox.db")
    writer.append(items(10, size=1000))
    assert len(reader.read(0, most_items=10, most_bytes=1)) == 1
    assert writer._open().execute("pragma wal_checkpoint(truncate)").fetchone() == (0, 0, 0)
    writer.close()
    reader.close()


# --- PostgreSQL ---


@pytest.fixture
def postgres(postgres_database: str) -> Iterator[tuple[str, PostgresInbox]]:
    """An empty inbox in PostgreSQL, with its dsn."""
    inbox = PostgresInbox(postgres_database)
    inbox.append([])
    yield postgres_database, inbox
    inbox.close()


def _positions(taken: Sequence[tuple[int, InboxItem]]) -> list[int]:
    return [position for position, _ in taken]


def test_postgres_taking_is_part_of_the_callers_transaction(postgres: tuple[str, PostgresInbox]) -> None:
    dsn, inbox = postgres
    inbox.append(items(4))
    with psycopg.connect(dsn) as connection, connection.cursor() as cursor:
        taken = PostgresInbox.take(cursor, most_items=3, most_bytes=10**6)
        assert [item for _, item in taken] == items(3)
        connection.rollback()
        assert PostgresInbox.take(cursor, most_items=3, most_bytes=10**6) == taken
        connection.commit()
        assert [item for _, item in PostgresInbox.take(cursor, **MUCH)] == items(1, first=3)
        assert PostgresInbox.take(cursor, **MUCH) == []
        connection.commit()
    assert inbox.backlog() == 0


def test_postgres_taking_stops_at_bytes_but_never_at_nothing(postgres: tuple[str, PostgresInbox]) -> None:
    dsn, inbox = postgres
    inbox.append([*items(3, size=100), *items(1, first=3, size=1000)])
    with psycopg.connect(dsn) as connection, connection.cursor() as cursor:
        sizes = []
        while taken := PostgresInbox.take(cursor, most_items=10, most_bytes=150):
            sizes.append([len(item.body) for _, item in taken])
    assert sizes == [[100, 100], [100, 1000]]


def test_postgres_two_resolvers_pass_over_each_other(postgres: tuple[str, PostgresInbox]) -> None:
    dsn, inbox = postgres
    inbox.append(items(6))
    with psycopg.connect(dsn) as first, psycopg.connect(dsn) as second:
        a = PostgresInbox.take(first.cursor(), most_items=2, most_bytes=10**6)
        b = PostgresInbox.take(second.cursor(), most_items=2, most_bytes=10**6)
        first.rollback()
        c = PostgresInbox.take(second.cursor(), most_items=10, most_bytes=10**6)
        second.commit()
    assert _positions(c) == sorted({*_positions(a), *_positions(c)})
    assert not {*_positions(a)} & {*_positions(b)}
    assert len(a) + len(b) == 4
    assert len(b) + len(c) == 6
    assert inbox.backlog() == 0


def test_postgres_row_that_commits_late_is_not_passed_over(postgres: tuple[str, PostgresInbox]) -> None:
    """The reason why no position is kept here: the sequence gives numbers before the commit."""
    dsn, inbox = postgres
    held, go = threading.Event(), threading.Event()

    def hold(name: str) -> None:
        if name == "inbox.before_commit":
            held.set()
            go.wait(10)

    slow = PostgresInbox(dsn, point=hold)
    thread = threading.Thread(target=lambda: slow.append(items(1)))
    thread.start()
    held.wait(10)
    inbox.append(items(1, first=1))
    with psycopg.connect(dsn) as connection:
        later = PostgresInbox.take(connection.cursor(), **MUCH)
    go.set()
    thread.join()
    with psycopg.connect(dsn) as connection:
        earlier = PostgresInbox.take(connection.cursor(), **MUCH)
    slow.close()
    assert ([item for _, item in later], [item for _, item in earlier]) == (items(1, first=1), items(1))
    assert _positions(earlier) < _positions(later)


def test_postgres_lost_connection_refuses_that_append_and_the_next_one_works(
    postgres: tuple[str, PostgresInbox], postgres_dsn: str
) -> None:
    dsn, inbox = postgres
    inbox.append(items(1))
    with psycopg.connect(dsn, autocommit=True) as other:
        other.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
    with pytest.raises(InboxUnavailableError):
        inbox.append(items(1, first=1))
    inbox.append(items(1, first=1))
    with psycopg.connect(dsn) as connection:
        assert [item for _, item in PostgresInbox.take(connection.cursor(), **MUCH)] == items(2)


def test_postgres_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    inbox = PostgresInbox(f"postgresql://kreis@/none?host={tmp_path}")
    with pytest.raises(InboxUnavailableError):
        inbox.append(items(1))
    inbox.close()


# Requests that may forbid something -----------------------------------------------------------------------------------

WITHDRAWN = b'{"event":"Consent Withdrawn","userId":"u"}'


def withdrawal(*, public: bool = False) -> InboxItem:
    """Somebody takes back a consent."""
    return InboxItem(1_795_255_200_000_000, "shop", public, "track", WITHDRAWN)


def test_sqlite_knows_what_may_forbid_and_finds_it_behind_a_position(tmp_path: Path) -> None:
    inbox = SqliteInbox(tmp_path / "inbox.db")
    inbox.append([*items(2), withdrawal(), withdrawal(public=True), withdrawal()])
    assert [inbox.forbidding(after) for after in (0, 3, 5)] == [[3, 5], [5], []]
    assert inbox.bodies([3, 99]) == [(3, "track", WITHDRAWN)]
    inbox.close()


def test_sqlite_inbox_from_before_takes_what_may_forbid(tmp_path: Path) -> None:
    path = tmp_path / "inbox.db"
    table = inbox_module._SQLITE_TABLE.replace(",\n    forbids integer not null default 0", "")
    with sqlite3.connect(path, isolation_level=None) as old:
        old.execute(table)
        old.execute("insert into inbox values (1, 2, 'shop', 0, 'track', x'7b7d')")
    old.close()
    inbox = SqliteInbox(path)
    inbox.append([withdrawal()])
    assert (inbox.backlog(), inbox.forbidding(0)) == (2, [2])
    inbox.close()


def test_postgres_inbox_from_before_takes_what_may_forbid(postgres_database: str) -> None:
    table = inbox_module._POSTGRES_TABLE.replace(",\n    forbids boolean not null default false", "")
    with psycopg.connect(postgres_database) as connection:
        connection.execute(table)
        connection.execute(
            "insert into inbox (received_us, source, public, endpoint, body) values (2, 'shop', false, 'track', '{}')"
        )
    inbox = PostgresInbox(postgres_database)
    inbox.append([withdrawal(), withdrawal(public=True)])
    inbox.close()
    with psycopg.connect(postgres_database) as connection:
        assert connection.execute("select position from inbox where forbids").fetchall() == [(2,)]
        assert len(PostgresInbox.take(connection.cursor(), most_items=10, most_bytes=10**9)) == 3


@pytest.mark.parametrize("act", [
    lambda inbox: inbox.append(items(1)), lambda inbox: inbox.read(0, **MUCH), lambda inbox: inbox.last_position(),
])  # fmt: skip
def test_a_file_that_is_no_inbox_is_named_with_what_to_do(tmp_path: Path, act: Callable[[SqliteInbox], object]) -> None:
    """Nothing is written over what may be saved; moved away, a new one begins."""
    path = tmp_path / "inbox.db"
    path.write_bytes(b"no database at all" * 1_000)
    inbox = SqliteInbox(path)
    with pytest.raises(InboxDamagedError, match=r"inbox\.db is damaged \(file is not a database\).*move it away"):
        act(inbox)
    assert path.read_bytes() == b"no database at all" * 1_000
    path.rename(tmp_path / "kept.db")
    act(inbox)
    inbox.close()


def test_damage_in_the_middle_is_named_when_it_is_met(tmp_path: Path) -> None:
    path = tmp_path / "inbox.db"
    written = SqliteInbox(path)
    written.append(items(2_000, size=500))
    written.close()
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"\xff" * 40_000)
    inbox = SqliteInbox(path)
    with pytest.raises(InboxDamagedError):
        inbox.read(0, **MUCH)
    inbox.close()
