"""Whether the law lets us speak to this person on this channel for this purpose, and on which ground.

One function, asked by the contact policy before every message and by the condition `reachable`; nothing else may judge.

Message classes: transactional (only what contract or law needs) always may, if an address works; service (ad-free help
within a contract) may while there is a contract and the person did not switch it off; marketing needs one of the legal
bases that its purpose accepts, and none by default.
"""

from typing import Any

import msgspec

from kundenkreis.customers.core.consent import (
    EXISTING,
    EXPRESS,
    PENDING_ADDRESS,
    address_of,
    keys_of,
    scopes_of,
    soft_suppression,
)
from kundenkreis.customers.core.state import CustomerState, Grant
from kundenkreis.kernel.ids import NEVER, Micros

TRANSACTIONAL, SERVICE, MARKETING = "transactional", "service", "marketing"
CALLS = frozenset({"call", "phone"})
ANY_GOODS = "*"
"""A purpose that names this as its category states: all our goods are similar to each other."""


class Permission(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """May we, on which ground ("" if not), and why: a stable slug (docs/reference/contact-policy.md)."""

    allowed: bool
    basis: str
    reason: str
    epoch: int = 0
    """Number in the inbox of the proven confirmation it rests on, 0 if it rests on none."""


class CountryRule(msgspec.Struct, frozen=True, kw_only=True):
    """What the law of the person's country adds."""

    presumed_b2b: bool
    """Calls to businesses on presumed consent: section 7 II no. 1 UWG; Austria forbids them (section 174 TKG 2021)."""
    existing_customer: bool
    """Own similar goods without consent: section 7 III UWG (DE), section 174 IV TKG (AT), Art. 3 I lit. o UWG (CH)."""
    refusal_list: bool = False
    """The exception also needs a check against the public list of those who refuse (ECG list, AT)."""


COUNTRIES = {
    "DE": CountryRule(presumed_b2b=True, existing_customer=True),
    "AT": CountryRule(presumed_b2b=False, existing_customer=True, refusal_list=True),
    "CH": CountryRule(presumed_b2b=False, existing_customer=True),
}
STRICTEST = CountryRule(presumed_b2b=False, existing_customer=False)
"""For every other country, and for people whose country is not known."""

_ALWAYS_BASES = ("contract", "requested", "legal_duty")
_WRITTEN = frozenset({"email", "sms", "messenger"})


def permission(
    state: CustomerState, channel: str, purpose: str, *, message_class: str, at_us: Micros, bases: tuple[str, ...],
    categories: tuple[str, ...] = (),
) -> Permission:  # fmt: skip
    """Whether a message of this class may go out at this instant, as far as the law and the person's will decide.

    Args:
        bases: the legal bases that the purpose accepts, best first.
        categories: what goods messages of this purpose promote; only existing_customer asks.

    Returns:
        The ground, or the reason of the refusal. Whether an address works at all is asked by `suppression`.
    """
    if message_class == TRANSACTIONAL:
        return Permission(True, _ground(state, channel, purpose, bases, at_us=at_us), "always")
    if message_class == SERVICE:
        return _service(state, channel, purpose, bases, at_us=at_us)
    objected_us = objection(state, channel, purpose)[1]
    ended_us, ended_reason = _ending(state, channel, purpose)
    refusal = "objected" if objected_us >= 0 else ended_reason or "no_basis"
    for basis in bases:
        if basis == EXPRESS:
            found = _express(state, channel, purpose, at_us=at_us, after_us=max(objected_us, ended_us))
        elif objected_us >= 0 or ended_us >= 0:
            continue  # a withdrawal or objection is lifted by nothing but a newer proven consent
        elif basis == EXISTING:
            found = _existing_customer(state, channel, purpose, at_us=at_us, categories=categories)
        else:
            found = _other(state, channel, purpose, basis=basis, at_us=at_us)
        if found == "":
            return Permission(True, basis, basis, _epoch(state, channel, purpose) if basis == EXPRESS else 0)
        refusal = found if refusal == "no_basis" else refusal
    return Permission(False, "", refusal)


def permission_flips_us(state: CustomerState, channel: str, purpose: str, at_us: Micros) -> Micros:
    """The earliest later instant at which `permission` or `suppression` may answer differently without an event."""
    flips = NEVER
    for key in keys_of(channel, purpose):
        grant = state.consent.grants.get(key)
        if grant is not None and at_us < grant.expires_us < flips:
            flips = grant.expires_us
    bounces = state.consent.soft_bounces.get(address_of(state, channel))
    if bounces is not None:
        until_us = soft_suppression(bounces, at_us)
        flips = min(flips, until_us) if until_us > at_us else flips
    return flips


def suppression(state: CustomerState, channel: str, message_class: str, at_us: Micros) -> tuple[str, Micros, Micros]:
    """(reason, since_us, until_us) of what keeps this channel's address from being used; ("", -1, -1) if nothing does.

    A mailbox that does not exist stops every class; complaints, soft bounces and entries by hand stop marketing.
    """
    consent = state.consent
    if not consent.suppressed and not consent.soft_bounces:
        return "", -1, -1
    address = address_of(state, channel)
    for reason, since_us, scope, lifted_us in consent.suppressed.get(address, ()):
        if since_us >= lifted_us and (scope == "all" or message_class == MARKETING):
            return reason, since_us, NEVER
    bounces = consent.soft_bounces.get(address)
    if bounces is not None and message_class == MARKETING:
        until_us = soft_suppression(bounces, at_us)
        if until_us > at_us:
            return "soft", bounces[-1], until_us
    return "", -1, -1


def objection(state: CustomerState, channel: str, purpose: str) -> tuple[str, Micros]:
    """(scope, since_us) of the newest objection that covers this channel and purpose; ("", -1) without one."""
    found, since_us = "", -1
    for scope in scopes_of(channel, purpose):
        objected_us = state.consent.objections.get(scope, -1)
        if objected_us > since_us:
            found, since_us = scope, objected_us
    return found, since_us


def country_of(state: CustomerState) -> str:
    """ISO code of the person's country in upper case, "" if unknown: attribute `country`, else `address.country`."""
    value = attribute_value(state, "country")
    if not isinstance(value, str):
        address = attribute_value(state, "address")
        value = address.get("country") if isinstance(address, dict) else None
    return value.strip().upper() if isinstance(value, str) else ""


def country_rule(state: CustomerState) -> CountryRule:
    """The rule set of the person's country; the strictest where it is unknown."""
    return COUNTRIES.get(country_of(state), STRICTEST)


def attribute_value(state: CustomerState, name: str) -> Any:
    """The value of a profile attribute or None."""
    attribute = state.profile.attributes.get(name)
    return attribute.value if attribute is not None else None


def _ending(state: CustomerState, channel: str, purpose: str) -> tuple[Micros, str]:
    """(instant, reason) of the newest withdrawal or expiry that covers this channel and purpose; (-1, "")."""
    ended_us, reason = -1, ""
    for key in keys_of(channel, purpose):
        grant = state.consent.grants.get(key)
        if grant is not None and not grant.granted and grant.happened_us > ended_us:
            ended_us, reason = grant.happened_us, "withdrawn" if grant.expires_us == NEVER else "expired"
    return ended_us, reason


def _epoch(state: CustomerState, channel: str, purpose: str) -> int:
    grant = state.consent.grants.get(f"{channel}|{purpose}")
    return grant.epoch if grant is not None and grant.granted and grant.proven else 0


def why_void(state: CustomerState, grant: Grant, channel: str, at_us: Micros) -> str:
    """ "" if this grant is good for the person's address now, else the reason why not."""
    if grant.expires_us <= at_us:
        return "expired"
    if grant.address == PENDING_ADDRESS:
        return "address_unproved"
    if grant.address and grant.address != address_of(state, channel):
        return "address_changed"
    return ""


def void_grants(state: CustomerState, at_us: Micros) -> frozenset[str]:
    """Keys of the grants on record that are not good for the person's address now."""
    grants = state.consent.grants.items()
    return frozenset(
        key for key, grant in grants if grant.granted and why_void(state, grant, key.partition("|")[0], at_us)
    )


def _express(state: CustomerState, channel: str, purpose: str, *, at_us: Micros, after_us: Micros) -> str:
    grant = state.consent.grants.get(f"{channel}|{purpose}")
    if grant is None or not grant.granted or grant.basis != EXPRESS:
        return "no_basis"
    if after_us >= 0 and not (grant.proven and grant.happened_us > after_us):
        return "no_basis"
    return why_void(state, grant, channel, at_us)


def _existing_customer(
    state: CustomerState, channel: str, purpose: str, *, at_us: Micros, categories: tuple[str, ...]
) -> str:
    """Section 7 III UWG, all four: address and notice (the grant), no objection (asked before), own similar goods."""
    rule = country_rule(state)
    if not rule.existing_customer or (rule.refusal_list and attribute_value(state, "ecg_listed") is not False):
        return "country_rule"
    grant = state.consent.grants.get(f"{channel}|{purpose}")
    if grant is None or grant.basis != EXISTING:
        grant = state.consent.grants.get(f"{channel}|*")
    if channel not in _WRITTEN or grant is None or grant.basis != EXISTING or not state.commerce.order_count:
        return "no_basis"
    bought = state.commerce.categories
    if ANY_GOODS not in categories and not any(category in bought for category in categories):
        return "goods_not_similar"
    return why_void(state, grant, channel, at_us)


def _other(state: CustomerState, channel: str, purpose: str, *, basis: str, at_us: Micros) -> str:
    if basis == "legitimate_interest":
        return "" if channel == "letter" else "no_basis"
    if basis == "presumed_b2b":
        if channel not in CALLS or attribute_value(state, "business") is not True:
            return "no_basis"
        return "" if country_rule(state).presumed_b2b else "country_rule"
    grant = state.consent.grants.get(f"{channel}|{purpose}")
    if basis != "requested" or grant is None or grant.basis != basis:
        return "no_basis"  # contract and legal duty are no ground to promote anything
    return why_void(state, grant, channel, at_us)


def _ground(state: CustomerState, channel: str, purpose: str, bases: tuple[str, ...], *, at_us: Micros) -> str:
    grant = state.consent.grants.get(f"{channel}|{purpose}")
    if grant is not None and grant.basis in _ALWAYS_BASES and not why_void(state, grant, channel, at_us):
        return grant.basis
    return next((basis for basis in bases if basis in _ALWAYS_BASES), "contract")


def _service(state: CustomerState, channel: str, purpose: str, bases: tuple[str, ...], *, at_us: Micros) -> Permission:
    objections, grants = state.consent.objections, state.consent.grants
    grant = grants.get(f"{channel}|{purpose}")
    endings = (one for one in (grant, grants.get(f"*|{purpose}")) if one is not None and not one.granted)
    off_us = max(objections.get(f"purpose:{purpose}", -1), *(one.happened_us for one in endings), -1)
    is_wanted_again = grant is not None and grant.granted and grant.proven and grant.happened_us > off_us
    if "service" in objections or (off_us >= 0 and not is_wanted_again):
        return Permission(False, "", "service_switched_off")
    basis = _ground(state, channel, purpose, bases, at_us=at_us)
    granted = grant is not None and grant.basis == basis and not why_void(state, grant, channel, at_us)
    if not granted and state.commerce.last_order_us < 0 and not state.commerce.open_orders:
        return Permission(False, "", "no_contract")
    return Permission(True, basis, basis, _epoch(state, channel, purpose))
