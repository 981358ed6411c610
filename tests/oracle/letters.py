"""Every message of one customer: what becomes of what the steps of journeys want to send.

Goes through time group by group: all that is decided at one instant (or because of one row) is judged together, the
most important first. What waits is asked again in every moment, and when another message takes or frees a place.
"""

from bisect import bisect_right
from dataclasses import dataclass, field

from tests.oracle.entries import entries_of, is_timed
from tests.oracle.gate import Contact, contacts_of_people, has_room, is_never_first, judge
from tests.oracle.known import NotCoveredError
from tests.oracle.life import ROW, TIMER, Moment
from tests.oracle.local_time import DAY, day_of
from tests.oracle.runs import Run, key_of

FEEDBACK = (
    "Message Sent",
    "Message Withheld",
    "Message Postponed",
    "Message Failed",
    "Message Uncertain",
    "Message Held",
)


@dataclass(eq=False)
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
        self._planned, self._waiting = [], []
        self._asked = []
        """[(moment, letter)] not judged yet."""
        self._last = {}
        self._feedback = {}
        for _, other in life.customer.absorbed:
            if Letters(type(life)(life.installation, other)).runs:
                raise NotCoveredError("runs of a profile that was joined into another")
        for row in life.customer.rows:
            if row.origin == "feedback" and row.name in FEEDBACK:
                self._feedback.setdefault(bytes.fromhex(row.properties["message_id"]), []).append(row)
        self._groups = sorted({_group(moment) for moment in life.moments})
        self._moments = {moment.key: moment for moment in life.moments}
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
        entries, last = entries_of(self.life), (-1, 0, 0)
        while True:
            group = self._next_group(entries, last)
            if group is None or group[0] > self.life.until_us:
                break
            moment, last = self._moment(group), group
            self._take_back(moment)
            while entries and _group(entries[0][0]) == group:
                self._enter(*entries.pop(0))
            self._judge_all(moment, group)

    def _next_group(self, entries, last):
        """What comes next; the same group again while it brings about more."""
        found = [_group(one[0]) for one in entries[:1]] + [_group(moment) for moment, _ in self._asked]
        found += [(one.message.due_us, 0, 0) for one in (*self._planned, *self._waiting)]
        if self._waiting:
            found += self._groups[bisect_right(self._groups, last) :][:1]
        return min(found, default=None)

    def _moment(self, group):
        at_us, is_row, number = group
        if not is_row:
            return Moment(at_us, TIMER, 0, self.life.before(at_us))
        return self._moments[at_us, ROW, number]

    # Who enters -------------------------------------------------------------------------------------------------------

    def _enter(self, moment, journey, properties, origin, cause):
        """Let somebody in unless something speaks against it; a run that starts over ends the one before."""
        key = key_of(properties, journey["entry"].get("key", ""))
        if self._refusal(journey, moment, key):
            return
        for old in self._under_way(journey, moment, key):
            old.restart(moment)
            self._asked = [one for one in self._asked if one[1].message.run is not old]
            self._take_back(moment)
        run = Run(self.life, journey, moment, properties=properties, origin=origin, cause=cause)
        self.runs.append(run)
        self._last.setdefault(journey["id"], []).append(run)
        self._go_on(run.walk(), None)

    def _under_way(self, journey, moment, key):
        before = [run for run in self._last.get(journey["id"], []) if run.entry.key < moment.key and run.key == key]
        return [run for run in before if run.ended is None or run.ended[0].key > moment.key]

    def _refusal(self, journey, moment, key):
        refusal = self.refusal(journey, moment, key)
        if refusal or not is_timed(journey):
            return refusal
        zone = self.life.known(moment.position).zone(self.life.default_zone)
        days = [day_of(run.entry.at_us, zone) for run in self._last.get(journey["id"], [])]
        return "today already" if day_of(moment.at_us, zone) in days else ""

    def refusal(self, journey, moment, key):
        """Why somebody may not enter in a moment: "", condition, once, once_per_key, cooldown or running."""
        entry, policy = journey["entry"], journey.get("re_entry", "once")
        audience = (entry.get("schedule") or entry.get("broadcast") or {}).get("audience")
        for condition in (audience, entry.get("if")):
            if condition is not None and not self.life.holds(moment, condition):
                return "condition"
        before = [run for run in self._last.get(journey["id"], []) if run.entry.key < moment.key]
        if before and policy == "once":
            return "once"
        if policy == "once_per_key" and any(run.key == key for run in before):
            return "once_per_key"
        if isinstance(policy, dict) and before:
            free_us = before[-1].entry.at_us + policy["cooldown_days"] * DAY
            if moment.at_us < free_us:
                return "cooldown"
        return "running" if policy != "always" and self._under_way(journey, moment, key) else ""

    # What becomes of a message ----------------------------------------------------------------------------------------

    def _go_on(self, walk, fate):
        """Tell a run the fate of its message, and note the one it wants next."""
        try:
            message, moment = walk.send(fate)
        except StopIteration:
            return
        if moment.at_us <= self.life.until_us:
            self._asked.append((moment, Letter(message, walk)))

    def _take_back(self, moment):
        """What a run had planned when something from outside ended it."""
        for letter in [*self._planned, *self._waiting]:
            run, stop = letter.message.run, letter.message.run.stop()
            if stop is None or stop[0].key > moment.key:
                continue
            self._planned, self._waiting = _without(self._planned, letter), _without(self._waiting, letter)
            letter.verdicts.append((stop[0].at_us, "cancelled", "cancelled", letter.message.due_us))
            if run.ended is None:
                self._go_on(letter.walk, ("stopped", stop))

    def _judge_all(self, moment, group):
        now = [letter for at, letter in self._asked if _group(at) == group]
        self._asked = [one for one in self._asked if _group(one[0]) != group]
        self.letters |= {letter.message.effect_id: letter for letter in now}
        due = [one for one in self._planned if (one.message.due_us, 0, 0) <= group]
        letters = sorted([*due, *self._waiting, *now], key=_order)
        while letters:
            places = self._places()
            for letter in letters:
                is_due = letter in self._planned and letter.message.due_us <= moment.at_us
                if letter in due and not (is_due or letter in self._waiting):
                    continue  # pushed to another place a moment ago
                self._planned = _without(self._planned, letter)
                self._judge(letter, moment)
            # Whoever waits may have waited for what has just moved.
            letters = sorted(self._waiting, key=_order) if self._places() != places else []

    def _places(self):
        """Who uses the budget, when, and whether that is for good."""
        placed = [one for one in self.letters.values() if one.released or one in self._planned]
        return {(one, one.message.due_us, one.released is not None) for one in placed}

    def _judge(self, letter, moment):
        message, lower = letter.message, []
        answer = judge(self.life, moment, message, self._contacts(letter, moment))
        if answer[0] != "release" and message.message_class == "marketing":
            lower = sorted((one for one in self._planned if one.message.priority > message.priority), key=_order)
        if lower:
            bold = judge(self.life, moment, message, self._contacts(letter, moment, without=lower))
            if bold[0] != "withhold" and (answer[0] == "withhold" or bold[2] < answer[2]):
                answer = bold
            else:
                lower = []
        outcome, rule, slot_us = answer
        if outcome == "withhold":
            self._withhold(letter, moment, rule)
            return
        self._waiting = _without(self._waiting, letter)
        message.due_us = slot_us
        if outcome == "planned":
            letter.verdicts.append((moment.at_us, "postponed" if letter.verdicts else "planned", rule, slot_us))
            self._planned.append(letter)
        else:
            letter.released = moment
            letter.verdicts.append((moment.at_us, "released", rule, slot_us))
            if message.config.get("if_withheld") == "exit" and message.run.refused is None:
                message.run.refused = self._refused(message, moment)
            self._go_on(letter.walk, ("sent", moment))
        self._push_out([one for one in lower if one.message.message_class == "marketing"], moment)

    def _refused(self, message, released):
        """The moment in which the hand-over refused a message that had been released; None."""
        for row in self._feedback.get(message.effect_id, ()):
            if row.name == "Message Withheld" and (row.at_us, ROW, row.number) >= released.key:
                return self._moments[row.at_us, ROW, row.number]
        return None

    def _withhold(self, letter, moment, rule):
        message = letter.message
        if message.waits and moment.at_us < message.valid_until_us:
            if letter not in self._waiting:
                self._waiting.append(letter)
                message.due_us = message.valid_until_us
                letter.verdicts.append((moment.at_us, "withheld", rule, message.due_us))
            return
        self._waiting = _without(self._waiting, letter)
        letter.verdicts.append((moment.at_us, "expired" if message.waits else "withheld", rule, message.due_us))
        self._go_on(letter.walk, ("withheld", moment))

    def _push_out(self, lower, moment):
        """Less important ones keep their places where they still fit, the most important first; the others look for the next."""
        for number, one in enumerate(lower):
            later, message = lower[number + 1 :], one.message
            if has_room(self.life, moment, message, self._contacts(one, moment, without=later), message.due_us):
                continue
            weaker = [other for other in later if other.message.priority > message.priority]
            outcome, rule, slot_us = judge(
                self.life, moment, message, self._contacts(one, moment, without=weaker),
                from_us=max(message.due_us, moment.at_us),
            )  # fmt: skip
            if outcome == "withhold":
                self._planned = _without(self._planned, one)
                self._withhold(one, moment, rule)
            else:
                message.due_us = slot_us
                one.verdicts.append((moment.at_us, "displaced", rule, slot_us))

    def _contacts(self, letter, moment, *, without=()):
        """Every other marketing contact as it stands at this moment: by people, sent, on its way, planned."""
        found = contacts_of_people(self.life.known(moment.position))
        for other in self.letters.values():
            if other is letter or other in without or other.message.message_class != "marketing":
                continue
            if not (other.released or other in self._planned):
                continue
            ends = self._ends(other)
            at_us = other.message.due_us
            if ends is not None and ends[0] < moment.key:
                if ends[1] != "handed_over":
                    continue
                at_us = ends[2]
            is_second = other.released is None and is_never_first(self.life, moment, other.message)
            found.append(Contact(at_us, other.message.channel, other.message.config["purpose"], is_second))
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
        """When a goal or an exit took back what the run had in the outbox; of what ended by its own steps only a goal that is still measured does."""
        stop = run.stop()
        if stop is None or stop[0].key < released.key or stop[1] == "exited:withheld":
            return None
        if run.ended is not None and run.ended[0].key < stop[0].key:
            goal, config = run.goal(), run.journey.get("goal", {})
            is_measured = "within_days" in config and config.get("exit_on_goal", True)
            return goal if is_measured and goal is not None and goal.key >= released.key else None
        return stop[0]

    def _finish(self, letter):
        ends = self._ends(letter)
        if ends is not None and ends[0][0] <= self.life.until_us:
            letter.verdicts.append((ends[0][0], ends[1], ends[3], ends[2]))


def _group(moment):
    """What is judged together: all that time brings at one instant, or all that one row brings."""
    return moment.at_us, 1 if moment.order == ROW else 0, moment.number


def _order(letter):
    return letter.message.priority, letter.message.due_us, letter.message.effect_id


def _without(letters, one):
    return [other for other in letters if other is not one]
