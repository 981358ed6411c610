"""Scores, added up row by row (docs/reference/definitions.md, "How scores count")."""

from fractions import Fraction

from tests.oracle.comparing import is_number, passes
from tests.oracle.history import EVENTS
from tests.oracle.local_time import day_of

ROW = 2
"""As in `life`: at one instant time comes first."""


def daily_share(half_life_days):
    """What is left of a balance after the start of one day, in 2**32ths: the largest whole number with 2 * m**h <= 2**(32h)."""
    if half_life_days is None:
        return 1 << 32
    share = int(2 ** (32 - 1 / half_life_days)) + 5
    while 2 * share**half_life_days > 1 << (32 * half_life_days):
        share -= 1
    return share


def after_days(milli, days, share):
    """Thousandths of points after so many starts of days, rounded down at each."""
    for _ in range(days):
        milli = milli * share >> 32
    return milli


def ledger(life, score_id, position=None, edition=None):
    """What `_Ledger` says, of the first `position` own rows and the first `edition` rulebooks (None: of all); remembered."""
    position = len(life.customer.rows) if position is None else position
    edition = life.edition((life.until_us, ROW, 1 << 62)) if edition is None else edition
    key = ("ledger", score_id, position, edition)
    if key not in life.remembered:
        life.remembered[key] = _Ledger(life, score_id, position, edition)
    return life.remembered[key]


def balance(life, score_id, at_us, position, edition):
    """Thousandths of points that stand at an instant."""
    return ledger(life, score_id, position, edition).at(day_of(at_us, life.zone))


class _Ledger:
    """A score from the first row on, and what stands at the end."""

    def __init__(self, life, score_id, position, edition):
        self._life, self._score_id, self._zone = life, score_id, life.zone
        self.lines = []
        """[(at_us, rule id, event id, points given, balance)] in thousandths."""
        self.balance, self.day = 0, 0
        """What stood at the end of a day; 0: there was nothing yet."""
        self.windows = {}
        rows = [row for row in life.customer.rows[:position] if row.at_us <= life.until_us]
        first = (life.customer.rows[0].at_us, ROW, life.customer.rows[0].number)
        self._define(life.definitions(life.edition(first)))
        inputs = [((row.at_us, row.number), row, None) for row in rows]
        inputs += [
            ((one.at_us, one.number), None, one)
            for one in life.published[:edition]
            if (one.at_us, ROW, one.number) > first
        ]
        for _, row, control in sorted(inputs, key=lambda one: one[0]):
            if control is not None:
                self._adopt(control, edition)
            elif self._definition is not None:
                self._take(row)

    def at(self, day):
        """What is left at a later day."""
        return after_days(self.balance, day - self.day, self._share) if self.day and self._definition else 0

    def _define(self, definitions):
        self._definition = definition = definitions.scores.get(self._score_id)
        if definition is not None:
            self._share = daily_share(definition.get("half_life_days"))
            self._most = int(Fraction(str(definition.get("maximum", 1_000_000))) * 1000)

    def _adopt(self, control, edition):
        """Another rulebook: what is new begins as if it had always been there, and says so in one line."""
        life, today, was = self._life, day_of(control.at_us, self._zone), self._definition
        if self.day:
            self.balance, self.day = self.at(today), today
        self._define(life.definitions(life.edition((control.at_us, ROW, control.number))))
        if self._definition is None:
            self.balance, self.day, self.windows = 0, 0, {}
        elif was is None:
            lines, self.lines = self.lines, []
            for row in life.customer.rows:
                if (row.at_us, row.number) < (control.at_us, control.number):
                    self._take(row)
            if self.lines:
                self.balance, self.day = self.at(today), today
                if self.balance:
                    lines.append((control.at_us, "history", control.event_id, self.balance, self.balance))
            self.lines = lines
        else:
            rules = [one["id"] for one in self._definition["rules"]]
            self.windows = {rule: window for rule, window in self.windows.items() if rule in rules}

    def _take(self, row):
        today, occurred_on = day_of(row.at_us, self._zone), day_of(row.occurred_us, self._zone)
        if row.type == "merge":  # the points of both add up
            other = ledger(self._life.absorbed_by(row), self._score_id)
            self.windows = other.windows | self.windows
            self._give(row, "merged", other.at(today))
            return
        given = [
            (rule["id"], _decayed(_within_cap(rule, occurred_on, self.windows), today - occurred_on, self._share))
            for rule in _rules(self._definition, row)
            if passes(row, rule["event"].get("where", ()), self._zone)
        ]
        for rule_id, milli in [*given, *_added(self._score_id, row)]:
            self._give(row, rule_id, milli)

    def _give(self, row, rule_id, milli):
        today = day_of(row.at_us, self._zone)
        before = self.at(today)
        self.balance, self.day = min(max(before + milli, 0), self._most), today
        if self.balance != before:
            self.lines.append((row.at_us, rule_id, row.event_id, self.balance - before, self.balance))


def _decayed(milli, days, share):
    """Points of a late event, which may be negative."""
    left = after_days(abs(milli), max(days, 0), share)
    return -left if milli < 0 else left


def _added(score_id, row):
    """Points that a step of a journey or a person gave."""
    stated = row.properties.get("points")
    if row.name != "Score Added" or row.properties.get("score") != score_id or row.origin not in ("derived", "human"):
        return []
    return [("added", round(Fraction(str(stated)) * 1000))] if is_number(stated) else []


def _rules(definition, row):
    if row.type not in EVENTS:
        return []
    named = [(rule, rule["event"]["name"]) for rule in definition["rules"]]
    return [rule for rule, name in named if row.name in (name if isinstance(name, list) else [name])]


def _within_cap(rule, day, windows):
    """What a rule still gives: its window opens with the first points after the last one has ended."""
    given = int(Fraction(str(rule["points"])) * 1000)
    if "at_most" not in rule:
        return given
    opened, had = windows.get(rule["id"], (None, 0))
    if opened is None or day >= opened + rule["at_most"]["per_days"]:
        opened, had = day, 0
    given = min(given, rule["at_most"]["points"] * 1000 - had)
    if given <= 0:
        return 0
    windows[rule["id"]] = (opened, had + given)
    return given
