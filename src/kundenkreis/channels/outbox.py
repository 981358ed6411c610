"""The outbox as dispatchers see it: claim, commit the intent, record what happened; fenced by the claim's epoch."""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Literal, Protocol, TypeVar

import msgspec

from kundenkreis.channels.core import handling
from kundenkreis.channels.core.claims import FINAL, Claim, Completion, Intent
from kundenkreis.channels.core.fences import FOR_EVER, Fence, stopped_by
from kundenkreis.channels.core.journal_lines import JournalMark, Receipt
from kundenkreis.channels.core.outcomes import MailboxRow
from kundenkreis.channels.pause import pause, read_pause
from kundenkreis.channels.transactions import Transaction, TransactionalStore
from kundenkreis.kernel.effects import SendMessage
from kundenkreis.kernel.ids import Micros

_T = TypeVar("_T")


Unheard = Callable[[Transaction, Mapping[int, int]], Collection[int]]
"""Of these people, given with the last log row that somebody knows of: those of whom something that forbids was acknowledged after it."""


def nobody(_tx: Transaction, _seen: Mapping[int, int]) -> Collection[int]:
    """Of an outbox alone, to which nothing is acknowledged."""
    return ()


class OutboxStore(Protocol):
    """What a dispatcher needs of a store."""

    def claim_due(self, *, now_us: Micros, limit: int, worker: str, lease_us: Micros) -> list[Claim]:
        """Claim what is due, oldest first: queued rows together, or one row whose lease has run out, alone. Nothing while sending is paused.

        What lapsed is claimed alone, so that only a message that was at hand when a worker ended counts the lapse: of a whole batch,
        nobody knows which one it was.
        """

    def mark_intent(self, claim: Claim, *, now_us: Micros, lease_us: Micros) -> Intent:
        """Commit that the final dot is about to be written, unless a fence or another claim forbids it."""

    def complete(self, completions: Sequence[Completion]) -> list[bool]:
        """Record outcomes with events and mailbox rows, all in one transaction; False where the claim was lost."""

    def take_back(self, place: str, *, now_us: Micros) -> int:
        """Make the claims of workers that have ended due at once; how many. Their names begin with `place`."""

    def next_due_us(self) -> Micros | None:
        """When something will be due, None if the outbox is empty or sending is paused."""


_encode = msgspec.msgpack.Encoder().encode
_decode_message = msgspec.msgpack.Decoder(SendMessage).decode

_CLAIM = """
UPDATE outbox SET
    uncertain = CASE WHEN state = 'intent' THEN uncertain + 1 ELSE uncertain END,
    claim_epoch = CASE WHEN state = 'queued' THEN (claim_epoch / 16 + 1) * 16 ELSE claim_epoch + 1 END,
    state = CASE WHEN state = 'intent' THEN 'intent' ELSE 'claimed' END,
    claimed_by = ?, lease_until_us = ?, next_try_us = ?
WHERE effect_id IN ({marks})
RETURNING payload, claim_epoch, attempts, uncertain, state
"""
_DUE = """
SELECT effect_id, state FROM outbox WHERE state IN ('queued', 'claimed', 'intent') AND next_try_us <= ?
ORDER BY next_try_us LIMIT ?
"""
_TAKE_BACK = """
UPDATE outbox SET next_try_us = ?
WHERE state IN ('queued', 'claimed', 'intent') AND state <> 'queued' AND substr(claimed_by, 1, ?) = ?
"""
_INTENT = """
UPDATE outbox SET state = 'intent', lease_until_us = ?, next_try_us = ?
WHERE effect_id = ? AND claim_epoch = ? AND state IN ('claimed', 'intent')
"""
_COMPLETE = """
UPDATE outbox SET state = ?, reply = ?, attempts = ?, next_try_us = ?, uncertain = ?, finished_us = ?, claimed_by = ''
WHERE effect_id = ? AND claim_epoch = ? AND state IN ('claimed', 'intent')
"""
_HELD = "SELECT payload, claim_epoch, uncertain, reply, finished_us FROM outbox WHERE state = 'held' ORDER BY finished_us, effect_id LIMIT ?"
_HELD_ONE = (
    "SELECT payload, claim_epoch, uncertain, reply, finished_us FROM outbox WHERE state = 'held' AND effect_id = ?"
)
_SETTLE_HELD = "UPDATE outbox SET state = ? WHERE effect_id = ? AND state = 'held' AND claim_epoch = ?"
_SENT = "SELECT effect_id, sent_us, reply FROM sent_before WHERE effect_id {keys}"
_KEEP_SENT = "INSERT INTO sent_before (effect_id, sent_us, reply) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
_POSITION = "UPDATE journals SET position = ? WHERE journal_id = ? AND position < ?"
_OPEN = ("queued", "claimed", "intent", "held")
"""States from which a message may still go out."""
_EVENT = "INSERT INTO internal_inbox (effect_id, profile_id, received_us, payload) VALUES (?, ?, ?, ?)"
_ROW_COLUMNS = MailboxRow.__struct_fields__
_ROW = (
    f"INSERT INTO mailbox ({', '.join(_ROW_COLUMNS)}) VALUES ({', '.join('?' * len(_ROW_COLUMNS))}) "
    "ON CONFLICT DO NOTHING"
)
_FENCES = """
WITH RECURSIVE person (profile_id, part) AS (
    SELECT winner, loser FROM merges WHERE winner {keys}
    UNION
    SELECT person.profile_id, merges.loser FROM person JOIN merges ON merges.winner = person.part
)
SELECT person.profile_id, fences.scope, fences.epoch FROM person JOIN fences ON fences.profile_id = person.part
"""
_OWN_FENCES = "SELECT profile_id, scope, epoch FROM fences WHERE profile_id {keys}"
_WINNER = "SELECT winner FROM merges WHERE loser = ?"
_WRITE_FENCE = """
INSERT INTO fences (profile_id, scope, since_us, reason, epoch) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (profile_id, scope) DO UPDATE SET epoch = excluded.epoch WHERE fences.epoch < excluded.epoch
"""


class SqlOutbox:
    """The outbox table of the operational store. Intents and outcomes of all threads share their commits."""

    def __init__(self, store: TransactionalStore, *, unheard: Unheard = nobody) -> None:
        self._store = store
        self._unheard = unheard
        self._group = _GroupCommit(store)

    def claim_due(self, *, now_us: Micros, limit: int, worker: str, lease_us: Micros) -> list[Claim]:
        until = now_us + lease_us
        with self._store.transaction("outbox.claim") as tx:
            if read_pause(tx) is not None:
                return []
            skip = " FOR UPDATE SKIP LOCKED" if tx.dialect == "postgres" else ""
            due = tx.rows(_DUE + skip, (now_us, limit))
            if not due:
                return []
            oldest, state = due[0]
            chosen = [oldest] if state != "queued" else [row[0] for row in due if row[1] == "queued"]
            found = _claim(tx, chosen, worker, until)
            sent = {bytes(row[0]): Receipt(bytes(row[0]), row[1], row[2]) for row in tx.rows_in(_SENT, chosen)}
        if sent:
            found = [msgspec.structs.replace(one, sent=sent.get(one.message.effect_id)) for one in found]
        return sorted(found, key=lambda claim: (claim.message.priority, claim.message.due_us, claim.message.effect_id))

    def mark_intent(self, claim: Claim, *, now_us: Micros, lease_us: Micros) -> Intent:
        return self._group.run(
            "outbox.intent",
            lambda tx: _mark_intent(tx, claim, now_us + lease_us, self._unheard),
            lock=(claim.message.profile_id,),
        )

    def complete(self, completions: Sequence[Completion]) -> list[bool]:
        if not completions:
            return []
        guarded = tuple(completion.profile_id for completion in completions if completion.guard is not None)
        return self._group.run("outbox.complete", lambda tx: _complete(tx, completions, self._unheard), lock=guarded)

    def take_back(self, place: str, *, now_us: Micros) -> int:
        """Make the claims of dead dispatchers due at once, instead of when their leases end; returns how many.

        Only for whoever knows that all earlier workers whose name begins with `place` have ended. The next claim counts the lapse
        and, after an intent, the doubt, exactly as a lease that ran out does.
        """
        with self._store.transaction("outbox.take_back") as tx:
            return int(tx.run(_TAKE_BACK, (now_us, len(place), place)))

    def next_due_us(self) -> Micros | None:
        with self._store.reading() as tx:
            if read_pause(tx) is not None:
                return None
            found = tx.rows("SELECT MIN(next_try_us) FROM outbox WHERE state IN ('queued', 'claimed', 'intent')")
        return found[0][0] if found else None

    def take_receipts(self, position: JournalMark, receipts: Sequence[Receipt], *, missing: int, at_us: Micros) -> int:
        """Hold what a journal names against the outbox; how many of their messages the database did not know as handed over.

        Effects, in one transaction: what may still go out is recorded as handed over; what is not there (yet) is remembered, so that it is
        recorded instead of sent once it is claimed; what the database knows of the journal ends at `position`; sending is paused if it did
        not know a message, or if lines are missing. A message between intent and record is known: its sender died there.
        """
        named = {receipt.effect_id: receipt for receipt in receipts}
        with self._store.transaction("outbox.replay") as tx:
            lock = " FOR UPDATE" if tx.dialect == "postgres" else ""
            sql = "SELECT effect_id, state, uncertain FROM outbox WHERE effect_id {keys}" + lock
            states = {bytes(row[0]): (row[1], row[2]) for row in tx.rows_in(sql, list(named))}
            known = {key for key, (state, doubts) in states.items() if state in ("accepted", "intent") or doubts}
            open_ = [key for key, (state, _) in states.items() if state in _OPEN]
            claims = _claim(tx, open_, "journal", at_us) if open_ else []
            ends = [handling.sent_before(one, named[one.message.effect_id], at_us=at_us) for one in claims]
            _complete(tx, ends)
            tx.run_many(_KEEP_SENT, [(key, one.at_us, one.reply) for key, one in named.items() if key not in states])
            tx.run(_POSITION, (position.number, position.journal_id, position.number))
            unknown = len(named) - len(known)
            if unknown or missing:
                pause(tx, at_us=at_us, found=unknown, missing=missing)
        return unknown

    def write_fence(self, profile_id: int, scope: str, *, at_us: Micros, reason: str, epoch: int = FOR_EVER) -> None:
        """Keep messages of this scope back from now on; durable when this returns. Twice is once.

        Args:
            epoch: the last number that the inbox had given when the person forbade it; only a confirmation after it is newer.
        """
        with self._store.transaction("outbox.fence") as tx:
            person = _joined_into(tx, profile_id)
            _lock(tx, person)
            for one in person:
                tx.run(_WRITE_FENCE, (one, scope, at_us, reason, epoch))


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A message that a person has to decide about."""

    message: SendMessage
    epoch: int
    """Of the claim that put it aside: with the message it says which time."""
    why: Literal["uncertain", "overdue", "poison"]
    """uncertain: nobody knows whether a server took it. overdue: it came too late. poison: senders ended over it."""
    since_us: Micros


def held_messages(tx: Transaction, *, at_most: int) -> list[Held]:
    """What was put aside, the longest first."""
    return [_held(row) for row in tx.rows(_HELD, (at_most,))]


def held_message(tx: Transaction, effect_id: bytes) -> Held | None:
    """This message if it is put aside."""
    rows = tx.rows(_HELD_ONE, (effect_id,))
    return _held(rows[0]) if rows else None


def settle_held(tx: Transaction, held: Held, *, goes_out: bool) -> bool:
    """Take it from those that wait for a person; False if somebody was faster.

    Args:
        goes_out: the fold is told to judge it anew; it then lies here as what the gate has postponed does.
    """
    state = "postponed" if goes_out else "closed"
    touched: int = tx.run(_SETTLE_HELD, (state, held.message.effect_id, held.epoch))
    return touched == 1


def _held(row: Sequence[Any]) -> Held:
    payload, epoch, doubts, reply, since_us = row
    why: Literal["uncertain", "overdue", "poison"] = (
        "uncertain" if doubts else "overdue" if reply == handling.OVERDUE else "poison"
    )
    return Held(message=_decode_message(bytes(payload)), epoch=epoch, why=why, since_us=since_us)


def _joined_into(tx: Transaction, profile_id: int) -> list[int]:
    """This profile and those it was merged into, one after the other: an old message's link speaks for the person."""
    person = [profile_id]
    while found := tx.rows(_WINNER, (person[-1],)):
        person.append(int(found[0][0]))
    return person


def fences_of(tx: Transaction, profile_ids: Sequence[int]) -> dict[int, list[Fence]]:
    """The fences that keep messages of these people back, those written for profiles since merged into them included."""
    found: dict[int, list[Fence]] = {}
    if profile_ids:
        for profile_id, scope, epoch in (*tx.rows_in(_OWN_FENCES, profile_ids), *tx.rows_in(_FENCES, profile_ids)):
            found.setdefault(profile_id, []).append(Fence(scope, epoch))
    return found


def _lock(tx: Transaction, profile_ids: Sequence[int]) -> None:
    """Order fence writers and hand-overs of one customer; SQLite's only writer is ordered already.

    Without it a fence could commit between an intent's reading of the fences and its own commit (trust I5). Always in
    ascending order, so that two processes never wait for each other.
    """
    if tx.dialect == "postgres":
        for profile_id in sorted(set(profile_ids)):
            tx.rows("SELECT pg_advisory_xact_lock(?)", (profile_id,))


def _claim(tx: Transaction, effect_ids: Sequence[bytes], worker: str, until_us: Micros) -> list[Claim]:
    marks = ",".join("?" * len(effect_ids))
    found = tx.rows(_CLAIM.format(marks=marks), (worker, until_us, until_us, *effect_ids))
    return [Claim(_decode_message(row[0]), row[1], row[2], row[3], row[4] == "intent") for row in found]


def _mark_intent(tx: Transaction, claim: Claim, lease_until_us: Micros, unheard: Unheard) -> Intent:
    effect_id = claim.message.effect_id
    if (held_back := _held_back(tx, (claim,), unheard).get(effect_id)) is not None:
        return held_back
    touched = tx.run(_INTENT, (lease_until_us, lease_until_us, effect_id, claim.epoch))
    return "committed" if touched == 1 else "lost"


def _held_back(tx: Transaction, claims: Sequence[Claim], unheard: Unheard) -> dict[bytes, Literal["fenced", "waiting"]]:
    """Of these messages, by effect id, the ones that their person has forbidden meanwhile, and how."""
    fences = fences_of(tx, sorted({claim.message.profile_id for claim in claims}))
    seen = {one.message.profile_id: one.seen_to for one in claims if one.message.message_class != "transactional"}
    waiting = unheard(tx, seen) if seen else ()
    held_back: dict[bytes, Literal["fenced", "waiting"]] = {}
    for message in (claim.message for claim in claims):
        if stopped_by(fences.get(message.profile_id, ()), message):
            held_back[message.effect_id] = "fenced"
        elif message.message_class != "transactional" and message.profile_id in waiting:
            held_back[message.effect_id] = "waiting"
    return held_back


def _complete(tx: Transaction, completions: Sequence[Completion], unheard: Unheard = nobody) -> list[bool]:
    held_back = _held_back(tx, [one.guard.claim for one in completions if one.guard is not None], unheard)
    results: list[bool] = []
    recorded: list[Completion] = []
    for given in completions:
        completion, how = given, held_back.get(given.effect_id)
        if given.guard is not None and how is not None:
            completion = given.guard.fenced if how == "fenced" else given.guard.waiting
        done = completion.at_us if completion.state in FINAL else 0
        values = (completion.state, completion.reply, completion.attempts, completion.next_try_us, completion.uncertain)
        results.append(tx.run(_COMPLETE, (*values, done, completion.effect_id, completion.epoch)) == 1)
        if results[-1]:
            recorded.append(completion)
    events = [
        (event.effect_id, event.profile_id, completion.at_us, _encode(event))
        for completion in recorded
        for event in completion.events
    ]
    if events:
        tx.run_many(_EVENT, events)
    for mark in (done.mark for done in completions if done.mark is not None):
        tx.run(_POSITION, (mark.number, mark.journal_id, mark.number))
    rows = [msgspec.structs.astuple(completion.row) for completion in recorded if completion.row is not None]
    if rows:
        tx.run_many(_ROW, rows)
    return results


class _Operation:
    __slots__ = ("done", "error", "lock", "result", "work")

    def __init__(self, work: Callable[[Transaction], Any], lock: Sequence[int]) -> None:
        self.work = work
        self.lock = lock
        self.result: Any = None
        self.error: BaseException | None = None
        self.done = False


class _GroupCommit:
    """Work of several threads in one transaction: whoever gets the lock first commits what all have brought.

    Each thread waits for its own work to be durable, so nothing is promised early; one fsync serves all.
    """

    def __init__(self, store: TransactionalStore) -> None:
        self._store = store
        self._committing = threading.Lock()
        self._adding = threading.Lock()
        self._waiting: list[_Operation] = []

    def run(self, name: str, work: Callable[[Transaction], _T], *, lock: Sequence[int]) -> _T:
        """The result of the work, once its transaction is durable. `lock`: customers whose fences it depends on.

        Raises:
            Whatever the transaction raised, for every thread whose work was in it: nothing of it was stored.
        """
        operation = _Operation(work, lock)
        with self._adding:
            self._waiting.append(operation)
        with self._committing:
            if not operation.done:
                self._commit(name)
        if operation.error is not None:
            raise operation.error
        result: _T = operation.result
        return result

    def _commit(self, name: str) -> None:
        with self._adding:
            batch, self._waiting = self._waiting, []
        try:
            with self._store.transaction(name) as tx:
                _lock(tx, [profile_id for operation in batch for profile_id in operation.lock])
                for operation in batch:
                    operation.result = operation.work(tx)
        except BaseException as error:
            for operation in batch:
                operation.error = error
        finally:
            for operation in batch:
                operation.done = True
