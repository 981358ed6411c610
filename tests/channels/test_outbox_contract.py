"""One contract for every outbox: in memory, in SQLite, in PostgreSQL."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kundenkreis.channels.core import handling
from kundenkreis.channels.core.claims import Claim, Completion, Guard
from kundenkreis.channels.core.fences import EVERYTHING, FOR_EVER, MARKETING, marketing_on, purpose_on
from kundenkreis.channels.core.outcomes import MailboxRow
from kundenkreis.channels.outbox import SqlOutbox
from kundenkreis.channels.testing import MemoryOutbox
from kundenkreis.kernel.effects import AppendEvent, SendMessage
from kundenkreis.kernel.zones import MINUTE
from kundenkreis.runtime.stores.postgres import PostgresStore
from kundenkreis.runtime.stores.session import Store, migrate
from kundenkreis.runtime.stores.sqlite import SqliteStore

pytestmark = pytest.mark.db

NOW = 1_795_255_200_000_000
LEASE = 15 * MINUTE


class Given:
    """An outbox under test with what a test needs to look behind it."""

    def __init__(self, outbox: Any, store: Store | None) -> None:
        self.outbox = outbox
        self._store = store

    def put(self, *messages: SendMessage) -> None:
        for message in messages:
            if self._store is None:
                self.outbox.put(message)
                continue
            payload = msgspec.msgpack.encode(message)
            with self._store.transaction() as tx:
                tx.run(
                    "INSERT INTO outbox (effect_id, profile_id, due_us, state, claimed_by, claim_epoch, "
                    "lease_until_us, attempts, next_try_us, payload, uncertain, reply, finished_us) "
                    "VALUES (?, ?, ?, 'queued', '', 0, 0, 0, ?, ?, 0, '', 0) ON CONFLICT DO NOTHING",
                    (message.effect_id, message.profile_id, message.due_us, message.due_us, payload),
                )

    def claim(self, *, now_us: int = NOW, limit: int = 10, worker: str = "w") -> list[Claim]:
        claims: list[Claim] = self.outbox.claim_due(now_us=now_us, limit=limit, worker=worker, lease_us=LEASE)
        return claims

    def intent(self, claim: Claim, *, now_us: int = NOW) -> str:
        answer: str = self.outbox.mark_intent(claim, now_us=now_us, lease_us=LEASE)
        return answer

    def complete(self, *completions: Completion) -> list[bool]:
        results: list[bool] = self.outbox.complete(completions)
        return results

    def state(self, message: SendMessage) -> tuple[str, int]:
        """(state, uncertain)"""
        if self._store is None:
            row = self.outbox.rows[message.effect_id]
            return row["state"], row["uncertain"]
        with self._store.reading() as tx:
            found = tx.rows("SELECT state, uncertain FROM outbox WHERE effect_id = ?", (message.effect_id,))
        return found[0][0], found[0][1]

    def events(self) -> list[str]:
        if self._store is None:
            return [event.name for event in self.outbox.inbox.values()]
        with self._store.reading() as tx:
            found = tx.rows("SELECT payload FROM internal_inbox ORDER BY position")
        return [msgspec.msgpack.decode(row[0], type=AppendEvent).name for row in found]

    def mailbox(self) -> list[bytes]:
        if self._store is None:
            return list(self.outbox.mailbox)
        with self._store.reading() as tx:
            return [bytes(row[0]) for row in tx.rows("SELECT message_id FROM mailbox ORDER BY message_id")]


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def given(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Given]:
    if request.param == "memory":
        yield Given(MemoryOutbox(), None)
        return
    opened: dict[str, Callable[[], Store]] = {
        "sqlite": lambda: SqliteStore(tmp_path / "store.db"),
        "postgres": lambda: PostgresStore(request.getfixturevalue("postgres_database")),
    }
    store = opened[request.param]()
    migrate(store)
    yield Given(SqlOutbox(store), store)
    store.close()


def accepted(claim: Claim, row: MailboxRow | None = None) -> Completion:
    return msgspec.structs.replace(handling.ended(claim, "accepted", "Message Sent", at_us=NOW), row=row)


def row_of(message: SendMessage) -> MailboxRow:
    return MailboxRow(
        message.effect_id, message.profile_id, NOW, "a@b.example", "c@d.example", "s", "de", b"x", "{}", "c", "v"
    )


def test_what_is_due_is_claimed_once_in_order(given: Given, make_message: Callable[..., SendMessage]) -> None:
    later, first, urgent = make_message(1, due_us=NOW + 1), make_message(2, due_us=NOW - 5), make_message(3, priority=1)
    given.put(later, first, urgent)
    assert [claim.message for claim in given.claim()] == [urgent, first]
    assert given.claim() == []
    assert given.outbox.next_due_us() == NOW + 1
    assert [claim.message for claim in given.claim(now_us=NOW + 1)] == [later]


def test_a_limit_takes_the_oldest(given: Given, make_message: Callable[..., SendMessage]) -> None:
    given.put(*(make_message(n, due_us=NOW - n) for n in range(1, 6)))
    assert [claim.message.profile_id for claim in given.claim(limit=2)] == [5, 4]
    assert [claim.message.profile_id for claim in given.claim(limit=2)] == [3, 2]


def test_the_same_effect_is_one_row(given: Given, make_message: Callable[..., SendMessage]) -> None:
    given.put(make_message(1), make_message(1, purpose="other"))
    assert [claim.message.purpose for claim in given.claim()] == ["newsletter"]


def test_an_accepted_message_is_never_claimed_again(given: Given, make_message: Callable[..., SendMessage]) -> None:
    message = make_message()
    given.put(message)
    (claim,) = given.claim()
    assert given.intent(claim) == "committed"
    assert given.complete(accepted(claim)) == [True]
    assert (given.state(message), given.events()) == (("accepted", 0), ["Message Sent"])
    assert given.claim(now_us=NOW + 100 * LEASE) == []
    assert given.outbox.next_due_us() is None


def test_a_lapsed_claim_comes_back_and_fences_the_old_worker(
    given: Given, make_message: Callable[..., SendMessage]
) -> None:
    message = make_message()
    given.put(message)
    (old,) = given.claim()
    assert given.claim(now_us=NOW + LEASE - 1) == []
    (new,) = given.claim(now_us=NOW + LEASE)
    assert (new.epoch > old.epoch, old.lapses, new.lapses, new.after_intent) == (True, 0, 1, False)
    assert given.intent(old) == "lost"
    assert given.complete(accepted(old)) == [False]
    assert given.events() == []
    assert given.intent(new) == "committed"
    assert given.complete(accepted(new)) == [True]


def test_what_lapsed_is_claimed_alone_so_that_only_what_was_at_hand_counts_lapses(
    given: Given, make_message: Callable[..., SendMessage]
) -> None:
    given.put(*(make_message(number) for number in (1, 2, 3)))
    assert [claim.lapses for claim in given.claim()] == [0, 0, 0]
    given.put(make_message(4, due_us=NOW + 2 * LEASE), make_message(5, due_us=NOW + 2 * LEASE))
    (first,) = given.claim(now_us=NOW + LEASE)
    (second,) = given.claim(now_us=NOW + LEASE)
    assert len({first.message.effect_id, second.message.effect_id}) == 2
    now_us = NOW + 2 * LEASE
    rest = [given.claim(now_us=now_us) for _ in range(4)]
    assert sorted(sorted(claim.lapses for claim in claims) for claims in rest) == [[0, 0], [1], [2], [2]]
    assert given.claim(now_us=now_us) == []


def test_an_intent_without_answer_comes_back_uncertain(given: Given, make_message: Callable[..., SendMessage]) -> None:
    message = make_message()
    given.put(message)
    (old,) = given.claim()
    given.intent(old)
    (new,) = given.claim(now_us=NOW + LEASE)
    assert (new.after_intent, new.uncertain, given.state(message)) == (True, 1, ("intent", 1))
    assert given.intent(old) == "lost"
    given.intent(new)
    (third,) = given.claim(now_us=NOW + 3 * LEASE)
    assert (third.after_intent, third.uncertain, third.lapses) == (True, 2, 2)


def test_the_intent_renews_the_lease(given: Given, make_message: Callable[..., SendMessage]) -> None:
    given.put(make_message())
    (claim,) = given.claim()
    assert given.intent(claim, now_us=NOW + LEASE - 1) == "committed"
    assert given.claim(now_us=NOW + LEASE) == []
    assert len(given.claim(now_us=NOW + 2 * LEASE)) == 1


def test_recorded_progress_begins_a_new_generation(given: Given, make_message: Callable[..., SendMessage]) -> None:
    given.put(make_message())
    lapses, now_us = [], NOW
    for round_number in range(8):
        (claim,) = given.claim(now_us=now_us)
        lapses.append(claim.lapses)
        if round_number % 4 == 3:
            given.complete(handling.rested(claim, now_us, "resting", at_us=now_us))
        now_us += LEASE
    assert lapses == [0, 1, 2, 3, 0, 1, 2, 3]


def test_trying_again_keeps_attempts_and_uncertainty(given: Given, make_message: Callable[..., SendMessage]) -> None:
    given.put(make_message())
    (claim,) = given.claim()
    given.complete(handling.again(claim, at_us=NOW, try_us=NOW + MINUTE, reply="rcpt 450", attempts=2, uncertain=1))
    assert given.claim() == []
    (again,) = given.claim(now_us=NOW + MINUTE)
    assert (again.attempts, again.uncertain, again.lapses, again.after_intent) == (2, 1, 0, False)


@pytest.mark.parametrize(
    ("scope", "changes", "stops"),
    [
        (EVERYTHING, {}, True),
        (EVERYTHING, {"message_class": "transactional"}, True),
        (MARKETING, {}, True),
        (MARKETING, {"message_class": "service"}, False),
        (MARKETING, {"message_class": "transactional"}, False),
        (marketing_on("email"), {}, True),
        (marketing_on("sms"), {}, False),
        (purpose_on("newsletter", "email"), {}, True),
        (purpose_on("newsletter", "email"), {"message_class": "service"}, True),
        (purpose_on("newsletter", "email"), {"message_class": "transactional"}, False),
        (purpose_on("newsletter", "sms"), {}, False),
        (purpose_on("birthday", "email"), {}, False),
    ],
)
def test_fences_hold_back_what_they_name(
    given: Given, make_message: Callable[..., SendMessage], scope: str, changes: dict[str, Any], stops: bool
) -> None:
    message, other = make_message(1, **changes), make_message(2, **changes)
    given.put(message, other)
    first, second = sorted(given.claim(), key=lambda claim: claim.message.profile_id)
    given.outbox.write_fence(1, scope, at_us=NOW, reason="test")
    given.outbox.write_fence(1, scope, at_us=NOW, reason="twice")
    assert given.intent(first) == ("fenced" if stops else "committed")
    assert given.intent(second) == "committed"


@pytest.mark.parametrize(
    ("epochs", "passes"),
    [((4,), True), ((5,), False), ((6,), False), ((4, 6), False), ((6, 4), False), ((), True), ((FOR_EVER,), False)],
)
def test_only_a_message_of_a_newer_permission_passes_a_fence(
    given: Given, make_message: Callable[..., SendMessage], epochs: tuple[int, ...], passes: bool
) -> None:
    given.put(make_message(1, consent_epoch=5), make_message(2, profile_id=1))
    first, second = given.claim()
    for epoch in epochs:
        given.outbox.write_fence(1, MARKETING, at_us=NOW, reason="unsubscribe link", epoch=epoch)
    assert given.intent(first) == ("committed" if passes else "fenced")
    assert given.intent(second) == ("fenced" if epochs else "committed")


def test_a_message_that_rests_on_no_confirmation_passes_no_fence(
    given: Given, make_message: Callable[..., SendMessage]
) -> None:
    given.put(make_message(1))
    (claim,) = given.claim()
    given.outbox.write_fence(1, MARKETING, at_us=NOW, reason="an empty inbox", epoch=0)
    assert given.intent(claim) == "fenced"


def test_a_mailbox_row_is_stored_with_its_record_and_only_then(
    given: Given, make_message: Callable[..., SendMessage]
) -> None:
    messages = [make_message(n) for n in (1, 2, 3)]
    given.put(*messages)
    claims = given.claim()
    given.outbox.write_fence(2, MARKETING, at_us=NOW, reason="test")
    completions = []
    for claim in claims:
        instead = handling.withheld(claim, "fenced", at_us=NOW)
        full = accepted(claim, row_of(claim.message))
        completions.append(
            msgspec.structs.replace(full, guard=Guard(claim, instead, handling.awaiting_fold(claim, at_us=NOW)))
        )
    stale = msgspec.structs.replace(completions[2], epoch=completions[2].epoch - 1)
    assert given.complete(*completions[:2], stale) == [True, True, False]
    assert [given.state(message)[0] for message in messages] == ["accepted", "withheld", "claimed"]
    assert given.mailbox() == [messages[0].effect_id]
    assert given.events() == ["Message Sent", "Message Withheld"]
    assert given.complete(completions[2]) == [True]
    assert given.mailbox() == [messages[0].effect_id, messages[2].effect_id]


def test_threads_never_share_a_claim(given: Given, make_message: Callable[..., SendMessage]) -> None:
    messages = [make_message(n) for n in range(1, 121)]
    given.put(*messages)
    taken: list[bytes] = []
    errors: list[BaseException] = []

    def work(worker: str) -> None:
        try:
            while claims := given.claim(limit=7, worker=worker):
                for claim in claims:
                    assert given.intent(claim) == "committed"
                    assert given.complete(accepted(claim)) == [True]
                    taken.append(claim.message.effect_id)
        except BaseException as error:  # handed to the test, which is in another thread
            errors.append(error)

    threads = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert sorted(taken) == [message.effect_id for message in messages]
    assert {given.state(message) for message in messages} == {("accepted", 0)}


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_fence_cannot_slip_in_between_reading_the_fences_and_the_intent(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest, make_message: Callable[..., SendMessage]
) -> None:
    finished = threading.Event()
    seen: list[bool] = []
    threads: list[threading.Thread] = []

    def write() -> None:
        outbox.write_fence(1, MARKETING, at_us=NOW, reason="test")
        finished.set()

    def point(name: str) -> None:
        if name == "outbox.intent.before_commit" and not threads:
            threads.append(threading.Thread(target=write))
            threads[0].start()
            seen.append(finished.wait(0.3))

    store: Store = (
        SqliteStore(tmp_path / "store.db", point=point)
        if kind == "sqlite"
        else PostgresStore(request.getfixturevalue("postgres_database"), point=point)
    )
    migrate(store)
    outbox = SqlOutbox(store)
    given = Given(outbox, store)
    given.put(make_message(1), make_message(2, profile_id=1))
    first, second = given.claim()
    assert given.intent(first) == "committed"
    threads[0].join(10)
    assert (seen, finished.is_set()) == ([False], True)
    assert given.intent(second) == "fenced"
    store.close()


def test_claims_of_an_ended_worker_are_due_at_once_when_taken_back(
    given: Given, make_message: Callable[..., SendMessage]
) -> None:
    given.put(*(make_message(n) for n in (1, 2, 3)))
    (first,) = given.claim(limit=1, worker="here:1/")
    assert given.intent(first) == "committed"
    given.claim(limit=1, worker="here:2/")
    given.claim(limit=1, worker="there:1/")
    assert given.claim(worker="next") == []
    assert given.outbox.take_back("here:", now_us=NOW) == 2
    again = [*given.claim(worker="next"), *given.claim(worker="next")]
    assert sorted((claim.lapses, claim.uncertain, claim.after_intent) for claim in again) == [
        (1, 0, False),
        (1, 1, True),
    ]
    assert given.outbox.take_back("here:", now_us=NOW) == 0
