"""Comparing two stores, row by row and byte by byte: what is stored, and what a rebuild made of the log.

Both sides are read in the order of their keys, side by side, so the memory this takes does not depend on how many customers there are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice, zip_longest
from operator import itemgetter

import msgspec

from kundenkreis.customers.core.state import FOLD_VERSION
from kundenkreis.customers.core.upgrades import version_of
from kundenkreis.kernel.effects import AppendEvent
from kundenkreis.kernel.hashing import hash128
from kundenkreis.runtime import log
from kundenkreis.runtime.bases import Base, derived_before
from kundenkreis.runtime.stores import schema
from kundenkreis.runtime.stores.schema import Table
from kundenkreis.runtime.stores.session import Row, Session

SHOWN = 20
"""Differences that a report tells one by one."""
_SHOWN_LENGTH = 120
_SHOWN_BEFORE = 24
"""Characters of a value in a report, and how many of them come before the first that differs."""
RELAYS_AT_ONCE = 500

COMPARED: tuple[tuple[Table, tuple[str, ...]], ...] = (
    (schema.STATES, ("partition", "wake_us", "control_to", "state")),
    (schema.MEMBERSHIPS, ("until_us", "cause", "reason", "left_cause", "left_reason", "publishing")),
    (schema.SCORE_ENTRIES, ("milli_points", "balance")),
    (schema.RUN_ENTRIES, ("profile_id", "journey_id", "version", "entry_key", "step_id", "outcome", "at_us", "reason")),
    (schema.RUNS, ()),
    (schema.VERDICTS, tuple(name for name in schema.VERDICTS.column_names if name not in ("effect_id", "sequence"))),
    (schema.ORDERS, tuple(name for name in schema.ORDERS.column_names if name not in ("order_id", "profile_id"))),
    (schema.IDENTIFIERS, ("profile_id",)),
    (schema.CUSTOMER_LIST, schema.CUSTOMER_LIST.column_names[1:]),
    (schema.SEARCH_TERMS, ()),
    (schema.OUTBOX, ("profile_id", "due_us", "payload")),
)
"""States come first: they tell whose older state cannot be compared."""

_PARKED = ("wake_us", "control_to")
"""Columns of a state that mean nothing while its customer is in quarantine."""


@dataclass
class Difference:
    """One row that is not what the log says."""

    table: str
    key: str
    column: str
    """"" when the whole row is missing or surplus."""
    stored: str
    rebuilt: str


@dataclass
class RebuildReport:
    """What a rebuild found."""

    rows: int = 0
    """Log rows folded."""
    customers: int = 0
    overdue: int = 0
    """Customers whose stored timer had come but was not folded yet; compared at their own stored point."""
    quarantined: int = 0
    """Customers whose fold had stopped; compared where it stopped."""
    quarantined_ids: list[int] = field(default_factory=list)
    """Profile ids of those."""
    not_carried_over: int = 0
    """Customers whose state is still that of an older version: not compared before the worker has carried them over."""
    compared: dict[str, int] = field(default_factory=dict)
    """Rows compared per table; of the log those that were compared with their checksums."""
    damaged: int = 0
    """Log rows that do not fit their checksums."""
    without_checksum: int = 0
    """Log rows from before they had one: nothing is known of them, and that is no difference."""
    what_to_do: str = ""
    """About damaged rows; "" where there are none."""
    not_compared: str = ""
    """What kept a damaged log from being folded again, so that nothing else is compared; "" otherwise."""
    differences: list[Difference] = field(default_factory=list)
    differing: int = 0
    """All differences; `differences` holds the first of them."""

    @property
    def is_equal(self) -> bool:
        """Whether the log is what was written, and everything derived what the log says."""
        return self.differing == 0

    def add(self, difference: Difference) -> None:
        """Count a difference; keep it if it is one of the first."""
        self.differing += 1
        if len(self.differences) < SHOWN:
            self.differences.append(difference)


class Comparison:
    """Compares what is stored (mine) with what was rebuilt (theirs)."""

    def __init__(self, mine: Session, theirs: Session, report: RebuildReport) -> None:
        self._mine, self._theirs = mine, theirs
        self._report = report
        self.older: set[int] = set()
        """Customers whose stored state is of an older version; known once the states are compared."""

    def everything(self) -> None:
        """Every derived table, the derived rows of the log, and what customers sent to each other."""
        for table, columns in COMPARED:
            self.table(table, columns)
        self._derived()
        self._bases()
        self._relays()
        self._report.customers = self._report.compared["states"]

    def table(self, table: Table, columns: tuple[str, ...]) -> None:
        """One table, all rows of both sides."""
        keys = table.primary_key
        names = (*keys, *columns)
        owner = names.index("profile_id")
        count = 0
        sides = (_sorted_rows(side, table, names) for side in (self._mine, self._theirs))
        for stored, rebuilt in paired(*sides, keys=len(keys)):
            count += 1
            if stored == rebuilt or (stored or rebuilt or ())[owner] in self.older:
                continue
            if table is schema.STATES and stored is not None and self._is_older(stored[0], stored[-1]):
                continue
            self._note(table, names, stored, rebuilt)
        self._report.compared[table.name] = count

    def _is_older(self, profile_id: int, state: bytes) -> bool:
        try:
            older = version_of(state) < FOLD_VERSION
        except msgspec.DecodeError:
            return False
        if older:
            self.older.add(profile_id)
            self._report.not_carried_over += 1
        return older

    def _note(self, table: Table, names: tuple[str, ...], stored: Row | None, rebuilt: Row | None) -> None:
        if table is schema.STATES and (stored or rebuilt or (0,))[0] in self._report.quarantined_ids:
            marks = [index for index, name in enumerate(names) if name in _PARKED]
            stored, rebuilt = _without(stored, marks), _without(rebuilt, marks)
            if stored == rebuilt:
                return
        keys = len(table.primary_key)
        key = ", ".join(shown(value) for value in (stored or rebuilt or ())[:keys])
        if stored is None or rebuilt is None:
            there = ["missing" if side is None else "there" for side in (stored, rebuilt)]
            self._report.add(Difference(table.name, key, "", *there))
            return
        for column, a, b in zip_longest(names[keys:], stored[keys:], rebuilt[keys:]):
            if a != b:
                self._report.add(Difference(table.name, key, column, *shown_apart(a, b)))

    def _derived(self) -> None:
        """Derived rows, customer by customer: two stores number them differently."""
        count = 0
        sides = (_derived_by_customer(side) for side in (self._mine, self._theirs))
        for stored, rebuilt in paired(*sides, keys=1):
            if (stored or rebuilt or ())[0] in self.older:
                continue
            mine, theirs = stored[1] if stored else {}, rebuilt[1] if rebuilt else {}
            count += len(mine)
            for event_id in dict.fromkeys((*mine, *theirs)):
                a, b = mine.get(event_id), theirs.get(event_id)
                if a != b:
                    self._report.add(Difference("log", event_id.hex(), "derived", *shown_apart(a, b)))
        self._report.compared["derived events"] = count

    def _bases(self) -> None:
        """What was derived before a base cannot be asked again; the base says what stood there."""
        count, columns = 0, ", ".join(log.COLUMN_NAMES)
        for row in self._mine.stream(f"SELECT {columns} FROM log WHERE type = 'state' ORDER BY profile_id, number"):
            count += 1
            base = Base(log.loaded(row))
            if base.carried().derived != derived_before(self._mine, base):
                where = f"{base.profile_id} before {base.number}"
                self._report.add(Difference("log", where, "derived", "changed", "as the base has it"))
        self._report.compared["bases"] = count

    def _relays(self) -> None:
        """What one customer's fold sent to another's log must wait there, or stand there word for word."""
        count = 0
        relays = self._theirs.stream("SELECT effect_id, profile_id, payload FROM internal_inbox ORDER BY position")
        while chunk := list(islice(relays, RELAYS_AT_ONCE)):
            count += len(chunk)
            self._relays_among(chunk)
        self._report.compared["appended events"] = count

    def _relays_among(self, relays: Sequence[Row]) -> None:
        owners = list(dict.fromkeys(row[1] for row in relays))
        names = ", ".join(log.COLUMN_NAMES)
        found = self._mine.rows_in(
            f"SELECT {names} FROM log WHERE profile_id {{keys}} AND (flags & 4) = 0 AND length(cause) > 0", owners
        )
        appended = {}
        for row in map(log.loaded, found):
            appended[row.event_id] = _told(row.profile_id, row.type, row.name, row.body, row.links)
        for effect_id, _, payload in relays:
            effect = msgspec.msgpack.decode(payload, type=AppendEvent)
            body = dict(effect.body)
            links = body.pop("links", None)
            told = _told(effect.profile_id, effect.type, effect.name, body, links)
            stored = appended.get(effect_id)
            # Who sent it does not stand there: while somebody is not carried over yet, it may be what an older version said.
            if stored == told or self.older or self._waits(effect_id, payload):
                continue
            state = "missing" if stored is None else "another"
            self._report.add(Difference("internal_inbox", effect_id.hex(), "", state, "there"))

    def _waits(self, effect_id: bytes, payload: bytes) -> bool:
        found = self._mine.rows("SELECT payload FROM internal_inbox WHERE effect_id = ?", (effect_id,))
        return [bytes(row[0]) for row in found] == [payload]


def paired(mine: Iterator[Row], theirs: Iterator[Row], *, keys: int) -> Iterator[tuple[Row | None, Row | None]]:
    """Rows of two sides, both ascending by their first `keys` columns, side by side."""
    left, right = next(mine, None), next(theirs, None)
    while left is not None or right is not None:
        is_left = right is None or (left is not None and left[:keys] <= right[:keys])
        is_right = left is None or (right is not None and right[:keys] <= left[:keys])
        yield left if is_left else None, right if is_right else None
        left = next(mine, None) if is_left else left
        right = next(theirs, None) if is_right else right


def _sorted_rows(side: Session, table: Table, names: tuple[str, ...]) -> Iterator[Row]:
    """Ascending by the primary key; texts by their bytes, as SQLite does, whatever a database's own order is."""
    types = dict(table.columns)
    bytewise = ' COLLATE "C"' if side.dialect == "postgres" else ""
    order = ", ".join(key + (bytewise if types[key] == "text" else "") for key in table.primary_key)
    return side.stream(f"SELECT {', '.join(names)} FROM {table.name} ORDER BY {order}")


def _derived_by_customer(side: Session) -> Iterator[Row]:
    """(profile id, {event id: (name, at, body)}), ascending."""
    sql = (
        "SELECT profile_id, event_id, name, at_us, body FROM log WHERE (flags & 4) = 4 AND type <> 'state' "
        "ORDER BY profile_id, number"
    )
    for profile_id, rows in groupby(side.stream(sql), itemgetter(0)):
        yield profile_id, {row[1]: row[2:] for row in rows}


def _without(row: Row | None, indexes: Sequence[int]) -> Row | None:
    return None if row is None else tuple(None if index in indexes else value for index, value in enumerate(row))


def _told(profile_id: int, type_: str, name: str, body: object, links: object) -> bytes:
    return hash128(profile_id, type_, name, msgspec.json.encode(body), msgspec.json.encode(links))


def shown(value: object) -> str:
    """A value as a report shows it."""
    text = _text(value)
    return text if len(text) <= _SHOWN_LENGTH else text[: _SHOWN_LENGTH - 3] + "..."


def shown_apart(stored: object, rebuilt: object) -> tuple[str, str]:
    """Two values that differ as a report shows them: long ones from a little before the first difference on."""
    texts = (_text(stored), _text(rebuilt))
    same = next((at for at, (a, b) in enumerate(zip(*texts, strict=False)) if a != b), min(map(len, texts)))
    start = max(same - _SHOWN_BEFORE, 0) // 2 * 2  # two digits are one byte
    if start == 0 or max(map(len, texts)) <= _SHOWN_LENGTH:
        return shown(stored), shown(rebuilt)
    return shown("..." + texts[0][start:]), shown("..." + texts[1][start:])


def _text(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
