"""Consent as a fold: which ground there is to speak to this person, and what forbids it.

The result does not depend on the order in which events arrive: every record is the maximum of its events under a total
order, so an older grant that arrives after a newer withdrawal changes nothing. The rules:

- A row that came in by a public write key never changes consent.
- Per channel and purpose the newest of all withdrawals and *proven* confirmations counts; at the same instant the
  withdrawal wins. All else (imports, other legal bases) counts only where neither exists, and never lifts anything.
- A confirmation without wording and proof is no consent: the sender bears the burden of proof (Art. 7 I DSGVO).
- Consent belongs to the proved address; a later address needs its own.
- Objections and complaints stay on record for ever (Art. 21 DSGVO); only what is proven and newer than they are holds
  beside them, for exactly its channel and purpose (permission.py).
- Unsubscribing is per person and list, a hard bounce per address, a complaint for all marketing.
"""

from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal

from kundenkreis.customers.core.state import Consent, CustomerState, Grant
from kundenkreis.customers.core.turn import Turn
from kundenkreis.kernel.ids import NEVER, Micros
from kundenkreis.kernel.rows import CLAIMED, DERIVED, PUBLIC, LogRow
from kundenkreis.kernel.zones import DAY, from_datetime

TRACKING = "tracking"
"""The purpose of individual measuring (section 25 TDDDG); one record for all channels."""

OPT_IN = "opt_in"
"""The purpose of the mail that asks for confirmation: the person requested exactly this one."""

OPT_IN_DAYS = 14
"""An unconfirmed request is no ground to write after this time (product default)."""

CONFIRMED = "Consent Confirmed"
EPOCH_LINK = "inbox"
"""What the resolver notes on a confirmation: its number in the inbox, the order in which things were acknowledged."""

PENDING_ADDRESS = "?"
"""The grant came before the address it was given with was known; bound to the first one that becomes known."""

EXPRESS, EXISTING = "express_consent", "existing_customer"
BASES = frozenset({EXPRESS, EXISTING, "contract", "requested", "legitimate_interest", "presumed_b2b", "legal_duty"})

WORDING_FIELDS = ("wording", "text_version")
PROOF_FIELDS = ("proof", "form", "form_url", "token_id", "document")
"""A confirmation proves itself by one of each: what was agreed to, and where it was given."""

_SCOPES = frozenset({"marketing", "service", "profiling"})
"""Scopes of an objection, beside channel:<channel> and purpose:<purpose>."""

MOST_GRANTS = 100
"""Grants for further keys are not recorded (no consent); withdrawals always are."""

MOST_SOFT_BOUNCES = 10
SOFT_BOUNCES, SOFT_SPREAD, SOFT_REST = 3, 7 * DAY, 30 * DAY
"""Three soft bounces over at least 7 days rest an address for 30 days, once; a further one after that for good."""

_NOT_THE_PERSON = frozenset({"policy", "content", "spam", "blocked", "configuration"})
"""Reasons of a bounce that say nothing about the address: never counted, whatever else the report claims."""

_ADDRESS_ATTRIBUTES = {
    "email": "email", "sms": "phone", "messenger": "phone", "phone": "phone", "call": "phone", "letter": "address",
}  # fmt: skip
ADDRESS_ATTRIBUTES = tuple(dict.fromkeys(_ADDRESS_ATTRIBUTES.values()))
"""Attributes that hold addresses."""
_PROVED_CHANNELS = frozenset({"email", "sms", "messenger", "phone", "call"})


def apply_consent(turn: Turn) -> None:
    """Fold one row into `turn.state.consent`; marks "consent" as dirty if something changed. Hot: one dict look-up."""
    row = turn.row
    if row is None or row.flags & (PUBLIC | CLAIMED | DERIVED):
        return
    handler = _HANDLERS.get(row.name)
    changed = handler(turn.state, row) if handler is not None else False
    if "attribute:email" in turn.dirty or "attribute:phone" in turn.dirty:
        changed = _bind_pending(turn.state) or changed
    if changed:
        turn.dirty.add("consent")


def merge_consent(
    winner: Consent, loser: Consent, *, void: tuple[Collection[str], Collection[str]] = ((), ())
) -> Consent:
    """Bring the loser's record into the winner's, in place. Never wider than the narrower of the two.

    Args:
        void: keys of the winner's and of the loser's grants that are good for nothing now (run out, for another address): they lift no
            withdrawal any more, so that of their side beats a grant of the other as well.

    A withdrawal beats a grant whatever their instants, no record yields to a grant (it still belongs to its proved
    address), objections and suppressions of both stay. Returns the winner's record.
    """
    ended = {
        key: max(_forbidden_since(winner, key, void=void[0]), _forbidden_since(loser, key, void=void[1]))
        for key in sorted({*winner.grants, *loser.grants})
    }
    for key, grant in loser.grants.items():
        own = winner.grants.get(key)
        winner.grants[key] = grant if own is None else max(own, grant, key=_merge_rank)
    for key, ended_us in ended.items():
        if winner.grants[key].granted and ended_us >= 0:
            winner.grants[key] = Grant(EXPRESS, False, ended_us, winner.grants[key].event_id)
    winner.grants = dict(sorted(winner.grants.items()))
    winner.objections = _latest(winner.objections, loser.objections)
    for address, entries in loser.suppressed.items():
        for reason, since_us, scope, lifted_us in entries:
            _suppress(winner, address, reason, scope, since_us=since_us, lifted_us=lifted_us)
    for address, instants in loser.soft_bounces.items():
        own_instants = winner.soft_bounces.get(address, [-1])
        winner.soft_bounces[address] = _bounce_list(max(own_instants[0], instants[0]), own_instants[1:] + instants[1:])
    winner.soft_bounces = dict(sorted(winner.soft_bounces.items()))
    winner.tracking = _tracking(winner)
    return winner


@lru_cache(maxsize=1000)
def scopes_of(channel: str, purpose: str) -> tuple[str, ...]:
    """The scopes of an objection that cover this channel and purpose."""
    return "marketing", f"channel:{channel}", f"purpose:{purpose}"


@lru_cache(maxsize=1000)
def keys_of(channel: str, purpose: str) -> tuple[str, ...]:
    """The keys of records that cover this channel and purpose, the exact one first."""
    return f"{channel}|{purpose}", f"{channel}|*", f"*|{purpose}", "*|*"


def address_of(state: CustomerState, channel: str) -> str:
    """The address at which this channel reaches the person now, normalised; "" if there is none.

    Channels without an address of their own (push devices, the web site) are named by the identifier kind
    "<channel>_token", else by nothing.
    """
    name = _ADDRESS_ATTRIBUTES.get(channel)
    if name is not None:
        attribute = state.profile.attributes.get(name)
        return normal_address(channel, attribute.value) if attribute is not None else ""
    for kind, value in state.profile.identifiers:
        if kind == f"{channel}_token":
            return value
    return ""


def normal_address(channel: str, value: Any) -> str:
    """One spelling per address: e-mail in lower case, telephone as digits and plus, a postal address by its parts."""
    if channel == "letter":
        parts = value if isinstance(value, dict) else {"street": value}
        return ", ".join(str(part) for _, part in sorted(parts.items()) if part) if parts.get("street") else ""
    if not isinstance(value, str):
        return ""
    if channel == "email":
        return value.strip().lower()
    return "".join(character for character in value if character.isdigit() or character == "+")


def soft_suppression(instants: list[int], at_us: Micros) -> Micros:
    """Until when soft bounces rest this address at `at_us`; -1 = they do not, NEVER = for good."""
    bounces = instants[1:]
    rests_until = -1
    for i, bounced_us in enumerate(bounces):
        if bounced_us > at_us:
            break
        if rests_until < 0 and _is_rest(bounces, i):
            rests_until = bounced_us + SOFT_REST
        elif 0 <= rests_until < bounced_us:
            return NEVER
    return rests_until if rests_until > at_us else -1


def why_idle(properties: dict[str, Any]) -> Literal["", "basis", "evidence", "scope"]:
    """Why a Consent Confirmed grants nothing; "" where it grants something.

    basis: it states one that nobody can give this way; evidence: it names no wording, or no proof; scope: it is for everything.
    """
    basis = _text(properties, "basis") or EXPRESS
    if basis not in BASES or basis == EXISTING:
        return "basis"
    is_evident = all(any(_says(properties.get(one)) for one in fields) for fields in (WORDING_FIELDS, PROOF_FIELDS))
    if basis == EXPRESS and not is_evident:
        return "evidence"
    return "scope" if all(_is_too_broad(*pair) for pair in _pairs(properties)) else ""


def _is_too_broad(channel: str, purpose: str) -> bool:
    """Consent is specific (BGH VI ZR 721/15): nobody agrees to everything."""
    return purpose == "*" or (channel == "*" and purpose != TRACKING)


# Events ---------------------------------------------------------------------------------------------------------------


def _confirmed(state: CustomerState, row: LogRow) -> bool:
    """Consent Confirmed: a legal ground, with the evidence it needs."""
    properties = row.properties
    if why_idle(properties):
        return False
    basis = _text(properties, "basis") or EXPRESS
    proven = basis == EXPRESS and row.origin in ("api", "human")
    epoch = _epoch(row) if proven else 0
    changed = False
    for channel, purpose in _pairs(properties):
        if _is_too_broad(channel, purpose):
            continue
        address = _proved_address(state, row, channel)
        grant = Grant(basis, True, row.happened_us, row.event_id, address, _expiry(properties), proven, epoch)
        changed = _record(state.consent, f"{channel}|{purpose}", grant) or changed
    return changed


def _requested(state: CustomerState, row: LogRow) -> bool:
    """Consent Requested: the person asked for the mail that asks back, for nothing else."""
    changed = False
    for channel, _ in _pairs(row.properties):
        grant = Grant(
            "requested", True, row.happened_us, row.event_id, _proved_address(state, row, channel),
            row.happened_us + OPT_IN_DAYS * DAY,
        )  # fmt: skip
        changed = _record(state.consent, f"{channel}|{OPT_IN}", grant) or changed
    return changed


def _withdrawn(state: CustomerState, row: LogRow) -> bool:
    """Consent Withdrawn, Consent Expired: the end of a ground; without a channel or purpose of all of them."""
    ends_us = row.happened_us if row.name == "Consent Expired" else NEVER
    changed = False
    for channel, purpose in _pairs(row.properties):
        grant = Grant(EXPRESS, False, row.happened_us, row.event_id, "", ends_us)
        changed = _record(state.consent, f"{channel}|{purpose}", grant) or changed
    return changed


def _objected(state: CustomerState, row: LogRow) -> bool:
    """Consent Objected: everything in its scope, from now on."""
    properties = row.properties
    scope = _tidy(properties.get("scope"))
    if scope and scope != "all":
        # What cannot be understood is taken as wide as it may be meant.
        is_known = scope in _SCOPES or scope.startswith(("channel:", "purpose:"))
        return _object(state.consent, scope if is_known else "marketing", row.happened_us)
    changed = False
    for channel, purpose in _pairs(properties):
        scope = f"purpose:{purpose}" if purpose != "*" else f"channel:{channel}" if channel != "*" else "marketing"
        changed = _object(state.consent, scope, row.happened_us) or changed
    return changed


def _unsubscribed(state: CustomerState, row: LogRow) -> bool:
    """Unsubscribed: the list of the message; {"scope": "all"} all marketing; no list named: the whole channel."""
    properties = row.properties
    if _tidy(properties.get("scope")) in ("all", "marketing"):
        return _object(state.consent, "marketing", row.happened_us)
    purpose, channel = _tidy(properties.get("purpose")) or "*", _tidy(properties.get("channel")) or "email"
    grant = Grant(EXPRESS, False, row.happened_us, row.event_id)
    return _record(state.consent, f"{channel}|{purpose}", grant)


def _bounced(state: CustomerState, row: LogRow) -> bool:
    """Email Bounced, Message Failed: hard ends the address, soft counts, all else says nothing about the person."""
    properties = row.properties
    kind = _bounce_class(properties)
    address = _event_address(state, row, _channel_of(row))
    if not address:
        return False
    if kind == "hard":
        return _suppress(state.consent, address, "hard", "all", since_us=row.happened_us)
    if kind != "soft":
        return False
    bounces = state.consent.soft_bounces
    before = bounces.get(address, [-1])
    after = _bounce_list(before[0], [*before[1:], row.happened_us])
    if after == before:
        return False
    bounces[address] = after
    state.consent.soft_bounces = dict(sorted(bounces.items()))
    return True


def _bounce_class(properties: dict[str, Any]) -> str:
    """hard, soft or "": as mail providers name it, or as the reason of our own failed hand-over."""
    kind = ""
    for name in ("bounce_class", "class", "bounce_type", "reason"):
        kind = kind or _text(properties, name).removesuffix("_bounce")
        if kind in ("hard", "soft"):
            return kind
    is_final = properties.get("is_final")
    if type(is_final) is not bool or kind.removesuffix("_rejected") in _NOT_THE_PERSON:
        return ""
    return "hard" if is_final else "soft"


def _accepted(state: CustomerState, row: LogRow) -> bool:
    """Email Delivered, Message Sent: the address works; earlier soft bounces no longer count."""
    if not state.consent.soft_bounces:
        return False
    address = _event_address(state, row, _channel_of(row))
    before = state.consent.soft_bounces.get(address)
    if before is None:
        return False
    after = _bounce_list(max(before[0], row.happened_us), before[1:])
    state.consent.soft_bounces[address] = after
    return after != before


def _complained(state: CustomerState, row: LogRow) -> bool:
    """Email Marked as Spam: all marketing, for ever."""
    changed = _object(state.consent, "marketing", row.happened_us)
    address = _event_address(state, row, "email")
    if address:
        changed = _suppress(state.consent, address, "complaint", "marketing", since_us=row.happened_us) or changed
    return changed


def _suppression_added(state: CustomerState, row: LogRow) -> bool:
    """Suppression Added: by hand or from another system; scope marketing unless it says all."""
    properties = row.properties
    address = _event_address(state, row, _channel_of(row))
    if not address:
        return False
    reason = "hard" if _tidy(properties.get("reason")) == "hard" else "manual"
    scope = "all" if reason == "hard" or _tidy(properties.get("scope")) == "all" else "marketing"
    return _suppress(state.consent, address, reason, scope, since_us=row.happened_us)


def _suppression_lifted(state: CustomerState, row: LogRow) -> bool:
    """Suppression Lifted: a bounce or a manual entry; never a complaint, an objection or an unsubscription."""
    address = _event_address(state, row, _channel_of(row))
    if not address or row.origin not in ("api", "human"):
        return False
    changed = False
    for reason, scope in (("hard", "all"), ("manual", "all"), ("manual", "marketing")):
        changed = _suppress(state.consent, address, reason, scope, lifted_us=row.happened_us) or changed
    before = state.consent.soft_bounces.get(address)
    if before is not None:
        state.consent.soft_bounces[address] = _bounce_list(max(before[0], row.happened_us), before[1:])
        changed = True
    return changed


def _ordered(state: CustomerState, row: LogRow) -> bool:
    """Order Completed: ground for own similar goods (section 7 III UWG), if the order proves what it takes.

    Address obtained with this order, and the notice of the right to object was shown (`notice_version`). That nobody
    objected and that the goods are similar is asked at every message (permission.py).
    """
    properties = row.properties
    address = _event_address(state, row, "email")
    if not properties.get("notice_version") or not properties.get("order_id") or not address:
        return False
    return _record(state.consent, "email|*", Grant(EXISTING, True, row.happened_us, row.event_id, address))


_HANDLERS: dict[str, Callable[[CustomerState, LogRow], bool]] = {
    "Consent Requested": _requested,
    CONFIRMED: _confirmed,
    "Consent Withdrawn": _withdrawn,
    "Consent Expired": _withdrawn,
    "Consent Objected": _objected,
    "Unsubscribed": _unsubscribed,
    "Email Unsubscribed": _unsubscribed,
    "Email Bounced": _bounced,
    "Message Failed": _bounced,
    "Email Delivered": _accepted,
    "Message Sent": _accepted,
    "Email Marked as Spam": _complained,
    "Suppression Added": _suppression_added,
    "Suppression Lifted": _suppression_lifted,
    "Order Completed": _ordered,
}
CONSENT_EVENTS: tuple[str, ...] = tuple(_HANDLERS)


# Records --------------------------------------------------------------------------------------------------------------


def _rank(grant: Grant) -> tuple[bool, int, bool, bytes]:
    """The total order of records of one key: the highest is what holds."""
    return (grant.proven or not grant.granted, grant.happened_us, not grant.granted, grant.event_id)


def _merge_rank(grant: Grant) -> tuple[bool, bool, int, bytes]:
    return (not grant.granted, grant.proven, grant.happened_us, grant.event_id)


def _forbidden_since(consent: Consent, key: str, *, void: Collection[str]) -> Micros:
    """Since when this one record forbids the channel and purpose, by whatever scope; -1 if it does not."""
    channel, _, purpose = key.partition("|")
    since_us = max(consent.objections.get(scope, -1) for scope in scopes_of(channel, purpose))
    for covering in keys_of(channel, purpose):
        end = consent.grants.get(covering)
        if end is not None and not end.granted:
            since_us = max(since_us, end.happened_us)
    grant = consent.grants.get(key)
    is_good = grant is not None and grant.granted and key not in void
    lifted = grant is not None and is_good and grant.proven and grant.happened_us > since_us
    return -1 if lifted else since_us


def _record(consent: Consent, key: str, grant: Grant) -> bool:
    own = consent.grants.get(key)
    if own is not None and _rank(own) >= _rank(grant):
        return False
    if own is None and grant.granted and len(consent.grants) >= MOST_GRANTS:
        return False
    consent.grants[key] = grant
    if own is None:
        consent.grants = dict(sorted(consent.grants.items()))
    if key.endswith("|" + TRACKING) or key == "*|*":
        consent.tracking = _tracking(consent)
    return True


def _tracking(consent: Consent) -> bool:
    grant, end = consent.grants.get(f"*|{TRACKING}"), consent.grants.get("*|*")
    if grant is None or not grant.granted:
        return False
    return end is None or (grant.proven and grant.happened_us > end.happened_us)


def _object(consent: Consent, scope: str, since_us: Micros) -> bool:
    if consent.objections.get(scope, -1) >= since_us:
        return False
    consent.objections = _latest(consent.objections, {scope: since_us})
    return True


def _latest(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    return {scope: max(one.get(scope, -1), other.get(scope, -1)) for scope in sorted({*one, *other})}


def _suppress(
    consent: Consent, address: str, reason: str, scope: str, *, since_us: Micros = -1, lifted_us: Micros = -1
) -> bool:
    """Raise the instants of one (address, reason, scope); an addition wins over a lifting at the same instant."""
    entries = consent.suppressed.get(address, [])
    for entry in entries:
        if entry[0] == reason and entry[2] == scope:
            raised = [reason, max(entry[1], since_us), scope, max(entry[3], lifted_us)]
            if raised == entry:
                return False
            entry[:] = raised
            return True
    consent.suppressed[address] = sorted([*entries, [reason, since_us, scope, lifted_us]], key=lambda e: (e[0], e[2]))
    consent.suppressed = dict(sorted(consent.suppressed.items()))
    return True


def _bounce_list(accepted_us: Micros, bounces: list[int]) -> list[int]:
    counted = sorted({bounced_us for bounced_us in bounces if bounced_us > accepted_us})
    while len(counted) > MOST_SOFT_BOUNCES:
        # The first ones, the one that brought the rest and the last decide; whatever else there is may go, or the rest would begin anew.
        rested = next((i for i, one in enumerate(counted) if _is_rest(counted, i)), 2)
        del counted[2 if rested > 2 else 3]
    return [accepted_us, *counted]


def _is_rest(bounces: list[int], index: int) -> bool:
    """Whether the address rests because of this one of ascending bounces, if it did not before."""
    return index + 1 >= SOFT_BOUNCES and bounces[index] - bounces[0] >= SOFT_SPREAD


def _bind_pending(state: CustomerState) -> bool:
    changed = False
    for key, grant in state.consent.grants.items():
        if grant.address == PENDING_ADDRESS:
            address = address_of(state, key.partition("|")[0])
            if address:
                grant.address, changed = address, True
    return changed


# What a row says ------------------------------------------------------------------------------------------------------


def _pairs(properties: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The (channel, purpose) pairs an event names, "*" for what it leaves open. The tracking purpose has no channel."""
    for purpose in _names(properties, "purpose", "purposes"):
        for channel in ("*",) if purpose == TRACKING else _names(properties, "channel", "channels"):
            yield channel, purpose


def _names(properties: dict[str, Any], single: str, several: str) -> list[str]:
    listed = properties.get(several)
    if isinstance(listed, list):
        names = sorted({_tidy(name) for name in listed} - {""})
        if names:
            return names
    return [_tidy(properties.get(single)) or "*"]


def _tidy(value: Any) -> str:
    """A channel, purpose or scope as definitions write it: "Email " is email."""
    return value.strip().casefold() if isinstance(value, str) else ""


def _says(value: Any) -> bool:
    """Whether a field of evidence says anything: text, a number, or an object with something in it."""
    return bool(value) and isinstance(value, str | int | dict) and not isinstance(value, bool)


def _text(properties: dict[str, Any], name: str) -> str:
    value = properties.get(name)
    return value if isinstance(value, str) else ""


def _channel_of(row: LogRow) -> str:
    """Whose address a row about an address speaks of: e-mail unless it names another channel."""
    return "email" if row.name.startswith("Email ") else _tidy(row.properties.get("channel")) or "email"


def _event_address(state: CustomerState, row: LogRow, channel: str) -> str:
    """The address an event names (properties, then context.traits), else the one on record."""
    name = _ADDRESS_ATTRIBUTES.get(channel, "address")
    context = row.body.get("context")
    traits = context.get("traits") if isinstance(context, dict) else None
    for holder in (row.properties, traits if isinstance(traits, dict) else {}):
        for field in (name, "address"):
            if isinstance(holder.get(field), str):
                return normal_address(channel, holder[field])
    return address_of(state, channel)


def _proved_address(state: CustomerState, row: LogRow, channel: str) -> str:
    return (_event_address(state, row, channel) or PENDING_ADDRESS) if channel in _PROVED_CHANNELS else ""


def _epoch(row: LogRow) -> int:
    number = (row.links or {}).get(EPOCH_LINK)
    return number if type(number) is int else 0


def _expiry(properties: dict[str, Any]) -> Micros:
    """The end an event states (`expires_at`, ISO), NEVER without one; what cannot be read ends at once."""
    value = properties.get("expires_at")
    if value is None:
        return NEVER
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return 0
    return from_datetime(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
