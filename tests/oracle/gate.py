"""The questions of the contact policy, asked in order (docs/reference/contact-policy.md, "Questions").

A question answers "" or a rule that refuses, and whether time alone lifts it. When a message may go is found by trying
every instant at which any rule could end, in order; nothing is computed from one rule to the next.
"""

from calendar import isleap
from dataclasses import dataclass
from datetime import date
from functools import cache

import holidays

from tests.oracle.known import NotCoveredError
from tests.oracle.local_time import DAY, HOUR, MINUTE, WEEKDAYS, day_of, day_start, instant, local, minutes_of
from tests.oracle.permission import NEVER
from tests.oracle.world import World, bucket

FOR_GOOD, FOR_NOW = True, False
PEOPLE = {"Letter Sent": "letter", "Visit Held": "visit"}
SUBJECTS = ("order_id", "product_id", "case_id", "cart_id", "category")
"""What a message and a matter can both be about."""
CITIES = ("Augsburg", "Stadt Zurich")
NOT_COVERED = ("Call Made", "Marketing Paused", "Marketing Resumed")


@dataclass
class Message:
    """A message that a step wants to send."""

    effect_id: bytes
    journey: dict
    step: str
    config: dict
    decided_us: int
    due_us: int
    acted_us: int
    """The act of the person that it answers; -1: none."""
    run: object = None

    @property
    def priority(self):
        """1 goes first."""
        return self.config.get("priority") or self.journey.get("priority", 5)

    @property
    def valid_until_us(self):
        """Of no use later."""
        return self.decided_us + self.config.get("valid_for_hours", 72) * HOUR

    @property
    def channel(self):
        """Where it goes."""
        return self.config.get("channel", "email")

    @property
    def message_class(self):
        """transactional, service or marketing."""
        return self.config.get("message_class", "marketing")

    @property
    def waits(self):
        """Whether it is kept until it is of no more use, however often it is refused."""
        return self.config.get("if_withheld") == "wait"


@dataclass(frozen=True)
class Contact:
    """A marketing contact that happened or is planned."""

    at_us: int
    channel: str
    purpose: str
    is_second: bool = False
    """Planned, and allowed only behind another one: so it is never the first that somebody else waits for."""


def contacts_of_people(known):
    """Letters and visits that people reported."""
    for name in NOT_COVERED:
        if name in known.by_name:
            raise NotCoveredError(f"the event {name}")
    return [
        Contact(row.happened_us, channel, str(row.properties.get("purpose", "")))
        for name, channel in PEOPLE.items()
        for row in known.by_name.get(name, ())
        if row.properties.get("message_class", "marketing") == "marketing" and row.origin != "feedback"
    ]


def judge(life, moment, message, contacts, *, from_us=None):
    """("release", rule, instant), ("planned", rule, instant) or ("withhold", rule, -1), asked from an instant on (None: now)."""
    if message.channel != "email":
        raise NotCoveredError("messages other than by e-mail")
    from_us = moment.at_us if from_us is None else from_us
    asked = _Asked(life, moment, message, contacts)
    refusals = asked.refusals(from_us)
    if not refusals:
        return "release", "basis", from_us
    final = next((rule for rule, ends in refusals if ends is FOR_GOOD), "")
    if final:
        return "withhold", final, -1
    for later_us in asked.instants(from_us):
        if not asked.refusals(later_us):
            return "planned", refusals[0][0], later_us
    return "withhold", refusals[0][0], -1


def is_never_first(life, moment, message):
    """Whether another contact has to come before a message that is planned: incentives, and after a complaint what sells."""
    return _Asked(life, moment, message, ()).needs_another(message.due_us)


def has_room(life, moment, message, contacts, at_us):
    """Whether the budget alone lets a message keep its place at an instant."""
    return not _Asked(life, moment, message, contacts).is_full(at_us)


class _Asked:
    """One message, with what is known now, asked about any instant from now on."""

    def __init__(self, life, moment, message, contacts):
        self.life = life
        self.known = life.known(moment.position)
        self.message = message
        self.now_us = moment.at_us
        self.edition = life.edition(moment.key)
        self.definitions = life.definitions(self.edition)
        self.policy = self.definitions.policy
        self.contacts = contacts
        self.zone = self.known.zone(life.default_zone)

    def refusals(self, at_us):
        """[(rule, whether for good)] in the order of the questions."""
        world = self._world(at_us)
        questions = [self._address, self._suppression, self._validity]
        if self.message.message_class == "service":
            questions = [
                self._address,
                self._basis,
                self._suppression,
                self._situation,
                self._validity,
                self._quiet_time,
            ]
        elif self.message.message_class == "marketing":
            questions = [
                self._address, self._basis, self._suppression, self._objection, self._global_holdout, self._age,
                self._situation, self._validity, self._incentive, self._after_conversion, self._limits, self._quiet_time,
            ]  # fmt: skip
        return [one for one in (question(world) for question in questions) if one is not None]

    def is_full(self, at_us):
        """Whether the budget has no room at an instant."""
        world = self._world(at_us)
        return self._after_conversion(world) is not None or self._limits(world) is not None

    def needs_another(self, at_us):
        """Whether the message may not be the first contact at an instant."""
        if self.message.config["purpose"] in self.policy.get("incentives", ["incentive"]):
            return True
        now = self._world(self.now_us)
        return self._sells() and any(
            not now.situation(kind) and at_us < now.rest_ended(kind) + one.get("gentle_days", 0) * DAY
            for kind, one in self.definitions.situations.items()
            if one.get("gentle_days")
        )

    def _world(self, at_us):
        return World(self.known, at_us, self.edition)

    def instants(self, from_us):
        """Every instant until the message is of no use at which a rule may end."""
        until_us = self.message.valid_until_us
        found = {world_us for world_us in self._rests(from_us)}
        for limit in self.policy["limits"]:
            found.update(one.at_us + limit["per_hours"] * HOUR for one in self.contacts)
        found.update(one.at_us + 7 * DAY for one in self.contacts)
        found.update(one.at_us + 1 for one in self.contacts)  # what may not be the first may be the second
        if self._of_age_us() is not None:
            found.add(self._of_age_us())
        found.add(self.known.permission.suppressed_until(self._world(from_us), "email", "marketing")[1])
        first_us = self._world(from_us).trait("first_order_at")
        if first_us is not None:
            found.add(first_us + self.policy["after_conversion"]["days"] * DAY)
        for day in range(day_of(from_us, self.zone), day_of(until_us, self.zone) + 2):
            found.add(day_start(day, self.zone))
            found.update(
                instant(day, minutes_of(one.get("to", "00:00")), self.zone) for one in self.policy["quiet_hours"]
            )
        if self._is_answer(from_us):
            found.add(from_us)
        return sorted(at_us for at_us in found if from_us < at_us <= until_us)

    def _rests(self, from_us):
        world = self._world(self.now_us)
        for kind, one in self.definitions.situations.items():
            yield world.rest_ended(kind)
            yield world.rest_ended(kind) + one.get("gentle_days", 0) * DAY

    # One question each ------------------------------------------------------------------------------------------------

    def _address(self, world):
        value = self.known.attribute("email")
        return None if isinstance(value, str) and value.strip() else ("no_address", FOR_GOOD)

    def _law(self, world):
        category = self.message.run.properties.get("category")
        return world.may(self.message.channel, self.message.config["purpose"], self.message.message_class, category)

    def _basis(self, world):
        allowed, reason = self._law(world)
        return None if allowed or reason in ("objected", "withdrawn") else ("basis", FOR_GOOD)

    def _suppression(self, world):
        found, until_us = self.known.permission.suppressed_until(
            world, self.message.channel, self.message.message_class
        )
        if not found:
            return None
        return "suppressed", FOR_GOOD if until_us >= NEVER else FOR_NOW

    def _objection(self, world):
        allowed, reason = self._law(world)
        if allowed or reason not in ("objected", "withdrawn"):
            return None
        return ("objection" if reason == "objected" else "withdrawn"), FOR_GOOD

    def _global_holdout(self, world):
        holdout = self.policy["global_holdout"]
        inside = bucket(self.life.bucket_key(self.known.position), holdout["salt"]) < round(holdout["percent"] * 100)
        return ("global_holdout", FOR_GOOD) if inside else None

    def _of_age_us(self):
        """When the person is old enough for marketing; None where nobody knows."""
        rule = self.policy.get("minors", {})
        age = rule.get("countries", {"AT": 14}).get(self.known.country, rule.get("of_age", 16))
        text = self.known.attribute(rule.get("attribute", "birthday"))
        try:
            born = date.fromisoformat(text[:10]) if isinstance(text, str) else None
        except ValueError:
            born = None
        if born is None or born.year < 1900:
            return None
        leaps = (born.month, born.day) == (2, 29) and not isleap(born.year + age)
        on = date(born.year + age, 3, 1) if leaps else born.replace(year=born.year + age)
        return day_start((on - date(1970, 1, 1)).days, self.zone)

    def _age(self, world):
        of_age_us = self._of_age_us()
        return ("minor", FOR_NOW) if of_age_us is not None and world.at_us < of_age_us else None

    def _incentive(self, world):
        if self.message.config["purpose"] not in self.policy.get("incentives", ["incentive"]):
            return None
        before = any(world.at_us - 60 * DAY <= one.at_us < world.at_us for one in self.contacts if not one.is_second)
        return None if before else ("first_incentive", FOR_NOW)

    def _situation(self, world):
        found, latest_us = None, -1
        now = self._world(self.now_us)  # what will only begin holds nothing yet
        for hold in self.policy["situations"]:
            if not self._is_held_by(hold):
                continue
            kind = hold["situation"]
            if now.situation(kind):
                return "situation", FOR_GOOD
            ended_us = now.rest_ended(kind)
            gentle_us = ended_us + self.definitions.situations[kind].get("gentle_days", 0) * DAY
            if ended_us > world.at_us and ended_us > latest_us:
                found, latest_us = ("situation", FOR_NOW), ended_us
            elif ended_us <= world.at_us < gentle_us and self._sells():
                after = [one.at_us + 1 for one in self.contacts if one.at_us >= ended_us and not one.is_second]
                first_us = min(after, default=gentle_us)
                if world.at_us < first_us and min(first_us, gentle_us) > latest_us:
                    found, latest_us = ("first_after", FOR_NOW), min(first_us, gentle_us)
        return found

    def _is_held_by(self, hold):
        """Whether a line of the policy is about this message."""
        message, purpose = self.message, self.message.config["purpose"]
        low, high = hold.get("priorities", [1, 10])
        if not low <= message.priority <= high:
            return False
        if message.message_class == "service" and hold.get("holds") != "service":
            return False
        if message.journey["id"] in hold.get("except_journeys", ()) or purpose in hold.get("except_purposes", ()) or (
            message.channel not in hold.get("channels", [message.channel])
        ):  # fmt: skip
            return False
        if message.journey["id"] in hold.get("journeys", ()) or purpose in hold.get("purposes", ()):
            return True
        if hold.get("same_subject"):
            return self._is_about(hold["situation"])
        return not (hold.get("journeys") or hold.get("purposes"))

    def _is_about(self, kind):
        """Whether the event that let the person in names what an open matter is about."""
        named = {str(one) for name in SUBJECTS if (one := self.message.run.properties.get(name)) is not None}
        for key, row in self._world(self.now_us).matters(kind)[0].items():
            details = [row.properties.get(name) for name in SUBJECTS]
            if named & {key, *(str(one) for one in details if isinstance(one, str) or type(one) is int)}:
                return True
        return False

    def _sells(self):
        content = self.definitions.contents[self.message.config["content"]]
        return content["call_to_action"] in ("buy", "recommend")

    def _validity(self, world):
        return ("validity", FOR_GOOD) if world.at_us > self.message.valid_until_us else None

    def _after_conversion(self, world):
        rule, bought_us = self.policy["after_conversion"], world.trait("first_order_at")
        if bought_us is None or not bought_us <= world.at_us < bought_us + rule["days"] * DAY:
            return None
        times = [one.at_us for one in self.contacts if one.at_us < bought_us + rule["days"] * DAY]
        before = sum(bought_us - 7 * DAY <= one < bought_us for one in times)
        full = _crowded(times, before + rule["extra_per_week"], 7 * DAY, world.at_us)
        return ("after_conversion", FOR_NOW) if full else None

    def _limits(self, world):
        purpose = self.message.config["purpose"]
        for limit in self.policy["limits"]:
            channel, purposes = limit.get("channel", ""), limit.get("purposes", [])
            if channel not in ("", self.message.channel) or (purposes and purpose not in purposes):
                continue
            times = [
                one.at_us
                for one in self.contacts
                if channel in ("", one.channel) and (not purposes or one.purpose in purposes)
            ]
            if _crowded(times, limit["at_most"], limit["per_hours"] * HOUR, world.at_us):
                return "limit", FOR_NOW
        return None

    def _quiet_time(self, world):
        if self._is_answer(world.at_us):
            return None
        there = local(world.at_us, self.zone)
        minute = there.hour * 60 + there.minute
        for rule in self.policy["quiet_hours"]:
            if (
                rule["channel"] != self.message.channel
                or rule.get("message_class", self.message.message_class) != self.message.message_class
            ):
                continue
            if rule.get("sundays") and WEEKDAYS[there.weekday()] == "sunday":
                return "sunday", FOR_NOW
            if rule.get("holidays") and there.date() in _holidays(*self._place(), there.year):
                return "holiday", FOR_NOW
            if "weekdays" in rule and WEEKDAYS[there.weekday()] not in rule["weekdays"]:
                continue
            begins, ends = minutes_of(rule.get("from", "00:00")), minutes_of(rule.get("to", "00:00"))
            inside = begins <= minute < ends if begins < ends else minute >= begins or minute < ends
            if inside and begins != ends:
                return "quiet_hours", FOR_NOW
        return None

    def _place(self):
        """(country, Land) whose public holidays count; "": any Land."""
        land = self.known.attribute("land") or self.known.attribute("address.state")
        return self.known.country or self.definitions.brand["country"], land if isinstance(land, str) else ""

    def _is_answer(self, at_us):
        """Decided because of what the person did, and 30 minutes from that are not over."""
        return self.message.acted_us >= 0 and at_us <= self.message.acted_us + 30 * MINUTE


@cache
def _holidays(country, land, year):
    """Public holidays there; where the Land is not known, those of all Länder (cities with a day of their own aside)."""
    if country not in holidays.list_supported_countries(include_aliases=False):
        return frozenset()
    lands = [one for one in holidays.country_holidays(country).subdivisions if one not in CITIES]
    if land and land.removeprefix(f"{country}-") not in lands:
        raise NotCoveredError("a Land by its name")
    chosen = [land.removeprefix(f"{country}-")] if land else [None, *lands]
    return frozenset(on for one in chosen for on in holidays.country_holidays(country, subdiv=one, years=year))


def _crowded(times, at_most, window_us, at_us):
    """Whether one more contact would make more than `at_most` in some half-open window."""
    everything = [*times, at_us]
    return any(
        start <= at_us < start + window_us and sum(start <= one < start + window_us for one in everything) > at_most
        for start in everything
    )
