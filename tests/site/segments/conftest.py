"""The pages of segments are tested in a town in which something has happened."""

import pytest

from tests.runtime.town import Town


@pytest.fixture
def town(lived_in_town: Town) -> Town:
    return lived_in_town
