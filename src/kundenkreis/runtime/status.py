"""How the installation is doing: lag, backlog, next wake-ups, quarantine, sending, processes."""

import re
import shutil
from contextlib import closing
from pathlib import Path
from typing import get_args

from kundenkreis.channels.core.smtp_replies import Stage
from kundenkreis.channels.pause import read_pause, read_stop
from kundenkreis.events.inbox import SqliteInbox
from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.kernel.zones import DAY, HOUR
from kundenkreis.runtime.counting.kept import read_kept
from kundenkreis.runtime.counting.outbox import FIGURE, OutboxCounts, count_outbox
from kundenkreis.runtime.installation import INBOX_FILE, Installation
from kundenkreis.runtime.role_file import read_roles
from kundenkreis.runtime.sending import resume_sending
from kundenkreis.runtime.stores.meta import inbox_position
from kundenkreis.runtime.stores.session import Session
from kundenkreis.site.ports.status import (
    ChannelSending,
    PausedSending,
    Quarantined,
    Role,
    ServerAnswer,
    Status,
    StoppedSending,
    WakeUps,
    held_since_us,
)

SHOWN_QUARANTINED = 20
SHOWN_ANSWERS = 3
LONGEST_ANSWER = 300
MOST_WAITING = 2_000
"""Of those that wait how many are looked at; whoever waits for a server is tried later than who has just come."""
_WAITING = "SELECT reply, next_try_us FROM outbox WHERE state IN ('queued', 'claimed', 'intent') ORDER BY next_try_us DESC LIMIT ?"
_STAGES = frozenset(get_args(Stage))
_ADDRESS = re.compile(r"\S+@\S+")
SPANS: tuple[Micros, ...] = (HOUR, DAY, 7 * DAY)


class InstallationStatus:
    """Reads the status of one installation; what the status page and `kreis status` show."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    def read_status(self) -> Status:
        """The status now."""
        installation = self._installation
        now_us = installation.clock.now_us()
        with installation.store.reading() as tx:
            inbox_rows, oldest_us = self._inbox(tx)
            unfolded, oldest_row_us = _unfolded(tx) if tx.dialect == "postgres" else (0, NEVER)
            oldest_us = min(oldest_us, oldest_row_us)
            next_wake = tx.rows(f"SELECT min(wake_us) FROM states WHERE wake_us < {NEVER}")[0][0]
            quarantine, total = _quarantine(tx)
            paused, stopped = _paused(tx), _stopped(tx)
            return Status(
                at_us=now_us,
                store="PostgreSQL" if tx.dialect == "postgres" else "SQLite",
                customers=_one(tx, "SELECT count(*) FROM customer_list"),
                newest_row=_one(tx, "SELECT coalesce(max(number), 0) FROM log"),
                rulebook_version=_one(tx, "SELECT coalesce(max(version), 0) FROM rulebooks"),
                lag_us=max(now_us - oldest_us, 0) if oldest_us < NEVER else 0,
                inbox_rows=inbox_rows,
                unfolded_rows=unfolded,
                overdue_wake_ups=_wakes(tx, now_us),
                next_wake_us=next_wake,
                wake_ups=tuple(WakeUps(until_us=now_us + span, customers=_wakes(tx, now_us + span)) for span in SPANS),
                quarantine=quarantine,
                quarantined_total=total,
                sending=_sending(tx, now_us),
                roles=tuple(
                    Role(name=role.name, is_alive=role.is_alive, since_us=role.since_us, restarts=role.restarts)
                    for role in read_roles(installation.data_dir)
                ),
                paused=paused,
                stopped=stopped,
                answers=_answers(tx),
                free_bytes=_free_bytes(installation.data_dir),
                clock_behind_us=max(_one(tx, "SELECT coalesce(max(clock_us), 0) FROM clocks") - now_us, 0),
                unsent_us=_unsent_us(tx, now_us) if paused is None and stopped is None else 0,
            )

    def sending_held_since_us(self) -> int | None:
        """See ports.StatusSource."""
        with self._installation.store.reading() as tx:
            return held_since_us(_paused(tx), _stopped(tx))

    def resume_sending(self, actor: str) -> bool:
        """See ports.StatusSource."""
        return resume_sending(self._installation, actor=actor)

    def _inbox(self, tx: Session) -> tuple[int, Micros]:
        if tx.dialect == "postgres":
            rows = tx.rows("SELECT count(*), min(received_us) FROM inbox") if _has_table(tx, "inbox") else [(0, None)]
            return rows[0][0], NEVER if rows[0][1] is None else rows[0][1]
        position = inbox_position(tx)
        with closing(SqliteInbox(self._installation.data_dir / INBOX_FILE)) as inbox:
            first = inbox.read(position, most_items=1, most_bytes=1)
            return inbox.backlog(position), first[0][1].received_us if first else NEVER


def _paused(tx: Session) -> PausedSending | None:
    held = read_pause(tx)
    return PausedSending(since_us=held.since_us, found=held.found, missing=held.missing) if held is not None else None


def _stopped(tx: Session) -> StoppedSending | None:
    held = read_stop(tx)
    return StoppedSending(since_us=held.since_us, detail=held.detail) if held is not None else None


def _free_bytes(folder: Path) -> int | None:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def _unsent_us(tx: Session, now_us: Micros) -> Micros:
    """A claim that its sender let lapse counts from then on."""
    due_us = tx.rows("SELECT min(next_try_us) FROM outbox WHERE state IN ('queued', 'claimed', 'intent')")[0][0]
    return max(now_us - due_us, 0) if due_us is not None else 0


def _has_table(tx: Session, name: str) -> bool:
    return bool(tx.rows("SELECT 1 FROM pg_class WHERE relname = ? AND relkind = 'r'", (name,)))


def _one(tx: Session, sql: str) -> int:
    return int(tx.rows(sql)[0][0])


def _wakes(tx: Session, until_us: Micros) -> int:
    return int(tx.rows(f"SELECT count(*) FROM states WHERE wake_us <= ? AND wake_us < {NEVER}", (until_us,))[0][0])


def _unfolded(tx: Session) -> tuple[int, Micros]:
    rows = tx.rows(
        "SELECT count(*), min(l.received_us) FROM log l JOIN partitions p ON p.partition = l.partition "
        "WHERE l.number > (SELECT min(folded_to) FROM partitions) AND l.number > p.folded_to AND (l.flags & 4) = 0"
    )
    return rows[0][0], NEVER if rows[0][1] is None else rows[0][1]


def _quarantine(tx: Session) -> tuple[tuple[Quarantined, ...], int]:
    events = tx.rows(
        "SELECT received_us, code, detail FROM quarantined_events WHERE replayed_us = 0 ORDER BY id DESC LIMIT ?",
        (SHOWN_QUARANTINED,),
    )
    customers = tx.rows(
        "SELECT since_us, profile_id, code, detail FROM quarantined_customers ORDER BY since_us DESC LIMIT ?",
        (SHOWN_QUARANTINED,),
    )
    found = [
        Quarantined(kind="customer", name=str(row[1]), reason=_last_line(row[3]) or row[2], since_us=row[0])
        for row in customers
    ]
    found += [Quarantined(kind="event", name=row[1], reason=row[2], since_us=row[0]) for row in events]
    found.sort(key=lambda item: -item.since_us)
    total = _one(tx, "SELECT count(*) FROM quarantined_events WHERE replayed_us = 0") + _one(
        tx, "SELECT count(*) FROM quarantined_customers"
    )
    return tuple(found[:SHOWN_QUARANTINED]), total


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else ""


_SENDING_OF_STATE = {
    "queued": "waiting",
    "claimed": "waiting",
    "intent": "waiting",
    "held": "waiting",
    "accepted": "handed_over",
    "failed": "failed",
}


def _answers(tx: Session) -> tuple[ServerAnswer, ...]:
    """Also replies of our own stand there, such as that something else rests: those of a server begin with the stage at which it spoke."""
    found: dict[str, list[Micros]] = {}
    for reply, next_try_us in tx.rows(_WAITING, (MOST_WAITING,)):
        if reply.partition(" ")[0] in _STAGES:
            found.setdefault(_ADDRESS.sub("…", reply)[:LONGEST_ANSWER], []).append(next_try_us)
    listed = sorted(found.items(), key=lambda one: (-len(one[1]), one[0]))
    return tuple(
        ServerAnswer(text=text, messages=len(tries), next_try_us=min(tries)) for text, tries in listed[:SHOWN_ANSWERS]
    )


def _sending(tx: Session, at_us: Micros) -> tuple[ChannelSending, ...]:
    counts: dict[str, dict[str, int]] = {}
    counted = read_kept(tx, FIGURE, OutboxCounts) or count_outbox(tx, at_us=at_us)
    for state, uncertain, channel, count in counted.states:
        mine = counts.setdefault(channel, {"waiting": 0, "handed_over": 0, "failed": 0, "uncertain": 0})
        kind = _SENDING_OF_STATE.get(state)
        if kind is not None:
            mine[kind] += count
        if uncertain:
            mine["uncertain"] += count
    return tuple(ChannelSending(channel=channel, **mine) for channel, mine in sorted(counts.items()))
