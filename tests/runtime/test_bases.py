"""After an upgrade of the fold, what the older version decided stands as it was, and everything after it can still be proved."""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from kundenkreis.customers.core.state import FOLD_VERSION, decode_state, encode_state
from kundenkreis.customers.core.upgrades import UPGRADERS, PlainState, StoreTooNewError, version_of
from kundenkreis.kernel.zones import DAY, MINUTE
from kundenkreis.runtime import log
from kundenkreis.runtime.comparing import COMPARED, RebuildReport
from kundenkreis.runtime.explain import Explainer
from kundenkreis.runtime.folding import Folder
from kundenkreis.runtime.past import load_past, read_controls
from kundenkreis.runtime.rebuild import rebuild_in_place, second_store, verify
from kundenkreis.runtime.stores.schema import TABLES
from kundenkreis.runtime.stores.session import Row, Session
from tests.runtime.town import Town, live_through

pytestmark = pytest.mark.db

DERIVED = tuple(table.name for table, _ in COMPARED if table.derived)
OLD = FOLD_VERSION - 1


def split_steps(plain: PlainState) -> PlainState:
    """The version before kept day and steps of today as one number."""
    return [*plain[:-1], list(divmod(plain[-1], 1000))]


def aged(data: bytes) -> bytes:
    """A state as the version before kept it. It counted the first sight one microsecond earlier."""
    plain = msgspec.msgpack.decode(data)
    plain[3] -= 1
    plain[5] = OLD
    plain[-1] = plain[-1][0] * 1000 + plain[-1][1]
    return msgspec.msgpack.encode(plain)


@pytest.fixture(params=["sqlite", "postgres"])
def town(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    """A town that the version before has folded so far."""
    monkeypatch.setitem(UPGRADERS, OLD, split_steps)
    database = request.getfixturevalue("postgres_database") if request.param == "postgres" else ""
    town = Town(tmp_path / "town", database)
    live_through(town)
    for order_id in ("first", "second"):
        properties = {"order_id": order_id, "total": 20.0, "currency": "EUR", "products": []}
        town.send("track", anonymousId="shopper", event="Order Completed", properties=properties)
    town.run()
    town.send("identify", userId="u10", anonymousId="shopper")
    town.run()
    town.order("u10", "first", 20.0, name="Order Refunded")
    town.send("track", anonymousId="fresh", event="Product Viewed", properties={"product_id": "p1"})
    town.run()
    with town.installation.store.transaction() as tx:
        make_older(tx)
    yield town
    town.close()


def make_older(tx: Session) -> None:
    """Everything decided by an older version: other bytes of the states, other words in what was recorded."""
    states = tx.rows("SELECT profile_id, state FROM states")
    tx.run_many("UPDATE states SET state = ? WHERE profile_id = ?", [(aged(bytes(data)), one) for one, data in states])
    for number, body in tx.rows("SELECT number, body FROM log WHERE name = 'State Surrendered'"):
        told = json.loads(bytes(body))
        told["properties"]["state"] = b64encode(aged(b64decode(told["properties"]["state"]))).decode()
        tx.run("UPDATE log SET body = ? WHERE number = ?", (json.dumps(told).encode(), number))
    seal(tx)
    tx.run("UPDATE memberships SET reason = ?", ('["in the words of old"]',))
    tx.run("UPDATE verdicts SET reasons = ?", ('[["an_old_rule",true]]',))
    tx.run("UPDATE run_entries SET reason = ?", ('["old path"]',))
    tx.run("UPDATE orders SET channel = 'old channel'")
    tx.run("UPDATE score_entries SET rule_id = 'old rule'")
    tx.run("UPDATE meta SET value = ? WHERE name = 'fold_version'", (str(OLD),))


def seal(tx: Session) -> None:
    """As if the rows of the log had been written as they are now."""
    *columns, _ = log.COLUMN_NAMES
    for row in tx.rows(f"SELECT {', '.join(columns)} FROM log"):
        tx.run("UPDATE log SET checksum = ? WHERE number = ?", (log.checksum_of(row), row[0]))


def upgrade(town: Town) -> None:
    """The program of today takes over."""
    if town.settings.on_postgres:
        town.worker.release()
    town.worker = town.installation.open_worker("another")
    town.run()
    town.pass_time(MINUTE)  # the other worker's share of the partitions ends


def check(town: Town) -> RebuildReport:
    """Rebuild into an empty second store."""
    with second_store(None) as second:
        return verify(town.installation.store, second, zone=town.installation.zone)


def rows(town: Town, sql: str) -> list[Row]:
    """Rows of the store."""
    with town.installation.store.reading() as tx:
        return tx.rows(sql)


def everything(town: Town, table: str) -> list[Row]:
    """All rows of a table in the order of their keys."""
    key = next(one for one in TABLES if one.name == table).primary_key
    return rows(town, f"SELECT * FROM {table} ORDER BY {', '.join(key)}")


def live_on(town: Town) -> None:
    """Two publishes, a merge, a refund of an order from before the upgrade."""
    documents = town.documents()
    bought = {"event": {"name": "Order Completed", "within_days": 400}}
    for name in ("buyers", "shoppers"):
        documents = [*documents, {"kind": "segment", "id": name, "name": {"de": name, "en": name}, "when": bought}]
        town.publish(documents)
        town.pass_time(DAY)
    town.send("identify", userId="u9", anonymousId="fresh", traits={"email": "u9@example.com"})
    town.order("u5", "o5", 25.5, name="Order Refunded")
    town.order("u10", "second", 20.0, name="Order Refunded")
    for number in range(12):
        town.order(f"u{number}", f"new-{number}", 30.0 + number)
        town.pass_time(3 * DAY)


def test_everybody_is_carried_over_once(town: Town) -> None:
    states = rows(town, "SELECT profile_id FROM states ORDER BY 1")
    upgrade(town)
    assert {version_of(bytes(row[0])) for row in rows(town, "SELECT state FROM states")} == {FOLD_VERSION}
    assert rows(town, "SELECT profile_id FROM log WHERE type = 'state' ORDER BY 1") == states
    town.worker = town.installation.open_worker("another")
    town.pass_time(DAY)
    assert rows(town, "SELECT count(*) FROM log WHERE type = 'state'") == [(len(states),)]
    assert rows(town, "SELECT count(*) FROM log WHERE name = 'Fold Upgraded'") == [(256,)]


def test_a_rebuild_is_equal_after_two_publishes_a_merge_and_a_state_upgrade(town: Town) -> None:
    upgrade(town)
    report = check(town)
    assert (report.differences, report.compared["bases"]) == ([], report.customers)
    merges = rows(town, "SELECT count(*) FROM merges")[0][0]
    live_on(town)
    report = check(town)
    assert (report.differences, report.differing, report.not_carried_over) == ([], 0, 0)
    assert rows(town, "SELECT count(*) FROM merges") == [(merges + 1,)]
    with town.installation.store.reading() as tx:
        people = [row[0] for row in tx.rows("SELECT profile_id FROM states ORDER BY 1")]
        past = load_past(tx, town.installation.rulebooks, read_controls(tx), people, from_scratch=True)
        stored = {row[0]: decode_state(bytes(row[1])) for row in tx.rows("SELECT profile_id, state FROM states")}
    anew = past.fold(people[0])
    assert anew is not None
    assert stored[people[0]].first_seen_us == anew.state.first_seen_us - 1  # what is decided anew comes out otherwise


def test_dropped_tables_come_back_from_the_bases_and_nothing_is_sent(town: Town) -> None:
    upgrade(town)
    live_on(town)
    kept = {name: everything(town, name) for name in (*DERIVED, "outbox", "log")}
    with town.installation.store.transaction() as tx:
        for name in DERIVED:
            tx.run(f"DELETE FROM {name}")
    with second_store(None) as second:
        rebuild_in_place(town.installation.store, second, zone=town.installation.zone)
    for name, before in kept.items():
        assert everything(town, name) == before, name
    assert ('["in the words of old"]',) in rows(town, "SELECT reason FROM memberships")
    town.pass_time(30 * DAY)
    assert check(town).differences == []


def test_an_upgrade_during_a_rebuild_in_place_is_in_it(town: Town) -> None:
    begun = []

    def meanwhile(done: int, total: int) -> None:
        if not begun:
            begun.append(done)
            upgrade(town)
            town.order("u1", "during", 10.0)
            town.pass_time(DAY)

    with second_store(None) as second:
        report = rebuild_in_place(town.installation.store, second, zone=town.installation.zone, progress=meanwhile)
    assert (report.differences, begun != []) == ([], True)
    assert check(town).differences == []


def test_a_rebuild_in_place_leaves_alone_whoever_is_not_carried_over(town: Town) -> None:
    before = {table: everything(town, table) for table in DERIVED}
    with town.installation.store.transaction() as tx:
        tx.run("DELETE FROM identifiers WHERE kind = 'email'")
    with second_store(None) as second:
        report = rebuild_in_place(town.installation.store, second, zone=town.installation.zone)
    assert report.not_carried_over == len(before["states"])
    assert {table: everything(town, table) for table in DERIVED} == before
    upgrade(town)
    live_on(town)
    assert check(town).differences == []


@pytest.mark.parametrize(
    ("change", "table"),
    [
        ("UPDATE memberships SET from_us = from_us + 1 WHERE reason = '[\"in the words of old\"]'", "memberships"),
        ("UPDATE verdicts SET basis = 'none' WHERE reasons = '[[\"an_old_rule\",true]]'", "verdicts"),
        ("UPDATE orders SET total_minor = total_minor + 1 WHERE channel = 'old channel'", "orders"),
        ("UPDATE log SET name = 'Segment Lost' WHERE name = 'Segment Entered'", "log"),
        ("DELETE FROM run_entries WHERE reason = '[\"old path\"]'", "run_entries"),
    ],
)
def test_what_changed_before_the_base_is_reported(town: Town, change: str, table: str) -> None:
    upgrade(town)
    with town.installation.store.transaction() as tx:
        assert tx.run(change) > 0
        seal(tx)
    assert {one.table for one in check(town).differences} == {table}


def test_while_the_upgrade_is_under_way_the_rest_is_compared(town: Town) -> None:
    upgrade(town)
    with town.installation.store.transaction() as tx:
        profile_id, data = tx.rows("SELECT profile_id, state FROM states ORDER BY 1 LIMIT 1")[0]
        tx.run("UPDATE states SET state = ? WHERE profile_id = ?", (aged(bytes(data)), profile_id))
    report = check(town)
    assert (report.differences, report.not_carried_over) == ([], 1)


def test_before_the_upgrade_nobody_is_compared(town: Town) -> None:
    report = check(town)
    assert (report.differences, report.not_carried_over) == ([], len(rows(town, "SELECT 1 FROM states")))


def test_answers_about_the_past_go_through_the_base(town: Town) -> None:
    upgrade(town)
    live_on(town)
    answer = Explainer(town.installation, "u1").ask("phase")
    stored = rows(
        town,
        "SELECT m.definition_id, m.reason FROM memberships m JOIN identifiers i ON i.profile_id = m.profile_id "
        "WHERE m.kind = 'phase' AND i.value = 'u1' ORDER BY m.from_us, m.definition_id",
    )
    assert stored[0][1] == '["in the words of old"]'
    entered = [(one["at"], one["id"]) for one in answer["history"] if one["entered"] and one["kind"] == "phase"]
    assert [phase for _, phase in sorted(entered)] == [row[0] for row in stored]
    base = rows(town, "SELECT min(number) FROM log WHERE type = 'state'")[0][0]
    then = Explainer(town.installation, "u1", at="2026-01-02T00:00:00Z")
    assert then.folded is not None
    assert then.folded.state.folded_to < base
    assert then.ask("phase")["answer"] == stored[0][0]


def test_what_the_winner_gave_back_is_given_back_once(town: Town) -> None:
    last = rows(town, "SELECT max(number) FROM log")[0][0]
    before = Explainer(town.installation, "u10", at=str(last)).folded
    upgrade(town)
    after = Explainer(town.installation, "u10", at=str(last)).folded
    assert before is not None
    assert after is not None
    assert after.state.commerce == before.state.commerce
    live_on(town)
    now = Explainer(town.installation, "u10").folded
    assert now is not None
    assert now.state.commerce.refunded["EUR"] == before.state.commerce.refunded["EUR"] + 2000
    assert rows(town, "SELECT refunded_minor FROM orders WHERE order_id IN ('first', 'second')") == [(2000,), (2000,)]


def test_an_older_program_stops_before_a_newer_store(town: Town) -> None:
    with town.installation.store.transaction() as tx:
        tx.run("UPDATE meta SET value = ? WHERE name = 'fold_version'", (str(FOLD_VERSION + 1),))
    with pytest.raises(StoreTooNewError):
        town.installation.open_worker("another")
    profile_id, data = rows(town, "SELECT profile_id, state FROM states ORDER BY 1 LIMIT 1")[0]
    newer = encode_state(msgspec.structs.replace(decode_state(bytes(data)), fold_version=FOLD_VERSION + 1))
    with town.installation.store.transaction() as tx:
        tx.run("UPDATE states SET wake_us = 0, state = ? WHERE profile_id = ?", (newer, profile_id))
        folder = Folder(town.installation.rulebooks)
        folder.refresh(tx)
        with pytest.raises(StoreTooNewError):
            folder.fold(tx, [], [profile_id], until_us=town.clock.now_us())
    assert rows(town, "SELECT count(*) FROM quarantined_customers") == [(0,)]
