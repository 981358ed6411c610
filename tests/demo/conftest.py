"""A small demo year, made once: 60 real households and their share of the overlay."""

from datetime import date
from typing import Any

import msgspec
import pytest

from kundenkreis.demo.year import DemoMessage, messages


@pytest.fixture(scope="session")
def ends_on() -> date:
    return date(2026, 11, 21)


@pytest.fixture(scope="session")
def household_count() -> int:
    return 60


@pytest.fixture(scope="session")
def small_year(ends_on: date, household_count: int) -> list[DemoMessage]:
    return list(messages(ends_on=ends_on, households=household_count))


@pytest.fixture(scope="session")
def decoded(small_year: list[DemoMessage]) -> list[dict[str, Any]]:
    return [msgspec.json.decode(message.body) for message in small_year]
