"""Situations: what stands beside the phase, from events or from orders and carts.

From events: an event of `begins` opens the matter under its key (the property named by `key`; "" without one), an event of `ends`
closes that key. The situation stands while any key is open. Something already open stays as old as it was. `expires_days: n`
closes a key at the start of the n-th installation day after the one it began on. After the end marketing rests for `after_days`
times 24 hours and this person's share of `resume_hours`; then for `gentle_days` times 24 hours the first message does not sell; then
the record is over. It is dropped in the customer's next turn: nobody is woken for that, because nothing else follows from it.

Built in: `open_cart` (key: cart), `order_in_transit` and `late` (key: order) follow from the state of commerce; they begin when
that began (last change of the cart, order, broken promise).
"""

from typing import Any

import msgspec

from kundenkreis.customers.core.state import CustomerState, Situation
from kundenkreis.customers.core.turn import MembershipChange, Turn
from kundenkreis.kernel.hashing import BUCKETS, bucket_of
from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.kernel.rows import LogRow
from kundenkreis.kernel.zones import DAY, HOUR, Zone
from kundenkreis.segments.core.definitions import BuiltIn, SituationDefinition
from kundenkreis.segments.core.facts import EVENT_TYPES, occurred_on
from kundenkreis.segments.core.leaf import names_of
from kundenkreis.segments.core.operators import EventFilter, value_at
from kundenkreis.segments.core.protocol import EventPattern, Reason
from kundenkreis.segments.core.tree import convert
from kundenkreis.segments.errors import DefinitionError, Path

MOST_KEYS = 50
"""Open matters of one kind per customer; the oldest gives way."""
MOST_DAYS = 3650
LONGEST_KEY = 100
SUBJECTS = ("order_id", "product_id", "case_id", "cart_id", "category")
"""Properties of the opening event that are kept: the policy holds messages about the same subject."""


class CompiledSituation:
    """One situation, compiled."""

    __slots__ = (
        "_after_us",
        "_builtin",
        "_expires_days",
        "_gentle_us",
        "_key",
        "_resume_us",
        "begins",
        "dirty",
        "ends",
        "kind",
        "reads",
        "zone",
    )

    def __init__(self, definition: SituationDefinition, *, zone: Zone, path: Path = ()) -> None:
        self.kind = definition.id
        self.dirty = f"situation:{definition.id}"
        self.zone = zone
        self._key = (definition.key, tuple(definition.key.split("."))) if definition.key else None
        _check_days(definition.after_days, 0, (*path, "after_days"))
        _check_days(definition.expires_days, 1, (*path, "expires_days"))
        _check_days(definition.gentle_days, 0, (*path, "gentle_days"))
        _check_days(definition.resume_hours, 0, (*path, "resume_hours"), "hours")
        self._after_us = definition.after_days * DAY
        self._gentle_us = definition.gentle_days * DAY
        self._resume_us = definition.resume_hours * HOUR
        self._expires_days = definition.expires_days
        self._builtin = ""
        self.begins: list[tuple[tuple[str, ...], EventFilter]] = []
        self.ends: list[tuple[tuple[str, ...], EventFilter]] = []
        begins = definition.begins
        if isinstance(begins, dict) and "builtin" in begins:
            named = begins["builtin"]
            if isinstance(named, str) and named not in _BUILT_IN_READS:
                raise DefinitionError(
                    (*path, "begins", "builtin"), f"There is no situation `{named}` that is built in.",
                    remedy=f"Known are: {', '.join(_BUILT_IN_READS)}.",
                )  # fmt: skip
            self._builtin = convert(begins, BuiltIn, (*path, "begins")).builtin
            if definition.ends or definition.key:
                raise DefinitionError(
                    path, "A built-in situation begins and ends by itself.", remedy="Leave `ends` and `key` out."
                )
        else:
            here = (*path, "begins")
            if isinstance(begins, dict):
                one = convert(begins, EventPattern, here)
                self.begins = [(names_of(one.name), EventFilter(one.where, zone=zone, path=here))]
            else:
                self.begins = _patterns(begins, zone, here)
            self.ends = _patterns(definition.ends, zone, (*path, "ends"))
            if not self.ends and self._expires_days is None:
                raise DefinitionError(
                    path, f"The situation `{self.kind}` would never end.", remedy="Give `ends` or `expires_days`."
                )
        self.reads: frozenset[str] = frozenset(_BUILT_IN_READS[self._builtin] if self._builtin else ())

    @property
    def names(self) -> tuple[str, ...]:
        """Event names that may begin or end it."""
        return tuple(dict.fromkeys(name for names, _ in (*self.begins, *self.ends) for name in names))

    def observe(self, turn: Turn, row: LogRow) -> None:
        """Take an event in that may begin or end it. Marks dirty "situation-event:<id>" when a key opened or closed."""
        if row.type not in EVENT_TYPES:
            return
        occurred_us, day = occurred_on(row, self.zone)
        properties = row.properties
        held = turn.state.decisions.situations.get(self.kind)
        key = _key_text(value_at(properties, *self._key)) if self._key else ""
        if held is not None and key in held.keys and self._expiry_us(held.keys[key][0]) <= turn.at_us:
            del held.keys[key]  # over while another key kept the situation open: what comes now begins anew
            turn.dirty.add("situation-event:" + self.kind)
        if held is not None and key in held.keys and _matches(self.ends, row.name, properties, day):
            del held.keys[key]
            turn.dirty.add("situation-event:" + self.kind)
            return
        if held is not None and key in held.keys:
            return
        if _matches(self.begins, row.name, properties, day) and self._expiry_us(occurred_us) > turn.at_us:
            if held is None:
                held = turn.state.decisions.situations[self.kind] = Situation(-1, {})
            held.keys.pop(key, None)
            held.keys[key] = [occurred_us, *_subjects(properties)]
            while len(held.keys) > MOST_KEYS:
                del held.keys[min(held.keys, key=lambda one: (held.keys[one][0], one))]
            turn.dirty.add("situation-event:" + self.kind)

    def open_keys(self, state: CustomerState, at_us: Micros) -> dict[str, list[Any]]:
        """The open matters at an instant from the last fold on: key -> [since_us, what it is about...]."""
        if self._builtin:
            keys = _BUILT_IN[self._builtin](state, at_us)
        else:
            held = state.decisions.situations.get(self.kind)
            keys = held.keys if held is not None else {}
        if self._expires_days is None:
            return keys
        return {key: since for key, since in keys.items() if self._expiry_us(since[0]) > at_us}

    def answer(self, state: CustomerState, at_us: Micros) -> tuple[bool, Micros]:
        """(does it stand open, when that flips without an event)."""
        keys = self.open_keys(state, at_us)
        if not keys:
            return False, _late_from_us(state, at_us) if self._builtin == "late" else NEVER
        if self._expires_days is None:
            return True, NEVER
        return True, max(self._expiry_us(since[0]) for since in keys.values())

    def settle(self, turn: Turn) -> bool:
        """Bring the record up to date at this instant; records and derives what changed. Returns whether anything did."""
        situations = turn.state.decisions.situations
        held = situations.get(self.kind)
        keys = self.open_keys(turn.state, turn.at_us)
        was_open = held is not None and held.since_us >= 0 and held.rests_until_us < 0
        if keys:
            if held is None:
                held = situations[self.kind] = Situation(-1, {})
            held.keys = keys
            if not was_open:
                held.since_us, held.rests_until_us, held.gentle_until_us = turn.at_us, -1, -1
                self._tell(turn, entered=True)
            return not was_open
        if held is None:
            return False
        held.keys = {}
        if was_open:
            held.rests_until_us = turn.at_us + self._after_us + self._share_us(turn.state)
            held.gentle_until_us = held.rests_until_us + self._gentle_us if self._gentle_us else -1
            self._tell(turn, entered=False)
        if max(held.rests_until_us, held.gentle_until_us) <= turn.at_us:
            del situations[self.kind]
            return True
        return was_open

    def let_time_pass(self, turn: Turn) -> None:
        """Settle each expiry and end of a rest up to the turn's instant at its own, for a history that is told again."""
        state = turn.state
        while self.kind in state.decisions.situations:
            held = state.decisions.situations[self.kind]
            due_us = min(self.next_us(state, held.since_us), over_us(held))
            if due_us > turn.at_us:
                return
            self.settle(Turn(state, due_us, row=None, zone=turn.zone, rulebook_version=turn.rulebook_version))

    def next_us(self, state: CustomerState, at_us: Micros) -> Micros:
        """When it begins or expires without an event."""
        return self.answer(state, at_us)[1]

    def _share_us(self, state: CustomerState) -> Micros:
        """How much later than the first this person comes out of the rest: chance is a hash."""
        return self._resume_us * bucket_of(state.bucket_key, self.kind) // BUCKETS if self._resume_us else 0

    def _expiry_us(self, since_us: Micros) -> Micros:
        if self._expires_days is None:
            return NEVER
        return self.zone.day_start_us(self.zone.day_number(since_us) + self._expires_days)

    def _tell(self, turn: Turn, *, entered: bool) -> None:
        row = turn.row
        found: dict[str, Any] = {"event": row.name} if row is not None else {}
        reason = Reason("situation", entered, {"is": self.kind}, found, [], NEVER)
        turn.records.append(
            MembershipChange(
                "situation", self.kind, entered, turn.at_us, turn.cause, msgspec.to_builtins(reason), turn.publishing
            )
        )
        name = "Situation Began" if entered else "Situation Ended"
        turn.derive(name, {"situation": self.kind, "key": self.kind})


def over_us(held: Situation) -> Micros:
    """When nothing is left of a matter: the rest after it and the time in which the first message does not sell; NEVER while it stands open."""
    return NEVER if held.rests_until_us < 0 else max(held.rests_until_us, held.gentle_until_us)


def drop_over(turn: Turn) -> None:
    """Drop what nothing is left of, before anything else in a turn looks at it. Marks dirty "situation:<id>"."""
    situations = turn.state.decisions.situations
    for kind in [kind for kind, held in situations.items() if over_us(held) <= turn.at_us]:
        del situations[kind]
        turn.dirty.add("situation:" + kind)


def _patterns(listed: list[EventPattern], zone: Zone, path: Path) -> list[tuple[tuple[str, ...], EventFilter]]:
    return [
        (names_of(one.name), EventFilter(one.where, zone=zone, path=(*path, index))) for index, one in enumerate(listed)
    ]


def _subjects(properties: dict[str, Any]) -> list[str]:
    """What the opening event is about: the details that stand beside the open key."""
    found = (_key_text(properties.get(name)) for name in SUBJECTS)
    return [text for text in dict.fromkeys(found) if text]


def _matches(
    patterns: list[tuple[tuple[str, ...], EventFilter]], name: str, properties: dict[str, Any], day: int
) -> bool:
    return any(name in names and where.passes(properties, day) for names, where in patterns)


def _key_text(value: Any) -> str:
    if type(value) is str:
        return value[:LONGEST_KEY]
    return str(value) if type(value) is int else ""


def _check_days(value: int | None, least: int, path: Path, unit: str = "days") -> None:
    if value is not None and not least <= value <= MOST_DAYS:
        raise DefinitionError(path, f"Give {least} to {MOST_DAYS} {unit}.")


def _open_cart(state: CustomerState, _at_us: Micros) -> dict[str, list[Any]]:
    cart = state.commerce.cart
    return {cart.cart_id: [cart.changed_us]} if cart is not None and cart.lines else {}


def _in_transit(state: CustomerState, _at_us: Micros) -> dict[str, list[Any]]:
    return {order_id: [order.ordered_us] for order_id, order in state.commerce.open_orders.items()}


def _late(state: CustomerState, at_us: Micros) -> dict[str, list[Any]]:
    found = {}
    for order_id, order in state.commerce.open_orders.items():
        since_us = min(order.late_since_us, order.promised_us)
        if since_us <= at_us:
            found[order_id] = [since_us]
    return found


def _late_from_us(state: CustomerState, at_us: Micros) -> Micros:
    begins = (min(order.late_since_us, order.promised_us) for order in state.commerce.open_orders.values())
    return min((since_us for since_us in begins if since_us > at_us), default=NEVER)


_BUILT_IN = {"open_cart": _open_cart, "order_in_transit": _in_transit, "late": _late}
_BUILT_IN_READS = {"open_cart": ("cart",), "order_in_transit": ("deliveries",), "late": ("deliveries",)}
