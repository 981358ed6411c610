"""What the pages of a journey count: lines of paths, goals in time, entries by day, why messages did not go out."""

from collections import Counter
from collections.abc import Mapping

import msgspec

from kundenkreis.kernel.ids import Micros
from kundenkreis.kernel.zones import DAY, HOUR, Zone
from kundenkreis.runtime.stores.session import Session

FIGURE = "journey:"
"""Begin of the names of these figures, one per journey."""
SHOWN_DAYS = 56
"""Days of entries on the page; as many again are read, so that the first of them has eight weekdays before it."""
_HALF_HOUR = HOUR // 2
"""Zones are moved by half hours; days are put together from these."""
_REASON_LENGTH = 40
"""Of a verdict's reasons: enough for the rule that decided, which stands first."""
_FINAL = ("withheld", "expired", "cancelled")


class Paths(msgspec.Struct, frozen=True, kw_only=True):
    """Lines of paths of one journey: all that its line in the list needs."""

    counts: tuple[tuple[int, str, str, int], ...]
    """(version, step, outcome, lines)."""
    failed_ends: tuple[tuple[int, str, int], ...]
    """(version, step, paths that end with a failure there)."""
    early_goals: tuple[tuple[int, int], ...]
    """(version, paths that had the goal before their first step)."""

    def by_version(self) -> dict[int, dict[tuple[str, str], int]]:
        """Version -> (step, outcome) -> lines."""
        found: dict[int, dict[tuple[str, str], int]] = {}
        for version, step_id, outcome, count in self.counts:
            found.setdefault(version, {})[step_id, outcome] = count
        return found

    def failed_by_version(self) -> dict[int, dict[str, int]]:
        """Version -> step -> paths that end with a failure there."""
        found: dict[int, dict[str, int]] = {}
        for version, step_id, count in self.failed_ends:
            found.setdefault(version, {})[step_id] = count
        return found


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """(with the goal, of) those whose time for it is over, and how many others there are."""

    treated: tuple[int, int]
    control: tuple[int, int]
    still_open: int


class JourneyCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the page of one journey counts."""

    at_us: Micros
    goal_days: int
    """Days that people have for the goal: what `reached` was counted by."""
    paths: Paths
    reached: Reached
    days_to_goal: dict[int, int]
    entries: dict[int, int]
    """Day -> people who entered; the last 2 x SHOWN_DAYS days."""
    withheld: tuple[tuple[str, str, int], ...]
    """(outcome, rule, messages), the most first."""


def journeys_with_paths(tx: Session) -> list[str]:
    """Every journey that anybody entered: as many queries as there are."""
    found: list[str] = []
    while row := tx.rows("SELECT min(journey_id) FROM run_entries WHERE journey_id > ?", (found[-1] if found else "",))[
        0
    ][0]:
        found.append(str(row))
    return found


def count_journey(tx: Session, name: str, *, goal_days: int, zone: Zone, at_us: Micros) -> JourneyCounts:
    """Count one journey; eight queries."""
    return JourneyCounts(
        at_us=at_us,
        goal_days=goal_days,
        paths=count_paths(tx, (name,))[name],
        reached=_reached(tx, name, at_us - goal_days * DAY),
        days_to_goal=_days_to_goal(tx, name),
        entries=_entries(tx, name, zone=zone, at_us=at_us),
        withheld=_withheld(tx, name),
    )


def count_paths(tx: Session, names: tuple[str, ...]) -> Mapping[str, Paths]:
    """The lines of these journeys' paths; three queries at most."""
    counts: dict[str, list[tuple[int, str, str, int]]] = {name: [] for name in names}
    sql = "SELECT journey_id, version, step_id, outcome, count(*) FROM run_entries WHERE journey_id {keys} GROUP BY 1, 2, 3, 4"
    for name, *row in tx.rows_in(sql, names) if names else ():
        counts[name].append((row[0], row[1], row[2], row[3]))
    have_failed = [name for name, rows in counts.items() if any(row[2] == "failed" for row in rows)]
    have_early = [name for name, rows in counts.items() if any(row[1:3] == ("", "goal") for row in rows)]
    failed, early = _failed_ends(tx, have_failed), _early_goals(tx, have_early)
    return {
        name: Paths(
            counts=tuple(sorted(rows)), failed_ends=tuple(failed.get(name, ())), early_goals=tuple(early.get(name, ()))
        )
        for name, rows in counts.items()
    }


def _failed_ends(tx: Session, names: list[str]) -> dict[str, list[tuple[int, str, int]]]:
    """Journey -> (version, step, paths that end with a failure there)."""
    found: dict[str, list[tuple[int, str, int]]] = {}
    sql = (
        "SELECT r.journey_id, r.version, r.step_id, count(*) FROM run_entries r WHERE r.journey_id {keys} AND r.outcome = 'failed' "
        "AND NOT EXISTS (SELECT 1 FROM run_entries l WHERE l.run_id = r.run_id AND l.sequence > r.sequence "
        "AND l.outcome NOT IN ('goal', 'exited:merged')) GROUP BY 1, 2, 3"
    )
    for name, version, step_id, count in tx.rows_in(sql, names) if names else ():
        found.setdefault(name, []).append((version, step_id, count))
    return found


def _early_goals(tx: Session, names: list[str]) -> dict[str, list[tuple[int, int]]]:
    """Journey -> (version, paths that had the goal before their first step): nothing but the entry (and the mark of the control group) before it."""
    found: dict[str, list[tuple[int, int]]] = {}
    sql = (
        "SELECT g.journey_id, g.version, count(*) FROM run_entries g WHERE g.journey_id {keys} AND g.step_id = '' AND g.outcome = 'goal' "
        "AND g.sequence <= 2 AND NOT EXISTS (SELECT 1 FROM run_entries b WHERE b.run_id = g.run_id AND b.sequence < g.sequence "
        "AND b.outcome NOT IN ('entered', 'holdout')) GROUP BY 1, 2"
    )
    for name, version, count in tx.rows_in(sql, names) if names else ():
        found.setdefault(name, []).append((version, count))
    return found


def _reached(tx: Session, name: str, until_us: Micros) -> Reached:
    rows = tx.rows(
        "SELECT e.at_us <= ?, h.run_id IS NOT NULL, count(*), count(g.run_id) FROM run_entries e "
        "LEFT JOIN run_entries h ON h.run_id = e.run_id AND h.sequence = 1 AND h.outcome = 'holdout' AND h.step_id = '' "
        "LEFT JOIN run_entries g ON g.run_id = e.run_id AND g.outcome = 'goal' "
        "WHERE e.journey_id = ? AND e.step_id = '' AND e.outcome = 'entered' GROUP BY 1, 2",
        (until_us, name),
    )
    shares = {(bool(over), bool(held)): (int(goals), int(entered)) for over, held, entered, goals in rows}
    return Reached(
        treated=shares.get((True, False), (0, 0)),
        control=shares.get((True, True), (0, 0)),
        still_open=sum(entered for (over, _), (_, entered) in shares.items() if not over),
    )


def _days_to_goal(tx: Session, name: str) -> dict[int, int]:
    rows = tx.rows(
        f"SELECT (g.at_us - e.at_us) / {DAY}, count(*) FROM run_entries g JOIN run_entries e ON e.run_id = g.run_id AND e.sequence = 0 "
        "WHERE g.journey_id = ? AND g.outcome = 'goal' GROUP BY 1 ORDER BY 1",
        (name,),
    )
    return {int(day): count for day, count in rows}


def _entries(tx: Session, name: str, *, zone: Zone, at_us: Micros) -> dict[int, int]:
    first = zone.day_number(at_us) - 2 * SHOWN_DAYS
    rows = tx.rows(
        f"SELECT at_us / {_HALF_HOUR}, count(*) FROM run_entries WHERE journey_id = ? AND step_id = '' AND outcome = 'entered' "
        "AND at_us >= ? GROUP BY 1",
        (name, zone.day_start_us(first)),
    )
    entries: Counter[int] = Counter()
    for slot, count in rows:
        entries[zone.day_number(int(slot) * _HALF_HOUR)] += count
    return dict(entries)


def _withheld(tx: Session, name: str) -> tuple[tuple[str, str, int], ...]:
    marks = ", ".join("?" for _ in _FINAL)
    rows = tx.rows(
        f"SELECT v.outcome, substr(v.reasons, 1, {_REASON_LENGTH}), count(*) FROM verdicts v WHERE v.journey_id = ? AND v.outcome IN ({marks}) "
        "AND NOT EXISTS (SELECT 1 FROM verdicts l WHERE l.effect_id = v.effect_id AND l.sequence > v.sequence) GROUP BY 1, 2",
        (name, *_FINAL),
    )
    found: Counter[tuple[str, str]] = Counter()
    for outcome, reasons, count in rows:
        found[outcome, reasons.lstrip("[").partition(",")[0].strip('"]')] += count
    return tuple((*key, count) for key, count in found.most_common())
