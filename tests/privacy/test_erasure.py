"""Erasing a person leaves nothing: no row, no byte in any file, no message, and nothing that comes back."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pysqlite3 as sqlite3
import pytest

from kundenkreis.cli.main import run_command
from kundenkreis.kernel.hashing import hash128
from kundenkreis.kernel.zones import DAY, HOUR
from kundenkreis.privacy.erasure import erase, erase_again, find_customer, repeat_erasures
from kundenkreis.privacy.errors import AmbiguousCustomerError, UnknownCustomerError
from kundenkreis.privacy.tombstones import append_to_file, mark_of, read_file, tombstone_key
from kundenkreis.privacy.traces import traces_in
from kundenkreis.runtime.readers.customers import StoredCustomers
from kundenkreis.runtime.secret_mark import SecretChangedError, check_secret
from tests.privacy.company import NOW, Company

pytestmark = pytest.mark.db

MakeCompany = Callable[..., Company]

CANARY = "kanarienvogel"
ADDRESS = "Kanarienvogel.Muster@example.com"
HER = {"userId": "user-kanarienvogel"}
TRAITS = {
    "email": ADDRESS,
    "firstName": "Kanarienvogel",
    "phone": "+49 40 123 456 78",
    "note": "Kanarienvogel Ärger " * 60,
}


PEOPLE: tuple[tuple[dict[str, str], dict[str, Any]], ...] = (
    (HER, TRAITS),
    ({"userId": "other"}, {"email": "other@example.com", "firstName": "Otto"}),
)


def live_a_little(company: Company) -> None:
    """She visits, signs up, gets a message, buys; another customer does the same."""
    company.post({"type": "page", "anonymousId": "anon-kanarienvogel"}, public=True)
    consent = {
        "channel": "email",
        "purpose": "newsletter",
        "basis": "express_consent",
        "text_version": "1",
        "form": "Anmeldung",
    }
    for ids, traits in PEOPLE:
        anonymous = {"anonymousId": "anon-kanarienvogel"} if ids is HER else {}
        confirmed = {**consent, "wording": "Ja, ich will", "address": traits["email"]}
        company.post(
            {"type": "identify", **ids, **anonymous, "traits": traits},
            {"event": "Consent Confirmed", **ids, "properties": confirmed},
        )
    company.run()
    company.send()
    for ids, _ in PEOPLE:
        bought = {
            "order_id": f"B-{ids['userId']}",
            "total": 20,
            "currency": "EUR",
            "products": [{"name": CANARY if ids is HER else "Tee"}],
        }
        company.post({"event": "Order Completed", **ids, "properties": bought})
    company.live(company.clock.now_us() + 3 * DAY)
    company.send()


def profiles_of(company: Company) -> dict[str, int]:
    """User id -> profile id."""
    return dict(company.rows("SELECT value, profile_id FROM identifiers WHERE kind = 'user_id'"))


def dump(company: Company) -> str:
    """Every row of every table of the store, as text."""
    from kundenkreis.runtime.stores.schema import TABLES

    return "".join(repr(company.rows(f"SELECT * FROM {table.name}")) for table in TABLES if table.name != "rulebooks")


def test_nothing_of_her_is_left_and_nothing_of_others_is_missing(found: MakeCompany, database: str) -> None:
    company = found(database)
    live_a_little(company)
    profiles = profiles_of(company)
    mailed = company.rows("SELECT count(*) FROM mailbox WHERE profile_id = ?", (profiles[HER["userId"]],))[0][0]
    assert mailed > 0
    before = company.rows("SELECT state FROM states WHERE profile_id = ?", (profiles["other"],))
    report = erase(company.installation, ADDRESS)
    assert report.is_complete
    assert profiles[HER["userId"]] in report.profiles
    assert report.removed["log"] > 4
    assert report.removed["mailbox"] == mailed
    assert (report.removed["states"], report.removed["orders"]) == (1, 1)
    assert CANARY not in dump(company).casefold()
    assert company.rows("SELECT state FROM states") == before
    assert company.rows("SELECT count(*) FROM orders") == [(1,)]
    fences = company.rows("SELECT profile_id, scope, reason FROM fences")
    assert fences == [(profile_id, "everything", "erased") for profile_id in report.profiles]


def test_no_byte_of_her_is_in_any_file(found: MakeCompany) -> None:
    company = found()
    live_a_little(company)
    folder = company.settings.data_dir
    assert traces_in(folder, {CANARY}) != {}
    report = erase(company.installation, HER["userId"])
    assert report.searched == 4
    assert report.traces == {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            assert (path.name, CANARY.encode() in path.read_bytes().lower()) == (path.name, False)
    company.run()  # the worker goes on
    assert traces_in(folder, {CANARY}) == {}


def test_what_waits_unread_goes_and_its_neighbours_stay(found: MakeCompany, database: str) -> None:
    company = found(database)
    live_a_little(company)
    company.post({"event": "Waiting", **HER}, {"event": "Neighbour", "userId": "other"})
    company.post_bytes(json.dumps({"event": "Alone", **HER, "messageId": "x"}).encode(), endpoint="track")
    company.post({"event": "", "userId": HER["userId"]}, {"event": "", "userId": "other"})
    report = erase(company.installation, HER["userId"])
    assert report.removed["inbox"] == 3
    company.run()
    assert company.rows("SELECT count(*) FROM log WHERE name = 'Neighbour'") == [(1,)]
    assert CANARY not in dump(company).casefold()
    assert [bytes(row[0]).count(b"other") for row in company.rows("SELECT raw FROM quarantined_events")] == [1]


def test_the_quarantine_is_searched(found: MakeCompany, database: str) -> None:
    company = found(database)
    live_a_little(company)
    company.post({"event": "", **HER}, {"event": "", "userId": "other"})
    company.run()
    assert erase(company.installation, HER["userId"]).removed["quarantined_events"] == 1
    assert company.rows("SELECT count(*) FROM quarantined_events") == [(1,)]


def test_the_past_does_not_come_back_but_she_may(found: MakeCompany, database: str) -> None:
    company = found(database)
    live_a_little(company)
    erase(company.installation, HER["userId"])
    company.live(company.clock.now_us() + HOUR)
    from kundenkreis.kernel.zones import iso

    company.post({"event": "Order Completed", **HER, "timestamp": iso(NOW + HOUR), "properties": {"order_id": "alt"}})
    company.run()
    assert company.rows("SELECT count(*) FROM states") == [(1,)]
    assert CANARY not in dump(company).casefold()
    company.post({"event": "Order Completed", **HER, "properties": {"order_id": "neu"}})
    company.run()
    assert company.rows("SELECT order_id FROM orders WHERE order_id IN ('alt', 'neu')") == [("neu",)]
    assert company.rows("SELECT count(*) FROM states") == [(2,)]


def test_a_worker_that_knew_her_does_not_give_her_old_profile_back(found: MakeCompany) -> None:
    """The embedded worker remembers identifiers; an erasure by another process must reach it."""
    company = found()
    live_a_little(company)
    old = profiles_of(company)[HER["userId"]]
    erase(company.installation, HER["userId"])
    company.live(company.clock.now_us() + HOUR)
    company.post({"event": "Seen", **HER})
    company.run()
    new = profiles_of(company)[HER["userId"]]
    assert new != old
    assert company.rows("SELECT profile_id FROM states WHERE profile_id = ?", (old,)) == []


def test_everybody_who_was_joined_is_one_person(found: MakeCompany, database: str) -> None:
    company = found(database)
    company.post(
        {"event": "Seen", "anonymousId": "left-kanarienvogel"}, {"event": "Seen", "userId": "right-kanarienvogel"}
    )
    company.run()
    company.post({"event": "Joined", "anonymousId": "left-kanarienvogel", "userId": "right-kanarienvogel"})
    company.run()
    assert company.rows("SELECT count(*) FROM merges") == [(1,)]
    report = erase(company.installation, "anonymous_id:left-kanarienvogel")
    assert len(report.profiles) == 2
    assert report.is_complete
    assert company.rows("SELECT count(*) FROM states") == [(0,)]
    assert company.rows("SELECT count(*) FROM log WHERE type <> 'control'") == [(0,)]
    assert company.rows("SELECT count(*) FROM merges") == [(0,)]


def test_a_message_on_its_way_is_not_sent(found: MakeCompany, database: str) -> None:
    company = found(database)
    live_a_little(company)
    her = profiles_of(company)[HER["userId"]]
    row: list[Any] = [*company.rows("SELECT * FROM outbox WHERE profile_id = ? LIMIT 1", (her,))[0]]
    erase(company.installation, HER["userId"])
    from kundenkreis.runtime.stores.schema import OUTBOX

    # As if a fold that had begun before the erasure had brought it after all.
    row[0], row[3], row[8] = hash128("again"), "queued", 0
    with company.installation.store.transaction() as tx:
        tx.insert(OUTBOX, [row])
    company.send()
    assert company.rows("SELECT count(*) FROM mailbox WHERE profile_id = ?", (her,)) == [(0,)]
    assert company.rows("SELECT count(*) FROM states WHERE profile_id = ?", (her,)) == [(0,)]


@pytest.fixture
def restored(found: MakeCompany, tmp_path: Path) -> Iterator[Company]:
    """Two people were erased after the backup was made; it holds one of them."""
    company = found()
    live_a_little(company)
    check_secret(company.installation.store, company.settings)  # as whoever serves does
    backup = tmp_path / "backup.db"
    with closing(sqlite3.connect(company.settings.data_dir / "kreis.db", isolation_level=None)) as connection:
        connection.execute("VACUUM INTO ?", (str(backup),))
    company.post({"event": "Seen", "userId": "late-comer"})
    company.run()
    for user in (HER["userId"], "late-comer"):
        erase(company.installation, user)
    company.close()
    folder = company.settings.data_dir
    for name in ("kreis.db-wal", "kreis.db-shm"):
        (folder / name).unlink(missing_ok=True)
    backup.rename(folder / "kreis.db")
    again = Company(folder)
    again.clock.advance_to(company.clock.now_us() + HOUR)
    assert CANARY in dump(again).casefold()
    yield again
    again.close()


def test_a_restored_backup_is_erased_again(restored: Company) -> None:
    reports = erase_again(restored.installation)
    assert [report.is_complete for report in reports] == [True]
    assert CANARY not in dump(restored).casefold()
    assert profiles_of(restored).keys() == {"other"}
    assert erase_again(restored.installation) == []


def test_erasures_that_a_backup_does_not_know_are_repeated_once(restored: Company) -> None:
    assert [len(report.profiles) for report in repeat_erasures(restored.installation)] == [1]
    assert CANARY not in dump(restored).casefold()
    assert repeat_erasures(restored.installation) == []
    # What somebody did before, and whom the backup has never known, may still come in.
    restored.post({"event": "Seen", "userId": "late-comer", "timestamp": "2026-06-10T10:00:00Z"})
    restored.run()
    assert profiles_of(restored).keys() == {"other"}


def test_without_the_secret_nobody_counts_as_erased_again(restored: Company) -> None:
    """With another one the marks lead to nobody: the database would know them from then on, and she would stay."""
    path = restored.settings.data_dir / "secret.key"
    right = path.rename(path.with_name("right.key"))
    for act in (lambda: repeat_erasures(restored.installation), lambda: erase(restored.installation, "other")):
        with pytest.raises(SecretChangedError):
            act()
    assert profiles_of(restored).keys() == {"other", HER["userId"]}
    right.rename(path)
    assert [len(report.profiles) for report in repeat_erasures(restored.installation)] == [1]
    assert profiles_of(restored).keys() == {"other"}


def test_an_erasure_that_was_interrupted_is_finished(found: MakeCompany, database: str) -> None:
    """The copy outside the database comes first."""
    company = found(database)
    live_a_little(company)
    her = mark_of(tombstone_key(company.settings), ("user_id", HER["userId"]))
    append_to_file(company.settings.data_dir, [her], at_us=company.clock.now_us())
    assert [report.is_complete for report in repeat_erasures(company.installation)] == [True]
    assert profiles_of(company).keys() == {"other"}
    assert repeat_erasures(company.installation) == []


def test_a_tombstone_behind_half_a_line_can_be_read(tmp_path: Path) -> None:
    """A full disk or a power failure left the half, without the end of its line."""
    append_to_file(tmp_path, [b"a" * 16], at_us=1)
    path = tmp_path / "tombstones.jsonl"
    path.write_bytes(path.read_bytes() + b'{"mark": "62')
    append_to_file(tmp_path, [b"c" * 16], at_us=2)
    append_to_file(tmp_path, [b"d" * 16], at_us=3)
    assert read_file(tmp_path) == {b"a" * 16: 1, b"c" * 16: 2, b"d" * 16: 3}
    assert len(path.read_bytes().splitlines()) == 4


def test_whoever_came_back_after_the_erasure_is_kept(found: MakeCompany, database: str) -> None:
    company = found(database)
    live_a_little(company)
    erase(company.installation, HER["userId"])
    company.live(company.clock.now_us() + HOUR)
    company.post({"event": "Seen", **HER})
    company.run()
    assert repeat_erasures(company.installation) == []
    assert profiles_of(company).keys() == {"other", HER["userId"]}


def test_the_tombstone_tells_nobody_whose_it_is(found: MakeCompany) -> None:
    company = found()
    live_a_little(company)
    erase(company.installation, HER["userId"])
    rows = company.rows("SELECT mark, kind FROM tombstones ORDER BY kind")
    assert [(len(mark), kind) for mark, kind in rows] == [
        (16, "anonymous_id"), (16, "email"), (16, "phone"), (16, "user_id"),
    ]  # fmt: skip
    text = (company.settings.data_dir / "tombstones.jsonl").read_text()
    assert (CANARY in text.casefold(), len(text.splitlines())) == (False, 4)
    assert (company.settings.data_dir / "tombstones.jsonl").stat().st_mode & 0o077 == 0


def test_a_customer_is_found_by_whatever_names_her(found: MakeCompany) -> None:
    company = found()
    live_a_little(company)
    her = profiles_of(company)[HER["userId"]]
    company.post({"type": "identify", "userId": "4711"}, {"type": "page", "anonymousId": "4711"})
    company.run()
    with company.installation.store.reading() as tx:
        names = (str(her), f"profile:{her}", HER["userId"], f" {ADDRESS.upper()} ", "phone:+494012345678")
        assert [find_customer(tx, name) for name in names] == [her] * 5
        with pytest.raises(AmbiguousCustomerError):
            find_customer(tx, "4711")
        assert find_customer(tx, "user_id:4711") != find_customer(tx, "anonymous_id:4711")
        for nobody in ("", "nobody", "0", "9" * 40, "' OR 1=1 --"):
            with pytest.raises(UnknownCustomerError):
                find_customer(tx, nobody)


def test_the_command_proves_it(found: MakeCompany, capsys: pytest.CaptureFixture[str]) -> None:
    company = found()
    live_a_little(company)
    environ = {"KREIS_DATA_DIR": str(company.settings.data_dir)}
    assert run_command(["erase", "user-kanarienvogel", "--json"], environ) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [one["is_complete"] for one in answer] == [True]
    assert CANARY not in json.dumps(answer)
    assert run_command(["erase", "user-kanarienvogel"], environ) == 2
    assert "no such customer" in capsys.readouterr().err
    assert run_command(["erase"], environ) == 2


def test_the_command_says_where_the_rest_may_come_from(found: MakeCompany, capsys: pytest.CaptureFixture[str]) -> None:
    """Two people gave one address; it stays with the other."""
    company = found()
    for user in ("first-one", "other-one"):
        company.post({"type": "identify", "userId": user, "traits": {"email": "shared@house.example"}})
        company.run()
    assert run_command(["erase", "first-one"], {"KREIS_DATA_DIR": str(company.settings.data_dir)}) == 1
    said = capsys.readouterr().out.splitlines()
    assert "Searched every file for 2 identifiers of 6 characters or more." in said
    (where,) = [line for line in said if line.startswith("Still found")]
    assert where.endswith("places in kreis.db")
    assert said[said.index(where) + 1].startswith("Somebody else may have given the same address or number")
    assert "Nothing is left." not in said


def test_filters_that_name_her_go_too(found: MakeCompany, database: str) -> None:
    company = found(database)
    live_a_little(company)
    filters = StoredCustomers(company.installation)
    by_address = {"attribute": {"name": "email", "op": "equals", "value": ADDRESS}}
    filters.save_filter("Her", {"all": [{"phase": {"is": "loyalty"}}, by_address]}, actor="ada")
    filters.save_filter("About user-Kanarienvogel", {"phase": {"is": "loyalty"}}, actor="ada")
    filters.save_filter(
        "Others", {"attribute": {"name": "email", "op": "contains", "value": "@example.com"}}, actor="ada"
    )
    assert erase(company.installation, HER["userId"]).removed["saved_filters"] == 2
    assert [one.name for one in filters.saved_filters()] == ["Others"]
