"""Editing accounts: who may, what it ends, and that an owner remains (A38, A41)."""

from typing import Any

import pytest

from tests.site.accounts.people import PASSWORD, make_account
from tests.site.conftest import Site

pytestmark = pytest.mark.db


def post(site: Site, account: Any, *, by: str = "owner", **fields: str) -> Any:
    return site.insider(role=by).post(f"/settings/users/{account.pk}/", fields)


def test_new_role_ends_the_sessions_a38(site: Site) -> None:
    bo = make_account("bo@example.com", role="marketing")
    client = site.visitor()
    client.force_login(bo)
    assert client.get("/mailbox/").status_code == 200
    assert post(site, bo, action="role", role="viewer").status_code == 302
    assert client.get("/mailbox/").status_code == 302
    bo.refresh_from_db()
    assert bo.role == "viewer"


@pytest.mark.parametrize(
    ("by", "whose", "fields"),
    [
        ("admin", "owner", {"action": "role", "role": "viewer"}),
        ("admin", "owner", {"action": "disable"}),
        ("admin", "owner", {"action": "sign_out"}),
        ("admin", "owner", {"action": "new_password"}),
        ("admin", "privacy_officer", {"action": "new_password"}),
        ("admin", "marketing", {"action": "role", "role": "owner"}),
        ("admin", "marketing", {"action": "role", "role": "privacy_officer"}),
        ("admin", "marketing", {"action": "role", "role": "emperor"}),
        ("admin", "marketing", {"action": "promote"}),
        ("admin", "marketing", {}),
    ],
)
def test_nobody_reaches_above_themselves_a41(site: Site, by: str, whose: str, fields: dict[str, str]) -> None:
    bo = make_account("bo@example.com", role=whose)
    before = (bo.role, bo.is_active, bo.session_epoch)
    response = post(site, bo, by=by, **fields)
    assert (response.status_code, "data-secret" in response.content.decode()) == (409, False)
    bo.refresh_from_db()
    assert (bo.role, bo.is_active, bo.session_epoch) == before


def test_nobody_changes_their_own_role_or_access_a41(site: Site) -> None:
    from kundenkreis.site.models import Account

    client = site.insider(role="admin")
    me = Account.objects.get(role="admin")
    for fields in ({"action": "role", "role": "marketing"}, {"action": "disable"}, {"action": "new_password"}):
        assert client.post(f"/settings/users/{me.pk}/", fields).status_code == 409
    me.refresh_from_db()
    assert (me.role, me.is_active) == ("admin", True)


def test_last_owner_stays(site: Site) -> None:
    from kundenkreis.site.access import Role
    from kundenkreis.site.accounts.errors import LastOwnerError
    from kundenkreis.site.accounts.people import _keep_an_owner

    first = make_account("one@example.com", role=Role.OWNER)
    with pytest.raises(LastOwnerError):
        _keep_an_owner(first)
    second = make_account("two@example.com", role=Role.OWNER)
    _keep_an_owner(first)
    second.is_active = False
    second.save()
    with pytest.raises(LastOwnerError):
        _keep_an_owner(first)


def test_disabled_account_is_out_with_its_keys_and_stays_out_when_enabled(site: Site) -> None:
    from kundenkreis.site.models import ApiKey
    from tests.site.accounts.addresses import ADDRESSES

    key_id = ADDRESSES["revoke_api_key"].own(site)["key_id"]
    bo = ApiKey.objects.get(pk=key_id).account
    client = site.visitor()
    client.force_login(bo)
    post(site, bo, action="disable")
    assert client.get("/mailbox/").status_code == 302
    assert not ApiKey.objects.exists()
    post(site, bo, action="enable")
    bo.refresh_from_db()
    assert bo.is_active
    assert client.get("/mailbox/").status_code == 302


def test_signing_out_everywhere_else_keeps_this_session_a38(site: Site) -> None:
    bo = make_account("bo@example.com")
    here, there = site.visitor(), site.visitor()
    here.handler.enforce_csrf_checks = False
    for client in (here, there):
        client.force_login(bo)
    assert here.post("/account/sessions/")["Location"] == "/account/"
    assert (here.get("/mailbox/").status_code, there.get("/mailbox/").status_code) == (200, 302)


def test_new_password_ends_other_sessions_a38(site: Site) -> None:
    bo = make_account("bo@example.com")
    here, there = site.visitor(), site.visitor()
    here.handler.enforce_csrf_checks = False
    for client in (here, there):
        client.force_login(bo)
    new = {"password1": "ganz andere worte hier", "password2": "ganz andere worte hier"}
    assert here.post("/account/password/", {"oldpassword": "wrong", **new}).status_code == 422
    assert here.post("/account/password/", {"oldpassword": PASSWORD, **new})["Location"] == "/account/"
    assert (here.get("/mailbox/").status_code, there.get("/mailbox/").status_code) == (200, 302)


def test_link_to_a_new_password_is_shown_once_and_works_once(site: Site) -> None:
    import re

    bo = make_account("bo@example.com")
    html = post(site, bo, action="new_password").content.decode()
    found = re.search(r"data-secret>http://127\.0\.0\.1:8321(/login/password/[^<]+)<", html)
    assert found
    client = site.visitor()
    client.handler.enforce_csrf_checks = False
    form = client.get(found[1])["Location"]
    client.post(form, {"password1": "ganz andere worte hier", "password2": "ganz andere worte hier"})
    bo.refresh_from_db()
    assert bo.check_password("ganz andere worte hier")
    assert site.visitor().get(found[1]).status_code == 410


def test_what_protects_an_account_is_changed_after_confirming_only(site: Site) -> None:
    bo = make_account("bo@example.com")
    client = site.visitor()
    client.handler.enforce_csrf_checks = False
    client.force_login(bo)
    for path in ("/account/app/", "/account/passkey/"):
        assert client.get(path)["Location"] == f"/account/confirm/?next={path.replace('/', '%2F')}"
    assert client.post("/account/confirm/", {"password": "wrong", "next": "/account/app/"}).status_code == 422
    assert (
        client.post("/account/confirm/", {"password": PASSWORD, "next": "/account/app/"})["Location"] == "/account/app/"
    )
    assert client.get("/account/app/").status_code == 200


def test_owner_sets_up_address_and_password_once(site: Site) -> None:
    from kundenkreis.site.models import Account

    client = site.insider()
    wrong = client.post("/welcome/", {"name": "Ada", "email": "not an address", "password": PASSWORD})
    assert (wrong.status_code, 'value="not an address"' in wrong.content.decode()) == (422, True)
    client.post("/welcome/", {"name": "Ada", "email": "Ada@Example.com", "password": PASSWORD})
    ada = Account.objects.get(role="owner")
    assert (ada.name, ada.email, ada.check_password(PASSWORD)) == ("Ada", "ada@example.com", True)
    assert client.get("/mailbox/").status_code == 200, "still signed in"
    assert client.get("/welcome/")["Location"] == "/account/"


def test_list_costs_the_same_queries_at_any_length(site: Site, count_queries: Any) -> None:
    insider, costs = site.insider(), []
    insider.get("/mailbox/")
    for length in (1, 3):
        for number in range(length):
            make_account(f"{length}-{number}@example.com")
        costs.append(count_queries(lambda: insider.get("/settings/users/")))
    assert costs[0] == costs[1]
