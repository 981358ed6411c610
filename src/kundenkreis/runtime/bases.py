"""Bases: a customer's state as a row of the log, from which a rebuild starts.

When the program's FOLD_VERSION rises, what earlier versions decided cannot be asked again. So before the new version folds anything of a
customer, the state as the old one left it is put on the log, together with everything recorded of that customer: changes of membership,
points, paths, verdicts, orders, messages. The log stays the one source: a rebuild starts at the newest base, takes what stands in it, and folds
only what came afterwards. A base is written where its customer is folded next; a control row in every partition sees to it that
this happens to everybody.

The state that a merged customer surrenders is such a row too, on the log of the customer that absorbs it (engine/merging.py).
"""

import zlib
from base64 import b64decode, b64encode
from collections import defaultdict
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any

import msgspec

from kundenkreis.customers.core.state import FOLD_VERSION, CustomerState, decode_state, encode_state
from kundenkreis.customers.core.turn import MembershipChange, OrderEntry, Record, RunEntry, ScoreEntry, VerdictEntry
from kundenkreis.customers.core.upgrades import StoreTooNewError
from kundenkreis.engine.controls import FOLD_UPGRADED
from kundenkreis.kernel.effects import SendMessage
from kundenkreis.kernel.hashing import hash128
from kundenkreis.kernel.ids import NEVER, Micros, partition_of
from kundenkreis.kernel.rows import DERIVED, STATE_CARRIED, LogRow
from kundenkreis.kernel.zones import Zone
from kundenkreis.runtime.rulebooks import append_control
from kundenkreis.runtime.stores.meta import claim_meta, read_meta, write_meta
from kundenkreis.runtime.stores.schema import BY_RUNS
from kundenkreis.runtime.stores.session import Row, Session, Store

FOLDED_BY = "fold_version"
"""Name in `meta`: the FOLD_VERSION that this store is folded with."""
_BEFORE_IT_WAS_RECORDED = 1

_json = msgspec.json.decode
_unpack = msgspec.msgpack.decode


class Carried(msgspec.Struct, array_like=True):
    """What a base holds beside the state."""

    records: list[Record]
    """In the order of time, as the fold gave them."""
    messages: list[SendMessage]
    """Those in the outbox."""
    derived: bytes
    """`digest_of` the derived rows that stand before the base."""


class Base:
    """A base, read from its log row."""

    def __init__(self, row: LogRow) -> None:
        self.number = row.number
        self.profile_id = row.profile_id
        self._state = b64decode(row.properties["state"])
        self._carried: str = row.properties["records"]
        state = self.state()
        self.folded_to, self.clock_us = state.folded_to, state.clock_us
        self.is_forwarder = state.forwarded_to != 0

    def state(self) -> CustomerState:
        """A private copy of the state."""
        return decode_state(self._state)

    def carried(self) -> Carried:
        """A private copy of what stands beside it."""
        return _unpack(zlib.decompress(b64decode(self._carried)), type=Carried)


def ensure_fold_version(store: Store, *, at_us: Micros, zone: Zone) -> None:
    """Before the first fold of this program in a store: let every customer be carried over from an older FOLD_VERSION.

    Effects: on an upgrade, one control row in every partition.

    Raises:
        StoreTooNewError: a newer program has folded here; two that decide differently must not take turns.
    """
    with store.transaction("settings") as tx:
        if _folded_by(tx) == FOLD_VERSION:
            return
        begun = tx.rows("SELECT 1 FROM states LIMIT 1")  # a rulebook may be published before anybody is folded
        first = _BEFORE_IT_WAS_RECORDED if begun else FOLD_VERSION
        claim_meta(tx, FOLDED_BY, str(first))
        # Writing takes the row's lock: of two programs that start together, the second finds it done.
        tx.run("UPDATE meta SET value = value WHERE name = ?", (FOLDED_BY,))
        refuse_newer_fold(tx)
        stored = _folded_by(tx)
        if stored < FOLD_VERSION:
            properties: dict[str, object] = {"from": stored, "to": FOLD_VERSION}
            append_control(
                tx, FOLD_UPGRADED, properties, actor="installation", at_us=at_us, zone=zone, key=str(FOLD_VERSION)
            )
            write_meta(tx, FOLDED_BY, str(FOLD_VERSION))


def refuse_newer_fold(tx: Session) -> None:
    """Raises StoreTooNewError when a newer program has begun to fold here."""
    if (stored := _folded_by(tx)) > FOLD_VERSION:
        raise StoreTooNewError(stored=stored, known=FOLD_VERSION)


def _folded_by(tx: Session) -> int:
    """The version in `meta`; -1 where none is noted."""
    held = read_meta(tx, FOLDED_BY)
    return -1 if held is None else int(held)


def bases_of(tx: Session, states: Sequence[CustomerState], *, zone: Zone) -> dict[int, LogRow]:
    """Profile -> the base of a customer with this state, not numbered yet; everything beside the state is read from the store."""
    own = [state.profile_id for state in states]
    records = _records(tx, states)
    messages: dict[int, list[SendMessage]] = defaultdict(list)
    for profile_id, payload in tx.rows_in("SELECT profile_id, payload FROM outbox WHERE profile_id {keys}", own):
        messages[profile_id].append(_unpack(payload, type=SendMessage))
    derived = _derived(tx, own)
    bases = {}
    for state in states:
        kept = messages[state.profile_id]
        kept.sort(key=lambda message: message.effect_id)
        carried = Carried(records[state.profile_id], kept, digest_of(derived[state.profile_id]))
        bases[state.profile_id] = _row(state, carried, zone)
    return bases


def _row(state: CustomerState, carried: Carried, zone: Zone) -> LogRow:
    encoded = encode_state(state)
    at_us = state.clock_us
    return LogRow(
        partition=partition_of(state.profile_id), number=-1, event_id=hash128("base", state.profile_id, encoded), profile_id=state.profile_id,
        type="state", name=STATE_CARRIED, happened_us=at_us, received_us=at_us, at_us=at_us, day=zone.day_number(at_us), origin="control",
        flags=DERIVED,
        body={
            "properties": {
                "fold_version": state.fold_version,
                "state": b64encode(encoded).decode(),
                "records": b64encode(zlib.compress(msgspec.msgpack.encode(carried))).decode(),
            }
        },
    )  # fmt: skip


def digest_of(derived: Sequence[Row]) -> bytes:
    """What stands for these derived rows: (number, event id, name, at, body) each, ascending."""
    digest = sha256()
    for _, event_id, name, at_us, body in derived:
        digest.update(msgspec.msgpack.encode((bytes(event_id), name, at_us, bytes(body))))
    return digest.digest()


def derived_before(tx: Session, base: Base) -> bytes:
    """`digest_of` the derived rows that stand before a base now."""
    return digest_of([row for row in _derived(tx, [base.profile_id])[base.profile_id] if row[0] < base.number])


def _derived(tx: Session, profile_ids: Sequence[int]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = {profile_id: [] for profile_id in profile_ids}
    sql = (
        "SELECT profile_id, number, event_id, name, at_us, body FROM log "
        "WHERE profile_id {keys} AND (flags & 4) = 4 AND type <> 'state'"
    )
    for row in sorted({row[1]: row for row in tx.rows_in(sql, list(profile_ids))}.values(), key=lambda row: row[1]):
        found[row[0]].append(row[1:])
    return found


def _records(tx: Session, states: Sequence[CustomerState]) -> dict[int, list[Record]]:
    """Everything recorded of these customers, as the fold gave it; orders of those they absorbed too, because a refund may still name one."""
    found: dict[int, list[Record]] = {state.profile_id: [] for state in states}
    everybody: dict[int, set[int]] = defaultdict(set)
    for state in states:
        for owner in (state.profile_id, *state.absorbed):
            everybody[owner].add(state.profile_id)
    for sql, read in _READ.items():
        keys = list(everybody) if read is _orders else list(found)
        # Padded keys may name somebody twice (stores/sqlite.py).
        for row in sorted(set(tx.rows_in(sql, keys))):
            for profile_id in everybody[row[0]] if read is _orders else (row[0],):
                found[profile_id].extend(read(row))
    for records in found.values():
        records.sort(key=_instant)
    return found


def _instant(record: Record) -> Micros:
    return record.ordered_us if isinstance(record, OrderEntry) else record.at_us


def _memberships(row: Row) -> Iterator[Record]:
    _, kind, definition_id, from_us, until_us, cause, reason, left_cause, left_reason, publishing = row
    yield MembershipChange(kind, definition_id, True, from_us, bytes(cause), _json(reason), bool(publishing))
    if until_us != NEVER:
        yield MembershipChange(kind, definition_id, False, until_us, bytes(left_cause), _json(left_reason))


def _scores(row: Row) -> Iterator[Record]:
    _, at_us, score_id, rule_id, cause, milli_points, balance = row
    yield ScoreEntry(score_id, at_us, milli_points, rule_id, bytes(cause), balance)


def _paths(row: Row) -> Iterator[Record]:
    _, at_us, run_id, sequence, journey_id, version, entry_key, step_id, outcome, reason = row
    yield RunEntry(
        bytes(run_id), sequence, journey_id, version, step_id, outcome, at_us, _json(reason), entry_key=entry_key
    )


def _verdicts(row: Row) -> Iterator[Record]:
    _, at_us, effect_id, sequence, outcome, reasons, *rest = row
    channel, content, message_class, purpose, basis, due_us, journey, run_id, step, version, priority = rest
    yield VerdictEntry(
        bytes(effect_id), sequence, at_us, outcome, _json(reasons), channel, content, message_class, purpose, basis, due_us, journey,
        bytes(run_id), step, version, priority,
    )  # fmt: skip


def _orders(row: Row) -> Iterator[Record]:
    owner, order_id, ordered_us, total, refunded, currency, status, channel, delivered_us, lines, cause = row
    yield OrderEntry(
        order_id,
        ordered_us,
        total,
        refunded,
        currency,
        status,
        channel,
        delivered_us,
        _unpack(lines),
        bytes(cause),
        owner,
    )


_READ: dict[str, Any] = {
    "SELECT profile_id, kind, definition_id, from_us, until_us, cause, reason, left_cause, left_reason, publishing FROM memberships "
    "WHERE profile_id {keys}": _memberships,
    "SELECT profile_id, at_us, score_id, rule_id, cause, milli_points, balance FROM score_entries WHERE profile_id {keys}": _scores,
    "SELECT profile_id, at_us, run_id, sequence, journey_id, version, entry_key, step_id, outcome, reason "
    f"FROM run_entries WHERE {BY_RUNS}": _paths,
    "SELECT profile_id, at_us, effect_id, sequence, outcome, reasons, channel, content_id, message_class, purpose, basis, due_us, "
    "journey_id, run_id, step_id, rulebook_version, priority FROM verdicts WHERE profile_id {keys}": _verdicts,
    "SELECT profile_id, order_id, ordered_us, total_minor, refunded_minor, currency, status, channel, delivered_us, lines, cause "
    "FROM orders WHERE profile_id {keys}": _orders,
}
"""How the rows of each table become the records they were written from; what stands before the first id orders them."""
