"""Invitations: one account of one role, once, within seven days; nobody invites above themselves (A41)."""

import re
from typing import TYPE_CHECKING, Any

import pytest

from kundenkreis.kernel.zones import DAY
from tests.site.accounts.people import PASSWORD, make_account
from tests.site.conftest import NOW_US, Site

if TYPE_CHECKING:
    from django.test import Client

pytestmark = pytest.mark.db


def browser(site: Site) -> "Client":
    made = site.visitor()
    made.handler.enforce_csrf_checks = False
    return made


def invite(site: Site, *, by: str = "owner", role: str = "sales", email: str = "bo@example.com") -> Any:
    return site.insider(role=by).post("/settings/users/invite/", {"email": email, "role": role})


def path_in(response: Any) -> str:
    found = re.search(r"data-secret>http://127\.0\.0\.1:8321(/invitation/[^<]+)<", response.content.decode())
    assert found
    return found[1]


def test_invited_person_joins_with_the_role_and_is_signed_in(site: Site) -> None:
    from kundenkreis.site.models import Account

    path, client = path_in(invite(site)), browser(site)
    page = client.get(path).content.decode()
    assert ("bo@example.com" in page, "Sales" in page) == (True, True)
    assert client.post(path, {"name": "Bo", "password": PASSWORD})["Location"] == "/"
    assert client.get("/mailbox/").status_code == 200
    account = Account.objects.get(email="bo@example.com")
    assert (account.role, account.name, account.check_password(PASSWORD)) == ("sales", "Bo", True)


def test_role_and_address_come_from_the_invitation_not_from_the_form_a41(site: Site) -> None:
    from kundenkreis.site.models import Account

    path = path_in(invite(site))
    hostile = {"name": "Bo", "password": PASSWORD, "role": "owner", "email": "evil@example.com", "is_superuser": "1"}
    browser(site).post(path, hostile)
    account = Account.objects.get(name="Bo")
    assert (account.role, account.email, account.is_superuser) == ("sales", "bo@example.com", False)


def test_link_works_once_and_for_seven_days(site: Site) -> None:
    path = path_in(invite(site))
    site.now_us = NOW_US + 7 * DAY - 1
    assert browser(site).get(path).status_code == 200
    site.now_us = NOW_US + 7 * DAY
    assert browser(site).post(path, {"name": "Bo", "password": PASSWORD}).status_code == 410
    site.now_us = NOW_US
    assert browser(site).post(path, {"name": "Bo", "password": PASSWORD}).status_code == 302
    assert browser(site).post(path, {"name": "Bo", "password": PASSWORD}).status_code == 410


def test_withdrawn_and_replaced_invitations_stop_working(site: Site) -> None:
    from kundenkreis.site.models import Invitation

    first = path_in(invite(site))
    second = path_in(invite(site))
    assert (browser(site).get(first).status_code, browser(site).get(second).status_code) == (410, 200)
    (waiting,) = Invitation.objects.all()
    assert site.insider().post(f"/settings/invitations/{waiting.pk}/")["Location"] == "/settings/users/"
    assert browser(site).get(second).status_code == 410


@pytest.mark.parametrize(
    ("invited_as", "fields", "answer"),
    [
        ("sales", {"action": "disable"}, 410),
        ("admin", {"action": "role", "role": "marketing"}, 410),
        ("admin", {"action": "role", "role": "admin"}, 200),
    ],
)
def test_what_somebody_may_not_grant_any_more_they_have_not_granted(
    site: Site, invited_as: str, fields: dict[str, str], answer: int
) -> None:
    from kundenkreis.site.models import Account

    path = path_in(invite(site, by="admin", role=invited_as))
    inviter = Account.objects.get(username="the admin")
    site.insider().post(f"/settings/users/{inviter.pk}/", fields)
    assert browser(site).get(path).status_code == answer


def test_table_holds_no_token(site: Site) -> None:
    from kundenkreis.site.models import Invitation

    token = path_in(invite(site)).split("/")[2]
    (stored,) = Invitation.objects.all()
    assert token.encode() not in bytes(stored.token_hash)


@pytest.mark.parametrize(("by", "role"), [("admin", "owner"), ("admin", "privacy_officer"), ("owner", "emperor")])
def test_nobody_invites_above_themselves_a41(site: Site, by: str, role: str) -> None:
    from kundenkreis.site.models import Invitation

    assert invite(site, by=by, role=role).status_code == 422
    assert not Invitation.objects.exists()


def test_whoever_has_an_account_is_not_invited(site: Site) -> None:
    make_account("bo@example.com")
    response = invite(site, email="Bo@Example.com")
    assert response.status_code == 422
    assert "There is an account with this e-mail address already." in response.content.decode()


def test_weak_password_is_refused_and_the_link_stays_good(site: Site) -> None:
    path = path_in(invite(site))
    for password in ("kurz", "password1234", "bo@example.com", ""):
        response = browser(site).post(path, {"name": "Bo Lindgren", "password": password})
        assert response.status_code == 422
        assert 'value="Bo Lindgren"' in response.content.decode()
    assert browser(site).get(path).status_code == 200


def test_hostile_name_is_text_and_has_no_control_characters_a29(site: Site) -> None:
    from kundenkreis.site.models import Account

    path = path_in(invite(site))
    hostile = '"><img src=x onerror=alert(1)>\r\nBcc: x@y\u2028\u202e\x1b[31m'
    browser(site).post(path, {"name": hostile, "password": PASSWORD})
    account = Account.objects.get(email="bo@example.com")
    assert account.name == '"><img src=x onerror=alert(1)>Bcc: x@y[31m'
    insider = site.insider()
    for page in ("/settings/users/", f"/settings/users/{account.pk}/", "/settings/audit/"):
        html = insider.get(page).content.decode()
        assert ("<img src=x" in html, "&lt;img src=x onerror=alert(1)&gt;" in html) == (False, True)


def test_invitation_is_mailed_where_mail_is_set_up(site: Site) -> None:
    from dataclasses import replace

    from django.core import mail as outbox
    from django.test import override_settings

    from kundenkreis.site import mail
    from kundenkreis.site.mounted import mount, mounted

    with override_settings(EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend"):
        outbox.outbox = []
        settings = replace(site.settings, smtp_host="mail.example.com", mail_from="kreis@example.com")
        mount(replace(mounted(), settings=settings))
        path = path_in(invite(site))
        mail.wait_until_sent()
        (sent,) = outbox.outbox
    assert (sent.to, sent.from_email, sent.subject) == (
        ["bo@example.com"],
        "kreis@example.com",
        "Invitation to Lindenhof",
    )
    assert f"http://127.0.0.1:8321{path}" in sent.body
