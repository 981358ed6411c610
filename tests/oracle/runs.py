"""One run through a journey, told from its entry on (docs/reference/definitions.md, "Journeys").

What ends a run from outside (goal, exit) is looked up in the customer's moments; waits are computed; only the fate of a
message is asked from `letters.py`, by yielding it.
"""

from datetime import datetime, timedelta
from fractions import Fraction
from functools import cached_property
from itertools import chain

from tests.oracle import comparing
from tests.oracle.comparing import passes
from tests.oracle.gate import Message
from tests.oracle.history import DERIVED
from tests.oracle.known import is_act
from tests.oracle.life import TIMER, Moment
from tests.oracle.local_time import (
    DAY,
    EPOCH,
    HOUR,
    MINUTE,
    WEEKDAYS,
    add_days,
    day_of,
    instant,
    local,
    minutes_of,
    next_time,
)  # fmt: skip
from tests.oracle.permission import NEVER
from tests.oracle.world import bucket, digest

LATE_GOAL_DAYS = 7
"""How long after its window a goal within it is still heard of by a run that is over."""
FOREVER = (1 << 62, TIMER, 0)


def key_of(properties, path):
    """The entry key that an event names, "" if none."""
    value = comparing.dig(properties, path) if path else None
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def is_event(config):
    """Whether a goal or exit is an event from now on (and not a condition about the past)."""
    return set(config) <= {"event", "within_days", "exit_on_goal"} and "event" in config and (
        set(config["event"]) <= {"name", "where", "key"}
    )  # fmt: skip


def fires(life, row, pattern):
    """Whether this row is such an event."""
    names = pattern["name"] if isinstance(pattern["name"], list) else [pattern["name"]]
    return row.name in names and passes(row, pattern.get("where", ()), life.zone)


class Run:
    """One run: its path so far, and whether it goes on."""

    def __init__(self, life, journey, entry, *, properties, origin, cause):
        self.life = life
        self.journey = journey
        self.entry = entry
        self.properties = properties
        self.key = key_of(properties, journey["entry"].get("key", ""))
        person = life.bucket_key(entry.position)
        self.run_id = digest(16, "run", journey["id"], self.key, origin, person)
        self.origin = cause or entry.at_us
        holdout = journey.get("holdout")
        self.in_holdout = bool(holdout) and (
            bucket(person, holdout.get("salt", journey["id"])) < round(holdout["percent"] * 100)
        )
        self.lines = []
        """[(moment key, step, outcome)]."""
        self.ended = None
        """(moment, outcome) once it is over; None: it goes on beyond what is known."""
        self.restarted = None
        self.refused = None
        """The moment in which another run of the same key took its place."""
        self.names = [step["id"] for step in journey["steps"]]
        self.steps = {step["id"]: step for step in journey["steps"]}
        self.counts = {}

    @property
    def path(self):
        """[(step, outcome, at_us)]."""
        return [(step, outcome, key[0]) for key, step, outcome in self.lines]

    def path_until(self, at_us):
        """The path as it stood at an instant."""
        return [line for line in self.path if line[2] <= at_us]

    # What ends it from outside ------------------------------------------------------------------------------------

    def goal(self):
        """The moment at which the goal is reached, None if it is not."""
        goal = self.journey.get("goal")
        if goal is None:
            return None
        within = goal.get("within_days")
        if self._has_reached(self.entry):
            return None  # no more to reach
        for moment in self._later():
            ends_us = NEVER if within is None else self.entry.at_us + within * DAY
            when = (
                self._when(moment, goal["event"], ends_us)
                if "event" in goal
                else self._holds(moment, goal["condition"])
            )
            if when is not None and (within is None or when <= self.entry.at_us + within * DAY):
                return moment
        return None

    def _when(self, moment, pattern, ends_us=NEVER):
        """When a row that fits happened: a late one, or one after the end, at its own time, if that lies after the entry."""
        row = moment.row
        if row is None or not fires(self.life, row, pattern):
            return None
        path = pattern.get("key", self.journey["entry"].get("key", ""))
        named = key_of(row.properties, path) if self.key else ""
        if named not in ("", self.key):
            return None
        when = row.happened_us if row.is_late or moment.at_us > ends_us else moment.at_us
        return when if when >= self.entry.at_us else None

    def _holds(self, moment, condition):
        """The instant of a moment in which a condition holds, else None."""
        return moment.at_us if self.life.holds(moment, condition) else None

    def _has_reached(self, moment):
        """Whether a goal that is a condition holds in a moment."""
        goal = self.journey.get("goal") or {}
        return "condition" in goal and self.life.holds(moment, goal["condition"])

    def _later(self):
        return (moment for moment in self.life.moments if moment.key > self.entry.key)

    def exit(self):
        """The first moment at which the journey must be left, None if there is none."""
        condition = self.journey.get("exit_when")
        if condition is None:
            return None
        if is_event(condition):
            return next((one for one in self._later() if self._when(one, condition["event"]) is not None), None)
        return next((one for one in self._later() if self.life.holds(one, condition)), None)

    def stop(self):
        """(moment, outcome) of what would end this run from outside, goal before exit; None."""
        found = list(self._stops)
        if self.restarted is not None:
            found.append((self.restarted.key, 2, self.restarted, "exited:restarted"))
        if self.refused is not None:
            found.append((self.refused.key, 2, self.refused, "exited:withheld"))
        if not found:
            return None
        _, _, moment, outcome = min(found, key=lambda one: one[:2])
        return moment, outcome

    @cached_property
    def _stops(self):
        found = []
        goal, leave = self.goal(), self.exit()
        if goal is not None and self.journey["goal"].get("exit_on_goal", True):
            found.append((goal.key, 0, goal, "goal"))
        if leave is not None:
            found.append((leave.key, 1, leave, "exited:exit_when"))
        return found

    def restart(self, moment):
        """Another run takes its place: what was told beyond this moment does not happen."""
        self.restarted = moment
        self.lines = [line for line in self.lines if line[0] <= moment.key]
        self.ended = None
        standing = self.lines[-1][1] if self.lines[-1][2] == "waiting" else ""
        self._end(moment, standing, "exited:restarted")

    # The steps --------------------------------------------------------------------------------------------------------

    def walk(self):  # noqa: PLR0911, PLR0912, PLR0915  (one branch per kind of step)
        """Generator: yields (Message, moment) and takes ("sent" | "withheld", moment); ends when the run does."""
        here = self.entry
        self._note(here, "", "entered")
        if self.in_holdout:
            self._note(here, "", "holdout")
        if self._has_reached(here):
            self._note(here, "", "goal")
            if self.journey["goal"].get("exit_on_goal", True):
                self.ended = (here, "goal")
                return
        leave = self.journey.get("exit_when")
        if leave is not None and not is_event(leave) and self.life.holds(here, leave):
            self._end(here, "", "exited:exit_when")
            return
        step = self.journey.get("start", self.names[0])
        stop = self.stop()
        while step != "exit":
            config = self.steps[step]
            self.counts[step] = self.counts.get(step, 0) + 1
            following = config.get("next") or self._after(step)
            if "message" in config and not self.in_holdout:
                self._note(here, step, "waiting")
                fate, there = yield self._message(step, config["message"], here), here
                if fate == "unknown" or there is None:
                    return  # not decided within what is known
                if fate == "stopped":
                    self._stop(there, step)
                    return
                here = there
                if fate == "withheld" and config["message"].get("if_withheld", "skip") == "exit":
                    self._end(here, step, "exited:withheld")
                    return
                self._note(here, step, fate)
                stop = self.stop()
            elif "message" in config:
                self._note(here, step, "holdout")
            elif "branch" in config:
                way = next((o for o in config["branch"] if "when" not in o or self.life.holds(here, o["when"])), None)
                self._note(here, step, f"branch:{way['id'] if way else 'none'}")
                following = (way or {}).get("next") or following
            elif "split" in config:
                way = self._part(step, config["split"], here)
                self._note(here, step, f"branch:{way['id'] if way else 'none'}")
                following = (way or {}).get("next") or following
            elif "wait" in config or "wait_for" in config:
                found = self._wait(config, step, here, stop)
                if found is None:
                    return
                here, outcome, target = found
                self._note(here, step, outcome)
                following = target or following
            elif "exit" in config:
                self._end(here, step, f"exited:{config['exit'].get('reason', 'exit')}")
                return
            else:
                self._note(here, step, "holdout" if self.in_holdout else self._spoken(config, here))
            step = following
        self._end(here, "", "done")

    def _spoken(self, config, here):
        """ "done" if the log holds the event that this step speaks, at the instant it was reached."""
        if "emit_event" in config:
            name, properties = config["emit_event"]["name"], config["emit_event"].get("properties", {})
        elif "set_attribute" in config:
            name, properties = "Attribute Set", config["set_attribute"]
        else:
            name, properties = "Score Added", config["add_score"]
        rows = [row for row in self.life.customer.rows if row.flags & DERIVED and row.at_us == here.at_us]
        return "done" if any((row.name, row.properties) == (name, properties) for row in rows) else "said nothing"

    def _part(self, step, config, here):
        """The part of a split in which this person's bucket lies."""
        own = bucket(self.life.bucket_key(here.position), config.get("salt") or f"{self.journey['id']}.{step}")
        upper = Fraction(0)
        for part in config["parts"]:
            upper += Fraction(str(part["percent"])) * 100
            if own < upper:
                return part
        return None

    def _wait(self, config, step, here, stop):
        """(moment, outcome, target) at which the waiting is over; None if the run ended or what is known ends first."""
        due = self._due(config.get("wait") or config["wait_for"].get("timeout"), here)
        if due is None:
            self._end(here, step, "failed")
            return None
        watched = config["wait_for"]["any"] if "wait_for" in config else []
        outcome = ("branch:timeout", config["wait_for"].get("on_timeout")) if watched else ("done", None)
        if due.at_us <= here.at_us:
            return here, *outcome
        for one in watched:
            if "condition" in one and self.life.holds(here, one["condition"]):
                return here, f"branch:{one['id']}", one.get("next")
        self._note(here, step, "waiting")
        until = stop[0].key if stop else FOREVER
        for moment in (one for one in self._later() if watched and here.key < one.key < min(due.key, until)):
            is_heard = moment.row is not None and not moment.row.is_late
            heard = (
                one for one in watched if "event" in one and is_heard and self._when(moment, one["event"]) is not None
            )
            held = (one for one in watched if "condition" in one and self.life.holds(moment, one["condition"]))
            for one in chain(heard, held):
                return moment, f"branch:{one['id']}", one.get("next")
        if until < due.key:
            self._stop(stop, step)
            return None
        return (due, *outcome) if due.at_us <= self.life.until_us else None

    def _due(self, config, here):
        """The moment at which a wait is over, None if the event does not say; whoever moves keeps the local time."""
        if config is None:
            return Moment(FOREVER[0], TIMER, 0, here.position)
        zone = self.life.known(here.position).zone(self.life.default_zone)
        due_us = _due_us(config, here.at_us, zone, self.properties)
        if due_us is None:
            return None
        for moment in (one for one in self._later() if here.key < one.key and one.row is not None):
            if moment.at_us >= due_us:
                break
            now = self.life.known(moment.position).zone(self.life.default_zone)
            if now != zone:
                zone, due_us = now, _due_us(config, here.at_us, now, self.properties)
                if due_us <= moment.at_us:
                    return moment
        return Moment(due_us, TIMER, 0, max(self.life.before(due_us), here.position))

    def _message(self, step, config, here):
        effect_id = digest(16, "effect", self.origin, self.run_id, step, self.counts[step])
        acted_us = here.row.occurred_us if here.row is not None and is_act(here.row) else -1
        return Message(effect_id, self.journey, step, config, here.at_us, here.at_us, acted_us, self)

    def _after(self, step):
        at = self.names.index(step) + 1
        return self.names[at] if at < len(self.names) else "exit"

    def _note(self, moment, step, outcome):
        self.lines.append((moment.key, step, outcome))

    def _stop(self, stop, step):
        self._end(stop[0], step, stop[1])

    def _end(self, moment, step, outcome):
        self._note(moment, step, outcome)
        self.ended = (moment, outcome)

    def measure(self):
        """Put the goal in its place when it did not end the run: reached later, or a journey that goes on."""
        goal = self.goal()
        if goal is None or (self.ended and self.ended[1] in ("goal", "exited:restarted")):
            return
        if self.ended is None and self.journey["goal"].get("exit_on_goal", True):
            return
        within = self.journey["goal"].get("within_days")
        is_over = self.ended is not None and goal.key > self.ended[0].key
        if is_over and (within is None or goal.at_us > self.entry.at_us + (within + LATE_GOAL_DAYS) * DAY):
            return
        before = [line for line in self.lines if line[0] < goal.key]
        standing = before[-1][1] if before[-1][2] == "waiting" else ""
        self.lines.insert(len(before), (goal.key, standing, "goal"))


def _due_us(config, since_us, zone, properties):
    minutes = minutes_of(config["at"]) if "at" in config else None
    if "until_weekday" in config:
        due_us = since_us
        while True:
            due_us = next_time(due_us, minutes, zone)
            if local(due_us, zone).weekday() == WEEKDAYS.index(config["until_weekday"]):
                return due_us
    if "until" in config or "until_property" in config:
        stated = config.get("until") or comparing.dig(properties, config["until_property"])
        return _stated_us(stated, config.get("offset_days", 0), minutes, zone)
    days = config.get("days", 0) + 7 * config.get("weeks", 0)
    exact_us = config.get("hours", 0) * HOUR + config.get("minutes", 0) * MINUTE
    if days and minutes is not None and not exact_us:
        return instant(day_of(since_us, zone) + days, minutes, zone)
    moved_us = (add_days(since_us, days, zone) if days else since_us) + exact_us
    if minutes is None:
        return moved_us
    return next_time(moved_us - 1 if exact_us else moved_us, minutes, zone)


def _stated_us(value, offset_days, minutes, zone):
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    if moment.tzinfo is not None:
        moment = local((moment - EPOCH) // timedelta(microseconds=1), zone)
    day = moment.date().toordinal() - 719_163 + offset_days
    if minutes is not None:
        return instant(day, minutes, zone)
    return instant(day, moment.hour * 60 + moment.minute, zone, moment.second, moment.microsecond)
