"""Whoever cannot be folded, and whatever cannot be read, is put aside with its reason and stops nobody else."""

from collections.abc import Callable

import pytest

from kundenkreis.customers.core.state import Score, decode_state, encode_state
from kundenkreis.kernel.zones import DAY
from tests.privacy.company import NOW, Company

pytestmark = pytest.mark.db

MakeCompany = Callable[..., Company]

UNREADABLE: list[bytes] = [
    b"", b"{", b"null", b"[]", b"1e999", b"\xff\xfe", b'{"batch":1}', b'{"batch":[1,null,"x",[],{}]}', b"[" * 100_000, b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    b'{"type":"track","event":"x","userId":"u\\u0000"}', b'{"type":"track","event":"x","userId":"\\ud83d"}',
    b'{"type":"track","event":"x","userId":"u","properties":[]}',
    b'{"type":"track","event":"x","userId":"u","properties":{"n":' + b"9" * 400 + b"}}", b'{"__class__":"os.system"}', b"!!python/object/apply:os.system [id]",
    b"\x80\x04\x95\x1d\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94.",
]  # fmt: skip


def profile_of(company: Company, user: str) -> int:
    return int(company.rows("SELECT profile_id FROM identifiers WHERE value = ?", (user,))[0][0])


def damage(company: Company, user: str, data: bytes) -> bytes:
    """Replace the stored state; the sound one is returned."""
    profile_id = profile_of(company, user)
    sound = bytes(company.rows("SELECT state FROM states WHERE profile_id = ?", (profile_id,))[0][0])
    with company.installation.store.transaction() as tx:
        tx.run("UPDATE states SET state = ? WHERE profile_id = ?", (data, profile_id))
    return sound


def test_an_unreadable_request_stops_nobody(found: MakeCompany, database: str) -> None:
    company = found(database)
    for number, body in enumerate(UNREADABLE):
        company.post_bytes(body, endpoint="batch" if number % 2 else "track")
        company.post_bytes(body, endpoint="track" if number % 2 else "batch", public=True)
        company.post({"event": "Good", "userId": f"u-{number}"})
    company.run()
    assert company.rows("SELECT count(*) FROM log WHERE name = 'Good'") == [(len(UNREADABLE),)]
    assert company.rows("SELECT count(*) FROM quarantined_customers") == [(0,)]
    rows = company.rows("SELECT code, detail, raw FROM quarantined_events")
    assert len(rows) >= 2 * len(UNREADABLE) - 4
    assert all(code and detail for code, detail, _ in rows)


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x92\x01", b"not a state"])
def test_a_damaged_state_stops_its_customer_only(found: MakeCompany, database: str, data: bytes) -> None:
    company = found(database)
    company.post({"event": "Seen", "userId": "ill"}, {"event": "Seen", "userId": "well"})
    company.run()
    sound = damage(company, "ill", data)
    company.post({"event": "Again", "userId": "ill"}, {"event": "Again", "userId": "well"})
    report = company.run()
    assert report.fold.quarantined == 1
    ((profile_id, code, detail),) = company.rows("SELECT profile_id, code, detail FROM quarantined_customers")
    assert (profile_id, code) == (
        profile_of(company, "ill"),
        "DecodeError" if data in (b"", b"\xc1") else "ValidationError",
    )
    assert "msgspec" in detail
    # What came for the ill one waits on the log; nothing was folded into a second customer.
    assert company.rows("SELECT count(*) FROM log WHERE name = 'Again'") == [(2,)]
    assert company.rows("SELECT count(*) FROM states") == [(2,)]
    well = company.rows("SELECT state FROM states WHERE profile_id = ?", (profile_of(company, "well"),))
    last = company.rows(
        "SELECT number FROM log WHERE name = 'Again' AND profile_id = ?", (profile_of(company, "well"),)
    )[0][0]
    assert decode_state(bytes(well[0][0])).folded_to == last
    for _ in range(3):
        company.post({"event": "More", "userId": "ill"}, {"event": "More", "userId": "well"})
        assert company.run().fold.quarantined == 0
    assert damage(company, "ill", sound) == data
    assert decode_state(sound).folded_to < last


def test_time_does_not_stumble_over_the_ill(found: MakeCompany, database: str) -> None:
    """A quarantined customer whose wake-up is due must not keep the worker busy or others waiting."""
    company = found(database)
    for user in ("ill", "well"):
        company.post(
            {
                "event": "Order Completed",
                "userId": user,
                "properties": {"order_id": user, "total": 5, "currency": "EUR"},
            }
        )
    company.run()
    damage(company, "ill", b"\xc1")
    company.live(NOW + 400 * DAY)
    assert company.rows("SELECT profile_id FROM quarantined_customers") == [(profile_of(company, "ill"),)]
    phase = (
        "SELECT definition_id FROM memberships WHERE kind = 'phase' AND profile_id = ? ORDER BY from_us DESC LIMIT 1"
    )
    assert company.rows(phase, (profile_of(company, "well"),)) == [("winback",)]


def test_a_state_beyond_64_kilobytes_stops_its_customer_only(found: MakeCompany, database: str) -> None:
    company = found(database)
    traits = {f"t{number}": "x" * 900 for number in range(30)}
    for part in range(4):
        company.post(
            {"type": "identify", "userId": "fat", "traits": {f"{name}_{part}": value for name, value in traits.items()}}
        )
    company.post({"event": "Seen", "userId": "well"})
    company.run()
    ((profile_id, code, detail),) = company.rows("SELECT profile_id, code, detail FROM quarantined_customers")
    assert (profile_id, code) == (profile_of(company, "fat"), "StateTooLargeError")
    assert "64 KB" in detail
    states: dict[int, int] = dict(company.rows("SELECT profile_id, length(state) FROM states"))
    assert states.keys() == {profile_of(company, "well")}


def test_what_the_fold_cannot_compute_stops_its_customer_only(found: MakeCompany, database: str) -> None:
    """A state that can be read but contradicts itself: the passes raise, and the reason names where."""
    company = found(database)
    company.post({"event": "Seen", "userId": "ill"}, {"event": "Seen", "userId": "well"})
    company.run()
    her = profile_of(company, "ill")
    state = decode_state(bytes(company.rows("SELECT state FROM states WHERE profile_id = ?", (her,))[0][0]))
    state.decisions.scores = {one: Score(0, "no day") for one in ("activity", "fit")}  # type: ignore[arg-type]
    raw = encode_state(state)
    damage(company, "ill", raw)
    company.post({"event": "Product Viewed", "userId": "ill"}, {"event": "Product Viewed", "userId": "well"})
    company.run()
    assert [row[0] for row in company.rows("SELECT profile_id FROM quarantined_customers")] == [her]
    company.post({"event": "Last", "userId": "well"})
    company.run()
    last = company.rows("SELECT number FROM log WHERE name = 'Last'")[0][0]
    well = company.rows("SELECT state FROM states WHERE profile_id = ?", (profile_of(company, "well"),))[0][0]
    assert decode_state(bytes(well)).folded_to == last
