"""Acts over the API beyond single customers: filters, exports, many together, switching journeys, deleting, accounts and keys."""

from typing import Any

import pytest

from kundenkreis.site.access import Role, permissions_of
from tests.engine import company
from tests.runtime.town import Town
from tests.site.api.conftest import ask, make_key
from tests.site.conftest import Site

pytestmark = pytest.mark.db

BUYERS = {"trait": {"name": "order_count", "op": ">=", "value": 1}}


def _post(site: Site, key: str, path: str, body: Any = None, **headers: str) -> Any:
    answer = ask(site, key, "POST", path, {} if body is None else body, **headers)
    assert answer.status_code == 200, answer.content
    return answer.json()


def _get(site: Site, key: str, path: str) -> Any:
    answer = ask(site, key, "GET", path)
    assert answer.status_code == 200, answer.content
    return answer.json()


def _audited() -> list[tuple[str, str]]:
    from kundenkreis.site.models import AuditEntry

    return [(one.action, one.object_kind) for one in AuditEntry.objects.order_by("pk") if one.action != "viewed"]


def test_filters_are_saved_listed_used_and_deleted(served: Site) -> None:
    key = make_key()
    saved = _post(served, key, "filters", {"name": " Tea  lovers ", "condition": BUYERS})
    assert (saved["name"], saved["condition"], saved["actor"]) == ("Tea lovers", BUYERS, "the owner (Till)")
    assert [one["filter_id"] for one in _get(served, key, "filters")] == [saved["filter_id"]]
    assert served.insider().get("/customers/").content.decode().count("Tea lovers") > 0
    assert _post(served, key, "exports", {"filter_id": saved["filter_id"]})["customers"] == 3
    assert ask(served, key, "DELETE", f"filters/{saved['filter_id']}").json() == {"is_deleted": True}
    assert ask(served, key, "DELETE", f"filters/{saved['filter_id']}").status_code == 404
    refused = ask(served, key, "POST", "filters", {"name": "x", "condition": {"event": {"nam": "x"}}})
    assert (refused.status_code, refused.json()["code"]) == (422, "condition_refused")


def test_export_is_started_and_fetched_by_its_maker_alone(served: Site) -> None:
    key = make_key()
    export = _post(served, key, "exports", {"condition": BUYERS, "columns": ["orders", "number"]})
    assert (export["customers"], export["customers_are"]) == (3, "exact")
    assert _audited() == []
    path = f"exports/{export['export_id']}/file"
    answer = ask(served, key, "GET", path)
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/csv; charset=utf-8")
    lines = b"".join(answer.streaming_content).decode("utf-8-sig").split("\r\n")
    assert lines[0] == "Name;E-mail;Orders;Customer number"
    assert sorted(lines[1:-1]) == [f"Anna Berg{n};u{n}@example.com;1;u{n}" for n in (1, 2, 3)]
    assert _audited() == [("exported", "customer")]
    assert ask(served, make_key("admin"), "GET", path).status_code == 404
    assert ask(served, make_key("sales"), "GET", path).status_code == 403
    assert ask(served, key, "GET", path.replace("/file", "x/file")).status_code == 404
    assert ask(served, key, "POST", "exports", {"columns": ["shoe_size"]}).status_code == 422


def test_many_are_changed_together_once(served: Site, town: Town) -> None:
    key = make_key()
    body = {"whom": {"condition": BUYERS}, "act": "set", "name": "club", "value": "gold"}
    assert _post(served, key, "together/look", body)["fates"]["done"] == 3
    ordered = {**body, "reason": "Fair", "token": "fair-1"}
    act = _post(served, key, "together", ordered)
    assert (act["total"], act["fates"]["done"], act["actor"]["reason"]) == (3, 3, "Fair")
    assert _post(served, key, "together", ordered)["bulk_id"] == act["bulk_id"]
    town.run()
    assert _get(served, key, f"together/{act['bulk_id']}")["is_shown"] is True
    assert _audited() == [("changed", "customer")] * 3
    with town.installation.store.reading() as tx:
        assert tx.rows("SELECT count(*) FROM log WHERE name = 'Attribute Set'") == [(3,)]
    uncounted = {"whom": {"condition": {"event": {"name": "Order Completed"}}}}
    for wrong in (
        uncounted,
        {"name": "email"},
        {"value": ""},
        {"act": "pause"},
        {"act": "pause", "until": "2020-01-01"},
    ):
        assert ask(served, key, "POST", "together/look", {**body, **wrong}).status_code == 422
    assert ask(served, key, "GET", "together/ab").status_code == 404


def test_journeys_are_switched(served: Site, town: Town) -> None:
    key = make_key()
    assert _post(served, key, "journeys/welcome/switch/pause", idempotency_key="p")["state"] == "paused"
    assert _post(served, key, "journeys/welcome/switch/pause", idempotency_key="p")["state"] == "paused"
    assert _post(served, key, "journeys/welcome/switch/resume")["state"] == "live"
    assert _post(served, key, "journeys/welcome/switch/stop")["state"] == "stopped"
    refused = ask(served, key, "POST", "journeys/welcome/switch/undo")
    assert (refused.status_code, refused.json()["code"]) == (422, "impossible")
    assert ask(served, key, "POST", "journeys/nosuch/switch/pause").status_code == 404
    assert ask(served, key, "POST", "journeys/welcome/switch/dance").status_code == 422
    assert _audited() == [("paused", "journey"), ("resumed", "journey"), ("stopped", "journey")]


def test_definition_is_taken_away_unless_it_would_be_missed(served: Site, town: Town) -> None:
    key = make_key()
    names = {"de": "Käufer", "en": "Buyers"}
    documents = [
        {"kind": "segment", "id": "buyers", "name": names, "when": BUYERS},
        {"kind": "segment", "id": "fans", "name": names, "when": {"segment": {"id": "buyers"}}},
    ]
    town.publish([*town.documents(), *documents])
    refused = ask(served, key, "DELETE", "definitions/segment/buyers")
    assert (refused.status_code, refused.json()["errors"]) == (422, [{"key": "segment:fans", "detail": "in_force"}])
    for name in ("fans", "buyers"):
        assert ask(served, key, "DELETE", f"definitions/segment/{name}").json() == {"is_discarded": True}
    assert ask(served, key, "GET", "definitions/segment/buyers").status_code == 404
    assert ask(served, key, "DELETE", "definitions/journey/welcome").status_code == 422


def test_accounts_are_run_within_ones_reach(served: Site) -> None:
    from kundenkreis.site.models import Account

    key, admin = make_key(), make_key("admin")
    sales = Account.objects.create(username="s", name="Sam", email="sam@example.com", role="sales")
    owner = Account.objects.get(username="the owner")
    assert {one["name"]: one["role"] for one in _get(served, key, "users")}["Sam"] == "sales"
    path = f"users/{sales.pk}"
    assert ask(served, admin, "PUT", f"{path}/role", {"role": "service"}).json()["role"] == "service"
    assert ask(served, admin, "PUT", f"{path}/role", {"role": "owner"}).json()["code"] == "not_yours_to_grant"
    assert ask(served, key, "PUT", f"users/{owner.pk}/role", {"role": "viewer"}).json()["code"] == "own_account"
    assert ask(served, key, "PUT", f"{path}/access", {"is_active": False}).json()["is_active"] is False
    assert ask(served, key, "DELETE", f"{path}/sessions").json() == {"is_ended": True}
    assert ask(served, key, "PUT", "users/999999/role", {"role": "viewer"}).status_code == 404


def test_invitation_tells_its_link_once(served: Site) -> None:
    key = make_key()
    wanted = {"email": "new@example.com", "role": "marketing"}
    made = _post(served, key, "invitations", wanted, idempotency_key="i")
    assert "/invitation/" in made["link"]
    again = _post(served, key, "invitations", wanted, idempotency_key="i")
    assert (again["invitation"], again["link"]) == (made["invitation"], "")
    assert [one["email"] for one in _get(served, key, "invitations")] == ["new@example.com"]
    number = made["invitation"]["invitation_id"]
    assert ask(served, key, "DELETE", f"invitations/{number}").json() == {"is_ended": True}
    assert ask(served, key, "DELETE", f"invitations/{number}").status_code == 404
    assert ask(served, key, "POST", "invitations", {**wanted, "email": "a b@c"}).status_code == 422


def test_keys_are_made_within_ones_rights_and_told_once(served: Site) -> None:
    few = sorted({"keys.see", "keys.edit", "status.see"})
    key = make_key(scopes=few)
    assert permissions_of(Role.OWNER).issuperset(few)
    wanted = {"name": "Robot", "scopes": ["status.see"], "days": 30}
    made = _post(served, key, "keys/api", wanted, idempotency_key="k")
    assert _get(served, made["key"], "status")
    assert _post(served, key, "keys/api", wanted, idempotency_key="k") == {**made, "key": ""}
    refused = ask(served, key, "POST", "keys/api", {**wanted, "scopes": ["customers.see"]})
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown_scope")
    assert made["line"] in [{**one, "last_used_us": None} for one in _get(served, key, "keys/api")]
    assert ask(served, key, "DELETE", f"keys/api/{made['line']['key_id']}").json() == {"is_ended": True}
    assert ask(served, made["key"], "GET", "status").status_code == 401
    write = _post(served, key, "keys/write", {"source": "till", "kind": "server"})
    assert write["key"].startswith(write["line"]["shown"])
    assert write["line"] in _get(served, key, "keys/write")
    assert ask(served, key, "DELETE", f"keys/write/{write['line']['shown']}").json() == {"is_ended": True}
    assert ask(served, key, "DELETE", "keys/write/nosuch").status_code == 404


def test_a_broadcast_is_started(served: Site, town: Town) -> None:
    key = make_key()
    mailing = company.journey(
        "mailing", entry={"broadcast": {"audience": {"trait": {"name": "is_known", "op": "is_true"}}}},
        steps=[{"id": "w", "wait": {"days": 1}}],
    )  # fmt: skip
    town.publish([*town.documents(), mailing])
    town.run()
    assert ask(served, key, "POST", "journeys/welcome/switch/start").status_code == 422
    assert _post(served, key, "journeys/mailing/switch/start")["state"] == "live"
    town.run()
    with town.installation.store.reading() as tx:
        entered = tx.rows("SELECT count(*) FROM run_entries WHERE journey_id = 'mailing' AND outcome = 'entered'")[0][0]
        known = tx.rows("SELECT count(*) FROM customer_list WHERE is_known = 1")[0][0]
    assert entered == known > 1
    assert _audited() == [("started", "journey")]
