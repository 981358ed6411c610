"""Small random lives of a dispatcher: crashes at any point, servers that fail in any way. Seeds are printed by pytest.

What holds after each: nothing lost, nothing twice except flagged sends after the dot, and the records agree with what
the server committed.
"""

import random
import threading
import time
from collections import Counter

import pytest

from kundenkreis.channels.core.channel import Brand, Links, Recipient
from kundenkreis.channels.core.fences import MARKETING
from kundenkreis.channels.dispatcher import LEASE, Allowed, Dispatcher, Rests, World
from kundenkreis.channels.email_smtp import SmtpChannel, SmtpSettings, Timeouts
from kundenkreis.channels.testing import Crash, MemoryOutbox, SmtpSink
from kundenkreis.kernel.zones import DAY, MINUTE
from tests.channels.company import CONTENTS, NOW, message_of

pytestmark = pytest.mark.e2e

MESSAGES = 8
FAULTS: list[tuple[str, str, str]] = [
    ("connect", "", "drop"), ("connect", "421 4.3.2 Later", ""), ("EHLO", "", "drop"), ("MAIL", "451 4.3.0 Later", ""),
    ("RCPT", "450 4.7.1 Greylisted", ""), ("RCPT", "", "drop"), ("DATA", "", "drop"), ("DATA", "452 4.3.1 Full", ""),
    ("dot", "", "drop"), ("dot", "", "commit_then_drop"), ("dot", "", "garbage"), ("dot", "451 4.3.0 Later", ""),
]  # fmt: skip


class Fate:
    """Decides at every point whether the process dies, and drives the clocks."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # a seeded life, not a secret
        self.at_us = NOW
        self.deaths = 0

    def now_us(self) -> int:
        return self.at_us

    def monotonic_us(self) -> int:
        return self.at_us

    def __call__(self, name: str) -> None:
        if self.deaths < 6 and self.chance.random() < 0.04:
            self.deaths += 1
            raise Crash(name)


@pytest.mark.parametrize("seed", range(40))
def test_a_random_life(brand: Brand, links: Links, seed: int) -> None:
    fate, outbox = Fate(seed), MemoryOutbox()
    with SmtpSink() as sink:
        timeouts = Timeouts(connect=10, greeting=10, command=10, data=10, block=10, dot=10)
        settings = SmtpSettings(host="127.0.0.1", port=sink.port, timeouts=timeouts)
        channel = SmtpChannel(settings, point=fate, monotonic=time.monotonic)
        for number in range(1, MESSAGES + 1):
            transactional = number % 2 == 0
            content, kind = ("receipt", "transactional") if transactional else ("news", "marketing")
            valid = NOW + 9 * DAY
            outbox.put(message_of(number, content_id=content, message_class=kind, valid_until_us=valid))
        fenced = fate.chance.randrange(1, MESSAGES + 1)
        for _ in range(60):
            if fate.chance.random() < 0.5:
                verb, line, fault = fate.chance.choice(FAULTS)
                sink.answer(verb, line, fault=fault or None)  # type: ignore[arg-type]
            if fate.chance.random() < 0.1:
                outbox.write_fence(fenced, MARKETING, at_us=fate.at_us, reason="unsubscribe")
            live_once(fate, outbox, channel, brand, links)
            fate.at_us += fate.chance.choice((MINUTE, 5 * MINUTE, LEASE))
        sink.answers.clear()
        fate.deaths = 99
        for _ in range(200):
            live_once(fate, outbox, channel, brand, links)
            fate.at_us += 10 * MINUTE
        check(outbox, Counter(message.envelope_to for message in sink.committed))


def live_once(fate: Fate, outbox: MemoryOutbox, channel: SmtpChannel, brand: Brand, links: Links) -> None:
    """One process life: as many rounds as it survives, at most three."""
    world = World(
        store=outbox,
        gate=lambda message, at_us: Allowed(),
        people=lambda messages: {
            (m.profile_id, m.channel): Recipient(
                profile_id=m.profile_id,
                address=f"a{m.profile_id}@kunde.example",
                language="de",
                attributes={"first_name": "Anna"},
            )
            for m in messages
        },
        contents=CONTENTS.get,
        channels={"email": channel},
        brand=lambda: brand,
        links=links,
        clock=fate,
        point=fate,
        rests=Rests(),
        alarm=lambda slug, detail: None,
    )
    worker = Dispatcher(world, f"w{threading.get_ident()}", batch=3)
    try:
        for _ in range(3):
            worker.run_once()
    except Crash:
        pass
    finally:
        worker.abort()


def check(outbox: MemoryOutbox, committed: Counter[str]) -> None:
    for row in outbox.rows.values():
        message = row["message"]
        copies = committed[f"a{message.profile_id}@kunde.example"]
        state, uncertain = row["state"], row["uncertain"]
        names = [event.name for event in outbox.inbox.values() if event.cause == message.effect_id]
        assert state in ("accepted", "held", "withheld", "failed"), (state, message.profile_id)
        assert len(names) == 1
        if state == "accepted":
            assert copies >= 1
            assert names == ["Message Sent"]
        if not uncertain:
            assert copies == (state == "accepted")
        assert copies <= 1 + uncertain
        if message.message_class == "marketing":
            assert copies <= 1
        if state == "withheld":
            assert (message.profile_id, MARKETING) in outbox.fences
