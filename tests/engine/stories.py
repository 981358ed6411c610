"""Random stories of a handful of customers, told to a store in any batching and through any crash.

A story is made once, message by message: some messages are aimed at exactly the instant at which a customer wakes, some
report what became of a message decided a moment ago. From then on it is a fixed list of steps.
"""

import json
import random
import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from kundenkreis.channels.core.feedback import FAILED, POSTPONED, SENT, UNCERTAIN, WITHHELD, feedback_event
from kundenkreis.customers.core.state import decode_state, encode_state
from kundenkreis.events.core.inbox_item import InboxItem
from kundenkreis.kernel.effects import AppendEvent, SendMessage
from kundenkreis.kernel.rows import LATE
from kundenkreis.kernel.zones import DAY, HOUR, MINUTE, SECOND, to_datetime, zone
from kundenkreis.runtime.fold_helpers import FoldHelpers
from kundenkreis.runtime.folding import Folder
from kundenkreis.runtime.partition_clocks import write_clocks
from kundenkreis.runtime.reading import read_arrivals
from kundenkreis.runtime.resolver import Relay, Resolver
from kundenkreis.runtime.rulebooks import Rulebooks, publish
from kundenkreis.runtime.stores.session import Row, Session, migrate
from kundenkreis.runtime.stores.sqlite import SqliteStore
from kundenkreis.runtime.worker import _due, _take_relays
from tests.engine.company import BERLIN, VERSIONS, canonical

ZONE = zone(BERLIN)
STARTS = (
    1_774_540_000_000_000,  # 26 March 2026: summer time begins on the 29th
    1_792_680_000_000_000,  # 22 October 2026: it ends on the 25th
)
DST_DAYS = frozenset((ZONE.day_number(STARTS[0] + 3 * DAY), ZONE.day_number(STARTS[1] + 3 * DAY)))
ZONES = ("Europe/Berlin", "Asia/Tokyo", "America/New_York", "Pacific/Apia")
LATE_AFTER = DAY
STATE_AFTER = {SENT: "accepted", WITHHELD: "withheld", POSTPONED: "postponed", FAILED: "failed", UNCERTAIN: "held"}


@dataclass(frozen=True)
class Send:
    """A request that arrives."""

    received_us: int
    endpoint: str
    body: dict[str, Any]
    public: bool = False


@dataclass(frozen=True)
class Report:
    """What became of a message: comes back through the internal inbox."""

    received_us: int
    event: AppendEvent


@dataclass(frozen=True)
class Publish:
    """A rulebook is published."""

    received_us: int
    version: int


Step = Send | Report | Publish


def item_of(step: Send) -> InboxItem:
    """The request as it stands in the inbox."""
    body = json.dumps(step.body).encode()
    return InboxItem(step.received_us, "web" if step.public else "shop", step.public, step.endpoint, body)


@dataclass
class Story:
    """The steps, behind which of them a batch must end, and what happened in them."""

    seed: int
    steps: list[Step] = field(default_factory=list)
    ends: set[int] = field(default_factory=set)
    marks: Counter[str] = field(default_factory=Counter)


class Life:
    """One store, and the resolver and fold that work on it."""

    def __init__(self, path: Path, point: Any = None, helpers: FoldHelpers | None = None) -> None:
        self.helpers = helpers
        empty = path.parent / "empty.db"
        if not empty.exists():
            store = SqliteStore(empty, is_durable=False)
            migrate(store)
            with store.transaction() as tx:
                tx.rows("SELECT 1")
            store.close()
        shutil.copy(empty, path)
        self.path = path
        self.point = point or (lambda name: None)
        self.store = SqliteStore(path, point=self.passing, is_durable=False, cache_mebibytes=4)
        self.begin()

    def passing(self, name: str) -> None:
        """A point inside a transaction or around its commit; `point` may be set at any time."""
        self.point(name)

    def begin(self) -> None:
        """A new process."""
        self.rulebooks = Rulebooks(self.store, zone=ZONE)
        self.resolver = Resolver(ZONE, remembers=True)
        self.folder = Folder(self.rulebooks, helpers=self.helpers)

    def failed(self) -> None:
        """The same process after a transaction that failed."""
        self.resolver.forget()
        self.folder.forget()

    def close(self) -> None:
        self.store.close()

    def publish(self, step: Publish) -> None:
        with self.store.transaction("publish") as tx:
            publish(
                tx, canonical((step.version - 1) % len(VERSIONS) + 1), actor="test", at_us=step.received_us, zone=ZONE
            )

    def take(self, steps: list[Step], *, until_us: int = 0, sweep: int = 0) -> None:
        """One batch: these steps, the timers up to the last of them (or `until_us`), and so many customers of the sweep."""
        with self.store.transaction("fold") as tx:
            rows = []
            for step in steps:
                if isinstance(step, Send):
                    arrivals = read_arrivals(tx, [(0, item_of(step))], late_after_us=LATE_AFTER)
                    rows += self.resolver.resolve(tx, arrivals)
                elif isinstance(step, Report):
                    _mark_reported(tx, step.event)
                    rows += self.resolver.resolve(tx, [], [Relay(_copy(step.event), step.received_us)])
            self.point("batch.resolved")
            self._fold(tx, rows, until_us, sweep)
            self.point("batch.folded")

    def relays(self) -> bool:
        """One batch of what customers' folds sent to each other; whether there was any."""
        with self.store.transaction("relays") as tx:
            relays = _take_relays(tx, 400)
            if relays:
                self._fold(tx, self.resolver.resolve(tx, [], relays), 0, 0)
            return bool(relays)

    def _fold(self, tx: Session, rows: list[Any], until_us: int, sweep: int) -> None:
        self.folder.refresh(tx)
        until_us = max([until_us, self.clock(tx), *(row.at_us for row in rows)])
        due = _due(tx, until_us, 1000) + _unswept(tx, self.folder)[:sweep]
        self.folder.fold(tx, rows, due, until_us=until_us)
        write_clocks(tx, {0: until_us})

    def finish(self, until_us: int) -> None:
        """Everything that is due up to this instant."""
        while True:
            with self.store.reading() as tx:
                self.folder.refresh(tx)
                is_done = not _due(tx, until_us, 1) and not _unswept(tx, self.folder)
            if is_done and self.clock() >= until_us:
                return
            self.take([], until_us=until_us, sweep=1000)
            while self.relays():
                pass

    def clock(self, tx: Session | None = None) -> int:
        if tx is None:
            return int(self.rows("SELECT clock_us FROM clocks WHERE partition = 0")[0][0])
        return int(tx.rows("SELECT clock_us FROM clocks WHERE partition = 0")[0][0])

    def rows(self, sql: str, *params: Any) -> list[Row]:
        with self.store.reading() as tx:
            return tx.rows(sql, params)


def _unswept(tx: Session, folder: Folder) -> list[int]:
    rows = tx.rows("SELECT profile_id, partition, control_to FROM states ORDER BY profile_id")
    return [row[0] for row in rows if row[2] < folder.newest_control(row[1])]


def _mark_reported(tx: Session, event: AppendEvent) -> None:
    """What the dispatcher writes together with its report."""
    if event.name in STATE_AFTER:
        tx.run("UPDATE outbox SET state = ? WHERE effect_id = ?", (STATE_AFTER[event.name], event.cause))


def _copy(event: AppendEvent) -> AppendEvent:
    return msgspec.msgpack.decode(msgspec.msgpack.encode(event), type=AppendEvent)


# Making a story -------------------------------------------------------------------------------------------------------


class Teller:
    """Makes a story while it happens, one message per batch."""

    def __init__(self, seed: int, path: Path, *, length: int = 50) -> None:
        self.chance = random.Random(seed)  # a seeded story, not a secret
        self.story = Story(seed)
        self.life = Life(path)
        self.now_us = self.chance.choice(STARTS) + self.chance.randrange(DAY)
        self.count = 0
        self.orders: list[tuple[str, str]] = []
        self.devices = 0
        self.sent: list[Send] = []
        self.version = 0
        self.length = length
        self.zones: dict[str, str] = {}
        self.reports = 0

    def tell(self, *, finishes: bool = True) -> tuple[Story, Life]:
        """The story and the store it happened to; finished: 40 quiet days have passed."""
        self._happen(Publish(self.now_us, 1))
        self.version = 1
        publish_at = sorted(self.chance.sample(range(5, self.length), 4))
        while len(self.story.steps) < self.length:
            if publish_at and len(self.story.steps) >= publish_at[0]:
                publish_at.pop(0)
                self.version += 1
                self.story.marks["publish"] += 1
                self._happen(Publish(self._pass_time(), self.version))
                continue
            kind = self.chance.choices(list(_KINDS), weights=list(_KINDS.values()))[0]
            getattr(self, "_" + kind)()
        if finishes:
            self.life.finish(self.end_us)
        self._count()
        return self.story, self.life

    @property
    def end_us(self) -> int:
        return self.now_us + 40 * DAY

    def _happen(self, step: Step) -> None:
        index = len(self.story.steps)
        self.story.steps.append(step)
        if isinstance(step, Publish):
            self.story.ends |= {index - 1, index}
            self.life.publish(step)
            return
        if isinstance(step, Send):
            self.sent.append(step)
        else:
            self.story.ends.add(index - 1)  # the dispatcher saw what a commit had made durable
        self.life.take([step], sweep=self.chance.choice((0, 0, 1000)))
        while self.life.relays():
            self.story.ends.add(index)

    def _pass_time(self) -> int:
        gap = self.chance.choice((0, SECOND, 20 * MINUTE, 2 * HOUR, 5 * HOUR, 11 * HOUR, DAY, DAY))
        self.now_us += gap and self.chance.randrange(gap)
        if ZONE.day_number(self.now_us) in DST_DAYS:
            self.story.marks["dst"] += 1
        return self.now_us

    def _send(self, endpoint: str, body: dict[str, Any], *, public: bool = False, age_us: int = 0, **who: str) -> None:
        received_us = self._pass_time()
        self.count += 1
        stamp = to_datetime(received_us - age_us).isoformat().replace("+00:00", "Z")
        whole = {"messageId": f"m{self.count}", "timestamp": stamp, **who, **body}
        self._happen(Send(received_us, endpoint, whole, public))

    def _track(self, name: str, properties: dict[str, Any], **more: Any) -> None:
        self._send("track", {"event": name, "properties": properties}, **(more or {"userId": self._user()}))

    def _user(self) -> str:
        return f"u{self.chance.randrange(5)}"

    def _device(self) -> str:
        return f"d{self.chance.randrange(max(self.devices, 1))}"

    def _view(self) -> None:
        if self.chance.random() < 0.3:
            self._track(
                "Product Viewed", {"product_id": "p"}, anonymousId=self._device(), public=self.chance.random() < 0.5
            )
        else:
            self._track("Product Viewed", {"product_id": "p"})

    def _late(self) -> None:
        self.story.marks["late"] += 1
        name = self.chance.choice(("Product Viewed", "Order Completed", "Product Viewed"))
        properties = self._order_properties("") if name == "Order Completed" else {}
        self._track(name, properties, userId=self._user(), age_us=self.chance.randrange(25 * HOUR, 9 * DAY))

    def _duplicate(self) -> None:
        if self.sent:
            self.story.marks["duplicate"] += 1
            first = self.chance.choice(self.sent)
            self._happen(Send(self._pass_time(), first.endpoint, first.body, first.public))

    def _merge(self) -> None:
        """A visitor on a new device turns out to be somebody known, or two accounts to be one person."""
        self.story.marks["merge"] += 1
        if self.chance.random() < 0.2:
            users = self.chance.sample(range(5), 2)
            self._send("alias", {"previousId": f"u{users[0]}"}, userId=f"u{users[1]}")
            return
        self.devices += 1
        device = f"d{self.devices}"
        self._track("Product Viewed", {"product_id": "p"}, anonymousId=device, public=self.chance.random() < 0.3)
        if self.chance.random() < 0.4:
            self._track("Order Completed", self._order_properties(device), anonymousId=device)
        if self.chance.random() < 0.3:
            self._consent(anonymousId=device)
        self._send("identify", {"traits": {"plan": "a"}}, userId=self._user(), anonymousId=device)

    def _order_properties(self, who: str) -> dict[str, Any]:
        order_id = f"o{len(self.orders)}"
        self.orders.append((order_id, who))
        return {"order_id": order_id, "total": self.chance.randrange(5, 120), "currency": "EUR", "channel": "web"}

    def _order(self) -> None:
        user = self._user()
        self._track("Order Completed", self._order_properties(user), userId=user)

    def _refund(self) -> None:
        known = [one for one in self.orders if one[1].startswith("u")]
        if not known:
            return self._order()
        order_id, user = self.chance.choice(known)
        name = self.chance.choice(("Order Refunded", "Order Refunded", "Order Cancelled", "Order Delivered"))
        self.story.marks["refund"] += name == "Order Refunded"
        total = {"total": self.chance.randrange(1, 60), "currency": "EUR"} if self.chance.random() < 0.5 else {}
        return self._track(name, {"order_id": order_id, **total}, userId=user)

    def _zone(self) -> None:
        user, name = self._user(), self.chance.choice(ZONES)
        self.story.marks["zone"] += self.zones.get(user, BERLIN) != name
        self.zones[user] = name
        birthday = to_datetime(self.now_us + self.chance.randrange(12) * DAY).date().replace(year=1990).isoformat()
        more = self.chance.choice(({}, {"birthday": birthday}, {"email": f"{user}@kunde.example"}))
        self._send("identify", {"traits": {"timezone": name, **more}}, userId=user)

    def _consent(self, **who: str) -> None:
        who = who or {"userId": self._user()}
        user = next(iter(who.values()))
        proof = {"wording": "Ja", "form": "f", "basis": "express_consent", "email": f"{user}@kunde.example"}
        self._send("identify", {"traits": {"email": f"{user}@kunde.example"}}, **who)
        self._track("Consent Confirmed", {"channel": "email", "purpose": "news", **proof}, **who)

    def _withdrawal(self) -> None:
        self._track("Consent Withdrawn", {"channel": "email", "purpose": "news"})

    def _case(self) -> None:
        properties = {"case_id": f"c{self.chance.randrange(3)}", "kind": "complaint"}
        self._track(self.chance.choice(("Case Opened", "Case Solved")), properties)

    def _malformed(self) -> None:
        self._send("track", {"event": ""}, userId=self._user())

    def _tie(self) -> None:
        """Something happens at exactly the instant at which somebody wakes."""
        latest_us = self.now_us + 4 * DAY
        rows = self.life.rows(
            "SELECT s.wake_us, i.kind, i.value FROM states s JOIN identifiers i ON i.profile_id = s.profile_id "
            "WHERE s.wake_us > ? AND s.wake_us < ? AND i.kind IN ('user_id', 'anonymous_id') ORDER BY 1, 2, 3",
            self.now_us, latest_us,
        )  # fmt: skip
        if not rows:
            return self._view()
        wake_us, kind, value = self.chance.choice(rows)
        self.now_us = wake_us
        self.story.marks["tie"] += 1
        who = {"userId" if kind == "user_id" else "anonymousId": value}
        self.count += 1
        name = self.chance.choice(("Product Viewed", "Order Completed"))
        properties = self._order_properties(value) if name == "Order Completed" else {}
        body = {"messageId": f"m{self.count}", "event": name, "properties": properties, **who}
        return self._happen(Send(wake_us, "track", body))

    def _report(self) -> None:
        """What the dispatcher reports about a message in the outbox."""
        rows = self.life.rows("SELECT payload FROM outbox WHERE state = 'queued' ORDER BY effect_id")
        if not rows:
            return self._view()
        message = msgspec.msgpack.decode(self.chance.choice(rows)[0], type=SendMessage)
        state = decode_state(self.life.rows("SELECT state FROM states WHERE profile_id = ?", message.profile_id)[0][0])
        at_us = max(self._pass_time(), self.life.clock())
        self.reports += 1
        if state.forwarded_to:
            event = feedback_event(
                message, WITHHELD, at_us=at_us, epoch=self.reports, reason="forwarded", reasons=["forwarded"]
            )
        else:
            name = self.chance.choices((SENT, WITHHELD, POSTPONED, FAILED, UNCERTAIN), weights=(6, 2, 3, 1, 1))[0]
            facts: dict[str, Any] = {"reason": "limit", "reasons": ["limit"]} if name in (WITHHELD, POSTPONED) else {}
            if name == POSTPONED:
                facts["until_us"] = at_us + self.chance.choice((MINUTE, 3 * HOUR, DAY))
            event = feedback_event(message, name, at_us=at_us, epoch=self.reports, **facts)
        self.now_us = at_us
        return self._happen(Report(at_us, event))

    def _count(self) -> None:
        marks = self.story.marks
        marks["steps"] = len(self.story.steps)
        marks["late_rows"] = self.life.rows("SELECT count(*) FROM log WHERE flags & ? AND NOT flags & 4", LATE)[0][0]
        marks["merge_rows"] = self.life.rows("SELECT count(*) FROM log WHERE name = 'State Surrendered'")[0][0]
        verdicts = self.life.rows("SELECT outcome, reasons FROM verdicts")
        marks["verdicts"] = len(verdicts)
        marks["withheld"] = sum(row[0] == "withheld" for row in verdicts)
        marks["cap"] = sum('["limit",false' in row[1] for row in verdicts)


_KINDS = {
    "view": 12, "late": 13, "duplicate": 13, "merge": 14, "order": 6, "refund": 27, "zone": 18, "consent": 9,
    "withdrawal": 1, "case": 4, "malformed": 1, "tie": 16, "report": 14,
}  # fmt: skip


# Retelling it ---------------------------------------------------------------------------------------------------------


class Died(BaseException):
    """The process died here."""


def retell(story: Story, life: Life, chance: random.Random, *, joins: float, dies: float, end_us: int) -> Counter[str]:
    """The same steps in other batches. Counts what happened on the way.

    Args:
        joins: how likely a step joins the batch before it.
        dies: how likely a transaction is lost, at a point inside it or before its commit.
    """
    marks: Counter[str] = Counter()

    def point(name: str) -> None:
        if name.endswith("after_commit"):
            return
        if chance.random() < dies:
            marks["crashes"] += 1
            raise Died(name)

    def surely(work: Any) -> Any:
        while True:
            try:
                return work()
            except Died:
                (life.begin if chance.random() < 0.5 else life.failed)()

    life.point = point
    index = 0
    while index < len(story.steps):
        step = story.steps[index]
        if isinstance(step, Publish):
            surely(lambda step=step: life.publish(step))
            index += 1
            continue
        batch = [step]
        while index not in story.ends and index + 1 < len(story.steps) and chance.random() < joins:
            index += 1
            batch.append(story.steps[index])
        marks["batches"] += 1
        marks["outage"] += batch[-1].received_us - batch[0].received_us > 12 * HOUR
        sweep = chance.choice((0, 1, 2, 1000))
        surely(lambda batch=batch, sweep=sweep: life.take(batch, sweep=sweep))
        while surely(life.relays):
            pass
        index += 1
        if index < len(story.steps) and chance.random() < 0.3:
            _wait(life, story.steps[index].received_us, chance, surely)
    surely(lambda: life.finish(end_us))
    return marks


def _wait(life: Life, next_us: int, chance: random.Random, surely: Any) -> None:
    """Time passes before the next step: timers run in batches of their own. Never beyond the next step's arrival."""
    clock_us = life.clock()
    if next_us > clock_us:
        until_us = clock_us + chance.randrange(next_us - clock_us + 1)
        surely(lambda: life.take([], until_us=until_us, sweep=chance.choice((0, 2))))
        while surely(life.relays):
            pass


# Comparing ------------------------------------------------------------------------------------------------------------

_TABLES = {
    "memberships": "*", "score_entries": "*", "run_entries": "*", "runs": "*", "verdicts": "*", "orders": "*", "identifiers": "*", "merges": "*",
    "dedupe": "*", "quarantined_customers": "*", "outbox": "effect_id, profile_id, due_us, state, payload",
    "quarantined_events": "received_us, source, public, code, detail, raw",
}  # fmt: skip
_ROW = (
    "event_id, profile_id, type, name, happened_us, received_us, at_us, day, origin, cause, depth, flags, links, body"
)


def told(life: Life) -> dict[str, Any]:
    """Everything decided, free of log numbers: they depend on where batches put the derived rows. Rows are named instead."""
    seen: dict[str, Any] = {}
    numbers = {number: bytes(event_id) for number, event_id in life.rows("SELECT number, event_id FROM log")}
    for name, columns in _TABLES.items():
        seen[name] = sorted(life.rows(f"SELECT {columns} FROM {name}"))
    for profile_id, wake_us, control_to, data in life.rows("SELECT profile_id, wake_us, control_to, state FROM states"):
        state = decode_state(data)
        folded_to, state.folded_to = numbers.get(state.folded_to, b""), 0
        seen[f"state {profile_id}"] = (wake_us, numbers.get(control_to, b""), folded_to, encode_state(state))
    own = f"SELECT {_ROW} FROM log WHERE flags & 4 = 0 ORDER BY number"
    seen["log"] = [_without_state(row) for row in life.rows(own)]
    seen["derived"] = sorted(life.rows(f"SELECT {_ROW} FROM log WHERE flags & 4"))
    return seen


def _without_state(row: Row) -> Row:
    """A surrendered state names its last row by number, too; what it holds shows in its winner."""
    return row[:-1] if row[3] == "State Surrendered" else row


def differences(mine: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """What differs, in words."""
    found = []
    for name in sorted({*mine, *other}):
        a, b = mine.get(name), other.get(name)
        if a == b:
            continue
        if isinstance(a, list) and isinstance(b, list):
            found += [f"{name} only first: {row}" for row in a if row not in b][:3]
            found += [f"{name} only second: {row}" for row in b if row not in a][:3]
            found.append(f"{name} differs")
        elif a is not None and b is not None:
            ours, theirs = msgspec.to_builtins(decode_state(a[3])), msgspec.to_builtins(decode_state(b[3]))
            found += [f"{name}[{i}]: {x} / {y}" for i, (x, y) in enumerate(zip(ours, theirs, strict=True)) if x != y]
            found.append(f"{name}: {a[:3]} / {b[:3]}")
        else:
            found.append(f"{name} only in {'first' if b is None else 'second'}")
    return found
