"""What is lent is folded once, by somebody, and in smaller pieces the less is left."""

from typing import cast

import pytest

from kundenkreis.kernel.ids import NEVER
from kundenkreis.kernel.rows import LogRow
from kundenkreis.runtime.lending import PIECE, SMALLEST_PIECE, Lending
from kundenkreis.runtime.rulebooks import Rulebooks
from kundenkreis.runtime.shares import Counts, Folded, Share, StoredState
from kundenkreis.runtime.writes import Writes

pytestmark = pytest.mark.pure


class Patient:
    """A helper who answers only when somebody waits."""

    def __init__(self) -> None:
        self.given: list[Share] = []
        self.taken = 0

    def give(self, share: Share, rulebooks: Rulebooks) -> None:
        self.given.append(share)

    def has_answered(self) -> bool:
        return False

    def take(self) -> Folded:
        self.taken += 1
        return Folded(Writes(), Counts(customers=len(self.given[self.taken - 1].states)), [])


class Eager(Patient):
    """One who has always just finished."""

    def has_answered(self) -> bool:
        return True


def people(count: int) -> list[StoredState]:
    return [StoredState(number, NEVER, 0, b"") for number in range(count)]


def share_out(helper: Patient, count: int, rows: dict[int, list[LogRow]] | None = None) -> tuple[Lending, list[int]]:
    """Lend these to one helper and fold what it leaves; (the lending, sizes of the worker's own pieces)."""
    lending = Lending([helper], cast("Rulebooks", None))
    lending.add(people(count), rows or {number: [] for number in range(count)}, {}, 0)
    own = [piece.states for piece in lending.own_pieces()]
    lending.finish()
    folded = [one.profile_id for share in helper.given for one in share.states]
    assert sorted([*folded, *(one.profile_id for states in own for one in states)]) == list(range(count))
    assert lending.folded == len(folded)
    return lending, [len(states) for states in own]


@pytest.mark.parametrize("count", [1, SMALLEST_PIECE, SMALLEST_PIECE + 1, 500, 5_000])
@pytest.mark.parametrize("helper", [Patient, Eager])
def test_everybody_is_folded_once(helper: type[Patient], count: int) -> None:
    share_out(helper(), count)


def test_the_last_pieces_are_small() -> None:
    helper = Patient()
    _, own = share_out(helper, 5_000)
    assert own[1:] == sorted(own[1:], reverse=True)  # the first is what was left of the last full one
    assert own[1] == PIECE
    assert own[-1] <= SMALLEST_PIECE
    assert len(own) > len(helper.given)  # who answers slowly gets no more than what was at hand


def test_a_customer_with_many_rows_is_a_piece_of_its_own() -> None:
    row = LogRow(
        partition=0, number=1, event_id=b"", profile_id=0, type="track", name="", happened_us=0, received_us=0, at_us=0, day=0, origin="api",
    )  # fmt: skip
    helper = Patient()
    share_out(helper, 3, {0: [row] * 200, 1: [row] * 200, 2: []})
    assert [len(share.states) for share in helper.given] == [1, 1, 1]
