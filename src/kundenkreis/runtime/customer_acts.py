"""What people do to a customer from the pages: an event in the internal inbox, which the worker folds like any other.

Nothing derived is written here. The event names who did it and why, and carries an id of its own, so that it happens once.
"""

import secrets
import time
from collections.abc import Callable
from contextlib import closing

import msgspec

from kundenkreis.customers.core.state import CustomerState, decode_state
from kundenkreis.engine.merging import joined
from kundenkreis.events.core.inbox_item import InboxItem
from kundenkreis.kernel.hashing import hash128
from kundenkreis.kernel.ids import partition_of
from kundenkreis.runtime.human_events import Happening, cancellation, inbox_row, pause, resumption, value_set
from kundenkreis.runtime.installation import WORKER_BELL, Installation
from kundenkreis.runtime.readers.customer_lines import customer_line, number_of, plain_value
from kundenkreis.runtime.readers.definition_names import NamesInForce
from kundenkreis.runtime.rulebooks import newest_version
from kundenkreis.runtime.stores.schema import INTERNAL_INBOX
from kundenkreis.runtime.stores.session import Session
from kundenkreis.site.ports.customer_acts import Actor, MergedValue, MergePreview

SOURCE = "people"
"""Source of what people do here, where an event needs one."""
PATIENCE_SECONDS = 1.0
"""So long an act waits for its effect, so that people see what they did (design: one way in)."""
_LOOK_SECONDS = 0.03


class StoredCustomerActs:
    """Acts on the customers of one installation."""

    def __init__(self, installation: Installation, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._installation = installation
        self._names = NamesInForce(installation.rulebooks)
        self._bell = installation.bell(WORKER_BELL)
        self._patience_seconds = patience_seconds

    def correct_value(self, profile_id: int, name: str, value: str, actor: Actor) -> bool:
        """See ports.CustomerActs. Keeps the kind of a value: a number stays a number, yes and no stay so."""
        state = self._state(profile_id)
        held = state.profile.attributes.get(name) if state is not None else None
        return self._append(profile_id, value_set(name, value, held.value if held is not None else ""), actor)

    def pause_marketing(self, profile_id: int, until_us: int, actor: Actor) -> bool:
        """See ports.CustomerActs."""
        return self._append(profile_id, pause(until_us, actor.reason), actor)

    def resume_marketing(self, profile_id: int, actor: Actor) -> bool:
        """See ports.CustomerActs."""
        return self._append(profile_id, resumption(), actor)

    def stop_message(self, profile_id: int, message_id: str, actor: Actor) -> bool:
        """See ports.CustomerActs."""
        return self._append(profile_id, cancellation(message_id, actor.reason), actor)

    def preview_merge(self, kept_id: int, joined_id: int) -> MergePreview | None:
        """See ports.CustomerActs."""
        now_us = self._installation.clock.now_us()
        kept, other = self._state(kept_id), self._state(joined_id)
        if kept is None or other is None or kept_id == joined_id or not number_of(kept):
            return None
        if kept.forwarded_to or other.forwarded_to:
            return None
        rulebooks = self._installation.rulebooks
        with self._installation.store.reading() as tx:
            rulebooks.read(tx)
            version = newest_version(tx)
        rulebook, names = rulebooks(version), self._names.of(version)
        after = joined(kept, other, rulebook, at_us=max(now_us, kept.clock_us, other.clock_us))
        lines = [customer_line(one, names, rulebook.policy, at_us=now_us) for one in (kept, other, after)]
        return MergePreview(
            kept=lines[0], joined=lines[1], after=lines[2], values=_values(kept, other, after),
            consents_lost=tuple(sorted((_granted(kept) | _granted(other)) - _granted(after))),
        )  # fmt: skip

    def merge(self, kept_id: int, joined_id: int, actor: Actor) -> bool:
        """See ports.CustomerActs. Goes the way of an alias call, because only the resolver may fix who is joined into whom."""
        kept, other = self._state(kept_id), self._state(joined_id)
        if kept is None or other is None or not number_of(kept):
            return False
        previous = next((value for kind, value in other.profile.identifiers if kind in ("user_id", "anonymous_id")), "")
        if not previous:
            return False
        now_us = self._installation.clock.now_us()
        body = {
            "type": "alias", "userId": number_of(kept), "previousId": previous, "messageId": secrets.token_hex(16),
            "context": {"actor": actor.name, "reason": actor.reason},
        }  # fmt: skip
        with closing(self._installation.open_inbox()) as inbox:
            inbox.append([InboxItem(now_us, SOURCE, False, "alias", msgspec.json.encode(body))])
        self._bell.ring()
        return self._wait(lambda: self._is_absorbed(kept_id, joined_id))

    def _append(self, profile_id: int, happening: Happening, actor: Actor) -> bool:
        event_id = hash128("people", secrets.token_bytes(16))
        row = inbox_row(event_id, profile_id, happening, actor, self._installation.clock.now_us())
        with self._installation.store.transaction("people") as tx:
            tx.insert(INTERNAL_INBOX, [row])
        self._bell.ring()
        return self._wait(lambda: self._is_folded(profile_id, event_id))

    def _wait(self, is_done: Callable[[], bool]) -> bool:
        deadline = time.monotonic() + self._patience_seconds
        while not (done := is_done()) and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)
        return done

    def _is_folded(self, profile_id: int, event_id: bytes) -> bool:
        with self._installation.store.reading() as tx:
            if not tx.rows("SELECT 1 FROM dedupe WHERE event_id = ?", (event_id,)):
                return False
            return tx.dialect == "sqlite" or self._is_behind(tx, profile_id, event_id)

    def _is_behind(self, tx: Session, profile_id: int, event_id: bytes) -> bool:
        """Whether the worker of this partition has come past the event (SQLite resolves and folds in one transaction)."""
        rows = tx.rows("SELECT number FROM log WHERE profile_id = ? AND event_id = ?", (profile_id, event_id))
        folded = tx.rows("SELECT folded_to FROM partitions WHERE partition = ?", (partition_of(profile_id),))
        return bool(rows) and folded[0][0] >= rows[0][0]

    def _is_absorbed(self, kept_id: int, joined_id: int) -> bool:
        state = self._state(kept_id)
        return state is not None and joined_id in state.absorbed

    def _state(self, profile_id: int) -> CustomerState | None:
        with self._installation.store.reading() as tx:
            rows = tx.rows("SELECT state FROM states WHERE profile_id = ?", (profile_id,))
        return decode_state(bytes(rows[0][0])) if rows else None


def _values(kept: CustomerState, other: CustomerState, after: CustomerState) -> tuple[MergedValue, ...]:
    names = sorted({*kept.profile.attributes, *other.profile.attributes}, key=str.casefold)
    texts = [
        MergedValue(name=name, kept=_text(kept, name), joined=_text(other, name), after=_text(after, name))
        for name in names
    ]
    return tuple(one for one in texts if one.kept != one.joined)


def _text(state: CustomerState, name: str) -> str:
    held = state.profile.attributes.get(name)
    return plain_value(held.value) if held is not None else ""


def _granted(state: CustomerState) -> set[str]:
    return {key for key, grant in state.consent.grants.items() if grant.granted}
