"""A small installation with all its real pieces: requests in, worker, dispatcher, files."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kundenkreis.channels.dispatcher import Dispatcher
from kundenkreis.definitions.canonical import canonical_json
from kundenkreis.definitions.definition import Definitions
from kundenkreis.events.core.inbox_item import InboxItem
from kundenkreis.events.core.instants import instant_us
from kundenkreis.playbooks.shipped import shipped_rulebook
from kundenkreis.runtime.clock import VirtualClock
from kundenkreis.runtime.dispatching import build_world
from kundenkreis.runtime.installation import Installation
from kundenkreis.runtime.rulebooks import publish
from kundenkreis.runtime.stores.session import Row
from kundenkreis.runtime.worker import StepReport
from kundenkreis.settings import Settings


def us(text: str) -> int:
    """The instant of this text."""
    found = instant_us(text)
    assert found is not None
    return found


NOW = us("2026-06-10T10:00:00Z")
"""A Wednesday noon in Berlin."""


class Company:
    """One installation under a clock set by hand."""

    def __init__(
        self, folder: Path, *, database: str = "", rulebook: Definitions | None = None, **settings: Any
    ) -> None:
        self.settings = Settings(data_dir=folder, database=database, **settings)
        self.clock = VirtualClock(NOW)
        self.installation = Installation(self.settings, clock=self.clock)
        if self.installation.rulebooks.newest_version() == 0:
            chosen = rulebook if rulebook is not None else shipped_rulebook(with_journeys=True)
            with self.installation.store.transaction() as tx:
                publish(tx, canonical_json(chosen), actor="test", at_us=NOW, zone=self.installation.zone)
        self.installation.ensure_write_keys([("shop", "server"), ("web", "public")])
        self.inbox = self.installation.open_inbox()
        self.worker = self.installation.open_worker()
        self.count = 0

    def post(self, *events: dict[str, Any], public: bool = False, source: str = "", at_us: int | None = None) -> None:
        """Put events into the inbox as one batch, as the tracking API does."""
        complete = []
        for event in events:
            self.count += 1
            complete.append({"type": "track", "messageId": f"m-{self.count}", **event})
        self.post_bytes(json.dumps({"batch": complete}).encode(), public=public, source=source, at_us=at_us)

    def post_bytes(
        self, body: bytes, *, endpoint: str = "batch", public: bool = False, source: str = "", at_us: int | None = None
    ) -> None:
        """Put one request into the inbox."""
        received_us = self.clock.now_us() if at_us is None else at_us
        self.inbox.append([InboxItem(received_us, source or ("web" if public else "shop"), public, endpoint, body)])

    def run(self) -> StepReport:
        """Fold until nothing is left to do now."""
        total = StepReport()
        for _ in range(2000):
            report = self.worker.step()
            total.events += report.events
            total.fold.quarantined += report.fold.quarantined
            total.fold.forgotten += report.fold.forgotten
            if report.idle:
                return total
        raise AssertionError("the worker finds no rest")

    def live(self, until_us: int) -> StepReport:
        """Move the clock and fold."""
        self.clock.advance_to(until_us)
        return self.run()

    def send(self) -> int:
        """Hand over everything due; how many messages."""
        dispatcher = Dispatcher(build_world(self.installation), "test")
        count = 0
        while claimed := dispatcher.run_once().claimed:
            count += claimed
        dispatcher.close()
        self.run()
        return count

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[Row]:
        """Rows of the store."""
        with self.installation.store.reading() as tx:
            return tx.rows(sql, params)

    def close(self) -> None:
        """Let go of everything."""
        self.inbox.close()
        self.installation.close()
