"""What was put aside until a person decides (channels/core/handling.py says when), and their decision.

Whoever sends one does not go past the contact policy: the decision is an event on the customer's log, the fold plans the message again and the
gate is asked as for any other. Its caps count it once, because it keeps its effect id, and so its Message-ID.
"""

import msgspec

from kundenkreis.channels.core.policy import HeldMessage
from kundenkreis.channels.outbox import Held, held_message, held_messages, settle_held
from kundenkreis.kernel.hashing import hash128
from kundenkreis.runtime.human_events import Happening, inbox_row
from kundenkreis.runtime.installation import WORKER_BELL, Installation
from kundenkreis.runtime.stores.schema import INTERNAL_INBOX
from kundenkreis.runtime.stores.session import Session
from kundenkreis.site.ports.customer_acts import Actor
from kundenkreis.site.ports.held import MOST_AT_ONCE, Chosen, Decision, HeldGroup, HeldPage

MOST_LOOKED_AT = 20_000
"""Messages put aside of which the page knows: after an outage whole mailings may lie there."""


class StoredHeldMessages:
    """The held messages of one installation."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._bell = installation.bell(WORKER_BELL)

    def find_groups(self) -> HeldPage:
        """See ports.HeldMessages."""
        now_us = self._installation.clock.now_us()
        with self._installation.store.reading() as tx:
            found = held_messages(tx, at_most=MOST_LOOKED_AT)
        groups: dict[tuple[str, ...], list[Held]] = {}
        for one in found:
            groups.setdefault(_group_of(one), []).append(one)
        return HeldPage(
            groups=tuple(_told(each, now_us) for each in groups.values()), is_all=len(found) < MOST_LOOKED_AT
        )

    def find_one(self, message_id: str) -> HeldGroup | None:
        """See ports.HeldMessages."""
        with self._installation.store.reading() as tx:
            found = _one(tx, message_id)
        return _told([found], self._installation.clock.now_us()) if found is not None else None

    def decide(self, chosen: Chosen, decision: Decision, actor: Actor) -> int:
        """See ports.HeldMessages. What is settled and what is told of it are one transaction, so nothing is sent twice or waits for ever."""
        now_us, goes_out = self._installation.clock.now_us(), decision == "send"
        with self._installation.store.transaction("held") as tx:
            found = [one for one in _chosen(tx, chosen) if not goes_out or _is_useful(one, now_us)][:MOST_AT_ONCE]
            settled = [one for one in found if settle_held(tx, one, goes_out=goes_out)]
            verdicts = _next_verdicts(tx, settled) if goes_out else {}
            rows = [
                inbox_row(
                    hash128("held", one.message.effect_id, one.epoch, decision),
                    one.message.profile_id,
                    _release(one, verdicts[one.message.effect_id]) if goes_out else _closing(one),
                    actor,
                    now_us,
                )
                for one in settled
            ]
            tx.insert(INTERNAL_INBOX, rows)
        if rows:
            self._bell.ring()
        return len(rows)


def _told(group: list[Held], now_us: int) -> HeldGroup:
    first = group[0]
    return HeldGroup(
        why=first.why,
        content_id=first.message.content_id,
        journey_id=first.message.journey_id,
        channel=first.message.channel,
        count=len(group),
        still_useful=sum(_is_useful(one, now_us) for one in group),
        since_us=first.since_us,
    )


def _one(tx: Session, message_id: str) -> Held | None:
    try:
        return held_message(tx, bytes.fromhex(message_id))
    except ValueError:
        return None


def _chosen(tx: Session, chosen: Chosen) -> list[Held]:
    if chosen.message_id:
        found = _one(tx, chosen.message_id)
        return [found] if found is not None else []
    wanted = (chosen.why, chosen.content_id, chosen.journey_id)
    return [one for one in held_messages(tx, at_most=MOST_LOOKED_AT) if _group_of(one) == wanted]


def _group_of(held: Held) -> tuple[str, str, str]:
    return held.why, held.message.content_id, held.message.journey_id


def _is_useful(held: Held, at_us: int) -> bool:
    return at_us <= held.message.valid_until_us


def _next_verdicts(tx: Session, settled: list[Held]) -> dict[bytes, int]:
    """Number of the next verdict of each. One is left free: the last one may not be folded yet."""
    sql = "SELECT effect_id, max(sequence) + 2 FROM verdicts WHERE effect_id {keys} GROUP BY effect_id"
    ids = [one.message.effect_id for one in settled]
    known = {bytes(row[0]): int(row[1]) for row in tx.rows_in(sql, ids)}
    return {effect_id: known.get(effect_id, 2) for effect_id in ids}


def _release(held: Held, sequence: int) -> Happening:
    message = held.message
    said = HeldMessage(
        message.effect_id.hex(), sequence, message.channel, message.content_id, message.message_class, message.purpose, message.priority,
        message.journey_id, message.run_id.hex(), message.step_id, message.valid_until_us, message.variables,
    )  # fmt: skip
    return Happening("Held Message Released", msgspec.to_builtins(said))


def _closing(held: Held) -> Happening:
    return Happening("Held Message Closed", {"message": held.message.effect_id.hex()})
