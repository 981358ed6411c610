"""The impact shown before publishing is what publishing then does; a large store is asked by sample and says so."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from kundenkreis.customers.core.state import decode_state
from kundenkreis.definitions.canonical import canonical_json, definitions_from_json
from kundenkreis.definitions.impact import Impact
from kundenkreis.definitions.use_cases.apply_definitions import impact_in_words
from kundenkreis.kernel.zones import DAY
from kundenkreis.runtime import publishing
from kundenkreis.runtime.publishing import StorePublisher
from tests.runtime.town import Town, live_through

pytestmark = pytest.mark.db


@pytest.fixture(params=["sqlite", "postgres"])
def town(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Town]:
    database = request.getfixturevalue("postgres_database") if request.param == "postgres" else ""
    town = Town(tmp_path / "town", database)
    live_through(town)
    consent = {
        "channel": "email",
        "purpose": "newsletter",
        "basis": "express_consent",
        "wording": "News",
        "proof": "form 8",
    }
    for number in range(20, 24):
        town.send("identify", userId=f"u{number}", traits={"email": f"u{number}@example.com", "country": "DE"})
        town.send("track", userId=f"u{number}", event="Consent Confirmed", properties=consent)
        town.order(f"u{number}", f"first-{number}", 30.0)
    town.pass_time(4 * DAY)  # delivered: the second purchase begins
    yield town
    town.close()


def _changed(town: Town) -> bytes:
    """A new segment, and the birthday journey with another wait."""
    documents = msgspec.json.decode(msgspec.json.encode(town.documents()))
    documents = [one for one in documents if one.get("id") != "movers"]
    for one in documents:
        if one["kind"] == "journey":
            one["priority"] = 9
    documents.append(
        {
            "kind": "segment", "id": "buyers", "name": {"de": "Käufer", "en": "Buyers"},
            "when": {"trait": {"name": "order_count", "op": ">=", "value": 1}},
        }
    )  # fmt: skip
    return canonical_json(definitions_from_json(msgspec.json.encode(documents)))


def _inside(town: Town, segment: str) -> int:
    with town.installation.store.reading() as tx:
        sql = "SELECT count(*) FROM memberships WHERE definition_id = ? AND until_us > ?"
        return int(tx.rows(sql, (segment, town.clock.now_us()))[0][0])


def test_the_impact_is_what_happens(town: Town) -> None:
    publisher, changed = StorePublisher(town.installation), _changed(town)
    impact = publisher.impact(changed)
    moves = {one.id: (one.entering, one.leaving) for one in impact.memberships}
    movers = _inside(town, "movers")
    assert movers > 0
    assert moves["movers"] == (0, movers)
    with town.installation.store.reading() as tx:
        states = [decode_state(bytes(row[0])) for row in tx.rows("SELECT state FROM states")]
    assert sum(one.on_earlier_version for one in impact.journeys) == sum(len(state.runs) for state in states) > 0
    publisher.publish(changed, actor="test")
    town.run()
    assert (_inside(town, "buyers"), _inside(town, "movers")) == (moves["buyers"][0], 0)
    assert StorePublisher(town.installation).in_force() == changed


def test_a_large_store_is_asked_by_sample(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    everybody = StorePublisher(town.installation).impact(_changed(town))
    monkeypatch.setattr(publishing, "MOST_ASKED", 12)
    some = StorePublisher(town.installation).impact(_changed(town))
    assert everybody.sample_percent == 100
    assert 0 < some.sample_percent < 100
    assert some.customers < everybody.customers
    assert impact_in_words(some, "en")[0].startswith("Asked for a sample of ")
    assert Impact(10, (), (), 25.0).estimate(8) == (32, 19)
