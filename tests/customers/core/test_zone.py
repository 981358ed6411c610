"""The zone in which a person's days and hours are meant."""

from typing import Any

import pytest

from kundenkreis.customers.core.state import Attribute, CustomerState
from kundenkreis.customers.core.zone import zone_of
from kundenkreis.kernel.zones import zone

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({}, "Europe/Berlin"),
        ({"timezone": "America/New_York", "country": "AT"}, "America/New_York"),
        ({"country": "at"}, "Europe/Vienna"),
        ({"country": "US"}, "Europe/Berlin"),
        ({"address": {"country": "CH"}}, "Europe/Zurich"),
        ({"country": "GB", "address": {"country": "CH"}}, "Europe/London"),
        ({"timezone": "Mars/Olympus", "country": "CH"}, "Europe/Zurich"),
        ({"timezone": "../../etc/passwd"}, "Europe/Berlin"),
        ({"timezone": "a\x00b"}, "Europe/Berlin"),
        ({"timezone": "x" * 100_000}, "Europe/Berlin"),
        ({"timezone": 3600, "country": ["CH"]}, "Europe/Berlin"),
        ({"timezone": ""}, "Europe/Berlin"),
    ],
)
def test_zone_then_country_then_default(attributes: dict[str, Any], expected: str) -> None:
    state = CustomerState(1, "b", 0, 0)
    state.profile.attributes = {name: Attribute(value, 0, b"", "test") for name, value in attributes.items()}
    assert zone_of(state, zone("Europe/Berlin")).name == expected
