"""Scores, added up row by row (docs/reference/definitions.md, "How scores count")."""

from fractions import Fraction

from tests.oracle.comparing import is_number, passes
from tests.oracle.history import EVENTS
from tests.oracle.local_time import day_of


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


def ledger(life, score_id, position=None):
    """What `_ledger` says, of the first `position` own rows (None: of all); remembered, because conditions ask again and again."""
    position = len(life.customer.rows) if position is None else position
    key = ("ledger", score_id, position)
    if key not in life.remembered:
        life.remembered[key] = _ledger(life, score_id, life.customer.rows[:position])
    return life.remembered[key]


def _ledger(life, score_id, rows):
    """[(at_us, rule id, event id, points given, balance)] in thousandths, then (balance, day) and the windows of caps at the end."""
    definition = life.definitions.scores[score_id]
    share = daily_share(definition.get("half_life_days"))
    most = int(Fraction(str(definition.get("maximum", 1_000_000))) * 1000)
    lines, balance, day, windows = [], 0, 0, {}
    for row in rows:
        if row.at_us > life.until_us:
            break
        if row.type == "merge":  # the points of both add up
            days = day_of(row.at_us, life.zone)
            before = after_days(balance, days - day, share) if day else 0
            other = life.absorbed_by(row)
            more, theirs = ledger(other, score_id)[1:]
            given = after_days(more[0], days - more[1], share) if more[1] else 0
            balance, day = min(before + given, most), days
            windows = theirs | windows
            if balance != before:
                lines.append((row.at_us, "merged", row.event_id, balance - before, balance))
            continue
        today, occurred_on = day_of(row.at_us, life.zone), day_of(row.occurred_us, life.zone)
        given = [
            (rule["id"], _decayed(_within_cap(rule, occurred_on, windows), today - occurred_on, share))
            for rule in _rules(definition, row)
            if passes(row, rule["event"].get("where", ()), life.zone)
        ]
        for rule_id, milli in [*given, *_added(score_id, row)]:
            before = after_days(balance, today - day, share) if day else 0
            balance, day = min(max(before + milli, 0), most), today
            if balance != before:
                lines.append((row.at_us, rule_id, row.event_id, balance - before, balance))
    return lines, (balance, day), windows


def balance(life, score_id, at_us, position=None):
    """Thousandths of points that stand at an instant, of the first `position` own rows."""
    lines = [line for line in ledger(life, score_id, position)[0] if line[0] <= at_us]
    if not lines:
        return 0
    days = day_of(at_us, life.zone) - day_of(lines[-1][0], life.zone)
    return after_days(lines[-1][4], days, daily_share(life.definitions.scores[score_id].get("half_life_days")))


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
