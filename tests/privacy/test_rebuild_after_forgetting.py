"""Whoever was forgotten or erased is missing from the log and from the states alike: a rebuild finds no difference."""

from collections.abc import Callable

import pytest

from kundenkreis.kernel.zones import DAY
from kundenkreis.privacy.erasure import erase
from kundenkreis.runtime.rebuild import second_store, verify
from tests.privacy.company import Company

pytestmark = pytest.mark.db


def differences(company: Company) -> list[object]:
    """What a rebuild into an empty second store finds, after every row of the log was held to its checksum."""
    with second_store(None) as second:
        report = verify(company.installation.store, second, zone=company.installation.zone)
    assert company.rows("SELECT count(*) FROM log") == [(report.compared["log"],)]
    return list(report.differences)


def test_a_rebuild_after_pruning_and_erasing_is_equal(found: Callable[..., Company], database: str) -> None:
    company = found(database)
    for number in range(30):
        company.post(
            {"event": "Product Viewed", "anonymousId": f"a-{number % 7}"},
            {"event": "Product Viewed", "userId": f"user-{number % 3}"},
        )
        company.live(company.clock.now_us() + 11 * DAY)
    company.post(*[{"event": "Product Viewed", "anonymousId": f"once-{number}"} for number in range(3)])
    company.live(company.clock.now_us() + 10 * DAY)
    assert differences(company) == []
    company.clock.advance_to(company.clock.now_us() + 100 * DAY)
    company.post(
        {"event": "Product Viewed", "anonymousId": "once-0"}
    )  # ends the silence in the batch that would forget
    company.run()
    assert company.rows("SELECT count(*) FROM fences WHERE reason = 'silent'")[0][0] >= 9
    assert company.rows("SELECT count(*) FROM states")[0][0] >= 4
    assert differences(company) == []
    erase(company.installation, "user-1")
    assert differences(company) == []
