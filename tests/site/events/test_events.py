"""The stream of events, one event as it came, and the quarantine with its way back; on both stores."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from kundenkreis.runtime.readers import events
from kundenkreis.runtime.readers.events import StoredEvents
from kundenkreis.runtime.web import sources_of
from kundenkreis.site.ports.events import EventLine, EventQuery
from kundenkreis.site.wsgi import build_application
from tests.runtime.town import Town
from tests.site.conftest import Site
from tests.site.recount.past import read_past

pytestmark = pytest.mark.db


@pytest.fixture(params=["sqlite", "postgres"])
def town(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Town]:
    """Some customers, and two requests that nobody understands."""
    town = Town(tmp_path, "" if request.param == "sqlite" else request.getfixturevalue("postgres_database"))
    for number in range(5):
        town.send("identify", userId=f"u{number}", traits={"email": f"u{number}@example.com"})
        town.send(
            "track", userId=f"u{number}", event="Product Viewed", properties={"product_id": "<b>p1</b>"}, source="app"
        )
        town.order(f"u{number}", f"o{number}", 9.0)
    town.send("nonsense", userId="u1")
    town.send("track", userId="u2", properties={})
    town.run()
    yield town
    town.close()


def everything(town: Town, limit: int = 4, **asked: object) -> list[EventLine]:
    """All pages of the stream one after the other."""
    lines: list[EventLine] = []
    cursor = ""
    while True:
        page = StoredEvents(town.installation).find_events(EventQuery(cursor=cursor, limit=limit, **asked))  # type: ignore[arg-type] # any field
        lines.extend(page.lines)
        cursor = page.next_cursor
        if not cursor:
            return lines


def test_the_stream_is_the_log_backwards(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [row for row in reversed(read_past(town.installation).log) if row.origin == "api"]
    assert [line.number for line in everything(town)] == [row.number for row in rows]
    monkeypatch.setattr(events, "WINDOW", 7)
    assert [line.number for line in everything(town)] == [row.number for row in rows]
    person = rows[0].profile_id
    assert [line.number for line in everything(town, profile_id=person)] == [
        row.number for row in rows if row.profile_id == person
    ]
    assert len(everything(town, name="Product Viewed")) == len(everything(town, source="app")) == 5
    assert len(everything(town, name="identify")) == 5
    assert len(everything(town, with_derived=True)) == len(read_past(town.installation).log)


def test_one_event_as_it_came(site: Site, town: Town) -> None:
    build_application(site.settings, sources=sources_of(town.installation), clock_us=town.installation.clock.now_us)
    line = everything(town, name="Product Viewed")[0]
    html = site.insider().get(f"/events/{line.number}/").content.decode()
    assert "&lt;b&gt;p1&lt;/b&gt;" in html
    assert "<b>p1" not in html
    assert site.insider().get("/events/999999/").status_code == 404


def test_the_stream_renews_itself_until_it_is_paused(site: Site, town: Town) -> None:
    build_application(site.settings, sources=sources_of(town.installation), clock_us=town.installation.clock.now_us)
    renews = re.compile(r'<div id="found" hx-get="([^"]*)" hx-trigger="every 5s"')
    browser = site.insider()
    assert renews.findall(browser.get("/events/?name=identify").content.decode()) == ["?name=identify"]
    assert renews.findall(browser.get("/events/?paused=1").content.decode()) == []


def test_what_was_set_aside_goes_in_again_and_says_why_it_comes_back(site: Site, town: Town) -> None:
    build_application(site.settings, sources=sources_of(town.installation), clock_us=town.installation.clock.now_us)
    source = StoredEvents(town.installation)
    before = source.find_set_aside(cursor="", limit=10)
    assert len(before.lines) == before.total > 0
    browser = site.insider()
    assert before.lines[0].code in browser.get("/events/quarantine/").content.decode()
    assert browser.post("/events/quarantine/replay/", {"id": before.lines[0].id}).status_code == 302
    assert source.find_set_aside(cursor="", limit=10).total == before.total - 1
    town.run()
    assert source.find_set_aside(cursor="", limit=10).total == before.total  # nothing about it has changed
    assert browser.post("/events/quarantine/replay/", {"id": "x"}).status_code == 404
    assert site.insider(role="marketing").post("/events/quarantine/replay/").status_code == 403


def test_a_customer_id_of_nineteen_digits_narrows_the_stream_and_what_is_no_id_finds_nothing(
    site: Site, town: Town
) -> None:
    build_application(site.settings, sources=sources_of(town.installation), clock_us=town.installation.clock.now_us)
    people = {line.profile_id for line in everything(town)}
    longest = max(people)
    assert (len(people), len(str(longest))) == (5, 19)
    numbers = {str(line.number) for line in everything(town, profile_id=longest)}
    for customer, wanted in ((str(longest), numbers), ("u1@example.com", set()), ("9" * 30, set())):
        html = site.insider().get("/events/", {"customer": customer}).content.decode()
        assert set(re.findall(r'href="/events/(\d+)/"', html)) == wanted
