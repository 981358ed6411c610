"""What a journey brought about: revenue against the control group, for whom it works, which other journeys met the same people, what became of its messages.

Runs are read in stretches and what belongs to their people by key, so memory does not grow with the number of people. Counted by the counter alone, for
installations of every size: it reads orders and memberships of everybody who ever entered.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.zones import DAY
from kundenkreis.runtime.counting.orders import DEFAULT_CURRENCY
from kundenkreis.runtime.readers.fates import DECIDED, FATE
from kundenkreis.runtime.stores.schema import BY_RUNS
from kundenkreis.runtime.stores.session import Session
from kundenkreis.site.ports.journeys import CellCounts, ContentFates, Effects, GroupRevenue, OtherJourney

FIGURE = "effects:"
"""Begin of the names of these figures, one per journey."""
STRETCH = 2_000
NEAR_DAYS = 7
"""Two journeys meet where somebody enters both within so many days."""
REVENUE_DAYS = 30
"""Days after the entry whose orders count, where the goal gives no days."""

_RUNS = f"""
SELECT e.run_id, e.profile_id, e.at_us, h.run_id IS NOT NULL, g.run_id IS NOT NULL
FROM (SELECT run_id, profile_id, at_us FROM run_entries WHERE journey_id = ? AND step_id = '' AND outcome = 'entered' AND run_id > ?
      ORDER BY run_id LIMIT {STRETCH}) e
LEFT JOIN run_entries h ON h.run_id = e.run_id AND h.sequence = 1 AND h.outcome = 'holdout' AND h.step_id = ''
LEFT JOIN run_entries g ON g.run_id = e.run_id AND g.outcome = 'goal'
ORDER BY e.run_id
"""
_FIRST = (
    "(SELECT effect_id, at_us, profile_id, channel, content_id FROM verdicts WHERE sequence = 0 AND journey_id = ?)"
)
_FATES = f"SELECT f.content_id, {FATE} AS fate, count(*) {DECIDED.format(first=_FIRST)} GROUP BY f.content_id, {FATE}"

_DISPLACED = """
SELECT count(*) FROM verdicts v WHERE v.journey_id = ? AND v.outcome = 'displaced'
AND NOT EXISTS (SELECT 1 FROM verdicts l WHERE l.effect_id = v.effect_id AND l.sequence > v.sequence)
"""


class _Run(NamedTuple):
    profile_id: int
    at_us: Micros
    is_control: bool
    has_goal: bool


class _Sums:
    """What is added up of all runs."""

    def __init__(self) -> None:
        self.revenue: dict[tuple[str, bool], list[float]] = defaultdict(lambda: [0, 0.0])
        """(currency, control) -> sum and sum of squares."""
        self.people: Counter[bool] = Counter()
        self.cells: dict[tuple[str, str], dict[bool, list[int]]] = defaultdict(lambda: {False: [0, 0], True: [0, 0]})
        """(kind, id) -> control -> with the goal, of."""
        self.near = 0
        self.others: Counter[str] = Counter()
        self.entered = 0


def count_effects(tx: Session, name: str, *, goal_days: int, personas: Sequence[str], at_us: Micros) -> Effects:
    """Count one journey.

    Args:
        goal_days: within which the goal counts; 0: without end.
        personas: segments that stand for somebody in contents.
    """
    days = goal_days or REVENUE_DAYS
    persons = _persons(tx)
    sums = _Sums()
    for runs in _stretches(tx, name):
        _add(tx, sums, runs, persons, name, goal_days=goal_days, days=days, personas=personas, at_us=at_us)
    currency = max(
        sorted({one for one, _ in sums.revenue}),
        key=lambda one: abs(sums.revenue[one, False][0]),
        default=DEFAULT_CURRENCY,
    )
    handed = tx.rows(
        "SELECT count(*) FROM verdicts WHERE journey_id = ? AND outcome = 'handed_over' AND message_class = 'marketing'",
        (name,),
    )
    displaced = tx.rows(_DISPLACED, (name,))

    def group(is_control: bool) -> GroupRevenue:
        total, squares = sums.revenue[currency, is_control]
        return GroupRevenue(people=sums.people[is_control], minor=int(total), squares=squares)

    return Effects(
        at_us=at_us, goal_days=goal_days, revenue_days=days, currency=currency, treated=group(False), control=group(True),
        cells=tuple(
            CellCounts(kind=key[0], id=key[1], treated=(held[False][0], held[False][1]), control=(held[True][0], held[True][1]))
            for key, held in sorted(sums.cells.items())
        ),
        entered=sums.entered, near=sums.near,
        others=tuple(OtherJourney(journey_id=one, people=count) for one, count in sums.others.most_common()),
        handed_over=int(handed[0][0]), displaced=int(displaced[0][0]), contents=_contents(tx, name),
    )  # fmt: skip


def _contents(tx: Session, name: str) -> tuple[ContentFates, ...]:
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for content_id, fate, count in tx.rows(_FATES, (name,)):
        found[content_id][fate] = int(count)
    return tuple(ContentFates(content_id=one, fates=fates) for one, fates in sorted(found.items()))


def _stretches(tx: Session, name: str) -> Iterator[list[_Run]]:
    after = b""
    while rows := tx.rows(_RUNS, (name, after)):
        yield [_Run(row[1], row[2], bool(row[3]), bool(row[4])) for row in rows]
        after = bytes(rows[-1][0])
        tx.renew()


def _persons(tx: Session) -> Mapping[int, int]:
    """Profile -> who it belongs to now, for those that were joined."""
    winner: dict[int, int] = dict(tx.rows("SELECT loser, winner FROM merges"))

    def last(profile_id: int) -> int:
        while profile_id in winner:
            profile_id = winner[profile_id]
        return profile_id

    return {loser: last(loser) for loser in winner}


def _add(
    tx: Session, sums: _Sums, runs: Sequence[_Run], persons: Mapping[int, int], name: str, *, goal_days: int, days: int,
    personas: Sequence[str], at_us: Micros,
) -> None:  # fmt: skip
    """One stretch of runs."""
    person = {run.profile_id: persons.get(run.profile_id, run.profile_id) for run in runs}
    wanted = set(person.values())
    profiles = {one: one for one in wanted} | {loser: one for loser, one in persons.items() if one in wanted}
    entering = {run.profile_id for run in runs}
    orders, stays, entries = _orders(tx, profiles), _stays(tx, entering, personas), _entries(tx, entering, name)
    for run in runs:
        who = person[run.profile_id]
        near = {
            other for other, entered_us in entries[run.profile_id] if abs(entered_us - run.at_us) <= NEAR_DAYS * DAY
        }
        sums.entered += 1
        sums.near += bool(near)
        sums.others.update(near)
        if run.at_us <= at_us - days * DAY:
            sums.people[run.is_control] += 1
            for currency, net in _sum(orders[who], run.at_us, run.at_us + days * DAY).items():
                held = sums.revenue[currency, run.is_control]
                held[0] += net
                held[1] += float(net) * net
        if run.at_us <= at_us - goal_days * DAY:
            for cell in {
                (kind, id_) for kind, id_, from_us, until_us in stays[run.profile_id] if from_us <= run.at_us < until_us
            }:
                sums.cells[cell][run.is_control][0] += run.has_goal
                sums.cells[cell][run.is_control][1] += 1


def _sum(orders: Sequence[tuple[int, str, int]], after_us: Micros, until_us: Micros) -> Mapping[str, int]:
    found: Counter[str] = Counter()
    for ordered_us, currency, net in orders:
        if after_us < ordered_us <= until_us:
            found[currency] += net
    return found


def _orders(tx: Session, profiles: Mapping[int, int]) -> Mapping[int, list[tuple[int, str, int]]]:
    """Person -> (ordered_us, currency, net) of the orders that stand."""
    found: dict[int, list[tuple[int, str, int]]] = defaultdict(list)
    for row in tx.rows_in(
        "SELECT profile_id, ordered_us, currency, total_minor - refunded_minor FROM orders WHERE profile_id {keys} AND status = 'completed'",
        list(profiles),
    ):
        found[profiles[row[0]]].append((row[1], row[2], int(row[3])))
    return found


def _stays(tx: Session, people: set[int], personas: Sequence[str]) -> Mapping[int, list[tuple[str, str, int, int]]]:
    """Person -> (kind, id, from, until) of phases, and of the segments that are personas."""
    found: dict[int, list[tuple[str, str, int, int]]] = defaultdict(list)
    for row in tx.rows_in(
        "SELECT profile_id, kind, definition_id, from_us, until_us FROM memberships WHERE profile_id {keys} AND kind IN ('phase', 'segment')",
        list(people),
    ):
        if row[1] == "phase" or row[2] in personas:
            found[row[0]].append((row[1], row[2], row[3], row[4]))
    return found


def _entries(tx: Session, people: set[int], name: str) -> Mapping[int, list[tuple[str, int]]]:
    """Profile -> (journey, when) of entries into other journeys."""
    found: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for row in tx.rows_in(
        f"SELECT profile_id, journey_id, at_us FROM run_entries WHERE {BY_RUNS} AND sequence = 0 AND outcome = 'entered' AND step_id = ''",
        list(people),
    ):
        if row[1] != name:
            found[row[0]].append((row[1], row[2]))
    return found
