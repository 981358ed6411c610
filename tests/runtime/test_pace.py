"""Batches grow while nobody waits for less, and shrink when somebody does."""

from kundenkreis.runtime.pace import (
    BEHIND_US,
    FAR_BEHIND_FROM_US,
    FAR_BEHIND_US,
    FEWEST,
    FIRST,
    LIVE_US,
    MOST,
    Haste,
    Pace,
)


def settled(*, drained: bool, waited_us: int, microseconds_per_message: int) -> Pace:
    pace = Pace()
    for _ in range(40):
        pace.adapt(pace.size * microseconds_per_message, drained=drained, waited_us=waited_us)
    return pace


def test_a_batch_that_empties_the_inbox_is_never_a_reason_for_a_larger_one() -> None:
    pace = Pace()
    pace.adapt(1, drained=True, waited_us=0)
    assert pace.size == FIRST
    pace.adapt(2 * LIVE_US, drained=True, waited_us=0)
    assert pace.size == FIRST // 2


def test_behind_and_far_behind() -> None:
    behind = settled(drained=False, waited_us=FAR_BEHIND_FROM_US, microseconds_per_message=200)
    assert (behind.size, behind.haste) == (BEHIND_US // 200, Haste.BEHIND)
    far = settled(drained=False, waited_us=FAR_BEHIND_FROM_US + 1, microseconds_per_message=200)
    assert (far.size, far.haste) == (FAR_BEHIND_US // 200, Haste.FAR_BEHIND)
    far.adapt(1, drained=True, waited_us=FAR_BEHIND_FROM_US + 1)
    assert far.haste is Haste.BEHIND
    far.adapt(1, drained=True, waited_us=0, is_idle=True)
    assert far.haste is Haste.NONE
    far.adapt(1, drained=True, waited_us=0)
    assert far.haste is Haste.NONE


def test_there_are_limits() -> None:
    assert settled(drained=False, waited_us=0, microseconds_per_message=1).size == MOST
    assert settled(drained=False, waited_us=0, microseconds_per_message=10_000).size == FEWEST
