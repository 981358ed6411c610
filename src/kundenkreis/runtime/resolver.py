"""The resolver: from acknowledged messages to numbered log rows.

Drops duplicates by (source, messageId), looks identifiers up or creates a customer under unique(kind, value), and appends to the
log, all in one transaction. It never merges; where two profiles turn out to be one person it appends Merge Requested to the loser's
log and from then on routes to the winner. The direction is fixed here once, so a merge can never run in a circle.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from kundenkreis.customers.core.consent import CONFIRMED, EPOCH_LINK
from kundenkreis.customers.core.profile import UNPROVED
from kundenkreis.events.core.messages import Malformed, Message
from kundenkreis.kernel.effects import AppendEvent
from kundenkreis.kernel.errors import KundenkreisError
from kundenkreis.kernel.hashing import event_id_of, hash128, profile_id_of
from kundenkreis.kernel.ids import partition_of
from kundenkreis.kernel.rows import CLAIMED, PUBLIC, LogRow
from kundenkreis.kernel.zones import DAY, Zone
from kundenkreis.privacy.forgetting import forgotten_among
from kundenkreis.privacy.tombstones import buried_until
from kundenkreis.runtime import log
from kundenkreis.runtime.admission import ANONYMOUS_QUOTA, Admission, Strangers
from kundenkreis.runtime.partition_clocks import read_clocks, write_clocks
from kundenkreis.runtime.stores.schema import DEDUPE, IDENTIFIERS, MERGES, QUARANTINED_EVENTS
from kundenkreis.runtime.stores.session import Row, Session

Pair = tuple[str, str]

MOST_OF_KIND = {"user_id": 1, "anonymous_id": 50, "email": 5, "phone": 5}
"""Identifiers of a kind that one customer may hold; more is a shared device or a mistake (field: merge rules)."""
MOST_CACHED = 200_000


class Arrival(msgspec.Struct, gc=False):
    """One message on its way to the log, with the envelope the inbox gave it."""

    message: Message
    received_us: int
    source: str
    brand: str = ""
    origin: str = "api"
    position: int = 0
    """Its request's number in the inbox."""
    pairs: Sequence[Pair] = ()
    """Identifiers by which it may find its customer; the resolver reads them off once."""


class Relay(msgspec.Struct, gc=False):
    """One row of the internal inbox: an event for a customer who is already known by profile id."""

    effect: AppendEvent
    received_us: int


class Resolver:
    """Resolves batches inside the caller's transaction.

    Args:
        zone: the installation's zone, for day numbers.
        remembers: keep identifiers in memory between batches; only where this process is the only resolver.
        admission: how many strangers each source may bring.
        tombstone_key: with it, events of erased people that happened before their erasure are dropped.
    """

    def __init__(
        self, zone: Zone, *, remembers: bool, admission: Admission | None = None, tombstone_key: bytes = b""
    ) -> None:
        self._zone = zone
        self._remembers = remembers
        self._admission = admission if admission is not None else Admission()
        self._tombstone_key = tombstone_key
        self._erasures = -1
        self._known: dict[Pair, int] = {}
        self._fresh: list[Pair] = []

    def forget(self) -> None:
        """After a rolled back transaction: what was learnt in it is not true."""
        for pair in self._fresh:
            self._known.pop(pair, None)
        self._fresh.clear()
        self._known.clear()

    def resolve(self, tx: Session, arrivals: Sequence[Arrival], relays: Sequence[Relay] = ()) -> list[LogRow]:
        """Append what is new; the rows in log order, ready to be folded."""
        fresh = self._without_duplicates(tx, arrivals, relays)
        if not fresh:
            return []
        self._forget_erased(tx)
        strangers = Strangers(tx, self._admission)
        fresh = self._without_erased(tx, fresh)
        batch = _Batch(tx, self._lookup(tx, fresh), strangers)
        placed: list[tuple[LogRow, bytes | None]] = []
        refused: list[tuple[Malformed, int, str, bool]] = []
        taken: list[Row] = []
        for event_id, item in fresh:
            if isinstance(item, Relay):
                taken.append((event_id, item.received_us // DAY))
                placed.append((_relayed_row(event_id, item, self._zone), None))
                continue
            place = batch.place(event_id, item)
            if place is None:
                is_public = bool(item.message.flags & PUBLIC)
                refused.append((_over_quota(item.message), item.received_us, item.source, is_public))
                continue
            taken.append((event_id, item.received_us // DAY))
            profile_id, links, merges = place
            batch.merged.extend((*merge, event_id) for merge in merges)
            placed.extend((_merge_row(merge, event_id, item, self._zone), None) for merge in merges)
            placed.append((_arrived_row(event_id, item, profile_id, links, self._zone), item.message.raw))
        quarantine(tx, refused)
        strangers.write()
        tx.insert(DEDUPE, taken)
        self._write(tx, batch, placed)
        return [row for row, _ in placed]

    def _forget_erased(self, tx: Session) -> None:
        """Whoever was erased or pruned since the last batch is unknown again."""
        if self._remembers:
            erasures = int(tx.rows("SELECT next FROM numbers WHERE name = 'erasures'")[0][0])
            if erasures != self._erasures:
                self._known.clear()
                self._erasures = erasures

    def _without_erased(
        self, tx: Session, fresh: list[tuple[bytes, Arrival | Relay]]
    ) -> list[tuple[bytes, Arrival | Relay]]:
        """Leave out what came too late: answers about forgotten customers, and what erased people did before their erasure."""
        answered = {item.effect.profile_id for _, item in fresh if isinstance(item, Relay)}
        gone = forgotten_among(tx, answered) if answered else set()
        buried = buried_until(
            tx, self._tombstone_key, (pair for _, item in fresh if isinstance(item, Arrival) for pair in item.pairs)
        )
        if not gone and not buried:
            return fresh
        return [
            (event_id, item)
            for event_id, item in fresh
            if (
                item.effect.profile_id not in gone
                if isinstance(item, Relay)
                else all(item.message.happened_us > buried.get(pair, -1) for pair in item.pairs)
            )
        ]

    def _without_duplicates(
        self, tx: Session, arrivals: Sequence[Arrival], relays: Sequence[Relay]
    ) -> list[tuple[bytes, Arrival | Relay]]:
        items: dict[bytes, Arrival | Relay] = {}
        for relay in relays:
            items.setdefault(relay.effect.effect_id, relay)
        for arrival in arrivals:
            items.setdefault(event_id_of(arrival.source, arrival.message.message_id), arrival)
        seen = {bytes(row[0]) for row in tx.rows_in("SELECT event_id FROM dedupe WHERE event_id {keys}", list(items))}
        fresh = [(event_id, item) for event_id, item in items.items() if event_id not in seen]
        for _, item in fresh:
            if isinstance(item, Arrival):
                item.pairs = identity_pairs(item.message)
        return fresh

    def _lookup(self, tx: Session, fresh: Iterable[tuple[bytes, Arrival | Relay]]) -> dict[Pair, int]:
        wanted: dict[Pair, None] = {}
        for _, item in fresh:
            if isinstance(item, Arrival):
                for pair in item.pairs:
                    wanted[pair] = None
        known = self._known
        missing = [pair for pair in wanted if pair not in known]
        found = tx.identifiers(missing)
        if missing and not found:
            _check_not_lost(tx)
        for kind, value, profile_id in found:
            known[(kind, value)] = profile_id
        return known

    def _write(self, tx: Session, batch: "_Batch", placed: list[tuple[LogRow, bytes | None]]) -> None:
        tx.insert(
            IDENTIFIERS,
            [(kind, value, profile) for (kind, value), profile in batch.attached.items()],
            conflict="replace",
        )
        tx.insert(MERGES, batch.merged, conflict="ignore")
        clocks = read_clocks(tx, {row.partition for row, _ in placed})
        number = log.next_numbers(tx, len(placed))
        stored: list[Row] = []
        for row, raw in placed:
            row.number = number
            row.at_us = clocks[row.partition] = max(row.received_us, clocks[row.partition])
            stored.append(log.stored(row, raw))
            number += 1
        log.append(tx, stored)
        write_clocks(tx, clocks)
        if not self._remembers or len(self._known) > MOST_CACHED:
            self._known.clear()


class IdentifiersMissingError(KundenkreisError):
    """The identifiers of customers are missing from the store; nothing is resolved until kreis rebuild --in-place has put them back."""

    code = "identifiers_missing"


def _check_not_lost(tx: Session) -> None:
    """Nobody known may mean that this is somebody new; nobody known at all, with rows on the log, that the table was lost."""
    if not tx.rows("SELECT 1 FROM identifiers LIMIT 1") and tx.rows("SELECT 1 FROM log WHERE profile_id <> 0 LIMIT 1"):
        raise IdentifiersMissingError


def is_unproved(message: Message) -> bool:
    """Whether this message came by a public key without proof of whom it speaks for: it finds people by anonymous id only.

    A public key with a signed identity token may name its user id, but still no e-mail, telephone or alias.
    """
    return bool(message.flags & PUBLIC) and (bool(message.flags & CLAIMED) or not message.user_id)


def identity_pairs(message: Message) -> list[Pair]:
    """Identifiers by which this message may find its customer. A public key finds by anonymous id only."""
    pairs: list[Pair] = []
    if is_unproved(message):
        if message.anonymous_id:
            return [("anonymous_id", message.anonymous_id)]
        return [("claimed_user_id", message.user_id or "")]
    if message.user_id:
        pairs.append(("user_id", message.user_id))
    if message.anonymous_id:
        pairs.append(("anonymous_id", message.anonymous_id))
    if message.flags & PUBLIC:
        return pairs
    if message.type == "alias" and message.previous_id:
        pairs.append(("user_id", message.previous_id))
        pairs.append(("anonymous_id", message.previous_id))
    if message.type == "identify":
        pairs.extend(contact_pairs(message.body.get("traits")))
    return pairs


LONGEST_EMAIL, LONGEST_PHONE = 254, 40
FEWEST_DIGITS = 5
"""Of a telephone number that tells people apart."""
_EMAIL = re.compile(r"[^\s@]+@[^\s@.]+(\.[^\s@.]+)+")


def contact_pairs(traits: Any) -> list[Pair]:
    """E-mail and telephone of identify traits in the form by which people are the same; what people write where they have none joins nobody."""
    pairs: list[Pair] = []
    if isinstance(traits, dict):
        email, phone = traits.get("email"), traits.get("phone")
        if isinstance(email, str) and len(email) <= LONGEST_EMAIL and _EMAIL.fullmatch(email.strip()):
            pairs.append(("email", email.strip().casefold()))
        if isinstance(phone, str) and len(phone) <= LONGEST_PHONE:
            number = "".join(c for c in phone if (c.isascii() and c.isdigit()) or c == "+")
            digits = number.replace("+", "")
            if len(digits) >= FEWEST_DIGITS and len(set(digits)) > 1:
                pairs.append(("phone", number))
    return pairs


Place = tuple[int, dict[str, Any] | None, list[tuple[int, int]]]
"""(profile, links, merges as (loser, winner)) of one message."""


class _Batch:
    """Placing the messages of one batch: who is who, as known so far and as learnt on the way."""

    def __init__(self, tx: Session, known: dict[Pair, int], strangers: Strangers) -> None:
        self._tx = tx
        self._strangers = strangers
        self._known = known
        self._holds: dict[int, dict[str, int]] = {}
        self.attached: dict[Pair, int] = {}
        self.merged: list[Row] = []

    def place(self, event_id: bytes, item: Arrival) -> Place | None:
        """Where one message belongs; None when it would create one anonymous customer too many."""
        message = item.message
        if self._is_stranger(item) and not self._strangers.admit(item.source, item.received_us):
            return None
        if is_unproved(message):
            return self._place_public(event_id, item)
        merges: list[tuple[int, int]] = []
        new: list[Pair] = []
        profile_id = self._place_proved(event_id, message, new, merges)
        if message.type == "alias" and message.previous_id and not message.flags & PUBLIC:
            self._join(profile_id, self._find(message.previous_id), merges)
        if message.type == "identify" and not message.flags & PUBLIC:
            for pair in contact_pairs(message.body.get("traits")):
                self._join_contact(profile_id, pair, new, merges)
        links = {"attach": [list(pair) for pair in new]} if new else None
        return profile_id, links, merges

    def _is_stranger(self, item: Arrival) -> bool:
        """Whether this message would create a customer whom nothing but an anonymous id names."""
        return not any(pair[0] not in UNPROVED or pair in self._known for pair in item.pairs)

    def _place_public(self, event_id: bytes, item: Arrival) -> Place:
        message, pair = item.message, item.pairs[0]
        profile_id = self._known.get(pair)
        links: dict[str, Any] = {}
        if profile_id is None:
            profile_id = self._create(event_id)
            links["attach"] = [list(pair)]
            self._attach(profile_id, pair)
        if message.user_id:
            links["claimed_user_id"] = message.user_id
        return profile_id, links or None, []

    def _place_proved(self, event_id: bytes, message: Message, new: list[Pair], merges: list[tuple[int, int]]) -> int:
        user: Pair | None = ("user_id", message.user_id) if message.user_id else None
        anonymous: Pair | None = ("anonymous_id", message.anonymous_id) if message.anonymous_id else None
        by_user = self._known.get(user) if user else None
        by_anonymous = self._known.get(anonymous) if anonymous else None
        if user is None:
            assert anonymous is not None  # read_item refuses messages without any id
            if by_anonymous is not None:
                return by_anonymous
            return self._attach_new(self._create(event_id), [anonymous], new)
        shared = by_anonymous is not None and self._held(by_anonymous, "user_id") > 0
        if by_user is None:
            if by_anonymous is not None and not shared:
                return self._attach_new(by_anonymous, [user], new)
            fresh = [user] if anonymous is None or shared else [user, anonymous]
            return self._attach_new(self._create(event_id), fresh, new)
        if by_anonymous is None and anonymous is not None:
            self._attach_new(by_user, [anonymous], new)
        elif by_anonymous is not None and by_anonymous != by_user and not shared:
            self._join(by_user, by_anonymous, merges)
        return by_user

    def _join_contact(self, profile_id: int, pair: Pair, new: list[Pair], merges: list[tuple[int, int]]) -> None:
        holder = self._known.get(pair)
        if holder is None:
            self._attach_new(profile_id, [pair], new)
        elif holder != profile_id and self._held(holder, "user_id") == 0:
            self._join(profile_id, holder, merges)

    def _join(self, winner: int, loser: int | None, merges: list[tuple[int, int]]) -> None:
        if loser is None or loser == winner:
            return
        merges.append((loser, winner))
        for kind, value in self._pairs_of(loser):
            self.attached[(kind, value)] = self._known[(kind, value)] = winner
        holds = self._holds_of(winner)
        for kind, count in self._holds_of(loser).items():
            holds[kind] = holds.get(kind, 0) + count
        self._holds[loser] = {}

    def _pairs_of(self, profile_id: int) -> list[Pair]:
        rows = self._tx.rows("SELECT kind, value FROM identifiers WHERE profile_id = ?", (profile_id,))
        pairs = {
            (kind, value): None for kind, value in rows if self.attached.get((kind, value), profile_id) == profile_id
        }
        pairs.update((pair, None) for pair, holder in self.attached.items() if holder == profile_id)
        return list(pairs)

    def _find(self, value: str) -> int | None:
        by_user = self._known.get(("user_id", value))
        return by_user if by_user is not None else self._known.get(("anonymous_id", value))

    def _create(self, event_id: bytes) -> int:
        # 63 bits: two of a million customers share an id with a chance of 5 in 10^8; event ids are unique, so never two of one batch.
        profile_id = profile_id_of(event_id)
        self._holds[profile_id] = {}
        return profile_id

    def _attach_new(self, profile_id: int, pairs: list[Pair], new: list[Pair]) -> int:
        holds = self._holds_of(profile_id)
        for pair in pairs:
            if holds.get(pair[0], 0) < MOST_OF_KIND.get(pair[0], 20):
                self._attach(profile_id, pair)
                new.append(pair)
        return profile_id

    def _attach(self, profile_id: int, pair: Pair) -> None:
        holds = self._holds_of(profile_id)
        holds[pair[0]] = holds.get(pair[0], 0) + 1
        self.attached[pair] = self._known[pair] = profile_id

    def _held(self, profile_id: int, kind: str) -> int:
        return self._holds_of(profile_id).get(kind, 0)

    def _holds_of(self, profile_id: int) -> dict[str, int]:
        holds = self._holds.get(profile_id)
        if holds is None:
            rows = self._tx.rows(
                "SELECT kind, count(*) FROM identifiers WHERE profile_id = ? GROUP BY kind", (profile_id,)
            )
            holds = self._holds[profile_id] = {kind: count for kind, count in rows}
        return holds


def _arrived_row(event_id: bytes, item: Arrival, profile_id: int, links: dict[str, Any] | None, zone: Zone) -> LogRow:
    message = item.message
    if message.name == CONFIRMED:
        links = {**(links or {}), EPOCH_LINK: item.position}
    happened_us = min(message.happened_us, item.received_us)
    flags = message.flags | (CLAIMED if links and "claimed_user_id" in links else 0)
    return LogRow(
        partition=partition_of(profile_id), number=0, event_id=event_id, profile_id=profile_id, type=message.type, name=message.name,
        happened_us=message.happened_us, received_us=item.received_us, at_us=0, day=zone.day_number(happened_us), origin=item.origin,
        flags=flags, source=item.source, brand=item.brand, links=links, body=message.body,
    )  # fmt: skip


def _relayed_row(event_id: bytes, relay: Relay, zone: Zone) -> LogRow:
    effect = relay.effect
    links = effect.body.pop("links", None) if "links" in effect.body else None
    return LogRow(
        partition=partition_of(effect.profile_id), number=0, event_id=event_id, profile_id=effect.profile_id, type=effect.type,
        name=effect.name, happened_us=effect.happened_us, received_us=relay.received_us, at_us=0, day=zone.day_number(effect.happened_us),
        origin=effect.origin, actor=effect.actor, reason=effect.reason, cause=effect.cause, depth=effect.depth, flags=effect.flags,
        links=links, body=effect.body,
    )  # fmt: skip


def _over_quota(message: Message) -> Malformed:
    """A refused message as the quarantine keeps it: complete, so that it can be replayed by itself."""
    body = {**message.body, "type": message.type, "messageId": message.message_id}
    return Malformed(
        ANONYMOUS_QUOTA,
        "its source has brought as many strangers as it may",
        msgspec.json.encode(body),
        message.message_id,
    )


def _merge_row(merge: tuple[int, int], event_id: bytes, item: Arrival, zone: Zone) -> LogRow:
    loser, winner = merge
    return LogRow(
        partition=partition_of(loser), number=0, event_id=hash128("merge", event_id, loser, winner), profile_id=loser, type="merge",
        name="Merge Requested", happened_us=item.received_us, received_us=item.received_us, at_us=0, day=zone.day_number(item.received_us),
        origin="control", cause=event_id, reason="the same person by " + item.message.type, source=item.source,
        body={"properties": {"into": winner}},
    )  # fmt: skip


def quarantine(tx: Session, malformed: Sequence[tuple[Malformed, int, str, bool]]) -> None:
    """Keep what could not be read, with its reason, for replay: (what, received_us, source, public)."""
    tx.insert(
        QUARANTINED_EVENTS,
        [
            (received_us, source, int(public), bad.code, bad.detail, bad.raw, 0)
            for bad, received_us, source, public in malformed
        ],
    )
