"""Who forbids something in a request that nobody has resolved yet."""

import json
from typing import Any

import pytest

from kundenkreis.customers.core.consent import CONSENT_EVENTS
from kundenkreis.events.core.withdrawals import FORBIDDING
from kundenkreis.runtime.unheard import forbidden_by

pytestmark = pytest.mark.pure

WITHDRAWN = {"event": "Consent Withdrawn", "userId": "u-1"}


def batch(*events: dict[str, Any], **shared: Any) -> bytes:
    return json.dumps({"batch": events, **shared}).encode()


def test_every_forbidding_event_is_one_that_the_fold_knows() -> None:
    assert set(FORBIDDING) <= set(CONSENT_EVENTS)


@pytest.mark.parametrize(
    ("endpoint", "body", "named"),
    [
        ("track", json.dumps(WITHDRAWN).encode(), {("id", "u-1")}),
        ("track", b'{"event": " Consent Objected ", "userId": 7}', {("id", "7")}),
        (
            "batch",
            batch({"type": "track", **WITHDRAWN}, {"type": "page", "userId": "u-2"}, {"type": "track", "event": "Order Completed", "userId": "u-3"}),
            {("id", "u-1")},
        ),
        ("batch", batch(WITHDRAWN, context={"traits": {"email": " A@B.example"}}), {("id", "u-1"), ("email", "a@b.example")}),
        ("track", b'{"event": "Unsubscribed", "properties": {"phone": "+49 (30) 1"}}', {("phone", "+49301")}),
        ("batch", b'{"batch": "Consent Withdrawn"}', set()),
        ("batch", b'{"batch": ["Consent Withdrawn", null, 7]}', set()),
        ("batch", b"Consent Withdrawn", set()),
        ("track", b'{"event": ["Consent Withdrawn"], "userId": "u-1"}', set()),
    ],
)  # fmt: skip
def test_people_are_found_where_identifiers_stand(endpoint: str, body: bytes, named: set[tuple[str, str]]) -> None:
    assert forbidden_by(endpoint, body) == named
