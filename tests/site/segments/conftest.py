"""The pages of segments are tested in a town in which something has happened."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runtime.town import Town, live_through


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    town = Town(tmp_path)
    live_through(town)
    yield town
    town.close()
