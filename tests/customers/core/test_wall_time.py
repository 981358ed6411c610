"""What a zone remembers of the question before changes no answer."""

import random

import pytest

from kundenkreis.kernel.zones import DAY_SECONDS, SECOND, Zone

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    "name", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia", "UTC"]
)
def test_a_wall_time_is_the_same_instant_whatever_was_asked_before(name: str) -> None:
    """Around every change of the clock, a day that was left out (Apia) among them; once afresh, once after a question near by."""
    chance, asked, fresh = random.Random(name), Zone(name), Zone(name)
    changes = [chance.randrange(0, 25_000) * DAY_SECONDS for _ in range(20)] + asked._instants[1:60]
    for change in changes:
        for _ in range(20):
            day = change // DAY_SECONDS + chance.randrange(-4, 5)
            second = chance.randrange(DAY_SECONDS)
            asked.offset_seconds((change + chance.randrange(-300_000, 300_000)) * SECOND)
            assert asked.instant_us(day, second) == fresh.instant_us(day, second), (day, second)
