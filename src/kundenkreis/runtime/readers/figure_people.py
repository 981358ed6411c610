"""The people behind a figure of the start page, for the list of customers.

Who moved stands in the memberships and is found by index. Everything else is asked of states, the same functions that the counter asks; a page asks a
bounded number of people (readers/customers.py: MOST_ASKED), with one query more per stretch of them.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from kundenkreis.channels.core.policy_compiled import CompiledPolicy
from kundenkreis.customers.core.consent import EXISTING
from kundenkreis.customers.core.state import CustomerState
from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.kernel.zones import DAY, Zone
from kundenkreis.runtime.counting import reachable
from kundenkreis.runtime.counting.circle import period_since_us
from kundenkreis.runtime.counting.orders import COHORT_DAYS, WEEKS, WINDOW_DAYS
from kundenkreis.runtime.stores.session import Session
from kundenkreis.site.ports.bulk_acts import FATES
from kundenkreis.site.ports.start import PERIODS

Ask = Callable[[Session, Sequence[CustomerState]], set[int]]
"""Which of these people stand behind the figure."""


class Moved(NamedTuple):
    """A figure that the memberships answer."""

    lead: str
    """Query of the profile ids among which all of them are."""
    lead_params: tuple[object, ...]
    where: str
    """What must hold of `l.profile_id`."""
    params: tuple[object, ...]


class Asker(NamedTuple):
    """What the figures are asked with."""

    policy: CompiledPolicy
    phases: Sequence[str]
    """Clockwise."""
    zone: Zone
    at_us: Micros


_IN_NOW = f"EXISTS (SELECT 1 FROM memberships n WHERE n.profile_id = l.profile_id AND n.kind = 'phase' AND n.definition_id = ? AND n.until_us = {NEVER})"
_IN_THEN = (
    "EXISTS (SELECT 1 FROM memberships t WHERE t.profile_id = l.profile_id AND t.kind = 'phase' AND t.definition_id = ? "
    "AND t.from_us <= ? AND t.until_us > ?)"
)
_MOVED = (
    "EXISTS (SELECT 1 FROM memberships b JOIN memberships a ON a.profile_id = b.profile_id AND a.kind = 'phase' AND a.until_us = b.from_us "
    "WHERE b.profile_id = l.profile_id AND b.kind = 'phase' AND b.definition_id = ? AND a.definition_id = ? AND b.from_us >= ? "
    "AND b.until_us > b.from_us AND a.until_us > a.from_us)"
)


def people_behind(figure: str, asker: Asker) -> Moved | Ask | None:
    """Who stands behind a figure by its name; None if there is no such figure."""
    kind, _, rest = figure.partition(".")
    if kind in ("move", "net"):
        return _moved(kind, rest, asker)
    if kind == "bulk":
        return _changed_together(rest)
    made = {"reach": _reach, "rights": _rights, "pressure": _pressure, "second": _second, "revenue": _revenue}.get(kind)
    return made(rest, asker) if made is not None else None


def _moved(kind: str, rest: str, asker: Asker) -> Moved | None:
    days, *phases = rest.split(".")
    if days not in {str(one) for one in PERIODS} or len(phases) != (2 if kind == "move" else 1):
        return None
    since_us = period_since_us(asker.zone, int(days), asker.at_us)
    lead = "SELECT d.profile_id FROM memberships d WHERE d.kind = 'phase' AND d.definition_id = ? AND d.until_us >= ?"
    if kind == "net":
        (phase,) = phases
        return Moved(
            lead, (phase, since_us), f"({_IN_NOW}) <> ({_IN_THEN})", (phase, phase, since_us, since_us)
        )  # fmt: skip
    before, after = phases
    return Moved(
        f"{lead} AND d.until_us < {NEVER}", (before, since_us), f"{_MOVED} AND NOT {_IN_NOW}", (after, before, since_us, before)
    )  # fmt: skip


def _changed_together(rest: str) -> Moved | None:
    """Whom an act on many customers changed, or left as they are, by its id."""
    bulk_id, _, fate = rest.partition(".")
    if not bulk_id or fate not in FATES:
        return None
    lead = "SELECT p.profile_id FROM bulk_people p WHERE p.bulk_id = ? AND p.fate = ?"
    among = "EXISTS (SELECT 1 FROM bulk_people p WHERE p.profile_id = l.profile_id AND p.bulk_id = ? AND p.fate = ?)"
    return Moved(lead, (bulk_id, fate), among, (bulk_id, fate))


def _each(holds: Callable[[CustomerState], bool]) -> Ask:
    return lambda _tx, states: {one.profile_id for one in states if holds(one)}


def _reach(rest: str, asker: Asker) -> Ask | None:
    policy, at_us, asked = asker.policy, asker.at_us, reachable.phases_asked(asker.phases)
    channel, _, ground = rest.removeprefix("channel.").partition(".")

    def letter(state: CustomerState) -> bool:
        is_so = not reachable.grounds_of(policy, state, at_us)
        return is_so and bool(reachable.ground_on(policy, state, reachable.LETTER, at_us))

    def on_channel(state: CustomerState) -> bool:
        found = reachable.ground_on(policy, state, channel, at_us)
        return bool(found) and ground in ("", "customer" if found == EXISTING else "consent")

    tests: dict[str, Callable[[CustomerState], bool]] = {
        "people": lambda _state: True,
        "reachable": lambda state: bool(reachable.grounds_of(policy, state, at_us)),
        "letter": letter,
    }
    test = on_channel if rest.startswith("channel.") and channel in reachable.ELECTRONIC else tests.get(rest)
    return _each(lambda state: reachable.is_asked(state, asked) and test(state)) if test is not None else None


def _rights(rest: str, asker: Asker) -> Ask | None:
    days, _, what = rest.partition(".")
    if days not in {str(one) for one in PERIODS} or what not in ("granted", "withdrawn", "objected", "bounced"):
        return None
    since_us, asked = period_since_us(asker.zone, int(days), asker.at_us), reachable.phases_asked(asker.phases)

    def holds(state: CustomerState) -> bool:
        here = reachable.grounds_of(asker.policy, state, asker.at_us)
        return what in reachable.rights_changed(state, here, since_us)

    return _each(lambda state: reachable.is_asked(state, asked) and holds(state))


def _pressure(rest: str, asker: Asker) -> Ask | None:
    policy, at_us, asked = asker.policy, asker.at_us, reachable.phases_asked(asker.phases)
    since_us = at_us - reachable.CONTACT_DAYS * DAY
    if rest == "converted":
        return _each(
            lambda state: reachable.is_asked(state, asked) and reachable.around_first_order(state, at_us) is not None
        )
    if rest != "limit" and not (rest.isascii() and rest.isdigit()):
        return None

    def holds(state: CustomerState) -> bool:
        here = reachable.grounds_of(policy, state, at_us)
        if rest == "limit":
            return bool(here) and reachable.is_at_limit(policy, state, here, at_us)
        return bool(here) and reachable.contacts_between(state, since_us, at_us + 1) == int(rest)

    return _each(lambda state: reachable.is_asked(state, asked) and holds(state))


Placed = Mapping[int, Sequence[tuple[int, int]]]
"""Person -> (ordered_us, net) of the orders that stand, in order."""


def _orders_of(tx: Session, states: Sequence[CustomerState]) -> Placed:
    person = {profile_id: state.profile_id for state in states for profile_id in (state.profile_id, *state.absorbed)}
    rows = tx.rows_in(
        "SELECT profile_id, ordered_us, order_id FROM orders WHERE profile_id {keys} AND status = 'completed'",
        list(person),
    )
    found: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for profile_id, ordered_us, _ in sorted(rows, key=lambda row: (row[1], row[2])):
        found[person[profile_id]].append((ordered_us, 0))
    return found


def _second(rest: str, asker: Asker) -> Ask | None:
    until, _, part = rest.partition(".")
    if not (until.isascii() and until.isdigit() and len(until) < 7) or part not in ("people", "again"):
        return None
    zone, until_day = asker.zone, int(until)
    since_us, until_us = zone.day_start_us(until_day - COHORT_DAYS + 1), zone.day_start_us(until_day + 1)

    def ask(tx: Session, states: Sequence[CustomerState]) -> set[int]:
        found = set()
        for person, placed in _orders_of(tx, states).items():
            first_us = placed[0][0]
            is_again = len(placed) > 1 and placed[1][0] <= first_us + WINDOW_DAYS * DAY
            if since_us <= first_us < until_us and (part == "people" or is_again):
                found.add(person)
        return found

    return ask


def _revenue(rest: str, asker: Asker) -> Ask | None:
    relation, _, monday = rest.partition(".")
    if relation not in ("all", "first", "repeat", "won_back") or not (
        not monday or (monday.isascii() and monday.isdigit() and len(monday) < 7)
    ):
        return None
    zone, today = asker.zone, asker.zone.day_number(asker.at_us)
    first_day = int(monday) if monday else today - zone.weekday(asker.at_us) - 7 * (WEEKS - 1)
    since_us, until_us = zone.day_start_us(first_day), zone.day_start_us(first_day + 7) if monday else NEVER

    def ask(tx: Session, states: Sequence[CustomerState]) -> set[int]:
        placed = _orders_of(tx, states)
        rows = tx.rows_in(
            "SELECT profile_id, from_us, until_us FROM memberships WHERE profile_id {keys} AND kind = 'phase' AND definition_id = 'winback'",
            list(placed),
        )
        stays: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for profile_id, from_us, left_us in rows:
            stays[profile_id].append((from_us, left_us))
        return {
            person
            for person, orders in placed.items()
            for place, (ordered_us, _) in enumerate(orders)
            if since_us <= ordered_us < until_us and relation in ("all", _relation(orders, place, stays[person]))
        }

    return ask


def _relation(orders: Sequence[tuple[int, int]], place: int, stays: Sequence[tuple[int, int]]) -> str:
    """What an order was: the first, the first after win-back began, or another."""
    if not place:
        return "first"
    ordered_us, before_us = orders[place][0], orders[place - 1][0]
    is_back = any(before_us <= from_us < ordered_us <= left_us for from_us, left_us in stays)
    return "won_back" if is_back else "repeat"
