"""The other side of the comparison once more: a village on a virtual clock, whose people do what nobody in the demo does.

Everything follows from the seed. Time goes from one instant to the next at which something happens or is due; what is due
is handed over at that very instant. The rulebooks are published one after the other while people live on.
"""

import json
import random
from pathlib import Path

from kundenkreis.channels.dispatcher import Dispatcher
from kundenkreis.definitions.canonical import canonical_json
from kundenkreis.definitions.load import load_directory
from kundenkreis.events.core.inbox_item import InboxItem
from kundenkreis.events.testing import MemoryInbox
from kundenkreis.kernel.zones import DAY, iso
from kundenkreis.runtime.clock import VirtualClock
from kundenkreis.runtime.dispatching import build_world
from kundenkreis.runtime.installation import Installation
from kundenkreis.runtime.worker import EmbeddedWorker
from kundenkreis.settings import Settings
from tests.oracle.history import documents_of
from tests.oracle.traffic import happenings_of

START_US = 1_772_280_000_000_000
"""2026-02-28T12:00:00Z: the clocks go forward in the fourth week, and months of 28 and 31 days pass."""
DEFINITIONS = Path(__file__).parent / "village"
EDITIONS = ("first", "second", "third")


def editions(folder):
    """Folders with the whole of each rulebook: a later file replaces documents of the earlier ones or says that they are gone."""
    documents, folders = {}, []
    for number, name in enumerate(EDITIONS, 1):
        for document in documents_of(DEFINITIONS / f"{name}.yaml"):
            key = document["kind"], document.get("id", "")
            if document.pop("gone", False):
                del documents[key]
            else:
                documents[key] = document
        target = folder / str(number)
        target.mkdir(parents=True)
        text = "\n---\n".join(json.dumps(document, ensure_ascii=False) for document in documents.values())
        (target / "all.yaml").write_text(text, encoding="utf-8")
        folders.append(target)
    return folders


class Village:
    """One installation, and people who live in it for some weeks."""

    def __init__(self, folder, seed, *, people, days):
        self._chance = random.Random(f"village {seed}")
        self._clock = VirtualClock()
        self._clock.advance_to(START_US)
        self._ends_us = START_US + days * DAY
        self._people = people
        self._sent = 0
        self.folders = editions(folder / "editions")
        self._installation = Installation(Settings(data_dir=folder / "data"), clock=self._clock, durable=False)
        self._inbox = MemoryInbox()

    def live(self):
        """From the first to the last day; the folders of the rulebooks. Lets go of everything."""
        chance, span_us = self._chance, self._ends_us - START_US
        acts = [(START_US, 0, self._publish, (self.folders[0],))]
        for number, folder in enumerate(self.folders[1:], 1):
            at_us = START_US + span_us * number // len(self.folders) + chance.randrange(DAY)
            acts.append((at_us, 0, self._publish, (folder,)))
        for number in range(6):
            at_us = START_US + span_us * number // 6 + chance.randrange(4 * DAY)
            acts.append((at_us, 0, self._broadcast, ()))
        for person in range(self._people):
            for at_us, kind, source, fields in happenings_of(person, chance, START_US, self._ends_us):
                acts.append((at_us, 1, self._send, (kind, source, fields)))
        self._publish(self.folders[0])
        self._worker = EmbeddedWorker(
            self._installation.store, self._inbox, self._installation.rulebooks, zone=self._installation.zone, clock=self._clock,
            late_after_us=self._installation.late_after_us,
        )  # fmt: skip
        world = build_world(self._installation)
        self._dispatcher = Dispatcher(world, "village")
        for at_us, _, act, given in sorted(acts[1:], key=lambda one: one[:2]):
            self._pass_time(at_us)
            act(*given)
            self._settle()
        self._pass_time(self._ends_us)
        self._dispatcher.close()
        with self._installation.store.reading() as tx:
            assert (
                tx.rows(
                    "SELECT code, detail FROM quarantined_customers UNION ALL SELECT code, detail FROM quarantined_events"
                )
                == []
            )
        self._installation.close()
        return self.folders

    def _publish(self, folder):
        definitions = load_directory(folder)
        assert not isinstance(definitions, list), "\n".join(map(str, definitions))
        self._installation.publish(canonical_json(definitions), actor="village")

    def _broadcast(self):
        self._installation.append_control("Broadcast Started", {"journey": "mailing"}, actor="village")

    def _send(self, kind, source, fields):
        self._sent += 1
        now_us = self._clock.now_us()
        age_us = fields.pop("age_us", 0)
        body = {"type": kind, "messageId": f"m{self._sent}", "timestamp": iso(now_us - age_us), **fields}
        self._inbox.append([InboxItem(now_us, source, False, kind, json.dumps(body).encode())])

    def _settle(self):
        while True:
            report = self._worker.run_until_idle()
            if not self._dispatcher.run_once().claimed and report.idle:
                return

    def _pass_time(self, until_us):
        while (next_us := self._worker.next_wake_us()) < until_us:
            self._clock.advance_to(next_us)
            self._settle()
        self._clock.advance_to(until_us)
        self._settle()
