"""What holds about one customer at one instant, under the rulebook in force then. No answer is carried over from an earlier one."""

import hashlib
import math
from fractions import Fraction
from functools import cached_property
from itertools import pairwise

from tests.oracle import comparing, points, purchases, situations
from tests.oracle.known import NotCoveredError, listed, major
from tests.oracle.local_time import HOUR, day_of
from tests.oracle.permission import NEVER


class World:
    """One customer at one instant."""

    def __init__(self, known, at_us, edition, phase=("", "")):
        self.known = known
        self.edition = edition
        """How many rulebooks were published by then."""
        self.at_us = at_us
        self.phase = phase
        """Of a moment ago; the first rule of the circle may keep it."""
        self.zone = known.life.zone
        self.definitions = known.life.definitions(edition)
        self._segments = {}

    @cached_property
    def traits(self):
        """Those of this rulebook, and those that are gone as they were last defined: whoever is under way may still ask for them."""
        editions = range(1, self.edition + 1)
        return {name: one for edition in editions for name, one in self.known.life.definitions(edition).traits.items()}

    @cached_property
    def today(self):
        """The installation's day."""
        return day_of(self.at_us, self.zone)

    # Conditions -------------------------------------------------------------------------------------------------------

    def holds(self, condition):
        """Whether a condition holds here and now."""
        ((kind, config),) = condition.items()
        if kind == "all":
            return all(self.holds(one) for one in config)
        if kind == "any":
            return any(self.holds(one) for one in config)
        if kind == "none":
            return not any(self.holds(one) for one in config)
        if kind == "not":
            return not self.holds(config)
        return getattr(self, f"_is_{kind}")(config)

    def _is_attribute(self, config):
        value = self.known.attribute(config["name"])
        if config["op"] == "anniversary_in_days":
            today = day_of(self.at_us, self.known.zone(self.known.life.default_zone))
            return comparing.anniversary(value, today + config["value"])
        return comparing.compares(value, config["op"], config.get("value"), self.today, self.zone)

    def _is_event(self, config):
        count = len(self._events(config))
        bounds = config.get("count", {})
        if "exactly" in bounds:
            return count == bounds["exactly"]
        least = bounds.get("at_least", 0 if "at_most" in bounds else 1)
        return least <= count <= bounds.get("at_most", count)

    def _is_event_sum(self, config):
        return comparing.number_compares(
            _total(self._events(config), config["property"]), config["op"], config["value"]
        )

    def _is_event_time(self, config):
        instants = [row.occurred_us for row in self._events(config)]
        if not instants:
            return False
        chosen = min(instants) if config["which"] == "first" else max(instants)
        return comparing.day_compares(day_of(chosen, self.zone), config["op"], config["value"], self.today)

    def _is_trait(self, config):
        value = self.trait(config["name"])
        defined = self.traits.get(config["name"])
        is_instant = bool({"first", "last"} & set(defined)) if defined else config["name"].endswith("_at")
        if config["op"] in ("exists", "not_exists"):
            return (value is not None) == (config["op"] == "exists")
        if config["op"] in ("is_true", "is_false"):
            return value is (config["op"] == "is_true")
        if value is None:
            return False
        if is_instant:
            return comparing.day_compares(day_of(value, self.zone), config["op"], config["value"], self.today)
        return comparing.number_compares(value, config["op"], config["value"])

    def _is_segment(self, config):
        name = config["id"]
        if name not in self.definitions.segments:
            return False  # it is gone, so nobody is in it
        if name not in self._segments:
            self._segments[name] = self.holds(self.definitions.segments[name]["when"])
        return self._segments[name]

    def _is_phase(self, config):
        phase, sub = self.place()
        subs = config.get("sub_state")
        return phase in listed(config["is"]) and (subs is None or sub in listed(subs))

    def _is_score(self, config):
        milli = points.balance(self.known.life, config["id"], self.at_us, self.known.position, self.edition)
        return comparing.number_compares(Fraction(milli, 1000), config["op"], config["value"])

    def _is_situation(self, config):
        return any(kind in self.definitions.situations and self.situation(kind) for kind in listed(config["is"]))

    def _is_consent(self, config):
        return self.known.permission.stands(self, config["channel"], config["purpose"], config.get("basis"))

    def _is_reachable(self, config):
        message_class = config.get("message_class", "marketing")
        names = (
            [config["purpose"]] if config.get("purpose") else [one["id"] for one in self.definitions.policy["purposes"]]
        )
        if self.known.permission.suppression(self, config["channel"], message_class):
            return False
        return any(self.may(config["channel"], name, message_class)[0] for name in names)

    def may(self, channel, purpose, message_class, category=None):
        """(whether law and will of the person allow it, reason of the refusal); category: of what the message itself is about."""
        rule = next((one for one in self.definitions.policy["purposes"] if one["id"] == purpose), {})
        bases = rule.get("bases", ["express_consent"])
        if message_class == "transactional":
            return True, ""
        if message_class == "service":
            return self.known.permission.service(self, channel, purpose)
        categories = rule.get("categories") or ([category] if isinstance(category, str) else [])
        return self.known.permission.marketing(self, channel, purpose, bases, categories)

    def _is_bucket(self, config):
        return (
            config["from"]
            <= bucket(self.known.life.bucket_key(self.known.position), config.get("salt", ""))
            < (config["to"])
        )

    def _is_order_silence(self, config):
        days = self.known.purchase_days
        if len(days) < config.get("min_purchase_days", 3):
            return False
        gaps = sorted(later - earlier for earlier, later in pairwise(days))
        gap = gaps[math.ceil(Fraction(config["percentile"] * len(gaps), 100)) - 1] if gaps else 0
        longest = max(Fraction(str(config["factor"])) * gap, config["floor_days"])
        return longest < self.today - days[-1] <= config.get("at_most_days", 1 << 40)

    # What they ask about ----------------------------------------------------------------------------------------------

    def _events(self, config):
        window, hours = config.get("within_days"), config.get("within_hours")
        return [
            row
            for row in self.known.rows_of(config, self.zone)
            if (window is None or self.today - window < day_of(row.occurred_us, self.zone))
            and (hours is None or self.at_us - row.occurred_us < hours * HOUR)
        ]

    def order_count(self):
        """Orders that stand."""
        return self.known.sums[0]

    def trait(self, name):  # noqa: PLR0911, PLR0912  (one line per trait)
        """A computed trait: a Fraction, an instant (names ending in _at) or a truth; None where there is none."""
        if name in self.traits:
            return self._defined_trait(self.traits[name])
        count, sales, ordered = self.known.sums
        orders, days = self.known.orders, self.known.purchase_days
        match name:
            case "order_count":
                return Fraction(count)
            case "delivered_count":
                return Fraction(self.deliveries[0])
            case "open_order_count":
                return Fraction(sum(one.is_under_way(self.at_us) for one in orders))
            case "sales":
                return sales
            case "refunded":
                return major([(one.currency, one.refunded) for one in orders if one.was_refunded])
            case "average_order":
                return sales / count if count > 0 and sales is not None else None
            case "first_order_at":
                return min(ordered, default=None)
            case "last_order_at":
                return max(ordered, default=None)
            case "first_delivered_at":
                return self.deliveries[1]
            case "days_since_last_order":
                return Fraction(self.today - day_of(max(ordered), self.zone)) if ordered else None
            case "days_since_first_delivery":
                first_us = self.deliveries[1]
                return Fraction(self.today - day_of(first_us, self.zone)) if first_us is not None else None
            case "purchase_day_count":
                return Fraction(len(days))
            case "average_gap_days":
                return Fraction(days[-1] - days[0], len(days) - 1) if len(days) > 1 else None
            case "has_open_cart":
                return bool(self.cart[0])
            case "cart_changed_at":
                return self.cart[1] if self.cart[0] else None
            case "cart_value":
                lines, _, currency = self.cart
                minor = sum(count * price for count, price in lines.values())
                return Fraction(minor, comparing.parts_of(currency)) if lines else None
            case "first_seen_at":
                return self.known.seen[0]
            case "last_seen_at":
                return self.known.seen[1]
            case "is_known":
                return self.known.is_known
        raise NotCoveredError(f"the trait {name}")

    def _defined_trait(self, definition):
        measure = next(one for one in ("count", "sum", "first", "last", "average_gap") if one in definition)
        config = definition[measure]
        rows = self.known.rows_of(config, self.zone)
        instants = [row.occurred_us for row in rows]
        if measure == "count":
            return Fraction(len(rows))
        if measure == "sum":
            return _total(rows, config["property"])
        if measure == "average_gap":
            days = sorted({day_of(one, self.zone) for one in instants})[-64:]
            return Fraction(days[-1] - days[0], len(days) - 1) if len(days) > 1 else None
        return (min if measure == "first" else max)(instants, default=None)

    @cached_property
    def deliveries(self):
        """(how many orders that stand were delivered, when the first one ever was)."""
        return purchases.deliveries_of(self.known.orders, self.at_us)

    @cached_property
    def cart(self):
        """The cart that stands open."""
        return purchases.open_cart(self.known.rows, self.at_us)

    def situation(self, kind):
        """Open matters of this kind: key -> since when."""
        definition = self.definitions.situations[kind]
        match definition["begins"]:
            case {"builtin": "open_cart"}:
                return {"": self.cart[1]} if self.cart[0] else {}
            case {"builtin": "order_in_transit"}:
                return {one.order_id: one.ordered_us for one in self.known.orders if one.is_under_way(self.at_us)}
            case {"builtin": "late"}:
                return {
                    one.order_id: one.late_since_us(self.at_us) for one in self.known.orders if one.is_late(self.at_us)
                }
        return {key: row.occurred_us for key, row in self.matters(kind)[0].items()}

    def matters(self, kind):
        """(open keys with the rows that opened them, when the last one before closed) of a situation from events."""
        definition = self.definitions.situations[kind]
        return situations.open_matters(definition, self.known.happenings(definition), self.at_us, self.zone)

    def rest_ended(self, kind):
        """When the rest after the last matter of a kind is or was over; a time before all times if there was none."""
        definition = self.definitions.situations[kind]
        if "builtin" in definition["begins"]:
            intervals = self.known.life.intervals.get(("situation", kind), {}).values()
            closed_us = max((one for one in intervals if one <= self.at_us), default=-1)
        else:
            closed_us = self.matters(kind)[1]
        share = bucket(self.known.life.bucket_key(self.known.position), kind)
        return closed_us + situations.rest_us(definition, share) if closed_us >= 0 else -NEVER

    def place(self):
        """(phase, sub-state): the first that holds, else the present one, at first the last of the table."""
        table = self.definitions.phases
        chosen = next((one for one in table if self.holds(one["when"])), None)
        if chosen is None:
            chosen = next((one for one in table if one["id"] == self.phase[0]), table[-1])
        sub = next((one["id"] for one in chosen.get("sub_states", ()) if self.holds(one["when"])), "")
        return chosen["id"], sub


def _total(rows, path):
    """The sum of a number property."""
    found = [comparing.quantity(row.properties, path) for row in rows]
    return Fraction(sum(value for value in found if value is not None), 1000)


def digest(size, *parts):
    """The hash of docs/reference/chance.md."""
    hashed = hashlib.blake2b(digest_size=size)
    for part in parts:
        data = part if isinstance(part, bytes) else str(part).encode()
        hashed.update(len(data).to_bytes(4, "big") + data)
    return hashed.digest()


def bucket(key, salt):
    """0 to 9999."""
    return int.from_bytes(digest(8, "bucket", salt, key), "big") % 10_000
