"""What is known about one customer at one instant, and what holds then.

`Known` is everything that a number of rows say, recounted from those rows; `World` looks at it at an instant. No answer
is carried over from an earlier one.
"""

import hashlib
import math
from fractions import Fraction
from functools import cached_property
from itertools import pairwise

from tests.oracle import comparing, points, purchases
from tests.oracle.comparing import passes
from tests.oracle.history import DERIVED, EVENTS, PUBLIC
from tests.oracle.local_time import HOUR, ZONE_OF_COUNTRY, day_of, day_start, is_zone
from tests.oracle.permission import NEVER, Permission

PURCHASES = ("Order Completed", "Store Purchase", "Order Updated")


class NotCoveredError(Exception):
    """The oracle does not answer this; it is counted, never guessed."""


class Known:
    """The rows up to some position, and what follows from them whatever the time."""

    def __init__(self, rows, position, life):
        self.rows = rows
        self.position = position
        self.life = life

    @cached_property
    def by_name(self):
        """Events by name, in log order."""
        found = {}
        for row in self.rows:
            if row.type in EVENTS:
                found.setdefault(row.name, []).append(row)
        return found

    @cached_property
    def orders(self):
        """All orders."""
        return purchases.orders_of(self.rows)

    @cached_property
    def ordered(self):
        """Orders that were placed, not only named by a refund."""
        return [one for one in self.orders if one.ordered_us >= 0]

    @cached_property
    def sums(self):
        """(orders that stand, sales in major units, instants of orders)."""
        sales = [(one.currency, 0 if one.is_cancelled else one.total) for one in self.ordered]
        return sum(one.stands for one in self.ordered), _major(sales), [one.ordered_us for one in self.ordered]

    def rows_of(self, pattern, zone):
        """Events that a definition names, with its property filters; "*": all that came in."""
        names = _list(pattern["name"])
        named = [row for name in (self.by_name if names == ["*"] else names) for row in self.by_name.get(name, ())]
        rows = [row for row in named if names != ["*"] or not row.flags & DERIVED]
        return [row for row in rows if passes(row, pattern.get("where", ()), zone)]

    @cached_property
    def _happenings(self):
        return {}

    def happenings(self, kind):
        """[(key, whether it begins the situation, whether it ends it, row)] of all rows about a situation."""
        if kind not in self._happenings:
            self._happenings[kind] = list(_happenings(self.life.definitions.situations[kind], self, self.life.zone))
        return self._happenings[kind]

    @cached_property
    def purchase_days(self):
        """The last 64 days on which something was bought, ascending."""
        days = {day_of(one.ordered_us, self.life.zone) for one in self.orders if one.ordered_us >= 0}
        return sorted(days)[-64:]

    @cached_property
    def categories(self):
        """Product categories ever bought."""
        return {
            product.get("category")
            for name in PURCHASES
            for row in self.by_name.get(name, ())
            for product in row.properties.get("products") or ()
        }

    @cached_property
    def is_known(self):
        """Whether an identifier names the person."""
        kinds = {kind for row in self.rows for kind, _ in row.links.get("attach", ())}
        return bool(kinds - {"anonymous_id", "claimed_user_id"})

    @cached_property
    def _attributes(self):
        said = {}
        for row in self.rows:
            if row.flags & PUBLIC and any(
                kind not in ("anonymous_id", "claimed_user_id")
                for one in self.rows
                if one.number <= row.number
                for kind, _ in one.links.get("attach", ())
            ):
                continue
            traits = row.traits if row.type == "identify" else {}
            if row.name == "Attribute Set":
                traits = {row.properties.get("name"): row.properties.get("value")}
            for name, value in traits.items():
                stamp = (row.occurred_us, row.event_id)
                if name not in said or said[name][0] < stamp:
                    said[name] = (stamp, value)
        return {name: value for name, (_, value) in said.items()}

    def attribute(self, path):
        """The value of an attribute at a dotted path: what was said last by the time it happened."""
        if path in self._attributes:
            return self._attributes[path]
        return comparing.dig(self._attributes, path)

    @cached_property
    def country(self):
        """ISO code of the person's country, "" if unknown."""
        stated = self.attribute("country")
        value = stated if stated is not None else self.attribute("address.country")
        return value.strip().upper() if isinstance(value, str) else ""

    def zone(self, default):
        """The zone in which the person lives: own, else of the country, else the default."""
        named = self.attribute("timezone")
        if isinstance(named, str) and named and is_zone(named):
            return named
        return ZONE_OF_COUNTRY.get(self.country, default)

    @cached_property
    def permission(self):
        """Consent and objections."""
        if self.life.customer.absorbed:
            return Permission(self.rows, lambda upto: Known(self.rows[:upto], upto, self.life))
        return Permission(self.rows, self.life.known)

    @cached_property
    def seen(self):
        """(first, last) instant at which the person did something."""
        acts = [row.occurred_us for row in self.rows if row.origin in ("api", "import")]
        first = min([*acts, self.rows[0].occurred_us])
        return first, max(acts, default=-1)


class World:
    """One customer at one instant."""

    def __init__(self, known, at_us, phase=("", "")):
        self.known = known
        self.at_us = at_us
        self.phase = phase
        """Of a moment ago; the first rule of the circle may keep it."""
        self.zone = known.life.zone
        self.definitions = known.life.definitions
        self._segments = {}

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
        defined = self.definitions.traits.get(config["name"])
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
        if name not in self._segments:
            self._segments[name] = self.holds(self.definitions.segments[name]["when"])
        return self._segments[name]

    def _is_phase(self, config):
        phase, sub = self.place()
        subs = config.get("sub_state")
        return phase in _list(config["is"]) and (subs is None or sub in _list(subs))

    def _is_score(self, config):
        milli = points.balance(self.known.life, config["id"], self.at_us, self.known.position)
        return comparing.number_compares(Fraction(milli, 1000), config["op"], config["value"])

    def _is_situation(self, config):
        return any(self.situation(kind) for kind in _list(config["is"]))

    def _is_consent(self, config):
        return self.known.permission.stands(config["channel"], config["purpose"], config.get("basis"), self.at_us)

    def _is_reachable(self, config):
        permission = self.known.permission
        if permission.has_more or config.get("message_class", "marketing") != "marketing":
            raise NotCoveredError("suppressions, and reachability for other classes than marketing")
        purposes = {one["id"]: one for one in self.definitions.policy["purposes"]}
        names = [config["purpose"]] if config.get("purpose") else sorted(purposes)
        return any(
            permission.marketing(
                self, config["channel"], name, purposes[name]["bases"], tuple(purposes[name].get("categories", ()))
            )[0]
            for name in names
        )

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
        if name in self.definitions.traits:
            return self._defined_trait(self.definitions.traits[name])
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
                return _major([(one.currency, one.refunded) for one in orders if one.was_refunded])
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
            case {"builtin": kind_of_late}:
                raise NotCoveredError(f"the built-in situation {kind_of_late}")
        return dict(_matters(definition, self.known.happenings(kind), self.at_us, self.zone))

    def rest(self, kind):
        """Until when things rest after the last matter of this kind has ended (-1: they do not)."""
        return self.known.life.rest_until(kind, self)

    def place(self):
        """(phase, sub-state): the first that holds, else the present one, at first the last of the table."""
        table = self.definitions.phases
        chosen = next((one for one in table if self.holds(one["when"])), None)
        if chosen is None:
            chosen = next((one for one in table if one["id"] == self.phase[0]), table[-1])
        sub = next((one["id"] for one in chosen.get("sub_states", ()) if self.holds(one["when"])), "")
        return chosen["id"], sub


def _happenings(definition, known, zone):
    begins, ends = _list(definition["begins"]), definition.get("ends", [])
    names = {name for one in (*begins, *ends) for name in _list(one["name"])}
    for row in sorted((row for name in names for row in known.by_name.get(name, ())), key=lambda row: row.number):
        value = comparing.dig(row.properties, definition["key"]) if definition.get("key") else ""
        key = value if isinstance(value, str) else str(value) if type(value) is int else ""
        yield key, _matches(row, begins, zone), _matches(row, ends, zone), row


def _matters(definition, happenings, at_us, zone):
    """Each key that stands open at an instant, with its beginning."""
    expires = definition.get("expires_days")

    def over_us(since_us):
        return NEVER if expires is None else day_start(day_of(since_us, zone) + expires, zone)

    since = {}
    for key, begins, ends, row in happenings:
        if key in since and over_us(since[key]) <= row.at_us:
            del since[key]
        if key in since:
            if ends:
                del since[key]
        elif begins and over_us(row.occurred_us) > row.at_us:
            since[key] = row.occurred_us
    return [(key, since_us) for key, since_us in since.items() if over_us(since_us) > at_us]


def _matches(row, patterns, zone):
    return any(row.name in _list(one["name"]) and passes(row, one.get("where", ()), zone) for one in patterns)


def _major(sums):
    """Major units of [(currency, minor units)]: None with several currencies."""
    currencies = {currency for currency, _ in sums}
    if len(currencies) > 1:
        return None
    return Fraction(sum(minor for _, minor in sums), comparing.parts_of(next(iter(currencies), "EUR")))


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


def _list(value):
    return value if isinstance(value, list) else [value]
