"""The dispatcher: claims due messages and hands them over. One per thread; each keeps its connections.

claim -> gate again, with the real time -> render -> deliver, with the intent committed between body and dot -> record.
What happened comes back to the log as events. Everything it touches is given: store, gate, people, contents, clocks.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from kundenkreis.channels.core import handling
from kundenkreis.channels.core.channel import Brand, Channel, Handover, Links, NotPrepared, Prepared, Recipient, Session
from kundenkreis.channels.core.claims import Claim, Completion, Guard, Intent
from kundenkreis.channels.core.outcomes import Fenced, Outcome, Rejected, Retry, Sent, Uncertain
from kundenkreis.channels.journal_keeper import JournalKeeper
from kundenkreis.channels.outbox import OutboxStore
from kundenkreis.content.core.templates import CompiledContent
from kundenkreis.kernel.effects import SendMessage
from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.zones import MINUTE, SECOND

_log = logging.getLogger(__name__)

LEASE: Micros = 15 * MINUTE
"""Longer than the 10 minutes we wait for the answer to the dot: a shorter lease is a machine for duplicates."""
LEASE_MARGIN: Micros = 2 * MINUTE
"""Before the intent this much of the lease must be left on the monotonic clock; the intent itself renews it."""
LONGEST_REST: Micros = 15 * MINUTE
BATCH = 100
BACKOFF_SECONDS = 5.0


Reasons = list[list[Any]]
"""The refusals as the gate words them, the deciding one first: [rule, False, detail...]."""


class Allowed(msgspec.Struct, frozen=True):
    """The gate says yes."""

    seen_to: int = 0
    """Number of the last log row that it knows of."""


class Withheld(msgspec.Struct, frozen=True):
    """The gate says no."""

    reasons: Reasons


class Postponed(msgspec.Struct, frozen=True):
    """The gate says later."""

    until_us: Micros
    reasons: Reasons


Gate = Callable[[SendMessage, Micros], Allowed | Withheld | Postponed]
"""The one judge, asked once more with the real time before a hand-over."""
People = Callable[[Sequence[SendMessage]], Mapping[tuple[int, str], Recipient]]
"""Who the messages of one batch go to, by profile id and channel; whoever is missing does not exist any more."""
Contents = Callable[[str], CompiledContent | None]
"""The newest published version of a content item."""


class Clock(Protocol):
    """Two clocks: the wall's for records, the monotonic one for leases."""

    def now_us(self) -> Micros: ...

    def monotonic_us(self) -> Micros: ...


class Report(msgspec.Struct):
    """What one round did."""

    claimed: int = 0
    accepted: int = 0
    withheld: int = 0
    postponed: int = 0
    failed: int = 0
    held: int = 0
    queued: int = 0
    lapsing: int = 0
    """Claims nothing could be decided about; they come back."""
    lost: int = 0
    """Claims that somebody else had taken over meanwhile."""


class Rests:
    """Servers, domains and accounts that rest for a while. Shared by the threads of one process."""

    def __init__(self) -> None:
        self._until: dict[str, tuple[Micros, Micros]] = {}
        """(since when, until when)."""
        self._broken: dict[str, int] = {}
        self._guard = threading.Lock()

    def rest(self, key: str, rest_us: Micros, *, now_us: Micros, growing: bool) -> None:
        """Leave it alone for a while; growing: twice as long each time in a row, up to 15 minutes."""
        with self._guard:
            if self._end(key, now_us):
                return  # the other threads have noticed the same fault
            if growing:
                times = self._broken[key] = self._broken.get(key, 0) + 1
                rest_us = min(rest_us * 2 ** min(times - 1, 10), LONGEST_REST)
            self._until[key] = (now_us, now_us + rest_us)

    def well(self, key: str) -> None:
        """It works again."""
        if self._broken:
            with self._guard:
                self._broken.pop(key, None)

    def until(self, keys: Sequence[str], *, now_us: Micros) -> Micros:
        """The latest end of these rests, 0 if none rests now."""
        with self._guard:
            return max((self._end(key, now_us) for key in keys), default=0)

    def _end(self, key: str, now_us: Micros) -> Micros:
        since_us, until_us = self._until.get(key, (0, 0))
        # Long before it began: the clock was set back. Another thread may have looked at it a moment earlier.
        return until_us if since_us - LONGEST_REST <= now_us < until_us else 0


class World(msgspec.Struct, frozen=True, kw_only=True):
    """Everything dispatchers share."""

    store: OutboxStore
    gate: Gate
    people: People
    contents: Contents
    channels: Mapping[str, Channel]
    """By what messages call them: {"email": MailboxChannel()}."""
    brand: Callable[[], Brand]
    """Who speaks, as published last."""
    links: Links
    clock: Clock
    point: Callable[[str], None]
    rests: Rests
    alarm: Callable[[str, str], None]
    """(slug, detail) of what somebody has to look at."""
    journal: JournalKeeper | None = None
    """Notes what channels hand over to others; none where every hand-over is a row of our own store."""


class Dispatcher:
    """One worker; belongs to one thread. No other worker's name begins with its name."""

    def __init__(self, world: World, worker: str, *, batch: int = BATCH, lease_us: Micros = LEASE) -> None:
        """Take the world; opens nothing yet."""
        self._world = world
        self._worker = worker
        self._batch = batch
        self._lease_us = lease_us
        self._sessions: dict[str, Session] = {}
        self._has_leftovers = False

    def run_once(self) -> Report:
        """Claim one batch and see each of its messages through.

        Raises:
            Whatever the store raises: nothing of what was not recorded counts as done; leases bring it back.
        """
        world = self._world
        if self.resting_until():
            return Report()
        if world.journal is not None:
            world.journal.make_ready()
        if self._has_leftovers:
            # The name is this thread's alone, so whatever it still holds is from the round that failed.
            world.store.take_back(self._worker, now_us=world.clock.now_us())
            self._has_leftovers = False
        world.point("dispatcher.claim")
        claimed_us = world.clock.monotonic_us()
        claims = world.store.claim_due(
            now_us=world.clock.now_us(), limit=self._batch, worker=self._worker, lease_us=self._lease_us
        )
        report = Report(claimed=len(claims))
        if not claims:
            return report
        people = world.people([claim.message for claim in claims])
        together: list[Completion] = []
        for claim in claims:
            if world.clock.monotonic_us() - claimed_us > self._lease_us // 3:
                # A slow server has eaten the time: what was not begun goes back, or it would lapse without any fault.
                now_us = world.clock.now_us()
                together.append(handling.rested(claim, now_us, "given back", at_us=now_us))
                continue
            try:
                completion, alone = self._handle(
                    claim, people.get((claim.message.profile_id, claim.message.channel)), claimed_us
                )
            except _LeftToLapse:
                report.lapsing += 1
                continue
            if completion is None:
                report.lost += 1
            elif alone:
                self._record([completion], report)
            else:
                together.append(completion)
        self._record(together, report)
        return report

    def resting_until(self) -> Micros:
        """When the first channel can be used again, 0 if one can be used now: nothing is claimed to be put back."""
        now_us = self._world.clock.now_us()
        channels = self._world.channels.values()
        return min((self._world.rests.until((channel.id,), now_us=now_us) for channel in channels), default=0)

    def serve(self, stop: threading.Event, wait: Callable[[Micros | None], None]) -> None:
        """Work until stopped. `wait` sleeps until woken, or until the given instant at the latest."""
        while not stop.is_set():
            try:
                if self.run_once().claimed == 0:
                    due_us = self._world.store.next_due_us()
                    wait(max(due_us, self.resting_until()) if due_us is not None else None)
            except Exception:  # the edge of a task: a lost database must not end the thread
                _log.exception("dispatcher round failed")
                self._world.alarm("dispatcher_round_failed", self._worker)
                self._has_leftovers = True
                self.abort()
                stop.wait(BACKOFF_SECONDS)
        self.close()

    def close(self) -> None:
        """Hang up everywhere."""
        for session in self._sessions.values():
            session.close()
        self._sessions.clear()

    def abort(self) -> None:
        """Hang up everywhere without a word: what was not recorded is not known to anybody else either."""
        for session in self._sessions.values():
            session.abort()
        self._sessions.clear()

    def _record(self, completions: Sequence[Completion], report: Report) -> None:
        if not completions:
            return
        self._world.point("dispatcher.record")
        results = self._world.store.complete(completions)
        if self._world.journal is not None:
            self._world.journal.recorded(completions)
        for completion, stored in zip(completions, results, strict=True):
            if not stored:
                report.lost += 1
                _log.warning("claim lost: %s", completion.effect_id.hex())
            else:
                setattr(report, completion.state, getattr(report, completion.state) + 1)
        self._world.point("dispatcher.recorded")

    def _handle(self, claim: Claim, recipient: Recipient | None, claimed_us: Micros) -> tuple[Completion | None, bool]:
        """(what to record, whether it must be recorded at once); None if the claim was lost."""
        world, message, now_us = self._world, claim.message, self._world.clock.now_us()
        if world.journal is not None:
            claim = msgspec.structs.replace(claim, sent=world.journal.receipt_of(claim))
        answer = handling.before_anything(claim, at_us=now_us) or self._judged(claim, now_us)
        if isinstance(answer, Completion):
            return answer, False
        claim = msgspec.structs.replace(claim, seen_to=answer.seen_to)
        channel, content = world.channels.get(message.channel), world.contents(message.content_id)
        if channel is None or content is None or recipient is None:
            missing = "channel" if channel is None else "content" if content is None else "recipient"
            return handling.failed(claim, f"{missing}_missing", f"no such {missing}", at_us=now_us), False
        if content.message_class != message.message_class:
            what = f"decided as {message.message_class}, published as {content.message_class}"
            return handling.failed(claim, "message_class_changed", what, at_us=now_us), False
        handover = Handover(message, recipient, content, world.brand(), world.links, now_us)
        world.point("dispatcher.render")
        prepared = self._rendered(claim, channel, handover)
        if isinstance(prepared, Completion):
            return prepared, False
        resting = world.rests.until(_rest_keys(channel.id, prepared.domain), now_us=now_us)
        if resting:
            return handling.rested(claim, resting, "resting", at_us=now_us), False
        return self._delivered(claim, channel, prepared, content, claimed_us)

    def _judged(self, claim: Claim, now_us: Micros) -> Completion | Allowed:
        try:
            verdict = self._world.gate(claim.message, now_us)
        except Exception as error:  # one customer the judge cannot judge must not stop the others
            _log.exception("gate failed for %s", claim.message.effect_id.hex())
            self._world.alarm("gate_raised", repr(error))
            raise _LeftToLapse from error
        if isinstance(verdict, Withheld):
            return handling.refused(claim, verdict.reasons, at_us=now_us)
        if isinstance(verdict, Postponed):
            return handling.postponed(
                claim, verdict.until_us, handling.rules_of(verdict.reasons), at_us=now_us, reasons=verdict.reasons
            )
        return verdict

    def _rendered(self, claim: Claim, channel: Channel, handover: Handover) -> Prepared | Completion:
        try:
            prepared = channel.render(handover)
        except Exception as error:  # the edge to a plug-in: one message fails, not the batch
            _log.exception("channel %s failed to render", channel.id)
            self._world.alarm("render_raised", channel.id)
            return handling.failed(claim, "render_raised", repr(error), at_us=handover.at_us)
        if not isinstance(prepared, NotPrepared):
            return prepared
        if prepared.withheld:
            return handling.withheld(claim, prepared.reason, at_us=handover.at_us, detail=prepared.detail)
        return handling.failed(claim, prepared.reason, prepared.detail, at_us=handover.at_us)

    def _delivered(
        self, claim: Claim, channel: Channel, prepared: Prepared, content: CompiledContent, claimed_us: Micros
    ) -> tuple[Completion | None, bool]:
        intent = _IntentKeeper(self._world, claim, claimed_us, self._lease_us)
        session = self._sessions.get(channel.id) or self._sessions.setdefault(channel.id, channel.open())
        try:
            outcome = session.deliver(prepared, before_handover=intent.commit)
        except Exception as error:  # the edge to a plug-in; what the store raised goes on up
            if intent.error is not None:
                raise
            _log.exception("channel %s failed to deliver", channel.id)
            self._world.alarm("deliver_raised", channel.id)
            now_us = self._world.clock.now_us()
            if intent.answer == "committed":
                return handling.uncertain(claim, f"deliver raised {error!r}"[:500], at_us=now_us), True
            return handling.failed(claim, "deliver_raised", repr(error), at_us=now_us), True
        return self._completed(claim, channel, prepared, content=content, outcome=outcome, intent=intent)

    def _completed(
        self,
        claim: Claim,
        channel: Channel,
        prepared: Prepared,
        *,
        content: CompiledContent,
        outcome: Outcome,
        intent: "_IntentKeeper",
    ) -> tuple[Completion | None, bool]:
        now_us = self._world.clock.now_us()
        if isinstance(outcome, Fenced):
            if intent.answer == "lost":
                return None, False
            if intent.answer == "waiting":
                return handling.awaiting_fold(claim, at_us=now_us), True
            return handling.withheld(claim, "fenced", at_us=now_us), True
        if isinstance(outcome, Retry | Rejected):
            self._note(channel.id, prepared.domain, outcome, now_us)
        elif isinstance(outcome, Uncertain):
            self._world.alarm("uncertain", outcome.reply.line())
        elif isinstance(outcome, Sent):
            self._world.rests.well(channel.id)
            if outcome.row is None and intent.answer != "committed":
                self._world.alarm("handed_over_without_intent", channel.id)
        facts = {"transport": channel.id, "content_version": content.version, "language": prepared.language}
        completion = handling.completion_of(claim, outcome, at_us=now_us, address=prepared.address, **facts)
        if isinstance(outcome, Sent) and outcome.row is not None:
            fenced = handling.withheld(claim, "fenced", at_us=now_us)
            guard = Guard(claim, fenced, handling.awaiting_fold(claim, at_us=now_us))
            return msgspec.structs.replace(completion, row=outcome.row, guard=guard), False
        if isinstance(outcome, Sent) and self._world.journal is not None:
            mark = self._world.journal.note(claim.message.effect_id, outcome, at_us=now_us)
            completion = msgspec.structs.replace(completion, mark=mark)
        return completion, True

    def _note(self, channel_id: str, domain: str, outcome: Retry | Rejected, now_us: Micros) -> None:
        """Let rest what the answer says should rest, and call somebody where it says so."""
        answer = outcome.answer
        if answer.pause:
            key = f"{channel_id} {domain}" if answer.pause == "domain" else channel_id
            rest_us, growing = handling.rest_of(outcome), answer.pause == "host"
            self._world.rests.rest(key, rest_us, now_us=now_us, growing=growing)
        if answer.alarm:
            self._world.alarm(answer.kind, outcome.reply.line())


class _LeftToLapse(Exception):
    """Nothing is recorded about this claim: it comes back when its lease ends, and is put aside the third time."""


class _IntentKeeper:
    """Commits the intent of one message, at most once, and remembers the answer."""

    def __init__(self, world: World, claim: Claim, claimed_us: Micros, lease_us: Micros) -> None:
        self._world, self._claim, self._claimed_us, self._lease_us = world, claim, claimed_us, lease_us
        self.answer: Intent | None = None
        self.error: Exception | None = None

    def commit(self) -> bool:
        """True if the message may be handed over now."""
        clock = self._world.clock
        if clock.monotonic_us() - self._claimed_us > self._lease_us - LEASE_MARGIN:
            self.answer = "lost"
            return False
        self._world.point("dispatcher.intent")
        try:
            if self._world.journal is not None:
                self._world.journal.check()
            self.answer = self._world.store.mark_intent(self._claim, now_us=clock.now_us(), lease_us=self._lease_us)
        except Exception as error:
            self.error = error
            raise
        self._world.point("dispatcher.intent_committed")
        return self.answer == "committed"


def _rest_keys(channel_id: str, domain: str) -> tuple[str, ...]:
    return (channel_id, f"{channel_id} {domain}")


def seconds_until(due_us: Micros | None, *, now_us: Micros, longest: float = 3600) -> float:
    """How long to wait for work at most."""
    if due_us is None:
        return longest
    return min(max((due_us - now_us) / SECOND, 0), longest)
