"""What lies in quarantine, sent in again: events through the inbox with all checks, customers with every row they missed."""

from collections.abc import Sequence
from contextlib import closing
from typing import Any

import msgspec

from kundenkreis.events.core.inbox_item import InboxItem
from kundenkreis.events.core.messages import TYPES
from kundenkreis.runtime.folding import RELEASED
from kundenkreis.runtime.installation import WORKER_BELL, Installation

CHUNK = 500
LOOP = "loop"
"""Not an event that came in: events that derived each other without end. Mend the definitions; there is nothing to send again."""


class Replayed(msgspec.Struct):
    """What was sent in again."""

    events: int = 0
    skipped: int = 0
    """Nothing that could be read as an event, or a loop of derived events."""
    customers: int = 0


def replay_events(installation: Installation, *, ids: Sequence[int] = (), code: str = "") -> Replayed:
    """Put quarantined events back into the inbox, with the instant at which they were received.

    Args:
        ids: only these; () = all that were not replayed yet.
        code: only those quarantined for this reason.

    Effects: appends to the inbox, then marks them as replayed. A crash between sends them twice, which the resolver drops.
    """
    done = Replayed()
    chosen = [
        row
        for row in _waiting(installation)
        if (not ids or row[0] in ids) and (not code or row[4] == code)
    ]  # fmt: skip
    with closing(installation.open_inbox()) as inbox:
        for start in range(0, len(chosen), CHUNK):
            chunk = chosen[start : start + CHUNK]
            items = [(row[0], item) for row in chunk if (item := _item(row)) is not None]
            inbox.append([item for _, item in items])
            now_us = installation.clock.now_us()
            with installation.store.transaction("replay") as tx:
                tx.run_many(
                    "UPDATE quarantined_events SET replayed_us = ? WHERE id = ?", [(now_us, one) for one, _ in items]
                )
            done.events += len(items)
            done.skipped += len(chunk) - len(items)
    _wake(installation)
    return done


def release_customers(installation: Installation, profile_ids: Sequence[int] = ()) -> Replayed:
    """Let customers out of quarantine: the worker folds every row they missed. () = all of them."""
    with installation.store.transaction("release") as tx:
        held = [row[0] for row in tx.rows("SELECT profile_id FROM quarantined_customers WHERE code <> ?", (RELEASED,))]
        chosen = [one for one in held if not profile_ids or one in profile_ids]
        tx.run_many(
            "UPDATE quarantined_customers SET code = ? WHERE profile_id = ?", [(RELEASED, one) for one in chosen]
        )
    _wake(installation)
    return Replayed(customers=len(chosen))


def quarantined(installation: Installation) -> dict[str, list[dict[str, Any]]]:
    """What lies in quarantine now."""
    with installation.store.reading() as tx:
        customers = tx.rows(
            "SELECT profile_id, since_us, number, code, detail FROM quarantined_customers ORDER BY since_us"
        )
    return {
        "events": [
            {"id": row[0], "received_us": row[1], "source": row[2], "code": row[4], "detail": row[5]} for row in _waiting(installation)
        ],
        "customers": [
            {"profile_id": row[0], "since_us": row[1], "number": row[2], "code": row[3], "detail": row[4].strip().splitlines()[-1:]}
            for row in customers
        ],
    }  # fmt: skip


def _waiting(installation: Installation) -> list[tuple[Any, ...]]:
    with installation.store.reading() as tx:
        return tx.rows(
            "SELECT id, received_us, source, public, code, detail, raw FROM quarantined_events WHERE replayed_us = 0 ORDER BY id"
        )


def _item(row: tuple[Any, ...]) -> InboxItem | None:
    _, received_us, source, public, code, _, raw = row
    if code == LOOP:
        return None
    try:
        body = msgspec.json.decode(bytes(raw))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if not isinstance(body, dict):
        return None
    kind = body.get("type")
    if kind in TYPES:
        return InboxItem(received_us, source, bool(public), kind, bytes(raw))
    if "type" in body or "action" in body:  # which call it is stands in it, and is asked again
        return InboxItem(received_us, source, bool(public), "batch", b'{"batch":[%s]}' % bytes(raw))
    return InboxItem(
        received_us, source, bool(public), "track", bytes(raw)
    )  # put aside by version 0.1, which did not note the call


def _wake(installation: Installation) -> None:
    with closing(installation.bell(WORKER_BELL)) as bell:
        bell.ring()
