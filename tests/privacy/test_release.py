"""A quarantined customer is released once the cause is mended, and everything that was skipped is folded."""

from collections.abc import Callable

import pytest

from kundenkreis.customers.core.state import decode_state
from kundenkreis.runtime.replaying import release_customers
from tests.bad_input.test_poison import damage, profile_of
from tests.privacy.company import Company

pytestmark = pytest.mark.db


def test_whoever_was_ill_catches_up_after_the_release(found: Callable[..., Company], database: str) -> None:
    company = found(database)
    company.post({"event": "Seen", "userId": "ill"}, {"event": "Seen", "userId": "well"})
    company.run()
    sound = damage(company, "ill", b"\xc1")
    for number in range(3):
        order = {"order_id": f"B-{number}", "total": 5, "currency": "EUR"}
        company.post({"event": "Order Completed", "userId": "ill", "properties": order})
        company.run()
    assert company.rows("SELECT count(*) FROM orders") == [(0,)]
    damage(company, "ill", sound)
    release_customers(company.installation, [profile_of(company, "ill")])
    company.run()
    assert company.rows("SELECT count(*) FROM quarantined_customers") == [(0,)]
    state = decode_state(
        bytes(company.rows("SELECT state FROM states WHERE profile_id = ?", (profile_of(company, "ill"),))[0][0])
    )
    assert (state.commerce.order_count, company.rows("SELECT count(*) FROM orders")) == (3, [(3,)])
