"""The page of one customer: the state read out, and the rows that prove it. The same number of queries for everybody."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from kundenkreis.customers.core.commerce import JOINED
from kundenkreis.customers.core.listing import display_name
from kundenkreis.customers.core.permission import country_of
from kundenkreis.customers.core.state import CustomerState, decode_state
from kundenkreis.engine.rulebook import Rulebook
from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.runtime.explain import Explainer, UnknownCustomerError, UnknownDefinitionError, plain_tree
from kundenkreis.runtime.installation import Installation
from kundenkreis.runtime.readers import customer_parts as parts
from kundenkreis.runtime.readers.customer_lines import city_of, number_of, place_of, text_attribute
from kundenkreis.runtime.readers.definition_names import DefinitionNames, NamesInForce
from kundenkreis.runtime.readers.timeline import read_last_contact, read_page
from kundenkreis.runtime.rulebooks import newest_version
from kundenkreis.runtime.stores.session import Row, Session
from kundenkreis.segments.core.scores import balance
from kundenkreis.site.ports.customer import (
    Cause,
    Customer,
    Evidence,
    Identifier,
    Order,
    OrderLine,
    ScoreLine,
    ScoreNow,
    Stay,
    TimelinePage,
    TimelinePart,
)
from kundenkreis.site.ports.customers import Amount

MOST_ORDERS = 12
MOST_STAYS = 60
MOST_SCORE_LINES = 12
MOST_FORWARDS = 8
"""Merges of merges followed to whoever is left."""

_Events = Mapping[bytes, Row]


class StoredCustomer:
    """Reads single customers of one installation."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._names = NamesInForce(installation.rulebooks)

    def find_customer(self, profile_id: int) -> Customer | None:
        """See ports.CustomerSource."""
        now_us = self._installation.clock.now_us()
        with self._installation.store.reading() as tx:
            state = find_state(tx, profile_id)
            if state is None:
                return None
            rulebook, names = self._in_force(tx)
            return _Reader(tx, state, rulebook, names, now_us).read()

    def read_timeline(self, profile_id: int, part: TimelinePart, *, cursor: str, limit: int) -> TimelinePage:
        """See ports.CustomerSource."""
        with self._installation.store.reading() as tx:
            state = find_state(tx, profile_id)
            if state is None:
                return TimelinePage(entries=(), next_cursor="")
            _, names = self._in_force(tx)
            return read_page(tx, _everybody(state), part, names, cursor=cursor, limit=limit)

    def explain(self, profile_id: int, kind: str, name: str) -> dict[str, Any] | None:
        """See ports.CustomerSource."""
        try:
            return Explainer(self._installation, str(profile_id)).ask(kind, name)
        except (UnknownCustomerError, UnknownDefinitionError):
            return None

    def _in_force(self, tx: Session) -> tuple[Rulebook, DefinitionNames]:
        rulebooks = self._installation.rulebooks
        rulebooks.read(tx)
        version = newest_version(tx)
        return rulebooks(version), self._names.of(version)


def find_state(tx: Session, profile_id: int) -> CustomerState | None:
    """The state of this profile, or of the one that absorbed it."""
    for _ in range(MOST_FORWARDS):
        rows = tx.rows("SELECT state FROM states WHERE profile_id = ?", (profile_id,))
        if not rows:
            return None
        state = decode_state(bytes(rows[0][0]))
        if not state.forwarded_to:
            return state
        profile_id = state.forwarded_to
    return None


def _everybody(state: CustomerState) -> list[int]:
    return [state.profile_id, *state.absorbed]


class _Reader:
    """One page being read, inside one snapshot."""

    def __init__(
        self, tx: Session, state: CustomerState, rulebook: Rulebook, names: DefinitionNames, now_us: Micros
    ) -> None:
        self.tx = tx
        self.state = state
        self.rulebook = rulebook
        self.names = names
        self.now_us = now_us
        self.profile_ids = _everybody(state)
        self.marks = ", ".join("?" * len(self.profile_ids))

    def read(self) -> Customer:
        """Everything but the timeline."""
        state, names, now_us = self.state, self.names, self.now_us
        stays, lines = self._stays(), self._score_lines()
        wanted = parts.proofs_in(state) | {bytes(row[5]) for row in stays} | {bytes(row[3]) for row in lines}
        events = self._events_of(wanted)
        evidence = {event_id: _evidence(row) for event_id, row in events.items()}
        history = [self._stay(row, events) for row in stays]
        here = next((one for one in history if one.kind == "phase" and one.until_us is None), None)
        contact = state.contact
        return Customer(
            profile_id=state.profile_id, name=display_name(state), is_known=state.profile.known, number=number_of(state),
            email=text_attribute(state, "email"), phone=text_attribute(state, "phone"),
            language=text_attribute(state, "language"), city=city_of(state), country=country_of(state),
            groups=tuple(state.profile.groups), kind=parts.kind_of(state), place=place_of(state, names),
            place_reason=here.reason if here is not None else {}, place_cause=here.cause if here is not None else None,
            since_us=state.first_seen_us, seen_us=max(state.last_seen_us, state.first_seen_us),
            situations=parts.situations_of(state, names, at_us=now_us),
            channels=parts.channels_of(
                state, self.rulebook.policy, names, evidence, at_us=now_us, fences=self._fences()
            ),
            contact_person=parts.contact_person_of(state),
            paused_until_us=contact.paused_until_us if contact.paused_until_us > now_us else None,
            pause_reason=contact.pause_reason, last_contact=read_last_contact(self.tx, self.profile_ids, names),
            planned=parts.planned_of(state, names), runs=parts.runs_of(state, names), values=parts.values_of(state),
            identifiers=tuple(Identifier(kind=kind, value=value) for kind, value in state.profile.identifiers),
            merged=len(state.absorbed),
            phases=tuple(one for one in history if one.kind in ("phase", "sub_state")),
            segments=tuple(one for one in history if one.kind == "segment" and one.until_us is None),
            left_segments=tuple(one for one in history if one.kind == "segment" and one.until_us is not None),
            scores=self._scores(lines, events), orders=self._orders(),
            rhythm=parts.rhythm_of(state, today=self.rulebook.zone.day_number(now_us)),
            consents=parts.consents_of(state, names, evidence), bans=parts.bans_of(state), tracking=state.consent.tracking,
        )  # fmt: skip

    def _fences(self) -> tuple[str, ...]:
        rows = self.tx.rows(
            f"SELECT DISTINCT scope FROM fences WHERE profile_id IN ({self.marks}) ORDER BY scope", self.profile_ids
        )
        return tuple(row[0] for row in rows)

    def _stays(self) -> list[Row]:
        """Open ones first, then the newest."""
        return self.tx.rows(
            "SELECT kind, definition_id, from_us, until_us, reason, cause, publishing FROM memberships WHERE profile_id = ? "
            "AND kind <> 'situation' ORDER BY CASE WHEN until_us = ? THEN 0 ELSE 1 END, from_us DESC, kind LIMIT ?",
            (self.state.profile_id, NEVER, MOST_STAYS),
        )

    def _stay(self, row: Row, events: _Events) -> Stay:
        kind, definition_id, from_us, until_us, reason, cause, publishing = row
        tree = plain_tree(json.loads(reason)) if reason else {}
        event = events.get(bytes(cause))
        return Stay(
            kind=kind, named=self.names.named(kind, definition_id), from_us=from_us,
            until_us=until_us if until_us < NEVER else None, reason=tree if isinstance(tree, dict) else {},
            cause=Cause(name=event[1] or event[2], at_us=event[3]) if event is not None else None,
            is_published=bool(publishing),
        )  # fmt: skip

    def _score_lines(self) -> list[Row]:
        """(score, at, rule, cause, points, balance, lines in all) of the newest lines per score."""
        return self.tx.rows(
            "SELECT score_id, at_us, rule_id, cause, milli_points, balance, lines FROM ("
            "SELECT score_id, at_us, rule_id, cause, milli_points, balance, "
            "count(*) OVER (PARTITION BY score_id) AS lines, "
            "row_number() OVER (PARTITION BY score_id ORDER BY at_us DESC, rule_id DESC) AS place "
            f"FROM score_entries WHERE profile_id IN ({self.marks})) AS ledger WHERE place <= ? ORDER BY score_id, place",
            [*self.profile_ids, MOST_SCORE_LINES],
        )

    def _scores(self, lines: Sequence[Row], events: _Events) -> tuple[ScoreNow, ...]:
        state, today = self.state, self.rulebook.zone.day_number(self.now_us)
        found = []
        for score_id, score in self.rulebook.decisions.scores.items():
            own = [row for row in lines if row[0] == score_id]
            held = state.decisions.scores.get(score_id)
            entries = tuple(
                ScoreLine(
                    at_us=row[1], rule=row[2], milli_points=row[4], balance_milli=row[5],
                    event=events[bytes(row[3])][1] if bytes(row[3]) in events else "",
                )
                for row in own
            )  # fmt: skip
            found.append(
                ScoreNow(
                    named=self.names.named("score", score_id), milli_points=balance(held, today, score.multiplier),
                    entries=entries, total=own[0][6] if own else 0,
                )
            )  # fmt: skip
        return tuple(found)

    def _orders(self) -> tuple[Order, ...]:
        rows = self.tx.rows(
            "SELECT order_id, ordered_us, total_minor, refunded_minor, currency, status, channel, delivered_us, lines FROM orders "
            f"WHERE profile_id IN ({self.marks}) AND status <> ? ORDER BY ordered_us DESC, order_id DESC LIMIT ?",
            [*self.profile_ids, JOINED, MOST_ORDERS],
        )
        return tuple(self._order(row) for row in rows)

    def _order(self, row: Row) -> Order:
        order_id, ordered_us, total, refunded, currency, status, channel, delivered_us, lines = row
        under_way = self.state.commerce.open_orders.get(order_id)
        is_delivered = 0 <= delivered_us < NEVER
        if status == "completed" and is_delivered:
            status = "delivered"
        elif status == "completed" and under_way is not None:
            late = under_way.late_since_us <= self.now_us
            status = "late" if late else "shipped" if under_way.shipped_us <= self.now_us else status
        return Order(
            order_id=order_id, at_us=ordered_us, total=Amount(minor=total, currency=currency),
            refunded=Amount(minor=refunded, currency=currency), status=status, channel=channel,
            delivered_us=delivered_us if is_delivered else None,
            lines=tuple(
                OrderLine(product=str(one[0]), quantity=one[1], price=Amount(minor=one[2], currency=currency), category=str(one[3] or ""))
                for one in msgspec.msgpack.decode(bytes(lines))
            ),
        )  # fmt: skip

    def _events_of(self, event_ids: set[bytes]) -> dict[bytes, Row]:
        """Event id -> (event id, name, type, happened, source, actor, body) among this person's own rows."""
        wanted = sorted(one for one in event_ids if one)
        if not wanted:
            return {}
        rows = self.tx.rows(
            "SELECT event_id, name, type, happened_us, source, actor, body FROM log "
            f"WHERE profile_id IN ({self.marks}) AND event_id IN ({', '.join('?' * len(wanted))})",
            [*self.profile_ids, *wanted],
        )
        return {bytes(row[0]): row for row in rows}


def _evidence(row: Row) -> Evidence:
    body = msgspec.json.decode(bytes(row[6]))
    properties = body.get("properties") if isinstance(body, dict) else None
    properties = properties if isinstance(properties, dict) else {}

    def said(*names: str) -> str:
        return next((str(properties[name])[:300] for name in names if properties.get(name)), "")

    return Evidence(
        at_us=row[3], event=row[1] or row[2], source=row[4] or row[5], wording=said("wording", "text_version", "notice_version"),
        proof=said("proof", "form", "form_url", "token_id", "document"),
    )  # fmt: skip
