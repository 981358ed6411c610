"""Every flipped byte of a log row is found by its checksum, and nothing else is."""

from pathlib import Path
from typing import Any

import pytest

from kundenkreis.kernel.zones import DAY
from kundenkreis.runtime import log
from kundenkreis.runtime.comparing import RebuildReport
from kundenkreis.runtime.installation import STORE_FILE
from kundenkreis.runtime.log_checks import WHAT_TO_DO, check_log
from kundenkreis.runtime.rebuild import second_store, verify
from kundenkreis.runtime.stores.schema import LOG, NO_CHECKSUM, column_statement
from kundenkreis.runtime.stores.session import Session, migrate
from kundenkreis.runtime.stores.sqlite import SqliteStore
from tests.runtime.town import Town

pytestmark = pytest.mark.db

EMPTY = {"integer": 0, "text": "", "bytes": b""}
A_ROW = (
    77, 5, bytes(range(16)), 1 << 62, "track", "Köder", 1_767_261_600_000_000, 1_767_261_600_000_001, 1_767_261_600_000_002, 20454, "api", "", "",
    b"", 0, 17, "shop", "", 1, '{"inbox":3}', b'{"event":"K\xc3\xb6der"}',
)  # fmt: skip


def flipped(value: Any) -> Any:
    """The value with one other bit; of an empty one, one letter more."""
    if isinstance(value, int):
        return value ^ 1 << 33
    if isinstance(value, bytes):
        return bytes([*value[:-1], value[-1] ^ 1]) if value else b"\x01"
    return value[:-1] + chr(ord(value[-1]) ^ 1) if value else "x"


def checked(tx: Session) -> RebuildReport:
    """What the check of the log says."""
    report = RebuildReport()
    check_log(tx, report)
    return report


def whole(town: Town) -> RebuildReport:
    """What the whole verification says."""
    with second_store(None) as second:
        return verify(town.installation.store, second, zone=town.installation.zone)


def keys(report: RebuildReport) -> list[str]:
    """Which rows are told, after making sure that the report agrees with itself."""
    assert {(one.table, one.column) for one in report.differences} <= {("log", "checksum")}
    assert (report.differing, len(report.differences)) == (report.damaged, report.damaged)
    assert report.what_to_do == (WHAT_TO_DO if report.damaged else "")
    return [one.key for one in report.differences]


def test_the_checksum_of_a_row_never_changes() -> None:
    """Stores are full of them."""
    assert len(A_ROW) + 1 == len(LOG.columns)
    assert log.checksum_of(A_ROW) == 1_945_816_889


def test_the_reference_tells_every_column_in_its_order() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "log.md").read_text(encoding="utf-8")
    told = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    assert [name.strip(" `") for names in told for name in names.split(",")] == list(LOG.column_names)


def test_a_log_in_which_everything_has_happened_is_as_it_was_written(town: Town) -> None:
    with town.installation.store.reading() as tx:
        rows = tx.rows("SELECT count(*), min(checksum), count(DISTINCT checksum) FROM log")[0]
        report = checked(tx)
    assert (keys(report), report.without_checksum, report.compared) == ([], 0, {"log": rows[0]})
    assert rows[1] >= 0
    assert rows[2] > rows[0] * 0.99


def test_a_flipped_byte_of_any_column_is_reported_at_its_row(town: Town) -> None:
    """Each column in turn, in a row that has something there if any has."""
    expected, found = {}, {}
    with town.installation.store.transaction() as tx:
        for name, kind in LOG.columns:
            number, profile_id, value = tx.rows(
                f"SELECT number, profile_id, {name} FROM log ORDER BY {name} <> ? DESC, profile_id <> 0 DESC, number LIMIT 1",
                (EMPTY[kind],),
            )[0]
            wrong = flipped(value)
            assert tx.run(f"UPDATE log SET {name} = ? WHERE number = ?", (wrong, number)) == 1
            found[name] = keys(checked(tx))
            there = {"number": number, "profile_id": profile_id} | (
                {name: wrong} if name in ("number", "profile_id") else {}
            )
            expected[name] = [f"{there['number']} of customer {there['profile_id']}"]
            assert tx.run(f"UPDATE log SET {name} = ? WHERE number = ?", (value, there["number"])) == 1
        assert keys(checked(tx)) == []
    assert found == expected


def test_any_flipped_byte_in_the_file_is_reported(tmp_path: Path) -> None:
    """SQLite: each byte of a row's values in the file, checksum included, with one and with eight other bits."""
    town = Town(tmp_path / "town")
    town.send("track", userId="u1", event="Bell Rung", properties={"where": "at the door"})
    town.run()
    with town.installation.store.reading() as tx:
        number, event_id, body, checksum = tx.rows(
            "SELECT number, event_id, body, checksum FROM log WHERE name = 'Bell Rung'"
        )[0]
        assert keys(checked(tx)) == []
    town.close()
    path = tmp_path / "town" / STORE_FILE
    data = path.read_bytes()
    start, end = data.rindex(event_id + b""), data.rindex(body) + len(body)
    ending = checksum.to_bytes(6, "big").lstrip(b"\0")
    assert data[end : end + 8].lstrip(b"\0").startswith(ending)
    end += data[end : end + 8].index(ending) + len(ending)
    assert 200 < end - start < 400
    missed = []
    for at in range(start, end):
        for mask in (1, 128, 255):
            with path.open("r+b") as file:
                file.seek(at)
                file.write(bytes([data[at] ^ mask]))
            store = SqliteStore(path)
            with store.reading() as tx:
                told = keys(checked(tx))
            store.close()
            if [one.split()[0] for one in told] != [str(number)]:
                missed.append((at - start, mask, told))
        with path.open("r+b") as file:
            file.seek(at)
            file.write(data[at : at + 1])
    assert missed == []


def test_a_letter_on_which_nothing_depends_is_the_one_difference(town: Town) -> None:
    with town.installation.store.transaction() as tx:
        number, profile_id, body = tx.rows(
            "SELECT number, profile_id, body FROM log WHERE name = 'Product Viewed' ORDER BY number LIMIT 1"
        )[0]
        tx.run(
            "UPDATE log SET body = ? WHERE number = ?",
            (bytes(body).replace(b'"messageId": "m', b'"messageId": "n'), number),
        )
    report = whole(town)
    assert (keys(report), report.not_compared) == ([f"{number} of customer {profile_id}"], "")
    assert report.compared["states"] > 0


def test_a_row_that_cannot_be_read_is_reported(town: Town) -> None:
    with town.installation.store.transaction() as tx:
        number, profile_id = tx.rows("SELECT number, profile_id FROM log WHERE type = 'track' ORDER BY number LIMIT 1")[
            0
        ]
        tx.run("UPDATE log SET body = ? WHERE number = ?", (b"{", number))
    report = whole(town)
    assert keys(report) == [f"{number} of customer {profile_id}"]
    assert report.not_compared.startswith(f"UnreadableRowError: Row {number} of the log cannot be read")
    assert report.is_equal is False


def test_a_text_that_is_none_any_more_is_reported(tmp_path: Path) -> None:
    town = Town(tmp_path / "town")
    town.send("track", userId="u1", event="Bell Rung", properties={})
    town.run()
    with town.installation.store.transaction() as tx:
        number, profile_id = tx.rows("SELECT number, profile_id FROM log WHERE name = 'Bell Rung'")[0]
        tx.run("UPDATE log SET source = CAST(x'ff73686f70' AS TEXT) WHERE number = ?", (number,))
    report = whole(town)
    town.close()
    assert [(one.key, one.rebuilt) for one in report.differences] == [
        (f"{number} of customer {profile_id}", "unreadable")
    ]
    assert report.not_compared.startswith("OperationalError")


def test_an_older_store_gets_the_column_and_its_rows_are_counted(town: Town) -> None:
    """Older rows have no checksum, which is no difference; new ones have one, and are checked."""
    store = town.installation.store
    with store.transaction() as tx:
        tx.run("ALTER TABLE log DROP COLUMN checksum")
        older = tx.rows("SELECT count(*) FROM log")[0][0]
    migrate(store)
    migrate(store)
    report = whole(town)
    assert (report.differences, report.without_checksum, report.compared["log"]) == ([], older, 0)
    town.order("u1", "after", 10.0)
    town.pass_time(DAY)
    with store.transaction() as tx:
        number, newer = tx.rows("SELECT min(number), count(*) FROM log WHERE checksum <> ?", (NO_CHECKSUM,))[0]
    report = whole(town)
    assert (report.differences, report.without_checksum, report.compared["log"]) == ([], older, newer)
    with store.transaction() as tx:
        tx.run("UPDATE log SET actor = 'x' WHERE number = ?", (number,))
        tx.run("UPDATE log SET actor = 'x' WHERE number = (SELECT min(number) FROM log)")
    with store.reading() as tx:
        report = checked(tx)
    assert [one.split()[0] for one in keys(report)] == [str(number)]
    assert column_statement(LOG, "checksum", store.dialect).endswith("NOT NULL DEFAULT -1")
