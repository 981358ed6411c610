"""The stream of events off the log, by number; the quarantine, and its way back in."""

import json
from collections.abc import Sequence
from typing import Any

from kundenkreis.customers.core.listing import display_name
from kundenkreis.customers.core.state import decode_state
from kundenkreis.kernel.rows import DERIVED, LATE
from kundenkreis.runtime import log
from kundenkreis.runtime.installation import Installation
from kundenkreis.runtime.replaying import LOOP, replay_events
from kundenkreis.runtime.stores.session import Row, Session
from kundenkreis.site.ports.events import Event, EventLine, EventPage, EventQuery, SetAside, SetAsidePage

WINDOW = 20_000
"""Numbers of the log that one page looks through: the log has no index by name, and must not pay for one with every event."""
_LINE = "SELECT number, name, type, at_us, profile_id, origin, source, flags FROM log"
_LONGEST_RAW = 20_000


class StoredEvents:
    """Reads the events of one installation."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._store = installation.store

    def find_events(self, query: EventQuery) -> EventPage:
        """The stream, newest first; of one person, from the beginning, else stretch by stretch."""
        with self._store.reading() as tx:
            newest = int(tx.rows("SELECT next - 1 FROM numbers WHERE name = 'log'")[0][0])
            before = _number(query.cursor, newest + 1)
            lowest = 0 if query.profile_id is not None else max(before - WINDOW, 0)
            where, params = _where(query)
            rows = tx.rows(
                f"{_LINE} WHERE number < ? AND number >= ?{where} ORDER BY number DESC LIMIT ?",
                (before, lowest, *params, query.limit + 1),
            )
            lines = _lines(tx, rows[: query.limit])
        if len(rows) > query.limit:
            return EventPage(lines=lines, next_cursor=str(lines[-1].number))
        return EventPage(lines=lines, next_cursor=str(lowest) if lowest > 1 else "")

    def find_event(self, number: int) -> Event | None:
        """One event with its body as it came."""
        columns = ", ".join(log.COLUMN_NAMES)
        with self._store.reading() as tx:
            rows = tx.rows(f"SELECT {columns} FROM log WHERE number = ?", (number,))
            if not rows:
                return None
            row = log.loaded(rows[0])
            (line,) = _lines(tx, tx.rows(f"{_LINE} WHERE number = ?", (number,)))
        return Event(
            line=line, event_id=row.event_id.hex(), happened_us=row.happened_us, received_us=row.received_us, actor=row.actor,
            reason=row.reason, body=json.dumps(row.body, indent=2, ensure_ascii=False),
        )  # fmt: skip

    def find_set_aside(self, *, cursor: str, limit: int) -> SetAsidePage:
        """What lies in quarantine and was not sent in again, newest first."""
        with self._store.reading() as tx:
            total = int(tx.rows("SELECT count(*) FROM quarantined_events WHERE replayed_us = 0")[0][0])
            rows = tx.rows(
                "SELECT id, received_us, source, code, detail, raw FROM quarantined_events WHERE replayed_us = 0 AND id < ? "
                "ORDER BY id DESC LIMIT ?",
                (_number(cursor, 1 << 62), limit + 1),
            )
        lines = tuple(
            SetAside(
                id=row[0], received_us=row[1], source=row[2], code=row[3], detail=row[4], can_replay=row[3] != LOOP,
                raw=bytes(row[5])[:_LONGEST_RAW].decode("utf-8", "replace") if row[3] != LOOP else "",
            )
            for row in rows[:limit]
        )  # fmt: skip
        return SetAsidePage(lines=lines, total=total, next_cursor=str(lines[-1].id) if len(rows) > limit else "")

    def replay(self, ids: tuple[int, ...]) -> int:
        """Send these in again through the inbox, with all checks; () = all."""
        return replay_events(self._installation, ids=ids).events


def _number(text: str, default: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else default


def _where(query: EventQuery) -> tuple[str, list[Any]]:
    where, params = "", list[Any]()
    if not query.with_derived:
        where += f" AND (flags & {DERIVED}) = 0 AND type <> 'control'"
    if query.profile_id is not None:
        where, params = where + " AND profile_id = ?", [*params, query.profile_id]
    if query.name:
        where, params = where + " AND (name = ? OR (name = '' AND type = ?))", [*params, query.name, query.name]
    if query.source:
        where, params = where + " AND source = ?", [*params, query.source]
    return where, params


def _lines(tx: Session, rows: Sequence[Row]) -> tuple[EventLine, ...]:
    people = sorted({row[4] for row in rows})
    states = tx.rows_in("SELECT profile_id, state FROM states WHERE profile_id {keys}", people) if people else []
    names = {row[0]: display_name(decode_state(bytes(row[1]))) for row in states}
    return tuple(
        EventLine(
            number=row[0], name=row[1] or row[2], at_us=row[3], profile_id=row[4], person=names.get(row[4], ""), origin=row[5],
            source=row[6], is_late=bool(row[7] & LATE),
        )
        for row in rows
    )  # fmt: skip
