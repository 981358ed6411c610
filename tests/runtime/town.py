"""A small town of customers on a virtual clock: events posted like a shop's server would, folded by the real worker."""

import json
from pathlib import Path
from typing import Any

import msgspec

from kundenkreis.definitions.canonical import canonical_json
from kundenkreis.events.core.inbox_item import InboxItem
from kundenkreis.events.inbox import Inbox
from kundenkreis.kernel.zones import DAY, HOUR, MINUTE, iso
from kundenkreis.playbooks.shipped import shipped_rulebook
from kundenkreis.runtime.clock import VirtualClock
from kundenkreis.runtime.installation import Installation
from kundenkreis.settings import Settings

START_US = 1_767_261_600_000_000
"""2026-01-01T10:00:00Z"""


class Town:
    """One installation with a clock that only the test moves."""

    def __init__(self, folder: Path, database: str = "", *, journeys: bool = True) -> None:
        self.clock = VirtualClock()
        self.clock.advance_to(START_US)
        self.settings = Settings(data_dir=folder, database=database)
        self.installation = Installation(self.settings, clock=self.clock)
        self.publish(msgspec.json.decode(canonical_json(shipped_rulebook(with_journeys=journeys))))
        self.inbox: Inbox = self.installation.open_inbox()
        self.worker = self.installation.open_worker()
        self._sent = 0

    def publish(self, documents: list[dict[str, Any]]) -> int:
        """Publish these documents; the version."""
        return self.installation.publish(msgspec.json.encode(documents), actor="test", at_us=self.clock.now_us())[0]

    def documents(self) -> list[dict[str, Any]]:
        """The documents in force."""
        return self.installation.rulebooks.documents(self.installation.rulebooks.newest_version())

    def send(self, kind: str, *, source: str = "shop", public: bool = False, late_us: int = 0, **fields: Any) -> None:
        """Post one event now."""
        self._sent += 1
        now_us = self.clock.now_us()
        body = {"type": kind, "messageId": f"m{self._sent}", "timestamp": iso(now_us - late_us), **fields}
        item = InboxItem(now_us, source, public, kind, json.dumps(body).encode())
        self.inbox.append([item])

    def order(self, user: str, order_id: str, total: float, *, name: str = "Order Completed", **more: Any) -> None:
        """An order, or what becomes of it."""
        properties = {
            "order_id": order_id, "total": total, "currency": "EUR",
            "products": [{"product_id": "p1", "quantity": 1, "price": total, "category": "tea"}],
        }  # fmt: skip
        self.send("track", userId=user, event=name, properties=properties, **more)

    def run(self) -> None:
        """Resolve and fold until nothing is left to do now."""
        while not self.worker.step().idle:
            pass

    def pass_time(self, span_us: int) -> None:
        """Let time pass, folding what falls due."""
        self.clock.advance_to(self.clock.now_us() + span_us)
        self.run()

    def close(self) -> None:
        """Let go of everything."""
        self.inbox.close()
        self.installation.close()


def live_through(town: Town) -> None:
    """A story with everything that could go wrong in a rebuild: merges, refunds, late rows, two publishes, quarantined events."""
    for number in range(12):
        town.send(
            "identify", userId=f"u{number}",
            traits={"email": f"u{number}@example.com", "country": "DE", "birthday": f"1980-02-{number + 1:02}"},
        )  # fmt: skip
        consent = {
            "channel": "email",
            "purpose": "newsletter",
            "basis": "express_consent",
            "wording": "News, please",
            "proof": "form 7",
        }
        town.send("track", userId=f"u{number}", event="Consent Confirmed", properties=consent)
        town.send("track", anonymousId=f"a{number}", event="Product Viewed", properties={"product_id": "p1"})
        if number % 2:
            town.order(f"u{number}", f"o{number}", 20.5 + number)
    town.run()
    town.pass_time(2 * DAY)
    town.send("identify", userId="u1", anonymousId="a1", traits={"email": "u1@example.com"})  # joins a1
    town.send("identify", userId="u2", anonymousId="a2")
    town.order("u3", "o3", 23.5, name="Order Refunded")
    town.order("u4", "late-1", 9.0, late_us=3 * DAY)
    town.run()
    documents = town.documents()
    viewed = {"event": {"name": "Product Viewed", "within_days": 30}}
    town.publish(
        [*documents, {"kind": "segment", "id": "viewers", "name": {"de": "Gucker", "en": "Viewers"}, "when": viewed}]
    )
    town.order("u6", "o6", 31.0)
    town.pass_time(20 * DAY)
    town.send("track", anonymousId="a3", event="Product Viewed", properties={"product_id": "p2"})
    crossed = {"event": {"name": "Segment Entered", "count": {"at_least": 1}}}
    town.publish(
        [*documents, {"kind": "segment", "id": "movers", "name": {"de": "Beweger", "en": "Movers"}, "when": crossed}]
    )
    town.order("u1", "o1b", 12.0)
    town.pass_time(HOUR)
    town.send("identify", userId="u7", anonymousId="a3")
    for number in range(40):
        town.pass_time(2 * DAY + 7 * MINUTE)
        town.order(f"u{number % 12}", f"n{number}", 5.0 + number)
        if number % 3 == 0:
            town.order(f"u{number % 12}", f"n{number}", 5.0, name="Order Refunded")
    town.send("track", userId="u5", event="Order Completed", properties={"order_id": 7, "total": "much"})  # malformed
    town.send("nonsense", userId="u5")
    town.run()


def ring_bells(town: Town) -> None:
    """Five people ring a bell, an event that no rulebook counts."""
    for number in range(5):
        town.send("track", userId=f"u{number}", event="Bell Rung", properties={})
    town.run()
