"""What is known of a person does not depend on the order in which it is heard."""

from itertools import permutations
from typing import Any

import pytest

from kundenkreis.customers.core.profile import MOST_ATTRIBUTES, apply_profile, attribute
from kundenkreis.customers.core.state import CustomerState
from kundenkreis.customers.core.turn import Turn
from kundenkreis.kernel.rows import DERIVED, LogRow
from kundenkreis.kernel.zones import zone

pytestmark = pytest.mark.pure

UTC = zone("UTC")


def told(
    state: CustomerState, happened_us: int, traits: dict[str, Any], *, event_id: bytes = b"", at_us: int = 99, flags: int = 0
) -> set[str]:  # fmt: skip
    """Fold what was said then; the keys it marked."""
    row = LogRow(
        partition=1, number=1, event_id=event_id or b"%d" % happened_us, profile_id=1, type="identify", name="",
        happened_us=happened_us, received_us=at_us, at_us=at_us, day=0, origin="api", flags=flags, body={"traits": traits},
    )  # fmt: skip
    turn = Turn(state, at_us, row=row, zone=UTC, rulebook_version=1)
    apply_profile(turn)
    return turn.dirty - {"seen", "first_seen"}


@pytest.mark.parametrize("order", list(permutations((1, 2, 3))))
@pytest.mark.parametrize("values", [("Europe/Berlin", "Asia/Tokyo", None), (None, "x", None), ("x", None, "y")])
def test_what_was_said_last_holds_in_whatever_order_it_comes(order: tuple[int, ...], values: tuple[Any, ...]) -> None:
    state = CustomerState(1, "b", 0, 0)
    for happened_us in order:
        told(state, happened_us, {"timezone": values[happened_us - 1]})
    assert attribute(state, "timezone") == values[-1]


@pytest.mark.parametrize("ids", [b"abc", b"cba", b"bca"])
def test_what_a_journey_sets_comes_after_what_brought_it_there(ids: bytes) -> None:
    state = CustomerState(1, "b", 0, 0)
    told(state, 5, {"stage": "new", "other": "x"}, event_id=ids[:1], at_us=5)
    told(state, 5, {"stage": "greeted"}, event_id=ids[1:2], at_us=5, flags=DERIVED)
    told(state, 5, {"stage": "asked"}, event_id=ids[2:], at_us=5, flags=DERIVED)
    assert (attribute(state, "stage"), attribute(state, "other")) == ("asked", "x")
    told(state, 6, {"stage": "answered"}, at_us=7)
    told(state, 5, {"stage": "late"}, event_id=b"z", at_us=8, flags=DERIVED)
    assert attribute(state, "stage") == "answered"


def test_what_takes_nothing_away_changes_nothing() -> None:
    state = CustomerState(1, "b", 0, 0)
    assert told(state, 1, {"city": None}) == set()
    assert told(state, 2, {"city": "Ulm"}) == {"attribute:city"}
    assert told(state, 3, {"city": None}) == {"attribute:city"}
    assert told(state, 4, {"city": None}) == set()


def test_more_attributes_than_are_kept_are_not() -> None:
    state = CustomerState(1, "b", 0, 0)
    told(state, 1, {f"a{number}": number for number in range(MOST_ATTRIBUTES)})
    assert told(state, 2, {"one_more": 1, "another": None, "a0": 7}) == {"attribute:a0"}
    assert len(state.profile.attributes) == MOST_ATTRIBUTES
