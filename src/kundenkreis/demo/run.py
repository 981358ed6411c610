"""The demo: a year of real customers through inbox, resolver, fold, gate and rendering, under a virtual clock.

The virtual clock is allowed only in a database that the demo itself made: an installation that holds anything else refuses.
Messages go through the same checks as if a shop's server had posted them, as requests of a server write key.
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import msgspec

from kundenkreis.channels.core.channel import Recipient
from kundenkreis.channels.core.claims import Claim, Completion
from kundenkreis.channels.dispatcher import Dispatcher, World
from kundenkreis.definitions.canonical import canonical_json
from kundenkreis.demo.calendar import MovedYear
from kundenkreis.demo.making import Limits, Made, ReadAlready, in_process
from kundenkreis.demo.message import INVENTED, REAL
from kundenkreis.events.inbox import SqliteInbox
from kundenkreis.kernel.errors import CallerError
from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.kernel.zones import HOUR
from kundenkreis.playbooks.shipped import shipped_rulebook
from kundenkreis.runtime.clock import Clock, VirtualClock
from kundenkreis.runtime.collecting import collect_rarely
from kundenkreis.runtime.dispatching import build_world
from kundenkreis.runtime.installation import INBOX_FILE, Installation, ZoneFixedError
from kundenkreis.runtime.stores.meta import read_meta, write_meta
from kundenkreis.runtime.worker import EmbeddedWorker
from kundenkreis.settings import Settings

DEMO_MARK = "demo"
WINDOW: Micros = 24 * HOUR
"""Virtual time between two looks at the outbox. Messages carry their own due instant, so a window only delays feedback."""

STRIDE: Micros = HOUR
"""The same for the days since the year's last message, which people look at first: what is reported of a hand-over stands in the log when the window ends."""

Progress = Callable[[int, Micros], None]
"""(events so far, virtual instant)."""


class NotADemoError(CallerError):
    """This data folder holds an installation that is not a demo; choose an empty one with KREIS_DATA_DIR."""

    code = "not_a_demo"


class DemoExistsError(CallerError):
    """This data folder holds a demo already; serve it with kreis serve, or remove the folder to load it anew."""

    code = "demo_exists"


@dataclass
class DemoRun:
    """What loading the year did."""

    events: int = 0
    quarantined: int = 0
    seconds: float = 0.0
    set_up_seconds: float = 0.0
    first_us: Micros = NEVER
    last_us: Micros = 0
    by_time: int = 0
    """Customers woken by time alone."""
    by_time_changed: int = 0
    by_time_forgotten: int = 0
    """Silent visitors who were forgotten; not among those changed."""
    stages: dict[str, float] = field(default_factory=dict)

    @property
    def events_per_second(self) -> int:
        """Events from inbox to committed state, per second of the whole loading."""
        return int(self.events / self.seconds) if self.seconds else 0


def load_demo(
    settings: Settings, *, today: date, progress: Progress, households: int | None = None, clock: Clock | None = None
) -> DemoRun:
    """Load the demo year into an empty installation.

    Args:
        today: the year ends within the last seven days before.
        households: only so many real households (tests); None for all.
        clock: the time that is reached in the end: what comes due after the year's last message goes out as if somebody had served all along.
            None: the year ends with that message.

    Effects: makes the data directory, publishes the shipped rulebook (journeys from the end of the known history), folds the year,
        hands every message to the local mailbox.

    Raises:
        NotADemoError, DemoExistsError: there is something here already.
    """
    begun = time.perf_counter()
    collect_rarely()
    virtual = VirtualClock()
    try:
        installation = Installation(settings, clock=virtual, durable=False)
    except ZoneFixedError:  # the demo has its own zone; this is somebody else's data
        raise NotADemoError from None
    try:
        _claim(installation)
        stream = in_process(today, households, _limits_of(installation))
        loader = _Loader(installation, virtual, MovedYear(today), progress)
        loader.run.set_up_seconds = time.perf_counter() - begun
        begun = time.perf_counter()
        loader.load(stream)
        if clock is not None:
            loader.go_on_to(clock)
        loader.finish()
        loader.run.seconds = time.perf_counter() - begun
        return loader.run
    finally:
        installation.close()


def _claim(installation: Installation) -> None:
    """Mark an empty installation as a demo."""
    with installation.store.transaction("demo") as tx:
        if read_meta(tx, DEMO_MARK) is not None:
            raise DemoExistsError
        if tx.rows("SELECT 1 FROM log LIMIT 1") or tx.rows("SELECT 1 FROM rulebooks LIMIT 1"):
            raise NotADemoError
        write_meta(tx, DEMO_MARK, "loading")
    installation.ensure_write_keys([(REAL, "server"), (INVENTED, "server"), ("web", "public")])


def _limits_of(installation: Installation) -> Limits:
    admission = installation.admission()
    return Limits(installation.late_after_us, admission.future_tolerance_us, admission.event_bytes)


class _HandoverClock:
    """During a hand-over it is the instant at which the message was due: the year is folded in windows, sent as if it were live."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.due_us: Micros = 0

    def now_us(self) -> Micros:
        return self.due_us or self._clock.now_us()

    def monotonic_us(self) -> Micros:
        return self._clock.monotonic_us()


class _PunctualDispatcher(Dispatcher):
    """Hands each message over as if it were the instant at which it was due."""

    def __init__(self, world: World, clock: _HandoverClock) -> None:
        super().__init__(world, "demo")
        self._handover_clock = clock

    def _handle(self, claim: Claim, recipient: Recipient | None, claimed_us: int) -> tuple[Completion | None, bool]:
        self._handover_clock.due_us = claim.message.due_us
        return super()._handle(claim, recipient, claimed_us)


class _Loader:
    def __init__(self, installation: Installation, clock: VirtualClock, year: MovedYear, progress: Progress) -> None:
        self._read_already = ReadAlready()
        worker = installation.open_worker(read_requests=self._read_already)
        if not isinstance(worker, EmbeddedWorker):
            raise CallerError("The demo runs on SQLite; unset KREIS_DATABASE.")
        self.run = DemoRun()
        self._installation = installation
        self._clock = clock
        self._handover_clock = _HandoverClock(clock)
        self._worker = worker
        self._inbox = SqliteInbox(installation.data_dir / INBOX_FILE)
        self._progress = progress
        self._journeys_from_us = year.history_ends_us
        self._dispatcher: Dispatcher | None = None

    def load(self, stream: Iterator[Made]) -> None:
        self._worker.call_helpers()  # they start while the first messages are made
        for window in _windows(stream, self._journeys_from_us):
            first_us = window[0].item.received_us
            if self._dispatcher is None:
                self._begin(first_us)
            if first_us >= self._journeys_from_us and self._installation.rulebooks.newest_version() == 1:
                self._move_to(self._journeys_from_us)
                self._publish(with_journeys=True)
            self._take(window)

    def go_on_to(self, clock: Clock) -> None:
        """Live through the days since the year's last message."""
        now_us = clock.now_us()
        while (at_us := self._clock.now_us()) < now_us:
            self._move_to(min(at_us + STRIDE, now_us))
            self._progress(self.run.events, self._clock.now_us())

    def _begin(self, first_us: Micros) -> None:
        self._clock.advance_to(first_us - 1)
        self.run.first_us = first_us
        self._publish(with_journeys=False)
        self._dispatcher = self._open_dispatcher()

    def _open_dispatcher(self) -> Dispatcher:
        world = msgspec.structs.replace(build_world(self._installation), clock=self._handover_clock)
        return _PunctualDispatcher(world, self._handover_clock)

    def _publish(self, *, with_journeys: bool) -> None:
        rulebook = shipped_rulebook(with_journeys=with_journeys)
        self._installation.publish(canonical_json(rulebook), actor="demo")

    def _take(self, window: list[Made]) -> None:
        self._inbox.append([one.item for one in window])
        self._read_already.expect(window)
        self.run.last_us = window[-1].item.received_us
        self._move_to(self.run.last_us)
        self.run.events += len(window)
        self._progress(self.run.events, self.run.last_us)

    def _move_to(self, at_us: Micros) -> None:
        """Advance the clock and do everything that is due until then; what hand-overs report is folded as well."""
        self._clock.advance_to(at_us)
        self._worker.call_helpers()  # a backlog of a year
        while True:
            report = self._worker.run_until_idle()
            self.run.by_time += report.fold.counts.due
            self.run.by_time_changed += report.fold.counts.changed_by_time
            self.run.by_time_forgotten += report.fold.counts.forgotten_by_time
            assert self._dispatcher is not None
            if not report.fold.effects:
                return
            while self._dispatcher.run_once().claimed:
                self._handover_clock.due_us = 0

    def finish(self) -> None:
        """Mark the demo as loaded."""
        assert self._dispatcher is not None
        self._dispatcher.close()
        with self._installation.store.transaction("demo") as tx:
            self.run.quarantined = tx.rows("SELECT count(*) FROM quarantined_events")[0][0]
            write_meta(tx, DEMO_MARK, "loaded")


def _windows(stream: Iterator[Made], cut_us: Micros) -> Iterator[list[Made]]:
    """The stream cut at every WINDOW of virtual time, and at `cut_us`."""
    window: list[Made] = []
    ends_us = 0
    for message in stream:
        received_us = message.item.received_us
        if window and received_us >= ends_us:
            yield window
            window = []
        if not window:
            ends_us = received_us - received_us % WINDOW + WINDOW
            if received_us < cut_us < ends_us:
                ends_us = cut_us
        window.append(message)
    if window:
        yield window


def summary(installation: Installation, run: DemoRun) -> dict[str, Any]:
    """What the loaded demo holds: customers per phase and sub-state, segments, orders and sales, messages."""
    with installation.store.reading() as tx:
        phases = tx.rows(
            "SELECT kind, definition_id, count(*) FROM memberships WHERE kind IN ('phase', 'sub_state') AND until_us = ? "
            "GROUP BY kind, definition_id",
            (NEVER,),
        )
        segments = tx.rows(
            "SELECT definition_id, count(*) FROM memberships WHERE kind = 'segment' AND until_us = ? GROUP BY definition_id ORDER BY 1",
            (NEVER,),
        )
        situations = tx.rows(
            "SELECT definition_id, count(*) FROM memberships WHERE kind = 'situation' AND until_us = ? GROUP BY definition_id ORDER BY 1",
            (NEVER,),
        )
        orders = tx.rows(
            "SELECT l.source, count(*), sum(o.total_minor) FROM orders o JOIN log l ON l.profile_id = o.profile_id AND l.event_id = o.cause "
            "GROUP BY l.source"
        )
        decided = tx.rows(
            "SELECT outcome, count(DISTINCT effect_id) FROM verdicts WHERE outcome IN ('released', 'withheld', 'expired', 'cancelled') GROUP BY outcome"
        )
        withheld = tx.rows("SELECT reasons FROM verdicts WHERE outcome = 'withheld'")
        sent = tx.rows("SELECT content_id, count(*) FROM mailbox GROUP BY content_id ORDER BY 1")
        customers = tx.rows("SELECT count(*) FROM customer_list")[0][0]  # whoever was joined into another counts once
    return {
        "customers": customers,
        "phases": {row[1]: row[2] for row in phases if row[0] == "phase"},
        "sub_states": {row[1]: row[2] for row in phases if row[0] == "sub_state"},
        "segments": {row[0]: row[1] for row in segments},
        "situations": {row[0]: row[1] for row in situations},
        "orders": {
            "real": next(
                ({"count": row[1], "sales_minor": row[2], "currency": "USD"} for row in orders if row[0] == REAL), None
            ),
            "invented": next(
                ({"count": row[1], "sales_minor": row[2], "currency": "USD"} for row in orders if row[0] == INVENTED),
                None,
            ),
        },
        "messages": {
            "sent": sum(row[1] for row in sent),
            "by_content": {row[0]: row[1] for row in sent},
            "decided": {row[0]: row[1] for row in decided},
            "withheld_by_reason": _by_reason(withheld),
        },
        "events": run.events,
        "quarantined": run.quarantined,
        "seconds": round(run.seconds, 1),
        "set_up_seconds": round(run.set_up_seconds, 1),
        "events_per_second": run.events_per_second,
        "woken_by_time": run.by_time,
        "woken_by_time_changed": run.by_time_changed,
        "woken_by_time_forgotten": run.by_time_forgotten,
    }


def _by_reason(rows: list[tuple[Any, ...]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for (reasons,) in rows:
        decoded = json.loads(reasons)
        name = str(decoded[0][0]) if decoded else "unknown"
        counts[name] = counts.get(name, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: -item[1]))
