"""Every decided message is found on the pages, with its verdict and what became of it; on both stores, from a real past."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kundenkreis.kernel.zones import DAY
from kundenkreis.runtime.readers import decided
from kundenkreis.runtime.readers.decided import StoredDecidedMessages
from kundenkreis.runtime.web import sources_of
from kundenkreis.site.ports.decided import FATES, DecidedLine, DecidedQuery
from kundenkreis.site.testing import make_decided
from kundenkreis.site.wsgi import build_application
from tests.runtime.town import Town
from tests.site.conftest import Site
from tests.site.recount.past import read_past

pytestmark = pytest.mark.db


@pytest.fixture(params=["sqlite", "postgres"])
def town(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Town]:
    """Welcomed customers: some messages wait, some are withheld."""
    town = Town(tmp_path, "" if request.param == "sqlite" else request.getfixturevalue("postgres_database"))
    for number in range(8):
        user = f"u{number}"
        town.send("identify", userId=user, traits={"email": f"{user}@example.com", "country": "DE"})
        consent = {
            "channel": "email",
            "purpose": "newsletter",
            "basis": "express_consent",
            "wording": "News, please",
            "proof": "form 7",
        }
        if number < 5:
            town.send("track", userId=user, event="Consent Confirmed", properties=consent)
        town.order(user, f"o{number}", 20.5 + number)
        town.order(user, f"o{number}", 20.5, name="Order Delivered")
    town.run()
    town.pass_time(4 * DAY)
    yield town
    town.close()


def everything(source: StoredDecidedMessages, limit: int = 7, **asked: object) -> list[DecidedLine]:
    """All pages of the list one after the other."""
    lines: list[DecidedLine] = []
    cursor = ""
    while True:
        page = source.find_messages(DecidedQuery(cursor=cursor, limit=limit, **asked))  # type: ignore[arg-type] # any field
        lines.extend(page.lines)
        cursor = page.next_cursor
        if not cursor:
            return lines


def test_every_decided_message_once_newest_first(town: Town) -> None:
    lines = everything(StoredDecidedMessages(town.installation))
    decided_ids = {bytes(row[0]).hex() for row in read_past(town.installation).verdicts}
    assert [line.message_id for line in lines] == list(dict.fromkeys(line.message_id for line in lines))
    assert {line.message_id for line in lines} == decided_ids
    assert [line.decided_us for line in lines] == sorted((line.decided_us for line in lines), reverse=True)
    assert len(lines) > 10


def test_filters_part_the_list(town: Town) -> None:
    source = StoredDecidedMessages(town.installation)
    lines = everything(source)
    assert {fate: len(everything(source, fate=fate)) for fate in FATES} == {
        fate: Counter(line.fate for line in lines)[fate] for fate in FATES
    }
    reasons = Counter(line.reason.rule_id for line in lines if line.reason)
    assert reasons
    assert {rule: len(everything(source, reason=rule)) for rule in reasons} == reasons
    journeys = Counter(line.journey_id for line in lines)
    assert {one: len(everything(source, journey_id=one)) for one in journeys} == journeys
    middle = lines[len(lines) // 2].decided_us
    assert len(everything(source, since_us=middle)) + len(everything(source, until_us=middle)) == len(lines)


def test_a_person_is_found_by_address(town: Town) -> None:
    source = StoredDecidedMessages(town.installation)
    by_person = Counter(line.name for line in everything(source))
    assert len(everything(source, text="u3@example.com")) == by_person["u3@example.com"] > 0
    assert everything(source, text="nobody@example.com") == []


def test_a_rare_message_is_searched_in_stretches(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    source = StoredDecidedMessages(town.installation)
    lines = everything(source)
    oldest = lines[-1]
    monkeypatch.setattr(decided, "WINDOW", 4)
    page = source.find_messages(DecidedQuery(reason="no such rule"))
    assert (page.lines, page.searched_to_us) == ((), lines[3].decided_us)
    assert everything(source, journey_id=oldest.journey_id)[-1] == oldest


def test_pages_show_list_and_verdict(site: Site, town: Town) -> None:
    build_application(site.settings, sources=sources_of(town.installation), clock_us=town.installation.clock.now_us)
    (newest, *_) = everything(StoredDecidedMessages(town.installation))
    browser = site.insider()
    html = browser.get("/messages/").content.decode()
    assert re.findall(r'href="/messages/([0-9a-f]{32})/"', html)[0] == newest.message_id
    page = browser.get(f"/messages/{newest.message_id}/").content.decode()
    assert "Legal basis" in page
    assert browser.get("/messages/00/").status_code == 404
    assert browser.get("/messages/?day=2026-13-99&cursor=x.y&fate=none&q=%00").status_code == 200


@pytest.mark.parametrize(("role", "is_told"), [("owner", True), ("viewer", False)])
def test_masked_roles_do_not_read_the_address_in_the_answer_of_a_server(site: Site, role: str, is_told: bool) -> None:
    bounced = make_decided("0a")
    reply = "550 5.1.1 <marie.brandt@example.com>: no such user"
    site.mount(decided=[replace(bounced, line=replace(bounced.line, fate="bounced"), reply=reply)])
    html = site.insider(role=role).get("/messages/0a/").content.decode()
    assert "Answer of the receiving server" in html
    assert ("no such user" in html) == is_told


def test_masked_roles_neither_see_nor_search(site: Site, town: Town) -> None:
    build_application(site.settings, sources=sources_of(town.installation), clock_us=town.installation.clock.now_us)
    owner, viewer = site.insider(), site.insider(role="viewer")
    assert "u3@example.com" in owner.get("/messages/?q=u3@example.com").content.decode()
    html = viewer.get("/messages/?q=u3").content.decode()
    assert "example.com" not in html
    assert html.count("/messages/") > 10
