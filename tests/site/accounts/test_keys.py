"""API keys (A41, A42, A45): stored as a hash, shown once, never more than their owner; write keys beside them."""

import re
from datetime import timedelta
from typing import Any

import pytest

from kundenkreis.kernel.zones import to_datetime
from kundenkreis.site.ports.write_keys import WriteKeyLine
from tests.site.conftest import NOW_US, Site

pytestmark = pytest.mark.db

NOW = to_datetime(NOW_US)


def make_key(site: Site, *scopes: str, role: str = "admin", days: str = "30") -> tuple[Any, str]:
    response = site.insider(role=role).post("/settings/keys/api/", {"name": "Till", "days": days, "scopes": scopes})
    found = re.search(r"data-secret>(kk_api_[^<]+)<", response.content.decode())
    return response, found[1] if found else ""


def test_key_is_shown_once_and_stored_as_a_hash(site: Site) -> None:
    from kundenkreis.site.models import ApiKey

    _response, key = make_key(site, "customers.see")
    assert len(key) == 50
    assert key not in site.insider(role="admin").get("/settings/keys/").content.decode()
    (stored,) = ApiKey.objects.all()
    assert key.encode() not in bytes(stored.key_hash)
    assert key.startswith(stored.prefix)
    assert len(stored.prefix) == 13


def test_key_may_what_key_and_owner_both_may_a41(site: Site) -> None:
    from kundenkreis.site.accounts.api_keys import viewer_by_key
    from kundenkreis.site.models import Account

    _response, key = make_key(site, "customers.see", "segments.edit")
    someone = viewer_by_key(key, now=NOW)
    assert someone is not None
    assert someone.permissions == {"customers.see", "segments.edit"}
    Account.objects.filter(role="admin").update(role="sales")
    demoted = viewer_by_key(key, now=NOW)
    assert demoted is not None
    assert demoted.permissions == {"customers.see"}
    Account.objects.update(is_active=False)
    assert viewer_by_key(key, now=NOW) is None


def test_key_cannot_have_more_than_its_maker_a41(site: Site) -> None:
    from kundenkreis.site.models import ApiKey

    for scopes in (("privacy.erase",), ("customers.see", "personal.sensitive"), ("everything",), ()):
        response, key = make_key(site, *scopes)
        assert (response.status_code, key) == (422, "")
    assert not ApiKey.objects.exists()


def test_key_ends_when_it_should(site: Site) -> None:
    from kundenkreis.site.accounts.api_keys import viewer_by_key
    from kundenkreis.site.models import ApiKey

    _response, key = make_key(site, "customers.see")
    assert viewer_by_key(key, now=NOW + timedelta(days=30) - timedelta(seconds=1)) is not None
    assert viewer_by_key(key, now=NOW + timedelta(days=30)) is None
    (stored,) = ApiKey.objects.all()
    assert site.insider().post(f"/settings/keys/api/{stored.pk}/")["Location"] == "/settings/keys/"
    assert viewer_by_key(key, now=NOW) is None
    assert site.insider().post(f"/settings/keys/api/{stored.pk}/").status_code == 404


@pytest.mark.parametrize("key", ["", "kk_api_", "kk_api_guess", "kk_server_x", "\ud800", "kk_api_" + "\x00" * 9])
def test_what_is_no_key_is_nobody(site: Site, key: str) -> None:
    from kundenkreis.site.accounts.api_keys import viewer_by_key

    assert viewer_by_key(key, now=NOW) is None


def test_use_is_noted_once_a_minute(site: Site) -> None:
    from kundenkreis.site.accounts.api_keys import viewer_by_key
    from kundenkreis.site.models import ApiKey

    _response, key = make_key(site, "customers.see")
    for seconds, noted in ((0, 0), (59, 0), (60, 60)):
        viewer_by_key(key, now=NOW + timedelta(seconds=seconds))
        assert ApiKey.objects.get().last_used_at == NOW + timedelta(seconds=noted)


def test_admin_does_not_revoke_an_owners_key_a41(site: Site) -> None:
    from kundenkreis.site.models import ApiKey

    make_key(site, "customers.see", role="owner")
    key_id = ApiKey.objects.get().pk
    assert site.insider(role="admin").post(f"/settings/keys/api/{key_id}/").status_code == 409
    assert ApiKey.objects.get().revoked_at is None


def test_write_keys_are_made_shown_once_and_revoked(site: Site) -> None:
    site.mount(write_keys=[WriteKeyLine(shown="kk_public_abcdef", source="web", kind="public", brand="")])
    insider = site.insider()
    made = insider.post("/settings/keys/write/", {"source": "till", "kind": "server"}).content.decode()
    assert "kk_server_00001-the-rest-is-secret" in made
    html = insider.get("/settings/keys/").content.decode()
    assert ("the-rest-is-secret" in html, "kk_server_00001…" in html, "kk_public_abcdef…" in html) == (
        False,
        True,
        True,
    )
    assert insider.post("/settings/keys/write/kk_public_abcdef/")["Location"] == "/settings/keys/"
    assert "kk_public_abcdef" not in insider.get("/settings/keys/").content.decode()


@pytest.mark.parametrize("source", ["", "Shop", "a b", "../x", "x" * 41, "shop\n", "<b>"])
def test_source_of_a_write_key_is_a_plain_name(site: Site, source: str) -> None:
    response = site.insider().post("/settings/keys/write/", {"source": source, "kind": "server"})
    assert (response.status_code, "data-secret" in response.content.decode()) == (422, False)
