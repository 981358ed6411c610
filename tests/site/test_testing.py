"""The mailbox that tests of the pages use does what a real one does."""

import pytest

from kundenkreis.site.testing import MailboxInMemory
from tests.site.mailbox_contract import MailboxContract, MakeMailbox

pytestmark = pytest.mark.pure


class TestMailboxInMemory(MailboxContract):
    """Held to the contract."""

    @pytest.fixture
    def make(self) -> MakeMailbox:
        return MailboxInMemory
