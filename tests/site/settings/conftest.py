"""The settings on a real installation."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.runtime.town import Town
from tests.site.conftest import Site


@pytest.fixture
def town(tmp_path: Any) -> Iterator[Town]:
    town = Town(tmp_path)
    yield town
    town.close()


@pytest.fixture
def served(site: Site, town: Town) -> Site:
    site.mount_stored(town.installation)
    return site
