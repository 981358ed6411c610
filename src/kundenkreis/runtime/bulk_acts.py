"""Acts on many customers: first whom it concerns is noted, then each is changed by one event, a few hundred in a transaction.

The event's id follows from the act and the person, and it is written in the transaction that notes the person as changed; so what is sent
twice, or taken up again after a crash, changes nobody twice. Until everybody is noted nobody is changed.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import cast

from kundenkreis.customers.core.state import CustomerState, decode_state
from kundenkreis.kernel.errors import BugError
from kundenkreis.kernel.hashing import hash128
from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.zones import DAY, SECOND
from kundenkreis.runtime.human_events import Happening, inbox_row, pause, resumption, typed, value_set
from kundenkreis.runtime.installation import WORKER_BELL, Installation
from kundenkreis.runtime.readers.customers import StoredCustomers
from kundenkreis.runtime.stores.schema import BULK_ACTS, BULK_PEOPLE, INTERNAL_INBOX
from kundenkreis.runtime.stores.session import Row, Session
from kundenkreis.site.ports.bulk_acts import FATES, MOST_PEOPLE, Act, BulkAct, Change, Fate, Look, State
from kundenkreis.site.ports.customer_acts import Actor
from kundenkreis.site.ports.customers import CustomerQuery

CHUNK = 250
"""People changed in one transaction: ten milliseconds on SQLite, so that nobody waits for it."""
HELD: Micros = 30 * SECOND
"""So long an act is somebody's after their last step; many times as long as a step takes."""
KEPT: Micros = 90 * DAY
"""How long it is known whom an act concerned; the events stay in the log."""
LOOKED: Micros = SECOND
"""How long people are looked for before a page is made."""
_FIRST = 5
_COLUMNS = (
    "bulk_id, act, until_us, name, value, actor, account_id, reason, begun_us, state, total, lease_until_us, last_event"
)


class UnknownBulkActError(BugError):
    """An act on many customers was to go on that was never begun."""

    code = "unknown_bulk_act"


class StoredBulkActs:
    """Acts on many customers of one installation (site/ports/bulk_acts.py: BulkActs)."""

    def __init__(
        self, installation: Installation, customers: StoredCustomers, *, most_people: int = MOST_PEOPLE
    ) -> None:
        self._installation = installation
        self._customers = customers
        self._most = most_people
        self._bell = installation.bell(WORKER_BELL)

    def look(self, query: CustomerQuery, change: Change | None) -> Look:
        """See BulkActs."""
        clock = self._installation.clock
        until_us = clock.monotonic_us() + LOOKED
        found: dict[int, None] = {}
        is_exact = True
        for stretch in self._stretches(query):
            found.update(dict.fromkeys(stretch))
            if len(found) > self._most or clock.monotonic_us() > until_us:
                is_exact = False
                break
        shown = self._customers.find_customers(replace(query, cursor="", limit=_FIRST))
        is_too_many = len(found) > self._most
        if is_too_many or not is_exact:
            people = max(shown.total, len(found))
            is_too_many = is_too_many or people > self._most
            return Look(people=people, is_exact=False, is_too_many=is_too_many, fates={}, first=shown.lines)
        fates = self._foreseen(list(found), change) if change is not None else {}
        return Look(people=len(found), is_exact=True, is_too_many=False, fates=fates, first=shown.lines)

    def begin(self, bulk_id: str, change: Change, actor: Actor, *, account_id: int) -> bool:
        """See BulkActs."""
        now_us = self._installation.clock.now_us()
        with self._installation.store.transaction("bulk") as tx:
            if tx.rows("SELECT 1 FROM bulk_acts WHERE bulk_id = ?", (bulk_id,)):
                return False
            _forget(tx, now_us - KEPT)
            row = (
                bulk_id, change.act, change.until_us, change.name, change.value, "", actor.name, account_id, actor.reason, now_us,
                "gathering", 0, 0, b"",
            )  # fmt: skip
            # On PostgreSQL the same form sent twice may stand here twice: one of them holds it.
            tx.insert(BULK_ACTS, [row], conflict="ignore")
            sql = "UPDATE bulk_acts SET lease_until_us = ? WHERE bulk_id = ? AND lease_until_us = 0"
            return tx.run(sql, (now_us + HELD, bulk_id)) == 1

    def gather(self, bulk_id: str, query: CustomerQuery) -> bool:
        """See BulkActs."""
        act = self._known(bulk_id)
        found: dict[int, None] = {}
        for stretch in self._stretches(query):
            found.update(dict.fromkeys(stretch))
            if len(found) > self._most:
                self._end(bulk_id, "too_many")
                return False
            self._hold(bulk_id)
        sample = ""
        for people in _in_chunks(found):
            states = self._states(people)
            fates = _fates(states, people, act.change, self._installation.clock.now_us())
            sample = sample or _sample(states.values(), act.change.name)
            with self._installation.store.transaction("bulk") as tx:
                tx.insert(BULK_PEOPLE, [(one, bulk_id, fate) for one, fate in fates.items()], conflict="replace")
            self._hold(bulk_id)
        with self._installation.store.transaction("bulk") as tx:
            sql = "UPDATE bulk_acts SET state = 'at_work', sample = ?, total = ? WHERE bulk_id = ? AND state = 'gathering'"
            return tx.run(sql, (sample, len(found), bulk_id)) == 1

    def take(self, bulk_id: str) -> tuple[int, ...]:
        """See BulkActs."""
        sql = "SELECT profile_id FROM bulk_people WHERE bulk_id = ? AND fate = 'pending' ORDER BY profile_id LIMIT ?"
        with self._installation.store.reading() as tx:
            state = tx.rows("SELECT state FROM bulk_acts WHERE bulk_id = ?", (bulk_id,))
            people = tuple(int(row[0]) for row in tx.rows(sql, (bulk_id, CHUNK)))
        if not state or state[0][0] != "at_work":
            return ()
        if not people:
            self._end(bulk_id, "done")
        return people

    def perform(self, bulk_id: str, people: Sequence[int]) -> None:
        """See BulkActs."""
        act, now_us = self._known(bulk_id), self._installation.clock.now_us()
        states = self._states(people)
        event_of = {one: hash128("bulk", bulk_id, one) for one in people}
        with self._installation.store.transaction("bulk") as tx:
            ((sample,),) = tx.rows("SELECT sample FROM bulk_acts WHERE bulk_id = ?", (bulk_id,))
            due = {
                row[0]
                for row in tx.rows_in("SELECT profile_id, bulk_id, fate FROM bulk_people WHERE profile_id {keys}", list(people))
                if row[1:] == (bulk_id, "pending")
            }  # fmt: skip
            here = [one for one in people if one in due and one in states]
            tx.insert(
                INTERNAL_INBOX,
                [
                    inbox_row(event_of[one], one, _happening(act, states[one], sample), act.actor, now_us)
                    for one in here
                ],
            )
            tx.insert(
                BULK_PEOPLE, [(one, bulk_id, "done" if one in states else "gone") for one in people if one in due], conflict="replace"
            )  # fmt: skip
            last = event_of[here[-1]] if here else None
            sql = "UPDATE bulk_acts SET lease_until_us = ?, last_event = coalesce(?, last_event) WHERE bulk_id = ?"
            tx.run(sql, (now_us + HELD, last, bulk_id))
        self._bell.ring()

    def find(self, bulk_id: str) -> BulkAct | None:
        """See BulkActs."""
        with self._installation.store.reading() as tx:
            rows = tx.rows(f"SELECT {_COLUMNS} FROM bulk_acts WHERE bulk_id = ?", (bulk_id,))
            return self._read(tx, rows[0]) if rows else None

    def take_up(self, bulk_id: str) -> bool:
        """See BulkActs."""
        now_us = self._installation.clock.now_us()
        with self._installation.store.transaction("bulk") as tx:
            sql = "UPDATE bulk_acts SET lease_until_us = ? WHERE bulk_id = ? AND state = 'at_work' AND lease_until_us <= ?"
            return tx.run(sql, (now_us + HELD, bulk_id, now_us)) == 1

    def stop(self, bulk_id: str) -> None:
        """See BulkActs."""
        self._end(bulk_id, "stopped")

    def unfinished(self) -> tuple[BulkAct, ...]:
        """See BulkActs."""
        sql = f"SELECT {_COLUMNS} FROM bulk_acts WHERE state IN ('gathering', 'at_work') ORDER BY begun_us"
        with self._installation.store.reading() as tx:
            return tuple(self._read(tx, row) for row in tx.rows(sql))

    def _foreseen(self, people: Sequence[int], change: Change) -> dict[Fate, int]:
        """How many would meet which fate; those who would be changed as done."""
        fates = Counter(
            fate
            for some in _in_chunks(people)
            for fate in _fates(self._states(some), some, change, self._installation.clock.now_us()).values()
        )
        return {fate: fates["pending" if fate == "done" else fate] for fate in FATES if fate != "pending"}

    def _read(self, tx: Session, row: Row) -> BulkAct:
        (
            bulk_id,
            act,
            until_us,
            name,
            value,
            actor,
            account_id,
            reason,
            begun_us,
            state,
            total,
            lease_until_us,
            last_event,
        ) = row
        counts = tx.rows("SELECT fate, count(*) FROM bulk_people WHERE bulk_id = ? GROUP BY fate", (bulk_id,))
        is_folded = not last_event or bool(tx.rows("SELECT 1 FROM dedupe WHERE event_id = ?", (last_event,)))
        by_fate = {str(fate): int(count) for fate, count in counts}
        return BulkAct(
            bulk_id=bulk_id, change=Change(act=cast("Act", act), until_us=until_us, name=name, value=value),
            actor=Actor(name=actor, reason=reason), account_id=account_id, begun_us=begun_us, state=cast("State", state), total=total,
            fates={fate: by_fate.get(fate, 0) for fate in FATES},
            is_resting=state in ("gathering", "at_work") and lease_until_us <= self._installation.clock.now_us(),
            is_shown=state == "done" and is_folded,
        )  # fmt: skip

    def _known(self, bulk_id: str) -> BulkAct:
        act = self.find(bulk_id)
        if act is None:
            raise UnknownBulkActError(bulk_id=bulk_id)
        return act

    def _stretches(self, query: CustomerQuery) -> Iterator[list[int]]:
        # In the order of the first contact, which stays while people are looked for.
        return self._customers.profile_ids(replace(query, cursor="", sort="since"))

    def _states(self, people: Sequence[int]) -> dict[int, CustomerState]:
        """Those who are somebody still: not erased, not joined into another."""
        with self._installation.store.reading() as tx:
            rows = tx.rows_in("SELECT profile_id, state FROM states WHERE profile_id {keys}", list(people))
        states = {int(row[0]): decode_state(bytes(row[1])) for row in rows}
        return {one: state for one, state in states.items() if not state.forwarded_to}

    def _hold(self, bulk_id: str) -> None:
        with self._installation.store.transaction("bulk") as tx:
            now_us = self._installation.clock.now_us()
            tx.run("UPDATE bulk_acts SET lease_until_us = ? WHERE bulk_id = ?", (now_us + HELD, bulk_id))

    def _end(self, bulk_id: str, state: State) -> None:
        with self._installation.store.transaction("bulk") as tx:
            sql = "UPDATE bulk_acts SET state = ?, lease_until_us = 0 WHERE bulk_id = ? AND state IN ('gathering', 'at_work')"
            tx.run(sql, (state, bulk_id))


def _in_chunks(people: Iterable[int]) -> Iterator[list[int]]:
    left = list(people)
    for start in range(0, len(left), CHUNK):
        yield left[start : start + CHUNK]


def _forget(tx: Session, before_us: Micros) -> None:
    old = [row[0] for row in tx.rows("SELECT bulk_id FROM bulk_acts WHERE begun_us < ?", (before_us,))]
    for bulk_id in old:
        tx.run("DELETE FROM bulk_people WHERE bulk_id = ?", (bulk_id,))
        tx.run("DELETE FROM bulk_acts WHERE bulk_id = ?", (bulk_id,))


def _fates(
    states: Mapping[int, CustomerState], people: Iterable[int], change: Change, now_us: Micros
) -> dict[int, Fate]:
    """What becomes of each, as they are now."""
    judge = _JUDGES[change.act]
    return {one: judge(states[one], change, now_us) if one in states else "gone" for one in people}


def _paused(state: CustomerState, change: Change, _now_us: Micros) -> Fate:
    return "as_is" if state.contact.paused_until_us >= change.until_us // SECOND * SECOND else "pending"


def _not_paused(state: CustomerState, _change: Change, now_us: Micros) -> Fate:
    return "as_is" if state.contact.paused_until_us <= now_us else "pending"


def _holds_value(state: CustomerState, change: Change, _now_us: Micros) -> Fate:
    held = state.profile.attributes.get(change.name)
    value = held.value if held is not None else None
    if isinstance(value, list | Mapping):
        return "several"
    wanted = typed(change.value, value)
    return "as_is" if value == wanted and type(value) is type(wanted) else "pending"


_JUDGES: dict[Act, Callable[[CustomerState, Change, Micros], Fate]] = {
    "pause": _paused,
    "resume": _not_paused,
    "set": _holds_value,
}


def _sample(states: Iterable[CustomerState], name: str) -> str:
    """What kind of value others hold here, for those who hold none: number, truth, or "" for text and for nobody."""
    for state in states:
        held = state.profile.attributes.get(name)
        if held is not None and isinstance(held.value, bool):
            return "truth"
        if held is not None and isinstance(held.value, int | float):
            return "number"
    return ""


def _happening(act: BulkAct, state: CustomerState, sample: str) -> Happening:
    change = act.change
    if change.act == "pause":
        return pause(change.until_us, act.actor.reason)
    if change.act == "resume":
        return resumption()
    held = state.profile.attributes.get(change.name)
    example = {"truth": True, "number": 0}.get(sample, "")
    return value_set(change.name, change.value, held.value if held is not None and held.value is not None else example)
