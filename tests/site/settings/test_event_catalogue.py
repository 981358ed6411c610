"""The event catalogue on a real installation, recounted from the log."""

import re
from collections import Counter as Tally

import pytest

from kundenkreis.kernel.zones import DAY
from kundenkreis.runtime.counting.counter import Counter
from kundenkreis.runtime.counting.events import count_events
from tests.runtime.town import Town
from tests.site.conftest import Site

pytestmark = pytest.mark.db


def busy(town: Town) -> None:
    for number in range(3):
        town.send("identify", userId=f"u{number}", traits={"email": f"u{number}@example.com"})
        town.order(f"u{number}", f"o{number}", 20.0)
    town.send("track", userId="u1", event="Wholly Our Own")
    town.run()


def counts(page: str) -> dict[str, int]:
    return {name: int(count) for name, count in re.findall(r'data-figure="event.([^"]+)" data-value="(\d+)"', page)}


def test_counts_equal_a_recount_of_the_log(served: Site, town: Town) -> None:
    busy(town)
    counter = Counter(town.installation)
    counter.count_all()
    town.pass_time(2 * DAY)
    busy_again = 2
    for _each in range(busy_again):
        town.send("track", userId="u2", event="Wholly Our Own")
    town.run()
    counter.count_all()
    with town.installation.store.reading() as tx:
        rows = tx.rows("SELECT CASE WHEN type = 'track' THEN name ELSE type END FROM log WHERE source = 'shop'")
    page = served.insider().get("/settings/events/").content.decode()
    assert counts(page) == Tally(row[0] for row in rows)
    assert counts(page)["Wholly Our Own"] == 1 + busy_again


def test_names_of_other_conventions_say_what_is_probably_meant(served: Site, town: Town) -> None:
    for name in ("purchase", "Completed Order", "Wholly Our Own"):
        town.send("track", userId="u1", event=name)
    town.run()
    Counter(town.installation).count_all()
    page = served.insider().get("/settings/events/").content.decode()
    assert page.count("Probably meant: <code>Order Completed</code>") == 2
    assert page.count("Probably meant:") == 2


def test_an_old_log_is_counted_in_pieces_that_no_row_escapes(town: Town) -> None:
    busy(town)
    from kundenkreis.runtime.counting import counter

    pieces = counter.Counter(
        town.installation, {"events": lambda look: count_events(look.tx, at_us=look.at_us, rows_at_once=3)}
    )
    from kundenkreis.runtime.readers.event_catalogue import StoredEventCatalogue

    catalogue = StoredEventCatalogue(town.installation)
    rounds = 0
    while not catalogue.read_catalogue().is_whole:
        pieces.count_all()
        rounds += 1
    with town.installation.store.reading() as tx:
        newest = tx.rows("SELECT max(number) FROM log")[0][0]
        whole = count_events(tx, at_us=0, rows_at_once=newest)
    assert rounds == -(-newest // 3)
    seen = {line.name: line.seen.count for line in catalogue.read_catalogue().lines if line.seen}
    assert seen == {one.name: one.count for one in whole.events}
    assert seen["Order Completed"] == 3


def test_what_is_waited_for_and_never_came_stands_first(served: Site, town: Town) -> None:
    busy(town)
    viewed = {"event": {"name": "Product Viewed", "within_days": 30}}
    segment = {"kind": "segment", "id": "viewers", "name": {"de": "Gucker", "en": "Viewers"}, "when": viewed}
    town.publish([*town.documents(), segment])
    Counter(town.installation).count_all()
    page = served.insider("de").get("/settings/events/").content.decode()
    missing = page[page.index("Erwartet, aber nie gesehen") : page.index("Wie oft")]
    assert "Product Viewed" in missing
    assert '<a href="/segments/viewers/">Segment Gucker</a>' in missing
    assert "Segment Entered" not in page


def test_before_anything_was_counted_the_page_says_what_to_do(site: Site) -> None:
    page = site.insider().get("/settings/events/").content.decode()
    assert "No event yet" in page
    assert site.insider(role="viewer").get("/settings/events/").status_code == 403
