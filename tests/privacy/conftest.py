"""Installations on both engines, closed after the test."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.privacy.company import Company


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database, "" for SQLite."""
    return str(request.getfixturevalue("postgres_database")) if request.param == "postgres" else ""


@pytest.fixture
def found(tmp_path: Path) -> Iterator[Callable[..., Company]]:
    """Makes a company in the test's folder."""
    companies: list[Company] = []

    def make(database: str = "", **options: Any) -> Company:
        companies.append(Company(tmp_path / f"data{len(companies)}", database=database, **options))
        return companies[-1]

    yield make
    for company in companies:
        company.close()
