"""What a turn passes on to what it derives."""

import pytest

from kundenkreis.customers.core.state import CustomerState
from kundenkreis.customers.core.turn import Turn, derived_row
from kundenkreis.kernel.rows import LogRow
from kundenkreis.kernel.zones import zone

pytestmark = pytest.mark.pure


def turn(row: LogRow | None = None) -> Turn:
    return Turn(CustomerState(1, "b", 0, 0), 5, row=row, zone=zone("UTC"), rulebook_version=1)


def test_publishing_is_inherited_by_what_follows() -> None:
    published = turn()
    published.publishing = True
    published.derive("Segment Entered", {"segment": "vip"})
    following = turn(derived_row(published.derived[0], turn=published))
    following.derive("Phase Changed", {})
    assert [event.properties for event in following.derived] == [{"publishing": True}]


def test_nobody_outside_can_claim_it() -> None:
    row = LogRow(
        partition=1, number=1, event_id=b"1", profile_id=1, type="track", name="Segment Entered", happened_us=5, received_us=5, at_us=5, day=0,
        origin="api", body={"properties": {"publishing": True}},
    )  # fmt: skip
    assert turn(row).publishing is False
    ordinary = turn()
    ordinary.derive("Told", {"n": 1})
    assert ordinary.derived[0].properties == {"n": 1}
