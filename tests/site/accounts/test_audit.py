"""The audit log: everything that matters is in it, it only grows, and it is read quickly."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import RequestFactory

from kundenkreis.kernel.zones import DAY, HOUR, to_datetime
from tests.site.accounts.people import PASSWORD, make_account
from tests.site.conftest import NOW_US, Site

pytestmark = pytest.mark.db


def entries() -> list[tuple[str, str, str]]:
    from kundenkreis.site.models import AuditEntry

    return [(each.actor_name, each.action, each.object_kind) for each in AuditEntry.objects.order_by("id")]


def note(count: int, **fields: Any) -> None:
    from kundenkreis.site.models import AuditEntry

    given = {
        "at": to_datetime(NOW_US),
        "actor_id": 1,
        "actor_name": "Ada",
        "action": "viewed",
        "object_kind": "customer",
    }
    AuditEntry.objects.bulk_create(
        [AuditEntry(**(given | {"object_id": str(number)} | fields)) for number in range(count)]
    )


def test_signing_in_and_out_and_being_refused_are_in_it(site: Site) -> None:
    make_account("ada@example.com", name="Ada")
    client = site.visitor()
    client.handler.enforce_csrf_checks = False
    for password in ("wrong", PASSWORD):
        client.post("/login/", {"login": "ada@example.com", "password": password})
    client.post("/login/", {"login": "nobody@example.com", "password": "wrong"})
    client.post("/logout/")
    assert entries() == [
        ("", "sign_in_refused", "account"),
        ("Ada", "signed_in", "account"),
        ("Ada", "signed_out", "account"),
    ]


def test_changes_to_accounts_and_keys_are_in_it(site: Site) -> None:
    bo = make_account("bo@example.com", role="marketing")
    insider = site.insider()
    insider.post("/settings/users/invite/", {"email": "new@example.com", "role": "sales"})
    for fields in ({"action": "role", "role": "sales"}, {"action": "sign_out"}, {"action": "disable"}):
        insider.post(f"/settings/users/{bo.pk}/", fields)
    insider.post("/settings/keys/api/", {"name": "Till", "days": "30", "scopes": ["customers.see"]})
    insider.post("/settings/keys/write/", {"source": "till", "kind": "server"})
    assert [each[1:] for each in entries()] == [
        ("invited", "invitation"),
        ("role_changed", "account"),
        ("signed_out_everywhere", "account"),
        ("disabled", "account"),
        ("created", "api_key"),
        ("created", "write_key"),
    ]


def test_entry_cannot_be_changed_or_removed(site: Site) -> None:
    from django.db import DatabaseError, connection

    from kundenkreis.site.models import AppendOnlyError, AuditEntry

    note(1)
    (entry,) = AuditEntry.objects.all()
    entry.action = "nothing"
    for work in (
        entry.save,
        entry.delete,
        AuditEntry.objects.all().delete,
        lambda: AuditEntry.objects.update(action="nothing"),
        lambda: AuditEntry.objects.bulk_update([entry], ["action"]),
    ):
        with pytest.raises(AppendOnlyError):
            work()
    with pytest.raises(DatabaseError, match="append only"), connection.cursor() as cursor:
        cursor.execute("UPDATE site_auditentry SET action = 'nothing'")
    assert AuditEntry.objects.get().action == "viewed"


def _look(site: Site, session_key: str, object_id: int) -> None:
    from kundenkreis.site.access import Role, Viewer, permissions_of, seen_by
    from kundenkreis.site.audit import audit_view

    request = RequestFactory().get("/")
    request.session = type("Session", (), {"session_key": session_key})()  # type: ignore[assignment]
    with seen_by(Viewer(account_id=1, name="Ada", role=Role.OWNER, permissions=permissions_of(Role.OWNER))):
        audit_view(request, "customer", object_id)


def test_looking_is_written_once_per_session_and_hour(site: Site) -> None:
    from django.core.cache import cache

    for _ in range(2):
        _look(site, "one", 7)
    cache.clear()  # as another process
    _look(site, "one", 7)
    assert len(entries()) == 1
    _look(site, "one", 8)
    _look(site, "two", 7)
    site.now_us = NOW_US + HOUR
    _look(site, "one", 7)
    assert len(entries()) == 4


def test_unknown_words_are_a_bug(site: Site) -> None:
    from kundenkreis.site.audit import UnknownActionError, audit

    for action, kind in (("peeked", "customer"), ("viewed", "cat")):
        with pytest.raises(UnknownActionError):
            audit(RequestFactory().get("/"), action, kind)


def test_every_action_and_kind_has_its_words(site: Site) -> None:
    from kundenkreis.site.audit import ACTIONS, KINDS
    from kundenkreis.site.audit_words import action_words, kind_words

    assert (set(action_words()), set(kind_words())) == (set(ACTIONS), set(KINDS))


def test_every_role_and_permission_has_its_words(site: Site) -> None:
    from kundenkreis.site.access import PERMISSIONS, Role
    from kundenkreis.site.accounts.words import permission_names, role_names, role_sentences

    assert (set(role_names()), set(role_sentences())) == (set(Role), set(Role))
    assert tuple(permission_names()) == PERMISSIONS


def test_entries_go_when_their_time_is_over(site: Site) -> None:
    from kundenkreis.site.audit import prune_audit_log
    from kundenkreis.site.models import AuditEntry

    now = to_datetime(NOW_US)
    note(1, at=now - timedelta(days=2))
    note(1, at=now)
    assert prune_audit_log(now - timedelta(days=1)) == 1
    assert AuditEntry.objects.get().at == now
    site.now_us = NOW_US + 1096 * DAY
    site.insider().post("/logout/")
    assert [each[1] for each in entries()] == ["signed_out"]


def rows(html: str) -> list[str]:
    return re.findall(r">Customer (\d+)</a></td>", html)


def test_log_is_paged_newest_first(site: Site) -> None:
    note(120)
    insider, path, seen = site.insider(), "/settings/audit/", []
    for _ in range(3):
        html = insider.get(path).content.decode()
        seen.append(rows(html))
        onward = re.search(r'href="(\?cursor=\d+)" rel="next"', html)
        path = f"/settings/audit/{onward[1]}" if onward else ""
    assert [len(page) for page in seen] == [50, 50, 20]
    assert [each for page in seen for each in page] == [str(number) for number in reversed(range(120))]
    assert path == ""


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("action=exported", 2),
        ("kind=segment", 3),
        ("kind=segment&id=1", 1),
        ("actor=2", 2),
        ("actor=2&action=viewed", 0),
        ("from=2026-11-18", 7),
        ("to=2026-11-17", 0),
        ("from=2026-11-17&to=2026-11-18", 7),
        ("action=x&kind=y&actor=z&from=tomorrow&cursor=-1", 7),
        ("actor=99999999999999999999&cursor=1%27%20OR%201=1--", 7),
        ("id=%00", 7),
    ],
)
def test_filters_a6(site: Site, query: str, found: int) -> None:
    note(2)
    note(2, action="exported", actor_id=2)
    note(3, object_kind="segment")
    html = site.insider().get(f"/settings/audit/?{query}").content.decode()
    assert html.count("<tr><td") == found


def test_log_costs_the_same_queries_at_any_length(site: Site, count_queries: Any) -> None:
    insider, costs = site.insider(), []
    insider.get("/mailbox/")
    for _ in range(2):
        note(3)
        costs.append(count_queries(lambda: insider.get("/settings/audit/")))
    assert costs[0] == costs[1]


def test_hostile_values_are_text_a29(site: Site) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    note(1, actor_name=hostile, object_id=hostile, details={hostile: [hostile]}, address=hostile)
    html = site.insider().get("/settings/audit/").content.decode()
    assert ("<img src=x" in html, html.count("&lt;img src=x onerror=alert(1)&gt;")) == (False, 5)


def test_looking_at_a_customer_and_exporting_are_in_it(site: Site) -> None:
    from tests.site.accounts.addresses import ADDRESSES, prepare

    prepare(site)
    insider = site.insider()
    profile_id = ADDRESSES["customer"].own(site)["profile_id"]
    for _ in range(2):
        assert insider.get(f"/customers/{profile_id}/").status_code == 200
    assert insider.get("/customers/999999/").status_code == 404
    insider.get("/customers/export/")
    assert [each[1:] for each in entries()] == [("viewed", "customer"), ("exported", "customer")]
