"""What is known about one customer: everything that a number of rows say, recounted from those rows, whatever the time."""

from fractions import Fraction
from functools import cached_property

from tests.oracle import comparing, purchases, situations
from tests.oracle.comparing import passes
from tests.oracle.history import DERIVED, EVENTS, PUBLIC
from tests.oracle.local_time import ZONE_OF_COUNTRY, day_of, is_zone
from tests.oracle.permission import Permission

PURCHASES = ("Order Completed", "Store Purchase", "Order Updated")

OF_OTHERS = frozenset({
    "Order Updated", "Order Refunded", "Order Cancelled", "Order Packed", "Order Shipped", "Order Out For Delivery", "Order Delivered",
    "Order Delayed", "Order Ready For Pickup", "Return Received", "Order Line Refunded", "Payment Failed", "Payment Reminded",
    "Payment Settled", "Consent Expired", "Email Delivered", "Email Opened", "Email Bounced", "Rights Request Closed", "Bereavement Reported",
    "Suppression Added", "Suppression Lifted", "Case Answered", "Case Solved", "Promise Made", "Promise Kept", "Promise Broken",
    "Product Recalled", "Mass Incident Opened", "Mass Incident Closed", "Call Made", "Letter Sent", "Letter Returned", "Lead Handed Over",
    "Lead Accepted", "Lead Rejected", "Deal Created", "Deal Moved", "Deal Won", "Deal Lost", "Live Event Changed", "Registration Confirmed",
    "Registration Waitlisted", "Review Published", "Review Answered", "Points Earned", "Points Expired", "Points Reversed", "Tier Changed",
    "Voucher Issued", "Voucher Reserved", "Voucher Expired", "Voucher Revoked",
})  # fmt: skip
"""Events of the catalogue that tell what others did, or a machine."""


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
        return purchases.orders_of(self.rows, self.life.zone)

    @cached_property
    def ordered(self):
        """Orders that were placed, not only named by a refund."""
        return [one for one in self.orders if one.ordered_us >= 0]

    @cached_property
    def sums(self):
        """(orders that stand, sales in major units, instants of orders)."""
        sales = [(one.currency, 0 if one.is_cancelled else one.total) for one in self.ordered]
        return sum(one.stands for one in self.ordered), major(sales), [one.ordered_us for one in self.ordered]

    def rows_of(self, pattern, zone):
        """Events that a definition names, with its property filters; "*": all that came in."""
        names = listed(pattern["name"])
        named = [row for name in (self.by_name if names == ["*"] else names) for row in self.by_name.get(name, ())]
        rows = [row for row in named if names != ["*"] or not row.flags & DERIVED]
        return [row for row in rows if passes(row, pattern.get("where", ()), zone)]

    @cached_property
    def _happenings(self):
        return {}

    def happenings(self, definition):
        """All rows about a situation, as `situations.happenings_of` lists them."""
        if id(definition) not in self._happenings:
            self._happenings[id(definition)] = situations.happenings_of(definition, self.by_name, self.life.zone)
        return self._happenings[id(definition)]

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
            if not row.flags & DERIVED
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
                follows = row.flags & DERIVED and name in said and said[name][0][0] == row.occurred_us
                if name not in said or said[name][0] < stamp or follows:
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
        acts = [row.occurred_us for row in self.rows if is_act(row)]
        first = min([*acts, self.rows[0].occurred_us])
        return first, max(acts, default=-1)


def is_act(row):
    """Whether it tells what the person did (docs/reference/events.md)."""
    return row.origin in ("api", "import") and row.name not in OF_OTHERS


def major(sums):
    """Major units of [(currency, minor units)]: None with several currencies."""
    currencies = {currency for currency, _ in sums}
    if len(currencies) > 1:
        return None
    return Fraction(sum(minor for _, minor in sums), comparing.parts_of(next(iter(currencies), "EUR")))


def listed(value):
    return value if isinstance(value, list) else [value]
