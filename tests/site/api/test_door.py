"""Who gets in: every operation x every role, keys without the scope, sessions, and refusals in one form."""

import pytest

from kundenkreis.site.access import Role, permissions_of
from tests.site.api.conftest import ask, make_key
from tests.site.conftest import Site

pytestmark = pytest.mark.db

_PARAMETERS = {"profile_id": "1", "joined_id": "2", "message_id": "0a", "segment_id": "nosuch", "journey_id": "nosuch",
               "content_id": "nosuch", "filter_id": "0a", "export_id": "0a", "bulk_id": "0a", "switch": "pause", "account_id": "999999",
               "trial_id": "0a", "count_id": "0a", "invitation_id": "999999", "key_id": "999999", "shown": "nosuch", "kind": "segment",
               "name": "nosuch"}  # fmt: skip


def _walk() -> list[tuple[str, str, tuple[str, ...]]]:
    """(method, path with parameters filled in, permissions) of every operation."""
    from kundenkreis.site.api.description import description
    from kundenkreis.site.api.offers import OFFERED

    assert len(description()["paths"]) == len({path for _method, path in OFFERED})
    return [
        (method, path.format(**_PARAMETERS), offered.needed(_PARAMETERS)) for (method, path), offered in OFFERED.items()
    ]


@pytest.mark.parametrize("role", list(Role))
def test_role_reaches_what_its_permissions_allow_and_nothing_else(served: Site, role: str) -> None:
    key, wrong = make_key(role), []
    for method, path, needs in _walk():
        status = ask(served, key, method, path).status_code
        if (status == 403) == permissions_of(Role(role)).issuperset(needs) or status >= 500:
            wrong.append(f"{method} {path}: {status}")
    assert wrong == []


def test_key_without_a_scope_is_refused_though_its_owner_may(served: Site) -> None:
    wrong = []
    for method, path, needs in _walk():
        for missing in needs:
            key = make_key(scopes=sorted(permissions_of(Role.OWNER) - {missing}))
            answer = ask(served, key, method, path)
            if (answer.status_code, answer.json().get("code")) != (403, "forbidden"):
                wrong.append(f"{method} {path} without {missing}: {answer.status_code}")
    assert wrong == []


def test_nobody_gets_in_without_a_key_and_is_told_so_as_a_problem(served: Site) -> None:
    for method, path, _needs in _walk():
        for key in ("", "kk_api_wrong"):
            answer = ask(served, key, method, path)
            assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")
            assert answer["WWW-Authenticate"] == 'Bearer realm="Kundenkreis"'


def test_session_reads_but_changes_nothing(served: Site) -> None:
    browser = served.insider()
    assert browser.get("/api/v1/segments").status_code == 200
    assert browser.post("/api/v1/customers/1/resume").status_code == 401
    assert browser.post("/api/v1/customers/query", {}, content_type="application/json").status_code == 401


def test_what_does_not_exist_is_a_problem_and_no_page(served: Site) -> None:
    key = make_key()
    for path in ("nosuch", "customers/", "customers/999999", "segments/nosuch", "drafts/segment/nosuch"):
        answer = ask(served, key, "GET", path)
        assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    answer = ask(served, key, "DELETE", "customers")
    assert (answer.status_code, answer["Allow"], answer.json()["code"]) == (405, "GET", "method_not_allowed")


def test_mistakes_are_pointed_at(served: Site) -> None:
    key = make_key()
    answer = ask(served, key, "POST", "customers/1/pause", {"until": "soon", "reason": "Holiday", "x/y": 1})
    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.json()["errors"]] == ["#/until", "#/x~1y"]
    answer = ask(served, key, "GET", "customers?limit=9999")
    assert [one["parameter"] for one in answer.json()["errors"]] == ["limit"]
    answer = ask(served, key, "POST", "customers/query", {"condition": {"evnt": {"name": "Order Completed"}}})
    assert (answer.status_code, answer.json()["code"]) == (422, "condition_refused")
    assert [one["pointer"] for one in answer.json()["errors"]] == ["#/condition/evnt"]
    client = served.visitor()
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {key}"}
    broken = client.generic("POST", "/api/v1/customers/query", "{", content_type="application/json", **bearer)
    assert (broken.status_code, broken["Content-Type"]) == (400, "application/problem+json")


def test_key_has_its_requests_per_minute(served: Site) -> None:
    from kundenkreis.site.api.door import PER_MINUTE

    key = make_key()
    assert {ask(served, key, "GET", "drafts").status_code for _ in range(PER_MINUTE)} == {200}
    answer = ask(served, key, "GET", "drafts")
    assert (answer.status_code, answer["Retry-After"]) == (429, "60")
    assert ask(served, make_key(), "GET", "drafts").status_code == 200
