"""Every message of one customer: who enters which journey when, what each step wants, and what becomes of it.

Goes through time group by group: all that is decided at one instant (or because of one row) is judged together, the
most important first.
"""

from dataclasses import dataclass, field

from tests.oracle import comparing
from tests.oracle.gate import Contact, contacts_of_people, judge
from tests.oracle.life import ROW, TIMER, Moment
from tests.oracle.local_time import DAY, date_of, day_of, instant, minutes_of
from tests.oracle.runs import Run, fires, key_of
from tests.oracle.world import NotCoveredError, digest

FEEDBACK = (
    "Message Sent",
    "Message Withheld",
    "Message Postponed",
    "Message Failed",
    "Message Uncertain",
    "Message Held",
)


@dataclass
class Letter:
    """A message and its verdicts so far."""

    message: object
    walk: object
    verdicts: list = field(default_factory=list)
    """[(at_us, outcome, rule, due_us)]."""
    released: object = None
    """The moment at which it went to the outbox."""


class Letters:
    """All of them."""

    def __init__(self, life):
        self.life = life
        self.runs = []
        self.letters = {}
        self._planned = []
        self._last = {}
        self._feedback = {}
        for _, other in life.customer.absorbed:
            if Letters(type(life)(life.installation, other)).runs:
                raise NotCoveredError("runs of a profile that was joined into another")
        for row in life.customer.rows:
            if row.origin == "feedback" and row.name in FEEDBACK:
                self._feedback.setdefault(bytes.fromhex(row.properties["message_id"]), []).append(row)
        self._go()
        for run in self.runs:
            run.measure()
        for letter in self.letters.values():
            self._finish(letter)

    @property
    def verdicts(self):
        """effect id -> [(at_us, outcome, rule, due_us)]."""
        return {effect_id: letter.verdicts for effect_id, letter in self.letters.items()}

    def about(self, content, at_us):
        """The verdicts about messages of a content as they stood at an instant."""
        found = {
            effect_id: [one for one in letter.verdicts if one[0] <= at_us]
            for effect_id, letter in self.letters.items()
            if letter.message.config["content"] == content
        }
        return {effect_id: verdicts for effect_id, verdicts in found.items() if verdicts}

    def _go(self):
        entries = sorted(self._entries(), key=lambda one: (one[0].key, one[1]["id"]))
        asked = []
        while entries or self._planned or asked:
            groups = [_group(one[0]) for one in entries[:1]] + [(one.message.due_us, 0, 0) for one in self._planned]
            groups += [_group(moment) for moment, _ in asked]
            group = min(groups)
            if group[0] > self.life.until_us:
                break
            while entries and _group(entries[0][0]) == group:
                asked += self._enter(*entries.pop(0))
            due = [one for one in self._planned if (one.message.due_us, 0, 0) == group]
            self._planned = [one for one in self._planned if one not in due]
            now = [letter for moment, letter in asked if _group(moment) == group]
            asked = [one for one in asked if _group(one[0]) != group]
            moments = {id(one): _moment(self.life, one, group) for one in (*due, *now)}
            for letter in sorted(
                [*due, *now], key=lambda one: (one.message.priority, one.message.due_us, one.message.effect_id)
            ):
                asked += self._judge(letter, moments[id(letter)])

    # Who enters -------------------------------------------------------------------------------------------------------

    def _entries(self):
        """(moment, journey, properties, origin id, cause id) of everything that could let somebody in."""
        number, at_us, _ = self.life.customer.published[-1]
        for journey in self.life.definitions.journeys.values():
            entry = journey["entry"]
            if "event" in entry:
                for moment in self.life.moments:
                    row = moment.row
                    if row is None or row.number < number or row.is_late or not fires(self.life, row, entry["event"]):
                        continue
                    yield moment, journey, row.properties, row.event_id, row.event_id
            elif "segment_entered" in entry or "segment_left" in entry:
                entered = "segment_entered" in entry
                segment = entry["segment_entered" if entered else "segment_left"]
                for moment, kind, name, is_entry in self.life.changes_in_order:
                    if (kind, name, is_entry) != ("segment", segment, entered) or moment.at_us < at_us:
                        continue
                    row = moment.row
                    if row is not None and (row.is_late or row.type == "merge" or row.number < number):
                        continue
                    told = digest(
                        16, "derived", row.event_id if row is not None else moment.at_us,
                        self.life.bucket_key(moment.position), "Segment Entered" if entered else "Segment Left", segment,
                    )  # fmt: skip
                    yield moment, journey, {"segment": segment, "key": segment}, told, told
            elif "date" in entry:
                for due_us in self._dates(entry["date"]):
                    if due_us > at_us:
                        yield Moment(due_us, TIMER, 0, self.life.before(due_us)), journey, {}, due_us, b""
            else:
                raise NotCoveredError("journeys entered by schedule or broadcast")

    def _dates(self, config):
        """The instants at which a date is due, each by what was known just before."""
        if not config.get("yearly"):
            raise NotCoveredError("dates that are not yearly")
        rows, found = self.life.customer.rows, set()
        for position in range(1, len(rows) + 1):
            if not (rows[position - 1].traits or rows[position - 1].type == "merge"):
                continue
            value, zone = self._date(config, position)
            born = comparing.day_number(value, self.life.zone)
            if born is None:
                continue
            first, last = (date_of(day_of(us, zone)).year for us in (rows[0].at_us, self.life.until_us))
            for year in range(max(first - 1, date_of(born).year), last + 2):
                day = next(
                    day for day in range(_start_of(year), _start_of(year + 1)) if comparing.anniversary(value, day)
                )
                due_us = instant(day + config.get("offset_days", 0), minutes_of(config["at"]), zone)
                known = self.life.before(due_us)
                if rows[0].at_us < due_us <= self.life.until_us and self._date(config, known) == (value, zone):
                    found.add(due_us)
        return sorted(found)

    def _date(self, config, position):
        known = self.life.known(position)
        return known.attribute(config["attribute"]), known.zone(self.life.default_zone)

    def _enter(self, moment, journey, properties, origin, cause):
        """Let somebody in unless something speaks against it: [(moment, letter)] that the first steps want."""
        key = key_of(properties, journey["entry"].get("key", ""))
        if self._refusal(journey, moment, key):
            return []
        run = Run(self.life, journey, moment, properties=properties, origin=origin, cause=cause)
        self.runs.append(run)
        self._last.setdefault(journey["id"], []).append(run)
        return self._next(run.walk(), None)

    def _refusal(self, journey, moment, key):
        refusal = self.refusal(journey, moment, key)
        if refusal or "date" not in journey["entry"]:
            return refusal
        zone = self.life.known(moment.position).zone(self.life.default_zone)
        days = [day_of(run.entry.at_us, zone) for run in self._last.get(journey["id"], [])]
        return "today already" if day_of(moment.at_us, zone) in days else ""

    def refusal(self, journey, moment, key):
        """Why somebody may not enter in a moment: "", condition, once, once_per_key, cooldown or running."""
        condition, policy = journey["entry"].get("if"), journey.get("re_entry", "once")
        if condition is not None and not self.life.holds(moment, condition):
            return "condition"
        before = [run for run in self._last.get(journey["id"], []) if run.entry.key < moment.key]
        if before and policy == "once":
            return "once"
        if policy == "once_per_key" and any(run.key == key for run in before):
            return "once_per_key"
        if isinstance(policy, dict) and before:
            free_us = before[-1].entry.at_us + policy["cooldown_days"] * DAY
            return "cooldown" if moment.at_us < free_us else ""
        ended = [run.ended for run in before if run.key == key]
        if any(one is None or one[0].key > moment.key for one in ended):
            if policy == "always":
                raise NotCoveredError("runs that start over")
            return "running"
        return ""

    # What becomes of a message ----------------------------------------------------------------------------------------

    def _next(self, walk, fate):
        """Tell a run the fate of its message; [(moment, letter)] it wants next."""
        try:
            message, moment = walk.send(fate)
        except StopIteration:
            return []
        if moment.at_us > self.life.until_us:
            return []
        letter = Letter(message, walk)
        self.letters[message.effect_id] = letter
        return [(moment, letter)]

    def _judge(self, letter, moment):
        message, run = letter.message, letter.message.run
        stop = run.stop()
        if stop and stop[0].key < moment.key:
            letter.verdicts.append((stop[0].at_us, "cancelled", "cancelled", message.due_us))
            return self._next(letter.walk, ("stopped", stop[0]))
        outcome, rule, slot_us = judge(
            self.life, moment.position, message, moment.at_us, self._contacts(letter, moment)
        )
        if outcome != "release" and any(
            one.message.priority > message.priority and one is not letter for one in self._planned
        ):
            raise NotCoveredError("messages that push others out")
        if outcome == "withhold":
            if message.config.get("if_withheld") == "wait":
                raise NotCoveredError("messages that wait for a change")
            letter.verdicts.append((moment.at_us, "withheld", rule, message.due_us))
            return self._next(letter.walk, ("withheld", moment))
        message.due_us = slot_us
        if outcome == "planned":
            letter.verdicts.append((moment.at_us, "postponed" if letter.verdicts else "planned", rule, slot_us))
            self._planned.append(letter)
            return []
        letter.released = moment
        letter.verdicts.append((moment.at_us, "released", rule, slot_us))
        return self._next(letter.walk, ("sent", moment))

    def _contacts(self, letter, moment):
        """Every other marketing contact as it stands at this moment: by people, sent, on its way, planned."""
        found = contacts_of_people(self.life.known(moment.position))
        for other in self.letters.values():
            if other is letter or not (other.released or other in self._planned):
                continue
            ends = self._ends(other)
            at_us = other.message.due_us
            if ends is not None and ends[0] < moment.key:
                if ends[1] != "handed_over":
                    continue
                at_us = ends[2]
            found.append(Contact(at_us, other.message.channel, other.message.config["purpose"]))
        return found

    def _ends(self, letter):
        """(moment key, outcome, instant, rule) of what came after the release: taken back, sent or withheld."""
        run, released = letter.message.run, letter.released
        if released is None:
            return None
        for row in self._feedback.get(letter.message.effect_id, ()):
            key = (row.at_us, ROW, row.number)
            if key < released.key:
                continue
            taken_back = self._taken_back(run, released)
            if taken_back is not None and taken_back.key < key:
                return taken_back.key, "cancelled", letter.message.due_us, "cancelled"
            if row.name == "Message Sent":
                return key, "handed_over", row.happened_us, "sent"
            if row.name != "Message Withheld":
                raise NotCoveredError(f"the answer {row.name}")
            reasons = row.properties.get("reasons") or [row.properties.get("reason")]
            rule = reasons[0][0] if isinstance(reasons[0], list) else reasons[0]
            return key, "withheld", letter.message.due_us, rule
        taken_back = self._taken_back(run, released)
        if taken_back is None:
            return None
        return taken_back.key, "cancelled", letter.message.due_us, "cancelled"

    def _taken_back(self, run, released):
        """When a goal or an exit took back what the run had in the outbox; not what ended by its own steps."""
        stop = run.stop()
        if stop is None or stop[0].key < released.key:
            return None
        if run.ended is not None and run.ended[0].key < stop[0].key:
            return None
        return stop[0]

    def _finish(self, letter):
        ends = self._ends(letter)
        if ends is not None and ends[0][0] <= self.life.until_us:
            letter.verdicts.append((ends[0][0], ends[1], ends[3], ends[2]))


def _group(moment):
    """What is judged together: all that time brings at one instant, or all that one row brings."""
    return moment.at_us, 1 if moment.order == ROW else 0, moment.number


def _moment(life, letter, group):
    """The moment of judgement: what is known in this group."""
    at_us, is_row, number = group
    if not is_row:
        return Moment(at_us, TIMER, 0, life.before(at_us))
    return next(one for one in life.moments if one.key == (at_us, ROW, number))


def _start_of(year):
    return (date_of(0).replace(year=year) - date_of(0)).days
