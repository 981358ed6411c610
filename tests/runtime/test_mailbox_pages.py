"""The stored mailbox is held to what the pages need, on both stores."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kundenkreis.channels.mailbox import pack_body
from kundenkreis.runtime.mailbox_pages import StoredMailbox
from kundenkreis.runtime.stores.postgres import PostgresStore
from kundenkreis.runtime.stores.schema import MAILBOX, VERDICTS
from kundenkreis.runtime.stores.session import Store, migrate
from kundenkreis.runtime.stores.sqlite import SqliteStore
from kundenkreis.site.ports.messages import Message
from tests.site.mailbox_contract import MailboxContract, MakeMailbox

pytestmark = pytest.mark.db


def _mailbox_row(message: Message) -> tuple[Any, ...]:
    line, headers = message.line, json.dumps(dict(message.headers))
    return (
        bytes.fromhex(line.message_id), 1, line.at_us, line.recipient, message.sender, line.subject, "de",
        pack_body(message.text, message.html), headers, "welcome", "1",
    )  # fmt: skip


def _verdict_rows(message: Message) -> list[tuple[Any, ...]]:
    return [
        (
            bytes.fromhex(message.line.message_id), sequence, 1, verdict.at_us, verdict.outcome,
            json.dumps([[one.rule_id, one.passed, *one.detail] for one in verdict.reasons]), "email", "welcome",
            verdict.message_class, verdict.purpose, verdict.basis, verdict.due_us, verdict.journey_id, b"run",
            verdict.step_id, verdict.rulebook_version, 5,
        )
        for sequence, verdict in enumerate(message.verdicts)
    ]  # fmt: skip


def _open(request: pytest.FixtureRequest, folder: Path) -> Store:
    if request.param == "sqlite":
        return SqliteStore(folder / "store.db")
    return PostgresStore(request.getfixturevalue("postgres_database"))


class TestStoredMailbox(MailboxContract):
    """Rows as the dispatcher and the fold write them."""

    @pytest.fixture(params=["sqlite", "postgres"])
    def store(self, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
        store = _open(request, tmp_path)
        migrate(store)
        yield store
        store.close()

    @pytest.fixture
    def make(self, store: Store) -> MakeMailbox:
        def make(messages: Iterable[Message]) -> StoredMailbox:
            with store.transaction("test") as tx:
                for message in messages:
                    tx.insert(MAILBOX, [_mailbox_row(message)])
                    tx.insert(VERDICTS, _verdict_rows(message))
            return StoredMailbox(store)

        return make
