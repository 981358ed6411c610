"""Generated requests against the API's own description: no server error, no answer that is not documented.

Each is sent twice: with the invented ids, and with ids of what is there.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.runtime.town import Town
from tests.site.api.conftest import ask, make_key
from tests.site.conftest import Site

pytestmark = pytest.mark.db

_EXAMPLES = 8
"""For each operation: about half a minute in all."""


@pytest.fixture
def moving(served: Site, town: Town) -> Iterator[Site]:
    """The clock goes on by a second with every request, so that the limit of a minute is never met."""
    from dataclasses import replace

    from kundenkreis.kernel.zones import SECOND
    from kundenkreis.site.mounted import mount, mounted

    before = mounted()

    def later() -> int:
        town.clock.advance_to(town.clock.now_us() + SECOND)
        return town.clock.now_us()

    mount(replace(before, clock_us=later))
    yield served
    mount(before)


def _what_is_there(site: Site, key: str) -> dict[str, Any]:
    people = [one["profile_id"] for one in ask(site, key, "GET", "customers").json()["lines"]]
    return {
        "profile_id": people[0],
        "joined_id": people[1],
        "journey_id": "welcome",
        "count_id": ask(site, key, "POST", "segments/counts", {"condition": {"phase": {"is": "care"}}}).json()[
            "count_id"
        ],
        "trial_id": ask(
            site, key, "POST", "journeys/welcome/trials", {"from_on": "2025-12-20", "to_on": "2026-01-01"}
        ).json()["trial_id"],
        "content_id": "welcome_hello",
        "export_id": ask(site, key, "POST", "exports", {"columns": ["phase", "=firstName"]}).json()["export_id"],
        "filter_id": ask(site, key, "POST", "filters", {"name": "x", "condition": {"phase": {"is": "care"}}}).json()[
            "filter_id"
        ],
    }


def test_every_operation_answers_as_it_is_described(moving: Site) -> None:
    import schemathesis
    from django.core.wsgi import get_wsgi_application
    from hypothesis import HealthCheck, Phase, given, seed, settings
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    from kundenkreis.site.api.description import description
    from kundenkreis.site.api.offers import OFFERED

    checks = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
    described = schemathesis.openapi.from_dict(description())
    described.app = get_wsgi_application()
    key, walked, wrong = make_key(), 0, []
    there = _what_is_there(moving, key)
    statuses = set()
    for found in described.get_all_operations():
        operation: Any = found.ok()
        walked += 1

        @seed(1)
        @settings(
            max_examples=_EXAMPLES, deadline=None, database=None, phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy())
        def walk(case: Any) -> None:
            asked = {
                "base_url": "http://127.0.0.1:8321",
                "headers": {"Authorization": f"Bearer {key}", "Accept-Encoding": "identity"},
            }
            statuses.add(case.call_and_validate(**asked, checks=checks).status_code)
            if known := {name: there[name] for name in case.path_parameters or {} if name in there}:
                case.path_parameters |= known
                statuses.add(case.call_and_validate(**asked, checks=checks).status_code)

        try:
            walk()
        except Exception as error:
            wrong.append(f"{operation.label}: {error}")
    assert wrong == []
    assert walked == len(OFFERED)
    assert {200, 404, 422} <= statuses
