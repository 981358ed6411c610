"""What the operations answer on a real installation: reading, acting, drafts, and requests that come twice."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.site.api.conftest import ask, make_key
from tests.site.conftest import Site

pytestmark = pytest.mark.db

_SEGMENT = {
    "name": {"de": "Käufer", "en": "Buyers"},
    "when": {"event": {"name": "Order Completed", "count": {"at_least": 1}}},
}


def _read(site: Site, key: str, path: str) -> Any:
    answer = ask(site, key, "GET", path)
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_list_goes_on_at_its_cursor(served: Site) -> None:
    key = make_key()
    first = _read(served, key, "customers?limit=2&sort=name")
    rest = _read(served, key, f"customers?limit=2&sort=name&cursor={first['next_cursor']}")
    assert [one["email"] for one in first["lines"] + rest["lines"]] == [f"u{n}@example.com" for n in (1, 2, 3)]
    assert rest["next_cursor"] == ""


def test_one_customer_is_read_and_the_look_is_audited_once(served: Site) -> None:
    from kundenkreis.site.models import AuditEntry

    key = make_key()
    profile_id = _read(served, key, "customers?text=u2@example.com")["lines"][0]["profile_id"]
    for _ in range(2):
        found = _read(served, key, f"customers/{profile_id}")
        assert (found["email"], found["rhythm"]["order_count"]) == ("u2@example.com", 1)
    entries = _read(served, key, f"customers/{profile_id}/timeline?part=orders")["entries"]
    assert [one["name"] for one in entries] == ["Order Completed"]
    audited = AuditEntry.objects.values_list("action", "object_kind", "object_id", "actor_name")
    assert list(audited) == [("viewed", "customer", str(profile_id), "the owner (Till)")]


def test_special_category_is_corrected_by_those_alone_who_may_see_it(served: Site) -> None:
    key = make_key("service")
    profile_id = _read(served, key, "customers?text=u2@example.com")["lines"][0]["profile_id"]
    sent = {"name": "religion", "value": "none", "reason": "asked"}
    refused = ask(served, key, "POST", f"customers/{profile_id}/correct", sent)
    assert (refused.status_code, refused.json()["needs"]) == (403, ["personal.sensitive"])


def test_every_list_answers(served: Site) -> None:
    key = make_key()
    for path in ("segments", "journeys", "contents", "messages", "drafts", "start", "status", "search?q=u1"):
        _read(served, key, path)
    names = {one["id"] for one in _read(served, key, "definitions/journey")}
    for one in names:
        assert _read(served, key, f"journeys/{one}")["line"]["id"] == one
    assert _read(served, key, "definitions/phases/-")["kind"] == "phases"
    assert "Anna" in _read(served, key, "contents/welcome_hello/preview?variant=de/du")["text"]


def test_second_editor_is_told_and_shown_the_others_draft(served: Site) -> None:
    key, other = make_key(), make_key("marketing")
    path = "drafts/segment/buyers"
    first = ask(served, key, "PUT", path, {"document": _SEGMENT}, if_match='"0"')
    assert (first.status_code, first["ETag"], first.json()["revision"]) == (200, '"1"', 1)
    second = ask(served, other, "PUT", path, {"document": {}}, if_match='"0"')
    assert (second.status_code, second.json()["code"]) == (409, "stale_draft")
    assert second.json()["current"]["document"]["name"] == _SEGMENT["name"]
    assert ask(served, other, "DELETE", path, if_match='"1"').json() == {"is_discarded": True}


def test_drafts_are_checked_and_published_together(served: Site) -> None:
    key = make_key()
    chosen = {"drafts": [{"kind": "segment", "id": "buyers", "revision": 1}]}
    wrong = _SEGMENT | {"when": {"event": {"nam": "Order Completed"}}}
    ask(served, key, "PUT", "drafts/segment/buyers", {"document": wrong}, if_match='"0"')
    assert ask(served, key, "POST", "drafts/check", chosen).json()["mistakes"] != []
    refused = ask(served, key, "POST", "drafts/publish", chosen)
    assert (refused.status_code, refused.json()["code"]) == (422, "drafts_refused")
    ask(served, key, "PUT", "drafts/segment/buyers", {"document": _SEGMENT}, if_match='"1"')
    assert ask(served, key, "POST", "drafts/publish", chosen).status_code == 409  # another revision was looked at
    chosen["drafts"][0]["revision"] = 2
    assert ask(served, key, "POST", "drafts/check", chosen).json()["changes"] == ["segment:buyers"]
    reader = make_key("viewer")
    assert ask(served, reader, "POST", "drafts/publish", chosen).json()["needs"] == ["segments.edit"]
    assert ask(served, key, "POST", "drafts/publish", chosen).json() == {"version": 2}
    assert _read(served, key, "definitions/segment/buyers")["document"]["name"] == _SEGMENT["name"]


def _pause_path(site: Site, key: str) -> str:
    return f"customers/{_read(site, key, 'customers')['lines'][0]['profile_id']}/pause"


def test_same_request_with_the_same_key_is_carried_out_once(served: Site) -> None:
    from kundenkreis.site.models import AuditEntry

    key = make_key()
    path, body = _pause_path(served, key), {"until": "2026-01-09", "reason": "On holiday"}
    answers = [ask(served, key, "POST", path, body, idempotency_key="k1") for _ in range(2)]
    assert [(one.status_code, one.get("Idempotency-Replayed")) for one in answers] == [(200, None), (200, "true")]
    assert answers[0].content == answers[1].content
    assert AuditEntry.objects.filter(action="paused").count() == 1
    other = ask(served, key, "POST", path, body | {"reason": "Else"}, idempotency_key="k1")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert ask(served, key, "POST", path, body, idempotency_key="ä").status_code == 400


def test_parallel_requests_with_the_same_key_are_carried_out_once(served: Site) -> None:
    from django.db import connection

    from kundenkreis.site.models import AuditEntry

    key = make_key()
    path, body = _pause_path(served, key), {"until": "2026-01-09", "reason": "On holiday"}

    def pause(_number: int) -> tuple[int, bytes]:
        try:
            answer = ask(served, key, "POST", path, body, idempotency_key="k2")
            return answer.status_code, answer.content
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        answers = set(pool.map(pause, range(4)))
    assert len(answers) == 1
    assert answers.pop()[0] == 200
    assert AuditEntry.objects.filter(action="paused").count() == 1
