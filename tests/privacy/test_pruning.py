"""What has had its time goes: anonymous customers, event ids of repeats, the quarantine, the inbox; and nothing else."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kundenkreis.kernel.effects import AppendEvent
from kundenkreis.kernel.hashing import hash128
from kundenkreis.kernel.zones import DAY
from kundenkreis.privacy.registry import tables_found_by
from kundenkreis.runtime.installation import Installation
from kundenkreis.runtime.stores.schema import INTERNAL_INBOX
from kundenkreis.settings import Settings
from tests.privacy.company import NOW, Company

pytestmark = pytest.mark.db

MakeCompany = Callable[..., Company]


def rows_left(company: Company) -> dict[str, int]:
    """Rows per table that is found by profile id, empty ones left out."""
    counts = {table: company.rows(f"SELECT count(*) FROM {table}")[0][0] for table in tables_found_by("profile")}
    return {table: count for table, count in counts.items() if count}


def test_anonymous_customer_is_forgotten_at_the_instant_and_not_before(found: MakeCompany, database: str) -> None:
    company = found(database)
    company.post({"event": "Product Viewed", "anonymousId": "a-1"}, {"event": "Product Viewed", "userId": "u-1"})
    company.run()
    company.live(NOW + 90 * DAY - 1)
    assert company.rows("SELECT count(*) FROM states") == [(2,)]
    report = company.live(NOW + 90 * DAY)
    assert report.fold.forgotten == 1
    assert company.rows("SELECT value FROM identifiers") == [("u-1",)]
    assert company.rows("SELECT count(DISTINCT profile_id) FROM log WHERE type <> 'control'") == [(1,)]
    known = company.rows("SELECT profile_id FROM states")[0][0]
    for table in rows_left(company):
        assert {row[0] for row in company.rows(f"SELECT profile_id FROM {table} WHERE profile_id <> 0")} <= {known}
    assert company.rows("SELECT scope, reason FROM fences") == [("everything", "silent")]


def test_every_act_begins_the_silence_anew_and_the_setting_counts(found: MakeCompany, database: str) -> None:
    company = found(database, anonymous_days=10)
    company.post({"event": "Product Viewed", "anonymousId": "a-1"})
    company.run()
    company.live(NOW + 6 * DAY)
    company.post({"event": "Product Viewed", "anonymousId": "a-1"})
    company.run()
    company.live(NOW + 16 * DAY - 1)
    assert company.rows("SELECT count(*) FROM states") == [(1,)]
    company.live(NOW + 16 * DAY)
    assert company.rows("SELECT count(*) FROM states") == [(0,)]


def test_a_command_without_the_setting_changes_nothing(tmp_path: Path) -> None:
    """It began the ninety days anew, for the running server too, once that started again."""
    for asked, days in ((0, 90), (10, 10), (0, 10), (400, 400), (0, 400)):
        installation = Installation(Settings(data_dir=tmp_path, anonymous_days=asked))
        assert (installation.settings.anonymous_days, installation.rulebooks.newest_version()) == (days, 0)
        with installation.store.reading() as tx:
            assert tx.rows("SELECT value FROM meta WHERE name = 'anonymous_days'") == [(str(days),)]
        installation.close()


def test_whoever_comes_back_is_a_new_visitor(found: MakeCompany, database: str) -> None:
    company = found(database)
    company.post({"event": "Product Viewed", "anonymousId": "a-1"})
    company.run()
    first = company.rows("SELECT profile_id FROM states")
    company.live(NOW + 91 * DAY)
    company.post({"event": "Product Viewed", "anonymousId": "a-1"})
    company.run()
    second = company.rows("SELECT profile_id FROM states")
    assert len(second) == 1
    assert second != first
    assert company.rows("SELECT profile_id FROM identifiers") == second


def test_an_act_in_the_batch_that_would_forget_ends_the_silence(found: MakeCompany, database: str) -> None:
    company = found(database)
    company.post({"event": "Product Viewed", "anonymousId": "a-1"})
    company.run()
    first = company.rows("SELECT profile_id FROM states")
    company.clock.advance_to(NOW + 91 * DAY)  # the worker slept meanwhile
    company.post({"event": "Product Viewed", "anonymousId": "a-1"})
    company.run()
    assert company.rows("SELECT profile_id FROM states") == first
    assert company.rows("SELECT count(*) FROM log WHERE name = 'Product Viewed'") == [(2,)]


def test_whoever_became_known_is_kept(found: MakeCompany, database: str) -> None:
    company = found(database)
    company.post({"event": "Product Viewed", "anonymousId": "a-1"})
    company.post({"type": "identify", "anonymousId": "a-1", "userId": "u-1"})
    company.run()
    company.live(NOW + 400 * DAY)
    assert company.rows("SELECT count(*) FROM states") == [(1,)]


def test_an_answer_that_comes_too_late_brings_nobody_back(found: MakeCompany, database: str) -> None:
    company = found(database)
    company.post({"event": "Product Viewed", "anonymousId": "a-1"})
    company.run()
    profile_id = company.rows("SELECT profile_id FROM states")[0][0]
    company.live(NOW + 91 * DAY)
    event = AppendEvent(
        effect_id=hash128("late"), profile_id=profile_id, type="track", name="Message Sent", happened_us=NOW, origin="feedback",
        body={"properties": {}}, cause=b"", depth=0,
    )  # fmt: skip
    with company.installation.store.transaction() as tx:
        tx.insert(INTERNAL_INBOX, [(event.effect_id, profile_id, NOW, msgspec.msgpack.encode(event))])
    company.run()
    assert company.rows("SELECT count(*) FROM states") == [(0,)]
    assert company.rows("SELECT count(*) FROM log WHERE type <> 'control'") == [(0,)]


def test_event_ids_of_repeats_go_after_their_days(found: MakeCompany, database: str) -> None:
    company = found(database)
    company.post({"event": "Old", "userId": "u-1"})
    company.run()
    company.live(NOW + 60 * DAY)
    company.post({"event": "Young", "userId": "u-1"})
    company.run()
    company.live(NOW + 91 * DAY)
    assert company.rows("SELECT count(*) FROM dedupe WHERE day = ?", (NOW // DAY,)) == [(0,)]
    assert company.rows("SELECT count(*) FROM dedupe WHERE day = ?", ((NOW + 60 * DAY) // DAY,)) == [(1,)]
    assert company.rows("SELECT count(*) FROM log WHERE name IN ('Old', 'Young')") == [(2,)]


def test_thousands_go_in_several_steps_until_none_is_left(found: MakeCompany) -> None:
    company = found()
    for _ in range(45):
        company.post(*[{"event": "Old", "userId": "u-1"} for _ in range(100)])
    company.run()
    company.live(NOW + 91 * DAY)
    assert company.rows("SELECT count(*) FROM dedupe") == [(0,)]


def test_a_worker_that_never_rests_prunes_too(found: MakeCompany, database: str) -> None:
    company = found(database)
    company.post({"event": "Old", "userId": "u-1"})
    company.run()
    company.clock.advance_to(NOW + 91 * DAY)
    for _ in range(80):
        company.post({"event": "Young", "userId": "u-1"})
        assert not company.worker.step().idle
    assert company.rows("SELECT count(*) FROM dedupe WHERE day = ?", (NOW // DAY,)) == [(0,)]


def test_events_leave_the_quarantine_after_90_days(found: MakeCompany, database: str) -> None:
    company = found(database)
    company.post({"event": "", "userId": "u-1"})
    company.run()
    company.live(NOW + 50 * DAY)
    company.post({"event": "", "userId": "u-2"})
    company.run()
    assert company.rows("SELECT count(*) FROM quarantined_events") == [(2,)]
    company.live(NOW + 91 * DAY)
    assert company.rows("SELECT received_us FROM quarantined_events") == [(NOW + 50 * DAY,)]


def test_requests_leave_the_inbox_as_soon_as_the_worker_rests(found: MakeCompany) -> None:
    company = found()
    company.post({"event": "Seen", "userId": "u-1"})
    company.run()
    assert company.inbox.read(0, most_items=10, most_bytes=10_000) == []  # type: ignore[attr-defined]


def test_nothing_is_read_in_full_because_time_passed(found: MakeCompany) -> None:
    """SQLite's plans of every statement that pruning runs name an index or a key."""
    company = found()
    company.post({"event": "Seen", "anonymousId": "a-1"})
    company.run()
    plans: list[str] = []
    store: Any = company.installation.store
    connection = store._connections.here()
    statements: list[str] = []
    connection.set_trace_callback(statements.append)
    company.live(NOW + 91 * DAY)
    connection.set_trace_callback(None)
    for statement in {text for text in statements if text.startswith(("SELECT", "DELETE", "UPDATE"))}:
        plans += [f"{row[3]}: {statement}" for row in connection.execute("EXPLAIN QUERY PLAN " + statement)]
    small = ("numbers", "quarantined_customers", "rulebooks", "CONSTANT ROW", "tombstones")
    scans = [plan for plan in plans if plan.startswith("SCAN") and not any(name in plan for name in small)]
    bounded = ("USING INDEX", "USING COVERING INDEX", "LIMIT")
    assert [plan for plan in scans if not any(word in plan for word in bounded)] == []
