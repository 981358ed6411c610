"""When the counter counts, and that it rests in between."""

from pathlib import Path

import pytest

from kundenkreis.kernel.zones import SECOND
from kundenkreis.runtime.clock import VirtualClock
from kundenkreis.runtime.counting.counter import SHORTEST_PAUSE, STANDSTILL, Counter, Look
from kundenkreis.runtime.installation import Installation
from kundenkreis.settings import Settings

pytestmark = pytest.mark.db
NOW = 1_790_000_000 * SECOND


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(NOW)


def test_nothing_new_is_looked_for_now_and_then_and_counted_seldom(tmp_path: Path, clock: VirtualClock) -> None:
    installation = Installation(Settings(data_dir=tmp_path), clock=clock)
    installation.ensure_rulebook()
    counted: list[int] = []

    def count(look: Look) -> int:
        counted.append(look.at_us)
        return 0

    counter = Counter(installation, {"number": count})
    looks = 0
    while clock.now_us() < NOW + STANDSTILL:
        again_us = counter.count_due()
        assert again_us >= clock.now_us() + SHORTEST_PAUSE
        clock.advance_to(again_us)
        looks += 1
    assert counted == [NOW]
    assert looks == STANDSTILL // SHORTEST_PAUSE
    counter.count_due()
    assert counted == [NOW, NOW + STANDSTILL]
    installation.close()
