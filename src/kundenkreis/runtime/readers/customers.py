"""The list of customers: search, quick filters, conditions, orders, pages; every page costs the same number of queries.

A page reads keys from `customer_list` in the order asked for and then the states of the people shown. A quick filter that few people
match leads, and its members are sorted; one that many match is probed along the order for a stretch, and if that finds no whole page, because they all
stand further on, it leads as well. A condition that is no quick filter can only be asked of states, so a page asks a bounded number of
them and says where to go on.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Literal, NamedTuple

import msgspec

from kundenkreis.customers.core.profile import attribute
from kundenkreis.customers.core.state import CustomerState, decode_state
from kundenkreis.engine.rulebook import Rulebook
from kundenkreis.kernel.hashing import hash128
from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.runtime.counting.choices import FIGURE, QUICK, ChoiceCounts
from kundenkreis.runtime.counting.kept import read_kept
from kundenkreis.runtime.installation import Installation
from kundenkreis.runtime.readers.customer_lines import customer_line, plain_value
from kundenkreis.runtime.readers.customer_search import Candidates, find_candidates
from kundenkreis.runtime.readers.definition_names import DefinitionNames, NamesInForce
from kundenkreis.runtime.readers.figure_people import Ask, Asker, Moved, people_behind
from kundenkreis.runtime.rulebooks import newest_version
from kundenkreis.runtime.stores.schema import SAVED_FILTERS
from kundenkreis.runtime.stores.session import Row, Session
from kundenkreis.segments.core.protocol import Condition
from kundenkreis.segments.core.tree import compile_condition
from kundenkreis.segments.errors import DefinitionError
from kundenkreis.site.ports.customers import (
    Choice,
    Choices,
    CustomerLine,
    CustomerQuery,
    CustomersFound,
    SavedFilter,
)
from kundenkreis.site.ports.search import Found

FEW = 20_000
"""Members up to which a quick filter leads at once: half a microsecond each to read and sort, ten milliseconds in all."""
STRETCH = 10_000
"""People probed along the order before a filter with more members leads after all; about as long."""
MOST_SIZED = 200_000
"""Members counted to find out which of several filters has the fewest."""
SAMPLED = 10_000
"""Members from whom it is estimated how many meet all filters; profile ids are hashes, so the lowest are a fair sample."""
MOST_COUNTED = 10_000
"""Counting stops here and says "more than"."""
MOST_PROBED = 1_000
"""The same where every person counted has to be probed for further filters."""
MOST_ASKED = 2_000
"""States that a condition is asked of for one page: about a tenth of a second."""
_CHUNK = 250
_NOBODY = -1
EVERYBODY = "l.is_known = ?"
"""The list without a filter: of customers or of visitors."""

_COLUMNS = {"seen": "seen_us", "since": "since_us", "sales": "sales_minor", "name": "name_key"}
_CURSOR = re.compile(r"(-?\d{1,19}|x(?:[0-9a-f]{2}){0,64})\.(\d{1,19})")


class _Plan(NamedTuple):
    """FROM and WHERE of a query on the list, with its parameters."""

    source: str
    where: str
    params: list[Any]
    along: "tuple[_Plan, ...]" = ()
    """The same people by probing along the order asked for, customers and visitors apart; given where the filter that leads has many members."""
    most: int = 0
    """Up to how many are counted; 0: as the other parts say."""


class _Members(NamedTuple):
    """One quick filter, and how many it has at most."""

    kind: str
    definition_id: str
    size: int


class _Asked(NamedTuple):
    """A query ready to be read, or why it cannot be."""

    plans: "tuple[_Plan, ...]"
    asks: Sequence[Ask]
    """What only states can answer."""
    is_cut: bool = False
    problem: str = ""
    """See CustomersFound.problem."""
    detail: str = ""


class StoredCustomers:
    """Reads the list of one installation's customers."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._names = NamesInForce(installation.rulebooks)

    def find_customers(self, query: CustomerQuery) -> CustomersFound:
        """See ports.CustomerList."""
        with self._installation.store.reading() as tx:
            rulebook, names = self._in_force(tx)
            asked = self._asked(tx, query, rulebook, names)
            if asked.problem:
                return CustomersFound(
                    lines=(), total=0, total_is="exact", next_cursor="", problem=asked.problem, problem_detail=asked.detail
                )  # fmt: skip
            plans = asked.plans
            if asked.asks:
                return self._ask_states(tx, query, plans, asked.asks, names, rulebook)
            rows = _page(tx, plans, query, query.limit + 1)
            total, total_is = _total(tx, plans)
            shown = rows[: query.limit]
            states = _states(tx, [row[0] for row in shown])
            return CustomersFound(
                lines=tuple(self._line(states[row[0]], names, rulebook) for row in shown if row[0] in states),
                total=total, total_is=total_is, next_cursor=_cursor(shown[-1]) if len(rows) > query.limit else "",
                is_cut=asked.is_cut,
            )  # fmt: skip

    def profile_ids(self, query: CustomerQuery) -> Iterator[list[int]]:
        """Everybody whom a query finds, in its order, a stretch at a time; each in a snapshot of its own, some empty where a condition
        is asked of states. Nobody for what cannot be asked."""
        cursor = query.cursor
        while True:
            with self._installation.store.reading() as tx:
                asked = self._asked(tx, query, *self._in_force(tx))
                if asked.problem:
                    return
                rows = _page(tx, asked.plans, replace(query, cursor=cursor), MOST_ASKED)
                found = [int(row[0]) for row in rows]
                for start in range(0, len(found) if asked.asks else 0, _CHUNK):
                    chunk = found[start : start + _CHUNK]
                    holding = _holding(tx, asked.asks, list(_states(tx, chunk).values()))
                    found[start : start + _CHUNK] = [one if one in holding else _NOBODY for one in chunk]
            yield [one for one in found if one != _NOBODY]
            if len(rows) < MOST_ASKED:
                return
            cursor = _cursor(rows[-1])

    def _asked(self, tx: Session, query: CustomerQuery, rulebook: Rulebook, names: DefinitionNames) -> _Asked:
        condition, problem, detail = _compile(query.condition, rulebook)
        behind = people_behind(query.figure, self._asker(rulebook, names)) if query.figure and not problem else None
        if query.figure and behind is None and not problem:
            problem, detail = "unknown", query.figure
        if problem:
            return _Asked((), [], problem=problem, detail=detail)
        searched = find_candidates(tx, query.text) if query.text.strip() else None
        plans = _plans(tx, query, searched)
        if isinstance(behind, Moved):
            plans = _who_moved(tx, plans, behind)
        asks = [_ask_of(condition, self._installation.clock.now_us())] if condition is not None else []
        asks += [behind] if behind is not None and not isinstance(behind, Moved) else []
        return _Asked(plans, asks, is_cut=searched.is_cut if searched is not None else False)

    def read_choices(self) -> Choices:
        """See ports.CustomerList."""
        with self._installation.store.reading() as tx:
            _, names = self._in_force(tx)
            kept = read_kept(tx, FIGURE, ChoiceCounts)
            if kept is not None:
                counts = {(kind, one): count for kind, found in kept.members.items() for one, count in found.items()}
                known, visitors = kept.known, kept.visitors
            else:
                counts = _counts(tx, [(kind, one) for kind in QUICK for one in names.ids.get(kind, ())])
                known, visitors = (
                    int(tx.rows("SELECT count(*) FROM customer_list WHERE is_known = ?", (each,))[0][0])
                    for each in (1, 0)
                )
            newest = tx.rows("SELECT profile_id FROM customer_list WHERE is_known = 1 ORDER BY seen_us DESC LIMIT 50")
            attributes: dict[str, None] = {}
            several: set[str] = set()
            for state in _states(tx, [row[0] for row in newest]).values():
                for name, held in state.profile.attributes.items():
                    attributes[name] = None
                    if isinstance(held.value, list | dict):
                        several.add(name)

        def choice(kind: str, id_: str, parts: tuple[Choice, ...] = ()) -> Choice:
            count = counts.get((kind, id_), 0)
            named = names.named(kind, id_)
            is_more = kept is None and count > MOST_COUNTED
            return Choice(named=named, customers=MOST_COUNTED if is_more else count, is_more=is_more, parts=parts)

        return Choices(
            # The rulebook lists phases as ties are decided; people read the circle from its beginning.
            phases=tuple(
                choice("phase", one, tuple(choice("sub_state", sub) for sub in subs))
                for one, subs in reversed(names.phases)
            ),
            situations=tuple(choice("situation", one) for one in names.ids.get("situation", ())),
            segments=tuple(choice("segment", one) for one in names.ids.get("segment", ())),
            known=known, visitors=visitors, attributes=tuple(sorted(attributes)), single=tuple(sorted(attributes.keys() - several)),
        )  # fmt: skip

    def read_attributes(self, profile_ids: tuple[int, ...], names: tuple[str, ...]) -> dict[int, dict[str, str]]:
        """See ports.CustomerList."""
        with self._installation.store.reading() as tx:
            states = _states(tx, profile_ids)
        return {one: {name: plain_value(attribute(state, name)) for name in names} for one, state in states.items()}

    def saved_filters(self) -> tuple[SavedFilter, ...]:
        """See ports.CustomerList."""
        with self._installation.store.reading() as tx:
            rows = tx.rows("SELECT filter_id, name, condition, actor, saved_us FROM saved_filters ORDER BY name")
        return tuple(
            SavedFilter(
                filter_id=row[0], name=row[1], condition=msgspec.json.decode(row[2]), actor=row[3], saved_us=row[4]
            )
            for row in rows
        )

    def save_filter(self, name: str, condition: dict[str, Any], *, actor: str) -> str:
        """See ports.CustomerList."""
        filter_id = hash128("filter", name.casefold()).hex()
        row = (filter_id, name, msgspec.json.encode(condition).decode(), actor, self._installation.clock.now_us())
        with self._installation.store.transaction("filter") as tx:
            tx.insert(SAVED_FILTERS, [row], conflict="replace")
        return filter_id

    def delete_filter(self, filter_id: str) -> None:
        """See ports.CustomerList."""
        with self._installation.store.transaction("filter") as tx:
            tx.run("DELETE FROM saved_filters WHERE filter_id = ?", (filter_id,))

    def search(self, query: str, limit: int) -> tuple[Found, ...]:
        """See ports.Search: customers, those seen last first."""
        found = self.find_customers(CustomerQuery(text=query, limit=limit)) if query.strip() else None
        return tuple(
            Found(
                kind="customer", id=str(line.profile_id), title=line.name or line.number or str(line.profile_id),
                detail=" · ".join(part for part in (line.email, line.phone, line.number, line.city) if part),
                path=f"/customers/{line.profile_id}/",
            )
            for line in (found.lines if found is not None else ())
        )  # fmt: skip

    def _in_force(self, tx: Session) -> tuple[Rulebook, DefinitionNames]:
        rulebooks = self._installation.rulebooks
        rulebooks.read(tx)
        version = newest_version(tx)
        return rulebooks(version), self._names.of(version)

    def _line(self, state: CustomerState, names: DefinitionNames, rulebook: Rulebook) -> CustomerLine:
        return customer_line(state, names, rulebook.policy, at_us=self._installation.clock.now_us())

    def _asker(self, rulebook: Rulebook, names: DefinitionNames) -> Asker:
        phases = [phase for phase, _ in reversed(names.phases)]
        return Asker(rulebook.policy, phases, rulebook.zone, self._installation.clock.now_us())

    def _ask_states(
        self, tx: Session, query: CustomerQuery, plans: Sequence[_Plan], asks: Sequence[Ask], names: DefinitionNames,
        rulebook: Rulebook,
    ) -> CustomersFound:  # fmt: skip
        """A page of those for whom everything asked holds, of at most MOST_ASKED asked."""
        keys = _page(tx, plans, query, MOST_ASKED + 1)
        found: list[tuple[Row, CustomerState]] = []
        asked = 0
        for start in range(0, min(len(keys), MOST_ASKED), _CHUNK):
            chunk = keys[start : start + _CHUNK]
            states = _states(tx, [row[0] for row in chunk])
            holding = _holding(tx, asks, list(states.values()))
            asked += len(chunk)
            found += [(row, states[row[0]]) for row in chunk if row[0] in holding]
            if len(found) > query.limit:
                break
        more = len(found) > query.limit
        shown = found[: query.limit]
        unasked = asked < len(keys)
        last = shown[-1][0] if more else keys[asked - 1] if unasked else None
        total, total_is = self._estimate(tx, plans, asks)
        if not query.cursor and not more and not unasked:
            total, total_is = len(found), "exact"
        return CustomersFound(
            lines=tuple(self._line(state, names, rulebook) for _, state in shown),
            total=total, total_is=total_is, next_cursor=_cursor(last) if last is not None else "",
        )  # fmt: skip

    def _estimate(
        self, tx: Session, plans: Sequence[_Plan], asks: Sequence[Ask]
    ) -> tuple[int, Literal["exact", "estimate"]]:
        """How many the condition holds for: asked of the customers with the lowest ids, which are hashes, so a fair sample."""
        total = sum(_size_of(tx, plan) for plan in plans)
        sample = [
            row[0]
            for plan in plans
            for row in tx.rows(
                f"SELECT l.profile_id FROM {plan.source} WHERE {plan.where} ORDER BY l.profile_id LIMIT ?",
                [*plan.params, MOST_ASKED],
            )
        ]
        states = _states(tx, sorted(sample)[:MOST_ASKED])
        holding = len(_holding(tx, asks, list(states.values())))
        if total <= MOST_ASKED or not states:
            return holding, "exact"
        return round(holding * total / len(states)), "estimate"


def _ask_of(condition: Condition, at_us: Micros) -> Ask:
    return lambda _tx, states: {state.profile_id for state in states if condition.answer(state, at_us)[0]}


def _holding(tx: Session, asks: Sequence[Ask], states: Sequence[CustomerState]) -> set[int]:
    """Of these people those for whom everything holds."""
    for ask in asks:
        holding = ask(tx, states)
        states = [state for state in states if state.profile_id in holding]
    return {state.profile_id for state in states}


def _who_moved(tx: Session, plans: Sequence[_Plan], moved: Moved) -> tuple[_Plan, ...]:
    """The same plans, for those who moved alone: few of them lead, many are probed along the order."""
    sql = f"SELECT count(*) FROM ({moved.lead} LIMIT ?) AS m"
    is_few = int(tx.rows(sql, (*moved.lead_params, FEW + 1))[0][0]) <= FEW
    among, params = (f" AND l.profile_id IN ({moved.lead})", moved.lead_params) if is_few else ("", ())
    return tuple(
        _Plan(
            plan.source, f"{plan.where}{among} AND {moved.where}", [*plan.params, *params, *moved.params], most=FEW if is_few else 0
        )
        for plan in plans
    )  # fmt: skip


def _compile(document: dict[str, Any] | None, rulebook: Rulebook) -> tuple[Condition | None, str, str]:
    """(the condition, "", "") or (None, problem, detail), see CustomersFound.problem."""
    if document is None:
        return None, "", ""
    decisions = rulebook.decisions
    try:
        condition = compile_condition(document, zone=rulebook.zone, known=decisions.known)
    except DefinitionError as error:
        return None, "unknown", str(error)
    kept = decisions.facts.by_key
    missing = [spec for spec in condition.facts if spec.key not in kept or kept[spec.key].size < spec.size]
    if missing:
        return None, "not_counted", ", ".join(sorted({name for spec in missing for name in spec.names}))
    return condition, "", ""


def _plans(tx: Session, query: CustomerQuery, searched: Candidates | None) -> tuple[_Plan, ...]:
    """Stretches of the list that together hold everybody asked for: one, or customers and visitors apart where an index keeps them apart."""
    filters = [
        (kind, value)
        for kind, value in (
            ("phase", query.phase), ("sub_state", query.sub_state), ("situation", query.situation),
            ("segment", query.segment),
        )
        if value
    ]  # fmt: skip
    if query.people:
        among, params = _among(query.people)
        if searched is not None:
            among, params = _among([one for one in searched.profile_ids if one in query.people])
        return (_probed("customer_list l", among, params, filters),)
    if searched is not None:
        return (_probed("customer_list l", *_among(searched.profile_ids), filters),)
    views = {"known": (1,), "visitors": (0,), "everybody": (1, 0)}[query.view]
    members = sorted(
        (_Members(kind, value, _size(tx, kind, value)) for kind, value in filters), key=lambda one: one.size
    )
    if members and members[0].size <= FEW:
        return (_led(members, views),)
    if not members:
        return tuple(_probed("customer_list l", EVERYBODY, [view], ()) for view in views)
    along = tuple(_probed("customer_list l", EVERYBODY, [view], filters) for view in views)
    return (_led(members, views)._replace(along=along),)


def _led(members: Sequence[_Members], views: Sequence[int]) -> _Plan:
    """The members of the smallest filter, probed for the others."""
    first, one_view = members[0], len(views) == 1
    return _probed(
        # CROSS JOIN keeps SQLite to this order; for PostgreSQL it is an ordinary join.
        "memberships d CROSS JOIN customer_list l",
        "d.kind = ? AND d.definition_id = ? AND d.until_us = ? AND l.profile_id = d.profile_id"
        + (" AND l.is_known = ?" if one_view else ""),
        [first.kind, first.definition_id, NEVER, *(views if one_view else ())],
        [(one.kind, one.definition_id) for one in members[1:]],
    )


def _among(profile_ids: Sequence[int]) -> tuple[str, list[Any]]:
    if not profile_ids:
        return "1 = 0", []
    return f"l.profile_id IN ({', '.join('?' * len(profile_ids))})", list(profile_ids)


def _probed(source: str, where: str, params: list[Any], filters: Sequence[tuple[str, str]]) -> _Plan:
    for number, (kind, value) in enumerate(filters):
        where += (
            f" AND EXISTS (SELECT 1 FROM memberships m{number} WHERE m{number}.profile_id = l.profile_id "
            f"AND m{number}.kind = ? AND m{number}.definition_id = ? AND m{number}.until_us = ?)"
        )
        params = [*params, kind, value, NEVER]
    return _Plan(source, where, params)


def _size(tx: Session, kind: str, definition_id: str) -> int:
    sql = "SELECT count(*) FROM (SELECT 1 FROM memberships WHERE kind = ? AND definition_id = ? AND until_us = ? LIMIT ?) AS m"
    return int(tx.rows(sql, (kind, definition_id, NEVER, MOST_SIZED + 1))[0][0])


def _counts(tx: Session, asked: Sequence[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """(kind, id) -> people in it now, counted up to one more than MOST_COUNTED; one query."""
    if not asked:
        return {}
    one = (
        "SELECT ? AS place, count(*) FROM "
        "(SELECT 1 FROM memberships WHERE kind = ? AND definition_id = ? AND until_us = ? LIMIT ?) AS m"
    )
    params: list[Any] = []
    for place, (kind, definition_id) in enumerate(asked):
        params += [str(place), kind, definition_id, NEVER, MOST_COUNTED + 1]
    rows = tx.rows(" UNION ALL ".join([one] * len(asked)), params)
    return {asked[int(row[0])]: int(row[1]) for row in rows}


def _page(tx: Session, plans: Sequence[_Plan], query: CustomerQuery, limit: int) -> list[Row]:
    """(profile id, sort value) of the next people in the order asked for."""
    if (found := _along(tx, plans, query, limit)) is not None:
        return found
    rows = [row for plan in plans for row in _ordered(tx, plan, query, limit)]
    return _in_order(rows, query)[:limit]


def _in_order(rows: list[Row], query: CustomerQuery) -> list[Row]:
    return sorted(rows, key=lambda row: (row[1], row[0]), reverse=query.sort.startswith("-"))


def _along(tx: Session, plans: Sequence[_Plan], query: CustomerQuery, limit: int) -> list[Row] | None:
    """A page found by probing the next stretches of the list; None where it may hold people who stand further on."""
    stretches = [one for plan in plans for one in plan.along]
    if not stretches:
        return None
    rows = [row for one in stretches for row in _ordered(tx, one, query, limit, stretch=STRETCH)]
    edges = [
        row
        for one in stretches
        for row in _ordered(tx, _Plan(one.source, EVERYBODY, one.params[:1]), query, 1, skip=STRETCH)
    ]
    # Whoever stands before the first person who was not probed is surely in place.
    found = _in_order([*rows, *edges], query)
    sure = found[: min(found.index(edge) for edge in edges)] if edges else found
    return sure[:limit] if len(sure) >= limit or not edges else None


def _ordered(
    tx: Session, plan: _Plan, query: CustomerQuery, limit: int, *, stretch: int = 0, skip: int = 0
) -> list[Row]:
    """Those of a plan in the order asked for; with `stretch` only from among the next so many of the list, without the first `skip`."""
    column = _COLUMNS[query.sort.removeprefix("-")]
    direction, beyond = ("DESC", "<") if query.sort.startswith("-") else ("ASC", ">")
    order = f"ORDER BY l.{column} {direction}, l.profile_id {direction} LIMIT ?"
    after = _after(query.cursor, column)
    onward = f" AND (l.{column}, l.profile_id) {beyond} (?, ?)" if after is not None else ""
    if not stretch:
        sql = f"SELECT l.profile_id, l.{column} FROM {plan.source} WHERE {plan.where}{onward} {order} OFFSET ?"
        return tx.rows(sql, [*plan.params, *(after or ()), limit, skip])
    listed, probed = plan.where.split(" AND ", 1)
    sql = (
        f"SELECT l.profile_id, l.{column} FROM (SELECT l.profile_id, l.{column} FROM customer_list l WHERE {listed}{onward} {order}) AS l "
        f"WHERE {probed} {order}"
    )
    return tx.rows(sql, [plan.params[0], *(after or ()), stretch, *plan.params[1:], limit])


def _after(cursor: str, column: str) -> list[Any] | None:
    match = _CURSOR.fullmatch(cursor)
    if match is None or (column == "name_key") is not match[1].startswith("x"):
        return None
    value = bytes.fromhex(match[1][1:]) if column == "name_key" else int(match[1])
    return [value, int(match[2])] if int(match[2]) < 1 << 63 else None


def _cursor(row: Row) -> str:
    value = row[1]
    return f"{value if isinstance(value, int) else 'x' + bytes(value).hex()}.{row[0]}"


def _size_of(tx: Session, plan: _Plan) -> int:
    """How many people a plan finds; estimated where more than SAMPLED members have to be probed."""
    if not plan.along:
        return int(tx.rows(f"SELECT count(*) FROM {plan.source} WHERE {plan.where}", plan.params)[0][0])
    led = "FROM memberships WHERE kind = ? AND definition_id = ? AND until_us = ?"
    members = int(tx.rows(f"SELECT count(*) {led}", plan.params[:3])[0][0])
    sql = (
        f"SELECT count(*) FROM {plan.source} WHERE {plan.where} "
        f"AND d.profile_id < (SELECT profile_id {led} ORDER BY profile_id LIMIT 1 OFFSET ?)"
    )
    return round(int(tx.rows(sql, [*plan.params, *plan.params[:3], SAMPLED])[0][0]) * members / SAMPLED)


def _total(tx: Session, plans: Sequence[_Plan]) -> tuple[int, Literal["exact", "estimate", "more"]]:
    found = [_total_of(tx, plan) for plan in plans]
    kinds = [kind for _, kind in found]
    return sum(
        count for count, _ in found
    ), "more" if "more" in kinds else "estimate" if "estimate" in kinds else "exact"


def _total_of(tx: Session, plan: _Plan) -> tuple[int, Literal["exact", "estimate", "more"]]:
    if plan.where == EVERYBODY and (kept := read_kept(tx, FIGURE, ChoiceCounts)) is not None:
        return kept.known if plan.params[0] else kept.visitors, "estimate"
    if not plan.along and "EXISTS" not in plan.where:
        return int(tx.rows(f"SELECT count(*) FROM {plan.source} WHERE {plan.where}", plan.params)[0][0]), "exact"
    most = plan.most or (MOST_PROBED if "EXISTS" in plan.where else MOST_COUNTED)
    sql = f"SELECT count(*) FROM (SELECT 1 FROM {plan.source} WHERE {plan.where} LIMIT ?) AS found"
    count = int(tx.rows(sql, [*plan.params, most + 1])[0][0])
    return min(count, most), "more" if count > most else "exact"


def _states(tx: Session, profile_ids: Sequence[int]) -> dict[int, CustomerState]:
    rows = tx.rows_in("SELECT profile_id, state FROM states WHERE profile_id {keys}", list(profile_ids))
    return {row[0]: decode_state(bytes(row[1])) for row in rows}
