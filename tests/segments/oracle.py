"""A second reading of docs/reference/definitions.md and decisions.md, as slow and plain as possible, to hold the real one against.

It imports nothing of the package. It keeps all rows, and at every instant recounts everything from them. Rows are dicts:
{"name", "type", "event_id", "happened_us", "at_us", "origin", "properties", "traits"}.
"""

import math
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from functools import lru_cache
from hashlib import blake2b
from zoneinfo import ZoneInfo

from tests.oracle.comparing import anniversary, compares, day_compares, dig, number_compares

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOUR = 3_600_000_000
DAY = 24 * HOUR
COUNTRIES = {"DE": "Europe/Berlin", "AT": "Europe/Vienna", "CH": "Europe/Zurich", "JP": "Asia/Tokyo"}
MONEY = {"total", "subtotal", "revenue", "value", "price", "shipping", "tax", "discount", "refund", "amount"}
ORDERS = ("Order Completed", "Store Purchase")


@lru_cache(maxsize=200_000)
def day_of(at_us, zone):
    """Local calendar day of an instant, counted from 1970-01-01."""
    return (EPOCH + timedelta(microseconds=at_us)).astimezone(ZoneInfo(zone)).date().toordinal() - 719_163


@lru_cache(maxsize=100_000)
def first_instant(day, zone):
    """The first microsecond of a local calendar day, found by halving."""
    low, high = (day - 2) * DAY, (day + 2) * DAY
    while high - low > 1:
        middle = (low + high) // 2
        if day_of(middle, zone) >= day:
            high = middle
        else:
            low = middle
    return high


class Oracle:
    """All rows of one customer, and the definitions as plain data."""

    def __init__(self, rows, zone, *, bucket_key="", definitions=()):
        self.all_rows = rows
        self.zone = zone
        self.bucket_key = bucket_key
        self.definitions = {(one["kind"], one.get("id", "")): one for one in definitions}
        self.at_us = 0
        self.rows = []
        self.phase = ("", "")

    def go(self, at_us):
        """Look at the world as it is known at this instant."""
        self.at_us = at_us
        self.rows = [row for row in self.all_rows if row["at_us"] <= at_us]
        return self

    # Conditions -------------------------------------------------------------------------------------------------------

    def holds(self, condition):
        ((kind, config),) = condition.items()
        if kind == "all":
            return all([self.holds(one) for one in config])
        if kind == "any":
            return any([self.holds(one) for one in config])
        if kind == "none":
            return not any([self.holds(one) for one in config])
        if kind == "not":
            return not self.holds(config)
        return getattr(self, "is_" + kind)(config)

    def is_attribute(self, config):
        value = self.attribute(config["name"])
        if config["op"] == "anniversary_in_days":
            return anniversary(value, day_of(self.at_us, self.customer_zone()) + config["value"])
        return compares(value, config["op"], config.get("value"), self.today(), self.zone)

    def is_event(self, config):
        count = len(self.events(config, config.get("within_days"), config.get("within_hours")))
        wanted = config.get("count", {"at_least": 1})
        if "exactly" in wanted:
            return count == wanted["exactly"]
        return wanted.get("at_least", 0) <= count <= wanted.get("at_most", 10**9)

    def is_event_sum(self, config):
        events = self.events(config, config.get("within_days"), None)
        total = sum(amount(row["properties"], config["property"]) or 0 for row in events)
        return number_compares(Fraction(total, 1000), config["op"], config["value"])

    def is_event_time(self, config):
        instants = [occurred(row) for row in self.events(config, None, None)]
        if not instants:
            return False
        at_us = min(instants) if config["which"] == "first" else max(instants)
        return day_compares(day_of(at_us, self.zone), config["op"], config["value"], self.today())

    def is_trait(self, config):
        kind, value = self.trait(config["name"])
        if config["op"] in ("exists", "not_exists"):
            return (value is not None) == (config["op"] == "exists")
        if kind == "yes_no":
            return value is (config["op"] == "is_true")
        if value is None:
            return False
        if kind == "instant":
            return day_compares(day_of(value, self.zone), config["op"], config["value"], self.today())
        return number_compares(value, config["op"], config["value"])

    def is_segment(self, config):
        return self.holds(self.definitions["segment", config["id"]]["when"])

    def is_phase(self, config):
        phases = config["is"] if isinstance(config["is"], list) else [config["is"]]
        subs = config.get("sub_state")
        subs = [subs] if isinstance(subs, str) else subs
        return self.phase[0] in phases and (subs is None or self.phase[1] in subs)

    def is_score(self, config):
        return number_compares(Fraction(self.score(config["id"]), 1000), config["op"], config["value"])

    def is_situation(self, config):
        kinds = config["is"] if isinstance(config["is"], list) else [config["is"]]
        return any([bool(self.situation(kind)) for kind in kinds])

    def is_bucket(self, config):
        parts = ("bucket", config.get("salt", ""), self.bucket_key)
        hashed = blake2b(digest_size=8)
        for part in parts:
            data = part.encode()
            hashed.update(len(data).to_bytes(4, "big") + data)
        return config["from"] <= int.from_bytes(hashed.digest(), "big") % 10_000 < config["to"]

    def is_order_silence(self, config):
        days = sorted({day_of(occurred(row), self.zone) for row in self.rows if row["name"] in ORDERS})
        if len(days) < config.get("min_purchase_days", 3):
            return False
        gaps = sorted(days[i + 1] - days[i] for i in range(len(days) - 1))
        gap = gaps[math.ceil(Fraction(config["percentile"] * len(gaps), 100)) - 1] if gaps else 0
        silent = self.today() - days[-1]
        longest = max(Fraction(str(config["factor"])) * gap, config["floor_days"])
        return longest < silent <= config.get("at_most_days", 10**9)

    # What they ask about ----------------------------------------------------------------------------------------------

    def today(self):
        return day_of(self.at_us, self.zone)

    def events(self, config, within_days, within_hours):
        names = config["name"] if isinstance(config["name"], list) else [config["name"]]
        found = []
        for row in self.rows:
            if row["type"] != "track" or (names != ["*"] and row["name"] not in names):
                continue
            if not self.passes(row, config.get("where", ())):
                continue
            if within_days is not None and not self.today() - within_days < day_of(occurred(row), self.zone):
                continue
            if within_hours is not None and self.at_us - occurred(row) >= within_hours * HOUR:
                continue
            found.append(row)
        return found

    def passes(self, row, where):
        day = day_of(occurred(row), self.zone)
        return all(
            compares(dig(row["properties"], one["property"]), one["op"], one.get("value"), day, self.zone)
            for one in where
        )

    def attribute(self, path):
        said = {}
        for row in self.rows:
            for name, value in row["traits"].items():
                stamp = (occurred(row), row["event_id"])
                if name not in said or said[name][0] < stamp:
                    said[name] = (stamp, value)
        return dig({name: value for name, (_, value) in said.items()}, path)

    def customer_zone(self):
        named = self.attribute("timezone")
        if isinstance(named, str) and named in ("Europe/Berlin", "Asia/Tokyo", "America/New_York", "Pacific/Apia"):
            return named
        country = self.attribute("country")
        return COUNTRIES.get(country, self.zone) if isinstance(country, str) else self.zone

    def trait(self, name):
        orders = [row for row in self.rows if row["name"] in ORDERS]
        instants = [occurred(row) for row in orders]
        days = sorted({day_of(at_us, self.zone) for at_us in instants})
        cents = sum(int(Decimal(str(row["properties"]["total"])) * 100) for row in orders)
        simple = {
            "order_count": ("number", Fraction(len(orders))),
            "sales": ("number", Fraction(cents, 100)),
            "average_order": ("number", Fraction(cents, 100 * len(orders)) if orders else None),
            "purchase_day_count": ("number", Fraction(len(days))),
            "average_gap_days": ("number", Fraction(days[-1] - days[0], len(days) - 1) if len(days) > 1 else None),
            "first_order_at": ("instant", min(instants, default=None)),
            "last_order_at": ("instant", max(instants, default=None)),
            "days_since_last_order": (
                "number",
                Fraction(self.today() - day_of(max(instants), self.zone)) if instants else None,
            ),
            "has_open_cart": ("yes_no", False),
        }
        if name in simple:
            return simple[name]
        return self.defined_trait(self.definitions["trait", name])

    def defined_trait(self, definition):
        for measure in ("count", "sum", "first", "last", "average_gap"):
            if measure not in definition:
                continue
            rows = self.events(definition[measure], None, None)
            instants = [occurred(row) for row in rows]
            if measure == "count":
                return "number", Fraction(len(rows))
            if measure == "sum":
                return "number", Fraction(
                    sum(amount(row["properties"], definition[measure]["property"]) or 0 for row in rows), 1000
                )
            if measure == "average_gap":
                days = sorted({day_of(at_us, self.zone) for at_us in instants})[-64:]
                return "number", Fraction(days[-1] - days[0], len(days) - 1) if len(days) > 1 else None
            return "instant", (min if measure == "first" else max)(instants, default=None)
        raise AssertionError(definition)

    def score(self, score_id):
        definition = self.definitions["score", score_id]
        times = multiplier(definition.get("half_life_days"))
        points, day, windows = 0, None, {}
        for row in self.rows:
            today = day_of(row["at_us"], self.zone)
            while day is not None and day < today:
                points, day = points * times >> 32, day + 1
            day = today
            occurred_on = day_of(occurred(row), self.zone)
            for rule in definition["rules"]:
                names = rule["event"]["name"]
                names = names if isinstance(names, list) else [names]
                if (
                    row["type"] != "track"
                    or row["name"] not in names
                    or not self.passes(row, rule["event"].get("where", ()))
                ):
                    continue
                given = int(Fraction(str(rule["points"])) * 1000)
                if "at_most" in rule:
                    opened, had = windows.get(rule["id"], (None, 0))
                    if opened is None or occurred_on >= opened + rule["at_most"]["per_days"]:
                        opened, had = occurred_on, 0
                    given = max(min(given, rule["at_most"]["points"] * 1000 - had), 0)
                    if given:
                        windows[rule["id"]] = (opened, had + given)
                sign = -1 if given < 0 else 1
                given = abs(given)
                for _ in range(today - occurred_on):
                    given = given * times >> 32
                points = min(max(points + sign * given, 0), definition.get("maximum", 1_000_000) * 1000)
        while day is not None and day < self.today():
            points, day = points * times >> 32, day + 1
        return points

    def situation(self, kind):
        """Open keys -> since when."""
        definition = self.definitions["situation", kind]
        begins = definition["begins"] if isinstance(definition["begins"], list) else [definition["begins"]]
        expires = definition.get("expires_days")

        def ends_us(since_us):
            return 1 << 62 if expires is None else first_instant(day_of(since_us, self.zone) + expires, self.zone)

        keys = {}
        for row in self.rows:
            if row["type"] != "track":
                continue
            value = dig(row["properties"], definition["key"]) if "key" in definition else ""
            key = value if isinstance(value, str) else str(value) if type(value) is int else ""
            keys = {one: since_us for one, since_us in keys.items() if ends_us(since_us) > row["at_us"]}
            if key in keys:
                if any(self.matches(row, pattern) for pattern in definition["ends"]):
                    del keys[key]
            elif any(self.matches(row, pattern) for pattern in begins) and ends_us(occurred(row)) > row["at_us"]:
                keys[key] = occurred(row)
        return {one: since_us for one, since_us in keys.items() if ends_us(since_us) > self.at_us}

    def matches(self, row, pattern):
        names = pattern["name"] if isinstance(pattern["name"], list) else [pattern["name"]]
        return row["name"] in names and self.passes(row, pattern.get("where", ()))

    def step_phase(self):
        """Where somebody who was in self.phase is now."""
        table = self.definitions["phases", ""]["phases"]
        phase = next((one for one in table if self.holds(one["when"])), None)
        if phase is None:
            phase = next((one for one in table if one["id"] == self.phase[0]), table[-1])
        sub = next((one["id"] for one in phase.get("sub_states", ()) if self.holds(one["when"])), "")
        self.phase = (phase["id"], sub)
        return self.phase

    # Over time --------------------------------------------------------------------------------------------------------

    def instants(self, from_us, until_us, *, zones=(), hours=()):
        """Every instant at which anything here can change: rows, starts of days, ends of hour windows."""
        found = {row["at_us"] for row in self.all_rows}
        for zone in {self.zone, *zones}:
            first, last = day_of(from_us, zone), day_of(until_us, zone)
            found.update(first_instant(day, zone) for day in range(first, last + 1))
        found.update(occurred(row) + window * HOUR for row in self.all_rows for window in hours)
        return sorted(at_us for at_us in found if from_us <= at_us <= until_us)


def occurred(row):
    return min(row["happened_us"], row["at_us"])


def amount(properties, path):
    """Thousandths."""
    value = dig(properties, path)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if path.rsplit(".", maxsplit=1)[-1] in MONEY:
        places = Decimal(1) if str(properties.get("currency", "EUR")).upper() == "JPY" else Decimal("0.01")
        return int(Decimal(str(value)).quantize(places, ROUND_HALF_EVEN) * 1000)
    if isinstance(value, str):
        return None
    return int((Decimal(str(value)) * 1000).to_integral_value(ROUND_HALF_EVEN))


def multiplier(half_life):
    if half_life is None:
        return 1 << 32
    guess = int(2 ** (32 - 1 / half_life)) + 5
    while 2 * guess**half_life > 2 ** (32 * half_life):
        guess -= 1
    return guess
