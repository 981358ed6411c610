"""A copied public key cannot fill the store with strangers, and what was refused can be replayed."""

import json
from collections.abc import Callable

import msgspec
import pytest

from kundenkreis.events.core.identity_token import identity_token
from kundenkreis.events.write_keys import WriteKeyFile, new_identity_secret
from kundenkreis.kernel.zones import DAY, HOUR, MINUTE
from kundenkreis.runtime.installation import KEYS_FILE
from tests.privacy.company import NOW, Company

pytestmark = pytest.mark.db

MakeCompany = Callable[..., Company]


def change_key(company: Company, source: str, **changes: object) -> None:
    """Change the key of a source, as somebody who edits the file does."""
    file = WriteKeyFile(company.settings.data_dir / KEYS_FILE)
    file.save([msgspec.structs.replace(key, **changes) if key.source == source else key for key in file.load()])


def strangers(company: Company, first: int, count: int) -> None:
    """So many new anonymous ids, one page view each."""
    company.post(*[{"type": "page", "anonymousId": f"a-{n}"} for n in range(first, first + count)], public=True)


def refused(company: Company) -> int:
    return int(company.rows("SELECT count(*) FROM quarantined_events WHERE code = 'anonymous_quota'")[0][0])


def test_strangers_beyond_the_hour_are_put_aside_and_known_ones_pass(found: MakeCompany, database: str) -> None:
    company = found(database)
    change_key(company, "web", anonymous_per_hour=5)
    strangers(company, 0, 4)
    company.run()
    strangers(company, 4, 4)
    company.run()
    assert (company.rows("SELECT count(*) FROM states"), refused(company)) == ([(5,)], 3)
    company.post({"event": "Product Viewed", "anonymousId": "a-0"}, public=True)
    company.post({"event": "Product Viewed", "userId": "u-1"})
    company.run()
    assert (company.rows("SELECT count(*) FROM states"), refused(company)) == ([(6,)], 3)
    company.live(NOW + HOUR)
    strangers(company, 5, 3)
    company.run()
    assert (company.rows("SELECT count(*) FROM states"), refused(company)) == ([(9,)], 3)


def test_the_day_has_a_limit_of_its_own(found: MakeCompany, database: str) -> None:
    company = found(database, anonymous_per_day=6)
    for number in range(5):
        strangers(company, 2 * number, 2)
        company.live(company.clock.now_us() + HOUR)
    assert (company.rows("SELECT count(*) FROM states"), refused(company)) == ([(6,)], 4)
    company.live(NOW + DAY)
    strangers(company, 100, 2)
    company.run()
    assert (company.rows("SELECT count(*) FROM states"), refused(company)) == ([(8,)], 4)


def test_sources_do_not_use_up_each_others_quota(found: MakeCompany, database: str) -> None:
    company = found(database)
    change_key(company, "web", anonymous_per_hour=1)
    strangers(company, 0, 3)
    company.post({"type": "page", "anonymousId": "till-1"}, source="shop")
    company.run()
    assert (company.rows("SELECT count(*) FROM states"), refused(company)) == ([(2,)], 2)


def test_a_restart_does_not_begin_the_count_anew(found: MakeCompany, database: str) -> None:
    company = found(database)
    change_key(company, "web", anonymous_per_hour=2)
    strangers(company, 0, 2)
    company.run()
    if database:
        company.worker.release()  # type: ignore[union-attr]
    company.worker = company.installation.open_worker("worker-2")
    strangers(company, 2, 2)
    company.run()
    assert refused(company) == 2


def test_what_was_refused_can_be_replayed_as_it_was(found: MakeCompany, database: str) -> None:
    company = found(database)
    change_key(company, "web", anonymous_per_hour=1)
    body = {"anonymousId": "late", "event": "Product Viewed", "properties": {"name": "Tee"}}
    strangers(company, 0, 1)
    company.post_bytes(json.dumps(body).encode(), endpoint="track", public=True)
    company.run()
    ((raw, public),) = company.rows("SELECT raw, public FROM quarantined_events")
    assert public == 1
    assert json.loads(bytes(raw)).items() >= {**body, "type": "track"}.items()
    company.live(NOW + HOUR)
    company.post_bytes(b'{"batch":[' + bytes(raw) + b"]}", public=True)
    company.run()
    assert company.rows("SELECT count(*) FROM log WHERE name = 'Product Viewed'") == [(1,)]
    assert company.rows("SELECT count(*) FROM states") == [(2,)]


def test_a_million_strangers_cost_no_memory_of_people(found: MakeCompany) -> None:
    """A thousand here: the store holds as many people as the quota allows, whatever comes."""
    company = found()
    change_key(company, "web", anonymous_per_hour=10)
    for number in range(10):
        strangers(company, 100 * number, 100)
    company.run()
    assert (company.rows("SELECT count(*) FROM states"), refused(company)) == ([(10,)], 990)
    assert company.rows("SELECT count(*) FROM dedupe") == [(10,)]


def test_old_counts_go(found: MakeCompany, database: str) -> None:
    company = found(database)
    strangers(company, 0, 1)
    company.run()
    assert company.rows("SELECT span, count FROM anonymous_counts ORDER BY span") == [("day", 1), ("hour", 1)]
    company.live(NOW + 5 * DAY)
    company.live(NOW + 5 * DAY + MINUTE)
    assert company.rows("SELECT span, count FROM anonymous_counts") == []


def test_a_signed_user_id_makes_a_public_event_speak_for_its_user(found: MakeCompany, database: str) -> None:
    company = found(database)
    secret = new_identity_secret()
    change_key(company, "web", identity_secret=secret, anonymous_per_hour=1)
    company.post({"event": "Seen", "userId": "u-1"})
    company.run()
    signed = {"identityToken": identity_token("u-1", secret)}
    company.post({"event": "Proved", "anonymousId": "a-1", "userId": "u-1", "context": signed}, public=True)
    company.post({"event": "Claimed", "anonymousId": "a-2", "userId": "u-1"}, public=True)
    wrong = {"identityToken": identity_token("u-2", secret)}
    company.post({"event": "Forged", "anonymousId": "a-2", "userId": "u-1", "context": wrong}, public=True)
    company.run()
    people: dict[str, int] = dict(
        company.rows("SELECT name, profile_id FROM log WHERE name IN ('Seen', 'Proved', 'Claimed', 'Forged')")
    )
    assert people["Proved"] == people["Seen"]
    assert people["Claimed"] == people["Forged"] != people["Seen"]
    assert company.rows(
        "SELECT kind, value FROM identifiers WHERE profile_id = ? ORDER BY kind", (people["Seen"],)
    ) == [
        ("anonymous_id", "a-1"),
        ("user_id", "u-1"),
    ]
