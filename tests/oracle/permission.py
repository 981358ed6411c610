"""Consent and the law, recounted from all rows (docs/reference/contact-policy.md, "Legal basis")."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tests.oracle.local_time import DAY, EPOCH
from tests.oracle.suppressions import Suppressions

NEVER = 1 << 62
EVER = -1
BASES = (
    "express_consent", "existing_customer", "contract", "requested", "legitimate_interest", "presumed_b2b", "legal_duty",
)  # fmt: skip
CARRIES_SERVICE = ("contract", "requested", "legal_duty")
EXISTING_CUSTOMER_LAW = ("DE", "AT", "CH")


@dataclass(frozen=True)
class Record:
    """What one event says about one channel and purpose ("*": all)."""

    key: tuple
    is_grant: bool
    happened_us: int
    event_id: bytes
    basis: str = "express_consent"
    is_proven: bool = False
    address: str | None = ""
    """"": bound to none; None: to one that is not known yet."""
    expires_us: int = NEVER
    is_expiry: bool = False

    @property
    def rank(self):
        """The highest of a channel and purpose is what counts."""
        return (self.is_proven or not self.is_grant, self.happened_us, not self.is_grant, self.event_id)


def _listed(properties, one, several):
    names = [name for name in properties.get(several) or [] if isinstance(name, str) and name]
    single = properties.get(one)
    return sorted(set(names)) or [single if isinstance(single, str) and single else "*"]


def _keys(properties):
    return [
        (channel, purpose)
        for purpose in _listed(properties, "purpose", "purposes")
        for channel in (["*"] if purpose == "tracking" else _listed(properties, "channel", "channels"))
    ]


def _expires_us(properties):
    stated = properties.get("expires_at")
    if stated is None:
        return NEVER
    try:
        moment = datetime.fromisoformat(stated)
    except (TypeError, ValueError):
        return 0
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - EPOCH) // timedelta(microseconds=1)


def _normal(value):
    return value.strip().lower() if isinstance(value, str) else ""


class Permission:
    """What these rows allow, whatever the order in which they came."""

    def __init__(self, rows, known_at):
        """`known_at(i)`: what is known after the first i rows (only its `attribute` is asked)."""
        self.rows = rows
        self._known_at = known_at
        self._suppressions = Suppressions(rows, self._event_address)
        self.objections = {}
        records = {}
        for index, row in enumerate(rows):
            if row.flags & 24:  # a public write key changes no consent
                continue
            for record in self._records(index, row):
                held = records.get(record.key)
                if held is None or held.rank < record.rank:
                    records[record.key] = record
            self._object(row)
        self.records = records

    def _object(self, row):
        properties = row.properties
        scopes = []
        if row.name == "Consent Objected":
            stated = properties.get("scope")
            if isinstance(stated, str) and stated and stated != "all":
                scopes = [stated]
            else:
                scopes = [
                    f"purpose:{purpose}" if purpose != "*" else f"channel:{channel}" if channel != "*" else "marketing"
                    for channel, purpose in _keys(properties)
                ]
        elif row.name == "Email Marked as Spam" or (
            row.name in ("Unsubscribed", "Email Unsubscribed") and properties.get("scope") in ("all", "marketing")
        ):
            scopes = ["marketing"]
        for scope in scopes:
            self.objections[scope] = max(self.objections.get(scope, -1), row.happened_us)

    def _records(self, index, row):
        properties, said = row.properties, (row.happened_us, row.event_id)
        match row.name:
            case "Consent Confirmed":
                basis = properties.get("basis") or "express_consent"
                evident = any(properties.get(one) for one in ("wording", "text_version")) and any(
                    properties.get(one) for one in ("proof", "form", "form_url", "token_id", "document")
                )
                if basis not in BASES or basis == "existing_customer" or (basis == "express_consent" and not evident):
                    return
                proven = basis == "express_consent" and row.origin in ("api", "human")
                for key in _keys(properties):
                    if key[1] != "*" and (key[0] != "*" or key[1] == "tracking"):
                        address = self._address(index, row, key[0])
                        yield Record(key, True, *said, basis, proven, address, _expires_us(properties))
            case "Consent Requested":
                for channel, _ in _keys(properties):
                    until_us = row.happened_us + 14 * DAY
                    yield Record(
                        (channel, "opt_in"),
                        True,
                        *said,
                        "requested",
                        False,
                        self._address(index, row, channel),
                        until_us,
                    )
            case "Consent Withdrawn" | "Consent Expired":
                for key in _keys(properties):
                    yield Record(key, False, *said, is_expiry=row.name == "Consent Expired")
            case "Unsubscribed" | "Email Unsubscribed":
                if properties.get("scope") not in ("all", "marketing"):
                    channel, purpose = properties.get("channel") or "email", properties.get("purpose") or "*"
                    yield Record((channel, purpose), False, *said)
            case "Order Completed":
                address = self._event_address(index, row, "email")
                if properties.get("notice_version") and properties.get("order_id") and address:
                    yield Record(("email", "*"), True, *said, "existing_customer", False, address)

    def _event_address(self, index, row, channel):
        """The address that a row is about: the one it names, else the one known then; "" if none."""
        if channel != "email":
            return ""
        traits = (row.body.get("context") or {}).get("traits") or {}
        for holder in (row.properties, traits):
            for name in ("email", "address"):
                if isinstance(holder.get(name), str):
                    return _normal(holder[name])
        return _normal(self._known_at(index + 1).attribute("email"))

    def _address(self, index, row, channel):
        """The address a grant belongs to: the one it is about, else the first that is known."""
        if channel != "email":
            return ""
        address = self._event_address(index, row, channel)
        for upto in range(index + 2, len(self.rows) + 1):
            address = address or _normal(self._known_at(upto).attribute("email"))
        return address or None

    def about(self, channel, purpose):
        """The records that cover a channel and purpose, the exact one first."""
        keys = ((channel, purpose), (channel, "*"), ("*", purpose), ("*", "*"))
        return [self.records[key] for key in keys if key in self.records]

    def stands(self, world, channel, purpose, bases):
        """The condition `consent`."""
        said = self.about(channel, purpose)
        ended_us = max((one.happened_us for one in said if not one.is_grant), default=-1)
        return any(
            one.is_grant
            and (ended_us < 0 or (one.is_proven and one.happened_us > ended_us))
            and one.basis in (bases or BASES)
            and not self._belongs(world, one)
            for one in said
        )

    def marketing(self, world, channel, purpose, bases, categories=()):
        """(basis, "") if marketing may go out for this purpose, else ("", reason)."""
        objected_us = max(
            self.objections.get(one, -1) for one in ("marketing", f"channel:{channel}", f"purpose:{purpose}")
        )
        endings = [one for one in self.about(channel, purpose) if not one.is_grant]
        newest = max(endings, key=lambda one: one.happened_us, default=None)
        ended_us = newest.happened_us if newest else -1
        refusals = []
        for basis in bases:
            if basis == "express_consent":
                record = self.records.get((channel, purpose))
                after_us = max(objected_us, ended_us)
                if (
                    record is None
                    or not record.is_grant
                    or record.basis != basis
                    or (after_us >= 0 and not (record.is_proven and record.happened_us > after_us))
                ):
                    found = "no_basis"
                else:
                    found = self._belongs(world, record)
            elif objected_us >= 0 or ended_us >= 0:
                continue
            elif basis == "existing_customer":
                found = self._existing_customer(world, channel, purpose, categories)
            elif basis == "legitimate_interest":
                found = "" if channel == "letter" else "no_basis"
            elif basis == "requested":
                record = self.records.get((channel, purpose))
                found = self._belongs(world, record) if record and record.basis == basis else "no_basis"
            else:
                found = "no_basis"
            if not found:
                return basis, ""
            refusals.append(found)
        if objected_us >= 0:
            return "", "objected"
        if newest:
            return "", "expired" if newest.is_expiry else "withdrawn"
        return "", next((one for one in refusals if one != "no_basis"), "no_basis")

    def service(self, world, channel, purpose):
        """(whether help within a contract may go out, reason of the refusal)."""
        record = self.records.get((channel, purpose))
        endings = [self.records[key] for key in ((channel, purpose), ("*", purpose)) if key in self.records]
        refused = [one.happened_us for one in endings if not one.is_grant]
        refused += [self.objections[one] for one in (f"purpose:{purpose}",) if one in self.objections]
        anew = record and record.is_grant and record.is_proven and record.happened_us > max(refused, default=-1)
        if "service" in self.objections or (refused and not anew):
            return False, "service_switched_off"
        asked_for = record is not None and record.basis in CARRIES_SERVICE and not self._belongs(world, record)
        return (True, "") if asked_for or world.known.ordered else (False, "no_contract")

    def suppression(self, world, channel, message_class):
        """What keeps the present address from being used for a class; "" if nothing does."""
        return self.suppressed_until(world, channel, message_class)[0]

    def suppressed_until(self, world, channel, message_class):
        """(the same, when time lifts it)."""
        address = _normal(world.known.attribute("email")) if channel == "email" else ""
        return self._suppressions.stops(address, message_class, world.at_us)

    def _belongs(self, world, record):
        if record.expires_us <= world.at_us:
            return "expired"
        if record.address is None:
            return "address_unproved"
        if record.address and record.address != _normal(world.known.attribute("email")):
            return "address_changed"
        return ""

    def _existing_customer(self, world, channel, purpose, categories):
        if world.known.country not in EXISTING_CUSTOMER_LAW:
            return "country_rule"
        if world.known.country == "AT" and world.known.attribute("ecg_listed") is not False:
            return "country_rule"
        listed = [self.records.get((channel, purpose)), self.records.get((channel, "*"))]
        record = next((one for one in listed if one and one.basis == "existing_customer"), None)
        if record is None or not world.order_count():
            return "no_basis"
        if "*" not in categories and not world.known.categories & set(categories):
            return "goods_not_similar"
        return self._belongs(world, record)
