"""A store that is older than the list of customers is filled once, with what the fold would have written."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kundenkreis.kernel.zones import MINUTE
from kundenkreis.runtime import customer_list
from kundenkreis.runtime.customer_list import fill_customer_list
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
