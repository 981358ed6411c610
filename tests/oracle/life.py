"""One customer's life as a list of moments, and what held in each of them.

A moment is either an instant at which something could change although nothing happened, or the arrival of a row. At one
instant time comes first, then the rows in log order. In every moment everything is asked anew.
"""

from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property

from tests.oracle import purchases
from tests.oracle.known import Known, NotCoveredError
from tests.oracle.local_time import DAY, HOUR, day_of, day_start, is_zone
from tests.oracle.permission import NEVER
from tests.oracle.world import World

PUBLISHED, BROADCAST = "Rulebook Published", "Broadcast Started"
TIME, TIMER, ROW, LAST = 0, 1, 2, 3
"""What comes first at one instant: what time changes, then waits that end, then rows; and when all is done."""


@dataclass(frozen=True)
class Moment:
    """An instant, and how many own rows are known in it."""

    at_us: int
    order: int
    number: int
    """Of the row on the log, 0 for time."""
    position: int
    row: object = None
    control: object = None
    """A row of the partition that touches everybody: a rulebook published, a broadcast started."""

    @property
    def is_publishing(self):
        """Whether a rulebook comes into force in it."""
        return self.control is not None and self.control.name == PUBLISHED

    @property
    def key(self):
        """Moments sort by this."""
        return self.at_us, self.order, self.number


class Life:
    """One customer from the first row to the end of what is known."""

    def __init__(self, installation, customer):
        self.installation = installation
        self.customer = customer
        self.zone = installation.zone
        zones = {one.brand.get("zone", "Europe/Berlin") for one in installation.rulebooks.values()}
        if len(zones) > 1:
            raise NotCoveredError("a brand that moves to another zone")
        self.default_zone = zones.pop()
        self.published = [one for one in customer.controls if one.name == PUBLISHED]
        self._known = {}
        self._answers = {}
        self.remembered = {}
        """What others worked out of this life."""
        self._ats = [row.at_us for row in customer.rows]

    @property
    def until_us(self):
        """The end: of the log, or of this profile."""
        ends = self.customer.surrendered
        return ends[0] if ends else self.installation.until_us

    def known(self, position):
        """What the first `position` own rows say, with the rows of profiles that were joined into this one by then."""
        if position not in self._known:
            own = self.customer.rows[:position]
            numbers = {row.number for row in own}
            more = [
                row
                for (_, number), other in self.customer.absorbed
                if number in numbers
                for row in Life(self.installation, other).known(len(other.rows)).rows
            ]
            rows = sorted([*own, *more], key=lambda row: (row.at_us, row.number))
            self._known[position] = Known([row for row in rows if row.type != "merge"], position, self)
        return self._known[position]

    def absorbed_by(self, row):
        """The life of the profile that this row joined into this one."""
        return next(
            Life(self.installation, other) for (_, number), other in self.customer.absorbed if number == row.number
        )

    def bucket_key(self, position):
        """The event id that made the person known: of the older profile after a merge."""
        own = {row.number for row in self.customer.rows[:position]}
        firsts = [self.customer.rows[0]]
        firsts += [other.rows[0] for (_, number), other in self.customer.absorbed if number in own]
        return min(firsts, key=lambda row: row.at_us).event_id.hex()

    def before(self, at_us):
        """How many own rows are known just before an instant."""
        return bisect_left(self._ats, at_us)

    def edition(self, key):
        """How many rulebooks were published by a moment, itself included."""
        return sum((one.at_us, ROW, one.number) <= key for one in self.published)

    def definitions(self, edition):
        """The rulebook in force after so many were published."""
        return self.installation.rulebooks[self.published[edition - 1].properties["version"]]

    def in_force(self, moment):
        """The rulebook in force in a moment."""
        return self.definitions(self.edition(moment.key))

    def world(self, moment):
        """The customer in a moment."""
        return World(self.known(moment.position), moment.at_us, self.edition(moment.key))

    # Moments ----------------------------------------------------------------------------------------------------------

    @cached_property
    def moments(self):
        """All moments in order."""
        rows = self.customer.rows
        found = [
            Moment(row.at_us, ROW, row.number, index + 1, row)
            for index, row in enumerate(rows)
            if row.at_us <= self.until_us
        ]
        found += [
            Moment(one.at_us, ROW, one.number, self._by(one), control=one)
            for one in self.customer.controls
            if (rows[0].at_us, rows[0].number) < (one.at_us, one.number) and one.at_us <= self.until_us
        ]
        found += [
            Moment(at_us, TIME, 0, self.before(at_us))
            for at_us in self._instants()
            if rows[0].at_us < at_us <= self.until_us
        ]
        return sorted(found, key=lambda one: one.key)

    def _by(self, control):
        """How many own rows stand before a control row."""
        return sum((row.at_us, row.number) < (control.at_us, control.number) for row in self.customer.rows)

    def _instants(self):
        """Every instant at which time alone may change an answer: a generous list, far more than needed."""
        rows = self.known(len(self.customer.rows)).rows
        found = set()
        for zone in self._zones(rows):
            first, last = day_of(self.customer.rows[0].at_us, zone), day_of(self.until_us, zone)
            found.update(day_start(day, zone) for day in range(first, last + 1))
        for row in rows:
            happened_us = row.occurred_us
            found.update((happened_us + 30 * DAY, happened_us + 3 * DAY, row.happened_us + 14 * DAY))
            found.update((row.happened_us + 30 * DAY, purchases.promise_us(row, self.zone)))
            found.update(happened_us + hours * HOUR for hours in self._hours)
        for record in self.known(len(self.customer.rows)).permission.records.values():
            found.add(record.expires_us)
        return found - {NEVER}

    def _zones(self, rows):
        names = {self.zone, self.default_zone}
        for position in range(1, len(rows) + 1):
            if rows[position - 1].traits or rows[position - 1].name == "Attribute Set":
                names.add(Known(rows[:position], position, self).zone(self.default_zone))
        return {name for name in names if is_zone(name)}

    @cached_property
    def _hours(self):
        """Lengths of all windows in hours that the definitions name."""

        def walk(value):
            if isinstance(value, dict):
                if "within_hours" in value:
                    yield value["within_hours"]
                for one in value.values():
                    yield from walk(one)
            elif isinstance(value, list):
                for one in value:
                    yield from walk(one)

        return set(walk([[one.segments, one.phases, one.journeys] for one in self.installation.rulebooks.values()]))

    # What held --------------------------------------------------------------------------------------------------------

    @cached_property
    def intervals(self):
        """(kind, id) -> {from_us: until_us} for segments, phases, sub-states and situations; NEVER: holds still."""
        found, standing = {}, {}
        self.changes = []
        """(moment, kind, id, entered) in order."""
        phase = ("", "")
        for moment in self.moments:
            world = World(self.known(moment.position), moment.at_us, self.edition(moment.key), phase)
            phase = world.place()
            now = {("segment", name) for name in world.definitions.segments if world.holds({"segment": {"id": name}})}
            now |= {("situation", kind) for kind in world.definitions.situations if world.situation(kind)}
            now |= {("phase", phase[0])} | ({("sub_state", phase[0], phase[1])} if phase[1] else set())
            for thing in [one for one in standing if one not in now]:
                found[_named(thing)][standing.pop(thing)] = moment.at_us
                self.changes.append((moment, *_named(thing), False))
            for thing in sorted(now - standing.keys()):
                standing[thing] = moment.at_us
                found.setdefault(_named(thing), {})[moment.at_us] = NEVER
                self.changes.append((moment, *_named(thing), True))
        if self.customer.surrendered:
            for thing, from_us in standing.items():
                found[_named(thing)][from_us] = self.until_us
        return found

    @property
    def changes_in_order(self):
        """(moment, kind, id, entered) of everything that began or ended."""
        return self.changes if self.intervals is not None else ()

    def holds(self, moment, condition):
        """Whether a condition holds in a moment; remembered, because several runs may ask."""
        key = (id(condition), moment.at_us, moment.position, self.edition(moment.key))
        if key not in self._answers:
            self._answers[key] = self.world(moment).holds(condition)
        return self._answers[key]


def _named(thing):
    """A sub-state belongs to its phase; its interval is kept under its own name."""
    return thing[0], thing[-1]
