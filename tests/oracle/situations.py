"""Open matters, recounted from the rows (docs/reference/definitions.md, "How situations count")."""

from tests.oracle import comparing
from tests.oracle.comparing import passes
from tests.oracle.local_time import DAY, HOUR, day_of, day_start
from tests.oracle.permission import NEVER


def happenings_of(definition, by_name, zone):
    """[(key, whether it begins the situation, whether it ends it, row)] of all rows about a situation."""
    begins, ends = _list(definition["begins"]), definition.get("ends", [])
    names = {name for one in (*begins, *ends) for name in _list(one["name"])}
    found = []
    for row in sorted(
        (row for name in names for row in by_name.get(name, ())), key=lambda row: (row.at_us, row.number)
    ):
        value = comparing.dig(row.properties, definition["key"]) if definition.get("key") else ""
        key = value if isinstance(value, str) else str(value) if type(value) is int else ""
        found.append((key, _matches(row, begins, zone), _matches(row, ends, zone), row))
    return found


def open_matters(definition, happenings, at_us, zone):
    """Each key that stands open at an instant, with the row that opened it; and when the last of all before closed (-1: never)."""
    expires = definition.get("expires_days")

    def over_us(row):
        return NEVER if expires is None else day_start(day_of(row.occurred_us, zone) + expires, zone)

    opened, closed_us = {}, -1
    for key, begins, ends, row in [*happenings, ("", False, False, None)]:
        now_us = at_us if row is None else row.at_us
        for one in [one for one, opener in opened.items() if over_us(opener) <= now_us]:
            closed_us = max(closed_us, over_us(opened.pop(one)))
        if key in opened:
            if ends:
                del opened[key]
                closed_us = max(closed_us, now_us)
        elif begins and over_us(row) > now_us:
            opened[key] = row
    return opened, closed_us


def rest_us(definition, share):
    """How long things rest after a matter; share: this person's bucket of the situation."""
    return definition.get("after_days", 0) * DAY + definition.get("resume_hours", 0) * HOUR * share // 10_000


def _matches(row, patterns, zone):
    return any(row.name in _list(one["name"]) and passes(row, one.get("where", ()), zone) for one in patterns)


def _list(value):
    return value if isinstance(value, list) else [value]
