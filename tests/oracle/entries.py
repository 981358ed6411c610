"""Who could enter which journey, and when (docs/reference/definitions.md, "Journeys"); whether something speaks against it is asked later."""

from calendar import monthrange

from tests.oracle import comparing
from tests.oracle.life import BROADCAST, TIMER, Moment
from tests.oracle.local_time import WEEKDAYS, date_of, day_of, instant, minutes_of
from tests.oracle.runs import fires
from tests.oracle.world import digest


def entries_of(life):
    """[(moment, journey, properties, origin id, cause id)] in order."""
    entries = _Entries(life)
    found = [*entries.by_events(), *entries.by_segments(), *entries.by_time(), *entries.by_broadcasts()]
    return sorted(found, key=lambda one: (one[0].key, one[1]["id"]))


def is_timed(journey):
    """Whether a date or a schedule lets people in."""
    return bool({"date", "schedule"} & journey["entry"].keys())


class _Entries:
    def __init__(self, life):
        self._life = life

    def _journeys(self, moment, kind):
        return [one for one in self._life.in_force(moment).journeys.values() if kind in one["entry"]]

    def by_events(self):
        """What happens lets in, unless it comes late."""
        for moment in self._life.moments:
            row = moment.row
            if row is None or row.is_late:
                continue
            for journey in self._journeys(moment, "event"):
                if fires(self._life, row, journey["entry"]["event"]):
                    yield moment, journey, row.properties, row.event_id, row.event_id

    def by_segments(self):
        """Not what arises from publishing, from a merge or late."""
        life = self._life
        for moment, kind, segment, is_entry in life.changes_in_order:
            row = moment.row
            if kind != "segment" or moment.is_publishing or (row is not None and (row.is_late or row.type == "merge")):
                continue
            way, name = ("segment_entered", "Segment Entered") if is_entry else ("segment_left", "Segment Left")
            cause = row.event_id if row is not None else moment.at_us
            for journey in self._journeys(moment, way):
                if journey["entry"][way] == segment:
                    told = digest(16, "derived", cause, life.bucket_key(moment.position), name, segment)
                    yield moment, journey, {"segment": segment, "key": segment}, told, told

    def by_broadcasts(self):
        """A row in every partition."""
        for moment in self._life.moments:
            control = moment.control
            if control is None or control.name != BROADCAST:
                continue
            for journey in self._journeys(moment, "broadcast"):
                if journey["id"] == control.properties["journey"]:
                    yield moment, journey, control.properties, control.event_id, control.event_id

    def by_time(self):
        """Dates and schedules: the instants at which the rulebook in force then lets in, by what was known just before."""
        life = self._life
        first = life.customer.rows[0]
        for edition in range(1, len(life.published) + 1):
            for journey in life.definitions(edition).journeys.values():
                if not is_timed(journey):
                    continue
                for due_us in sorted(self._due(journey["entry"])):
                    moment = Moment(due_us, TIMER, 0, life.before(due_us))
                    if first.at_us < due_us <= life.until_us and life.edition(moment.key) == edition:
                        yield moment, journey, {}, due_us, b""

    def _due(self, entry):
        rows = self._life.customer.rows
        says = self._says_date if "date" in entry else self._says_zone
        config = entry.get("date") or entry["schedule"]
        found = set()
        for position in range(1, len(rows) + 1):
            if position > 1 and says(config, position) == says(config, position - 1):
                continue
            said = says(config, position)
            listed = self._dates(config, *said) if "date" in entry else self._schedule(config, *said)
            found.update(due_us for due_us in listed if says(config, max(self._life.before(due_us), 1)) == said)
        return found

    def _says_date(self, config, position):
        return self._life.known(position).attribute(config["attribute"]), *self._says_zone(config, position)

    def _says_zone(self, _config, position):
        return (self._life.known(position).zone(self._life.default_zone),)

    def _dates(self, config, value, zone):
        """Once, or every year from its own on."""
        life = self._life
        day = comparing.day_number(value, life.zone)
        if not config.get("yearly"):
            days = [] if day is None else [day]
        else:
            first, last = (date_of(day_of(us, zone)).year for us in (life.customer.rows[0].at_us, life.until_us))
            begins = first - 1 if day is None else max(first - 1, date_of(day).year)
            span = range(_start_of(begins), _start_of(last + 2))
            days = [one for one in span if comparing.anniversary(value, one)]
        return [instant(one + config.get("offset_days", 0), minutes_of(config["at"]), zone) for one in days]

    def _schedule(self, config, zone):
        """Each day, weekday or day of the month; the last one where the month is shorter."""
        life = self._life
        first, last = (day_of(us, zone) for us in (life.customer.rows[0].at_us, life.until_us))
        for day in range(first, last + 1):
            on = date_of(day)
            of_month = min(config.get("on", 1), monthrange(on.year, on.month)[1]) if config["every"] == "month" else 0
            if (
                config["every"] == "day"
                or (config["every"] == "week" and WEEKDAYS[on.weekday()] == config["on"])
                or (config["every"] == "month" and on.day == of_month)
            ):
                yield instant(day, minutes_of(config["at"]), zone)


def _start_of(year):
    return (date_of(0).replace(year=year) - date_of(0)).days
