"""Scores: integer milli-points, decayed once per installation day, with a ledger.

The rule of decay, to be checked by anybody: with a half-life of h days the daily multiplier M is the largest integer with
2 * M**h <= 2**(32 * h); at the start of each installation day the balance b becomes b * M // 2**32. Because every day rounds by
itself, it makes no difference when a balance is looked at or written down.

Points of an event that arrives late are decayed from the day on which it occurred. A balance never falls below 0 nor rises
above `maximum`. A cap (`at_most: {points, per_days}`) opens its window on the day of the first points after the previous one ended; an
event of an older day counts in the window that is open.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from kundenkreis.customers.core.state import CustomerState, Score
from kundenkreis.customers.core.turn import ScoreEntry, Turn
from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.kernel.rows import LogRow
from kundenkreis.kernel.zones import Zone
from kundenkreis.segments.core.dates import Interval
from kundenkreis.segments.core.definitions import ScoreDefinition, ScoreRule
from kundenkreis.segments.core.facts import EVENT_TYPES, occurred_on
from kundenkreis.segments.core.leaf import names_of
from kundenkreis.segments.core.operators import EventFilter, is_number
from kundenkreis.segments.errors import DefinitionError, Path

ONE = 1 << 32
"""The multiplier of a score that does not decay."""
MILLI = 1000
LONGEST_HALF_LIFE = 3650
MOST_POINTS = 1_000_000
MOST_CAP_DAYS = 366
SCORE_ADDED = "Score Added"
"""{score, points}: points that no rule gives."""
MERGED, HISTORY = "merged", "history"
"""Rules of the ledger's lines that take over what a joined customer had, and what a new score counts of the past."""
TRUSTED = frozenset({"derived", "human", "control"})


def daily_multiplier(half_life_days: int | None) -> int:
    """The daily multiplier over 2**32 of a half-life; 2**32 for none."""
    if half_life_days is None:
        return ONE
    low, high = 0, ONE
    limit = 1 << (32 * half_life_days)
    while high - low > 1:
        middle = (low + high) // 2
        if 2 * middle**half_life_days <= limit:
            low = middle
        else:
            high = middle
    return low


def decayed(milli_points: int, days: int, multiplier: int) -> int:
    """Milli-points after so many starts of days; days <= 0 changes nothing. A deduction shrinks like what it is taken from."""
    if multiplier == ONE:
        return milli_points
    if milli_points < 0:
        return -decayed(-milli_points, days, multiplier)
    while days > 0 and milli_points > 0:
        milli_points = milli_points * multiplier >> 32
        days -= 1
    return milli_points


def balance(score: Score | None, day: int, multiplier: int) -> int:
    """Milli-points on an installation day."""
    return 0 if score is None else decayed(score.milli_points, day - score.day, multiplier)


def next_crossing_day(milli_points: int, day: int, multiplier: int, interval: Interval) -> int | None:
    """The first later day on which decay changes whether the balance lies in an interval; None if it never does."""
    if multiplier == ONE:
        return None
    low, high = interval.low, interval.high
    is_above = milli_points > high
    edge = high + 1 if is_above else low
    if not 0 < edge <= milli_points:
        return None
    while milli_points >= edge:
        milli_points = milli_points * multiplier >> 32
        day += 1
    return None if is_above and milli_points < low else day


class _Rule:
    """One rule of a score, compiled."""

    __slots__ = ("cap_days", "cap_milli", "filter", "milli", "rule_id", "score")

    def __init__(self, score: "CompiledScore", rule: ScoreRule, *, zone: Zone, path: Path) -> None:
        self.score = score
        self.rule_id = rule.id
        self.milli = milli_points(rule.points, (*path, "points"))
        self.filter = EventFilter(rule.event.where, zone=zone, path=(*path, "event"))
        self.cap_milli, self.cap_days = 0, 0
        if rule.at_most is not None:
            here = (*path, "at_most")
            self.cap_milli = milli_points(rule.at_most.points, (*here, "points"))
            self.cap_days = rule.at_most.per_days
            if self.cap_milli <= 0 or self.milli < 0:
                raise DefinitionError(here, "A cap limits points that are given: both must be positive.")
            if not 1 <= self.cap_days <= MOST_CAP_DAYS:
                raise DefinitionError((*here, "per_days"), f"A cap lasts 1 to {MOST_CAP_DAYS} days.")


class CompiledScore:
    """One score: its rules by event name, its multiplier, its told thresholds."""

    __slots__ = ("dirty", "maximum_milli", "multiplier", "rules", "score_id", "thresholds", "zone")

    def __init__(self, definition: ScoreDefinition, *, zone: Zone, path: Path = ()) -> None:
        half_life = definition.half_life_days
        if half_life is not None and not 1 <= half_life <= LONGEST_HALF_LIFE:
            raise DefinitionError((*path, "half_life_days"), f"A half-life lasts 1 to {LONGEST_HALF_LIFE} days.")
        self.score_id = definition.id
        self.dirty = f"score:{definition.id}"
        self.multiplier = daily_multiplier(half_life)
        self.zone = zone
        maximum = definition.maximum
        self.maximum_milli = MOST_POINTS * MILLI if maximum is None else milli_points(maximum, (*path, "maximum"))
        if self.maximum_milli <= 0:
            raise DefinitionError((*path, "maximum"), "The maximum must be positive.")
        self.thresholds = sorted(
            milli_points(value, (*path, "thresholds", index)) for index, value in enumerate(definition.thresholds)
        )
        self.rules: dict[str, list[_Rule]] = {}
        seen: set[str] = set()
        for index, rule in enumerate(definition.rules):
            here = (*path, "rules", index)
            if rule.id in seen:
                raise DefinitionError((*here, "id"), f"The rule `{rule.id}` stands here twice.")
            seen.add(rule.id)
            compiled = _Rule(self, rule, zone=zone, path=here)
            for name in dict.fromkeys(names_of(rule.event.name)):
                self.rules.setdefault(name, []).append(compiled)

    def next_us(self, state: CustomerState, day: int) -> Micros:
        """When decay crosses a told threshold."""
        score = state.decisions.scores.get(self.score_id)
        if score is None:
            return NEVER
        now = balance(score, day, self.multiplier)
        below = [value for value in self.thresholds if value <= now]
        if not below:
            return NEVER
        crossing = next_crossing_day(now, day, self.multiplier, Interval(below[-1], MOST_POINTS * MILLI))
        return NEVER if crossing is None else self.zone.day_start_us(crossing)

    def tell_decay(self, turn: Turn) -> None:
        """Derive Score Crossed for thresholds that the start of this day took away."""
        score = turn.state.decisions.scores.get(self.score_id)
        if score is None or score.day >= turn.day:
            return
        before = balance(score, turn.day - 1, self.multiplier)
        _tell(self, turn, before, decayed(before, 1, self.multiplier))


def milli_points(points: Any, path: Path) -> int:
    """Configured points as milli-points. Raises DefinitionError beyond three decimals or a million."""
    if not is_number(points):
        raise DefinitionError(path, f"Points are a number, not {points!r}.")
    exact = Fraction(str(points)) * MILLI
    if exact.denominator != 1 or abs(exact) > MOST_POINTS * MILLI:
        raise DefinitionError(path, f"Points have at most three decimals and lie within {MOST_POINTS:,}.")
    return int(exact)


def score_event(rules: tuple[_Rule, ...], turn: Turn) -> None:
    """Give the points that these rules (all that listen to the event's name) give for the turn's event."""
    row = turn.row
    if row is None or row.type not in EVENT_TYPES:
        return
    _, day = occurred_on(row, turn.zone)
    properties = row.properties
    for rule in rules:
        if rule.filter.passes(properties, day):
            given = _within_cap(rule, turn, day)
            if given:
                _give(rule.score, turn, decayed(given, turn.day - day, rule.score.multiplier), rule.rule_id)


def score_added(scores: Mapping[str, CompiledScore], turn: Turn, row: LogRow) -> None:
    """Give the points that a journey's step, a person or a control row states; from anybody else the event gives none."""
    properties = row.properties
    score, points = scores.get(str(properties.get("score"))), properties.get("points")
    if score is None or row.origin not in TRUSTED or not is_number(points):
        return
    milli = round(Fraction(str(points)) * MILLI)
    if milli and abs(milli) <= MOST_POINTS * MILLI:
        _give(score, turn, milli, "added")


def absorb_scores(scores: Mapping[str, CompiledScore], turn: Turn, theirs: Mapping[str, Score]) -> None:
    """Merge: the points of both add up (ledger line "merged"); caps that only the other one has used go on."""
    for score_id, held in theirs.items():
        score = scores.get(score_id)
        if score is None:
            continue
        _give(score, turn, balance(held, turn.day, score.multiplier), MERGED)
        caps = turn.state.decisions.scores[score_id].caps
        for rule_id, window in held.caps.items():
            caps.setdefault(rule_id, window)


def _within_cap(rule: _Rule, turn: Turn, day: int) -> int:
    if not rule.cap_days:
        return rule.milli
    score = turn.state.decisions.scores.get(rule.score.score_id)
    window = score.caps.get(rule.rule_id) if score is not None else None
    if window is None or day >= window[0] + rule.cap_days:
        window = [day, 0]
    given = min(rule.milli, rule.cap_milli - window[1])
    if given <= 0:
        return 0
    if score is None:
        score = turn.state.decisions.scores[rule.score.score_id] = Score(0, turn.day)
    score.caps[rule.rule_id] = [window[0], window[1] + given]
    return given


def _give(score: CompiledScore, turn: Turn, milli: int, rule_id: str) -> None:
    scores = turn.state.decisions.scores
    held = scores.get(score.score_id)
    if held is None:
        held = scores[score.score_id] = Score(0, turn.day)
    before = balance(held, turn.day, score.multiplier)
    after = min(max(before + milli, 0), score.maximum_milli)
    held.milli_points, held.day = after, turn.day
    if after == before:
        return
    turn.records.append(ScoreEntry(score.score_id, turn.at_us, after - before, rule_id, turn.cause, after))
    turn.dirty.add(score.dirty)
    if score.thresholds:
        _tell(score, turn, before, after)


def _tell(score: CompiledScore, turn: Turn, before: int, after: int) -> None:
    low, high = min(before, after), max(before, after)
    for threshold in score.thresholds:
        if low < threshold <= high:
            points = threshold // MILLI if threshold % MILLI == 0 else threshold / MILLI
            properties = {
                "score": score.score_id,
                "threshold": points,
                "direction": "up" if after > before else "down",
                "key": f"{score.score_id}:{threshold}",
            }
            turn.derive("Score Crossed", properties)
