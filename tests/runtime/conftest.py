"""A town in which everything has happened, on SQLite and on PostgreSQL, new for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runtime.town import Town, live_through


@pytest.fixture(params=["sqlite", "postgres"])
def town(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Town]:
    database = request.getfixturevalue("postgres_database") if request.param == "postgres" else ""
    town = Town(tmp_path / "town", database)
    live_through(town)
    yield town
    town.close()
