"""The small company's sender and links as fixtures."""

from collections.abc import Callable

import pytest

from kundenkreis.channels.core.channel import Brand, Links
from kundenkreis.channels.core.tokens import TokenKey
from kundenkreis.kernel.effects import SendMessage
from tests.channels.company import message_of


@pytest.fixture
def brand() -> Brand:
    return Brand(
        name="Muster", from_address="post@muster.example", imprint="Muster GmbH, Musterweg 1", domain="muster.example"
    )


@pytest.fixture
def links() -> Links:
    return Links("https://post.muster.example", TokenKey(b"geheim" * 8), b"k" * 32)


@pytest.fixture
def make_message() -> Callable[..., SendMessage]:
    return message_of
