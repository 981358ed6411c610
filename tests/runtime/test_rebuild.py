"""Everything derived equals what the log says; any flipped byte is found; rebuilding sends nothing."""

from pathlib import Path

import pytest

from kundenkreis.engine import advance as advance_module
from kundenkreis.kernel.zones import DAY, MINUTE
from kundenkreis.runtime.comparing import COMPARED, RebuildReport, shown_apart
from kundenkreis.runtime.folding import StatesMissingError
from kundenkreis.runtime.log import UnreadableRowError
from kundenkreis.runtime.rebuild import rebuild_in_place, second_store, verify
from kundenkreis.runtime.resolver import IdentifiersMissingError
from kundenkreis.runtime.stores.schema import NO_CHECKSUM, TABLES
from tests.runtime.town import Town, live_through

pytestmark = pytest.mark.db

DERIVED = tuple(table.name for table, _ in COMPARED if table.derived)


def _verify(town: Town) -> RebuildReport:
    with second_store(None) as second:
        return verify(town.installation.store, second, zone=town.installation.zone)


def _rebuild(town: Town) -> RebuildReport:
    with second_store(None) as second:
        return rebuild_in_place(town.installation.store, second, zone=town.installation.zone)


def _flipped(value: int | str | bytes) -> int | str | bytes:
    if isinstance(value, int):
        return value ^ 1
    return bytes([*value[:-1], value[-1] ^ 1]) if isinstance(value, bytes) else value[:-1] + chr(ord(value[-1]) ^ 1)


def _count(town: Town, table: str) -> int:
    with town.installation.store.reading() as tx:
        return int(tx.rows(f"SELECT count(*) FROM {table}")[0][0])


def test_equal_after_merges_publishes_refunds_late_rows(town: Town) -> None:
    report = _verify(town)
    assert (report.differences, report.differing) == ([], 0)
    assert _count(town, "merges") >= 2
    assert _count(town, "quarantined_events") == 2
    assert min(report.compared[name] for name in DERIVED if name != "score_entries") > 0
    assert (report.compared["log"], report.without_checksum) == (_count(town, "log"), 0)
    assert report.compared["derived events"] > 0
    assert report.compared["appended events"] > 0


def test_every_table_that_the_fold_derives_is_compared() -> None:
    """Figures are counted out of the others, and counted again whenever they are gone."""
    assert {table.name for table in TABLES if table.derived} == {*DERIVED, "figures"}


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("states", "state"),
        ("states", "wake_us"),
        ("states", "control_to"),
        ("memberships", "until_us"),
        ("memberships", "reason"),
        ("run_entries", "outcome"),
        ("verdicts", "reasons"),
        ("orders", "total_minor"),
        ("orders", "lines"),
        ("identifiers", "profile_id"),
    ],
)
def test_one_flipped_byte_is_reported(tmp_path: Path, table: str, column: str) -> None:
    town = Town(tmp_path / "town")
    live_through(town)
    store = town.installation.store
    key = next(one for one in TABLES if one.name == table).primary_key
    with store.transaction() as tx:
        *found, value = tx.rows(f"SELECT {', '.join(key)}, {column} FROM {table} LIMIT 1")[0]
        flipped = _flipped(value)
        where = " AND ".join(f"{name} = ?" for name in key)
        assert tx.run(f"UPDATE {table} SET {column} = ? WHERE {where}", (flipped, *found)) == 1
    report = _verify(town)
    town.close()
    assert report.differing >= 1
    assert table in {one.table for one in report.differences}


def test_a_difference_is_shown_where_it_is() -> None:
    long = bytes(200)
    assert shown_apart(long + b"\x01\x02", long + b"\x01\x03") == (f"...{'00' * 11}0102", f"...{'00' * 11}0103")
    assert shown_apart(b"\x01", b"\x02") == ("01", "02")


def test_an_unreadable_row_without_a_checksum_is_named(tmp_path: Path) -> None:
    """With one it is reported (test_log_checks.py)."""
    town = Town(tmp_path / "town")
    live_through(town)
    with town.installation.store.transaction() as tx:
        number = int(tx.rows("SELECT min(number) FROM log WHERE type = 'track'")[0][0])
        tx.run("UPDATE log SET body = ?, checksum = ? WHERE number = ?", (b"{", NO_CHECKSUM, number))
    with pytest.raises(UnreadableRowError, match=f"Row {number} of the log cannot be read"):
        _verify(town)
    town.close()


def test_a_lost_row_is_reported(town: Town) -> None:
    with town.installation.store.transaction() as tx:
        tx.run("DELETE FROM verdicts WHERE sequence = 0 AND effect_id = (SELECT min(effect_id) FROM verdicts)"
               if tx.dialect == "sqlite" else
               "DELETE FROM verdicts WHERE (effect_id, sequence) = (SELECT effect_id, sequence FROM verdicts LIMIT 1)")  # fmt: skip
    report = _verify(town)
    assert [(one.table, one.stored, one.rebuilt) for one in report.differences] == [("verdicts", "missing", "there")]


def test_dropped_tables_come_back_and_nothing_is_sent(town: Town) -> None:
    outbox, rows, relays = (_count(town, name) for name in ("outbox", "log", "internal_inbox"))
    with town.installation.store.transaction() as tx:
        for name in DERIVED:
            tx.run(f"DELETE FROM {name}")
    _rebuild(town)
    assert (_count(town, "outbox"), _count(town, "log"), _count(town, "internal_inbox")) == (outbox, rows, relays)
    assert _verify(town).differing == 0
    town.pass_time(30 * DAY)
    assert _verify(town).differing == 0


def test_nothing_is_decided_while_tables_are_lost(town: Town) -> None:
    """Events that come in between the loss and the rebuild wait in the inbox; then each is folded once."""
    outbox, rows = _count(town, "outbox"), _count(town, "log")
    with town.installation.store.transaction() as tx:
        for name in DERIVED:
            tx.run(f"DELETE FROM {name}")
    town.clock.advance_to(town.clock.now_us() + DAY)
    town.order("u1", "while-lost", 10.0)
    town.order("nobody-knew", "while-lost-too", 10.0)
    worker = town.installation.open_worker("another")
    with pytest.raises((StatesMissingError, IdentifiersMissingError)):
        worker.step()
    assert (_count(town, "outbox"), _count(town, "log")) == (outbox, rows)
    _rebuild(town)
    town.pass_time(MINUTE)  # the other worker's leases end
    found = _verify(town)
    assert (found.differences, found.differing) == ([], 0)
    with town.installation.store.reading() as tx:
        owner = tx.rows("SELECT profile_id FROM identifiers WHERE kind = 'user_id' AND value = 'u1'")
        assert tx.rows("SELECT profile_id FROM orders WHERE order_id = 'while-lost'") == owner


def test_overdue_timers_are_no_difference_and_fire_later(town: Town) -> None:
    outbox = _count(town, "outbox")
    town.clock.advance_to(town.clock.now_us() + 60 * DAY)
    with (
        town.installation.store.transaction() as tx
    ):  # a worker that moved the clock and died before the customers' timers
        tx.run("UPDATE clocks SET clock_us = ?", (town.clock.now_us(),))
    report = _verify(town)
    assert report.overdue > 0
    assert report.differing == 0
    with town.installation.store.transaction() as tx:
        for name in DERIVED:
            tx.run(f"DELETE FROM {name}")
    _rebuild(town)
    assert _count(town, "outbox") == outbox
    town.run()
    assert _verify(town).differing == 0


def test_rows_that_come_in_during_the_rebuild_are_in_it(tmp_path: Path) -> None:
    town = Town(tmp_path / "town")
    live_through(town)
    with second_store(None) as second:

        def meanwhile(done: int, total: int) -> None:
            town.order("u1", f"during-{done}", 10.0)
            town.send("identify", userId=f"new-{done}", traits={"email": f"new{done}@example.com"})
            town.pass_time(DAY)

        report = rebuild_in_place(town.installation.store, second, zone=town.installation.zone, progress=meanwhile)
    assert report.differing == 0
    assert _verify(town).differing == 0
    town.close()


def test_a_quarantined_customer_is_compared_where_its_fold_stopped(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    with town.installation.store.reading() as tx:
        poisoned = tx.rows("SELECT profile_id FROM identifiers WHERE value = 'u8'")[0][0]
    real = advance_module.apply_commerce

    def raise_for_one(turn: advance_module.Turn) -> None:
        if turn.state.profile_id == poisoned and turn.row is not None and turn.row.name == "Order Completed":
            raise ValueError("a rule that cannot stand this customer")
        real(turn)

    with monkeypatch.context() as patch:
        patch.setattr(advance_module, "apply_commerce", raise_for_one)
        town.order("u8", "poison", 1.0)
        town.run()
        town.order("u8", "after", 2.0)
        town.pass_time(DAY)
    assert _count(town, "quarantined_customers") == 1
    report = _verify(town)
    assert (report.quarantined, report.differing) == (1, 0)
    with town.installation.store.transaction() as tx:
        tx.run("UPDATE quarantined_customers SET code = 'released'")
    town.run()
    assert _count(town, "quarantined_customers") == 0
    assert _verify(town).differing == 0
    with town.installation.store.reading() as tx:
        found = tx.rows(
            "SELECT order_id FROM orders WHERE profile_id = ? AND order_id IN ('poison', 'after')", (poisoned,)
        )
    assert sorted(row[0] for row in found) == ["after", "poison"]
