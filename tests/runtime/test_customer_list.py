"""List and search follow the fold; a store that is older than they are is filled once, with what the fold would have written."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kundenkreis.kernel.zones import DAY, MINUTE
from kundenkreis.runtime import customer_list
from kundenkreis.runtime.customer_list import fill_customer_list
from kundenkreis.runtime.shares import Share, StoredState, fold_share
from kundenkreis.runtime.stores.session import Row
from tests.runtime.town import Town

pytestmark = pytest.mark.db


@pytest.fixture(params=["sqlite", "postgres"])
def town(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Town]:
    database = request.getfixturevalue("postgres_database") if request.param == "postgres" else ""
    town = Town(tmp_path / "town", database)
    yield town
    town.close()


def _tables(town: Town) -> tuple[list[Row], list[Row]]:
    with town.installation.store.reading() as tx:
        lines = tx.rows(
            "SELECT profile_id, is_known, seen_us, since_us, sales_minor, name_key FROM customer_list ORDER BY 1"
        )
        terms = tx.rows("SELECT profile_id, term FROM search_terms ORDER BY 1, 2")
    return [(*row[:5], bytes(row[5])) for row in lines], [(row[0], bytes(row[1])) for row in terms]


def _stored(town: Town) -> list[StoredState]:
    with town.installation.store.reading() as tx:
        rows = tx.rows("SELECT profile_id, wake_us, control_to, state FROM states")
    return [StoredState(row[0], row[1], row[2], bytes(row[3])) for row in rows]


def test_filling_writes_what_the_fold_keeps(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, name in enumerate(("Åse", "Jürgen", "Zoë", "Özlem", "Groß")):
        town.send("identify", userId=f"u{number}", traits={"lastName": name, "email": f"{number}@example.com"})
        town.order(f"u{number}", f"o{number}", 10.0 + number)
        town.pass_time(MINUTE)
    town.send("track", anonymousId="a1", event="Product Viewed", properties={"product_id": "p1"})
    town.run()
    town.send("identify", userId="u1", traits={"lastName": "Schröder"})
    town.send("alias", userId="u2", previousId="u3")
    town.run()
    kept = _tables(town)
    assert len(kept[0]) == 5
    assert {term for _, term in kept[1]} >= {b"schroder", b"2@example.com", b"ozlem", b"u3"}
    assert {b"jurgen", b"zo"}.isdisjoint(term for _, term in kept[1])
    with town.installation.store.transaction("test") as tx:
        tx.run("DELETE FROM customer_list")
        tx.run("DELETE FROM search_terms")
        tx.run("DELETE FROM meta WHERE name = 'customer_list'")
    monkeypatch.setattr(customer_list, "CHUNK", 2)
    fill_customer_list(town.installation.store)
    assert _tables(town) == kept


def test_a_name_that_time_alone_brings_is_found(town: Town) -> None:
    steps: list[dict[str, Any]] = [
        {"id": "later", "wait": {"days": 1}},
        {"id": "name", "set_attribute": {"name": "lastName", "value": "Später"}},
    ]
    journey = {"kind": "journey", "id": "naming", "name": {"de": "Namen", "en": "Naming"}, "entry": {"event": {"name": "Product Viewed"}}}  # fmt: skip
    town.publish([*town.documents(), {**journey, "steps": steps}])
    town.send("identify", userId="u1", traits={"lastName": "Früher"})
    town.send("track", userId="u1", event="Product Viewed", properties={"product_id": "p1"})
    town.run()
    tomorrow_us = town.clock.now_us() + 2 * DAY
    stored = _stored(town)
    elsewhere = fold_share(Share(tomorrow_us, stored, [], []), town.installation.rulebooks).writes
    town.pass_time(2 * DAY)
    lines, terms = _tables(town)
    assert [(line[0], line[5]) for line in lines] == [(stored[0].profile_id, b"spater")]
    assert [term for _, term in terms] == [b"spater", b"u1"]
    assert list(elsewhere.lines_moved) == [("name_key",)]
    assert (elsewhere.terms, elsewhere.terms_gone) == (
        [(b"spater", stored[0].profile_id)],
        [(b"fruher", stored[0].profile_id)],
    )


def test_time_that_shows_nothing_new_writes_no_line(town: Town) -> None:
    town.order("u1", "o1", 10.0)
    town.run()
    stored = _stored(town)
    writes = fold_share(Share(stored[0].wake_us, stored, [], []), town.installation.rulebooks).writes
    assert (len(writes.rewoken), writes.lines, writes.lines_moved, writes.terms) == (1, [], {}, [])
