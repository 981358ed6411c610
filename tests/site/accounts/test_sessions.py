"""A38: a session is new at sign-in, ends when it should, and its cookie is for the server alone."""

import pytest

from kundenkreis.kernel.zones import DAY, HOUR
from tests.site.conftest import NOW_US, Site

pytestmark = pytest.mark.db


@pytest.mark.parametrize(
    "change", [{"role": "viewer"}, {"password": "!another"}, {"session_epoch": 1}, {"is_active": False}]
)
def test_session_ends_with_role_password_epoch_and_account(site: Site, change: dict[str, object]) -> None:
    from kundenkreis.site.models import Account

    insider = site.insider(role="marketing")
    assert insider.get("/mailbox/").status_code == 200
    Account.objects.filter(role="marketing").update(**change)
    assert insider.get("/mailbox/")["Location"] == "/login/?next=/mailbox/"


def test_session_ends_after_twelve_idle_hours(site: Site) -> None:
    insider = site.insider()
    for hours in (0, 11, 22):
        site.now_us = NOW_US + hours * HOUR
        assert insider.get("/mailbox/").status_code == 200
    site.now_us = NOW_US + 34 * HOUR
    assert insider.get("/mailbox/").status_code == 302
    site.now_us = NOW_US + 22 * HOUR
    assert insider.get("/mailbox/").status_code == 302, "gone from the table, not only refused"


def test_session_ends_after_thirty_days_however_busy(site: Site) -> None:
    insider = site.insider()
    for half_days in range(60):
        site.now_us = NOW_US + half_days * 12 * HOUR - half_days
        assert insider.get("/mailbox/").status_code == 200
    site.now_us = NOW_US + 30 * DAY
    assert insider.get("/mailbox/").status_code == 302


def test_part_of_a_page_tells_the_whole_page_to_sign_in(site: Site) -> None:
    response = site.visitor().get("/mailbox/", HTTP_HX_REQUEST="true")
    assert (response.status_code, response["HX-Redirect"]) == (401, "/login/")
