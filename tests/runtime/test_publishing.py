"""Publishing into a store: what is in force, what would happen to everybody, and that it happens to nobody before it is published."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kundenkreis.customers.core.state import CustomerState, encode_state
from kundenkreis.definitions.canonical import canonical_json
from kundenkreis.definitions.errors import PublishedMeanwhileError
from kundenkreis.definitions.impact import MembershipImpact
from kundenkreis.definitions.load import load_files
from kundenkreis.kernel.ids import NEVER, partition_of
from kundenkreis.runtime.installation import Installation
from kundenkreis.runtime.publishing import StorePublisher
from kundenkreis.runtime.stores.schema import STATES
from kundenkreis.settings import read_settings
from tests.definitions.samples import accepted, good

pytestmark = pytest.mark.db

BUYERS = (
    "kind: segment\nid: buyers\nname: {{de: Käufer}}\nwhen: {{trait: {{name: order_count, op: '>=', value: {}}}}}\n"
)


@pytest.fixture(params=["sqlite", "postgres"])
def installation(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    database = request.getfixturevalue("postgres_database") if request.param == "postgres" else ""
    opened = Installation(read_settings({"KREIS_DATA_DIR": str(tmp_path / "data"), "KREIS_DATABASE": database}))
    yield opened
    opened.close()


def buyers(orders: int) -> bytes:
    """A rulebook with one segment."""
    return canonical_json(accepted(load_files([("a.yaml", BUYERS.format(orders).encode())])))


def test_what_is_published_is_in_force_byte_by_byte(installation: Installation) -> None:
    publisher = StorePublisher(installation)
    assert publisher.in_force() == b"[]"
    version, position = publisher.publish(canonical_json(good()), actor="anna")
    assert (version, position > 0, publisher.in_force()) == (1, True, canonical_json(good()))
    assert publisher.publish(buyers(1), actor="anna")[0] == 2
    assert publisher.in_force() == buyers(1)


def test_impact_counts_everybody_and_writes_nothing(installation: Installation) -> None:
    publisher = StorePublisher(installation)
    publisher.publish(buyers(1), actor="anna")
    rows = []
    for profile_id in range(1, 601):
        state = CustomerState(profile_id, str(profile_id), 0, 0, rulebook_version=1)
        state.commerce.order_count = profile_id % 3
        if state.commerce.order_count:
            state.decisions.inside["buyers"] = 1
        rows.append([profile_id, partition_of(profile_id), NEVER, 0, encode_state(state)])
    with installation.store.transaction() as tx:
        tx.insert(STATES, rows)
    impact = publisher.impact(buyers(2))
    assert (impact.customers, impact.memberships) == (600, (MembershipImpact("segment", "buyers", 0, 200),))
    with installation.store.reading() as tx:
        kept = tx.rows("SELECT profile_id, partition, wake_us, control_to, state FROM states ORDER BY profile_id")
    assert [[*row[:4], bytes(row[4])] for row in kept] == rows
    assert publisher.in_force() == buyers(1)


def test_what_was_published_meanwhile_is_not_overwritten(installation: Installation) -> None:
    publisher = StorePublisher(installation)
    publisher.publish(buyers(1), actor="anna", after=0)
    with pytest.raises(PublishedMeanwhileError):
        publisher.publish(buyers(2), actor="ben", after=0)
    assert (publisher.version_in_force(), publisher.in_force()) == (1, buyers(1))
    assert publisher.publish(buyers(2), actor="ben", after=1)[0] == 2
