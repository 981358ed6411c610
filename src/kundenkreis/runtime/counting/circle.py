"""The circle: who is in which phase now, and who moved in a period.

Source: the memberships that the fold writes, one row per stay in a phase or sub-state. Somebody merged into another customer has
left all of them, so nobody is counted twice.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.kernel.zones import Zone
from kundenkreis.runtime.stores.session import Session
from kundenkreis.site.ports.start import (
    PERIODS,
    Circle,
    Move,
    NetChange,
    People,
    PeriodMoves,
    PhaseCount,
    SubStateCount,
)

_NOW = f"""
SELECT m.definition_id, coalesce(s.definition_id, ''), l.is_known, count(*)
FROM memberships m
JOIN customer_list l ON l.profile_id = m.profile_id
LEFT JOIN memberships s ON s.profile_id = m.profile_id AND s.kind = 'sub_state' AND s.until_us = {NEVER}
WHERE m.kind = 'phase' AND m.until_us = {NEVER}
GROUP BY m.definition_id, coalesce(s.definition_id, ''), l.is_known
"""
_MOVES = f"""
SELECT a.definition_id, b.definition_id, count(DISTINCT b.profile_id)
FROM memberships b CROSS JOIN memberships a
WHERE a.profile_id = b.profile_id AND a.kind = 'phase' AND a.until_us = b.from_us
  AND b.kind = 'phase' AND b.from_us >= ? AND b.until_us > b.from_us
  AND a.until_us > a.from_us AND a.definition_id <> b.definition_id
  AND NOT EXISTS (
    SELECT 1 FROM memberships n
    WHERE n.profile_id = b.profile_id AND n.kind = 'phase' AND n.definition_id = a.definition_id AND n.until_us = {NEVER})
GROUP BY a.definition_id, b.definition_id
"""
"""CROSS JOIN keeps SQLite to this order: few moved in the period, everybody did once. For PostgreSQL it is an ordinary join."""
_THEN = """
SELECT m.definition_id, count(*) FROM memberships m JOIN customer_list l ON l.profile_id = m.profile_id
WHERE m.kind = 'phase' AND m.from_us <= ? AND m.until_us > ? GROUP BY m.definition_id
"""
"""Whoever was joined into somebody else since is not counted twice then either."""


def period_since_us(zone: Zone, days: int, at_us: Micros) -> Micros:
    """The begin of a period: the first instant of the day so many days ago, today being the first of them."""
    return zone.day_start_us(zone.day_number(at_us) - days + 1)


def phases_of(documents: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[str]]]:
    """Phases with their sub-states, clockwise. The rulebook lists them the other way round: whoever is furthest, first."""
    phases: Sequence[Mapping[str, Any]] = next(
        (document["phases"] for document in documents if document["kind"] == "phases"), []
    )
    named = [(str(one["id"]), [str(sub["id"]) for sub in one.get("sub_states") or ()]) for one in phases]
    return list(reversed(named))


def phase_names(documents: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """What phases and sub-states are called, by id and language."""
    phases: Sequence[Mapping[str, Any]] = next(
        (document["phases"] for document in documents if document["kind"] == "phases"), []
    )
    every = [*phases, *(sub for one in phases for sub in one.get("sub_states") or ())]
    return {str(one["id"]): dict(one["name"]) for one in every if one.get("name")}


def count_circle(
    tx: Session, *, phases: Sequence[tuple[str, Sequence[str]]], names: Mapping[str, Mapping[str, str]], zone: Zone, at_us: Micros
) -> Circle:  # fmt: skip
    """Everybody on the circle, in the phases of the rulebook and in those that nobody has left since it changed."""
    counts: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
    for phase, sub_state, is_known, people in tx.rows(_NOW):
        counts[phase][sub_state][0 if is_known else 1] += people
    order = [*phases, *((phase, ()) for phase in sorted(counts) if phase not in dict(phases))]
    counted = tuple(_phase(phase, subs, counts[phase]) for phase, subs in order)
    return Circle(
        at_us=at_us, phases=counted, names=names, periods=tuple(_period(tx, days, counted, zone=zone, at_us=at_us) for days in PERIODS)
    )  # fmt: skip


def _phase(phase: str, subs: Sequence[str], counts: Mapping[str, Sequence[int]]) -> PhaseCount:
    order = [*subs, *(sub for sub in sorted(counts) if sub and sub not in subs)]
    return PhaseCount(
        phase=phase,
        people=People(
            known=sum(known for known, _ in counts.values()), anonymous=sum(other for _, other in counts.values())
        ),
        sub_states=tuple(
            SubStateCount(sub_state=sub, people=People(known=counts[sub][0], anonymous=counts[sub][1]))
            if sub in counts
            else SubStateCount(sub_state=sub, people=People())
            for sub in order
        ),
    )


def _period(tx: Session, days: int, phases: Sequence[PhaseCount], *, zone: Zone, at_us: Micros) -> PeriodMoves:
    since_us = period_since_us(zone, days, at_us)
    moves = [Move(from_phase=row[0], to_phase=row[1], people=row[2]) for row in tx.rows(_MOVES, (since_us,))]
    moves.sort(key=lambda move: (-move.people, move.from_phase, move.to_phase))
    then: dict[str, int] = dict(tx.rows(_THEN, (since_us, since_us)))
    net = tuple(
        NetChange(phase=one.phase, people=one.people.known + one.people.anonymous - then.get(one.phase, 0))
        for one in phases
    )
    return PeriodMoves(days=days, since_us=since_us, moves=tuple(moves), net=net)
