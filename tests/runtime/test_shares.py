"""Who can be folded without a store, and who is handed back."""

import msgspec
import pytest

from kundenkreis.customers.core.state import encode_state
from kundenkreis.engine.advance import new_customer
from kundenkreis.kernel.hashing import event_id_of, profile_id_of
from kundenkreis.kernel.ids import NEVER
from kundenkreis.kernel.rows import LogRow
from kundenkreis.runtime.rulebooks import KnownRulebooks, Published, documents_of
from kundenkreis.runtime.shares import Folded, Share, StoredState, fold_share
from tests.engine.company import canonical
from tests.engine.stories import STARTS, ZONE

pytestmark = pytest.mark.pure
NOW = STARTS[0]


def row(name: str, number: int) -> LogRow:
    event_id = event_id_of("shop", name)
    return LogRow(
        partition=0, number=number, event_id=event_id, profile_id=profile_id_of(event_id), type="track", name="Product Viewed",
        happened_us=NOW, received_us=NOW, at_us=NOW, day=ZONE.day_number(NOW), origin="api",
    )  # fmt: skip


def stored(name: str, *, forwarded_to: int = 0, damaged: bool = False) -> StoredState:
    state = new_customer(row(name, 1), rulebook_version=1)
    state.forwarded_to = forwarded_to
    data = encode_state(state)
    return StoredState(state.profile_id, NEVER, 0, data[:40] if damaged else data)


def fold(*states: StoredState, rows: list[LogRow]) -> Folded:
    rulebooks = KnownRulebooks(Published(ZONE.name, {1: documents_of(canonical(1))}, {1: []}, NEVER))
    share = msgspec.msgpack.decode(msgspec.msgpack.encode(Share(NOW, list(states), rows, [])), type=Share)
    return fold_share(share, rulebooks)


def test_who_is_folded_is_written() -> None:
    folded = fold(stored("anna"), rows=[row("anna", 7)])
    assert (folded.handed_back, folded.counts.customers, folded.counts.due) == ([], 1, 0)
    assert [written[0] for written in folded.writes.unmarked] == [row("anna", 7).profile_id]


def test_a_row_folded_before_is_left_out() -> None:
    anna = stored("anna")
    once = fold(anna, rows=[row("anna", 7)]).writes.unmarked[0]
    again = StoredState(anna.profile_id, anna.wake_us, anna.control_to, once[1])
    assert fold(again, rows=[row("anna", 7)]).writes.unmarked[0][1] == once[1]


def test_whoever_needs_the_store_is_handed_back() -> None:
    states = [stored("anna"), stored("bert", forwarded_to=5), stored("carla", damaged=True)]
    folded = fold(*states, rows=[row("anna", 7), row("bert", 8), row("carla", 9)])
    assert folded.handed_back == [states[1].profile_id, states[2].profile_id]
    assert [written[0] for written in folded.writes.unmarked] == [states[0].profile_id]
