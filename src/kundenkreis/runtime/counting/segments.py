"""Members of segments: now, and how that moved."""

from collections import Counter, defaultdict
from collections.abc import Mapping

import msgspec

from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.kernel.zones import DAY, HOUR, Zone
from kundenkreis.runtime.stores.session import Session

FIGURE = "segments"
MOVED_DAYS = 30
SHOWN_DAYS = 90
_HALF_HOUR = HOUR // 2
"""Zones are moved by half hours; days are put together from these."""


class SegmentMoves(msgspec.Struct, frozen=True, kw_only=True):
    """One segment: members now, came in and went out within MOVED_DAYS."""

    members: int = 0
    entered: int = 0
    left: int = 0


class DayMoves(msgspec.Struct, frozen=True, kw_only=True):
    """Members when the first day began, and who came and went on each day since."""

    first_day: int
    before: int = 0
    came: dict[int, int] = {}
    went: dict[int, int] = {}


class SegmentCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Every segment that anybody was ever in."""

    at_us: Micros
    moves: dict[str, SegmentMoves]
    days: dict[str, DayMoves]


def count_segments(tx: Session, *, zone: Zone, at_us: Micros) -> SegmentCounts:
    """Everything that list and pages of segments count."""
    moves = count_moves(tx, at_us=at_us)
    days = {name: count_days(tx, name, days=SHOWN_DAYS, zone=zone, at_us=at_us) for name in moves}
    return SegmentCounts(at_us=at_us, moves=dict(moves), days=days)


def count_moves(tx: Session, *, at_us: Micros) -> Mapping[str, SegmentMoves]:
    """Segment -> members now, came in and went out lately; three queries."""
    since_us = at_us - MOVED_DAYS * DAY
    counted = "SELECT definition_id, count(*) FROM memberships WHERE kind = 'segment' AND {} GROUP BY definition_id"
    asked = (
        ("until_us = ?", (NEVER,)),
        ("from_us >= ?", (since_us,)),
        ("until_us >= ? AND until_us < ?", (since_us, NEVER)),
    )
    now, came, went = (Counter({row[0]: int(row[1]) for row in tx.rows(counted.format(w), p)}) for w, p in asked)
    return defaultdict(
        SegmentMoves,
        {name: SegmentMoves(members=now[name], entered=came[name], left=went[name]) for name in {*now, *came, *went}},
    )


def count_days(tx: Session, name: str, *, days: int, zone: Zone, at_us: Micros) -> DayMoves:
    """One segment in the last days, today included; three queries."""
    first_day = zone.day_number(at_us) - days + 1
    first_us = zone.day_start_us(first_day)
    of = "FROM memberships WHERE kind = 'segment' AND definition_id = ? AND"
    before = tx.rows(f"SELECT count(*) {of} until_us >= ? AND from_us < ?", (name, first_us, first_us))

    def by_day(column: str, where: str, *params: int) -> dict[int, int]:
        sql = f"SELECT {column} / {_HALF_HOUR}, count(*) {of} {where} GROUP BY 1"
        found: Counter[int] = Counter()
        for slot, count in tx.rows(sql, (name, *params)):
            found[zone.day_number(int(slot) * _HALF_HOUR)] += int(count)
        return dict(found)

    return DayMoves(
        first_day=first_day,
        before=int(before[0][0]),
        came=by_day("from_us", "until_us >= ? AND from_us >= ?", first_us, first_us),
        went=by_day("until_us", "until_us >= ? AND until_us < ?", first_us, NEVER),
    )
