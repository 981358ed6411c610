"""One seed, one life of an installation: every message, delay, crash and fault follows from it.

Single process, single thread. Real: resolver, worker, fold, store, outbox, dispatchers, SMTP session. Not real: time, the mail
server, the inbox's file, and death, which is an exception that nobody catches but the simulation.
"""

import json
import random
import shutil
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec

from kundenkreis.channels.core.channel import Brand, Links
from kundenkreis.channels.core.claims import Claim, Intent
from kundenkreis.channels.core.tokens import TokenKey
from kundenkreis.channels.dispatcher import LEASE, Allowed, Dispatcher, Rests, World
from kundenkreis.channels.email_smtp import SmtpSettings
from kundenkreis.channels.outbox import SqlOutbox
from kundenkreis.channels.unsubscribe_app import Withdrawal
from kundenkreis.events.core.inbox_item import InboxItem
from kundenkreis.events.testing import MemoryInbox
from kundenkreis.kernel.effects import SendMessage
from kundenkreis.kernel.hashing import event_id_of, hash128
from kundenkreis.kernel.ids import NEVER
from kundenkreis.kernel.zones import DAY, HOUR, MINUTE, SECOND, to_datetime
from kundenkreis.runtime.dispatching import PublishedContents, Roster
from kundenkreis.runtime.public_links import scope_of, withdrawal_event
from kundenkreis.runtime.rulebooks import Rulebooks, newest_version, publish
from kundenkreis.runtime.stores.schema import INTERNAL_INBOX
from kundenkreis.runtime.stores.session import Row, Session, migrate
from kundenkreis.runtime.stores.sqlite import SqliteStore
from kundenkreis.runtime.unheard import UnheardWithdrawals
from kundenkreis.runtime.worker import EmbeddedWorker
from tests.engine.company import VERSIONS, canonical
from tests.engine.stories import STARTS, ZONE
from tests.simulation.server import Server, WatchedChannel
from tests.simulation.shop import Request, Shop

ACTIONS = {
    "arrive": 30, "work": 24, "dispatch": 20, "shop": 18, "pass_time": 14, "wake": 8, "unsubscribe": 2.0, "publish": 0.8,
    "step_clock": 1.2, "die": 1.0,
}  # fmt: skip
LENGTH = 190
DEATH, DISK = (0.0, 0.004, 0.015), (0.0, 0.006, 0.02)
"""Per point: some lives are quiet, some are terrible."""
POWER_FAILURES = 0.3
"""In how many deaths what nobody had waited for is gone from the disk."""
QUIET_DAYS = 9


class Died(BaseException):
    """The process died here."""


class DiskError(Exception):
    """The disk said no; the transaction is rolled back."""


class PowerStore(SqliteStore):
    """The real store; knows how much of it would outlive a power failure. Its WAL is written back only when it is closed."""

    def __init__(self, path: Path, *, point: Any, hasty: Collection[str]) -> None:
        super().__init__(path, point=self._passed, is_durable=False, cache_mebibytes=4)
        self._file, self._wal = path, Path(f"{path}-wal")
        self._written_back = path.read_bytes()
        self._safe_bytes = self._wal.stat().st_size if self._wal.exists() else 0
        self._outer = point
        self._hasty = hasty
        self._awaits_disk = True

    @contextmanager
    def transaction(self, name: str = "tx", *, awaits_disk: bool = True) -> Iterator[Session]:
        with super().transaction(name) as tx:
            self._awaits_disk = awaits_disk and name not in self._hasty
            yield tx

    def _passed(self, name: str) -> None:
        if self._awaits_disk and name.endswith(".after_commit"):
            self._safe_bytes = self._wal.stat().st_size
        self._outer(name)

    def close_here(self) -> None:
        """The last connection that closes writes the WAL back, waits for the disk and removes it."""
        super().close_here()
        if not self._wal.exists():
            self._written_back, self._safe_bytes = self._file.read_bytes(), 0

    def lose_power(self) -> int:
        """Close; the files are as a disk has them that kept what somebody waited for, and nothing else. How many bytes are lost."""
        written = self._wal.read_bytes() if self._wal.exists() else b""
        self.close()
        self._file.write_bytes(self._written_back)
        self._wal.write_bytes(written[: self._safe_bytes])
        return max(len(written) - self._safe_bytes, 0)


class Intended(msgspec.Struct):
    """A committed intent: the last moment at which a withdrawal could have won."""

    message: SendMessage
    number: int
    wall_us: int
    person: set[int]
    """The profiles that were this person then."""


class WatchedOutbox(SqlOutbox):
    """The real outbox; remembers the order of intents among everything else."""

    sim: "Simulation"

    def mark_intent(self, claim: Claim, *, now_us: int, lease_us: int) -> Intent:
        message = claim.message
        person = self.sim.persons().get(message.profile_id, {message.profile_id})
        answer = super().mark_intent(claim, now_us=now_us, lease_us=lease_us)
        self.sim.counts["waiting for a withdrawal"] += answer == "waiting"
        if answer == "committed":
            self.sim.hold_against_unheard(message)
            self.sim.intents.append(Intended(message, self.sim.happened(), now_us, person))
        return answer


class Simulation:
    """A whole life; `run` lives it, `checks.py` holds it against the invariants.

    Args:
        hasty: names of transactions that do not await the disk although they should: the checks must notice.
    """

    def __init__(self, seed: int, folder: Path, *, hasty: Collection[str] = ()) -> None:
        self.hasty = hasty
        self.seed = seed
        self.chance = random.Random(seed)  # a seeded life, not a secret
        self.path = folder / f"sim-{seed}.db"
        self.true_us = self.chance.choice(STARTS) + self.chance.randrange(DAY)
        self.offset_us = 0
        self.has_faults = True
        self.death, self.disk = self.chance.choice(DEATH), self.chance.choice(DISK)
        self.mail_trouble = self.chance.choice((0.0, 0.04, 0.15))
        self.counts: Counter[str] = Counter()
        self.number = 0
        self.acknowledged: set[tuple[str, str]] = set()
        self.tried: Counter[tuple[str, str]] = Counter()
        """How often each message was offered to the inbox."""
        self.withdrawn: list[tuple[int, int, str]] = []
        """(number, profile, scope) of acknowledged withdrawals."""
        self.forbidden: dict[bytes, str] = {}
        """Event id -> user of withdrawals that the tracking API has acknowledged."""
        self.past_unheard: list[str] = []
        """Messages whose intent was committed while such a one was not folded."""
        self.confirmed: dict[bytes, int] = {}
        """Event id -> number of acknowledged confirmations; always of news by e-mail. A repeat is none."""
        self.released: dict[tuple[bytes, int], int] = {}
        """(message, number of its verdict) -> when that release was first seen."""
        self.intents: list[Intended] = []
        self.allowed: list[tuple[SendMessage, int, str, int]] = []
        """(message, instant, time zone, last act of the person) of every yes of the gate."""
        self.inbox = MemoryInbox(point=self.point)
        self.shop = Shop(self.chance)
        self.server = Server(self)
        empty = folder / "empty.db"
        if not empty.exists():
            store = SqliteStore(empty, is_durable=False)
            migrate(store)
            store.close()
        shutil.copy(empty, self.path)
        self.begin()

    # Time and fate --------------------------------------------------------------------------------------------------------

    def now_us(self) -> int:
        return self.true_us + self.offset_us

    def monotonic_us(self) -> int:
        return self.true_us

    def passes(self, seconds: float) -> None:
        self.true_us += int(seconds * SECOND)

    def happened(self) -> int:
        self.number += 1
        return self.number

    def point(self, name: str) -> None:
        """Every named point of the runtime comes by here."""
        if not self.has_faults:
            return
        dice = self.chance.random()
        if dice < self.death:
            self.counts["deaths"] += 1
            self.counts[f"death at {name}"] += 1
            raise Died(name)
        if dice < self.death + self.disk and name.endswith("before_commit"):
            self.counts["disk"] += 1
            raise DiskError(name)

    def trouble(self, verb: str) -> str:
        if not self.has_faults or self.chance.random() > self.mail_trouble:
            return ""
        self.counts["smtp"] += 1
        choices = ["drop", "hang", "451 4.3.0 Later", "421 4.3.2 Closing", "450 4.7.1 Greylisted"]
        if verb in ("RCPT", "dot"):
            choices += ["550 5.1.1 User unknown", "554 5.7.1 No"]
        if verb == "dot":
            choices += ["commit_drop", "commit_drop", "commit_hang"]
        return self.chance.choice(choices)

    def interfere(self, verb: str) -> None:
        """While a message is on the wire: the person withdraws, or the sender sleeps until its lease is over."""
        dice = self.chance.random()
        if not self.has_faults or dice > 0.03:
            return
        rows = self.rows("SELECT payload FROM outbox WHERE effect_id = ?", self.server.current)
        if dice < 0.02 and rows:
            self.counts["races"] += 1
            message = msgspec.msgpack.decode(rows[0][0], type=SendMessage)
            self.survive(lambda: self.withdraw(message) if dice < 0.012 else self.withdraw_by_shop(message))
        elif len(self.dispatchers) > 1 and not self.is_nested:
            self.counts["zombies"] += 1
            if dice < 0.025:
                self.offset_us += LEASE + MINUTE  # only the wall clock jumps: the sender does not notice
            else:
                self.true_us += LEASE + MINUTE
            self.is_nested = True
            other = self.dispatchers[1 - self.busy]
            self.survive(other.run_once, other.abort)
            self.is_nested = False

    def survive(self, work: Any, after: Any = lambda: None) -> None:
        """Work inside other work: a failed disk is its own affair, death is everybody's."""
        try:
            work()
        except DiskError:
            after()

    # The process ----------------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Everything that a starting process makes."""
        self.is_nested = False
        self.busy = 0
        self.store = PowerStore(self.path, point=self.point, hasty=self.hasty)
        self.rulebooks = Rulebooks(self.store, zone=ZONE)
        self.worker = EmbeddedWorker(
            self.store, self.inbox, self.rulebooks, zone=ZONE, clock=self, late_after_us=DAY, point=self.point
        )
        installed = cast(Any, SimpleNamespace(store=self.store, rulebooks=self.rulebooks))
        roster, contents = Roster(installed), PublishedContents(installed)

        def gate(message: SendMessage, at_us: int) -> Any:
            answer = roster.gate(message, at_us)
            if isinstance(answer, Allowed):
                state = roster._local.states[message.profile_id]
                zone = state.profile.attributes.get("timezone")
                self.allowed.append((message, at_us, zone.value if zone else "Europe/Berlin", state.last_seen_us))
            return answer

        self.outbox = WatchedOutbox(self.store, unheard=UnheardWithdrawals(lambda: self.inbox))
        self.outbox.sim = self
        channel = WatchedChannel(
            SmtpSettings(host="sim", security="none"), point=self.point, monotonic=lambda: self.true_us / SECOND,
            connect=cast(Any, self.server.connect),
        )  # fmt: skip
        channel.server = self.server
        self.alarms: list[tuple[str, str]] = []
        world = World(
            store=self.outbox, gate=gate, people=roster.people, contents=contents, channels={"email": channel},
            brand=lambda: Brand(name="Muster", from_address="post@muster.example", imprint="Muster GmbH", domain="muster.example"),
            links=Links("https://post.muster.example", TokenKey(b"geheim" * 8), b"k" * 32), clock=self, point=self.point,
            rests=Rests(), alarm=lambda slug, detail: self.alarms.append((slug, detail)),
        )  # fmt: skip
        self.dispatchers = [Dispatcher(world, f"dispatcher-{number}", batch=5) for number in range(2)]

    def end(self) -> None:
        """The process is gone; its files stay as they are."""
        for dispatcher in self.dispatchers:
            dispatcher.abort()
        self.store.close()

    def begin_again(self) -> None:
        """The process is gone, now and then the power with it, and a new one starts."""
        if self.chance.random() < POWER_FAILURES:
            self.counts["power"] += 1
            self.counts["taken back"] += self.store.lose_power() > 0
        self.end()
        self.begin()
        # What a power failure took back was never released.
        there = self._released()
        self.released = {one: number for one, number in self.released.items() if one in there}

    def guarded(self, work: Any) -> bool:
        """Do something; False if the process died or the disk failed meanwhile."""
        try:
            work()
        except Died:
            self.begin_again()
            return False
        except DiskError:
            for dispatcher in self.dispatchers:
                dispatcher.abort()
            return False
        return True

    # Actions --------------------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """The stormy part, then a quiet one in which everything must come to its end."""
        while self._newest_version() == 0:
            self.guarded(self.publish)
        for _ in range(LENGTH):
            name = self.chance.choices(list(ACTIONS), weights=list(ACTIONS.values()))[0]
            self.counts[name] += 1
            getattr(self, f"do_{name}")()
        self.calm()

    def calm(self) -> None:
        """No more faults: everything arrives, is folded, sent and reported."""
        self.has_faults = False
        self.offset_us = max(self.offset_us, 0)
        ends_us = self.now_us() + QUIET_DAYS * DAY
        while self.shop.waiting:
            self.true_us = max(self.true_us, min(one.arrives_us for one in self.shop.waiting))
            self.do_arrive()
        while True:
            self.settle()
            next_us = min(self.worker.next_wake_us(), self.outbox.next_due_us() or NEVER)
            rests_us = self.dispatchers[0].resting_until()
            next_us = max(next_us, self.now_us() + SECOND, rests_us if next_us <= self.now_us() else 0)
            if next_us > ends_us:
                self.true_us = max(self.true_us, ends_us - self.offset_us)
                self.settle()
                return
            self.true_us = next_us - self.offset_us

    def settle(self) -> None:
        for _ in range(200):
            report = self.worker.run_until_idle()
            self.note_releases()
            claimed = self.dispatchers[0].run_once().claimed
            if report.idle and not claimed:
                return
        raise AssertionError("the backlog does not drain")

    def do_shop(self) -> None:
        self.shop.act(self.true_us)

    def do_arrive(self) -> None:
        """Some of what has arrived is taken in; what is not acknowledged is sent again later."""
        arrived = self.shop.arrived(self.true_us)
        if arrived and not self.guarded(lambda: self.take_in(arrived)):
            self.shop.again(arrived, self.true_us)

    def take_in(self, arrived: list[Request]) -> None:
        """As the tracking API does it: durable, then acknowledged."""
        self.tried.update((one.source, one.body["messageId"]) for one in arrived)
        now_us = self.now_us()
        self.inbox.append(
            [
                InboxItem(now_us, one.source, one.is_public, one.endpoint, json.dumps(one.body).encode())
                for one in arrived
            ]
        )
        self.acknowledged.update((one.source, one.body["messageId"]) for one in arrived)
        self.confirm(arrived)
        self.forbid(arrived)

    def confirm(self, arrived: list[Request]) -> None:
        """Remember who has confirmed, in the order in which it was acknowledged."""
        for one in arrived:
            if one.body.get("event") == "Consent Confirmed":
                self.confirmed.setdefault(event_id_of(one.source, one.body["messageId"]), self.happened())

    def forbid(self, arrived: list[Request]) -> None:
        """Remember who has withdrawn through the tracking API."""
        for one in arrived:
            if one.body.get("event") == "Consent Withdrawn":
                self.forbidden[event_id_of(one.source, one.body["messageId"])] = one.body["userId"]

    def hold_against_unheard(self, message: SendMessage) -> None:
        """At an intent: nothing that this person has forbidden waits to be folded. (SQLite resolves and folds at once.)"""
        self.forbidden = {
            key: user
            for key, user in self.forbidden.items()
            if not self.rows("SELECT 1 FROM log WHERE event_id = ?", key)
        }
        if message.message_class == "transactional" or not self.forbidden:
            return
        sql = "SELECT value FROM identifiers WHERE profile_id = ? AND kind = 'user_id'"
        users = {row[0] for row in self.rows(sql, message.profile_id)}
        if not users.isdisjoint(self.forbidden.values()):
            self.past_unheard.append(message.effect_id.hex())

    def do_work(self) -> None:
        self.guarded(self.worker.step)
        self.note_releases()

    def note_releases(self) -> None:
        """Remember when each message was first seen to be released, and released anew."""
        number = self.happened()
        for one in self._released():
            self.released.setdefault(one, number)

    def _released(self) -> set[tuple[bytes, int]]:
        rows = self.rows("SELECT effect_id, sequence FROM verdicts WHERE outcome = 'released'")
        return {(bytes(effect_id), sequence) for effect_id, sequence in rows}

    def do_dispatch(self) -> None:
        self.busy = self.chance.randrange(2)
        self.guarded(self.dispatchers[self.busy].run_once)

    def do_pass_time(self) -> None:
        self.true_us += self.chance.randrange(self.chance.choice((SECOND, 10 * MINUTE, 2 * HOUR, 9 * HOUR, DAY)))

    def do_wake(self) -> None:
        """Exactly the instant at which somebody wakes or something is due."""
        next_us = self.chance.choice((self.worker.next_wake_us(), self.outbox.next_due_us() or NEVER))
        if self.now_us() < next_us < self.now_us() + 3 * DAY:
            self.true_us = next_us - self.offset_us

    def do_step_clock(self) -> None:
        self.offset_us += self.chance.choice((-5 * MINUTE, -HOUR, HOUR, -DAY, DAY, 20 * MINUTE))

    def do_die(self) -> None:
        self.begin_again()

    def do_publish(self) -> None:
        self.guarded(self.publish)

    def publish(self) -> None:
        with self.store.transaction("publish") as tx:
            version = newest_version(tx) % len(VERSIONS) + 1
            publish(tx, canonical(version), actor="sim", at_us=self.now_us(), zone=ZONE)

    def do_unsubscribe(self) -> None:
        """Somebody who got a message withdraws by its link."""
        if not self.server.commits:
            return
        effect_id = self.chance.choice(self.server.commits).effect_id
        payload = self.rows("SELECT payload FROM outbox WHERE effect_id = ?", effect_id)[0][0]
        message = msgspec.msgpack.decode(payload, type=SendMessage)
        self.guarded(lambda: self.withdraw(message))

    def withdraw(self, message: SendMessage) -> None:
        """As the page behind the link does it: fence, event, answer."""
        reach: Any = self.chance.choice(("purpose", "all"))
        withdrawal = Withdrawal(
            event_id=hash128("unsubscribe", message.profile_id, message.effect_id, message.purpose, message.channel, reach),
            profile_id=message.profile_id, message_id=message.effect_id, purpose=message.purpose, channel=message.channel,
            reach=reach, at_us=self.now_us(), one_click=True,
        )  # fmt: skip
        scope = scope_of(withdrawal)
        epoch = self.inbox.last_position()
        self.outbox.write_fence(
            withdrawal.profile_id, scope, at_us=withdrawal.at_us, reason="unsubscribe link", epoch=epoch
        )
        event = withdrawal_event(withdrawal)
        with self.store.transaction("unsubscribe") as tx:
            row = (event.effect_id, event.profile_id, withdrawal.at_us, msgspec.msgpack.encode(event))
            tx.insert(INTERNAL_INBOX, [row])
        self.counts["unsubscribed"] += 1
        self.withdrawn.append((self.happened(), withdrawal.profile_id, scope))

    def withdraw_by_shop(self, message: SendMessage) -> None:
        """The shop's server says so while the message is on the wire; it says it again later, as it does with everything."""
        rows = self.rows("SELECT value FROM identifiers WHERE profile_id = ? AND kind = 'user_id'", message.profile_id)
        if rows:
            self.take_in([self.shop.withdraw(self.true_us, rows[0][0])])

    # Looking --------------------------------------------------------------------------------------------------------------

    def rows(self, sql: str, *params: Any) -> list[Row]:
        with self.store.reading() as tx:
            return tx.rows(sql, params)

    def persons(self) -> dict[int, set[int]]:
        """Profile -> the profiles that were joined into it so far, itself included."""
        merges = self.rows("SELECT loser, winner FROM merges")
        winner_of = dict(merges)
        persons: dict[int, set[int]] = {}
        for loser in winner_of:
            at = loser
            while at in winner_of:
                at = winner_of[at]
                persons.setdefault(at, {at}).add(loser)
        return persons

    def _newest_version(self) -> int:
        with self.store.reading() as tx:
            return newest_version(tx)

    def told(self) -> str:
        """What went wrong on purpose, for the failure's text."""
        return f"seed {self.seed}, {to_datetime(self.now_us())}, {dict(self.counts)}"
