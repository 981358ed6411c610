"""May we speak to this person, on this channel, for this purpose? The legal side of the contact policy, and nothing else of it.

Transactional and service messages need no consent: they rest on the contract, or on the request or duty that a grant names. Marketing
needs a standing grant whose basis the purpose accepts, and no objection. A suppressed address stops what its reason stops:

| reason | stops |
|---|---|
| hard | every class: the address does not exist |
| soft | service and marketing |
| complaint, unsub, manual | marketing; every class when its scope is "all" |

Bases that the law ties to one way of contact hold only there: legitimate interest for letters, presumed consent between
businesses for the telephone.
"""

from collections.abc import Mapping
from typing import NamedTuple

from kundenkreis.customers.core.state import Consent, CustomerState, Grant
from kundenkreis.kernel.ids import NEVER, Micros

Purposes = Mapping[str, tuple[str, ...]]
"""Purpose id -> legal bases on which it may rest."""

CONTRACT = "contract"
UNSOLICITED = ("requested", "legal_duty")
"""Bases that a transactional message records in place of the contract when a grant names them."""
BOUND_TO_CHANNEL = {"legitimate_interest": frozenset({"letter"}), "presumed_b2b": frozenset({"phone", "call"})}
_ADDRESS_OF = {"email": "email", "sms": "phone", "whatsapp": "phone", "phone": "phone", "call": "phone"}
"""Channel -> the identifier that is its address; other channels need none."""


class Permission(NamedTuple):
    """The answer, the legal basis it rests on, and what refused it."""

    allowed: bool
    basis: str
    """"" when refused."""
    reason: str
    """"" when allowed; else no_address, suppressed:<reason>, objection:<scope>, unknown_purpose, withdrawn, expired, other_address, no_basis."""
    changes_us: Micros = NEVER
    """When the answer changes by itself: a grant ends."""


def permission(
    state: CustomerState, channel: str, purpose: str, message_class: str, at_us: Micros, purposes: Purposes | None
) -> Permission:
    """Whether law and the person's own word permit this contact at this instant.

    Args:
        purpose: "" asks for any purpose.
        message_class: transactional, service or marketing.
        purposes: what each purpose may rest on; None: every purpose on every basis.
    """
    address = address_of(state, channel)
    refused = _refused_address(state.consent, channel, address, message_class)
    if refused:
        return Permission(False, "", refused)
    consent = state.consent
    if message_class != "marketing":
        grant = consent.grants.get(f"{channel}|{purpose}")
        named = grant is not None and standing(grant, at_us) and grant.basis in UNSOLICITED
        return Permission(True, grant.basis if named and grant is not None else CONTRACT, "")
    if purpose:
        return _marketing(consent, channel, purpose, address, at_us, purposes)
    prefix = f"{channel}|"
    asked = sorted(key[len(prefix) :] for key in consent.grants if key.startswith(prefix)) or [""]
    answers = [_marketing(consent, channel, one, address, at_us, purposes) for one in asked]
    allowed = [answer for answer in answers if answer.allowed]
    if not allowed:
        return answers[0]
    return allowed[0]._replace(changes_us=max(answer.changes_us for answer in allowed))


def address_of(state: CustomerState, channel: str) -> str:
    """The address for a channel: the attribute, else the identifier attached last; "" if there is none."""
    kind = _ADDRESS_OF.get(channel)
    if kind is None:
        return ""
    held = state.profile.attributes.get(kind)
    if held is not None and type(held.value) is str and held.value:
        return _normal(held.value)
    return next((_normal(value) for name, value in reversed(state.profile.identifiers) if name == kind), "")


def standing(grant: Grant | None, at_us: Micros) -> bool:
    """Whether a grant stands at this instant."""
    return grant is not None and grant.granted and grant.expires_us > at_us


def _refused_address(consent: Consent, channel: str, address: str, message_class: str) -> str:
    """What is wrong with the address for this class; "" if nothing is."""
    if not address:
        return "no_address" if channel in _ADDRESS_OF else ""
    held = consent.suppressed.get(address)
    if held is None or message_class not in _stopped_by(held[0], held[2] if len(held) > 2 else ""):
        return ""
    return f"suppressed:{held[0]}"


def _marketing(
    consent: Consent, channel: str, purpose: str, address: str, at_us: Micros, purposes: Purposes | None
) -> Permission:
    for scope in ("marketing", f"channel:{channel}", f"purpose:{purpose}"):
        if scope in consent.objections:
            return Permission(False, "", f"objection:{scope}")
    if purpose and purposes is not None and purpose not in purposes:
        return Permission(False, "", "unknown_purpose")
    grant = consent.grants.get(f"{channel}|{purpose}")
    if grant is None:
        return Permission(False, "", "no_basis")
    bases = (grant.basis,) if purposes is None else purposes[purpose]
    refused = _refused_grant(grant, channel, address, at_us, bases)
    return Permission(False, "", refused) if refused else Permission(True, grant.basis, "", grant.expires_us)


def _refused_grant(grant: Grant, channel: str, address: str, at_us: Micros, bases: tuple[str, ...]) -> str:
    """Why a grant carries no marketing here; "" if it does."""
    if not grant.granted:
        return "withdrawn"
    if grant.expires_us <= at_us:
        return "expired"
    if grant.address and address and _normal(grant.address) != address:
        return "other_address"
    bound = BOUND_TO_CHANNEL.get(grant.basis)
    return "" if grant.basis in bases and (bound is None or channel in bound) else "no_basis"


def _stopped_by(reason: str, scope: str) -> tuple[str, ...]:
    if reason == "hard" or scope == "all":
        return ("transactional", "service", "marketing")
    return ("service", "marketing") if reason == "soft" else ("marketing",)


def _normal(address: str) -> str:
    return address.strip().lower()
